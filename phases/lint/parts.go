package lint

import (
	"fmt"
	"slices"

	"tminus/phases"
	"tminus/phases/schema"
)

var (
	partProtected = &Code{
		Name: "part-protected", Severity: phases.SeverityError, Stops: true,
		Means: "A table that is deleted has a partition or an inheriting table that is protected: its rows would go with it.",
		Do:    "protect the whole table, or delete from the other parts by their names",
	}
	partOfProtected = &Code{
		Name: "part-of-protected", Severity: phases.SeverityError, Stops: true,
		Means: "A partition or an inheriting table is deleted whose table is protected: the protected table would lose those rows.",
		Do:    "protect the other parts by their names, or take the part out of the runbook",
	}
	partForeign = &Code{
		Name: "part-foreign", Severity: phases.SeverityError, Stops: true,
		Means: "A table that is deleted has a foreign table as a part: nobody counts its rows, and no transaction here protects them.",
		Do:    "detach it, or delete from the other parts by their names",
	}
	partInherits = &Code{
		Name: "part-inherits", Severity: phases.SeverityNote,
		Means: "Other tables inherit from one that is deleted: a DELETE takes their rows as well, by the same condition. Foreign keys, triggers and constraints each of them has of its own.",
		Do:    "nothing, if those rows are meant too; else delete from ONLY the table by a step of sql",
	}
)

var parts = rule{[]*Code{partProtected, partOfProtected, partForeign, partInherits}, func(v *View) []phases.Finding {
	named := map[uint32]bool{}
	for _, t := range v.Book.Protected {
		if r := v.Find(t); r != nil {
			named[r.OID] = true
		}
	}
	var out []phases.Finding
	for _, d := range v.steps {
		if d.relation == nil {
			continue
		}
		phase := v.Book.Phases[d.phase].ID
		above := v.Schema.Line(d.relation)[1:]
		for _, r := range above {
			if named[r.OID] {
				out = append(out, partOfProtected.at(phase, d.table, fmt.Sprintf("%s is a part of the protected %s", d.table, v.Plain(r)), ""))
			}
		}
		var heirs []string
		for _, r := range v.Schema.Tree(d.relation) {
			if r != d.relation && !r.Partition && r.Kind == schema.Ordinary && !named[r.OID] && !v.deletes(r) {
				heirs = append(heirs, v.Plain(r))
			}
			if named[r.OID] && r != d.relation {
				out = append(out, partProtected.at(phase, d.table, fmt.Sprintf("deleting from %s deletes from the protected %s, which is a part of it", d.table, v.Plain(r)), ""))
			}
			if r != d.relation && r.Kind == schema.Foreign {
				out = append(out, partForeign.at(phase, d.table, fmt.Sprintf("%s has the foreign table %s as a part", d.table, v.Plain(r)), ""))
			}
		}
		if heirs != nil {
			out = append(out, partInherits.at(phase, d.table, fmt.Sprintf("deleting from %s deletes from what inherits from it: %s", d.table, few(heirs)), ""))
		}
	}
	return out
}}

// deletes reports whether a step deletes from a relation by its own name.
func (v *View) deletes(r *schema.Relation) bool { return slices.Contains(v.Deleted(), r) }
