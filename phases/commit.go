package phases

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases/check"
)

// HoldOpened occurs when a verified phase waits for COMMIT or ROLLBACK.
type HoldOpened struct {
	Phase string    `json:"phase"`
	Until time.Time `json:"until"` // then it is rolled back
}

// Kind implements Event.
func (HoldOpened) Kind() string { return "hold_opened" }

func (e HoldOpened) apply(s *State) error {
	p := s.Phase(e.Phase)
	p.Status, p.HoldUntil, p.ReadyAt = PhaseHolding, e.Until, s.At
	return nil
}

func (e HoldOpened) words(s *State) (Level, string) {
	return LevelWarn, fmt.Sprintf("%s: waits for COMMIT or ROLLBACK, rolls back in %s", s.PhaseName(e.Phase), Span(e.Until.Sub(s.At)))
}

// CommitIntended is on disk before COMMIT is sent.
type CommitIntended struct {
	CommitIntent
	By string `json:"by"`
}

// Kind implements Event.
func (CommitIntended) Kind() string { return "commit_intended" }

func (e CommitIntended) apply(s *State) error {
	p := s.Phase(e.Phase)
	intent := e.CommitIntent
	p.Status, p.Intent, p.By, p.HoldUntil = PhaseCommitting, &intent, e.By, time.Time{}
	if p.ReadyAt.IsZero() {
		p.ReadyAt = s.At
	}
	s.Sent = append(s.Sent, intent)
	s.WAL = max(s.WAL, intent.Identity.WAL)
	return nil
}

func (e CommitIntended) words(s *State) (Level, string) {
	return LevelInfo, fmt.Sprintf("%s: sends COMMIT", s.PhaseName(e.Phase)) + by(e.By)
}

// CommitDoubted occurs when COMMIT was sent and no definite answer came.
type CommitDoubted struct {
	Phase string `json:"phase"`
	Error string `json:"error"`
}

// Kind implements Event.
func (CommitDoubted) Kind() string { return "commit_doubted" }

func (e CommitDoubted) apply(s *State) error {
	p := s.Phase(e.Phase)
	p.Status, p.Doubt = PhaseInDoubt, append(p.Doubt, e.Error)
	return nil
}

func (e CommitDoubted) words(s *State) (Level, string) {
	return LevelBad, fmt.Sprintf("%s: COMMIT in doubt, no definite answer: %s", s.PhaseName(e.Phase), e.Error)
}

// DoubtExamined occurs with each look at a COMMIT in doubt.
type DoubtExamined struct {
	Phase  string `json:"phase"`
	Detail string `json:"detail"`
}

// Kind implements Event.
func (DoubtExamined) Kind() string { return "doubt_examined" }

func (DoubtExamined) weight(*State) Weight { return Fleeting }

func (e DoubtExamined) apply(s *State) error {
	p := s.Phase(e.Phase)
	p.Status, p.Doubt = PhaseInDoubt, append(p.Doubt, e.Detail)
	return nil
}

func (e DoubtExamined) words(s *State) (Level, string) {
	return LevelWarn, fmt.Sprintf("%s: COMMIT in doubt: %s", s.PhaseName(e.Phase), e.Detail)
}

// PhaseCommitted occurs when a COMMIT is known to have happened.
type PhaseCommitted struct {
	Phase   string        `json:"phase"`
	Took    time.Duration `json:"took_ns"`           // from PhaseStarted
	Settled bool          `json:"settled,omitempty"` // known from the ledger, not from COMMIT's answer
	WAL     LSN           `json:"wal,omitempty"`     // what the server had on disk afterwards; 0 when it did not say
	Warned  []string      `json:"warned,omitempty"`  // by the server, as it answered COMMIT: such as that no standby may have it; nil for nothing, and in older journals
}

// Kind implements Event.
func (PhaseCommitted) Kind() string { return "phase_committed" }

func (PhaseCommitted) stirs(*State) check.Fact { return check.Price }

func (e PhaseCommitted) apply(s *State) error {
	s.endPhase(e.Phase, PhaseIsCommitted, "", "", e.Settled)
	s.Phase(e.Phase).Warned = e.Warned
	if p := s.Phase(e.Phase); e.WAL != 0 && p.Intent != nil && p.Intent.Identity.WAL != 0 && e.WAL > p.Intent.Identity.WAL {
		p.WAL = int64(e.WAL - p.Intent.Identity.WAL)
	}
	lost := ""
	if e.Settled {
		lost = "COMMIT's own answer was lost, and nobody was there to go on"
	}
	s.Phase(e.Phase).planMaintenance(s.Survey.Ways(e.Phase), lost, s.At)
	s.WAL = max(s.WAL, e.WAL)
	return nil
}

