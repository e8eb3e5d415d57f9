package phases

import (
	"time"

	"tminus/phases/runbook"
)

// Itself is who starts an action that begins by itself.
const Itself = "tminus"

// Beginning says when an item's action will begin by itself.
type Beginning struct {
	At    time.Time // zero: after another item's action
	After string    // that item; empty: at a moment
	Turn  bool      // when the turn of its group has come
}

// Begins gives when an item's action begins by itself; ok is false where it
// does not, or not any more. What was begun once, by whomever, is not begun
// again at its moment; what follows another does so each time that one has
// ended well. Which came first the records tell, since clocks are set back.
// Nothing of a backup begins by itself after the gate, and what leaves nothing
// behind not before the last phase.
func (s *State) Begins(it runbook.Item) (b Beginning, ok bool) {
	a := it.Action
	switch {
	case a == nil || s.Outcome != "":
		return b, false
	case a.Harmless():
		return s.beginsAfter(it)
	case s.Gate.Decision == Go || !s.T0.IsZero():
		return b, false
	}
	mine := s.Item(it.ID).Action
	switch {
	case a.Starts != nil && mine == nil:
		// In production the backup has to be young at the gate. Elsewhere nobody
		// waits half an hour for it.
		at := s.OpenedAt
		if s.Opened.Environment == Production {
			at = s.Schedule().T0.Add(*a.Starts)
		}
		return Beginning{At: at}, true
	case a.Follows != "" && (mine == nil || !mine.Running):
		first := s.Item(a.Follows).Action
		return Beginning{After: a.Follows}, !first.well() || mine == nil || mine.Record < first.Record
	}
	return b, false
}

// beginsAfter is Begins for what leaves nothing behind. One that was cut off has
// begun, and does not again.
func (s *State) beginsAfter(it runbook.Item) (b Beginning, ok bool) {
	a, mine := it.Action, s.Item(it.ID).Action
	switch {
	case s.Item(it.ID).Waived != nil || !s.Runs(a):
	case a.Now && mine == nil:
		return Beginning{Turn: true}, true
	case a.Follows != "" && (mine == nil || !mine.Running):
		first := s.Item(a.Follows).Action
		return Beginning{After: a.Follows}, !s.led(a, a.Follows) || mine == nil || mine.Record < first.Record
	}
	return b, false
}

// led reports whether an action that follows an item's may begin: that one has
// ended well, or somebody took it on as it is.
func (s *State) led(what *runbook.Action, id string) bool {
	it, _, _ := s.Runbook.Item(id)
	a := s.Item(id).Action
	return a.well() || what.Harmless() && a != nil && !a.Running && s.ItemDone(it)
}

// Due is the item whose action is to begin by itself now; empty for none.
func (s *State) Due(now time.Time) string {
	if s.Survey == nil { // it says what the backup is looked at for
		return ""
	}
	groups := s.Runbook.Checklist
	if s.Stage() == StageAfter {
		groups = s.dueAfter()
	}
	for _, g := range groups {
		for _, it := range g.Items {
			b, ok := s.Begins(it)
			if !ok || now.Before(b.At) || b.After != "" && !s.led(it.Action, b.After) {
				continue
			}
			if s.Can(Act{Item: it.ID}, now) == nil {
				return it.ID
			}
		}
	}
	return ""
}

// dueAfter is the group whose actions may begin by themselves after the last
// phase: none while something follows its COMMIT, or a smoke test holds.
func (s *State) dueAfter() []runbook.Group {
	i := s.CurrentAfter()
	if _, failed := s.SmokeFailed(); failed || s.Maintaining() != nil || s.tryingUndo() != nil || i >= len(s.Runbook.After) {
		return nil
	}
	return s.Runbook.After[i : i+1]
}

// well reports whether an action has ended, and well.
func (a *ActionState) well() bool { return a != nil && !a.Running && a.Error == "" }
