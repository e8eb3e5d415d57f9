package ui

import (
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
)

// Pane is what every pane needs to draw itself: what is known of the run, the
// moment it is drawn for, and a rectangle. It is a value; its methods are pure,
// touch no clock, and may be called for any size, 0 included.
type Pane struct {
	State    *phases.State // read, never written; nil draws an empty pane
	Now      time.Time     // ages, rates and countdowns are as of this moment, in its location
	Styles   *Styles
	Width    int
	Height   int
	Focused  bool   // whether keys go to this pane
	Cursor   string // id of the selected row; empty for none
	ReadOnly bool   // a reader's: no key of it acts, so no pane names one
	Scroll   int    // lines away from where the pane stands by itself, back below zero; a pane limits it to what it has
	Journal  string // the journal's path as the reader knows it; may be empty
}

// ready reports whether there is a run to draw.
func (p Pane) ready() bool {
	return p.State != nil && p.State.Runbook != nil
}

// drawLine writes one line.
func (p Pane) drawLine(b *strings.Builder, l line) {
	var over *lipgloss.Style
	if l.selected && p.Focused {
		over = &p.Styles.Selected
	}
	// The right part may have what the left one leaves, and half of the line
	// in any case: a value must not vanish behind a long sentence.
	var right []span
	end := 0
	if len(l.right) > 0 {
		if limit := max(p.Width/2-1, p.Width-spansWidth(l.spans)-1); limit >= 6 {
			right, end = cut(l.right, limit)
		}
	}
	room := p.Width
	if end > 0 {
		room -= end + 1
	}
	spans, n := cut(l.spans, room)
	draw(b, spans, over)
	if gap := p.Width - end - n; gap > 0 && (end > 0 || over != nil) {
		fill := strings.Repeat(" ", gap)
		if over != nil {
			fill = over.Render(fill)
		}
		b.WriteString(fill)
	}
	draw(b, right, over)
}

// fit draws lines from the top, exactly Height of them.
func (p Pane) fit(lines []line) string {
	if p.Height <= 0 {
		return ""
	}
	var b strings.Builder
	b.Grow(p.Height * (p.Width + 16))
	for i := range p.Height {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i < len(lines) && p.Width > 0 {
			p.drawLine(&b, lines[i])
		}
	}
	return b.String()
}

// fitAround draws the part of lines in which the line keep stands, moved by
// Scroll. It says at the edges how many lines are out of sight.
func (p Pane) fitAround(lines []line, keep int) string {
	if len(lines) <= p.Height || p.Height <= 0 {
		return p.fit(lines)
	}
	top := max(0, min(stands(len(lines), p.Height, keep)+p.Scroll, len(lines)-p.Height))
	shown := append([]line(nil), lines[top:top+p.Height]...)
	if p.Height >= 4 {
		if top > 0 {
			shown[0] = row(&p.Styles.Dim, "  ↑ "+plural(top+1, "line", "lines")+" above")
		}
		if below := len(lines) - top - p.Height; below > 0 {
			shown[p.Height-1] = row(&p.Styles.Dim, "  ↓ "+plural(below+1, "line", "lines")+" below")
		}
	}
	return p.fit(shown)
}

// empty is a pane that has nothing to show yet.
func (p Pane) empty(text string) content {
	if p.Styles == nil {
		return content{}
	}
	return content{body: []line{row(&p.Styles.Dim, text)}, windowed: true}
}

// paragraph wraps text under an indent: the first line starts with lead, the
// others with as many blanks.
func (p Pane) paragraph(lead string, style *lipgloss.Style, text string) []line {
	indent := width(lead)
	if p.Width-indent < 8 {
		return []line{row(style, lead+text)}
	}
	var out []line
	for i, t := range wrap(sanitize(text), p.Width-indent) {
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		out = append(out, row(nil, lead).add(style, strings.TrimRight(t, " ")))
	}
	return out
}

