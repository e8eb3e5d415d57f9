package phases

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// PhaseUndone occurs when the database does not hold what a phase committed: a
// restore, a copy from before it, or rows that were put back.
type PhaseUndone struct {
	Phase  string `json:"phase"`
	Reason string `json:"reason"`
	// Ledger tells whether the ledger still has the phase's row: then it was
	// committed here, and its tables were filled again since.
	Ledger bool `json:"ledger"`
}

// Kind implements Event.
func (PhaseUndone) Kind() string { return "phase_undone" }

func (e PhaseUndone) apply(s *State) error {
	p := s.Phase(e.Phase)
	if p.Status != PhaseIsUndone {
		p.undone = slices.Clone(p.Tables)
		p.takeBack(false)
	}
	p.Status, p.Reason, p.Ledger = PhaseIsUndone, e.Reason, e.Ledger
	return nil
}

func (e PhaseUndone) words(s *State) (Level, string) {
	return LevelBad, fmt.Sprintf("%s: NO LONGER HELD: it was committed, and the database does not hold that: %s", s.PhaseName(e.Phase), e.Reason)
}

// PhaseConfirmed occurs when a phase that was called undone is found committed
// after all: in the run's own database, or after what was put back is gone.
type PhaseConfirmed struct {
	Phase string `json:"phase"`
}

// Kind implements Event.
func (PhaseConfirmed) Kind() string { return "phase_confirmed" }

func (e PhaseConfirmed) apply(s *State) error {
	s.committedAgain(e.Phase)
	return nil
}

func (e PhaseConfirmed) words(s *State) (Level, string) {
	return LevelGood, fmt.Sprintf("%s: found committed after all", s.PhaseName(e.Phase))
}

// UndoneAccepted occurs when the operator, having looked, lets a phase that the
// ledger proves count as committed although its tables hold rows again.
type UndoneAccepted struct {
	Phase  string `json:"phase"`
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// Kind implements Event.
func (UndoneAccepted) Kind() string { return "undone_accepted" }

func (e UndoneAccepted) apply(s *State) error {
	p := s.committedAgain(e.Phase)
	p.Accepted = true
	for i := range p.Tables { // what is in them is what somebody else put there
		p.Tables[i].Left = -1
	}
	return nil
}

func (e UndoneAccepted) words(s *State) (Level, string) {
	return LevelWarn, fmt.Sprintf("%s: counts as committed, although its tables hold rows again: %s", s.PhaseName(e.Phase), e.Reason) + by(e.By)
}

// AcceptUndone lets a phase count as committed that the ledger proves, and
// whose tables hold rows again: somebody has looked at them.
type AcceptUndone struct{ Phase, Reason string }

func (c AcceptUndone) can(s *State, _ time.Time) error {
	for i := range s.Phases {
		p := &s.Phases[i]
		switch {
		case p.Plan.ID != c.Phase:
			continue
		case p.Status != PhaseIsUndone:
			return fmt.Errorf("%s is held as it was committed", p.Plan.Title)
		case !p.Ledger && (p.Intent == nil || p.Intent.Ledger || s.Target.Behind(s.WAL)):
			return fmt.Errorf("the ledger does not prove that %s was committed in this database: find the database that the run worked on, and resume there", p.Plan.Title)
		}
		return needs("what was found", c.Reason)
	}
	return errors.New("every phase is held as it was committed")
}

// Events implements Recorded.
func (c AcceptUndone) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{UndoneAccepted{Phase: c.Phase, Reason: Clean(c.Reason), By: by}}, nil
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
