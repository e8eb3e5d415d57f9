package lint

import (
	"fmt"

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
)

var parts = rule{[]*Code{partProtected, partOfProtected, partForeign}, func(v *View) []phases.Finding {
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
		for _, r := range v.Schema.Tree(d.relation) {
			if named[r.OID] && r != d.relation {
				out = append(out, partProtected.at(phase, d.table, fmt.Sprintf("deleting from %s deletes from the protected %s, which is a part of it", d.table, v.Plain(r)), ""))
			}
			if r != d.relation && r.Kind == schema.Foreign {
				out = append(out, partForeign.at(phase, d.table, fmt.Sprintf("%s has the foreign table %s as a part", d.table, v.Plain(r)), ""))
			}
		}
	}
	return out
}}
