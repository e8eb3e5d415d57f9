package replay

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// scrubberLines is the scrubber's height.
const scrubberLines = 2

// scrubber draws where the replay stands: a bar with the marks on it, and in
// words. The bar is the film's: quiet times take little of it.
func (p *player) scrubber(s *phases.State, st *look.Styles, now time.Time, width int) []string {
	return []string{" " + p.bar(st, max(0, width-2)) + " ", p.words(s, st, now, width)}
}

// bar is one cell for each part of the film. A cell shows the mark that matters
// most in it; the position stands over all.
func (p *player) bar(st *look.Styles, width int) string {
	if width < 1 {
		return ""
	}
	cell := func(at time.Duration) int {
		if p.film.lasts() == 0 {
			return 0
		}
		return int(float64(p.film.filmed(at)) / float64(p.film.lasts()) * float64(width-1))
	}
	here := cell(p.at)
	signs := make([]Sign, width)
	marked := make([]bool, width)
	for _, m := range p.film.jumps() {
		i := cell(m.At)
		if !marked[i] || m.Sign > signs[i] {
			marked[i], signs[i] = true, m.Sign
		}
	}
	var out strings.Builder
	for i := range width {
		text, style := "─", st.BarEmpty
		switch {
		case i == here:
			text, style = "●", st.Selected
		case marked[i]:
			text, style = signs[i].cell(st)
		case i < here:
			text, style = "━", st.BarFull
		}
		out.WriteString(look.Paint(style, text))
	}
	return out.String()
}

// words say the position, and behind it the last mark as far as there is room.
func (p *player) words(s *phases.State, st *look.Styles, now time.Time, width int) string {
	mode, style := "playing", st.Accent
	mark := st.Mark.Running
	switch {
	case p.atEnd():
		mode, mark, style = "at its end", "■", st.Title
	case !p.playing:
		mode, mark, style = "paused", st.Mark.Waiting, st.Warn
	}
	quiet := ""
	if p.whole {
		quiet = ", in full"
	}
	left := look.Paint(style, fmt.Sprintf(" %s %s %dx%s", mark, mode, p.speed, quiet)) + look.Paint(st.Dim, "  ") + position(p.film, p.at, s, st, now)
	sign, text := p.lately(st)
	if sign == "" || look.Width(left)+12 > width {
		return look.Pad(left, width)
	}
	return look.Between(left, look.Paint(st.Dim, "last: ")+sign+" "+look.Clip(text, max(0, width-look.Width(left)-12))+" ", width)
}

// lately is the last mark that was passed.
func (p *player) lately(st *look.Styles) (sign, text string) {
	for _, m := range p.film.jumps() {
		if m.Record > p.records {
			break
		}
		cell, style := m.Sign.cell(st)
		sign, text = look.Paint(style, cell), m.Text
	}
	return sign, look.Sanitize(text)
}

// position is where a time of the run is, in all ways that somebody asks for it.
func position(f *Film, at time.Duration, s *phases.State, st *look.Styles, now time.Time) string {
	parts := []struct {
		style lipgloss.Style
		text  string
	}{
		{st.Text, look.Minutes(at)},
		{st.Dim, " of " + look.Minutes(f.length()) + " · "},
		{st.Text, now.Format(time.DateTime)},
		{st.Dim, " · "},
		{st.Title, s.ClockWords(now)},
	}
	out := ""
	for _, part := range parts {
		out += look.Paint(part.style, part.text)
	}
	return out
}
