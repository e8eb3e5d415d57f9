package phases

import (
	"slices"
	"sort"
	"time"

	"tminus/phases/runbook"
)

// planTables are the rows that a phase's screen shows before it has begun. A
// free statement has a row of its own, which is no table; the tables that it
// changes have theirs.
func planTables(p *runbook.Phase) []TableState {
	st := PhaseState{Plan: p}
	for i, step := range p.Steps {
		if step.Delete == "" {
			st.Tables = append(st.Tables, TableState{Name: step.Name(), Role: RoleSQL, Step: i, Expected: -1, Left: -1})
			for _, name := range step.Touch {
				st.table(name, RoleTouch)
			}
			continue
		}
		t := st.table(step.Delete, RoleDelete)
		t.Role, t.Step = RoleDelete, i
		t.steps++
		for _, name := range step.Touch {
			st.table(name, RoleTouch)
		}
	}
	for _, name := range p.Zero {
		st.table(name, RoleZero)
	}
	for _, name := range p.Filled {
		st.table(name, RoleFilled)
	}
	for _, name := range p.Count {
		st.table(name, RoleCount)
	}
	return st.Tables
}

// find gives a table's row, or nil. A free statement may be called as a table
// is: its row is none.
func (p *PhaseState) find(name string) *TableState {
	for i := range p.Tables {
		if p.Tables[i].Name == name && p.Tables[i].Role != RoleSQL {
			return &p.Tables[i]
		}
	}
	return nil
}

// table gives a table's row, and adds it when there is none.
func (p *PhaseState) table(name string, role TableRole) *TableState {
	if t := p.find(name); t != nil {
		return t
	}
	p.Tables = append(p.Tables, TableState{Name: name, Role: role, Step: -1, Expected: -1, Left: -1})
	return &p.Tables[len(p.Tables)-1]
}

// step gives a step of the plan, or nil for one that it does not have.
func (p *PhaseState) step(i int) *runbook.Step {
	if i < 0 || i >= len(p.Plan.Steps) {
		return nil
	}
	return &p.Plan.Steps[i]
}

// stepTable gives the row of a step, or nil for a step that the plan does not have.
func (p *PhaseState) stepTable(i int) *TableState {
	step := p.step(i)
	switch {
	case step == nil:
		return nil
	case step.Delete != "":
		return p.table(step.Delete, RoleDelete)
	}
	for j := range p.Tables {
		if p.Tables[j].Role == RoleSQL && p.Tables[j].Step == i {
			return &p.Tables[j]
		}
	}
	return nil
}

// before is what earlier steps deleted from the table of a step.
func (t *TableState) before(step int) int64 {
	if t.Step == step {
		return t.base
	}
	return t.Deleted
}

// lastOn reports whether no later step works on a table.
func (p *PhaseState) lastOn(table string, step int) bool {
	for _, later := range p.Plan.Steps[step+1:] {
		if later.Delete == table || slices.Contains(later.Touch, table) {
			return false
		}
	}
	return true
}

// touch spreads what the transaction did so far over the phase's tables. What
// went during a free statement from the tables that it is meant to change is
// its own; what else a delete's own statement did not take came from foreign
// keys or triggers.
func (s *State) touch(p *PhaseState, step int, touched map[string]Touched) {
	names := make([]string, 0, len(touched))
	for name := range touched {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		n := touched[name]
		if n == (Touched{}) {
			continue
		}
		t := p.find(name)
		if t == nil {
			t = p.table(name, RoleCascade)
			s.expectOf(p, t)
		}
		if t.StartedAt.IsZero() {
			t.StartedAt = s.At
		}
		if at := p.step(step); at != nil && at.Delete == "" && slices.Contains(at.Touch, name) || at == nil && t.Role == RoleTouch {
			t.Deleted = max(0, n.Deleted-t.Cascaded)
		} else {
			t.Cascaded = max(0, n.Deleted-t.Deleted)
		}
		t.Updated, t.Inserted = n.Updated, n.Inserted
	}
}

// Truncated are the tables that the phase's statements truncated: their rows
// are gone, and nobody counts how many.
func (p *PhaseState) Truncated() []string {
	if p.Status == PhaseIsRolledBack || p.Status == PhaseIsUndone {
		return nil
	}
	var out []string
	for _, t := range p.Tables {
		step := p.step(t.Step)
		if t.Role != RoleSQL || t.Command != "TRUNCATE TABLE" || step == nil {
			continue
		}
		for _, name := range step.Touch {
			// A statement need not truncate all that it may change: what it did is looked at.
			if (p.Changes == nil || p.rewritten(name)) && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// rewritten reports whether more was done to a table than the server counts
// rows of.
func (p *PhaseState) rewritten(table string) bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool {
		return c.Table == table && c.Kind != ChangeAltered && c.Kind != ChangeLocked
	})
}

// uncounted reports whether nobody knows how many rows the phase took from a table.
func (p *PhaseState) uncounted(table string) bool {
	return p.rewritten(table) && !slices.Contains(p.Swept, table) || slices.Contains(p.Truncated(), table)
}

// pace takes down how far the rows are, of the step under way, of what it reached,
// and of the phase.
func (p *PhaseState) pace(at time.Time) {
	var gone int64
	for i := range p.Tables {
		t := &p.Tables[i]
		gone += t.Deleted + t.Cascaded
		switch {
		case t.Role == RoleSQL || t.Role == RoleTouch:
		case t.Step >= 0:
			if t.Step == p.Step {
				t.Pace.Add(at, t.Deleted)
			}
		case t.Deleted+t.Cascaded > 0:
			if began := p.StepAt; !began.IsZero() {
				t.Pace.Begin(began, 0)
			}
			t.Pace.Add(at, t.Deleted+t.Cascaded)
		}
	}
	p.Pace.Add(at, gone)
}

// takeBack moves what a phase had done to what is undone. recounted tells
// whether ROLLBACK brought it back: then a counted table holds again what it
// had given.
func (p *PhaseState) takeBack(recounted bool) {
	p.Pace = Series{}
	for i := range p.Tables {
		t := &p.Tables[i]
		switch {
		case !recounted || p.uncounted(t.Name):
			t.Left = -1
		case t.Left >= 0:
			t.Left += t.Deleted + t.Cascaded - t.Inserted
		}
		*t = TableState{
			Name: t.Name, Role: t.Role, Step: t.Step, Expected: t.Expected, Left: t.Left, steps: t.steps,
			Command: t.Command, Rows: t.Rows, Undone: t.Undone.plus(t.Effect()),
		}
	}
}
