package pane

import (
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// A roomy pane has room for what a bar's marks mean beneath it.
const roomy = 30

// timeMark is a moment on a time bar: a letter on it, a word beneath it.
type timeMark struct {
	at     time.Duration
	letter string
	word   string
	style  *lipgloss.Style
}

// timeMarks are what a phase's time is held against, the gravest last.
func (p Pane) timeMarks(ph *phases.PhaseState) []timeMark {
	st := p.Styles
	var out []timeMark
	add := func(at time.Duration, letter, word string, style *lipgloss.Style) {
		if at > 0 {
			out = append(out, timeMark{at, letter, word, style})
		}
	}
	if took, _ := p.phaseTime(ph); ph.EndedAt.IsZero() {
		if left, ok := p.phaseLeft(ph); ok {
			add(took+left, "E", "ETA", &st.Accent)
		}
	}
	add(p.State.Opened.Rehearsed.Phase(ph.Plan.ID).Time(), "R", "rehearsed", &st.Text)
	add(ph.Plan.Planned, "P", "planned", &st.Text)
	add(ph.Plan.WarnAfter, "W", "warns", &st.Warn)
	add(ph.Plan.Limit, "L", "limit", &st.Bad)
	return out
}

// timeBar is where a phase stands in its time: up to its limit, or as far as it
// went. The marks' letters stand on it; in a roomy pane a line beneath says what
// they are.
func (p Pane) timeBar(ph *phases.PhaseState) []look.Line {
	took, begun := p.phaseTime(ph)
	marks := p.timeMarks(ph)
	if !begun || len(marks) == 0 {
		return nil
	}
	end := took
	for _, m := range marks {
		end = max(end, m.at)
	}
	said := p.hereWords(ph, took)
	width := min(120, p.Width-look.Width(said)-2)
	if end <= 0 || width < 16 {
		return nil
	}
	style := p.timeStyle(ph, took)
	cells, styles := make([]string, width), make([]*lipgloss.Style, width)
	here := cellOf(took, end, width)
	for i := range cells {
		if cells[i], styles[i] = p.Styles.Mark.BarEmpty, &p.Styles.BarEmpty; i < here {
			cells[i], styles[i] = p.Styles.Mark.BarFull, style
		}
	}
	for _, m := range marks {
		at := cellOf(m.at, end, width)
		cells[at], styles[at] = m.letter, m.style
	}
	cells[here], styles[here] = p.Styles.Mark.Running, style
	out := []look.Line{cellsLine(cells, styles).Add(style, "  "+said)}
	if p.Height >= roomy {
		under := hereUnder(ph)
		out = append(out, p.markWords(append(marks, timeMark{took, "^", under, style}), end, width))
	}
	return out
}

// hereUnder is what stands below the place of a phase on its time bar.
func hereUnder(ph *phases.PhaseState) string {
	if ph.EndedAt.IsZero() {
		return "you are here"
	}
	return "ended here"
}

// hereWords say in figures where a phase is in its time.
func (p Pane) hereWords(ph *phases.PhaseState, took time.Duration) string {
	what := "here "
	if !ph.EndedAt.IsZero() {
		what = "took "
	}
	if over := took - ph.Plan.Planned; ph.Plan.Planned > 0 && over >= time.Second {
		return what + look.Minutes(took) + ", " + look.Minutes(over) + " over plan"
	} else if ph.Plan.Planned > 0 {
		return what + look.Minutes(took) + ", " + look.Percent(float64(took)/float64(ph.Plan.Planned)) + " of plan"
	}
	return what + look.Minutes(took)
}

// timeStyle is how good a phase's time is, which the words beside it say too.
func (p Pane) timeStyle(ph *phases.PhaseState, took time.Duration) *lipgloss.Style {
	switch plan := ph.Plan; {
	case plan.Limit > 0 && took > plan.Limit:
		return &p.Styles.Bad
	case took > plan.Planned:
		return &p.Styles.Warn
	}
	return &p.Styles.Good
}

// cellOf is the cell in which a moment stands, of so many that reach to end.
func cellOf(at, end time.Duration, cells int) int {
	if end <= 0 {
		return 0
	}
	return max(0, min(cells-1, int(float64(at)/float64(end)*float64(cells))))
}

// cellsLine is a line of cells, neighbours of one style together.
func cellsLine(cells []string, styles []*lipgloss.Style) look.Line {
	var l look.Line
	for from := 0; from < len(cells); {
		to := from + 1
		for to < len(cells) && styles[to] == styles[from] {
			to++
		}
		l.Spans = append(l.Spans, look.Span{Text: strings.Join(cells[from:to], ""), Style: styles[from]})
		from = to
	}
	return l
}

// markWords puts what marks mean beneath them, the last ones first: where two
// don't fit beside each other, the one that says less gives way.
func (p Pane) markWords(marks []timeMark, end time.Duration, width int) look.Line {
	cells, styles := make([]string, width), make([]*lipgloss.Style, width)
	for i := range cells {
		cells[i] = " "
	}
	free := func(from, to int) bool {
		for i := max(0, from-1); i < min(width, to+1); i++ {
			if cells[i] != " " {
				return false
			}
		}
		return from >= 0 && to <= width
	}
	for i := len(marks) - 1; i >= 0; i-- {
		m := marks[i]
		text := m.letter + " " + m.word
		at := cellOf(m.at, end, width)
		if at+len(text) > width { // the letter stays beneath its mark
			text = m.word + " " + m.letter
			at -= len(text) - 1
		}
		if !free(at, at+len(text)) {
			continue
		}
		for j, c := range text {
			cells[at+j], styles[at+j] = string(c), m.style
		}
	}
	return cellsLine(cells, styles)
}

// lockLine is how much of a wait for locks is over, and what is left of it.
func (p Pane) lockLine(waited time.Duration, until time.Time) look.Line {
	left := max(0, until.Sub(p.Now))
	all := waited + left
	if all <= 0 {
		return look.Line{}
	}
	l := look.Line{Spans: p.barField(float64(waited)/float64(all), max(8, min(40, p.Width-34)))}
	return l.Add(&p.Styles.Warn, "  "+look.Seconds(waited)+" of "+look.Seconds(all)+", "+look.Seconds(left)+" left")
}
