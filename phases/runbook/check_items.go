package runbook

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tminus/phases/check"
)

// stage is where in the run an item stands.
type stage int

const (
	inChecklist stage = iota
	inConfirm
	inAfter
)

// asking is what a check's place and the rest of the file mean to it.
type asking struct {
	where     stage
	first     bool // before the first phase
	backup    Backup
	protected bool // whether there is a protected table

	noRehearsal bool // the runbook wants none
}

func (c *checker) groups(groups []*checked, in asking) {
	c.fenceItems(groups, in)
	var before []*checked
	for _, g := range groups {
		if g.has("smoke") && in.where != inAfter {
			c.fault(g.place("smoke", g.node), "smoke outside after", "leave it out: a smoke test follows the last COMMIT")
		}
		c.items(g.inner["items"], in, before)
		c.passed(g)
		before = append(before, g.inner["items"]...)
	}
}

// items holds those of a group, or of a phase; before are those of the groups
// before it.
func (c *checker) items(items []*checked, in asking, before []*checked) {
	for i, item := range items {
		for _, f := range item.inner["fields"] {
			c.example(f)
		}
		c.fenceAlone(item, in)
		for _, m := range item.inner["check"] {
			c.check(m, in)
		}
		for _, m := range item.inner["action"] {
			c.action(m, in)
			c.byItself(m, in, slices.Concat(before, items[:i]))
		}
		c.sign(item, in)
		c.passed(item)
	}
}

// passed notes an item, or a group, that the walk has come past: what comes later
// may ask whether it is done.
func (c *checker) passed(m *checked) {
	if id := m.good.value("id"); id != nil {
		c.earlier[id.text] = true
	}
}

// sign holds that what is signed is a thing of the end, and is signed alone: a
// check's answer or an action's end are not somebody's word.
func (c *checker) sign(item *checked, in asking) {
	n := item.node.value("sign")
	if n == nil {
		return
	}
	if in.where != inAfter {
		c.fault(n, "sign before the last phase", "only an item of `after` is signed: before the phases the approver of the gate stands for all")
	}
	for _, beside := range []string{"check", "action"} {
		if item.has(beside) {
			c.fault(n, "an item with both sign and "+beside, "make two items of it: what a program answers, nobody signs")
		}
	}
}

// example checks that an unattended run could record the example.
func (c *checker) example(m *checked) {
	v, n := c.values(m), m.good.value("example")
	if n == nil {
		return
	}
	example, fix := v.line("example"), ""
	switch kind := FieldType(v.text("type")); kind {
	case FieldYesNo:
		if example != "yes" && example != "no" {
			fix = "yes or no"
		}
	case FieldPhone:
		if !strings.ContainsAny(example, "0123456789") {
			fix = `a phone number, such as "+00 000 0000"`
		}
	case FieldDuration:
		if took, err := time.ParseDuration(example); err != nil || took <= 0 {
			fix = "how long something took, such as 12m"
		}
	case FieldNumber:
		if !plainNumber(example) {
			fix = `a number in quotes, such as "12"`
		}
	case FieldTime:
		if !plainTime(example) {
			fix = `now, "14:05", "2026-01-30 14:05" or RFC 3339`
		}
	}
	if fix != "" {
		c.fault(n, fmt.Sprintf("the example of a %s field is %s", v.text("type"), clean(quote(example))), fix)
	}
}

func (c *checker) check(m *checked, in asking) {
	shape := c.shapes["check"]
	kind := c.theKind(m, shape, "asks nothing", "a check asks one question")
	if kind == "" {
		return
	}
	if n := m.node.value("through"); n != nil && in.where != inChecklist {
		c.fault(n, "through outside the checklist", "leave it out: only an item of the checklist is asked through the phases")
	}
	switch kind {
	case "database", "outside":
		if name := c.values(m).text(kind); name != "" {
			c.namedCheck(m, shape, kind, name)
			c.checkNeeds(m, kind, name, in)
		}
	case "sql":
		if n := m.good.value("sql"); n != nil {
			if fault := checkQuery(n.text); fault != nil {
				c.faultAt(n, fault.offset, fault.problem, fault.fix)
			}
		}
		if !m.has("expect") {
			c.fault(m.place("sql", m.node), "a query without expect", `add what it must answer, such as expect: "= 0"`)
		}
	}
}