func (e PhaseCommitted) words(s *State) (Level, string) {
	text := fmt.Sprintf("%s: COMMITTED after %s: %s", s.PhaseName(e.Phase), Span(e.Took), s.Phase(e.Phase).DidWords())
	if len(e.Warned) > 0 {
		return LevelWarn, text + "; " + WarnedWords(e.Warned)
	}
	return LevelGood, text + fromLedger(e.Settled)
}

// WarnedWords say what the server warned of as it answered COMMIT.
func WarnedWords(warned []string) string {
	return "the server warned at COMMIT: " + Clean(strings.Join(warned, "; "))
}

// PhaseRolledBack occurs when a phase is known to have had no effect.
type PhaseRolledBack struct {
	Phase   string        `json:"phase"`
	Reason  string        `json:"reason"`
	By      string        `json:"by,omitempty"` // the operator; empty when tminus did
	Took    time.Duration `json:"took_ns"`
	Settled bool          `json:"settled,omitempty"`
}

// Kind implements Event.
func (PhaseRolledBack) Kind() string { return "phase_rolled_back" }

func (e PhaseRolledBack) apply(s *State) error {
	s.endPhase(e.Phase, PhaseIsRolledBack, e.Reason, e.By, e.Settled)
	return nil
}

func (e PhaseRolledBack) words(s *State) (Level, string) {
	return LevelBad, fmt.Sprintf("%s: ROLLED BACK after %s, nothing changed: %s", s.PhaseName(e.Phase), Span(e.Took), e.Reason) + by(e.By) + fromLedger(e.Settled)
}

// OutcomeUnknown occurs when a COMMIT in doubt cannot be settled by the program.
type OutcomeUnknown struct {
	Phase  string `json:"phase"`
	Reason string `json:"reason"`
}

// Kind implements Event.
func (OutcomeUnknown) Kind() string { return "outcome_unknown" }

func (e OutcomeUnknown) apply(s *State) error {
	s.endPhase(e.Phase, PhaseUnknown, e.Reason, "", false)
	return nil
}

func (e OutcomeUnknown) words(s *State) (Level, string) {
	return LevelBad, fmt.Sprintf("%s: OUTCOME UNKNOWN, a human must look at the database: %s", s.PhaseName(e.Phase), e.Reason)
}

// Commit sends COMMIT for the phase on hold.
type Commit struct{ Phase string }

func (c Commit) can(s *State, _ time.Time) error {
	p := s.OpenPhase()
	if p == nil || p.Plan.ID != c.Phase || p.Status != PhaseHolding {
		return s.over(c.Phase, "no phase waits for COMMIT")
	}
	return nil
}

// Rollback rolls the open phase back, whatever it is doing, as long as COMMIT was not sent.
type Rollback struct{ Phase, Reason string }

func (c Rollback) can(s *State, _ time.Time) error {
	p := s.OpenPhase()
	switch {
	case p == nil || p.Plan.ID != c.Phase:
		return s.over(c.Phase, "no transaction is open")
	case p.Status == PhaseCommitting || p.Status == PhaseInDoubt:
		return errSent
	}
	return nil
}

// over says what became of a phase that a command is too late for, or else
// what the command lacks.
func (s *State) over(phase, lacks string) error {
	for i := range s.Phases {
		p := &s.Phases[i]
		if p.Plan.ID != phase {
			continue
		}
		switch p.Status {
		case PhaseIsRolledBack:
			return fmt.Errorf("%s was rolled back: %s", p.Plan.Title, cmp.Or(p.Reason, "on command"))
		case PhaseIsFailed:
			return fmt.Errorf("%s failed: %s", p.Plan.Title, p.Reason)
		case PhaseIsCommitted:
			return fmt.Errorf("%s is committed", p.Plan.Title)
		case PhaseIsPassed:
			return fmt.Errorf("%s has passed", p.Plan.Title)
		case PhaseCommitting, PhaseInDoubt:
			return errSent
		case PhaseUnknown:
			return fmt.Errorf("the outcome of %s is unknown", p.Plan.Title)
		}
	}
	return errors.New(lacks)
}

var errSent = errors.New("COMMIT has been sent: its outcome is being established")

func fromLedger(settled bool) string {
	if settled {
		return " (settled afterwards: COMMIT's own answer was lost)"
	}
	return ""
}
