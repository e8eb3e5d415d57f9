package ui

import (
	"fmt"
	"slices"
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
			if l := p.Lock; l != nil && len(l.Blockers) > 0 && !l.Until.IsZero() {
				add(p.Plan.Title+" waits for a lock, and is rolled back without it", "lock ", p.Plan.ID, " ", p.Attempt)
			}
		}
	}
	if p := gaveUp(s); p != nil {
		ended := map[phases.PhaseStatus]string{phases.PhaseIsFailed: " failed: ", phases.PhaseIsRolledBack: " was rolled back: "}
		add(p.Plan.Title+ended[p.Status]+look.NameOr(p.Reason, "see its panes"), "ended ", p.Plan.ID, " ", p.Attempt)
	}
	if len(s.Gate.Closed) > 0 {
		add("the gate closed again: "+s.Gate.Closed[0], "gate ", s.Gate.At.UnixNano())
	}
	if it, failed := s.SmokeFailed(); failed {
		add("a smoke test failed: "+it.Text, "smoke ", it.ID)
	}
	return out
}

// gaveUp is the run's phase where that has failed, or was rolled back by no human's
// word; nil otherwise.
func gaveUp(s *phases.State) *phases.PhaseState {
	if s.Stage() != phases.StagePhases {
		return nil
	}
	p := &s.Phases[s.Current()]
	if p.Status == phases.PhaseIsFailed || p.Status == phases.PhaseIsRolledBack && p.By == "" {
		return p
	}
	return nil
}

// callAgain is how long a call keeps others from being made: what comes and goes
// must not ring without an end.
const callAgain = 5 * time.Second

// ring calls the reader for what has come since the last time. What stood there
// when the screen came up is on it.
func (o *Operator) ring() tea.Cmd {
	standing := alarms(o.state)
	if o.rung == nil {
		o.rung = map[string]bool{}
		for _, a := range standing {
			o.rung[a.key] = true
		}
		return nil
	}
	now := o.now()
	i := slices.IndexFunc(standing, func(a alarm) bool { return !o.rung[a.key] })
	if i < 0 || now.Sub(o.called).Abs() < callAgain {
		return nil // what still stands then calls then
	}
	o.rung[standing[i].key] = true
	seq := o.manners.call(o.notify, standing[i].text)
	if seq == "" {
		return nil
	}
	o.called = now
	return tea.Raw(seq)
}
