package lint

import (
	"fmt"

	"tminus/phases"
)

var locksMany = &Code{
	Name: "locks-many", Severity: phases.SeverityError,
	Means: "A phase locks each table that it reaches or counts, and each of their indexes, until its end; the first phase counts all that the run is to empty. All sessions share max_locks_per_transaction times (max_connections + max_prepared_transactions) places for that: where they do not suffice, the phase fails with \"out of shared memory\", and others' statements may too.",
	Do:    "split the phase, or raise max_locks_per_transaction, which takes a restart",
}

var locks = rule{[]*Code{locksMany}, func(v *View) []phases.Finding {
	var out []phases.Finding
	places := v.Schema.Costs.LockSlots
	for _, p := range v.Prices() {
		if places > 0 && int64(p.Locks) > places {
			out = append(out, locksMany.at(p.Phase, "", fmt.Sprintf("the phase takes %s, and the server has %s for all sessions", phases.Plural(int64(p.Locks), "lock"), phases.Plural(places, "place")), ""))
		}
	}
	return out
}}
