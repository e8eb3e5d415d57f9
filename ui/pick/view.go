package pick

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/draft"
	"tminus/ui/dialog"
	"tminus/ui/look"
)

// The smallest screen on which a choice can be made, and from where on what
// follows stands beside the list.
const (
	minWidth  = 60
	minHeight = 16
	wideFrom  = 110
)

// area is a part of the body, its frame included.
type area struct {
	x, y, w, h int
	framed     bool // four sides; otherwise a rule above is all
}

// inside is how much stands in an area.
func (a area) inside() (w, h int) {
	if a.framed {
		return max(0, a.w-4), max(0, a.h-2)
	}
	return max(0, a.w-2), max(0, a.h-1)
}

func (s *Screen) small() bool { return s.width < minWidth || s.height < minHeight }

// bodyTop and the lines below the body are the header, and the status and hints.
const (
	bodyTop = 2
	footer  = 1 + mostSaid
	// mostSaid is how many lines the status may take: their place is kept.
	mostSaid = 2
)

// areas are where the list and what follows stand. On a narrow screen what has
// the keys has more room.
func (s *Screen) areas() (list, follows area) {
	h := s.height - bodyTop - footer
	if s.width >= wideFrom {
		right := max(44, s.width*2/5)
		return area{0, bodyTop, s.width - right, h, true}, area{s.width - right, bodyTop, right, h, true}
	}
	upper := h * 3 / 5
	if s.aside {
		upper = h * 2 / 5
	}
	return area{0, bodyTop, s.width, upper, false}, area{0, bodyTop + upper, s.width, h - upper, false}
}

// arrange keeps the cursor and what is scrolled within what there is, and wraps
// what follows where that or its room has changed.
func (s *Screen) arrange() {
	if s.small() {
		return
	}
	list, follows := s.areas()
	s.cursor = max(0, min(s.cursor, len(s.shown)-1))
	_, h := list.inside()
	h = max(1, h-1) // the heads
	s.top = max(0, min(s.top, s.cursor, len(s.shown)-h))
	s.top = max(s.top, s.cursor-h+1)
	w, room := follows.inside()
	if s.stale || s.textWidth != w {
		s.text, s.textWidth, s.stale = s.followLines(w), w, false
	}
	s.scroll = max(0, min(s.scroll, len(s.text)-room))
	s.helpScroll = max(0, min(s.helpScroll, len(s.helpText())-(s.height-bodyTop-footer-1)))
}

// frame is the screen, with the dialog over it, and the cursor where one types.
func (s *Screen) frame(now time.Time) (string, *tea.Cursor) {
	if s.small() {
		return strings.Join(look.TooSmall(s.width, s.height, minWidth, minHeight), "\n"), nil
	}
	out := s.header()
	if s.help {
		out = append(out, s.helpLines()...)
	} else {
		out = append(out, s.body()...)
	}
	status, at := s.status()
	hints := s.hints()
	if s.dialog != nil {
		hints = s.dialog.Hint(s.styles, s.width)
	}
	said := make([]string, mostSaid)
	copy(said, strings.Split(status, "\n"))
	out = append(append(out, said...), hints)
	for i := range out {
		out[i] = look.Pad(out[i], s.width)
	}
	if s.dialog != nil {
		h := s.height - bodyTop - footer
		box, typing := s.dialog.Box(s.width, h, s.styles, nil, now)
		lines, x, y := dialog.Over(out, box, bodyTop, h, s.width)
		if out, at = lines, nil; typing != nil {
			at = tea.NewCursor(x+typing.X, y+typing.Y)
		}
	}
	if at != nil {
		at.Shape = tea.CursorBar
	}
	return strings.Join(out, "\n"), at
}

func (s *Screen) header() []string {
	st, server := s.styles, s.opts.Schema.Server
	left := " " + look.Paint(st.Title, "tminus init") + look.Paint(st.Text, "  What is to be cleared?")
	right := look.Paint(st.Text, look.Middle(look.Sanitize(server.Database), s.width/3)) + look.Paint(st.Dim, "  "+look.Plural(len(s.rows), "table", "tables")+" ")
	open := map[draft.Proposal]int{}
	for _, r := range s.rows {
		if s.open(r) {
			open[r.Proposal]++
		}
	}
	chosen := look.Plural(s.count(toClear), "table", "tables") + " to clear, " + look.Count(int64(s.count(toProtect)+len(s.given))) + " protected"
	proposed := ""
	if open[draft.ProposeClear]+open[draft.ProposeProtect] > 0 {
		proposed = "proposed: " + look.Count(int64(open[draft.ProposeClear])) + " to clear, " + look.Count(int64(open[draft.ProposeProtect])) + " to protect "
	}
	return []string{look.Between(left, right, s.width), look.Between(" "+look.Paint(st.Text, chosen), look.Paint(st.Dim, proposed), s.width)}
}

