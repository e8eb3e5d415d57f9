package runbook

import (
	"fmt"
	"strings"
)

// decoder reads one runbook. What can only be judged when the whole file is
// known waits in later.
type decoder struct {
	*report
	book   *Runbook
	ids    map[string]int // of groups, phases and items: the line
	fields map[string]fieldAt
	later  []func()
	tables tableUses
	// disables are the triggers that actions disable; nil without such an action.
	disables []string
}

type fieldAt struct {
	line int
	kind FieldType
}

// id gives the object's id, which no other group, phase or item has.
func (d *decoder) id(m *mapping) string {
	n, ok := m.scalar("id")
	if !ok || !d.goodID(n) {
		return ""
	}
	if line, twice := d.ids[n.text]; twice {
		d.fault(n, fmt.Sprintf("the id %q again", n.text), fmt.Sprintf("line %d has it: groups, phases and items have different ids", line))
		return n.text
	}
	d.ids[n.text] = n.line
	return n.text
}

func (d *decoder) goodID(n *node) bool {
	if !goodID(n.text) {
		d.fault(n, clean(quote(n.text))+" is not an id", idFix)
		return false
	}
	return true
}

// full is a table's name with its schema, so that two spellings are one table.
func (d *decoder) full(table string) string {
	schema, name := d.book.SplitTable(table)
	return schema + "." + name
}

// tableList gives the tables of a list, each once.
func (d *decoder) tableList(m *mapping, key string) []tableAt {
	var out []tableAt
	seen := map[string]int{}
	for _, n := range m.list(key, maxTables) {
		t, ok := d.table(n, key)
		if !ok {
			continue
		}
		if line, twice := seen[t.full]; twice {
			d.fault(n, fmt.Sprintf("%s names the table %s again", key, t.name), fmt.Sprintf("line %d has it: keep one of the two", line))
			continue
		}
		seen[t.full] = n.line
		out = append(out, t)
	}
	return out
}

// tableAt is a table's name, and where the file has it.
type tableAt struct {
	name string
	full string
	node *node
}

func (d *decoder) table(n *node, key string) (tableAt, bool) {
	if n.kind != isText {
		d.notText(n, key)
		return tableAt{}, false
	}
	name := strings.TrimSpace(n.text)
	if !goodTable(name) {
		d.fault(n, clean(quote(n.text))+" is not a table's name", tableFix)
		return tableAt{}, false
	}
	return tableAt{name, d.full(name), n}, true
}

func tableNames(tables []tableAt) []string {
	var out []string
	for _, t := range tables {
		out = append(out, t.name)
	}
	return out
}

// nameList gives names of triggers, each once.
func (d *decoder) nameList(m *mapping, key string) []string {
	var out []string
	seen := map[string]bool{}
	for _, n := range m.list(key, maxTables) {
		switch {
		case n.kind != isText:
			d.notText(n, key)
		case !goodName(n.text):
			d.fault(n, clean(quote(n.text))+" is not a name", nameFix)
		case seen[n.text]:
			d.fault(n, fmt.Sprintf("%s names %s again", key, n.text), "keep one of the two")
		default:
			seen[n.text] = true
			out = append(out, n.text)
		}
	}
	return out
}
