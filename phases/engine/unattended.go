package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tminus/phases"
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
		held := e.state.Outcome == "" && e.telling.under == 0 && !e.leaving && e.state.Acting() == nil && e.state.OpenPhase() == nil && e.state.Maintaining() == nil && time.Since(patience) > e.settings.Patience
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
	n := uint64(len(s.Fields) + len(s.Conditions) + len(s.Tellings))
	for _, it := range s.Items {
		if it.Ticked {
			n++
		}
		if it.Action != nil && !it.Action.Running {
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
	if e.broken != nil || e.leaving || s.Outcome != "" || e.telling.closing != nil {
		return false
	}
	if e.driveItems() {
		return true
	}
	n := s.Next(time.Now())
	switch n.Wait {
	case phases.WaitChecklist:
		if open := s.Unacknowledged(); len(open) > 0 {
			return e.recordLocked(phases.FindingsAcknowledged{Code: open[0].Code, By: s.Operator.String(), Assumed: true}) == nil
		}
	case phases.WaitGate:
		return e.recordLocked(phases.GatePassed{Approver: "nobody: the run is unattended", By: s.Operator.String(), Assumed: true}) == nil
	case phases.WaitLook:
		e.finish() // a human decides; the journal stays unfinished
	case phases.WaitPhase:
		return n.Phase.Status == phases.PhaseHolding && e.driveHold(n.Phase)
	case phases.WaitConfirm, phases.WaitWindow, phases.WaitHeld, phases.WaitStart:
		p := n.Phase
		// An earlier program's attempt, which that program's end cut short, is
		// tried again.
		if p.Status != phases.PhasePending && (e.begun[p.Plan.ID] || p.Settled) {
			return e.abort(phases.RunAborted{Reason: fmt.Sprintf("unattended: %s did not hold: %s", p.Plan.Title, p.Reason), Lift: true}) == nil
		}
		return n.Wait == phases.WaitStart && e.driveCommand(phases.StartPhase{Phase: p.Plan.ID, Typed: s.Target.Database})
	case phases.WaitClose:
		return e.driveCommand(phases.CloseRun{})
	}
	return false
}

// driveCommand does a command if it is possible now. The caller holds the lock.
func (e *Engine) driveCommand(c phases.Command) bool {
	return e.state.Can(c, time.Now()) == nil && e.carryOut(c) == nil
}

// driveHold decides about a verified phase. The caller holds the lock.
func (e *Engine) driveHold(p *phases.PhaseState) bool {
	switch {
	case e.phase == nil:
		return false
	case e.state.Raised(phases.ConditionRows, p.StartedAt):
		e.phase.cancel(&stop{reason: "unattended: the rows are not as expected, and nobody is there to look"})
		return false
	}
	return len(e.phase.decision) == 0 && e.phase.decide(e.state.Operator.String()) == nil
}

// driveItems answers one item of the current stage. The caller holds the lock.
func (e *Engine) driveItems() bool {
	return slices.ContainsFunc(e.state.Asks(), e.driveItem)
}

func (e *Engine) driveItem(a phases.Ask) bool {
	s := e.state
	by, it := s.Operator.String(), a.Item
	switch a.Need {
	case phases.NeedField:
		if s.Fields[a.Field.ID].Value != "" {
			return false // somebody has answered, and it holds
		}
		value, err := phases.ParseField(a.Field, phases.AssumedValue(a.Field), time.Now())
		if err != nil || value == "" {
			return false // nothing can be assumed: the item holds
		}
		return e.recordLocked(phases.FieldRecorded{Item: it.ID, Field: a.Field.ID, Value: value, By: by, Assumed: true}) == nil
	case phases.NeedAction:
		// Each action runs once: one that did not help is not tried again blindly.
		// Whoever resumed the run has decided about one that was cut off.
		// A command or a request that was may have been done: nobody does it twice by itself.
		st := s.Item(it.ID).Action
		return (st == nil || st.Cut && !it.Action.Answers()) && s.Can(phases.Act{Item: it.ID}, time.Now()) == nil && e.act(it.ID, by) == nil
	case phases.NeedTelling:
		// Once: what a channel does not take is not sent again blindly.
		tell := phases.Tell{Message: it.Message}
		return s.LastTelling(it.Message) == nil && s.Can(tell, time.Now()) == nil && e.doTell(tell, by) == nil
	case phases.NeedTick, phases.NeedSign:
		return e.recordLocked(phases.ItemAssumed{Item: it.ID}) == nil
	}
	return false
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
		if err := e.conclude(phases.NoGoDeclared{Reason: "unattended: held by " + why, Lift: true}); err != nil {
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
