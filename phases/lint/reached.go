package lint

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var (
	protectedReached = &Code{
		Name: "protected-reached", Severity: phases.SeverityError,
		Means: "A delete reaches a protected table through foreign keys that cascade: its rows would be deleted, and the phase will not offer COMMIT unless none of them refers to what goes.",
		Do:    "take the table on the way out of the runbook, or have the key changed: a human decides",
	}
	protectedChanged = &Code{
		Name: "protected-changed", Severity: phases.SeverityError,
		Means: "A foreign key sets columns of a protected table to NULL or to their default where its rows refer to what goes: the phase will not offer COMMIT unless none does.",
		Do:    "decide whether those rows may change: then they are not protected",
	}
	reachedUnnamed = &Code{
		Name: "reached-unnamed", Severity: phases.SeverityWarning,
		Means: "A delete reaches a table that the runbook does not mention: its rows go or change with it.",
		Do:    "name it where it is emptied, or under count, so that everybody knows",
	}
)

var reached = rule{[]*Code{protectedReached, protectedChanged, reachedUnnamed}, func(v *View) []phases.Finding {
	var out []phases.Finding
	said := map[string]bool{}
	once := func(f phases.Finding) {
		if key := f.Code + "\x00" + f.Table + "\x00" + f.Text; !said[key] {
			said[key] = true
			out = append(out, f)
		}
	}
	unnamed := map[string][]string{} // by the table whose delete reaches them
	var from []string
	for _, r := range v.sorted(v.reach.Emptied) {
		name := v.Name(r.OID)
		path := v.Path(r.OID)
		switch {
		case v.reach.via[r.OID] == nil: // deleted by itself
		case v.protected[r.OID] && v.keeps(name):
			once(keyUnused.at(v.phaseOf(path[0]), name, fmt.Sprintf("no row of the protected table %s refers to what goes now: one that does goes with it, %s", name, strings.Join(path, " → ")), ""))
		case v.protected[r.OID]:
			once(protectedReached.at(v.phaseOf(path[0]), name, fmt.Sprintf("deleting from %s deletes rows of the protected table %s: %s", path[0], name, strings.Join(path, " → ")), ""))
		case !v.Names(r):
			if unnamed[path[0]] == nil {
				from = append(from, path[0])
			}
			if !slices.Contains(unnamed[path[0]], name) {
				unnamed[path[0]] = append(unnamed[path[0]], name)
			}
		}
	}
	for _, table := range from {
		once(reachedUnnamed.at(v.phaseOf(table), table, fmt.Sprintf("rows of %s go with those of %s", few(unnamed[table]), table), ""))
	}
	for _, e := range v.reach.Edges {
		switch {
		case e.Action == phases.ReachCascade || !e.Protected:
		case v.unused(e):
			once(keyUnused.at(v.phaseOf(e.From), e.Table, fmt.Sprintf("no row of the protected table %s refers to %s now: one that does is changed with it, %s is ON DELETE %s", e.Table, e.From, e.Constraint, e.Action), ""))
		default:
			once(protectedChanged.at(v.phaseOf(e.From), e.Table, fmt.Sprintf("deleting from %s changes rows of the protected table %s: %s is ON DELETE %s", e.From, e.Table, e.Constraint, e.Action), ""))
		}
	}
	return append(out, v.changedUnnamed()...)
}}

// keeps reports whether no cascade takes a row of a table, as far as was asked: no
// row refers by any key that would.
func (v *View) keeps(table string) bool {
	for _, e := range v.reach.Edges {
		if e.Table == table && e.Action == phases.ReachCascade && !v.unused(e) {
			return false
		}
	}
	return true
}

// changedUnnamed are the tables that the runbook does not mention and whose rows
// stay and change: one finding for those that refer to the same table.
func (v *View) changedUnnamed() []phases.Finding {
	tables := map[phases.Reach][]string{} // by what they refer to, and the action
	var order []phases.Reach
	for _, e := range v.reach.Edges {
		r := v.Find(e.Table)
		if e.Action == phases.ReachCascade || e.Protected || r == nil || v.Names(r) || v.reach.Emptied[r.OID] {
			continue
		}
		to := phases.Reach{From: e.From, Action: e.Action}
		if tables[to] == nil {
			order = append(order, to)
		}
		if !slices.Contains(tables[to], e.Table) {
			tables[to] = append(tables[to], e.Table)
		}
	}
	var out []phases.Finding
	for _, to := range order {
		out = append(out, reachedUnnamed.at(v.phaseOf(to.From), to.From, fmt.Sprintf("rows of %s are changed where they refer to %s, ON DELETE %s", few(tables[to]), to.From, to.Action), ""))
	}
	return out
}

// few names tables, or what else there may be many of, and says how many more there
// are: tminus reach has them all.
func few(names []string) string {
	const most = 20
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// phaseOf is the phase that deletes from a table first; empty when none does.
func (v *View) phaseOf(table string) string {
	for _, d := range v.steps {
		if d.table == table {
			return v.Book.Phases[d.phase].ID
		}
	}
	return ""
}

// sorted are the relations of a set in the order of their names.
func (v *View) sorted(set map[uint32]bool) []*schema.Relation {
	var out []*schema.Relation
	for oid := range set {
		if r := v.Schema.Relation(oid); r != nil {
			out = append(out, r)
		}
	}
	schema.SortRelations(out)
	return out
}
