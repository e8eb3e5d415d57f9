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
}

// Begins gives when an item's action begins by itself; ok is false where it
// does not, or not any more. What was begun once, by whomever, is not begun
// again at its moment; what follows another does so each time that one has
// ended well. Nothing begins by itself after the gate.
func (s *State) Begins(it runbook.Item) (b Beginning, ok bool) {
	a := it.Action
	if a == nil || s.Outcome != "" || s.Gate.Decision == Go || !s.T0.IsZero() {
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
		return Beginning{After: a.Follows}, !first.well() || mine == nil || mine.At.Before(first.At)
	}
	return b, false
}

// Due is the item whose action is to begin by itself now; empty for none.
func (s *State) Due(now time.Time) string {
	if s.Survey == nil { // it says what the backup is looked at for
		return ""
	}
	for _, g := range s.Runbook.Checklist {
		for _, it := range g.Items {
			b, ok := s.Begins(it)
			if !ok || now.Before(b.At) || b.After != "" && !s.Item(b.After).Action.well() {
				continue
			}
			if s.Can(Act{Item: it.ID}, now) == nil {
				return it.ID
			}
		}
	}
	return ""
}

// well reports whether an action has ended, and well.
func (a *ActionState) well() bool { return a != nil && !a.Running && a.Error == "" }
