package phases

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// ActionStarted occurs before an item's action touches the database.
type ActionStarted struct {
	Item string `json:"item"`
	Name string `json:"name"`
	By   string `json:"by"`
}

// Kind implements Event.
func (ActionStarted) Kind() string { return "action_started" }

func (e ActionStarted) apply(s *State) error {
	s.itemState(e.Item).Action = &ActionState{Running: true, At: s.At, Record: s.Seq + 1}
	return nil
}

func (e ActionStarted) words(s *State) (Level, string) {
	if it, _, ok := s.Runbook.Item(e.Item); ok && it.Fence != "" {
		return LevelInfo, it.Action.Text + by(e.By)
	}
	return LevelInfo, "started " + e.Name + ": " + s.itemText(e.Item) + by(e.By)
}

// TriggersRecorded occurs before triggers are disabled: it is what brings them back.
type TriggersRecorded struct {
	Triggers []Trigger `json:"triggers"`
}

// Kind implements Event.
func (TriggersRecorded) Kind() string { return "triggers_recorded" }

func (TriggersRecorded) stirs(*State) check.Fact { return check.Triggers }

func (e TriggersRecorded) apply(s *State) error {
	s.recordTriggers(e.Triggers)
	return nil
}

func (e TriggersRecorded) words(*State) (Level, string) {
	names := make([]string, 0, len(e.Triggers))
	for _, t := range e.Triggers {
		names = append(names, t.Table+"."+t.Name)
	}
	return LevelInfo, fmt.Sprintf("recorded %s before disabling: %s", Plural(int64(len(names)), "trigger"), strings.Join(names, ", "))
}

// ActionDone occurs when an item's action has ended, well or not.
type ActionDone struct {
	Item      string `json:"item"`
	Name      string `json:"name"`
	Error     string `json:"error,omitempty"`
	Cancelled bool   `json:"cancelled,omitempty"` // somebody ended it, or the program was left
	ActionResult
}

// Kind implements Event.
func (ActionDone) Kind() string { return "action_done" }

func (e ActionDone) apply(s *State) error {
	s.itemState(e.Item).Action = &ActionState{Error: e.Error, At: s.At, Record: s.Seq + 1, Cancelled: e.Cancelled, Result: e.ActionResult}
	if e.Name == runbook.RestoreTriggers && e.Error == "" {
		s.setTriggersOff(false)
	}
	if it, _, ok := s.Runbook.Item(e.Item); ok && e.Error != "" {
		if f := s.Fence(it.Fence); f != nil && f.Recorded != nil {
			f.Failed = e.Error
		}
	}
	return nil
}

func (e ActionDone) words(s *State) (Level, string) {
	done := e.Name + " done: " + s.itemText(e.Item)
	it, _, ok := s.Runbook.Item(e.Item)
	switch fenced := ok && it.Fence != ""; {
	case fenced && e.Error != "":
		return LevelBad, it.Action.Text + ": failed: " + e.Error
	case fenced: // its own events have said so
		return "", ""
	case e.Error != "" && it.Action.Answers():
		return LevelBad, e.Name + " failed: " + s.itemText(e.Item) + ": " + e.Error
	case e.Error != "":
		return LevelBad, e.Name + " failed: " + e.Error
	case e.Value != "":
		return LevelGood, done + ": " + e.Value
	}
	return LevelGood, done
}

// Act runs an item's action.
type Act struct{ Item string }

func (c Act) can(s *State, _ time.Time) error {
	it, err := s.Answerable(c.Item)
	if it.Fence != "" && it.Action != nil {
		return s.canFence(it)
	}
	restores := it.Action != nil && it.Action.Name == runbook.RestoreTriggers
	switch {
	case restores && s.Triggers == nil:
		return errors.New("no trigger was disabled by this run: there is nothing to restore")
	case restores && s.OpenPhase() == nil:
		// At any stage: a run that is to end early leaves no trigger off.
	case err != nil:
		return err
	case it.Action == nil:
		return errors.New("this item has no action")
	case !s.Runs(it.Action):
		return errRehearsal
	}
	return s.Acting()
}

// CancelAction ends an action that takes long. What it has made of a backup by
// then is taken away again.
type CancelAction struct{ Item string }

func (c CancelAction) can(s *State, _ time.Time) error {
	it, _, ok := s.Runbook.Item(c.Item)
	a := s.Item(c.Item).Action
	switch {
	case !ok:
		return fmt.Errorf("the runbook has no item %q", c.Item)
	case a == nil || !a.Running:
		return errors.New("no action of this item is under way")
	case !it.Action.Long():
		return errors.New("it cannot be cancelled: it ends by itself, within a minute")
	}
	return nil
}

// Acting says that an action is under way: what it does to the database must
// not come after the run's end, or into a phase.
func (s *State) Acting() error {
	for id, it := range s.Items {
		if it.Action == nil || !it.Action.Running {
			continue
		}
		way := "wait for its end, a minute at most"
		item, _, _ := s.Runbook.Item(id)
		if item.Action.Long() {
			way = "wait for its end, or cancel it"
		} else if f := s.Fence(item.Fence); f != nil {
			way = "wait for its end, " + Span(f.Plan.Limit) + " at most"
		}
		return fmt.Errorf("the action of %q is under way: %s", s.itemText(id), way)
	}
	return nil
}

// cutActions ends the actions that ran when the program ended: whether the
// database did them, only a check can tell.
func (s *State) cutActions() {
	for id, it := range s.Items {
		if it.Action == nil || !it.Action.Running {
			continue
		}
		why := "the program ended before it was done: look at the check, and start it again"
		if item, _, _ := s.Runbook.Item(id); s.ByAction(item) {
			why = "the program ended before its end was recorded: see what it did, and start it again where that is harmless"
		}
		it.Action = &ActionState{Cut: true, Error: why, At: s.At, Record: s.Seq + 1}
	}
}

// setTriggersOff notes whether the run has its triggers off, and since when.
func (s *State) setTriggersOff(off bool) {
	switch {
	case off == s.TriggersOff:
	case off:
		s.offAt, s.onAt = s.At, time.Time{}
	default:
		s.onAt = s.At
	}
	s.TriggersOff = off
}

// recordTriggers keeps the first record of each trigger: a second disabling
// would record the state that the first one made.
func (s *State) recordTriggers(triggers []Trigger) {
	s.setTriggersOff(true)
	have := map[[3]string]bool{}
	for _, t := range s.Triggers {
		have[[3]string{t.Schema, t.Table, t.Name}] = true
	}
	for _, t := range triggers {
		if !have[[3]string{t.Schema, t.Table, t.Name}] {
			s.Triggers = append(s.Triggers, t)
		}
	}
}
