package lint

import (
	"fmt"
	"slices"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

var (
	capsuleUnkept = &Code{
		Name: "capsule-unkept", Severity: phases.SeverityError,
		Means: "The phase keeps what it takes away, and of a table that it deletes from, or reaches, nobody can tell which rows it has written: only PostgreSQL's own tables (heap) say so. The phase is rolled back at its end.",
		Do:    "write `capsule: off` into the phase: its rows then come back by a restore only",
	}
	capsuleUnread = &Code{
		Name: "capsule-unread", Severity: phases.SeverityError,
		Means: "The phase keeps what it takes away, and the role may not read a table that it deletes from, or reaches. The phase is rolled back.",
		Do:    "grant SELECT on it to the role, or write `capsule: off` into the phase",
	}
)

// keeping are the tables whose rows a capsule cannot hold.
var keeping = rule{[]*Code{capsuleUnkept, capsuleUnread}, func(v *View) []phases.Finding {
	var out []phases.Finding
	for _, set := range []map[uint32]bool{v.reach.Emptied, v.reach.Changed} {
		for _, r := range v.sorted(set) {
			table := v.Name(r.OID)
			phase := v.phaseOf(table)
			if r.Kind != schema.Ordinary || r.Temporary || !v.keepsIn(phase) {
				continue
			}
			switch {
			case r.Method != "" && r.Method != "heap":
				out = append(out, capsuleUnkept.at(phase, table, fmt.Sprintf("%s has the access method %s: its rows are not kept", v.Plain(r), r.Method), ""))
			case !v.readable(r):
				out = append(out, capsuleUnread.at(phase, table, fmt.Sprintf("the role may not read %s: its rows are not kept", v.Plain(r)), ""))
			}
		}
	}
	return out
}}

// keepsIn reports whether a phase keeps what it takes; without one, whether any does.
func (v *View) keepsIn(id string) bool {
	return slices.ContainsFunc(v.Book.Phases, func(p runbook.Phase) bool { return (id == "" || p.ID == id) && v.Book.Keeps(&p) })
}

// readable reports whether the role may read a table, by its own name or by that
// of one that it is a part of.
func (v *View) readable(r *schema.Relation) bool {
	return slices.ContainsFunc(v.Schema.Line(r), func(r *schema.Relation) bool { return r.Rights.Usage && r.Rights.Select })
}
