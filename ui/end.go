package ui

import (
	"strings"
	"time"

	"tminus/phases"
)

// paneEnd is the pane's name.
const paneEnd paneID = "end"

func endPane() paneKind {
	return paneKind{id: paneEnd, title: "Outcome", content: Pane.endContent, there: func(s *phases.State) bool { return s.Outcome != "" }}
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
	lines = append(lines, line{})
	for i := range s.Phases {
		lines = append(lines, p.phaseOutcome(i))
	}
	lines = append(lines, line{})
	switch committed := committedPhases(s); {
	case s.Outcome == phases.Completed:
	case len(doubtfulPhases(s)) > 0:
		lines = append(lines, p.paragraph("", &st.Bad, "What the database holds of the run, somebody has to look at: "+digitOf(panePhase)+" shows how, "+digitOf(paneUndo)+" what a restore would take.")...)
	case len(committed) == 0:
		lines = append(lines, row(&st.Good, "Nothing was committed: there is nothing to undo."))
	default:
		lines = append(lines, p.paragraph("", &st.Bad, "What is committed can only be undone by a restore: "+digitOf(paneUndo)+" shows how.")...)
	}
	if p.Journal != "" {
		lines = append(lines, row(&st.Dim, "Journal        ").add(&st.Text, p.Journal))
		lines = append(lines, row(&st.Dim, "Execution log  ").add(&st.Text, "tminus report "+p.Journal))
	}
	return content{body: lines}
}

func (p Pane) verdict() []line {
	s, st := p.State, p.Styles
	level := outcomeLevel(s.Outcome)
	style := st.levelStyle(level)
	lines := []line{row(&style, st.levelMark(level)+" "+strings.ToUpper(s.Outcome.Word()))}
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
		took = ", T+" + minutes(s.At.Sub(s.T0))
	}
	return append(lines, row(&st.Dim, "by "+by+" at "+s.At.In(p.Now.Location()).Format(time.DateTime)+took))
}

// phaseOutcome is one phase in a line.
func (p Pane) phaseOutcome(i int) line {
	s, st := p.State, p.Styles
	ph := &s.Phases[i]
	mark, style := st.phaseMark(ph.Status)
	l := row(&style, mark+" "+phaseWord(ph.Status)).add(nil, strings.Repeat(" ", max(1, 14-width(phaseWord(ph.Status))))).add(&st.Text, ph.Plan.Title)
	switch rows := ph.Did().Gone(); {
	case ph.Status == phases.PhaseIsCommitted && rows > 0:
		l = l.end(&st.Dim, rowsOf(rows)+" deleted in "+duration(ph.Took))
	case ph.Took > 0:
		l = l.end(&st.Dim, duration(ph.Took))
	}
	return l
}
