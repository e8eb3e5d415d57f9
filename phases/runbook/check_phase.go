package runbook

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases/step"
)

// noReturn remembers the phase that is the point of no return.
type noReturn struct {
	phase string
	line  int
}

func (c *checker) phases(m *checked, window Window, in asking) {
	var point noReturn
	var planned time.Duration
	for i, p := range m.inner["phases"] {
		in.where, in.first = inConfirm, i == 0
		phase := c.values(p).phase(in.backup.MaxAge)
		planned += phase.Planned
		c.items(p.inner["confirm"], in, nil)
		c.phase(p, &phase, &point)
		c.before[phase.ID] = true
	}
	c.uses.check(c)
	if at := m.node.value("phases"); at != nil && planned > window.Planned {
		if n := m.node.value("window"); n != nil {
			at = n
		}
		c.fault(at, fmt.Sprintf("the phases are planned for %s, the window for %s", FormatDuration(planned), FormatDuration(window.Planned)), "give window a longer planned (and abort), or the phases shorter ones")
	}
}

func (c *checker) phase(m *checked, p *Phase, point *noReturn) {
	use := phaseUse{
		phase: p.ID, steps: c.steps(m),
		zero: c.tables(m, "zero"), filled: c.tables(m, "filled"),
	}
	c.uses.phases = append(c.uses.phases, use)
	c.maintenance(m)
	writes := m.has("steps") || m.has("delete")
	c.phaseTimes(m, p, writes)
	if n := m.node.value("capsule"); n != nil && !writes {
		c.fault(n, "capsule in a phase without steps", "leave it out: a phase that only reads takes nothing away")
	}
	if !writes && !slices.ContainsFunc(c.shapes["phase"].some, m.has) {
		c.fault(m.node, "a phase that does nothing", "add delete or steps, or what it counts: count, zero, filled")
	}
	if point.line > 0 {
		for _, s := range use.steps {
			if s.removes {
				c.fault(s.node, fmt.Sprintf("deletes after the point of no return, phase %q in line %d", point.phase, point.line), "delete it before that phase: what follows must not need a restore")
			}
		}
	}
	if p.PointOfNoReturn {
		at := m.place("point_of_no_return", m.node)
		switch {
		case point.line > 0:
			c.fault(at, "a second point of no return", fmt.Sprintf("line %d has the first: there is one at most", point.line))
			return
		case !writes:
			c.fault(at, "the point of no return has no steps", "mark the phase after whose COMMIT only a restore helps")
		}
		*point = noReturn{p.ID, at.line}
	}
}

func (c *checker) phaseTimes(m *checked, p *Phase, writes bool) {
	switch risk := m.good.value("risk"); {
	case writes && !m.has("risk"):
		c.fault(m.node, "a phase with steps and without risk", "add `risk:` medium, high or critical")
	case writes && risk != nil && p.Risk == RiskNone:
		c.fault(risk, "a phase with steps has the risk none", "medium, high or critical")
	}
	if p.Limit > 0 && p.WarnAfter > p.Limit {
		c.fault(m.node.value("warn_after"), "warn_after is after limit", "warn before the phase is rolled back")
	}
	switch n := m.node.value("lock_wait"); {
	case n == nil:
	case !writes:
		c.fault(n, "lock_wait in a phase without steps", "leave it out: a phase that only reads takes no locks")
	case p.Limit > 0 && p.LockWait >= p.Limit:
		c.fault(n, "lock_wait is not below limit", "the wait for locks counts towards the limit: give it less")
	}
}

func (c *checker) steps(m *checked) []stepUse {
	var out []stepUse
	for _, t := range c.tables(m, "delete") {
		out = append(out, stepUse{node: t.node, deletes: &t, removes: true})
	}
	for _, s := range m.inner["steps"] {
		out = append(out, c.step(s))
	}
	return out
}

func (c *checker) step(m *checked) stepUse {
	for _, two := range [][2]string{{"delete", "sql"}, {"delete", "put_back"}, {"sql", "put_back"}} {
		if m.has(two[0]) && m.has(two[1]) {
			c.fault(m.place(two[1], m.node), "a step with both "+two[0]+" and "+two[1], "one of the two; give the other a step of its own")
			return stepUse{node: m.node}
		}
	}
	for _, choice := range []string{"sha256", "keep", "replace"} {
		if m.has(choice) && !m.has("put_back") {
			c.fault(m.place(choice, m.node), choice+" belongs to put_back", "leave it out")
		}
	}
	switch {
	case m.has("delete"):
		return c.deleteStep(m)
	case m.has("sql"):
		return c.sqlStep(m)
	case m.has("put_back"):
		return c.putBackStep(m)
	default:
		c.fault(m.node, "a step that does nothing", "add `delete:` with a table, or `sql:` with a statement")
	}
	return stepUse{node: m.node}
}