// body is the list, and what follows below or beside it.
func (s *Screen) body() []string {
	list, follows := s.areas()
	w, h := list.inside()
	upper := s.block(list, "Tables", s.listWord(), !s.aside, s.listLines(w, h))
	w, h = follows.inside()
	lower := s.block(follows, "What follows", s.followWord(h), s.aside, s.followPart(w, h))
	if list.x == follows.x {
		return append(upper, lower...)
	}
	for i := range upper {
		upper[i] += lower[i]
	}
	return upper
}

// block frames lines: a name, and at the edge a word on what stands there.
func (s *Screen) block(a area, name, word string, focused bool, lines []string) []string {
	st := s.styles
	frame, left, right := st.Border, "─", "─"
	if a.framed {
		left, right = "╭", "╮"
	}
	if focused {
		frame, name = st.Focus, st.Mark.Cursor+" "+name
	}
	if word = look.Clip(word, max(0, a.w-look.Width(name)-10)); word != "" {
		word = " " + word + " "
	}
	rule := max(0, a.w-6-look.Width(name)-look.Width(word))
	out := []string{look.Paint(frame, left+"─ ") + look.Paint(st.Title, name) + " " + look.Paint(frame, strings.Repeat("─", rule)) + look.Paint(st.Dim, word) + look.Paint(frame, "─"+right)}
	w, h := a.inside()
	for i := range h {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		if a.framed {
			out = append(out, look.Paint(frame, "│")+" "+look.Pad(line, w)+" "+look.Paint(frame, "│"))
		} else {
			out = append(out, " "+look.Pad(line, w)+" ")
		}
	}
	if a.framed {
		out = append(out, look.Paint(frame, "╰"+strings.Repeat("─", max(0, a.w-2))+"╯"))
	}
	return out
}

// line draws one line, w cells wide; over takes the place of its styles.
func line(l look.Line, w int, over *lipgloss.Style) string {
	var b strings.Builder
	spans, n := look.Cut(l.Spans, w)
	look.Draw(&b, spans, over)
	if fill := strings.Repeat(" ", max(0, w-n)); over != nil && fill != "" {
		b.WriteString(over.Render(fill))
	} else {
		b.WriteString(fill)
	}
	return b.String()
}

// status is what is typed, the answer to the last key, or more of the current row.
func (s *Screen) status() (string, *tea.Cursor) {
	st := s.styles
	if s.typing {
		value, room := []rune(s.filter.Value()), s.width-8
		at := look.Width(string(value[:min(s.filter.Position(), len(value))]))
		return " " + look.Paint(st.Key, "/") + look.Paint(st.Input, look.Clip(string(value), room)), tea.NewCursor(2+min(at, room), s.height-footer)
	}
	if s.said != "" {
		return s.message(s.saidLevel, s.said), nil
	}
	r, err := s.current()
	if err != nil {
		return s.message(phases.LevelWarn, look.Initial(err.Error())+"."), nil
	}
	return s.message(phases.LevelInfo, s.about(r)), nil
}

func (s *Screen) message(level phases.Level, text string) string {
	return strings.Join(s.styles.Said(level, text, s.width, mostSaid), "\n")
}

// hints are the keys that lead on, as many as there is room for.
func (s *Screen) hints() string {
	ids := []string{"clear", "protect", "next", "filter", "aside", "sort"}
	switch {
	case s.help:
		return s.hint([]string{"down", "up"}, "back", "quit")
	case s.typing:
		st := s.styles
		return " " + look.Paint(st.Key, "enter") + look.Paint(st.Dim, " keep these") + "  " + look.Paint(st.Key, "esc") + look.Paint(st.Dim, " all tables")
	case s.aside:
		ids = []string{"aside", "down", "up", "go"}
	case canYes(s) == nil:
		ids = append([]string{"yes", "go"}, ids...)
	default:
		ids = append([]string{"go"}, ids...)
	}
	return s.hint(ids, "help", "quit")
}

func (s *Screen) hint(ids []string, last ...string) string {
	write := func(b binding) string {
		name := b.name
		switch r, err := s.current(); {
		case b.id == "aside" && s.aside:
			name = "the tables"
		case b.id == "clear" && err == nil && s.marks[r.Relation.OID] == toClear, b.id == "protect" && err == nil && s.marks[r.Relation.OID] == toProtect:
			name = "take that back"
		}
		return look.Paint(s.styles.Key, b.label) + " " + look.Paint(s.styles.Dim, name)
	}
	tail, out := "", ""
	for _, id := range last {
		tail += "  " + write(s.keys.get(id))
	}
	for _, id := range ids {
		b := s.keys.get(id)
		if b.can != nil && b.can(s) != nil {
			continue
		}
		h := "  " + write(b)
		if look.Width(out)+look.Width(h)+look.Width(tail) > s.width-2 {
			break
		}
		out += h
	}
	return look.Between(strings.TrimPrefix(out, " "), strings.TrimPrefix(tail, "  ")+" ", s.width)
}
