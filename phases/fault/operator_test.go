package fault

import (
	"time"

	"tminus/phases"
	"tminus/phases/engine"
)

// ending is what an operator makes of a run.
type ending string

const (
	completed ending = ""         // through to its end
	aborted   ending = "aborted"  // at the second phase's hold
	declared  ending = "declared" // NO-GO, at once
)

// drive is an operator who goes on: what was rolled back is started again, up
// to three times. It ends with the run.
func drive(p *program, ends ending) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.engine.Ended():
			return
		case <-tick.C:
		}
		var next phases.Command
		leave := false
		p.engine.View(func(s *phases.State) { next, leave = decide(s, ends) })
		if next == nil {
			continue
		}
		// A refusal is fine: the state has moved on since, or is not ready.
		if err := p.engine.Do(next); err == nil && leave {
			p.stop(engine.ErrLeft)
			return
		}
	}
}

// decide is what the operator does next; leave means that it is the last thing.
func decide(s *phases.State, ends ending) (next phases.Command, leave bool) {
	name := s.Target.Database
	switch s.Stage() {
	case phases.StageChecklist:
		if ends == declared {
			return phases.DeclareNoGo{Reason: "the backup is missing"}, false
		}
		if !s.Item("told").Ticked {
			return phases.Tick{Item: "told"}, false
		}
		return phases.PassGate{Approver: "the duty manager", Typed: name}, false
	case phases.StagePhases:
		p := &s.Phases[s.Current()]
		if !p.Status.Open() && time.Now().After(s.AbortAt()) && !s.AbortAt().IsZero() {
			return phases.Abort{Reason: "the window is over"}, false
		}
		switch p.Status {
		case phases.PhasePending:
			return phases.StartPhase{Phase: p.Plan.ID, Typed: name}, false
		case phases.PhaseHolding:
			if ends == aborted && p.Plan.ID == "second" {
				return phases.Abort{Reason: "out of time"}, false
			}
			return phases.Commit{Phase: p.Plan.ID}, false
		case phases.PhaseIsRolledBack, phases.PhaseIsFailed:
			if p.Attempt >= 3 {
				return phases.Abort{Reason: "three attempts: " + p.Reason}, false
			}
			return phases.StartPhase{Phase: p.Plan.ID, Typed: name}, false
		case phases.PhaseUnknown:
			return phases.Note{Text: "a human has to look"}, true
		}
	case phases.StageAfter:
		if !s.Item("said").Ticked {
			return phases.Tick{Item: "said"}, false
		}
		return phases.CloseRun{}, false
	}
	return nil, false
}
