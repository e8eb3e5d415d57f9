package pane

import (
	"fmt"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// backFields are what an undo brings back of a committed phase, its size, and how
// long that takes.
func (p Pane) backFields(ph *phases.PhaseState) []look.Field {
	st, s := p.Styles, p.State
	c := ph.Capsule
	if c == nil {
		return []look.Field{look.One(&st.Text, goneWords(ph)), nil, look.One(&st.Bad, "by a restore only")}
	}
	out := []look.Field{look.One(&st.Text, rowsOf(c.Rows())), look.One(&st.Dim, phases.Bytes(c.Bytes))}
	if s.IsBack(ph.Plan.ID) {
		return append(out, look.One(&st.Good, "put back again"))
	}
	d, measured := s.UndoTime(ph)
	if measured {
		return append(out, look.One(&st.Good, "undo "+phases.Span(d)+", proven"))
	}
	return append(out, look.One(&st.Warn, "undo "+phases.Span(d)+", estimated"))
}

// backLines are committed phases with what an undo brings back of each below it,
// where there is no room beside.
func (p Pane) backLines(committed []*phases.PhaseState) []look.Line {
	st := p.Styles
	var out []look.Line
	for _, ph := range committed {
		out = append(out, look.Row(&st.Bad, "  "+st.Mark.Done+" ").Add(&st.Text, look.Sanitize(ph.Plan.Title)))
		fields := p.backFields(ph)
		last := fields[2][0]
		out = append(out, look.Row(&st.Text, "    "+fields[0][0].Text+", ").Add(last.Style, last.Text))
	}
	return out
}

// undoLines are the undo: its command, what it would bring back, how long that takes,
// and until when it can be decided on. Before a COMMIT, what is kept.
func (p Pane) undoLines() []look.Line {
	st, s := p.Styles, p.State
	if s.Opened.Undoes != nil || len(CommittedPhases(s)) == 0 {
		return p.keptLines()
	}
	sum := s.Undo()
	if sum.Phases == nil || s.UndoTrial != nil && s.UndoTrial.Running {
		return nil
	}
	out := []look.Line{{}, look.Row(&st.Title, "Undo")}
	style := &st.Warn
	if sum.Proven {
		style = &st.Good
	}
	out = append(out, p.paragraph("  ", style, fmt.Sprintf("%s; %s on disk", sum.Words(), phases.Bytes(sum.Bytes)))...)
	out = append(out, p.decideLines()...)
	out = append(out, p.commandLines("  $ ", &st.Accent, s.UndoCommand(p.Journal))...)
	if s.ClosedAt.IsZero() && s.Outcome == "" {
		out = append(out, p.paragraph("  ", &st.Dim, "When the run has ended: abort or close it first.")...)
	}
	for _, b := range sum.Beside() {
		out = append(out, p.paragraph("  "+st.Mark.NoReturn+" ", &st.Warn, "no undo takes back: "+b)...)
	}
	return out
}

// decideLines say until when it can be decided on.
func (p Pane) decideLines() []look.Line {
	level, text := p.State.DecideWords(p.Now, p.at)
	if text == "" {
		return nil
	}
	style := &p.Styles.Text
	if level != phases.LevelInfo {
		loud := p.Styles.LevelStyle(level)
		style = &loud
	}
	return p.paragraph("  ", style, look.Initial(text)+".")
}

// trialTitle is for a rehearsal that puts back what it took, or has tried to.
func (p Pane) trialTitle(in Pane) (title string, style *lipgloss.Style, lines []look.Line) {
	st, t := p.Styles, p.State.UndoTrial
	switch {
	case t.Running:
		lines = in.paragraph(st.Mark.Running+" ", &st.Accent, look.Initial(p.State.TrialWords())+".")
		return "THE UNDO IS BEING TRIED", &st.Warn, lines
	case t.Result == nil:
		return "THE UNDO WAS CUT OFF: PART OF IT MAY BE BACK", &st.Bad, in.paragraph("", &st.Text, "Closing the run goes on with it.")
	case t.Result.Lacks() != "":
		return "THE UNDO WAS TRIED: NOT PROVEN", &st.Bad, in.paragraph(st.Mark.Failed+" ", &st.Bad, t.Result.Lacks())
	}
	lines = in.paragraph(st.Mark.Done+" ", &st.Good, fmt.Sprintf("All of it was put back in %s; count and content of %s are as before the first phase.",
		phases.Span(t.Result.Took), look.Plural(t.Result.Compared, "table", "tables")))
	return "UNDONE AND PROVEN: THE DATABASE IS AS IT WAS", &st.Good, lines
}

// tellsAfter reports whether it is said of a phase what helps after its COMMIT:
// journals of older versions know of nothing but a restore.
func (p Pane) tellsAfter(ph *phases.PhaseState) bool {
	return ph.Plan.Writes() && p.State.Runbook.Keeps(ph.Plan) == p.State.Keeps(ph)
}

// keepStyle is how loudly it is said what helps after a phase's COMMIT.
func (p Pane) keepStyle(ph *phases.PhaseState) *lipgloss.Style {
	switch s := p.State; {
	case !s.Keeps(ph) && s.Opened.Undoes == nil:
		return &p.Styles.Bad
	case s.UndoProof().Lacks != "":
		return &p.Styles.Warn
	}
	return &p.Styles.Text
}

// gateUndo says at the gate, in a line each, what is kept and whether it is known
// that it comes back: that at any size; where it goes, where there is room.
func (p Pane) gateUndo() []look.Line {
	st := p.Styles
	var out []look.Line
	for _, l := range p.State.UndoLines() {
		switch {
		case l.What == "capsule" && l.Level == phases.LevelInfo:
			if p.Height >= tall && p.Width >= broad {
				out = append(out, p.paragraph("Capsule ", &st.Text, l.Text)...)
			}
		case l.Level == phases.LevelGood:
			out = append(out, look.Row(&st.Title, "Undo ").Add(&st.Good, st.Mark.Done+" "+l.Text))
		case l.Level == phases.LevelInfo:
			out = append(out, p.paragraph("Undo ", &st.Text, l.Text)...)
		default:
			style := st.LevelStyle(l.Level)
			out = append(out, p.paragraph(look.Initial(l.What)+" ", &style, st.Mark.Failed+" "+l.Text)...)
		}
	}
	return out
}

// keptLines are what is kept, and whether it is known that it comes back; nothing
// for journals of older versions.
func (p Pane) keptLines() []look.Line {
	st := p.Styles
	all := p.State.UndoLines()
	if all == nil {
		return nil
	}
	out := []look.Line{{}, look.Row(&st.Title, "Undo")}
	for _, l := range all {
		style := st.LevelStyle(l.Level)
		if l.Level == phases.LevelInfo {
			style = st.Text
		}
		out = append(out, p.paragraph(fmt.Sprintf("  %-8s ", l.What), &style, l.Text)...)
	}
	return out
}

// capsuleLine is what a phase's capsule has; nothing where it has none.
func (p Pane) capsuleLine(ph *phases.PhaseState) []look.Line {
	st, c := p.Styles, ph.Capsule
	if c == nil {
		return nil
	}
	closed := ""
	if c.Closed {
		closed = ", encrypted"
	}
	out := p.paragraph("Capsule ", &st.Text, fmt.Sprintf("%s; %s on disk%s.", c, phases.Bytes(c.Bytes), closed))
	for _, b := range c.Beside {
		out = append(out, p.paragraph(st.Mark.NoReturn+" ", &st.Warn, "not in the capsule: "+b)...)
	}
	return out
}

// keepingWords say how far the writing of a capsule is.
func keepingWords(k *phases.CapsuleProgress) string {
	return fmt.Sprintf("writes its capsule, %s of %s, %s", look.Count(k.Rows), rowsOf(k.Total), phases.Bytes(k.Bytes))
}

// KeepingShare is how much of a capsule is written, as a percentage.
func KeepingShare(k *phases.CapsuleProgress) string {
	if k.Total <= 0 {
		return ""
	}
	return fmt.Sprintf("%d %%", min(100, 100*k.Rows/k.Total))
}
