package phases

import (
	"sort"
	"time"

	"tminus/phases/runbook"
)

// applyPhase applies what concerns one phase.
func (s *State) applyPhase(e Event) bool {
	switch e := e.(type) {
	case PhaseStarted:
		s.startPhase(e)
	case LockWaited:
		s.waitForLock(e)
	case TablesLocked:
		p := s.phase(e.Phase)
		p.Status, p.Lock, p.LockedAt, p.Tx = PhaseRunning, nil, s.At, e.Tx
	case StepStarted:
		s.startStep(e)
	case TableProgressed:
		p := s.phase(e.Phase)
		p.Status, p.Lock = PhaseRunning, nil
		if t := p.stepTable(e.Step); t != nil {
			t.Deleted, t.BlocksDone, t.BlocksTotal = t.before(e.Step)+e.Deleted, e.BlocksDone, e.BlocksTotal
		}
		s.touch(p, e.Touched)
	case StepDone:
		s.endStep(e)
	case TableCounted:
		p := s.phase(e.Phase)
		t := p.table(e.Table, RoleCount)
		t.Left, t.EndedAt = e.Rows, s.At
		s.expect(p)
	case BaselineTaken:
		s.takeBaseline(e)
	case PhaseVerified:
		s.verified(e)
	default:
		return s.applyOutcome(e)
	}
	return true
}

// applyOutcome applies what happens to a phase from its hold on.
func (s *State) applyOutcome(e Event) bool {
	switch e := e.(type) {
	case HoldOpened:
		p := s.phase(e.Phase)
		p.Status, p.HoldUntil = PhaseHolding, e.Until
	case CommitIntended:
		p := s.phase(e.Phase)
		intent := e.CommitIntent
		p.Status, p.Intent, p.By, p.HoldUntil = PhaseCommitting, &intent, e.By, time.Time{}
		s.Sent = append(s.Sent, intent)
		s.WAL = max(s.WAL, intent.Identity.WAL)
	case CommitDoubted:
		p := s.phase(e.Phase)
		p.Status, p.Doubt = PhaseInDoubt, append(p.Doubt, e.Error)
	case DoubtExamined:
		p := s.phase(e.Phase)
		p.Status, p.Doubt = PhaseInDoubt, append(p.Doubt, e.Detail)
	case PhaseCommitted:
		s.endPhase(e.Phase, PhaseIsCommitted, "", "", e.Settled)
		s.WAL = max(s.WAL, e.WAL)
	case PhaseUndone:
		p := s.phase(e.Phase)
		p.Status, p.Reason, p.Ledger = PhaseIsUndone, e.Reason, e.Ledger
	case PhaseConfirmed:
		p := s.phase(e.Phase)
		p.Status, p.Reason, p.Ledger = PhaseIsCommitted, "", false
	case UndoneAccepted:
		p := s.phase(e.Phase)
		p.Status, p.Reason, p.Ledger, p.Accepted = PhaseIsCommitted, "", false, true
	case PhaseRolledBack:
		s.endPhase(e.Phase, PhaseIsRolledBack, e.Reason, e.By, e.Settled)
	case PhasePassed:
		s.endPhase(e.Phase, PhaseIsPassed, "", "", false)
	case PhaseFailed:
		s.endPhase(e.Phase, PhaseIsFailed, e.Reason, "", false)
	case OutcomeUnknown:
		s.endPhase(e.Phase, PhaseUnknown, e.Reason, "", false)
	default:
		return false
	}
	return true
}

func (s *State) waitForLock(e LockWaited) {
	p := s.phase(e.Phase)
	if !p.LockedAt.IsZero() && len(e.Blockers) == 0 {
		p.Status, p.Lock = PhaseRunning, nil
		return
	}
	wait := e.LockWait
	p.Status, p.Lock = PhaseLocking, &wait
}

func (s *State) startPhase(e PhaseStarted) {
	p := s.phase(e.Phase)
	if s.T0.IsZero() {
		s.T0 = s.At
	}
	*p = PhaseState{
		Plan: p.Plan, Status: PhaseLocking, Attempt: e.Attempt, StartedAt: s.At,
		Tx: e.Tx, Step: -1, Tables: planTables(p.Plan), By: e.By,
	}
	if !p.Plan.Writes() {
		p.Status = PhaseRunning
	}
	s.expect(p)
}

