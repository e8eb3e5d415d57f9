package ui

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// span is a piece of plain text and the style it gets. A nil style is none.
type span struct {
	text  string
	style *lipgloss.Style
}

// line is one line of a pane before it is cut. Text is cut by cells first and
// coloured afterwards, so that no escape sequence is ever measured or broken.
type line struct {
	spans    []span
	right    []span // ends at the pane's right edge; what is left of it gives way
	selected bool
}

// row starts a line with one piece of text.
func row(style *lipgloss.Style, text string) line {
	return line{}.add(style, text)
}

// add appends a piece of text. Text from outside loses its control characters here.
func (l line) add(style *lipgloss.Style, text string) line {
	if text != "" {
		l.spans = append(l.spans, span{text: sanitize(text), style: style})
	}
	return l
}

// end appends a piece of text that stands at the right edge.
func (l line) end(style *lipgloss.Style, text string) line {
	if text != "" {
		l.right = append(l.right, span{text: sanitize(text), style: style})
	}
	return l
}

// spansWidth is the number of cells of spans.
func spansWidth(spans []span) int {
	n := 0
	for _, s := range spans {
		n += width(s.text)
	}
	return n
}

// cut limits spans to room cells; what was cut ends in "…".
func cut(spans []span, room int) ([]span, int) {
	total := spansWidth(spans)
	if total <= room {
		return spans, total
	}
	var out []span
	n := 0
	for _, s := range spans {
		w := width(s.text)
		if n+w < room {
			out = append(out, s)
			n += w
			continue
		}
		// One cell more than there is room for makes clip put its mark.
		text := clip(s.text+"  ", room-n)
		out = append(out, span{text: text, style: s.style})
		return out, n + width(text)
	}
	return out, n
}

// draw writes spans; over, when not nil, takes the place of their styles.
func draw(b *strings.Builder, spans []span, over *lipgloss.Style) {
	for _, s := range spans {
		style := s.style
		if over != nil {
			style = over
		}
		if style == nil || s.text == "" {
			b.WriteString(s.text)
		} else {
			b.WriteString(style.Render(s.text))
		}
	}
}
