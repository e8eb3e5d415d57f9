package ui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/phases/runbook"
)

// dialogWidth is the most cells a dialog takes.
const dialogWidth = 78

// box draws a dialog for a body of w times h cells, as of a state and a moment.
// The cursor is where the next letter goes, from the box's upper left corner;
// nil outside of a field.
func (d *dialog) box(w, h int, st *Styles, s *phases.State, now time.Time) (lines []string, cursor *tea.Position) {
	outer := min(dialogWidth, w)
	inner := max(1, outer-4)
	var text []string
	if d.text != nil {
		text = textLines(d.text(s, now), inner, st)
	}
	fields, at := d.fieldLines(inner, st)
	foot := d.footLines(inner, st, now)

	// Keys and what is typed stay in sight; the text gives way.
	room := max(0, h-2-len(fields)-len(foot))
	if len(text) > room {
		text = text[:max(0, room-1)]
		if room > 0 {
			text = append(text, paint(st.Dim, "…"))
		}
	}
	fields, at = window(fields, at, max(1, h-2-len(text)-len(foot)))

	frame := st.levelStyle(d.level)
	title := clip(sanitize(d.title), max(0, outer-6))
	lines = append(lines, paint(frame, "╭─ ")+paint(st.Title, title)+paint(frame, " "+strings.Repeat("─", max(0, outer-5-width(title)))+"╮"))
	for _, part := range [][]string{text, fields, foot} {
		for _, l := range part {
			lines = append(lines, paint(frame, "│")+" "+pad(l, inner)+" "+paint(frame, "│"))
		}
	}
	lines = append(lines, paint(frame, "╰"+strings.Repeat("─", max(0, outer-2))+"╯"))
	if at != nil {
		cursor = &tea.Position{X: 2 + at.X, Y: 1 + len(text) + at.Y}
	}
	return lines, cursor
}

// window keeps the cursor's line among at most n lines.
func window(lines []string, at *tea.Position, n int) ([]string, *tea.Position) {
	if len(lines) <= n || at == nil {
		return lines[:min(n, len(lines))], at
	}
	top := max(0, min(at.Y-n/2, len(lines)-n))
	return lines[top : top+n], &tea.Position{X: at.X, Y: at.Y - top}
}

func textLines(text []dialogText, inner int, st *Styles) []string {
	var out []string
	for _, t := range text {
		for _, l := range wrap(sanitize(t.text), inner) {
			out = append(out, paint(st.levelStyle(t.level), strings.TrimRight(l, " ")))
		}
	}
	if len(out) > 0 {
		out = append(out, "")
	}
	return out
}

// fieldLines draws one line a field, an error below its own.
func (d *dialog) fieldLines(inner int, st *Styles) (out []string, at *tea.Position) {
	label := 0
	for i := range d.fields {
		label = max(label, width(sanitize(d.fields[i].label)))
	}
	label = min(label, inner/2)
	room := max(4, inner-label-4)
	for i := range d.fields {
		f := &d.fields[i]
		mark, style := " ", st.Dim
		if i == d.focus {
			mark, style = st.Mark.Cursor, st.Text
		}
		value, x := f.shown(room, i == d.focus, st)
		if i == d.focus {
			at = &tea.Position{X: 2 + label + 1 + x, Y: len(out)}
		}
		out = append(out, paint(st.Accent, mark)+" "+paint(style, pad(sanitize(f.label), label))+" "+value)
		if f.err != "" {
			out = append(out, "  "+paint(st.Bad, clip(st.Mark.Failed+" "+sanitize(f.err), inner-2)))
		}
	}
	if len(d.fields) > 0 {
		out = append(out, "")
	}
	return out, at
}

// shown is the part of a field's value around the cursor, and the cursor's
// place in it. An empty field shows what it expects.
func (f *dialogField) shown(room int, focused bool, st *Styles) (text string, x int) {
	value := []rune(f.edit.Value())
	if len(value) == 0 {
		return paint(st.Dim, clip(f.expects(), room)), 0
	}
	from, pos := 0, f.edit.Position()
	if !focused {
		pos = 0
	}
	for from < pos && width(string(value[from:pos])) >= room {
		from++
	}
	return paint(st.Input, ansi.Truncate(string(value[from:]), room, "")), width(string(value[from:pos]))
}

// expects says what belongs into a field.
func (f *dialogField) expects() string {
	if f.must != "" {
		return "type " + sanitize(f.must)
	}
	out := map[runbook.FieldType]string{
		runbook.FieldTime: "a time: now, 14:05, 2026-01-30 14:05", runbook.FieldYesNo: "yes or no",
		runbook.FieldNumber: "a number", runbook.FieldPhone: "a phone number", runbook.FieldDuration: "how long: 12m, 1h30m",
	}[f.field.Type]
	if f.field.Example != "" {
		if out != "" {
			out += "; "
		}
		out += "e.g. " + sanitize(f.field.Example)
	}
	if out == "" {
		out = "type here"
	}
	if !f.field.Required {
		out = strings.TrimSuffix("optional; "+out, "; ")
	}
	return out
}

// footLines are the buttons, and why the last enter did nothing.
func (d *dialog) footLines(inner int, st *Styles, now time.Time) []string {
	var parts []string
	for i, b := range d.buttons {
		label := " " + sanitize(b.label) + " "
		switch {
		case len(d.fields)+i == d.focus:
			parts = append(parts, paint(st.Accent, st.Mark.Cursor)+paint(st.Selected, "["+label+"]"))
		case b.act != nil && d.careful && now.Sub(d.quiet) < armAfter:
			parts = append(parts, " "+paint(st.Dim, "["+label+"]"))
		default:
			parts = append(parts, " "+paint(st.Text, "["+label+"]"))
		}
	}
	out := []string{clip(strings.Join(parts, "  "), inner)}
	if d.message != "" {
		for _, l := range wrap(st.Mark.NoReturn+" "+sanitize(d.message), inner) {
			out = append(out, paint(st.Warn, l))
		}
	}
	return out
}

// hint is the dialog's keys, in one line.
func (d *dialog) hint(st *Styles, w int) string {
	type pair struct{ key, name string }
	leave := pair{"esc", "no"}
	if d.form {
		leave.name = "cancel"
	}
	pairs := []pair{{"enter", "answer"}, {"←→", "choose"}}
	if len(d.buttons) == 2 {
		pairs = append(pairs, pair{"y", d.buttons[d.yes()].label})
	}
	if d.focus < len(d.fields) {
		pairs = []pair{{"enter", "next"}}
		if d.focus == len(d.fields)-1 {
			pairs[0].name = d.buttons[d.yes()].label
		}
		if f := &d.fields[d.focus]; d.offer && f.must == "" && f.edit.Value() == "" && exampleOf(f.field) != "" {
			pairs = append(pairs, pair{"tab", "take the example"})
		} else {
			pairs = append(pairs, pair{"tab", "next line"})
		}
	}
	pairs = append(pairs, leave)
	var out []string
	for _, p := range pairs {
		out = append(out, paint(st.Key, p.key)+" "+paint(st.Dim, sanitize(p.name)))
	}
	return pad(" "+strings.Join(out, "  "), w)
}
