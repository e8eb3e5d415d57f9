package look

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Middle cuts a plain text to at most n cells and keeps both its ends: what a
// name, a host or a path ends in tells it from the others. What was cut is "…".
func Middle(s string, n int) string {
	w := Width(s)
	if w <= n {
		return s
	}
	if n < 3 {
		return Clip(s, n)
	}
	tail := (n - 1) / 2
	head := ansi.Truncate(s, n-1-tail, "")
	// What is taken off the front may be half of a wide letter more than asked.
	rest := ansi.TruncateLeft(s, w-tail, "")
	for cut := w - tail + 1; Width(head)+1+Width(rest) > n && cut <= w; cut++ {
		rest = ansi.TruncateLeft(s, cut, "")
	}
	return head + "…" + rest
}

// leastMiddle is how many cells a word must keep to be told by its ends.
const leastMiddle = 7

// shorten cuts the longest of spans that is one word in its middle, so that all
// of them fit in room cells; ok is false where that does not help.
func shorten(spans []Span, total, room int) (out []Span, ok bool) {
	long, width := -1, 0
	for i, s := range spans {
		if w := Width(s.Text); w > width && !strings.Contains(strings.TrimRight(s.Text, " "), " ") {
			long, width = i, w
		}
	}
	if long < 0 || width-(total-room) < leastMiddle {
		return nil, false
	}
	out = append(out, spans...)
	out[long].Text = Middle(strings.TrimRight(out[long].Text, " "), width-(total-room))
	return out, true
}

// Flow is a line as the lines that show all of it in room cells: broken between
// words, under its own indent, and what stands at its right end below it where
// both don't fit. A row of a table, and what fits, stays as it is.
func (l Line) Flow(room int) []Line {
	left, right := SpansWidth(l.Spans), SpansWidth(l.Right)
	need := left + right
	if right > 0 && left > 0 {
		need++
	}
	if need <= room || room < leastFlow || l.Table {
		return []Line{l}
	}
	indent := indentOf(l.Spans)
	var out []Line
	for _, spans := range wrapSpans(l.Spans, room, indent) {
		out = append(out, Line{Spans: spans, Selected: l.Selected})
	}
	if right == 0 {
		return out
	}
	if last := len(out) - 1; last >= 0 && SpansWidth(out[last].Spans)+1+right <= room {
		out[last].Right = l.Right
		return out
	}
	if right <= room {
		return append(out, Line{Right: l.Right, Selected: l.Selected})
	}
	for _, spans := range wrapSpans(l.Right, room-indent, 0) {
		out = append(out, Line{Spans: append([]Span{{Text: strings.Repeat(" ", indent)}}, spans...), Selected: l.Selected})
	}
	return out
}

// leastFlow is the narrowest room in which broken lines can be read.
const leastFlow = 16

// indentOf is where the text of a line begins, behind its blanks and behind a mark,
// a box, or a key with what it does.
func indentOf(spans []Span) int {
	text := ""
	for _, s := range spans {
		text += s.Text
		if len(text) > 32 {
			break
		}
	}
	n := len(text) - len(strings.TrimLeft(text, " "))
	first, rest, _ := strings.Cut(text[n:], " ")
	r, _ := utf8.DecodeRuneInString(first)
	sign := first != "" && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	if Width(first) <= 5 && first != "" && (sign || strings.HasPrefix(rest, " ")) {
		n += Width(first) + 1 + len(rest) - len(strings.TrimLeft(rest, " "))
	}
	return min(n, 12)
}

// piece is a word of a span, or the blanks between two.
type piece struct {
	text  string
	style *lipgloss.Style
	blank bool
}

func pieces(spans []Span) []piece {
	var out []piece
	for _, s := range spans {
		text := s.Text
		for text != "" {
			n := strings.IndexByte(text, ' ')
			blank := n == 0
			if blank {
				n = len(text) - len(strings.TrimLeft(text, " "))
			} else if n < 0 {
				n = len(text)
			}
			out = append(out, piece{text[:n], s.Style, blank})
			text = text[n:]
		}
	}
	return out
}