// commandLines wraps a command between its words only: a break inside an
// option would make another command of it for whoever copies it by hand.
func (p Pane) commandLines(lead string, style *lipgloss.Style, command string) []line {
	indent := width(lead)
	room := p.Width - indent
	var out []line
	text := ""
	flush := func() {
		if text != "" {
			out = append(out, row(nil, lead).add(style, text))
			lead, text = strings.Repeat(" ", indent), ""
		}
	}
	for _, word := range strings.Fields(sanitize(command)) {
		if text != "" && width(text)+1+width(word) > room {
			flush()
		}
		if text != "" {
			text += " "
		}
		text += word
		for room > 0 && width(text) > room {
			head := ansi.Truncate(text, room, "")
			if head == "" {
				break
			}
			rest := text[len(head):]
			text = head
			flush()
			text = rest
		}
	}
	flush()
	return out
}

// rule is a line across the pane with a text in it.
func (p Pane) rule(style *lipgloss.Style, text string) line {
	if text != "" {
		text = "── " + sanitize(text) + " "
	}
	if n := p.Width - width(text); n > 0 {
		text += strings.Repeat("─", n)
	}
	return row(style, text)
}

// box frames lines that must not be overlooked. Without room for a frame they
// stand bare.
func (p Pane) box(style *lipgloss.Style, title string, lines []line) []line {
	if p.Width < 24 {
		return append([]line{row(style, title)}, lines...)
	}
	inner := p.Width - 4
	title, rest := splitTitle(sanitize(title), p.Width-6)
	if rest != "" {
		lines = append(p.narrower().paragraph("", style, initial(rest)), lines...)
	}
	top := "┌─ " + clip(title, p.Width-6) + " "
	out := []line{row(style, top+strings.Repeat("─", max(0, p.Width-1-width(top)))+"┐")}
	for _, l := range lines {
		spans, n := cut(l.spans, inner)
		framed := row(style, "│ ")
		framed.spans = append(framed.spans, spans...)
		out = append(out, framed.add(style, strings.Repeat(" ", max(0, inner-n))+" │"))
	}
	return append(out, row(style, "└"+strings.Repeat("─", p.Width-2)+"┘"))
}

// splitTitle cuts a title that is too long for room cells where a new part of
// it begins, so that its end, often what counts most, is not lost.
func splitTitle(title string, room int) (head, rest string) {
	if width(title) <= room {
		return title, ""
	}
	for _, sep := range []string{", ", ": "} {
		for i := len(title); i > 0; {
			i = strings.LastIndex(title[:i], sep)
			if i > 0 && width(title[:i]) <= room {
				return title[:i], title[i+len(sep):]
			}
		}
	}
	return title, ""
}

// narrower is the pane as the inside of a box sees it.
func (p Pane) narrower() Pane {
	if p.Width >= 24 {
		p.Width -= 4
	}
	return p
}

// at is a moment as a time of day, in the reader's own zone.
func (p Pane) at(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(p.Now.Location()).Format("15:04:05")
}

// seconds is a wait that is watched: whole seconds, so that it counts up calmly.
func seconds(d time.Duration) string {
	if d < time.Minute {
		return strconv.Itoa(int(max(0, d)/time.Second)) + " s"
	}
	return duration(d)
}

// age is how long ago a moment was.
func (p Pane) age(t time.Time) string { return ago(p.Now.Sub(t)) }

// The keys that panes name beside what they do. A test holds them against the
// operator's key table.
const (
	keyTick     = "space"
	keyFill     = "enter"
	keyAction   = "x"
	keyRecheck  = "r"
	keyGo       = "o"
	keyNoGo     = "N"
	keyStart    = "s"
	keyCommit   = "c"
	keyRollback = "b"
	keySession  = "t"
	keyExtend   = "e"
	keyAccept   = "A"
	keyClose    = "d"
)

// hint is a key and what it does; nothing on a reader's pane.
func (p Pane) hint(lead, key, what string) []line {
	if p.ReadOnly {
		return nil
	}
	return []line{row(nil, lead).add(&p.Styles.Key, key).add(&p.Styles.Text, "  "+what)}
}
