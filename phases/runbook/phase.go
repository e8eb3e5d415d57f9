package runbook

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// noReturn remembers the phase that is the point of no return.
type noReturn struct {
	phase string
	line  int
}

func (d *decoder) phases(m *mapping) {
	var point noReturn
	var planned time.Duration
	for _, n := range m.list("phases", maxPhases) {
		p := d.mapping(n, "phase")
		if p == nil {
			continue
		}
		phase := d.phase(p, &point)
		planned += phase.Planned
		d.book.Phases = append(d.book.Phases, phase)
	}
	if at := m.value("phases"); at != nil && planned > d.book.Window.Planned {
		if n := m.value("window"); n != nil {
			at = n
		}
		d.fault(at, fmt.Sprintf("the phases are planned for %s, the window for %s", FormatDuration(planned), FormatDuration(d.book.Window.Planned)), "give window a longer planned (and abort), or the phases shorter ones")
	}
}

func (d *decoder) phase(m *mapping, point *noReturn) Phase {
	p := Phase{
		ID:        d.id(m),
		Title:     m.line("title"),
		Planned:   m.duration("planned", 0, time.Second, maxDuration),
		WarnAfter: m.duration("warn_after", 0, time.Second, maxDuration),
		Limit:     m.duration("limit", 0, time.Second, maxDuration),
		LockWait:  m.duration("lock_wait", 0, time.Second, maxDuration),
		Notes:     m.lines("notes", maxNotes),
	}
	p.PointOfNoReturn = m.flag("point_of_no_return", false)
	p.Confirm = d.items(m, "confirm", inConfirm)
	use := phaseUse{phase: p.ID}
	p.Count = tableNames(d.tableList(m, "count"))
	p.Steps = d.steps(m, &use)
	use.zero, use.filled = d.tableList(m, "zero"), d.tableList(m, "filled")
	p.Zero, p.Filled = tableNames(use.zero), tableNames(use.filled)
	d.tables.phases = append(d.tables.phases, use)
	if len(d.tables.phases) == 1 {
		d.later = append(d.later, func() { d.tables.check(d) })
	}
	d.phaseRules(m, &p, use, point)
	return p
}

func (d *decoder) phaseRules(m *mapping, p *Phase, use phaseUse, point *noReturn) {
	writes := m.has("steps") || m.has("delete")
	if p.Risk = Risk(m.word("risk", "none", "medium", "high", "critical")); p.Risk == "" {
		p.Risk = RiskNone
		if writes && !m.has("risk") {
			d.fault(m.node, "a phase with steps and without risk", "add `risk:` medium, high or critical")
		}
	} else if p.Risk == RiskNone && writes {
		d.fault(m.value("risk"), "a phase with steps has the risk none", "medium, high or critical")
	}
	if p.Limit > 0 && p.WarnAfter > p.Limit {
		d.fault(m.value("warn_after"), "warn_after is after limit", "warn before the phase is rolled back")
	}
	switch {
	case p.LockWait > 0 && !writes:
		d.fault(m.value("lock_wait"), "lock_wait in a phase without steps", "leave it out: a phase that only reads takes no locks")
	case p.Limit > 0 && p.LockWait >= p.Limit:
		d.fault(m.value("lock_wait"), "lock_wait is not below limit", "the wait for locks counts towards the limit: give it less")
	}
	if !writes && !m.has("count") && !m.has("zero") && !m.has("filled") {
		d.fault(m.node, "a phase that does nothing", "add delete or steps, or what it counts: count, zero, filled")
	}
	if point.phase != "" || point.line > 0 {
		for _, s := range use.steps {
			if s.removes {
				d.fault(s.node, fmt.Sprintf("deletes after the point of no return, phase %q in line %d", point.phase, point.line), "delete it before that phase: what follows must not need a restore")
			}
		}
	}
	if p.PointOfNoReturn {
		at := m.place("point_of_no_return", m.node)
		switch {
		case point.line > 0:
			d.fault(at, "a second point of no return", fmt.Sprintf("line %d has the first: there is one at most", point.line))
			return
		case !writes:
			d.fault(at, "the point of no return has no steps", "mark the phase after whose COMMIT only a restore helps")
		}
		*point = noReturn{p.ID, at.line}
	}
}

