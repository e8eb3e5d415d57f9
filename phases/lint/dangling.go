package lint

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var keyLacking = &Code{
	Name: "key-lacking", Severity: phases.SeverityNote,
	Means: "Columns of tables that the runbook does not mention look like references to a table that is emptied, by their name and type, and no foreign key says so: their values may point nowhere afterwards, and nothing refuses that. Names are no proof.",
	Do:    "look whether those rows should go too; if so, delete them in the runbook",
}

var dangling = rule{[]*Code{keyLacking}, func(v *View) []phases.Finding {
	if len(v.Schema.Loose) == 0 {
		return nil
	}
	keyed := v.keyedNames()
	var out []phases.Finding
	said := map[uint32]bool{}
	for _, d := range v.steps {
		hub := d.relation
		if hub == nil || d.where != "" || said[hub.OID] {
			continue
		}
		said[hub.OID] = true
		id := v.Schema.Primaries[hub.OID]
		if id.Name == "" {
			continue
		}
		names := referringNames(hub.Name, id.Name)
		var columns []string
		for _, a := range v.Schema.Loose {
			r := v.Schema.Relation(a.Relation)
			if r == nil || a.Type != id.Type || v.reach.Emptied[r.OID] || v.Names(r) || !v.filled(r) {
				continue
			}
			to, known := keyed[a.Name]
			if known && to == hub.OID && a.Name != id.Name || !known && slices.Contains(names, a.Name) {
				columns = append(columns, phases.Clean(a.Name)+" of "+v.Plain(r))
			}
		}
		if columns != nil {
			out = append(out, keyLacking.at(v.Book.Phases[d.phase].ID, d.table, fmt.Sprintf("no foreign key, but named as if it referred to %s: %s", d.table, few(columns)), ""))
		}
	}
	return out
}}

// keyedNames are the columns by which keys refer, with the table that all keys
// of a column of that name refer to; 0 where they do not agree.
func (v *View) keyedNames() map[string]uint32 {
	out := map[string]uint32{}
	for i := range v.Schema.Keys {
		k := &v.Schema.Keys[i]
		root := v.reach.roots[k.OID]
		if root != k || len(k.Referring) != 1 {
			continue
		}
		if to, known := out[k.Referring[0]]; known && to != k.To {
			out[k.Referring[0]] = 0
		} else if !known {
			out[k.Referring[0]] = k.To
		}
	}
	return out
}

// referringNames are what people call a column that refers to a table.
func referringNames(table, id string) []string {
	table = strings.ToLower(table)
	out := []string{table, table + "s"}
	if one, ok := strings.CutSuffix(table, "ies"); ok {
		out = append(out, one+"y")
	} else if one, ok := strings.CutSuffix(table, "s"); ok {
		out = append(out, one)
		if one, ok := strings.CutSuffix(table, "es"); ok {
			out = append(out, one)
		}
	}
	for i := range out {
		out[i] += "_" + id
	}
	return out
}

// filled reports whether a table or a part of it has rows, or had some.
func (v *View) filled(r *schema.Relation) bool {
	return slices.ContainsFunc(v.Schema.Tree(r), func(d *schema.Relation) bool { return d.Heap > 0 })
}
