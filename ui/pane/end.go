package pane

import (
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/ui/look"
)

// End is the pane's name.
const End ID = "end"

func endPane() Kind {
	return Kind{ID: End, Title: "Outcome", content: Pane.endContent, there: func(s *phases.State) bool { return s.Outcome != "" }}
}

// endContent is the outcome of a run: how it ended, what is committed and what is
// not, what it would take to undo it, and where the execution log is.
func (p Pane) endContent() content {
	s := p.State
	if s == nil || s.Outcome == "" {
		return p.empty("The run has not ended.")
	}
	st := p.Styles
	lines := p.verdict()
	firm := len(lines)
	lines = append(lines, look.Line{})
	for i := range s.Phases {
		lines = append(lines, p.phaseOutcome(i))
	}
	if len(s.FencesOff()) == 0 && slices.ContainsFunc(s.Fences, func(f phases.FenceState) bool { return f.Step == phases.FenceIsBack }) {
		text := "What was off for the run is back as it was."
		if f := s.Indexes(); f != nil && f.Recorded != nil {
			text = "What was off for the run is back as it was, what was made for it " + f.Word() + "."
			if len(s.Fences) == 1 {
				text = "What was made for the run is " + f.Word() + "."
			}
		}
		lines = append(lines, look.Row(&st.Good, text))
	}
	for _, text := range s.FenceLines(p.Journal) {
		lines = append(lines, p.paragraph("", &st.Bad, text)...)
	}
	lines = append(lines, look.Line{})
	switch committed, sum := CommittedPhases(s), s.Undo(); {
	case s.Outcome == phases.Completed:
		lines = append(lines, p.triedLines()...)
	case len(DoubtfulPhases(s)) > 0:
		lines = append(lines, p.paragraph("", &st.Bad, "What the database holds of the run, somebody has to look at: "+Digit(Phase)+" shows how, "+Digit(Undo)+" what a restore would take.")...)
	case len(committed) == 0:
		lines = append(lines, look.Row(&st.Good, "Nothing was committed: there is nothing to undo."))
	case s.Opened.Undoes != nil:
		lines = append(lines, p.paragraph("", &st.Warn, "What is put back comes out again by running the maintenance again.")...)
	case sum.Nothing():
		lines = append(lines, look.Row(&st.Good, "What was committed took no row: there is nothing to undo."))
	case sum.Phases == nil:
		lines = append(lines, p.paragraph("", &st.Bad, "What is committed can only be undone by a restore: "+Digit(Undo)+" shows how.")...)
	case sum.Lost != nil:
		lines = append(lines, p.paragraph("", &st.Bad, "What is committed is undone by an undo in part, and in part by a restore only: "+Digit(Undo)+" shows how.")...)
	default:
		lines = append(lines, p.paragraph("", &st.Warn, "What is committed comes back by an undo, or by a restore: "+Digit(Undo)+" shows how.")...)
	}
	if s.Undo().Phases != nil {
		lines = append(lines, p.commandLines("Undo           ", &st.Text, s.UndoCommand(p.Journal))...)
	}
	if p.Journal != "" {
		lines = append(lines, look.Row(&st.Dim, "Journal        ").Add(&st.Text, p.Journal))
		lines = append(lines, p.commandLines("Execution log  ", &st.Text, s.Command("report", p.Journal))...)
	}
	return content{body: lines, firm: firm}
}

// triedLines are what came of the undo at a rehearsal's end; nothing elsewhere.
func (p Pane) triedLines() []look.Line {
	if p.State.UndoTrial == nil {
		return nil
	}
	title, style, lines := p.trialTitle(p)
	return append([]look.Line{look.Row(style, look.Initial(strings.ToLower(title))+".")}, append(lines, look.Line{})...)
}

func (p Pane) verdict() []look.Line {
	s, st := p.State, p.Styles
	level := look.OutcomeLevel(s.Outcome)
	style := st.LevelStyle(level)
	lines := []look.Line{look.Row(&style, st.LevelMark(level)+" "+strings.ToUpper(s.Outcome.Word()))}
	if s.Reason != "" {
		lines = append(lines, p.paragraph("", &st.Text, s.Reason)...)
	}
	by := "tminus"
	if s.EndedBy != "" {
		by = s.EndedBy
	}
	if s.Outcome == phases.Completed {
		by = s.Operator.String()
	}
	took := ""
	if !s.T0.IsZero() {
		took = ", " + look.Clock(s.At.Sub(s.T0))
	}
	return append(lines, look.Row(&st.Dim, "by "+by+" at "+s.At.In(p.Now.Location()).Format(time.DateTime)+took))
}

// phaseOutcome is one phase in a line.
func (p Pane) phaseOutcome(i int) look.Line {
	s, st := p.State, p.Styles
	ph := &s.Phases[i]
	mark, style := st.PhaseMark(ph.Status)
	l := look.Row(&style, mark+" "+look.PhaseWord(ph.Status)).Add(nil, strings.Repeat(" ", max(1, 14-look.Width(look.PhaseWord(ph.Status))))).Add(&st.Text, ph.Plan.Title)
	switch rows := ph.Did().Gone(); {
	case ph.Status == phases.PhaseIsCommitted && rows > 0:
		l = l.End(&st.Dim, rowsOf(rows)+" deleted in "+look.Duration(ph.Took))
	case ph.Took > 0:
		l = l.End(&st.Dim, look.Duration(ph.Took))
	}
	return l
}
