package pane

import (
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/ui/look"
)

// Pane is what every pane needs to draw itself: what is known of the run, the
// moment it is drawn for, and a rectangle. It is a value; its methods are pure,
// touch no clock, and may be called for any size, 0 included.
type Pane struct {
	State    *phases.State // read, never written; nil draws an empty pane
	Now      time.Time     // ages, rates and countdowns are as of this moment; times of day are in its zone, which the screen has as UTC
	Styles   *look.Styles
	Width    int
	Height   int
	Focused  bool   // whether keys go to this pane
	Cursor   string // id of the selected row; empty for none
	ReadOnly bool   // a reader's: no key of it acts, so no pane names one
	Scroll   int    // lines away from where the pane stands by itself, back below zero; a pane limits it to what it has
	Journal  string // the journal's path as the reader knows it; may be empty
	Filter   string // only entries that have it in them are shown; empty: all
	Folded   bool   // little room: what explains the selected item is one line
}

// Ready reports whether there is a run to draw.
func (p Pane) Ready() bool {
	return p.State != nil && p.State.Runbook != nil
}

// drawLine writes one line.
func (p Pane) drawLine(b *strings.Builder, l look.Line) {
	var over *lipgloss.Style
	if l.Selected && p.Focused {
		over = &p.Styles.Selected
	}
	// The right part may have what the left one leaves, and half of the line
	// in any case: a value must not vanish behind a long sentence.
	var right []look.Span
	end := 0
	if len(l.Right) > 0 {
		if limit := max(p.Width/2-1, p.Width-look.SpansWidth(l.Spans)-1); limit >= 6 {
			right, end = look.Cut(l.Right, limit)
		}
	}
	room := p.Width
	if end > 0 {
		room -= end + 1
	}
	spans, n := look.Cut(l.Spans, room)
	look.Draw(b, spans, over)
	if gap := p.Width - end - n; gap > 0 && (end > 0 || over != nil) {
		fill := strings.Repeat(" ", gap)
		if over != nil {
			fill = over.Render(fill)
		}
		b.WriteString(fill)
	}
	look.Draw(b, right, over)
}

