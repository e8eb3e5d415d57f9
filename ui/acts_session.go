package ui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/check"
	"tminus/ui/dialog"
	"tminus/ui/look"
)

// inTheWay are the sessions that the key ends, one by one: those that block the phase,
// else those for which the selected item's check does not pass, with that item's id.
func (v *Viewer) inTheWay() (item string, all []phases.Blocker, err error) {
	s, err := v.run()
	if err != nil {
		return "", nil, err
	}
	if v.blocked() {
		return "", blockersOf(s, ""), nil
	}
	it, unselected := v.selected()
	c := s.Item(it.ID).Check
	switch {
	case unselected != nil || c == nil || it.Check == nil || it.Check.Named().Rests&check.Sessions == 0:
		return "", nil, errors.New("no session blocks a phase")
	case c.Error != "":
		return "", nil, errors.New("who is in the way is unknown: " + c.Error)
	case c.Ended:
		return "", nil, errors.New("one was ended: the check is asked again who is in the way now")
	case len(c.InTheWay) == 0:
		return "", nil, errors.New("no session is in the way of this item")
	}
	return it.ID, c.InTheWay, nil
}

// blockersOf are the sessions in the way of an item's check; without an id, of the
// open phase.
func blockersOf(s *phases.State, item string) []phases.Blocker {
	if item != "" {
		if c := s.Item(item).Check; c != nil {
			return c.InTheWay
		}
		return nil
	}
	if s.Blocked() {
		return s.OpenPhase().Lock.Blockers
	}
	return nil
}

// toEnd is the first session in the way that can be ended, or why none can.
func (v *Viewer) toEnd(now time.Time) (item string, b phases.Blocker, err error) {
	item, all, err := v.inTheWay()
	for i, b := range all {
		no := v.state.Can(phases.EndBackend{PID: b.PID, BackendStart: b.BackendStart}, now)
		if no == nil {
			return item, b, nil
		}
		if i == 0 {
			err = no
		}
	}
	return "", b, err
}

func canEndSession(v *Viewer, now time.Time) error {
	_, _, err := v.toEnd(now)
	return err
}

// endSession asks what to do with the first session in the way.
func (o *Operator) endSession(now time.Time) tea.Cmd {
	item, b, err := o.toEnd(now)
	if err != nil {
		return nil // just now: canEndSession was asked
	}
	end := phases.EndBackend{PID: b.PID, BackendStart: b.BackendStart}
	does, buttons := "", []dialog.Button{no("No")}
	if !strings.HasPrefix(b.State, "idle") { // else it has no statement to cancel
		buttons = append(buttons, dialog.Do("Cancel its statement", o.sends(false, fixed(end))))
		does = "Cancel its statement is pg_cancel_backend: the session stays. "
	}
	end.Terminate = true
	buttons = append(buttons, dialog.Do("End the session", o.sends(false, fixed(end))))
	does += "End the session is pg_terminate_backend: its connection is closed, and what it has not committed is rolled back."
	return o.ask(dialog.Dialog{
		Title: fmt.Sprintf("End session %d?", b.PID), Level: phases.LevelWarn, Careful: true,
		Text: func(s *phases.State, now time.Time) []dialog.Text {
			return append(blockerText(blockersOf(s, item), b.PID, now), dialog.Say(phases.LevelInfo, does))
		},
		Ground:  dialog.LeadsTo(end),
		Buttons: buttons,
	}, now)
}

// blockerText is the session of a pid, and after it the others that are in the way.
func blockerText(all []phases.Blocker, pid uint32, now time.Time) []dialog.Text {
	var first, others []dialog.Text
	for _, b := range all {
		line := fmt.Sprintf("Session %d: %s, %s, %s", b.PID, look.NameOr(b.User, "unknown user"), look.NameOr(b.Application, "no application name"), look.NameOr(b.State, "state not visible"))
		switch {
		case !b.Since.IsZero():
			line += ", transaction open for " + look.Duration(now.Sub(b.Since))
		case !b.BackendStart.IsZero():
			line += ", connected for " + look.Duration(now.Sub(b.BackendStart))
		}
		if b.Query != "" {
			line += ": " + b.Query
		}
		if b.PID == pid {
			first = append(first, dialog.Say(phases.LevelWarn, line))
		} else {
			others = append(others, dialog.Say(phases.LevelInfo, line))
		}
	}
	return append(first, others...)
}
