package lint

import (
	"slices"

	"tminus/phases"
	"tminus/phases/schema"
)

var statsStale = &Code{
	Name: "stats-stale", Severity: phases.SeverityWarning,
	Means: "Large tables of the run were never analyzed, or most of their rows were written since: what is estimated of them (rows, sizes, what a key costs) may be far off, and the server plans by the same numbers.",
	Do:    "run ANALYZE on them, then lint again",
}

// What is too small to mislead anybody.
const (
	fewRows  = 10_000
	fewBytes = 1 << 20
)

var stale = rule{[]*Code{statsStale}, func(v *View) []phases.Finding {
	var tables []string
	for _, oid := range v.Concerned() {
		r := v.Schema.Relation(oid)
		never := r.Rows < 0 && r.Heap > fewBytes
		old := r.Analyzed >= 0 && r.Modified > fewRows && float64(r.Modified) > r.Analyzed/2
		if name := v.Name(oid); r.Kind == schema.Ordinary && (never || old) && !slices.Contains(tables, name) {
			tables = append(tables, name)
		}
	}
	if tables == nil {
		return nil
	}
	slices.Sort(tables)
	return []phases.Finding{statsStale.at("", "", "statistics are missing or old: "+few(tables), "")}
}}
