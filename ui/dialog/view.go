package dialog

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// dialogWidth is the most cells a dialog takes.
const dialogWidth = 78

// Box draws a dialog for a body of w times h cells, as of a state and a moment.
// The cursor is where the next letter goes, from the box's upper left corner;
// nil outside of a field.
func (d *Dialog) Box(w, h int, st *look.Styles, s *phases.State, now time.Time) (lines []string, cursor *tea.Position) {
	outer := min(dialogWidth, w)
	inner := max(1, outer-4)
	var text []string
	title := look.Sanitize(d.Title)
	if look.Width(title) > outer-6 { // its end is what is asked
		text = append(textLines([]Text{Say("", title)}, inner, st), text...)
		title = look.Clip(title, max(0, outer-6))
	}
	if d.Text != nil {
		text = append(text, textLines(d.Text(s, now), inner, st)...)
	}
	fields, at := d.fieldLines(inner, st)
	foot := d.footLines(inner, st, now)

	// Keys and what is typed stay in sight; the text gives way.
	room := max(0, h-2-len(fields)-len(foot))
	text = d.inSight(text, room, st)
	fields, at = window(fields, at, max(1, h-2-len(text)-len(foot)))

	frame := st.LevelStyle(d.Level)
	lines = append(lines, look.Paint(frame, "╭─ ")+look.Paint(st.Title, title)+look.Paint(frame, " "+strings.Repeat("─", max(0, outer-5-look.Width(title)))+"╮"))
	for _, part := range [][]string{text, fields, foot} {
		for _, l := range part {
			lines = append(lines, look.Paint(frame, "│")+" "+look.Pad(l, inner)+" "+look.Paint(frame, "│"))
		}
	}
	lines = append(lines, look.Paint(frame, "╰"+strings.Repeat("─", max(0, outer-2))+"╯"))
	if at != nil {
		cursor = &tea.Position{X: 2 + at.X, Y: 1 + len(text) + at.Y}
	}
	return lines, cursor
}

// inSight is the part of a text that n lines have room for. It says how much more
// there is, and how to see it.
func (d *Dialog) inSight(text []string, n int, st *look.Styles) []string {
	d.deepest = max(0, len(text)-n)
	if n <= 0 || d.deepest == 0 {
		return text[:min(n, len(text))]
	}
	top := min(d.top, d.deepest)
	shown := slices.Clone(text[top : top+n])
	if below := len(text) - top - n; below > 0 {
		shown[n-1] = look.Paint(st.Dim, "↓ "+look.Plural(below+1, "line", "lines")+" more: pgdn")
	}
	if top > 0 && n > 1 {
		shown[0] = look.Paint(st.Dim, "↑ "+look.Plural(top+1, "line", "lines")+" above: pgup")
	}
	return shown
}

// window keeps the cursor's line among at most n lines.
func window(lines []string, at *tea.Position, n int) ([]string, *tea.Position) {
	if len(lines) <= n || at == nil {
		return lines[:min(n, len(lines))], at
	}
	top := max(0, min(at.Y-n/2, len(lines)-n))
	return lines[top : top+n], &tea.Position{X: at.X, Y: at.Y - top}
}

func textLines(text []Text, inner int, st *look.Styles) []string {
	var out []string
	for _, t := range text {
		for _, l := range look.Wrap(look.Sanitize(t.Text), inner) {
			out = append(out, look.Paint(st.LevelStyle(t.Level), strings.TrimRight(l, " ")))
		}
	}
	if len(out) > 0 {
		out = append(out, "")
	}
	return out
}

// fieldLines draws one line a field, an error below its own.
func (d *Dialog) fieldLines(inner int, st *look.Styles) (out []string, at *tea.Position) {
	label := 0
	for i := range d.Fields {
		label = max(label, look.Width(look.Sanitize(d.Fields[i].label)))
	}
	label = min(label, inner/2)
	room := max(4, inner-label-4)
	for i := range d.Fields {
		f := &d.Fields[i]
		mark, style := " ", st.Dim
		if i == d.Focus {
			mark, style = st.Mark.Cursor, st.Text
		}
		value, x := f.shown(room, i == d.Focus, st)
		if i == d.Focus {
			at = &tea.Position{X: 2 + label + 1 + x, Y: len(out)}
		}
		out = append(out, look.Paint(st.Accent, mark)+" "+look.Paint(style, look.Pad(look.Middle(look.Sanitize(f.label), label), label))+" "+value)
		if f.err != "" {
			lead := st.Mark.Failed + " "
			for _, l := range look.Wrap(look.Sanitize(f.err), inner-4) {
				out = append(out, "  "+look.Paint(st.Bad, lead+strings.TrimRight(l, " ")))
				lead = "  "
			}
		}
	}
	if len(d.Fields) > 0 {
		out = append(out, "")
	}
	return out, at
}

