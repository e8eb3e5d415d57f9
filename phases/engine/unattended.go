package engine

import (
	"context"
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// drive does what an operator would do where everything holds, and rolls back
// and stops where anything does not. What a human would have answered is
// recorded as assumed.
func (e *Engine) drive(ctx context.Context) {
	patience := time.Now()
	var seq uint64
	for {
		e.mu.Lock()
		changed := e.changed
		acted := e.driveOnce()
		if progressed(e.state) != seq {
			seq, patience = progressed(e.state), time.Now()
		}
		held := e.state.Outcome == "" && !e.leaving && e.state.Acting() == nil && e.state.OpenPhase() == nil && time.Since(patience) > e.settings.Patience
		over := held && !acted
		if over {
			e.giveUp()
		}
		e.mu.Unlock()
		if over {
			return
		}
		if acted {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-e.ended:
			return
		case <-changed:
		case <-time.After(time.Second): // evidence and patience run out without an event
		}
	}
}

// progressed changes whenever a run gets on; answers of checks alone don't count.
func progressed(s *phases.State) uint64 {
	n := uint64(len(s.Fields) + len(s.Conditions))
	for _, it := range s.Items {
		if it.Ticked {
			n++
		}
	}
	for _, p := range s.Phases {
		n += uint64(p.Attempt) * 100
		if p.Status.Done() {
			n += 10_000
		}
	}
	return n
}

// driveOnce takes the next step, if there is one. The caller holds the lock.
func (e *Engine) driveOnce() bool {
	s := e.state
	if e.broken != nil || e.leaving || s.Outcome != "" {
		return false
	}
	if e.driveItems() {
		return true
	}
	now := time.Now()
	name := s.Target.Database
	switch s.Stage() {
	case phases.StageChecklist:
		if s.Gate.Decision == "" && len(s.GateHolds(now)) == 0 {
			return e.recordLocked(phases.GatePassed{Approver: "nobody: the run is unattended", By: s.Operator.String(), Assumed: true}) == nil
		}
	case phases.StagePhases:
		p := &s.Phases[s.Current()]
		switch p.Status {
		case phases.PhasePending:
			if start := (phases.StartPhase{Phase: p.Plan.ID, Typed: name}); s.Can(start, now) == nil {
				return e.carryOut(start) == nil
			}
		case phases.PhaseHolding:
			if e.phase != nil && s.Raised(phases.ConditionRows, p.StartedAt) {
				e.phase.cancel(&stop{reason: "unattended: the rows are not as expected, and nobody is there to look"})
				return false
			}
			if e.phase != nil && len(e.phase.decision) == 0 {
				return e.phase.decide(s.Operator.String()) == nil
			}
		case phases.PhaseIsRolledBack, phases.PhaseIsFailed:
			// An earlier program's attempt, which that program's end cut short.
			if start := (phases.StartPhase{Phase: p.Plan.ID, Typed: name}); !e.begun[p.Plan.ID] && !p.Settled {
				return s.Can(start, now) == nil && e.carryOut(start) == nil
			}
			return e.abort(fmt.Sprintf("unattended: %s did not hold: %s", p.Plan.Title, p.Reason), "") == nil
		case phases.PhaseUnknown, phases.PhaseIsUndone:
			e.finish() // a human decides; the journal stays unfinished
		}
	case phases.StageAfter:
		if s.Can(phases.CloseRun{}, now) == nil {
			return e.carryOut(phases.CloseRun{}) == nil
		}
	}
	return false
}

// driveItems answers one item of the current stage. The caller holds the lock.
func (e *Engine) driveItems() bool {
	for _, g := range e.state.Runbook.Groups() {
		for _, it := range g.Items {
			if _, err := e.state.Answerable(it.ID); err == nil && e.state.ItemLacks(it) != "" && e.driveItem(it) {
				return true
			}
		}
	}
	return false
}

func (e *Engine) driveItem(it runbook.Item) bool {
	s := e.state
	for _, f := range it.Fields {
		if !f.Required || s.Fields[f.ID].Value != "" {
			continue
		}
		value, err := phases.ParseField(f, assumedValue(f), time.Now())
		if err != nil || value == "" {
			return false // nothing can be assumed: the item holds
		}
		return e.recordLocked(phases.FieldRecorded{Item: it.ID, Field: f.ID, Value: value, By: s.Operator.String(), Assumed: true}) == nil
	}
	st := s.Item(it.ID)
	// Each action runs once: one that did not help is not tried again blindly.
	// Whoever resumed the run has decided about one that was cut off.
	if it.Action != nil && (st.Action == nil || st.Action.Cut) && (it.Check == nil || st.Check != nil) {
		return s.Can(phases.Act{Item: it.ID}, time.Now()) == nil && e.act(it.ID, s.Operator.String()) == nil
	}
	if it.Check == nil && !st.Ticked && (st.Action == nil || (!st.Action.Running && st.Action.Error == "")) {
		return e.recordLocked(phases.ItemAssumed{Item: it.ID}) == nil
	}
	return false
}

func assumedValue(f runbook.Field) string {
	switch {
	case f.Example != "":
		return f.Example
	case f.Type == runbook.FieldTime:
		return "now"
	case f.Type == runbook.FieldYesNo:
		return "yes"
	case f.Type == runbook.FieldNumber:
		return "0"
	case f.Type == runbook.FieldDuration:
		return "15m"
	case f.Type == runbook.FieldPhone:
		return "+00 000 0000"
	}
	return "assumed"
}

// giveUp ends a run that something holds for too long. The caller holds the lock.
func (e *Engine) giveUp() {
	s := e.state
	var why string
	switch s.Stage() {
	case phases.StageChecklist:
		why = holdsText(s.GateHolds(time.Now()))
		if !s.T0.IsZero() { // the gate has to be passed again: it is no NO-GO any more
			break
		}
		if err := e.recordLocked(phases.NoGoDeclared{Reason: "unattended: held by " + why}, phases.RunClosed{Outcome: phases.NoGo}); err != nil {
			return // recordLocked has stopped the run
		}
		return
	case phases.StagePhases:
		why = "held by " + holdsText(s.PhaseHolds(s.Current(), time.Now()))
	default:
		why = "a stage after the last phase is not done: " + s.Can(phases.CloseRun{}, time.Now()).Error()
	}
	if err := e.recordLocked(phases.RunInterrupted{Reason: "unattended: " + why}); err != nil {
		return // recordLocked has stopped the run
	}
	e.finish()
}

func holdsText(holds []phases.Hold) string {
	if len(holds) == 0 {
		return "nothing"
	}
	if len(holds) == 1 {
		return holds[0].Text
	}
	return fmt.Sprintf("%s, and %d more", holds[0].Text, len(holds)-1)
}
