package lint

import (
	"fmt"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var (
	rightMissing = &Code{
		Name: "right-missing", Severity: phases.SeverityError, Stops: true,
		Means: "The role lacks a right that the run needs: USAGE of the schema, SELECT to count and fingerprint, DELETE to delete and to lock, INSERT, UPDATE or DELETE for what a statement touches.",
		Do:    "grant it, or connect as the owner",
	}
	rowsHidden = &Code{
		Name: "rows-hidden", Severity: phases.SeverityError, Stops: true,
		Means: "Row-level security hides rows of the table from the role: what it cannot see it neither deletes nor counts.",
		Do:    "connect as the owner (without FORCE ROW LEVEL SECURITY), or as a role with BYPASSRLS",
	}
)

var rights = rule{[]*Code{rightMissing, rowsHidden}, func(v *View) []phases.Finding {
	var out []phases.Finding
	needs := v.rightsNeeded()
	for _, r := range v.sorted(needs.any) {
		name := v.Name(r.OID)
		var lacks []string
		for _, right := range []struct {
			word   string
			needed bool
			has    bool
		}{
			{"SELECT", needs.read[r.OID], r.Rights.Select},
			{"DELETE", needs.remove[r.OID], r.Rights.Delete},
			{"DELETE", needs.lock[r.OID] && !needs.remove[r.OID], r.Rights.Update || r.Rights.Delete || r.Rights.Truncate},
			{"INSERT, UPDATE, DELETE", needs.change[r.OID], r.Rights.Insert || r.Rights.Update || r.Rights.Delete || r.Rights.Truncate},
		} {
			if right.needed && !right.has {
				lacks = append(lacks, right.word)
			}
		}
		table := v.Book.FullName(v.Plain(r))
		switch {
		case !r.Rights.Usage:
			schemaName, _ := v.Book.SplitTable(v.Plain(r))
			out = append(out, rightMissing.at("", name, fmt.Sprintf("%s may not use the schema of %s", v.Schema.Server.Role, table), fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", quoted(schemaName), quoted(v.Schema.Server.Role))))
		case lacks != nil:
			out = append(out, rightMissing.at(v.phaseOf(name), name, fmt.Sprintf("%s lacks %s on %s", v.Schema.Server.Role, strings.Join(lacks, " and "), table), fmt.Sprintf("GRANT %s ON %s.%s TO %s", strings.Join(lacks, ", "), quoted(r.Schema), quoted(r.Name), quoted(v.Schema.Server.Role))))
		}
		if r.Filtered {
			out = append(out, rowsHidden.at(v.phaseOf(name), name, fmt.Sprintf("row-level security hides rows of %s from %s", table, v.Schema.Server.Role), ""))
		}
	}
	return out
}}

// needed are the relations on which the run needs a right.
type needed struct{ any, read, remove, lock, change map[uint32]bool }

func (v *View) rightsNeeded() needed {
	n := needed{map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}}
	need := func(set map[uint32]bool, r *schema.Relation) {
		if r != nil && (r.Kind == schema.Ordinary || r.Kind == schema.Partitioned) {
			set[r.OID], n.any[r.OID] = true, true
		}
	}
	for _, t := range v.Book.Tables() {
		need(n.read, v.Find(t))
	}
	for _, d := range v.steps {
		need(n.remove, d.relation)
	}
	for oid := range v.reach.Emptied {
		if r := v.Schema.Relation(oid); !r.Partition {
			need(n.read, r)
		}
	}
	for i := range v.Book.Phases {
		p := &v.Book.Phases[i]
		for _, s := range p.Steps {
			if s.Delete != "" {
				continue // what its triggers write, their functions' owners may
			}
			for _, t := range s.Touch {
				need(n.change, v.Find(t))
			}
		}
		for _, t := range p.Zero { // locked with the rest, so that they stay empty
			if p.Writes() {
				need(n.lock, v.Find(t))
			}
		}
	}
	return n
}

// quoted is an identifier as a statement writes it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
