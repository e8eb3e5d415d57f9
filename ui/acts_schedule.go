package ui

import (
	"cmp"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/dialog"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// leaveNow is about the side on which the time holds the run now.
func leaveNow(s *phases.State, now time.Time) phases.LeaveSchedule {
	return phases.LeaveSchedule{Way: cmp.Or(s.OffSchedule(now), phases.Early), By: "-", Reason: "-"}
}

func canLeaveSchedule(v *Viewer, now time.Time) error {
	s, err := v.run()
	if err != nil {
		return err
	}
	return s.Can(leaveNow(s, now), now)
}

// leaveSchedule asks who goes early, or late. The question is about one of both:
// it closes when the time no longer holds the run on that side.
func (o *Operator) leaveSchedule(now time.Time) tea.Cmd {
	c := leaveNow(o.state, now)
	text := func(s *phases.State, now time.Time) []dialog.Text {
		var out []dialog.Text
		for _, h := range s.TimeHolds(now) {
			if h.Off == c.Way {
				out = append(out, dialog.Say(phases.LevelWarn, look.Initial(h.Text)+"."))
			}
		}
		return append(out, dialog.Say(phases.LevelInfo, leavingSchedule(s, c.Way)+" Whoever takes this decision is named in the execution log."))
	}
	return o.ask(dialog.Dialog{
		Title: "Go " + string(c.Way) + "?", Level: phases.LevelWarn, Careful: true, Text: text, Ground: dialog.LeadsTo(c),
		Fields: []dialog.Field{dialog.TextField("Who decides"), dialog.TextField("Reason")},
		Buttons: []dialog.Button{no("No"), dialog.Do("Go "+string(c.Way), o.sends(true, func(v []string) (phases.Command, error) {
			return phases.LeaveSchedule{Way: c.Way, By: v[0], Reason: v[1]}, nil
		}))},
	}, now)
}

// leavingSchedule says how far a decision to leave the schedule reaches.
func leavingSchedule(s *phases.State, way phases.Way) string {
	if way == phases.Early {
		return "Neither the gate nor the first phase then waits for its time. All else that holds them stays."
	}
	until := "The first phase"
	if s.Gate.Decision != phases.Go {
		until = "The gate"
	}
	return until + " may then still go, for as long as it has on schedule. All else that holds it stays."
}

// nextInTime is for a gate, or a first phase, that the schedule alone holds.
func (v *Viewer) nextInTime(n phases.Next, now time.Time) step {
	what, end := "the gate", "no-go"
	if n.Phase != nil {
		what, end = "the first phase", "abort"
	}
	st := step{
		text:  "Too late for " + what + ": somebody decides to go late, or not to go.",
		level: phases.LevelBad, keys: []string{"schedule", end, "note"},
	}
	if n.Wait == phases.WaitTime {
		st.text, st.level = fmt.Sprintf("In %s it is time for %s; nothing else holds it.", look.Left(n.Until.Sub(now)), what), phases.LevelInfo
		if v.state.Schedule().NoGo != nil {
			st.text = fmt.Sprintf("In %s it is time for %s: the run before ended as NO-GO.", look.Left(n.Until.Sub(now)), what)
		}
		st.keys, st.waits = []string{"recheck", "schedule", end, "note"}, true
	}
	if v.nav.focus != pane.Gate {
		st.keys = append(st.keys, pane.Binding(pane.Gate))
	}
	return st
}