// fit draws lines from the top, exactly Height of them.
func (p Pane) fit(lines []look.Line) string {
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

// flow is lines of which none is cut at its end: what has no room goes on below.
// A table's rows stay rows. The line keep is where it begins among them.
func (p Pane) flow(lines []look.Line, keep int) (flown []look.Line, kept int) {
	flown, kept = lines, keep
	same := true
	for i, l := range lines {
		broken := l.Flow(p.Width)
		if same && len(broken) == 1 {
			continue
		}
		if same {
			same, flown = false, append([]look.Line(nil), lines[:i]...)
		}
		if i == keep {
			kept = len(flown)
		}
		flown = append(flown, broken...)
	}
	return flown, kept
}

// fitAround draws the part of lines in which the line keep stands, moved by
// Scroll. It says at the edges how many lines are out of sight.
func (p Pane) fitAround(lines []look.Line, keep int) string {
	if len(lines) <= p.Height || p.Height <= 0 {
		return p.fit(lines)
	}
	top := max(0, min(stands(len(lines), p.Height, keep)+p.Scroll, len(lines)-p.Height))
	shown := append([]look.Line(nil), lines[top:top+p.Height]...)
	if p.Height >= 4 {
		if top > 0 {
			shown[0] = look.Row(&p.Styles.Dim, "  ↑ "+look.Plural(top+1, "line", "lines")+" above")
		}
		if below := len(lines) - top - p.Height; below > 0 {
			shown[p.Height-1] = look.Row(&p.Styles.Dim, "  ↓ "+look.Plural(below+1, "line", "lines")+" below")
		}
	}
	return p.fit(shown)
}

// empty is a pane that has nothing to show yet.
func (p Pane) empty(text string) content {
	if p.Styles == nil {
		return content{}
	}
	return content{body: []look.Line{look.Row(&p.Styles.Dim, text)}, windowed: true}
}

// paragraph wraps text under an indent: the first line starts with lead, the
// others with as many blanks.
func (p Pane) paragraph(lead string, style *lipgloss.Style, text string) []look.Line {
	indent := look.Width(lead)
	if p.Width-indent < 8 {
		return []look.Line{look.Row(style, lead+text)}
	}
	var out []look.Line
	for i, t := range look.Wrap(look.Sanitize(text), p.Width-indent) {
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		out = append(out, look.Row(nil, lead).Add(style, strings.TrimRight(t, " ")))
	}
	return joined(out)
}

// commandLines writes a command, each of its lines behind lead, and wraps a line
// between its words only: a break inside an option would make another command of it
// for whoever copies it by hand.
func (p Pane) commandLines(lead string, style *lipgloss.Style, command string) []look.Line {
	indent := look.Width(lead)
	room := p.Width - indent
	var out []look.Line
	for line := range strings.SplitSeq(command, "\n") {
		before := lead
		for _, part := range commandParts(look.Sanitize(line), room) {
			out = append(out, look.Row(nil, before).Add(style, part))
			before = strings.Repeat(" ", indent)
		}
	}
	return joined(out)
}

// commandParts are a command's line in parts of at most room cells; none of an empty
// one.
func commandParts(line string, room int) (out []string) {
	text := ""
	flush := func() {
		if text != "" {
			out, text = append(out, text), ""
		}
	}
	for i, word := range phases.CommandWords(line) {
		if text != "" && look.Width(text)+1+look.Width(word) > room {
			flush()
		} else if i > 0 {
			text += " "
		}
		text += word
		for room > 0 && look.Width(text) > room {
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
func (p Pane) rule(style *lipgloss.Style, text string) look.Line {
	if text != "" {
		text = "── " + look.Sanitize(text) + " "
	}
	if n := p.Width - look.Width(text); n > 0 {
		text += strings.Repeat("─", n)
	}
	return look.Row(style, text)
}

// box frames lines that must not be overlooked. Without room for a frame they
// stand bare.
func (p Pane) box(style *lipgloss.Style, title string, lines []look.Line) []look.Line {
	if p.Width < 24 {
		return append([]look.Line{look.Row(style, title)}, lines...)
	}
	inner := p.Width - 4
	title, rest := splitTitle(look.Sanitize(title), p.Width-6)
	if rest != "" {
		lines = append(p.narrower().paragraph("", style, look.Initial(rest)), lines...)
	}
	lines, _ = p.narrower().flow(lines, 0)
	top := "┌─ " + look.Clip(title, p.Width-6) + " "
	out := []look.Line{look.Row(style, top+strings.Repeat("─", max(0, p.Width-1-look.Width(top)))+"┐")}
	for _, l := range lines {
		spans, n := look.Cut(l.Spans, inner)
		framed := look.Row(style, "│ ")
		framed.Spans = append(framed.Spans, spans...)
		out = append(out, framed.Add(style, strings.Repeat(" ", max(0, inner-n))+" │"))
	}
	return joined(append(out, look.Row(style, "└"+strings.Repeat("─", p.Width-2)+"┘")))
}

// splitTitle cuts a title that is too long for room cells where a new part of
// it begins, so that its end, often what counts most, is not lost.
func splitTitle(title string, room int) (head, rest string) {
	if look.Width(title) <= room {
		return title, ""
	}
	for _, sep := range []string{", ", ": "} {
		for i := len(title); i > 0; {
			i = strings.LastIndex(title[:i], sep)
			if i > 0 && look.Width(title[:i]) <= room {
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

// at is a moment as a time of day, in the zone that the screen names.
func (p Pane) at(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(p.Now.Location()).Format("15:04:05")
}

// age is how long ago a moment was.
func (p Pane) age(t time.Time) string { return look.Ago(p.Now.Sub(t)) }

// The keys that panes name beside what they do. A test holds them against the
// operator's key table.
const (
	KeyTick     = "space"
	KeyFill     = "enter"
	KeyAction   = "x"
	KeyWaive    = "v"
	KeyDecide   = "D"
	KeyRecheck  = "r"
	KeyGo       = "o"
	KeyNoGo     = "N"
	KeyStart    = "s"
	KeyCommit   = "c"
	KeyRollback = "b"
	KeySession  = "t"
	KeyExtend   = "e"
	KeyAccept   = "A"
	KeyClose    = "d"
	KeySkip     = "S"
	KeySchedule = "T"
	KeyAbort    = "a"
	KeyLeave    = "q"
	KeyTell     = "m"
	KeyMore     = "i" // a reader's, too
)

// hint is a key and what it does; nothing on a reader's pane.
func (p Pane) hint(lead, key, what string) []look.Line {
	if p.ReadOnly {
		return nil
	}
	return []look.Line{look.Row(nil, lead).Add(&p.Styles.Key, key).Add(&p.Styles.Text, "  "+what)}
}
