package ui

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// alarm is something that a person should be called for. Its key says which: one
// calls once, however long it stands.
type alarm struct{ key, text string }

// alarms are those of a run now.
func alarms(s *phases.State) []alarm {
	if s == nil || s.Runbook == nil || s.Outcome != "" {
		return nil
	}
	var out []alarm
	add := func(text string, key ...any) {
		out = append(out, alarm{fmt.Sprint(key...), look.Sanitize("tminus: " + text)})
	}
	if p := s.OpenPhase(); p != nil {
		switch p.Status {
		case phases.PhaseHolding:
			add(p.Plan.Title+" waits for COMMIT or ROLLBACK", "hold ", p.Plan.ID, " ", p.Attempt)
		case phases.PhaseInDoubt:
			add(p.Plan.Title+": the COMMIT is in doubt", "doubt ", p.Plan.ID, " ", p.Attempt)
		default:
		}
	}
	if len(s.Gate.Closed) > 0 {
		add("the gate closed again: "+s.Gate.Closed[0], "gate ", s.Gate.At.UnixNano())
	}
	if it, failed := s.SmokeFailed(); failed {
		add("a smoke test failed: "+it.Text, "smoke ", it.ID)
	}
	return out
}

// callAgain is how long a call keeps others from being made: what comes and goes
// must not ring without an end.
const callAgain = 5 * time.Second

// ring calls the reader for what has come since the last time. What stood there
// when the screen came up is on it.
func (o *Operator) ring() tea.Cmd {
	standing := alarms(o.state)
	first, fresh := o.rung == nil, ""
	if first {
		o.rung = map[string]bool{}
	}
	for _, a := range standing {
		if !o.rung[a.key] {
			o.rung[a.key], fresh = true, a.text
		}
	}
	now := o.now()
	if first || fresh == "" || now.Sub(o.called).Abs() < callAgain {
		return nil
	}
	seq := o.manners.call(o.notify, fresh)
	if seq == "" {
		return nil
	}
	o.called = now
	return tea.Raw(seq)
}
