package lint

import (
	"fmt"

	"tminus/phases"
)

var conditionRefused = &Code{
	Name: "condition-refused", Severity: phases.SeverityError,
	Means: "The server refuses a delete's condition as it is planned: a name in it does not exist, or a type does not fit. The phase would be rolled back at that step.",
	Do:    "put the condition right in the runbook",
}

var conditions = rule{[]*Code{conditionRefused}, func(v *View) []phases.Finding {
	var out []phases.Finding
	for _, d := range v.steps {
		for _, e := range v.Schema.Estimates {
			if d.relation != nil && e.Relation == d.relation.OID && e.Where == d.where && e.Refused != "" {
				out = append(out, conditionRefused.at(v.Book.Phases[d.phase].ID, d.table, fmt.Sprintf("the condition of the delete from %s is refused: %s", d.table, e.Refused), ""))
			}
		}
	}
	return out
}}
