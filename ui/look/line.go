package look

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Span is a piece of plain text and the style it gets. A nil style is none.
type Span struct {
	Text  string
	Style *lipgloss.Style
}

// Line is one line of a pane before it is cut. Text is cut by cells first and
// coloured afterwards, so that no escape sequence is ever measured or broken.
type Line struct {
	Spans    []Span
	Right    []Span // ends at the pane's right edge; what is left of it gives way
	Selected bool
	Joined   bool // goes on with the line before: both are one entry, for whoever looks for one
	Table    bool // a row of a table: it is cut where it does not fit, and never broken
}

// Row starts a line with one piece of text.
func Row(style *lipgloss.Style, text string) Line {
	return Line{}.Add(style, text)
}

// Add appends a piece of text. Text from outside loses its control characters here.
func (l Line) Add(style *lipgloss.Style, text string) Line {
	if text != "" {
		l.Spans = append(l.Spans, Span{Text: Sanitize(text), Style: style})
	}
	return l
}

// End appends a piece of text that stands at the right edge.
func (l Line) End(style *lipgloss.Style, text string) Line {
	if text != "" {
		l.Right = append(l.Right, Span{Text: Sanitize(text), Style: style})
	}
	return l
}

// SpansWidth is the number of cells of spans.
func SpansWidth(spans []Span) int {
	n := 0
	for _, s := range spans {
		n += Width(s.Text)
	}
	return n
}

// Cut limits spans to room cells. A long word among them is cut in its middle,
// other text at its end; what was cut is "…".
func Cut(spans []Span, room int) ([]Span, int) {
	total := SpansWidth(spans)
	if total <= room {
		return spans, total
	}
	if out, ok := shorten(spans, total, room); ok {
		return out, SpansWidth(out)
	}
	var out []Span
	n := 0
	for _, s := range spans {
		w := Width(s.Text)
		if n+w < room {
			out = append(out, s)
			n += w
			continue
		}
		// One cell more than there is room for makes clip put its mark.
		text := Clip(s.Text+"  ", room-n)
		out = append(out, Span{Text: text, Style: s.Style})
		return out, n + Width(text)
	}
	return out, n
}

// Draw writes spans; over, when not nil, takes the place of their styles.
func Draw(b *strings.Builder, spans []Span, over *lipgloss.Style) {
	for _, s := range spans {
		style := s.Style
		if over != nil {
			style = over
		}
		if style == nil || s.Text == "" {
			b.WriteString(s.Text)
		} else {
			b.WriteString(style.Render(s.Text))
		}
	}
}
