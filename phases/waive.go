package phases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// ItemWaived occurs when somebody takes it on that an item is not done: it
// holds nothing any more.
type ItemWaived struct {
	Item   string `json:"item"`
	Who    string `json:"who"` // who takes it on, with their role
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// Kind implements Event.
func (ItemWaived) Kind() string { return "item_waived" }

func (e ItemWaived) apply(s *State) error {
	s.itemState(e.Item).Waived = &Waiver{Who: e.Who, Reason: e.Reason, By: e.By, At: s.At}
	return nil
}

func (e ItemWaived) words(s *State) (Level, string) {
	return LevelWarn, "WAIVED by " + e.Who + ": " + s.itemText(e.Item) + ": " + e.Reason + by(e.By)
}

// WaiverWithdrawn occurs when a waiver is taken back.
type WaiverWithdrawn struct {
	Item string `json:"item"`
	By   string `json:"by"`
}

// Kind implements Event.
func (WaiverWithdrawn) Kind() string { return "waiver_withdrawn" }

func (e WaiverWithdrawn) apply(s *State) error {
	s.itemState(e.Item).Waived = nil
	return nil
}

func (e WaiverWithdrawn) words(s *State) (Level, string) {
	return LevelWarn, "waiver taken back: " + s.itemText(e.Item) + by(e.By)
}

// Waiver is that an item need not be done, and who has taken that on.
type Waiver struct {
	Who    string
	Reason string
	By     string // who recorded it
	At     time.Time
}

// Waive lets an item count as done that is not. Who takes it on gives name and
// role.
type Waive struct{ Item, Who, Reason string }

func (c Waive) can(s *State, _ time.Time) error {
	it, err := s.Answerable(c.Item)
	switch {
	case err != nil:
		return err
	case s.Item(c.Item).Waived != nil:
		return errors.New("it is waived already")
	case s.ItemDone(it):
		return errors.New("it is done: there is nothing to waive")
	}
	if a := s.Item(c.Item).Action; a != nil && a.Running {
		return errors.New("its action is under way: wait for its end, or cancel it")
	}
	if err := s.mayWaive(it); err != nil {
		return err
	}
	if err := needs("name and role of who takes it on", c.Who); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

// mayWaive says why nobody may take it on that an item is not done. Before the
// gate that is everything which proves the way back, and what has to hold while
// phases run; and what the runbook calls never_waive.
func (s *State) mayWaive(it runbook.Item) error {
	switch {
	case it.NeverWaive && s.PastPointOfNoReturn():
		return errors.New("never_waive: after the point of no return nobody may waive it")
	case it.NeverWaive && s.Stage() == StageChecklist:
		return errors.New("never_waive: before the gate nobody may waive it")
	case it.Fence != "" && s.Stage() == StageAfter:
		return errors.New("what is off for the run comes back: bring it back by the item's key, or leave it as it is where that cannot be done")
	case s.Stage() == StageAfter:
		return nil
	case s.isMade(it): // its phases make what they lack
		return nil
	case it.Check != nil && it.Check.Through:
		return errors.New("it has to hold while phases run: it cannot be waived")
	case it.Check != nil && grave(it.Check.Named()):
		return fmt.Errorf("the gate rests on %s: it cannot be waived", it.Check.Name)
	case it.Action != nil && !it.Action.Answers():
		return fmt.Errorf("the gate rests on %s: it cannot be waived", it.Action.Name)
	}
	b := s.Runbook.Backup
	for _, f := range it.Fields {
		if slices.Contains([]string{b.IDField, b.TimeField, b.LocationField, b.TookField}, f.ID) || strings.Contains(b.Restore, "{{"+f.ID+"}}") {
			return fmt.Errorf("a restore needs %s: it cannot be waived before the last COMMIT", f.Label)
		}
	}
	if i := s.Current(); i >= 0 && s.Phases[i].Plan.PointOfNoReturn && slices.ContainsFunc(s.Phases[i].Plan.Confirm, func(c runbook.Item) bool { return c.ID == it.ID }) {
		return errors.New("a confirmation of the point of no return cannot be waived")
	}
	return nil
}

// grave reports whether a check proves the way back, or that what was rehearsed
// is what will run.
func grave(k check.Kind) bool {
	return k.Rests&(check.Triggers|check.BackupTime|check.BackupProof|check.Rehearsal|check.Baseline|check.Price) != 0 || strings.HasPrefix(k.Name, "capsule.")
}

// Events implements Recorded.
func (c Waive) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{ItemWaived{Item: c.Item, Who: Clean(c.Who), Reason: Clean(c.Reason), By: by}}, nil
}

// TakeBackWaiver ends a waiver: the item has to be done again.
type TakeBackWaiver struct{ Item string }

func (c TakeBackWaiver) can(s *State, _ time.Time) error {
	if _, err := s.Answerable(c.Item); err != nil {
		return err
	}
	if s.Item(c.Item).Waived == nil {
		return errors.New("it is not waived")
	}
	return nil
}

// Events implements Recorded.
func (c TakeBackWaiver) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{WaiverWithdrawn{Item: c.Item, By: by}}, nil
}
