package ui

import (
	"strings"
	"time"

	"tminus/phases"
)

// end draws the outcome of a run: how it ended, what is committed and what is
// not, what it would take to undo it, and where the execution log is.
func (v *Viewer) end(p Pane) string {
	s := v.state
	if s == nil || s.Outcome == "" {
		return p.empty("The run has not ended.")
	}
	st := v.styles
	lines := v.verdict(p)
	lines = append(lines, line{})
	for i := range s.Phases {
		lines = append(lines, v.phaseOutcome(i))
	}
	lines = append(lines, line{})
	switch committed := committedPhases(s); {
	case s.Outcome == phases.Completed:
	case len(doubtfulPhases(s)) > 0:
		lines = append(lines, p.paragraph("", &st.Bad, "What the database holds of the run, somebody has to look at: 3 shows how, 6 what a restore would take.")...)
	case len(committed) == 0:
		lines = append(lines, row(&st.Good, "Nothing was committed: there is nothing to undo."))
	default:
		lines = append(lines, p.paragraph("", &st.Bad, "What is committed can only be undone by a restore: 6 shows how.")...)
	}
	if v.opts.Journal != "" {
		lines = append(lines, row(&st.Dim, "Journal        ").add(&st.Text, v.opts.Journal))
		lines = append(lines, row(&st.Dim, "Execution log  ").add(&st.Text, "tminus report "+v.opts.Journal))
	}
	return p.fitAround(lines, 0)
}

func (v *Viewer) verdict(p Pane) []line {
	s, st := v.state, v.styles
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
func (v *Viewer) phaseOutcome(i int) line {
	s, st := v.state, v.styles
	p := &s.Phases[i]
	mark, style := st.phaseMark(p.Status)
	l := row(&style, mark+" "+phaseWord(p.Status)).add(nil, strings.Repeat(" ", max(1, 14-width(phaseWord(p.Status))))).add(&st.Text, p.Plan.Title)
	switch rows := p.Did().Gone(); {
	case p.Status == phases.PhaseIsCommitted && rows > 0:
		l = l.end(&st.Dim, rowsOf(rows)+" deleted in "+duration(p.Took))
	case p.Took > 0:
		l = l.end(&st.Dim, duration(p.Took))
	}
	return l
}
