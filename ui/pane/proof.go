package pane

import (
	"fmt"

	"tminus/phases"
	"tminus/ui/look"
)

// From this height and width on a pane has room for more than what is to be done.
const tall, broad = 26, 56

// proofLines are what is known of the recorded backup. Whether it is proven they
// say at any size; how it is known, where there is room.
func (p Pane) proofLines() []look.Line {
	st, now := p.Styles, p.Now
	proof := p.State.Proof(now)
	lines := proof.Lines()
	head := look.Row(&st.Title, "Backup ").Add(&st.Good, st.Mark.Done+" proven")
	out := []look.Line{head}
	if proof.Lacks != "" {
		out = p.paragraph("", &st.Bad, "Backup "+st.Mark.Failed+" NOT PROVEN: "+proof.Lacks)
		lines = lines[:len(lines)-1] // says the same
	}
	if p.Height < tall || p.Width < broad {
		lines = nil
	}
	for _, l := range lines {
		style := st.LevelStyle(l.Level)
		if l.Level == phases.LevelInfo || l.Level == phases.LevelGood {
			style = st.Text
		}
		out = append(out, p.paragraph(fmt.Sprintf("  %-9s ", l.What), &style, l.Text)...)
	}
	return append(out, p.abortLines()...)
}

// abortLines say what a restore from the abort limit on would mean.
func (p Pane) abortLines() []look.Line {
	s := p.State
	restored := look.RestoredBy(s)
	if restored == "" || s.Outcome != "" || s.Current() < 0 {
		return nil
	}
	return p.paragraph("  ", &p.Styles.Dim, "Abort limit "+look.Clock(s.Runbook.Window.Abort+s.Extra)+": "+restored+".")
}