// wrapSpans breaks spans into lines of at most room cells, the second and later
// ones under an indent. A word that is too long for a line goes on in the next.
func wrapSpans(spans []Span, room, indent int) [][]Span {
	if indent > room/2 {
		indent = 0
	}
	w := wrapping{room: room, indent: indent}
	all := pieces(spans)
	for i := 0; i < len(all); {
		if all[i].blank {
			w.blank(all[i])
			i++
			continue
		}
		end := measureEnd(all, i, room-indent)
		w.word(all[i:end], cells(all[i:end]))
		i = end
	}
	return w.end()
}

// wordEnd is where the word that begins at i ends: what no blank parts is one word,
// in however many colours.
func wordEnd(all []piece, i int) int {
	for i < len(all) && !all[i].blank {
		i++
	}
	return i
}

// measureEnd is where a word ends together with what is read as one with it: a
// number with its unit, and "1 min" with the "32 s" behind it, as far as a line of so
// many cells holds it.
func measureEnd(all []piece, i, room int) int {
	end := wordEnd(all, i)
	for tied := false; ; tied = true {
		unit := unitAfter(all, end)
		if unit == 0 && tied && isUnit(all[end-1].text) && end+1 < len(all) && all[end].text == " " && all[end+1].text[0] <= '9' && all[end+1].text[0] >= '0' {
			unit = unitAfter(all, wordEnd(all, end+1))
		}
		if unit == 0 || cells(all[i:unit]) > room {
			return end
		}
		end = unit
	}
}

// unitAfter is the end of the unit that follows a number which ends there; 0 where
// none does.
func unitAfter(all []piece, end int) int {
	if end+1 >= len(all) || all[end].text != " " || !isNumber(all[end-1].text) || !isUnit(strings.TrimRight(all[end+1].text, ".,;:)!?")) {
		return 0
	}
	return wordEnd(all, end+1)
}

func isNumber(s string) bool {
	return s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9'
}

func isUnit(s string) bool {
	switch s {
	case "ms", "s", "min", "h", "d", "%", "B", "kB", "MB", "GB", "TB":
		return true
	}
	return false
}

func cells(parts []piece) int {
	n := 0
	for _, p := range parts {
		n += Width(p.text)
	}
	return n
}

// wrapping is text that is being broken into lines.
type wrapping struct {
	room, indent int
	out          [][]Span
	line         []Span
	n            int // cells of line
	begun        bool
	gap          []piece
}

func (w *wrapping) add(p piece) {
	w.line = append(w.line, Span{Text: p.text, Style: p.style})
	w.n += Width(p.text)
	w.begun = w.begun || !p.blank
}

// blank keeps blanks back until a word follows in the same line.
func (w *wrapping) blank(p piece) {
	if len(w.out) > 0 && !w.begun {
		return
	}
	w.gap = append(w.gap, p)
}

func (w *wrapping) word(parts []piece, width int) {
	gap := 0
	for _, g := range w.gap {
		gap += Width(g.text)
	}
	if w.begun && w.n+gap+width > w.room {
		w.turn()
	}
	for _, g := range w.gap {
		w.add(g)
	}
	w.gap = nil
	for _, p := range parts {
		for w.n+Width(p.text) > w.room {
			head := ansi.Truncate(p.text, w.room-w.n, "")
			if head == "" && !w.begun {
				break // not one letter fits
			}
			w.add(piece{text: head, style: p.style})
			p.text = p.text[len(head):]
			w.turn()
		}
		w.add(p)
	}
}

// turn begins the next line.
func (w *wrapping) turn() {
	w.out = append(w.out, w.line)
	w.line, w.n, w.begun, w.gap = nil, 0, false, nil
	if w.indent > 0 {
		w.add(piece{text: strings.Repeat(" ", w.indent), blank: true})
	}
}

func (w *wrapping) end() [][]Span {
	if w.begun || len(w.out) == 0 {
		w.out = append(w.out, w.line)
	}
	return w.out
}
