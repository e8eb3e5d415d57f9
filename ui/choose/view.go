package choose

import (
	"strings"

	"tminus/phases"
	"tminus/ui/look"
)

// The smallest screen on which a choice can be made.
const (
	minWidth  = 40
	minHeight = 12
)

// What a row keeps of an entry beside where it is.
const (
	leastTitle  = 10
	leastStands = 8
)

func (s *screen) small() bool { return s.width < minWidth || s.height < minHeight }

// frame is the list, more of the entry under the cursor, and the keys.
func (s *screen) frame() string {
	if s.small() {
		return strings.Join(look.TooSmall(s.width, s.height, minWidth, minHeight), "\n")
	}
	st := s.styles
	count := look.Plural(len(s.opts.Entries), "run", "runs")
	out := []string{look.Between(" "+look.Paint(st.Title, "tminus resume")+look.Paint(st.Text, "  "+s.opts.Title), look.Paint(st.Dim, count+" "), s.width), ""}
	more := s.more()
	room := max(3, s.height-len(out)-len(more)-3)
	out = append(out, s.list(room)...)
	out = append(out, look.Paint(st.Border, strings.Repeat("─", s.width)))
	if have := s.height - len(out) - 2; len(more) > have {
		more = more[:have]
	}
	out = append(out, more...)
	for len(out) < s.height-2 {
		out = append(out, "")
	}
	status := ""
	if s.said != "" {
		style := st.LevelStyle(phases.LevelWarn)
		status = " " + look.Paint(style, look.Clip(st.LevelMark(phases.LevelWarn)+" "+look.Sanitize(s.said), s.width-2))
	}
	out = append(out, status, s.hints())
	for i := range out {
		out[i] = look.Pad(out[i], s.width)
	}
	return strings.Join(out, "\n")
}

// list is as many entries as there is room for, with the cursor's among them.
func (s *screen) list(room int) []string {
	all := s.opts.Entries
	s.top = max(0, min(s.top, s.cursor, len(all)-room))
	s.top = max(s.top, s.cursor-room+1)
	var out []string
	for i := s.top; i < min(len(all), s.top+room); i++ {
		out = append(out, s.row(i))
	}
	return out
}

func (s *screen) row(i int) string {
	st, e := s.styles, s.opts.Entries[i]
	style, right := st.Text, e.Stands
	if e.Why != "" {
		style, right = st.Dim, e.Why
	}
	mark := " "
	if i == s.cursor {
		mark, style = st.Mark.Cursor, st.Title
	}
	where := look.Sanitize(e.Where)
	if where != "" {
		where = ", " + where
	}
	most := max(leastStands, min(s.width/2-2, s.width-6-leastTitle-look.Width(where)))
	right = look.Clip(look.Sanitize(right), most)
	room := s.width - look.Width(right) - 6
	where = look.Middle(where, room-min(leastTitle, look.Width(e.Title)))
	left := look.Clip(look.Sanitize(e.Title), room-look.Width(where)) + where
	return look.Between(" "+look.Paint(st.Focus, mark)+" "+look.Paint(style, left), look.Paint(st.Dim, right)+" ", s.width)
}

// more is all of the entry under the cursor.
func (s *screen) more() []string {
	st, e := s.styles, s.opts.Entries[s.cursor]
	var out []string
	title := e.Title
	if e.Where != "" {
		title += ", " + e.Where
	}
	for _, text := range append([]string{title}, e.Lines...) {
		for _, line := range look.Wrap(look.Sanitize(text), s.width-2) {
			out = append(out, " "+look.Paint(st.Text, line))
		}
	}
	if e.Why != "" {
		for _, line := range look.Wrap("It cannot be taken up now: "+look.Sanitize(e.Why)+".", s.width-2) {
			out = append(out, " "+look.Paint(st.Warn, line))
		}
	}
	return out
}

func (s *screen) hints() string {
	st := s.styles
	hint := func(key, name string) string { return look.Paint(st.Key, key) + " " + look.Paint(st.Dim, name) }
	return look.Between(" "+hint("↑↓ jk", "move")+"  "+hint("enter", "resume it"), hint("q", "leave")+" ", s.width)
}
