package runbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (d *decoder) decode(root *node) {
	if root.kind != isMap {
		d.wrongKind(root, "a mapping that begins with the line `tminus: 1`")
		return
	}
	m := d.mapping(root, "runbook")
	b := d.book
	d.version(m)
	b.Title, b.Summary = m.line("title"), m.block("summary")
	b.Schema = "public"
	if n, ok := m.scalar("schema"); ok {
		if !goodName(n.text) {
			d.fault(n, clean(quote(n.text))+" is not a schema's name", nameFix)
		} else {
			b.Schema = n.text
		}
	}
	d.window(m)
	for _, n := range m.list("contacts", maxContacts) {
		if c := d.mapping(n, "contact"); c != nil {
			b.Contacts = append(b.Contacts, Contact{Role: c.line("role"), Name: c.line("name"), Phone: c.line("phone")})
		}
	}
	d.backup(m)
	protected := d.tableList(m, "protected")
	b.Protected = tableNames(protected)
	d.tables.protect(protected)
	b.Ledger = true
	if m.has("ledger") {
		b.Ledger = m.word("ledger", "none") == ""
	}
	b.Checklist = d.groups(m, "checklist", inChecklist)
	b.Gate.Approve = "Approving authority"
	if n := m.value("gate"); n != nil {
		if g := d.mapping(n, "gate"); g != nil {
			b.Gate.Text = g.block("text")
			if g.value("approve") != nil {
				b.Gate.Approve = g.line("approve")
			}
		}
	}
	d.phases(m)
	b.After = d.groups(m, "after", inAfter)
}

func (d *decoder) version(m *mapping) {
	n := m.value("tminus")
	if n == nil {
		return
	}
	if v, ok := digits(n.text); n.kind != isNumber || !ok || v != Version {
		d.fault(n, fmt.Sprintf("the version is %s", clean(quote(n.text))), fmt.Sprintf("this tminus reads version %d: `tminus: %d`", Version, Version))
	}
}

func (d *decoder) window(m *mapping) {
	w := &d.book.Window
	*w = Window{Opens: time.Hour, Gate: 15 * time.Minute, Planned: 20 * time.Minute, Abort: 25 * time.Minute}
	n := m.value("window")
	if n == nil {
		return
	}
	if v := d.mapping(n, "window"); v != nil {
		w.Opens = v.duration("opens", w.Opens, time.Second, maxDuration)
		w.Gate = v.duration("gate", min(w.Gate, w.Opens), 0, maxDuration)
		w.Planned = v.duration("planned", w.Planned, time.Second, maxDuration)
		w.Abort = v.duration("abort", max(w.Abort, w.Planned), time.Second, maxDuration)
		if w.Gate > w.Opens {
			d.fault(n, "the gate is due before the checklist opens", "gate is at most opens")
		}
		if w.Abort < w.Planned {
			d.fault(n, "the abort limit is before the planned end", "abort is at least planned")
		}
	}
}

func (d *decoder) backup(m *mapping) {
	b := &d.book.Backup
	b.MaxAge = 15 * time.Minute
	n := m.value("backup")
	if n == nil {
		return
	}
	v := d.mapping(n, "backup")
	if v == nil {
		return
	}
	b.MaxAge = v.duration("max_age", b.MaxAge, time.Second, maxDuration)
	b.Restore = v.block("restore")
	b.RestoreTime = v.duration("restore_time", 0, time.Second, maxDuration)
	b.IDField = d.fieldRef(v, "id_field", "")
	b.TimeField = d.fieldRef(v, "time_field", FieldTime)
	b.TookField = d.fieldRef(v, "took_field", FieldDuration)
	if b.Restore != "" {
		at := v.value("restore")
		d.later = append(d.later, func() { d.placeholders(at) })
	}
}

// fieldRef gives the id of a field, which must exist and be of a type.
func (d *decoder) fieldRef(m *mapping, key string, want FieldType) string {
	n, ok := m.scalar(key)
	if !ok || !d.goodID(n) {
		return ""
	}
	d.later = append(d.later, func() {
		f, there := d.fields[n.text]
		switch {
		case !there:
			d.fault(n, fmt.Sprintf("no item has a field %q", n.text), d.knownFields(n.text))
		case want != "" && f.kind != want:
			d.fault(n, fmt.Sprintf("the field %q is of type %s", n.text, f.kind), fmt.Sprintf("line %d: `type: %s`", f.line, want))
		}
	})
	return n.text
}

func (d *decoder) knownFields(name string) string {
	var names []string
	for id := range d.fields {
		names = append(names, id)
	}
	if len(names) == 0 {
		return "give an item of the checklist a field with this id"
	}
	slices.Sort(names)
	if best := nearest(name, names); best != "" {
		return "did you mean " + best + "?"
	}
	return "give an item of the checklist a field with this id"
}

// placeholder is how a text refers to a recorded field.
const placeholder = `\{\{([^{}]*)\}\}`

// placeholders checks that each {{field}} of a text names a field.
func (d *decoder) placeholders(n *node) {
	found := regexp.MustCompile(placeholder).FindAllStringSubmatchIndex(n.text, -1)
	for _, at := range found {
		name := n.text[at[2]:at[3]]
		if _, there := d.fields[name]; !there {
			d.faultAt(n, at[0], fmt.Sprintf("no item has a field %s", clean(quote(name))), d.knownFields(name))
		}
	}
	for i := 0; i < len(n.text); i++ {
		next := strings.Index(n.text[i:], "{{")
		if next < 0 {
			break
		}
		i += next
		if len(found) > 0 && found[0][0] == i {
			i = found[0][1] - 1
			found = found[1:]
			continue
		}
		d.faultAt(n, i, "a {{ without a field's id and }}", "write {{field}}")
		break
	}
}