// shown is the part of a field's value around the cursor, and the cursor's
// place in it. An empty field shows what it expects.
func (f *Field) shown(room int, focused bool, st *look.Styles) (text string, x int) {
	value := []rune(f.Edit.Value())
	if len(value) == 0 {
		return look.Paint(st.Dim, look.Clip(f.expects(), room)), 0
	}
	from, pos := 0, f.Edit.Position()
	if !focused {
		pos = 0
	}
	for from < pos && look.Width(string(value[from:pos])) >= room {
		from++
	}
	return look.Paint(st.Input, ansi.Truncate(string(value[from:]), room, "")), look.Width(string(value[from:pos]))
}

// expects says what belongs into a field.
func (f *Field) expects() string {
	if f.Must != "" {
		return "type " + look.Sanitize(f.Must)
	}
	out := map[runbook.FieldType]string{
		runbook.FieldTime: "a time in UTC: now, 14:05, 2026-01-30 14:05", runbook.FieldYesNo: "yes or no",
		runbook.FieldNumber: "a number", runbook.FieldPhone: "a phone number", runbook.FieldDuration: "how long: 12m, 1h30m",
	}[f.Field.Type]
	if f.Field.Example != "" {
		if out != "" {
			out += "; "
		}
		out += "e.g. " + look.Sanitize(f.Field.Example)
	}
	if out == "" {
		out = "type here"
	}
	if !f.Field.Required {
		out = strings.TrimSuffix("optional; "+out, "; ")
	}
	return out
}

// footLines are the buttons, and why the last enter did nothing.
func (d *Dialog) footLines(inner int, st *look.Styles, now time.Time) []string {
	var parts []string
	for i, b := range d.Buttons {
		label := " " + look.Sanitize(b.Label) + " "
		switch {
		case len(d.Fields)+i == d.Focus:
			parts = append(parts, look.Paint(st.Accent, st.Mark.Cursor)+look.Paint(st.Selected, "["+label+"]"))
		case b.Act != nil && d.Careful && now.Sub(d.quiet) < ArmAfter:
			parts = append(parts, " "+look.Paint(st.Dim, "["+label+"]"))
		default:
			parts = append(parts, " "+look.Paint(st.Text, "["+label+"]"))
		}
	}
	var out []string
	row := ""
	for _, part := range parts {
		if row != "" && look.Width(row)+2+look.Width(part) > inner {
			out, row = append(out, row), ""
		}
		if row != "" {
			row += "  "
		}
		row += part
	}
	out = append(out, row)
	if d.message != "" {
		for _, l := range look.Wrap(st.Mark.NoReturn+" "+look.Sanitize(d.message), inner) {
			out = append(out, look.Paint(st.Warn, l))
		}
	}
	return out
}

// Hint is the dialog's keys, in one line.
func (d *Dialog) Hint(st *look.Styles, w int) string {
	type pair struct{ key, name string }
	leave := pair{"esc", "no"}
	if d.Form {
		leave.name = "cancel"
	}
	pairs := []pair{{"enter", "answer"}, {"←→", "choose"}}
	if len(d.Buttons) == 2 {
		pairs = append(pairs, pair{"y", d.Buttons[d.Yes()].Label})
	}
	if d.Focus < len(d.Fields) {
		pairs = []pair{{"enter", "next"}}
		if d.Focus == len(d.Fields)-1 && !d.chooses() {
			pairs[0].name = d.Buttons[d.Yes()].Label
		}
		switch n := d.examples(); {
		case n > 1:
			pairs = append(pairs, pair{"tab", "take the examples"})
		case n == 1:
			pairs = append(pairs, pair{"tab", "take the example"})
		default:
			pairs = append(pairs, pair{"tab", "next line"})
		}
	}
	pairs = append(pairs, leave)
	if d.deepest > 0 {
		pairs = append(pairs, pair{"pgdn", "more text"})
	}
	if len(d.past) > 0 {
		pairs = append(pairs, pair{"ctrl+z", "take it back"})
	}
	var out []string
	for _, p := range pairs {
		out = append(out, look.Paint(st.Key, p.key)+" "+look.Paint(st.Dim, look.Sanitize(p.name)))
	}
	return look.Pad(" "+strings.Join(out, "  "), w)
}

// Over lays a box into the middle of a body of h lines from line top on, of lines
// that are w cells wide, and gives where it lies. The lines beside it stay as they are.
func Over(lines, box []string, top, h, w int) (laid []string, x, y int) {
	if len(box) == 0 {
		return lines, 0, 0
	}
	x = max(0, (w-look.Width(box[0]))/2)
	y = top + max(0, (h-len(box))/2)
	box = box[:max(0, min(len(box), top+h-y, len(lines)-y))]
	under, upper := lipgloss.NewLayer(strings.Join(lines[y:y+len(box)], "\n")), lipgloss.NewLayer(strings.Join(box, "\n")).X(x).Z(1)
	canvas := lipgloss.NewCanvas(w, len(box)).Compose(lipgloss.NewCompositor(under, upper))
	rows := strings.Split(canvas.Render(), "\n")
	for i := range rows {
		rows[i] = look.Pad(rows[i], w)
	}
	laid = slices.Replace(slices.Clone(lines), y, y+len(box), rows...)
	return laid, x, y
}
