package lint

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var (
	publicationRefuses = &Code{
		Name: "publication-refuses", Severity: phases.SeverityError,
		Means: "A table is published for logical replication with its deletes (or updates, where a key sets columns), and nothing tells a subscriber which row is meant: it has no replica identity, or a row filter or column list does not go with it. The server refuses the statement, even when no row is concerned.",
		Do:    "give the table a primary key, or REPLICA IDENTITY USING INDEX of a unique index; REPLICA IDENTITY FULL does too, and makes subscribers search the whole table for each row",
	}
	publicationSends = &Code{
		Name: "publication-sends", Severity: phases.SeverityNote,
		Means: "Tables are published for logical replication: each row that goes or changes is sent to the subscribers, and goes there too.",
		Do:    "tell who runs the subscribers, and have their lag watched after each COMMIT; a subscriber that must keep its rows has to be detached before",
	}
)

var published = rule{[]*Code{publicationRefuses, publicationSends}, func(v *View) []phases.Finding {
	var out []phases.Finding
	for i := range v.Schema.Publications {
		p := &v.Schema.Publications[i]
		var sent []string
		refused := map[[2]string][]string{} // relations, by table and by why
		var order [][2]string
		for _, oid := range v.Concerned() {
			r := v.Schema.Relation(oid)
			gone, changed := v.reach.Emptied[oid] && p.Delete, v.reach.Changed[oid] && p.Update
			if r.Kind != schema.Ordinary || !gone && !changed {
				continue
			}
			how := v.Schema.Publishes(p, r)
			if how == nil {
				continue
			}
			if table := v.Name(oid); !slices.Contains(sent, table) {
				sent = append(sent, table)
			}
			if why := unidentified(how, v.Schema.Identities[oid]); why != "" {
				key := [2]string{v.Name(oid), why}
				if refused[key] == nil {
					order = append(order, key)
				}
				refused[key] = append(refused[key], v.Plain(r))
			}
		}
		for _, key := range order {
			table, why := key[0], key[1]
			out = append(out, publicationRefuses.at(v.phaseOf(table), table, fmt.Sprintf("the server refuses to %s %s: publication %s publishes that, and %s", doing(v, table), few(refused[key]), p.Name, why), ""))
		}
		if len(sent) > 0 {
			slices.Sort(sent)
			out = append(out, publicationSends.at("", "", fmt.Sprintf("publication %s sends what goes or changes to its subscribers: rows of %s", p.Name, few(sent)), ""))
		}
	}
	return out
}}

// doing is what the run does to the rows of a table.
func doing(v *View, table string) string {
	if r := v.Find(table); r != nil && !v.reach.Emptied[r.OID] {
		return "update"
	}
	return "delete from"
}

// unidentified says why a published table's rows cannot be told apart by a
// subscriber; empty when they can. The order is the server's.
func unidentified(p *schema.Published, id schema.Identity) string {
	lacks := func(of, in []string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(c string) bool { return slices.Contains(in, c) })
	}
	switch {
	case id.None():
		return "it has no replica identity"
	case !id.Full && len(lacks(p.Filter, id.Columns)) > 0:
		return "its row filter looks at " + strings.Join(lacks(p.Filter, id.Columns), ", ") + ", which the replica identity does not have"
	case len(p.List) > 0 && id.Full:
		return "it publishes some columns only, where the replica identity is all"
	case len(p.List) > 0 && len(lacks(id.Columns, p.List)) > 0:
		return "its columns do not include " + strings.Join(lacks(id.Columns, p.List), ", ") + " of the replica identity"
	}
	return ""
}
