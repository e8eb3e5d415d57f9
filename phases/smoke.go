package phases

import (
	"errors"
	"fmt"
	"time"

	"tminus/phases/runbook"
)

// Verdict is what somebody decides about a smoke test that failed.
type Verdict string

// The verdicts.
const (
	GoOn    Verdict = "go_on"   // the run goes on with what is: the failure is taken on
	Restore Verdict = "restore" // the backup is to be restored
	UndoIt  Verdict = "undo"    // the phases are to be undone, from their capsules
)

// Word is the verdict as people read it.
func (v Verdict) Word() string {
	if v == GoOn {
		return "go on"
	}
	return string(v)
}

// SmokeDecided occurs when somebody has decided what follows from a smoke test
// that failed.
type SmokeDecided struct {
	Item    string  `json:"item"`
	Verdict Verdict `json:"verdict"`
	Who     string  `json:"who"` // who decided, with their role
	Reason  string  `json:"reason"`
	By      string  `json:"by"`
}

// Kind implements Event.
func (SmokeDecided) Kind() string { return "smoke_decided" }

func (e SmokeDecided) apply(s *State) error {
	s.itemState(e.Item).Decided = &Decided{Verdict: e.Verdict, Who: e.Who, Reason: e.Reason, By: e.By, At: s.At, Record: s.Seq + 1}
	return nil
}

func (e SmokeDecided) words(s *State) (Level, string) {
	level := LevelWarn
	if e.Verdict != GoOn {
		level = LevelBad
	}
	return level, fmt.Sprintf("smoke test failed: %s: %s decided to %s: %s%s", s.itemText(e.Item), e.Who, e.Verdict.Word(), e.Reason, by(e.By))
}

// Decided is what was decided about a smoke test that failed.
type Decided struct {
	Verdict Verdict
	Who     string
	Reason  string
	By      string // who recorded it
	At      time.Time
	Record  uint64 // its own
}

// SmokeFailed is the first smoke test that has failed, and about which nobody
// has decided to go on since; ok is false where there is none.
func (s *State) SmokeFailed() (it runbook.Item, ok bool) {
	if s.Stage() != StageAfter {
		return it, false
	}
	for i, g := range s.Runbook.After {
		if i > s.CurrentAfter() {
			break // their turn has not come
		}
		if !g.Smoke {
			continue
		}
		for _, it := range g.Items {
			if s.smokeHolds(it) {
				return it, true
			}
		}
	}
	return it, false
}

// smokeHolds reports whether a test has failed, and holds.
func (s *State) smokeHolds(it runbook.Item) bool {
	st := s.Item(it.ID)
	switch _, failed := s.testFailed(it); {
	case st.Waived != nil:
		return false
	case st.Decided != nil && st.Decided.Verdict != GoOn:
		return !s.passes(it, st)
	default:
		return failed && !s.wentOn(it)
	}
}

// passes reports whether what answers an item has answered well.
func (s *State) passes(it runbook.Item, st *ItemState) bool {
	switch {
	case it.Check != nil:
		return st.Check != nil && st.Check.Pass && st.Check.Error == ""
	case s.ByAction(it):
		return st.Action.well()
	}
	return st.Ticked
}

// testFailed reports whether a test has failed, and in which record. An action that
// was cancelled or cut off found nothing out.
func (s *State) testFailed(it runbook.Item) (record uint64, failed bool) {
	st := s.Item(it.ID)
	switch c, a := st.Check, st.Action; {
	case it.Check != nil && c != nil && (c.Error != "" || !c.Pass):
		return c.Record, true
	case s.ByAction(it) && a != nil && !a.Running && !a.Cut && !a.Cancelled && a.Error != "":
		return a.Record, true
	}
	return 0, false
}

// wentOn reports whether somebody took on an item's failure, or a human test that
// is not ticked, as it stands. The records tell which came first: a clock that was
// set back would let an old decision stand for a new failure.
func (s *State) wentOn(it runbook.Item) bool {
	d := s.Item(it.ID).Decided
	record, _ := s.testFailed(it)
	return d != nil && d.Verdict == GoOn && record <= d.Record
}

// smokeHold says what a smoke test that failed asks for.
func (s *State) smokeHold() error {
	it, ok := s.SmokeFailed()
	if !ok {
		return nil
	}
	if d := s.Item(it.ID).Decided; d != nil && d.Verdict != GoOn {
		return fmt.Errorf("%w: after the smoke test %q it was decided to %s: abort the run, which says how", ErrHeld, it.Text, d.Verdict.Word())
	}
	return fmt.Errorf("%w by a smoke test that failed: %s: go on, or restore or undo?", ErrHeld, it.Text)
}

// DecideSmoke answers the question of a smoke test that failed. Who decides
// gives name and role.
type DecideSmoke struct {
	Item    string
	Verdict Verdict
	Who     string
	Reason  string
}

func (c DecideSmoke) can(s *State, _ time.Time) error {
	it, err := s.Answerable(c.Item)
	if err != nil {
		return err
	}
	at, st := s.groupOf(c.Item), s.Item(c.Item)
	switch _, failed := s.testFailed(it); {
	case at < 0 || !s.Runbook.After[at].Smoke:
		return errors.New("it is no smoke test")
	case st.Waived != nil:
		return errors.New("it is waived")
	case s.passes(it, st):
		return errors.New("it has not failed")
	case st.Action != nil && st.Action.Running:
		return errors.New("its action is under way: wait for its end, or cancel it")
	case !failed && (it.Check != nil || s.ByAction(it)):
		return errors.New("it has not failed: nothing is known of it yet")
	}
	if c.Verdict != GoOn && c.Verdict != Restore && c.Verdict != UndoIt {
		return fmt.Errorf("decide to %s, %s or %s", GoOn.Word(), Restore, UndoIt)
	}
	if err := needs("name and role of who decides", c.Who); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

// groupOf is the index in Runbook.After of an item's group; -1 where it is in
// none.
func (s *State) groupOf(item string) int {
	_, g, _ := s.Runbook.Item(item)
	return groupIndex(s.Runbook.After, g.ID)
}

// Events implements Recorded.
func (c DecideSmoke) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{SmokeDecided{Item: c.Item, Verdict: c.Verdict, Who: Clean(c.Who), Reason: Clean(c.Reason), By: by}}, nil
}
