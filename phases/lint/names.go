package lint

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

var (
	tableMissing = &Code{
		Name: "table-missing", Severity: phases.SeverityError, Stops: true,
		Means: "The runbook names a table that the database does not have, or that the role cannot see.",
		Do:    "put the name right in the runbook",
	}
	tableKind = &Code{
		Name: "table-kind", Severity: phases.SeverityError, Stops: true,
		Means: "The runbook names something whose rows are not in a table of this database: a view, a materialized view, a foreign table, or a temporary table, which another session does not have.",
		Do:    "name the table behind it",
	}
	tableOwn = &Code{
		Name: "table-own", Severity: phases.SeverityError, Stops: true,
		Means: "The runbook names a table of the schema tminus, which proves what was committed.",
		Do:    "take it out of the runbook",
	}
	tableTwice = &Code{
		Name: "table-twice", Severity: phases.SeverityNote,
		Means: "Another schema has a table of the same name, with rows in it. A statement that names it without a schema may mean that one.",
		Do:    "look whether the right one is named",
	}
)

var names = rule{[]*Code{tableMissing, tableKind, tableOwn, tableTwice}, func(v *View) []phases.Finding {
	var out, alone []phases.Finding
	var twice []string // tables that have namesakes
	for _, table := range v.Book.Tables() {
		schemaName, name := v.Book.SplitTable(table)
		r := v.Find(table)
		switch {
		case schemaName == ledgerSchema:
			out = append(out, tableOwn.at("", table, v.Book.FullName(table)+" is tminus's own", ""))
		case r == nil:
			text, remedy := "table "+v.Book.FullName(table)+" does not exist", ""
			if near := v.nearest(name); near != "" {
				text += ", " + near + " does"
				remedy = "write " + near
			}
			out = append(out, tableMissing.at("", table, text, remedy))
		case r.Temporary:
			out = append(out, tableKind.at("", table, v.Book.FullName(table)+" is temporary: another session does not have it", ""))
		case r.Kind != schema.Ordinary && r.Kind != schema.Partitioned:
			out = append(out, tableKind.at("", table, v.Book.FullName(table)+" is "+r.Kind.String()+", not a table of this database", ""))
		default:
			if others := v.namesakes(r); len(others) > 0 && !strings.Contains(table, ".") {
				twice = append(twice, table)
				alone = append(alone, tableTwice.at("", table, fmt.Sprintf("%s is meant; %s has the same name", v.Book.FullName(table), few(others)), ""))
			}
		}
	}
	if len(alone) > 3 { // a schema for each tenant, or a copy of one
		alone = []phases.Finding{tableTwice.at("", twice[0], fmt.Sprintf("those of the schema %s are meant; other schemas have tables of the same names: %s", v.Book.Schema, few(twice)), "")}
	}
	return append(out, alone...)
}}

// ledgerSchema is where the ledger stands.
const ledgerSchema = "tminus"

// namesakes are tables with rows that have the same name in another schema.
func (v *View) namesakes(r *schema.Relation) []string {
	var out []string
	for i := range v.Schema.Relations {
		o := &v.Schema.Relations[i]
		if o.Name == r.Name && o.Schema != r.Schema && (o.Kind == schema.Ordinary && o.Heap > 0 || o.Kind == schema.Partitioned) && !o.Temporary {
			out = append(out, v.Plain(o))
		}
	}
	slices.Sort(out)
	return out
}

// nearest is the table whose name is the nearest to one that does not exist:
// the same in another schema or case, or a typing mistake away.
func (v *View) nearest(name string) string {
	var same, all []string
	full := map[string]string{}
	for i := range v.Schema.Relations {
		r := &v.Schema.Relations[i]
		if r.Kind != schema.Ordinary && r.Kind != schema.Partitioned || r.Partition || r.Schema == ledgerSchema {
			continue
		}
		if strings.EqualFold(r.Name, name) {
			same = append(same, v.Plain(r))
		}
		all = append(all, r.Name)
		full[r.Name] = v.Plain(r)
	}
	if len(same) > 0 {
		slices.Sort(same)
		return same[0]
	}
	slices.Sort(all)
	return full[runbook.Nearest(name, all)]
}
