package pane

import (
	"fmt"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// The timeline draws the phases against their plan from so many cells on, where
// its stages leave the lines for it.
const ganttWidth = 40

// gantt is the phases as planned and as they came, two bars each on one axis from
// T-0 on.
type gantt struct {
	p     Pane
	end   time.Duration // of the axis
	label int           // cells of the names at the left
	cells int           // of the axis
}

// ganttHeight is how many lines it takes: a blank, heading, axis, two a phase, and
// what its signs mean.
func (p Pane) ganttHeight() int { return 5 + 2*len(p.State.Phases) }

// drawsPlan reports whether the pane is wide enough for the phases' bars.
func (p Pane) drawsPlan() bool { return p.Width >= ganttWidth && len(p.State.Phases) > 0 }

func (p Pane) newGantt() gantt {
	g := gantt{p: p, end: p.State.Runbook.Window.Abort + p.State.Extra, label: 10}
	if p.Width >= 76 {
		g.label = 26
	}
	at := time.Duration(0)
	for i := range p.State.Phases {
		ph := &p.State.Phases[i]
		at += ph.Plan.Planned
		g.end = max(g.end, at)
		if from, to, ok := g.actual(ph); ok {
			g.end = max(g.end, from, to)
		}
	}
	if !p.State.T0.IsZero() && p.State.OpenPhase() != nil {
		g.end = max(g.end, p.Now.Sub(p.State.T0))
	}
	g.cells = min(160, p.Width-g.label)
	return g
}

// actual is when a phase ran, since T-0.
func (g gantt) actual(ph *phases.PhaseState) (from, to time.Duration, ok bool) {
	took, begun := g.p.phaseTime(ph)
	if !begun || g.p.State.T0.IsZero() {
		return 0, 0, false
	}
	from = max(0, ph.StartedAt.Sub(g.p.State.T0))
	return from, from + took, true
}

// lines are all of it.
func (g gantt) lines() []look.Line {
	st := g.p.Styles
	out := []look.Line{look.Row(&st.Title, "Planned, and as it came").End(&st.Dim, "T+0 to "+planClock(g.end)), g.axis()}
	at := time.Duration(0)
	for i := range g.p.State.Phases {
		ph := &g.p.State.Phases[i]
		out = append(out, g.planned(ph, i, at), g.came(ph))
		at += ph.Plan.Planned
	}
	return append(out, g.legend()...)
}

// canvas is a line of empty cells, with the limits that go through all lines.
func (g gantt) canvas() ([]string, []*lipgloss.Style) {
	cells, styles := make([]string, g.cells), make([]*lipgloss.Style, g.cells)
	for i := range cells {
		cells[i] = " "
	}
	if at, ok := g.noReturn(); ok {
		i := cellOf(at, g.end, g.cells)
		cells[i], styles[i] = g.p.Styles.Mark.NoReturn, &g.p.Styles.Bad
	}
	i := cellOf(g.abort(), g.end, g.cells)
	cells[i], styles[i] = "X", &g.p.Styles.Bad
	return cells, styles
}

func (g gantt) abort() time.Duration { return g.p.State.Runbook.Window.Abort + g.p.State.Extra }

// noReturn is when the point of no return was passed, or is planned to be.
func (g gantt) noReturn() (time.Duration, bool) {
	at := time.Duration(0)
	for i := range g.p.State.Phases {
		ph := &g.p.State.Phases[i]
		at += ph.Plan.Planned
		if !ph.Plan.PointOfNoReturn {
			continue
		}
		if _, to, ok := g.actual(ph); ok && ph.Status == phases.PhaseIsCommitted {
			return to, true
		}
		return at, true
	}
	return 0, false
}

// axis has a tick for each round number of minutes, and where the run is now.
func (g gantt) axis() look.Line {
	st := g.p.Styles
	cells, styles := make([]string, g.cells), make([]*lipgloss.Style, g.cells)
	for i := range cells {
		cells[i], styles[i] = "─", &st.Dim
	}
	here := -1
	if now := g.p.Now.Sub(g.p.State.T0); !g.p.State.T0.IsZero() && now <= g.end {
		here = cellOf(now, g.end, g.cells)
	}
	step := tickStep(g.end, g.cells/10)
	for at := time.Duration(0); at <= g.end; at += step {
		from := cellOf(at, g.end, g.cells)
		text := fmt.Sprintf("%+d", at/time.Minute)
		if from+len(text) > g.cells || from <= here && here < from+len(text) {
			continue
		}
		for j, c := range text {
			cells[from+j] = string(c)
		}
	}
	if here >= 0 {
		cells[here], styles[here] = "v", &st.Accent
	}
	l := look.Row(&st.Dim, look.Pad("minutes", g.label-1)+" ")
	l.Spans = append(l.Spans, cellsLine(cells, styles).Spans...)
	return l
}

// tickStep is the round number of minutes of which at most so many reach to end.
func tickStep(end time.Duration, most int) time.Duration {
	for step := time.Minute; ; {
		for _, times := range []time.Duration{1, 2, 5} {
			if end/(step*times) <= time.Duration(max(1, most)) {
				return step * times
			}
		}
		step *= 10
	}
}

func (g gantt) planned(ph *phases.PhaseState, i int, at time.Duration) look.Line {
	st := g.p.Styles
	cells, styles := g.canvas()
	g.fill(cells, styles, at, at+ph.Plan.Planned, st.Mark.BarEmpty, &st.Dim)
	return g.line(&st.Text, fmt.Sprintf("%d %s", i+1, look.Sanitize(ph.Plan.Title)), cells, styles)
}

// came is what a phase took: the wait for people at its end is drawn otherwise
// than its work.
func (g gantt) came(ph *phases.PhaseState) look.Line {
	st := g.p.Styles
	cells, styles := g.canvas()
	from, to, ok := g.actual(ph)
	if !ok {
		return g.line(&st.Dim, "", cells, styles)
	}
	mark, _, style := g.p.statusWord(ph.Status)
	worked := to
	if !ph.ReadyAt.IsZero() && ph.ReadyAt.After(ph.StartedAt) {
		worked = min(to, from+ph.ReadyAt.Sub(ph.StartedAt))
	}
	g.fill(cells, styles, from, worked, st.Mark.BarFull, style)
	if worked < to && cellOf(to, g.end, g.cells) > cellOf(worked, g.end, g.cells) {
		g.fill(cells, styles, worked, to, st.Mark.Waiting, &st.Warn)
	}
	return g.line(style, "  "+mark+" "+look.Minutes(to-from), cells, styles)
}

// fill draws a bar; one that is shorter than a cell still takes one.
func (g gantt) fill(cells []string, styles []*lipgloss.Style, from, to time.Duration, sign string, style *lipgloss.Style) {
	first := cellOf(from, g.end, g.cells)
	last := max(first, cellOf(to, g.end, g.cells)-1)
	for i := first; i <= last; i++ {
		cells[i], styles[i] = sign, style
	}
}

func (g gantt) line(style *lipgloss.Style, label string, cells []string, styles []*lipgloss.Style) look.Line {
	l := look.Row(style, look.Pad(label, g.label-1)+" ")
	l.Spans = append(l.Spans, cellsLine(cells, styles).Spans...)
	return l
}

// legend says what the signs mean, and how far the run is from its plan.
func (g gantt) legend() []look.Line {
	st := g.p.Styles
	parts := []string{st.Mark.BarEmpty + " planned", st.Mark.BarFull + " came", st.Mark.Waiting + " on hold", "v now"}
	if _, ok := g.noReturn(); ok {
		parts = append(parts, st.Mark.NoReturn+" no return")
	}
	parts = append(parts, "X abort limit")
	var lines []look.Line
	line := ""
	for _, part := range parts { // a mark stays with its word
		if next := line + "   " + part; line != "" && look.Width(next) <= g.p.Width {
			line = next
			continue
		}
		if line != "" {
			lines = append(lines, look.Row(&st.Dim, line))
		}
		line = part
	}
	lines = append(lines, look.Row(&st.Dim, line))
	for len(lines) < 2 {
		lines = append(lines, look.Line{})
	}
	return lines[:2]
}