func (c *checker) deleteStep(m *checked) stepUse {
	use := stepUse{node: m.node, removes: true, where: c.values(m).block("where")}
	if n := m.good.value("delete"); n != nil {
		name := strings.TrimSpace(n.text)
		use.node, use.deletes = n, &tableAt{name, c.full(name), n}
	}
	use.touch = c.tables(m, "touch")
	return use
}

func (c *checker) sqlStep(m *checked) stepUse {
	use := stepUse{node: m.node, touch: c.tables(m, "touch")}
	if m.has("where") {
		c.fault(m.place("where", m.node), "where belongs to delete", "write the condition into the statement")
	}
	if m.has("way") {
		c.fault(m.place("way", m.node), "way belongs to delete", "leave it out: the statement itself says how")
	}
	if !m.has("rows") {
		c.fault(m.place("sql", m.node), "sql without rows", "add `rows:` 10, 100..500, 100.. or any")
	}
	n := m.good.value("sql")
	if n == nil {
		return use
	}
	use.node = n
	tokens, fault := checkStep(n.text)
	if fault != nil {
		c.faultAt(n, fault.offset, fault.problem, fault.fix)
		return use
	}
	use.removes = removes(tokens)
	if changes(tokens) && !m.has("touch") {
		c.fault(n, "sql that changes rows, without touch", "add `touch:` with the tables that it changes")
		return use
	}
	for _, t := range targets(tokens) {
		if changes(tokens) && !slices.ContainsFunc(use.touch, func(at tableAt) bool { return at.full == c.full(t.text) }) {
			c.faultAt(n, t.offset, fmt.Sprintf("the statement changes %s, which touch does not name", t.text), "add it to touch")
		}
	}
	return use
}

func (c *checker) putBackStep(m *checked) stepUse {
	use := stepUse{node: m.node, touch: c.tables(m, "touch")}
	c.absolute(m, "put_back")
	for _, k := range []string{"where", "way"} {
		if m.has(k) {
			c.fault(m.place(k, m.node), k+" belongs to delete", "leave it out: a capsule comes back as a whole")
		}
	}
	if !m.has("sha256") {
		c.fault(m.place("put_back", m.node), "put_back without sha256", "add `sha256:` with that of the capsule's manifest, which the run's journal has")
	}
	if !m.has("touch") {
		c.fault(m.place("put_back", m.node), "put_back without touch", "add `touch:` with the tables whose rows come back")
	}
	replaced := c.tables(m, "replace")
	for _, t := range c.tables(m, "keep") {
		if i := slices.IndexFunc(replaced, func(r tableAt) bool { return r.full == t.full }); i >= 0 {
			c.fault(t.node, t.name+" is in keep and in replace", fmt.Sprintf("line %d: one of the two", replaced[i].node.line))
		}
	}
	return use
}

// maintenance holds what follows a phase's COMMIT against the register.
func (c *checker) maintenance(m *checked) {
	if n := m.node.value("after_commit"); n != nil && !m.has("steps") && !m.has("delete") {
		c.fault(n, "after_commit in a phase without steps", "leave it out: a phase that only reads has no COMMIT")
	}
	for _, one := range m.inner["after_commit"] {
		var has []string
		for _, kind := range step.Maintenances {
			n := one.node.value(kind.Name)
			if n == nil {
				continue
			}
			has = append(has, kind.Name)
			if good := one.good.value(kind.Name); good != nil && kind.Statement() {
				c.begins(good, kind)
			}
		}
		switch {
		case len(has) == 0:
			c.fault(one.node, "maintenance that does nothing", "add `"+strings.Join(c.shapes["maintenance"].one, ":` or `")+":`")
		case len(has) > 1:
			c.fault(one.node, "maintenance with both "+strings.Join(has, " and "), "one of them; give the other an entry of its own")
		}
	}
}

// begins holds a statement against the words with which its kind begins.
func (c *checker) begins(n *node, kind step.Maintenance) {
	tokens, fault := statement(n.text)
	if fault != nil {
		c.faultAt(n, fault.offset, fault.problem, fault.fix)
		return
	}
	var known []string
	for _, words := range kind.Begins {
		fits := true
		for i, w := range words {
			fits = fits && next(tokens, i).isWord(w)
		}
		if fits {
			return
		}
		known = append(known, strings.ToUpper(strings.Join(words, " ")))
	}
	c.fault(n, kind.Name+" with another statement", strings.Join(known, ", ")+" are possible")
}