// theKind finds the one key that says what is asked or done, and reports keys
// that belong to another kind.
func (c *checker) theKind(m *checked, shape *object, nothing, one string) string {
	kind := ""
	for _, k := range shape.one {
		switch {
		case !m.has(k):
		case kind == "":
			kind = k
		default:
			c.fault(m.place(k, m.node), fmt.Sprintf("%s with both %s and %s", article(shape.name), kind, k), one+": keep one of them")
		}
	}
	if kind == "" {
		c.fault(m.node, article(shape.name)+" that "+nothing, "add one of "+strings.Join(shape.one, ", "))
		return ""
	}
	for _, p := range shape.parts {
		for _, k := range p.keys {
			if m.has(k) && !slices.Contains(p.beside, kind) {
				c.fault(m.place(k, m.node), fmt.Sprintf("%s does not belong to %s with %s", k, article(shape.name), kind), "leave it out")
			}
		}
	}
	return kind
}

func (c *checker) namedCheck(m *checked, shape *object, kind, name string) {
	is := shape.word(kind, name)
	for _, k := range shape.dependent(kind) {
		if m.has(k) && !slices.Contains(is.takes, k) {
			c.fault(m.place(k, m.node), fmt.Sprintf("%s does not belong to %s", k, is.name), "leave it out")
		}
	}
	if len(is.needs) > 0 && !slices.ContainsFunc(is.needs, m.has) {
		c.fault(m.node.value(kind), fmt.Sprintf("%s without %s", is.name, strings.Join(is.needs, " or ")), "add it: "+is.doc)
	}
	for _, k := range is.all {
		if !m.has(k) {
			c.fault(m.node.value(kind), fmt.Sprintf("%s without %s", is.name, k), "add it: "+is.doc)
		}
	}
	v := c.values(m)
	if most, least := v.limit("max"), v.limit("min"); most != nil && least != nil && *least > *most {
		c.fault(m.node.value("min"), "min is more than max", "min is at most max")
	}
}

// course holds that a check about the run itself asks about what has come by then.
func (c *checker) course(m *checked, n *node, name string, in asking) {
	switch {
	case check.Of(name).Rests&check.Course == 0 || in.where == inAfter:
	case name != check.RunPhase && name != check.RunBaseline:
		c.fault(n, name+" before the last phase", "ask it in `after`: until then it is never so")
	case in.where == inChecklist || in.first:
		c.fault(n, name+" before the first phase", "ask it later: until then it is never so")
	}
	c.itemRefs(m)
	if of := m.good.value("phase"); of != nil && !c.before[of.text] {
		fix := "the id of a phase that stands before this item"
		if best := nearest(of.text, slices.Sorted(maps.Keys(c.before))); best != "" {
			fix = "did you mean " + best + "? " + fix
		}
		c.fault(of, clean(quote(of.text))+" is no phase before this one", fix)
	}
}

// itemRefs holds that a check asks about items and groups that come before it.
func (c *checker) itemRefs(m *checked) {
	list := m.good.value("items")
	if list == nil {
		return
	}
	for _, n := range list.items {
		if !c.earlier[n.text] {
			fix := "the id of an item, or of a group, that stands before this one"
			if best := nearest(n.text, slices.Sorted(maps.Keys(c.earlier))); best != "" {
				fix = "did you mean " + best + "? " + fix
			}
			c.fault(n, clean(quote(n.text))+" is no item and no group before this one", fix)
		}
	}
}

// checkNeeds reports a check that could never pass: what it asks about is
// nowhere in the runbook, or does not exist yet when it is asked.
func (c *checker) checkNeeds(m *checked, kind, name string, in asking) {
	n := m.node.value(kind)
	rests := check.Of(name).Rests
	if rests&check.BackupTime != 0 && in.backup.TimeField == "" {
		c.fault(n, name+", but no field records the backup's time", "add `time_field:` to backup, with the id of a field of type time")
	}
	c.backupProof(n, name)
	if rests&check.Rehearsal != 0 && in.noRehearsal {
		c.fault(n, name+", but the runbook wants no rehearsal", "leave out `rehearsal: none`, or this check")
	}
	c.course(m, n, name, in)
	if rests&check.Triggers != 0 && len(c.disables) == 0 && len(c.values(m).triggers()) == 0 {
		c.fault(n, name+", but no item disables triggers", "give an item of the checklist the action triggers.disable")
	}
	if rests&check.Baseline == 0 {
		return
	}
	if !in.protected {
		c.fault(n, name+", but nothing is protected", "add `protected:` with the tables")
	}
	if in.where == inChecklist || in.first {
		c.fault(n, name+" before the first phase", "the baseline is taken in the first phase: ask it later")
	}
}
