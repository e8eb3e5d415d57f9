package ui

import (
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/ui/look"
)

const (
	// helpTwo is the width from which the help page has two columns.
	helpTwo = 100
	// helpKey is how wide the keys' names are, with the blank behind them.
	helpKey = 16
)

// helpLines are the help page, as it is scrolled, for a body of the given size.
func (v *Viewer) helpLines(body rect, now time.Time) []string {
	st := v.styles
	all := v.helpText(body.w, now)
	room := body.h - 1
	skip := max(0, min(v.nav.helpScroll, len(all)-room))
	title := "Keys"
	if len(all) > room {
		title += " (↓ and ↑ scroll)"
	}
	rule := max(0, body.w-look.Width(title)-4)
	out := []string{look.Paint(st.Focus, "── ") + look.Paint(st.Title, title) + " " + look.Paint(st.Focus, strings.Repeat("─", rule))}
	for i := range room {
		line := ""
		if skip+i < len(all) {
			line = all[skip+i]
		}
		out = append(out, look.Pad(" "+line, body.w))
	}
	return out
}

// helpText is the whole page, unscrolled: what can be pressed now, by heading,
// then what cannot, with the reason. Where there is room the second part stands
// beside the first.
func (v *Viewer) helpText(w int, now time.Time) []string {
	w -= 2
	if w < helpTwo-2 {
		can, not := v.helpBlocks(w, now)
		return append(append(slices.Concat(can...), not...), v.helpEnd(w)...)
	}
	wide := (w - 2) / 2
	can, not := v.helpBlocks(wide, now)
	left, right := slices.Concat(can...), not
	if len(not) == 0 {
		left, right = halves(can)
	}
	out := make([]string, max(len(left), len(right)))
	for i := range out {
		if i < len(left) {
			out[i] = left[i]
		}
		out[i] = look.Pad(out[i], wide) + "  "
		if i < len(right) {
			out[i] += right[i]
		}
	}
	return append(out, v.helpEnd(w)...)
}

// halves puts blocks into two columns of about the same height. No block is torn.
func halves(blocks [][]string) (left, right []string) {
	all := len(slices.Concat(blocks...))
	for _, b := range blocks {
		if len(right) == 0 && (len(left) == 0 || len(left)+len(b)/2 <= all/2) {
			left = append(left, b...)
		} else {
			right = append(right, b...)
		}
	}
	return left, right
}

// helpBlocks are the keys that do something now, a block a heading, and those that
// do not.
func (v *Viewer) helpBlocks(w int, now time.Time) (can [][]string, not []string) {
	st := v.styles
	for _, group := range helpGroups() {
		block := []string{look.Paint(st.Title, group)}
		for _, b := range v.keys {
			if b.group != group {
				continue
			}
			if err := b.ready(v, now); err != nil {
				not = append(not, helpRow(st.Dim, st.Dim, b, b.help, w)...)
				not = append(not, helpRow(st.Dim, st.Text, binding{}, "why not: "+look.Sanitize(err.Error()), w)...)
				continue
			}
			block = append(block, helpRow(st.Key, st.Text, b, b.help, w)...)
		}
		if len(block) > 1 {
			can = append(can, append(block, ""))
		}
	}
	if len(not) > 0 {
		not = append([]string{look.Paint(st.Title, "Not now")}, append(not, "")...)
	}
	return can, not
}

// helpEnd is what stands below the keys.
func (v *Viewer) helpEnd(w int) []string {
	st := v.styles
	var out []string
	if lines := v.announcement(w - 2); lines != nil {
		out = append(out, look.Paint(st.Title, "The mirror"))
		for _, l := range lines {
			out = append(out, "  "+look.Paint(st.Text, l))
		}
		out = append(out, "")
	}
	for _, l := range look.Wrap("A key that does nothing says why on the line above the keys.", w) {
		out = append(out, look.Paint(st.Dim, l))
	}
	return out
}

// helpRow is a binding's keys, and a text beside them that wraps.
func helpRow(key, style lipgloss.Style, b binding, text string, w int) []string {
	var out []string
	names := look.KeyNames(b.keys)
	for _, l := range look.Wrap(text, max(8, w-helpKey-2)) {
		out = append(out, "  "+look.Pad(look.Paint(key, names), helpKey)+look.Paint(style, strings.TrimRight(l, " ")))
		names = ""
	}
	return out
}

// ready says why a binding does nothing now; nil when it does something.
func (b binding) ready(v *Viewer, now time.Time) error {
	if b.can == nil {
		return nil
	}
	return b.can(v, now)
}

// scrollHelp moves the help page; it reports whether the key was one of its own.
func (v *Viewer) scrollHelp(id string) bool {
	by := 0
	switch id {
	case "up":
		by = -1
	case "down":
		by = 1
	case "pgup":
		by = -10
	case "pgdown":
		by = 10
	case "top":
		by = -100_000
	case "bottom":
		by = 100_000
	default:
		return false
	}
	l, _ := v.layout()
	l.lift(v.Foot(v.moment()) - 2)
	limit := max(0, len(v.helpText(l.body.w, v.moment()))-(l.body.h-1))
	v.nav.helpScroll = max(0, min(limit, v.nav.helpScroll+by))
	return true
}

// moment is the latest that is known of the time, without asking a clock.
func (v *Viewer) moment() time.Time {
	if v.state == nil || v.clock.After(v.state.At) {
		return v.clock
	}
	return v.state.At
}
