package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/schema"
)

var keySlow = &Code{
	Name: "key-slow", Severity: phases.SeverityWarning,
	Means: "No usable index carries a foreign key of the reach: each row that goes scans the whole referring table, also where that was emptied earlier in the same transaction. Usable is an index that is valid, a btree or a hash, with the key's columns as its first in any order, without a condition or with one that the key implies. The time is reckoned for this runbook's order, from what this server was measured to take.",
	Do:    "make the index before the window, and keep or drop it after",
}

// cheap is what nobody needs to hear of.
const cheap = time.Second

var slow = rule{[]*Code{keySlow}, func(v *View) []phases.Finding {
	r := v.reckon()
	var keys []*schema.Key
	for k, takes := range r.scans {
		if span(takes) >= cheap && takes > r.probes[k] {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b *schema.Key) int {
		return cmp.Or(cmp.Compare(r.scans[b], r.scans[a]), cmp.Compare(a.Name, b.Name), cmp.Compare(a.OID, b.OID))
	})
	var out []phases.Finding
	for _, k := range keys {
		table, parent := v.Name(k.From), v.Name(k.To)
		guess := ""
		for _, oid := range []uint32{k.From, k.To} {
			if n, _ := v.Schema.Rows(v.Schema.Relation(oid)); n < 0 {
				guess = ", a guess since " + v.Name(oid) + " was never analyzed"
			}
		}
		out = append(out, keySlow.at(v.phaseOf(parent), table, fmt.Sprintf("no usable index on %s for the foreign key %s: each row that goes from %s scans it, about %s, and %s with one%s",
			table, phases.Clean(k.Name), parent, phases.Span(span(r.scans[k])), phases.Span(span(r.probes[k])), guess), v.index(k)))
	}
	return out
}}

// index is the statement that gives a key its index.
func (v *View) index(k *schema.Key) string {
	var columns []string
	for _, c := range k.Referring {
		columns = append(columns, schema.Quoted(c))
	}
	at := v.Schema.Relation(k.From)
	if at.Kind == schema.Partitioned {
		return fmt.Sprintf("CREATE INDEX ON %s.%s (%s), which locks it against writers", schema.Quoted(at.Schema), schema.Quoted(at.Name), strings.Join(columns, ", "))
	}
	return fmt.Sprintf("CREATE INDEX CONCURRENTLY ON %s.%s (%s)", schema.Quoted(at.Schema), schema.Quoted(at.Name), strings.Join(columns, ", "))
}