func (d *decoder) steps(m *mapping, use *phaseUse) []Step {
	var out []Step
	if m.has("delete") && m.has("steps") {
		d.fault(m.place("delete", m.node), "a phase with both delete and steps", "write the deletes as steps: `- delete: table`")
	}
	for _, t := range d.tableList(m, "delete") {
		out = append(out, Step{Delete: t.name})
		use.steps = append(use.steps, stepUse{node: t.node, deletes: &t, removes: true})
	}
	for _, n := range m.list("steps", maxSteps) {
		s := d.mapping(n, "step")
		if s == nil {
			continue
		}
		step, u := d.step(s)
		out = append(out, step)
		use.steps = append(use.steps, u)
	}
	return out
}

func (d *decoder) step(m *mapping) (Step, stepUse) {
	use := stepUse{node: m.node}
	rows, noRows := m.rows("rows")
	switch {
	case m.has("delete") && m.has("sql"):
		d.fault(m.place("sql", m.node), "a step with both delete and sql", "one of the two; give the other a step of its own")
		return Step{}, use
	case m.has("delete"):
		return d.deleteStep(m, rows, noRows)
	case m.has("sql"):
		return d.sqlStep(m, rows, noRows)
	}
	d.fault(m.node, "a step that does nothing", "add `delete:` with a table, or `sql:` with a statement")
	return Step{}, use
}

func (d *decoder) deleteStep(m *mapping, rows Rows, noRows bool) (Step, stepUse) {
	step, use := Step{}, stepUse{node: m.node, removes: true}
	if n := m.value("delete"); n != nil {
		if n.kind == isList {
			d.fault(n, "delete is a list", "one table a step")
		} else if t, ok := d.table(n, "delete"); ok {
			step.Delete, use.deletes, use.node = t.name, &t, n
		}
	}
	if n, ok := m.scalar("where"); ok {
		step.Where = strings.TrimSpace(n.text)
		use.where = step.Where
		if len(n.text) > maxSQL {
			d.fault(n, "where is too long", fmt.Sprintf("at most %d bytes", maxSQL))
		} else if fault := checkCondition(n.text); fault != nil {
			d.faultAt(n, fault.offset, fault.problem, fault.fix)
		}
	}
	if m.has("touch") {
		d.fault(m.place("touch", m.node), "touch belongs to sql", "leave it out: what a delete touches is worked out from the foreign keys")
	}
	if !noRows && rows != (Rows{Min: 0, Max: -1}) {
		step.Rows = &rows
	}
	return step, use
}

func (d *decoder) sqlStep(m *mapping, rows Rows, noRows bool) (Step, stepUse) {
	step, use := Step{SQL: d.statementText(m, "sql")}, stepUse{node: m.node}
	if m.has("where") {
		d.fault(m.place("where", m.node), "where belongs to delete", "write the condition into the statement")
	}
	if !noRows {
		step.Rows = &rows
	} else if !m.has("rows") {
		d.fault(m.place("sql", m.node), "sql without rows", "add `rows:` 10, 100..500, 100.. or any")
	}
	use.touch = d.tableList(m, "touch")
	step.Touch = tableNames(use.touch)
	if step.SQL == "" {
		return step, use
	}
	n := m.value("sql")
	use.node = n
	tokens, fault := checkStep(n.text)
	if fault != nil {
		d.faultAt(n, fault.offset, fault.problem, fault.fix)
		return step, use
	}
	use.removes = removes(tokens)
	if changes(tokens) && !m.has("touch") {
		d.fault(n, "sql that changes rows, without touch", "add `touch:` with the tables that it changes")
		return step, use
	}
	for _, t := range targets(tokens) {
		if changes(tokens) && !slices.ContainsFunc(use.touch, func(at tableAt) bool { return at.full == d.full(t.text) }) {
			d.faultAt(n, t.offset, fmt.Sprintf("the statement changes %s, which touch does not name", t.text), "add it to touch")
		}
	}
	return step, use
}
