package phases

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// UndoTrialStarted occurs when a rehearsal, at its end, begins to put back what
// its phases took, to see that it comes back and how long that takes.
type UndoTrialStarted struct {
	By string `json:"by"`
}

// Kind implements Event.
func (UndoTrialStarted) Kind() string { return "undo_trial_started" }

func (UndoTrialStarted) apply(s *State) error {
	s.UndoTrial = &UndoTrial{Running: true, Since: s.At}
	return nil
}

func (e UndoTrialStarted) words(s *State) (Level, string) {
	return LevelInfo, fmt.Sprintf("undo: %s to be put back, to see that it works", Plural(int64(len(s.Kept())), "phase")) + by(e.By)
}

// UndoTrialProgressed occurs a few times a second while that goes on.
type UndoTrialProgressed struct {
	Phase string `json:"phase"`
	Rows  int64  `json:"rows"`  // put back of it so far
	Total int64  `json:"total"` // that its capsule has
}

// Kind implements Event.
func (UndoTrialProgressed) Kind() string { return "undo_trial_progressed" }

func (UndoTrialProgressed) weight(*State) Weight { return Fleeting }

func (e UndoTrialProgressed) apply(s *State) error {
	if s.UndoTrial != nil {
		s.UndoTrial.Now = e
	}
	return nil
}

func (UndoTrialProgressed) words(*State) (Level, string) { return "", "" }

// UndoTried occurs when it has ended, whatever came of it. The database is then
// as it was before the first phase, where nothing differs.
type UndoTried struct {
	Phases      []UndoneTrial `json:"phases,omitempty"`      // that were put back and proven, in their order
	Took        time.Duration `json:"took_ns"`               // all together
	Compared    int           `json:"compared"`              // tables whose count and content were compared with those before the first phase
	Differences []string      `json:"differences,omitempty"` // a table each; nil for none
	Error       string        `json:"error,omitempty"`       // why not all was put back; empty where it was
}

// UndoneTrial is one phase that was put back.
type UndoneTrial struct {
	Phase string        `json:"phase"`
	Rows  int64         `json:"rows"`
	Took  time.Duration `json:"took_ns"` // its COMMIT included
}

// Lacks says why an undo is not proven by it; empty where it is.
func (e *UndoTried) Lacks() string {
	switch {
	case e.Error != "":
		return e.Error
	case len(e.Differences) > 0:
		return "not all is as it was: " + allOf(e.Differences)
	}
	return ""
}

// Kind implements Event.
func (UndoTried) Kind() string { return "undo_tried" }

func (e UndoTried) apply(s *State) error {
	t := s.UndoTrial
	if t == nil {
		t = &UndoTrial{Since: s.At}
		s.UndoTrial = t
	}
	t.Running, t.Result = false, &e
	if e.Lacks() != "" {
		return nil
	}
	for _, done := range e.Phases {
		s.Phase(done.Phase).UndoTook = done.Took
	}
	return nil
}

func (e UndoTried) words(*State) (Level, string) {
	if e.Lacks() != "" {
		return LevelBad, e.Words()
	}
	return LevelGood, e.Words()
}

// Words say what came of it.
func (e *UndoTried) Words() string {
	if lacks := e.Lacks(); lacks != "" {
		return fmt.Sprintf("undo tried, and NOT PROVEN after %s: %s", Span(e.Took), lacks)
	}
	var rows int64
	var each []string
	for _, p := range e.Phases {
		rows += p.Rows
		each = append(each, p.Phase+" "+Span(p.Took))
	}
	return fmt.Sprintf("undo proven: %s put back in %s (%s); count and content of %s are as before the first phase",
		Rows(rows), Span(e.Took), strings.Join(each, ", "), Plural(int64(e.Compared), "table"))
}

// UndoTrial is the undo at a rehearsal's end.
type UndoTrial struct {
	Running bool
	Since   time.Time
	Now     UndoTrialProgressed // how far it is; zero before the first
	Result  *UndoTried          // nil before it
}

// TrialWords say how far the undo at a rehearsal's end is: "phase 5: 1,200 of 14,820
// rows put back".
func (s *State) TrialWords() string {
	t := s.UndoTrial
	if t == nil || t.Now.Phase == "" {
		return "the undo is being tried"
	}
	return fmt.Sprintf("the undo is being tried: %s, %s of %s put back", s.PhaseName(t.Now.Phase), Digits(t.Now.Rows), Rows(t.Now.Total))
}

// WantsUndoTrial reports whether closing the run tries the undo first.
func (s *State) WantsUndoTrial() bool {
	return s.WantsTrial() && len(s.Kept()) > 0
}

// errUndoTrial refuses what would get in its way.
var errUndoTrial = errors.New("the undo is being tried: wait for its end")

// tryingUndo is an error while the undo is being tried.
func (s *State) tryingUndo() error {
	if s.UndoTrial != nil && s.UndoTrial.Running {
		return errUndoTrial
	}
	return nil
}

// UndoProof is what is known of undoing the run's phases.
type UndoProof struct {
	Took  time.Duration // of all phases; 0 where it is not proven
	Lacks string        // why it is not proven; empty where it is
}

// UndoProof gives it: from this run, when it is the rehearsal, or from the one
// that it rests on.
func (s *State) UndoProof() UndoProof {
	r := s.Opened.Rehearsed
	switch {
	case s.UndoTrial != nil && s.UndoTrial.Result != nil:
		return UndoProof{s.UndoTrial.Result.Took, s.UndoTrial.Result.Lacks()}
	case r == nil || r.Journal == "":
		return UndoProof{Lacks: "nobody has rehearsed it"}
	case r.UndoLacks != "":
		return UndoProof{Lacks: r.UndoLacks}
	}
	var sum time.Duration
	for i := range s.Phases {
		p := &s.Phases[i]
		if !s.Keeps(p) {
			continue
		}
		done := r.Phase(p.Plan.ID)
		if done == nil || done.Undo == 0 {
			return UndoProof{Lacks: "the rehearsal did not put " + p.Plan.Title + " back"}
		}
		sum += done.Undo
	}
	return UndoProof{Took: sum}
}

// DecideBy is until when an undo of what is committed can begin and be done by
// the abort limit; zero before T-0, and where nobody knows how long it takes.
func (s *State) DecideBy() time.Time {
	at, took := s.AbortAt(), s.Undo().Took
	if at.IsZero() || took == 0 {
		return time.Time{}
	}
	return at.Add(-took)
}
