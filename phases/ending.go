package phases

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Outcome is how a run ended.
type Outcome string

// The outcomes. The zero value belongs to a run that has not ended.
const (
	Completed  Outcome = "completed"
	NoGo       Outcome = "no_go"
	Aborted    Outcome = "aborted"
	Unfinished Outcome = "unfinished"
)

// Word is the outcome as people read it.
func (o Outcome) Word() string {
	switch o {
	case "":
		return "not ended"
	case NoGo:
		return "NO-GO"
	}
	return string(o)
}

// RunAborted ends a run after the GO.
type RunAborted struct {
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`          // empty: tminus did
	Lift   bool   `json:"lift_fences,omitempty"` // what the run has switched off comes back before it is closed
}

// Kind implements Event.
func (RunAborted) Kind() string { return "run_aborted" }

func (e RunAborted) apply(s *State) error {
	s.Outcome, s.Reason, s.EndedBy, s.liftAsked = Aborted, e.Reason, e.By, e.Lift
	return nil
}

func (e RunAborted) words(s *State) (Level, string) {
	text := "run aborted: " + e.Reason + by(e.By)
	for _, line := range s.Undoing() {
		line, _, _ = strings.Cut(line, ":\n") // a command of several lines is none in one
		text += "; " + line
	}
	return LevelBad, text
}

// RunInterrupted occurs when the program leaves a run that can be resumed.
type RunInterrupted struct {
	Reason string `json:"reason"`
}

// Kind implements Event.
func (RunInterrupted) Kind() string { return "run_interrupted" }

func (e RunInterrupted) apply(s *State) error {
	s.Interrupted, s.Awaited = e.Reason, nil
	return nil
}

func (e RunInterrupted) words(*State) (Level, string) {
	return LevelWarn, "run interrupted: " + e.Reason + "; it can be resumed"
}

// RunClosed is a run's last event. A journal without one is unfinished, or was
// cut. Nothing follows it but what brings back a fence that the run left off: see
// AfterClose.
type RunClosed struct {
	Outcome Outcome `json:"outcome"`
}

// Kind implements Event.
func (RunClosed) Kind() string { return "run_closed" }

func (e RunClosed) apply(s *State) error {
	s.Outcome, s.ClosedAt = e.Outcome, s.At
	return nil
}

func (e RunClosed) words(s *State) (Level, string) {
	if e.Outcome == Completed {
		return LevelGood, "run closed: completed"
	}
	text := "run closed: " + e.Outcome.Word()
	for _, left := range [][]string{s.FenceLines(""), s.triggersLeft()} {
		for i, line := range left {
			if i > 0 {
				text += " "
			} else {
				text += "; "
			}
			text += strings.TrimSpace(line)
		}
	}
	return LevelBad, text
}

// Abort ends the run: an open phase is rolled back first. With Lift, what the run
// has switched off comes back before it is closed.
type Abort struct {
	Reason string
	Lift   bool
}

func (c Abort) can(s *State, _ time.Time) error {
	if s.T0.IsZero() && s.Gate.Decision != Go {
		return errors.New("the gate has not been passed: declare NO-GO instead")
	}
	if p := s.OpenPhase(); p != nil && (p.Status == PhaseCommitting || p.Status == PhaseInDoubt) {
		return errSent
	}
	if err := s.tryingUndo(); err != nil {
		return err
	}
	if err := s.Acting(); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

// CloseRun ends a run whose stages are all done.
type CloseRun struct{}

func (CloseRun) can(s *State, _ time.Time) error {
	if s.Stage() != StageAfter {
		return errors.New("phases are still to be done")
	}
	if err := s.smokeHold(); err != nil {
		return err
	}
	if cur := s.CurrentAfter(); cur < len(s.Runbook.After) {
		return fmt.Errorf("stage %q is not done", s.Runbook.After[cur].Title)
	}
	if err := s.tryingUndo(); err != nil {
		return err
	}
	if m := s.Maintaining(); m != nil {
		return fmt.Errorf("%w by %s, which runs after COMMIT: wait for its end, or skip it", ErrHeld, m.Plan.Name())
	}
	return s.Acting()
}

// Events implements Recorded.
func (CloseRun) Events(*State, string, time.Time) ([]Event, error) {
	return []Event{RunClosed{Outcome: Completed}}, nil
}
