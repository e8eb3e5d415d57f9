package ui

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// stripLine is the timeline on one line, for screens without room for the pane:
// the checklist, the gate, each phase by its number, what comes after.
func (v *Viewer) stripLine() string {
	s, st := v.state, v.styles
	if s == nil || s.Runbook == nil {
		return ""
	}
	var parts []string
	add := func(style lipgloss.Style, mark, text string) { parts = append(parts, look.Paint(style, mark+" "+text)) }

	done, total := s.GroupsDone(s.Runbook.Checklist)
	word := fmt.Sprintf("checklist %d/%d", done, total)
	switch {
	case !s.T0.IsZero() || done == total:
		add(st.Good, st.Mark.Done, word)
	default:
		add(st.Accent, st.Mark.Running, word)
	}
	switch s.Gate.Decision {
	case phases.Go:
		add(st.Good, st.Mark.Done, "gate")
	case phases.NoGoDecision:
		add(st.Bad, st.Mark.Failed, "NO-GO")
	default:
		add(st.Dim, st.Mark.Todo, "gate")
	}
	for i := range s.Phases {
		mark, style := st.PhaseMark(s.Phases[i].Status)
		label := fmt.Sprint(i + 1)
		if s.Phases[i].Plan.PointOfNoReturn {
			label += st.Mark.NoReturn
		}
		if i == s.Current() && s.Gate.Decision == phases.Go {
			word := ""
			if s.Phases[i].Status == phases.PhaseIsUndone {
				word = " not held"
			}
			label += " " + look.Clip(look.Sanitize(s.Phases[i].Plan.Title), 28-2*look.Width(word)) + word
		}
		add(style, mark, label)
	}
	if done, total := s.GroupsDone(s.Runbook.After); total > 0 {
		style, mark := st.Dim, st.Mark.Todo
		switch {
		case done == total:
			style, mark = st.Good, st.Mark.Done
		case s.Stage() == phases.StageAfter:
			style, mark = st.Accent, st.Mark.Running
		}
		add(style, mark, fmt.Sprintf("after %d/%d", done, total))
	}
	return look.Pad(" "+strings.Join(parts, "  "), v.width)
}
