package lint

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/schema"
)

var keySlow = &Code{
	Name: "key-slow", Severity: phases.SeverityWarning,
	Means: "No usable index carries a foreign key of the reach: each row that goes scans the whole referring table, also where that was emptied earlier in the same transaction. Usable is an index that is valid, a btree or a hash, with the key's columns as its first in any order, without a condition or with one that the key implies.",
	Do:    "make the index before the window, and keep or drop it after",
}

// perPair is what one row of the referring table costs for each row that goes,
// when a scan has to find it. It is an order of magnitude, measured on
// PostgreSQL 15 with rows of some hundred bytes in memory.
const perPair = 35 * time.Nanosecond

// cheap is what nobody needs to hear of.
const cheap = time.Second

var slow = rule{[]*Code{keySlow}, func(v *View) []phases.Finding {
	var out []phases.Finding
	said := map[string]bool{}
	for _, k := range v.reach.Slow {
		child, parent := v.Schema.Relation(k.From), v.Schema.Relation(k.To)
		rows, _ := v.Schema.Rows(child)
		refer, _ := v.Schema.Rows(parent)
		price := "never analyzed, so nobody can say what that costs"
		if rows >= 0 && refer >= 0 {
			takes := time.Duration(rows * refer * float64(perPair))
			if takes < cheap {
				continue
			}
			price = "about " + phases.Span(takes)
		} else if child.Heap == 0 && child.Kind == schema.Ordinary {
			continue
		}
		root := v.reach.roots[k.OID]
		table := v.Name(k.From)
		if said[table+"\x00"+root.Name] {
			continue
		}
		said[table+"\x00"+root.Name] = true
		var columns []string
		for _, c := range root.Referring {
			columns = append(columns, quoted(c))
		}
		at := v.Schema.Relation(root.From)
		index := fmt.Sprintf("CREATE INDEX CONCURRENTLY ON %s.%s (%s)", quoted(at.Schema), quoted(at.Name), strings.Join(columns, ", "))
		if at.Kind == schema.Partitioned {
			index = fmt.Sprintf("CREATE INDEX ON %s.%s (%s), which locks it against writers", quoted(at.Schema), quoted(at.Name), strings.Join(columns, ", "))
		}
		out = append(out, keySlow.at(v.phaseOf(v.Name(k.To)), table, fmt.Sprintf("no usable index on %s for the foreign key %s: each row that goes from %s scans it, %s",
			table, phases.Clean(root.Name), v.Name(k.To), price), index))
	}
	return out
}}
