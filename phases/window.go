package phases

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases/check"
)

// Strength is what an abort condition does.
type Strength string

// The strengths.
const (
	HoldStrength     Strength = "hold"
	RollbackStrength Strength = "roll_back"
)

// The abort conditions that the engine raises by itself. All others end in the
// phase's own rollback.
const (
	ConditionWindow = "window_over"
	ConditionSlow   = "phase_slow"
	ConditionRows   = "rows_unexpected" // deletes found far fewer or more rows than were counted
	ConditionCounts = "counts_low"      // the baseline counted far fewer rows than the rehearsal's
)

// Raised reports whether a condition was raised at or after since.
func (s *State) Raised(condition string, since time.Time) bool {
	for _, c := range s.Conditions {
		if c.Condition == condition && !c.At.Before(since) {
			return true
		}
	}
	return false
}

// ConditionRaised occurs when an abort condition is met.
type ConditionRaised struct {
	Condition string   `json:"condition"` // window_over, phase_slow, …
	Strength  Strength `json:"strength"`
	Phase     string   `json:"phase,omitempty"`
	Detail    string   `json:"detail"`
}

// Kind implements Event.
func (ConditionRaised) Kind() string { return "condition_raised" }

func (e ConditionRaised) apply(s *State) error {
	s.Conditions = append(s.Conditions, Condition{ConditionRaised: e, At: s.At})
	return nil
}

func (e ConditionRaised) words(s *State) (Level, string) {
	text := "abort condition " + strings.ReplaceAll(e.Condition, "_", " ")
	if e.Phase != "" {
		text = s.PhaseName(e.Phase) + ": " + text
	}
	text += ": " + e.Detail
	if e.Strength == RollbackStrength {
		return LevelBad, text + "; rolling back"
	}
	return LevelWarn, text
}

// WindowExtended occurs when somebody takes responsibility for a later abort limit.
type WindowExtended struct {
	By     string        `json:"by"` // the name that was typed
	Reason string        `json:"reason"`
	Extra  time.Duration `json:"extra_ns"`
}

// Kind implements Event.
func (WindowExtended) Kind() string { return "window_extended" }

// stirs: who extends the window also answers for the backup's age.
func (WindowExtended) stirs(*State) check.Fact { return check.BackupTime | check.Window }

func (e WindowExtended) apply(s *State) error {
	s.Extra += e.Extra
	return nil
}

func (e WindowExtended) words(*State) (Level, string) {
	return LevelWarn, fmt.Sprintf("window extended by %s, on the decision of %s: %s", Span(e.Extra), e.By, e.Reason)
}

// ExtendWindow moves the abort limit. By is a typed name.
type ExtendWindow struct {
	By, Reason string
	Extra      time.Duration
}

func (c ExtendWindow) can(s *State, _ time.Time) error {
	switch {
	case s.T0.IsZero():
		return errors.New("the window's limit counts from the first phase")
	case s.Current() < 0:
		return errors.New("all phases are done")
	case c.Extra < time.Minute || c.Extra > 4*time.Hour:
		return errors.New("extend by 1m to 4h")
	}
	if err := needs("the name of who takes the decision", c.By); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

// Events implements Recorded.
func (c ExtendWindow) Events(*State, string, time.Time) ([]Event, error) {
	return []Event{WindowExtended{By: Clean(c.By), Reason: Clean(c.Reason), Extra: c.Extra}}, nil
}
