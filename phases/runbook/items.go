package runbook

import (
	"fmt"
	"slices"
	"time"
)

// part is where in the run an item stands.
type part int

const (
	inChecklist part = iota
	inConfirm
	inAfter
)

func (d *decoder) groups(m *mapping, key string, where part) []Group {
	var out []Group
	for _, n := range m.list(key, maxGroups) {
		g := d.mapping(n, "group")
		if g == nil {
			continue
		}
		out = append(out, Group{
			ID:    d.id(g),
			Title: g.line("title"),
			Due:   g.due("due"),
			Items: d.items(g, "items", where),
		})
	}
	return out
}

func (d *decoder) items(m *mapping, key string, where part) []Item {
	var out []Item
	for _, n := range m.list(key, maxItems) {
		i := d.mapping(n, "item")
		if i == nil {
			continue
		}
		item := Item{ID: d.id(i), Text: i.line("text"), Help: i.block("help"), Fields: d.itemFields(i)}
		if n := i.value("check"); n != nil {
			item.Check = d.check(n, where)
		}
		if n := i.value("action"); n != nil {
			item.Action = d.action(n, where)
		}
		out = append(out, item)
	}
	return out
}

func (d *decoder) itemFields(m *mapping) []Field {
	var out []Field
	for _, n := range m.list("fields", maxFields) {
		f := d.mapping(n, "field")
		if f == nil {
			continue
		}
		field := Field{Label: f.line("label"), Type: FieldText, Required: f.flag("required", true), Example: f.line("example")}
		if f.value("type") != nil {
			field.Type = FieldType(f.word("type", fieldTypes()...))
		}
		if n, ok := f.scalar("id"); ok && d.goodID(n) {
			if first, twice := d.fields[n.text]; twice {
				d.fault(n, fmt.Sprintf("the field %q again", n.text), fmt.Sprintf("line %d has it: fields have different ids over the whole runbook", first.line))
			} else {
				d.fields[n.text] = fieldAt{n.line, field.Type}
			}
			field.ID = n.text
		}
		d.example(f, field)
		out = append(out, field)
	}
	return out
}

func fieldTypes() []string {
	return []string{string(FieldText), string(FieldTime), string(FieldYesNo), string(FieldNumber), string(FieldPhone), string(FieldDuration)}
}

// example checks that an unattended run could record the example.
func (d *decoder) example(m *mapping, f Field) {
	n := m.value("example")
	if n == nil || f.Example == "" {
		return
	}
	if f.Type == FieldYesNo && f.Example != "yes" && f.Example != "no" {
		d.fault(n, fmt.Sprintf("the example of a yesno field is %s", clean(quote(f.Example))), "yes or no")
	}
	if f.Type == FieldPhone && !slices.ContainsFunc([]rune(f.Example), func(c rune) bool { return c >= '0' && c <= '9' }) {
		d.fault(n, fmt.Sprintf("the example of a phone field is %s", clean(quote(f.Example))), `a phone number, such as "+00 000 0000"`)
	}
	if took, err := time.ParseDuration(f.Example); f.Type == FieldDuration && (err != nil || took <= 0) {
		d.fault(n, fmt.Sprintf("the example of a duration field is %s", clean(quote(f.Example))), "how long something took, such as 12m")
	}
	if f.Type == FieldNumber && !plainNumber(f.Example) {
		d.fault(n, fmt.Sprintf("the example of a number field is %s", clean(quote(f.Example))), `a number in quotes, such as "12"`)
	}
	if f.Type == FieldTime && !plainTime(f.Example) {
		d.fault(n, fmt.Sprintf("the example of a time field is %s", clean(quote(f.Example))), `now, "14:05", "2026-01-30 14:05" or RFC 3339`)
	}
}

func (d *decoder) action(n *node, where part) *Action {
	m := d.mapping(n, "action")
	if m == nil {
		return nil
	}
	a := &Action{Name: m.word("name", "triggers.disable", "triggers.restore"), Triggers: d.nameList(m, "triggers"), Text: m.line("text")}
	switch a.Name {
	case "triggers.disable":
		if !m.has("triggers") {
			d.fault(n, "triggers.disable without triggers", "add `triggers:` with their names")
		}
		if where == inAfter {
			d.fault(n, "triggers.disable after the last COMMIT", "put it into the checklist")
		}
		d.disables = append(d.disables, a.Triggers...)
	case "triggers.restore":
		if m.has("triggers") {
			d.fault(m.place("triggers", n), "triggers.restore with names", "leave them out: it brings back all that triggers.disable recorded")
		}
		if where != inAfter {
			d.fault(n, "triggers.restore before the last COMMIT", "put it into a group of after")
		}
		d.later = append(d.later, func() {
			if len(d.disables) == 0 {
				d.fault(n, "triggers.restore, but no item disables triggers", "give an item of the checklist the action triggers.disable")
			}
		})
	}
	if a.Text == "" {
		a.Text = map[string]string{"triggers.disable": "disable the triggers", "triggers.restore": "restore the triggers"}[a.Name]
	}
	return a
}
