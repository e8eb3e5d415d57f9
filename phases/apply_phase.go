package phases

import (
	"slices"
	"time"
)

// applyPhase applies what concerns one phase.
func (s *State) applyPhase(e Event) bool {
	switch e := e.(type) {
	case PhaseStarted:
		s.startPhase(e)
	case LockWaited:
		s.waitForLock(e)
	case TablesLocked:
		p := s.Phase(e.Phase)
		p.Status, p.Lock, p.LockedAt, p.Tx = PhaseRunning, nil, s.At, e.Tx
	case StepStarted:
		s.startStep(e)
	case TableProgressed:
		p := s.Phase(e.Phase)
		p.Status, p.Lock = PhaseRunning, nil
		if t := p.stepTable(e.Step); t != nil && t.Role != RoleSQL {
			t.Deleted, t.BlocksDone, t.BlocksTotal = t.before(e.Step)+e.Deleted, e.BlocksDone, e.BlocksTotal
		}
		s.touch(p, e.Step, e.Touched)
	case StepDone:
		s.endStep(e)
	case TableCounted:
		s.countTable(e)
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
		p := s.Phase(e.Phase)
		p.Status, p.HoldUntil = PhaseHolding, e.Until
	case CommitIntended:
		p := s.Phase(e.Phase)
		intent := e.CommitIntent
		p.Status, p.Intent, p.By, p.HoldUntil = PhaseCommitting, &intent, e.By, time.Time{}
		s.Sent = append(s.Sent, intent)
		s.WAL = max(s.WAL, intent.Identity.WAL)
	case CommitDoubted:
		p := s.Phase(e.Phase)
		p.Status, p.Doubt = PhaseInDoubt, append(p.Doubt, e.Error)
	case DoubtExamined:
		p := s.Phase(e.Phase)
		p.Status, p.Doubt = PhaseInDoubt, append(p.Doubt, e.Detail)
	case PhaseCommitted:
		s.endPhase(e.Phase, PhaseIsCommitted, "", "", e.Settled)
		s.WAL = max(s.WAL, e.WAL)
	case PhaseUndone:
		p := s.Phase(e.Phase)
		if p.Status != PhaseIsUndone {
			p.undone = slices.Clone(p.Tables)
			p.takeBack(false)
		}
		p.Status, p.Reason, p.Ledger = PhaseIsUndone, e.Reason, e.Ledger
	case PhaseConfirmed:
		s.committedAgain(e.Phase)
	case UndoneAccepted:
		p := s.committedAgain(e.Phase)
		p.Accepted = true
		for i := range p.Tables { // what is in them is what somebody else put there
			p.Tables[i].Left = -1
		}
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
	p := s.Phase(e.Phase)
	if !p.LockedAt.IsZero() && len(e.Blockers) == 0 {
		p.Status, p.Lock = PhaseRunning, nil
		return
	}
	wait := e.LockWait
	p.Status, p.Lock = PhaseLocking, &wait
}

func (s *State) startPhase(e PhaseStarted) {
	p := s.Phase(e.Phase)
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

func (s *State) startStep(e StepStarted) {
	p := s.Phase(e.Phase)
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
	p := s.Phase(e.Phase)
	p.Status, p.Lock = PhaseRunning, nil
	switch t := p.stepTable(e.Step); {
	case t == nil:
	case t.Role == RoleSQL:
		t.Command, t.Rows, t.EndedAt = e.Command, e.Rows, s.At
		for _, name := range p.Plan.Steps[e.Step].Touch {
			p.endTable(p.table(name, RoleTouch), e.Step, s.At)
		}
	default:
		t.Deleted = t.before(e.Step) + e.Rows
		t.BlocksDone = t.BlocksTotal
		p.endTable(t, e.Step, s.At)
	}
	s.touch(p, e.Step, e.Touched)
	p.Step = -1
	p.changed(e.Changes)
}

// endTable ends a table's work with the last step that works on it.
func (p *PhaseState) endTable(t *TableState, step int, at time.Time) {
	if t.StartedAt.IsZero() {
		t.StartedAt = p.StepAt
	}
	if p.lastOn(t.Name, step) {
		t.EndedAt = at
	}
}

// changed takes what the transaction did so far beside rows. It never
// shrinks to nothing: without changes an event may not have looked.
func (p *PhaseState) changed(changes []Change) {
	if changes != nil {
		p.Changes = changes
	}
}

// countTable takes a phase's own count. The counts before the baseline is taken
// are the baseline's: only a phase that reads shows them as its own.
func (s *State) countTable(e TableCounted) {
	p := s.Phase(e.Phase)
	if s.Baseline == nil && p.Plan.Writes() {
		return
	}
	t := p.table(e.Table, RoleCount)
	t.Left = e.Rows
	if t.Step < 0 { // a step's table has ended with its step
		t.EndedAt = s.At
	}
	s.expect(p)
}

func (s *State) takeBaseline(e BaselineTaken) {
	b := e.Baseline
	s.Baseline = &b
	p := s.Phase(e.Phase)
	if !p.Plan.Writes() {
		for _, c := range b.Counts {
			if c.Where == "" {
				p.table(c.Table, RoleCount).Left = c.Rows
			}
		}
		for _, f := range b.Protected {
			p.table(f.Table, RoleProtected).Left = f.Rows
		}
	}
	s.expect(p)
}

func (s *State) verified(e PhaseVerified) {
	p := s.Phase(e.Phase)
	p.Status, p.Verified, p.Step = PhaseVerifying, e.Results, -1
	s.touch(p, -1, e.Touched)
	p.changed(e.Changes)
	for i := range p.Tables { // what cascades touched has no step of its own that ends
		if t := &p.Tables[i]; t.EndedAt.IsZero() && !t.StartedAt.IsZero() {
			t.EndedAt = s.At
		}
	}
	for _, v := range e.Results {
		if t := p.find(v.Name); t != nil && v.Unknown == "" && (v.Kind == VerifyZero || v.Kind == VerifyFilled) {
			t.Left = v.Rows
		}
	}
}

func (s *State) endPhase(id string, status PhaseStatus, reason, by string, settled bool) {
	p := s.Phase(id)
	p.Reason, p.Settled = reason, settled
	p.EndedAt, p.Took, p.HoldUntil, p.Lock, p.Step = s.At, s.since(p), time.Time{}, nil, -1
	if status == PhaseIsRolledBack {
		p.takeBack(true)
		p.By = by
	}
	p.Status = status
}

// committedAgain takes back that a phase is undone.
func (s *State) committedAgain(id string) *PhaseState {
	p := s.Phase(id)
	if p.Status == PhaseIsUndone {
		p.Tables, p.undone = p.undone, nil
	}
	p.Status, p.Reason, p.Ledger = PhaseIsCommitted, "", false
	return p
}
