package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var changeViolates = &Code{
	Name: "change-violates", Severity: phases.SeverityWarning,
	Means: "A foreign key sets columns to NULL or to their default, and a constraint of the table looks at them: a row that it does not accept as it is then makes the delete fail. Unique are also rows that come to lie under an index's condition.",
	Do:    "rehearse with the data as it is, or delete those rows first",
}

var violating = rule{[]*Code{changeViolates}, func(v *View) []phases.Finding {
	guards := map[uint32][]schema.Guard{}
	for _, g := range v.Schema.Guards {
		guards[g.Relation] = append(guards[g.Relation], g)
	}
	var out []phases.Finding
	said := map[string]bool{}
	for i := range v.Schema.Keys {
		k := &v.Schema.Keys[i]
		if k.Action != schema.SetNull && k.Action != schema.SetDefault || !v.reach.Emptied[k.To] || guards[k.From] == nil {
			continue
		}
		is, d, _ := v.fateOf(k)
		if is == gone || firstNotNull(k) != "" {
			continue // said as null-refused
		}
		phase, child, columns := v.Book.Phases[d.phase].ID, v.Name(k.From), columnNames(k)
		for _, g := range guards[k.From] {
			key := child + "\x00" + g.Name + "\x00" + v.reach.roots[k.OID].Name
			if said[key] || !guarded(g, k, columns) {
				continue
			}
			said[key] = true
			text := fmt.Sprintf("where rows of %s refer to %s, %s is set by %s (ON DELETE %s), which may violate %s", child, v.Name(k.To), strings.Join(columns, ", "), v.reach.roots[k.OID].Name, k.Action, g.Name)
			if g.Deferred {
				text += ", at the end of the phase"
			}
			if refusesNull(g, k) {
				out = append(out, nullRefused.at(phase, child, fmt.Sprintf("deleting from %s fails on rows of %s that refer to %s (%s, ON DELETE %s): %s takes no NULL", d.table, child, v.Name(k.To), v.reach.roots[k.OID].Name, k.Action, g.Name), fmt.Sprintf("delete from %s first", child)))
				continue
			}
			out = append(out, changeViolates.at(phase, child, text+": "+g.Definition, ""))
		}
	}
	return out
}}

func columnNames(k *schema.Key) []string {
	var out []string
	for _, c := range k.Columns {
		out = append(out, c.Name)
	}
	return out
}

// nullTest is what gives false, and not NULL, where a column is NULL.
var nullTest = regexp.MustCompile(`(?i)\bIS (NOT )?NULL\b|\bDISTINCT FROM\b|\bnum_n(onn)?ulls\b|\bCOALESCE\b|\bCASE\b`)

// guarded reports whether a guard may refuse what a key's action makes of a row.
// NULL passes a CHECK that does not ask for it, and is like no other NULL.
func guarded(g schema.Guard, k *schema.Key, changed []string) bool {
	looks := func(at []string) bool {
		return slices.ContainsFunc(at, func(c string) bool { return slices.Contains(changed, c) })
	}
	null := k.Action == schema.SetNull || !hasDefault(k)
	if g.Check {
		return looks(g.Columns) && (!null || nullTest.MatchString(g.Definition))
	}
	return looks(g.Through) && (!null || nullTest.MatchString(g.Definition)) || looks(g.Columns) && (!null || g.NullsEqual)
}

// refusesNull reports whether a guard says no more than NOT NULL of a column
// that the key sets to NULL.
func refusesNull(g schema.Guard, k *schema.Key) bool {
	return g.Check && slices.ContainsFunc(k.Columns, func(c schema.Column) bool {
		return (k.Action == schema.SetNull || c.Default == "") && slices.Contains([]string{
			"CHECK ((" + c.Name + " IS NOT NULL))", "CHECK ((" + schema.Quoted(c.Name) + " IS NOT NULL))",
		}, strings.TrimSuffix(g.Definition, " NOT VALID"))
	})
}