// expect fills in what the baseline holds for a phase's tables.
func (s *State) expect(p *PhaseState) {
	if s.Baseline == nil {
		return
	}
	rows := map[string]int64{}
	for _, c := range s.Baseline.Counts {
		rows[c.Table] = c.Rows
	}
	for i := range p.Tables {
		if n, ok := rows[p.Tables[i].Name]; ok {
			p.Tables[i].Expected = n
		}
	}
}

func (s *State) startStep(e StepStarted) {
	p := s.phase(e.Phase)
	p.Step, p.StepAt = e.Step, s.At
	if t := p.stepTable(e.Step); t != nil {
		t.Step = e.Step
		t.base = t.Deleted
		t.EndedAt = time.Time{}
		if t.StartedAt.IsZero() {
			t.StartedAt = s.At
		}
	}
}

func (s *State) endStep(e StepDone) {
	p := s.phase(e.Phase)
	p.Status, p.Lock = PhaseRunning, nil
	if t := p.stepTable(e.Step); t != nil {
		t.Deleted = t.before(e.Step) + e.Rows
		t.BlocksDone, t.EndedAt = t.BlocksTotal, s.At
	}
	p.Step = -1
	s.touch(p, e.Touched)
}

// touch spreads what the transaction did over the phase's tables. What a
// step's own statement did not delete came from foreign keys or triggers.
func (s *State) touch(p *PhaseState, touched map[string]Touched) {
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
			t.StartedAt = s.At
			s.expect(p)
		}
		t.Cascaded = max(0, n.Deleted-t.Deleted)
		t.Updated, t.Inserted = n.Updated, n.Inserted
	}
}

func (s *State) takeBaseline(e BaselineTaken) {
	b := e.Baseline
	s.Baseline = &b
	p := s.phase(e.Phase)
	if !p.Plan.Writes() {
		for _, c := range b.Counts {
			t := p.table(c.Table, RoleCount)
			t.Left = c.Rows
		}
		for _, f := range b.Protected {
			t := p.table(f.Table, RoleProtected)
			t.Left = f.Rows
		}
	}
	s.expect(p)
}

func (s *State) verified(e PhaseVerified) {
	p := s.phase(e.Phase)
	p.Status, p.Verified, p.Step = PhaseVerifying, e.Results, -1
	s.touch(p, e.Touched)
	for i := range p.Tables { // what cascades touched has no step of its own that ends
		if t := &p.Tables[i]; t.EndedAt.IsZero() && !t.StartedAt.IsZero() {
			t.EndedAt = s.At
		}
	}
	for _, v := range e.Results {
		switch v.Kind {
		case VerifyZero, VerifyFilled:
			if t := p.find(v.Name); t != nil {
				t.Left = v.Rows
			}
		}
	}
}

func (s *State) endPhase(id string, status PhaseStatus, reason, by string, settled bool) {
	p := s.phase(id)
	p.Status, p.Reason, p.Settled = status, reason, settled
	p.EndedAt, p.Took, p.HoldUntil, p.Lock, p.Step = s.At, s.since(p), time.Time{}, nil, -1
	if status == PhaseIsRolledBack {
		p.By = by
	}
}

// planTables are the rows that a phase's screen shows before it has begun.
func planTables(p *runbook.Phase) []TableState {
	st := PhaseState{Plan: p}
	for i, step := range p.Steps {
		role := RoleDelete
		if step.Delete == "" {
			role = RoleSQL
		}
		st.table(step.Name(), role).Step = i
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

// find gives a table's row, or nil.
func (p *PhaseState) find(name string) *TableState {
	for i := range p.Tables {
		if p.Tables[i].Name == name {
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

// stepTable gives the row of a step, or nil for a step that the plan does not have.
func (p *PhaseState) stepTable(step int) *TableState {
	if step < 0 || step >= len(p.Plan.Steps) {
		return nil
	}
	return p.table(p.Plan.Steps[step].Name(), RoleDelete)
}

// before is what earlier steps deleted from the table of a step.
func (t *TableState) before(step int) int64 {
	if t.Step == step {
		return t.base
	}
	return t.Deleted
}
