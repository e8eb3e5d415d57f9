package ui

import (
	"strings"

	"tminus/ui/look"
)

// helpLines are the help page: every key of the table, by heading, for a body
// of the given size.
func (v *Viewer) helpLines(body rect) []string {
	st := v.styles
	all := v.helpText()
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

// helpText is the whole page, unscrolled.
func (v *Viewer) helpText() []string {
	st := v.styles
	var out []string
	for _, group := range keyGroups() {
		heading := false
		for _, b := range v.keys {
			if b.group != group {
				continue
			}
			if !heading {
				heading = true
				if len(out) > 0 {
					out = append(out, "")
				}
				out = append(out, look.Paint(st.Title, group))
			}
			out = append(out, "  "+look.Pad(look.Paint(st.Key, look.KeyNames(b.keys)), 20)+" "+look.Paint(st.Text, b.help))
		}
	}
	return append(out, "", look.Paint(st.Dim, "A key that does nothing says why on the line above the keys."))
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
	limit := max(0, len(v.helpText())-(l.body.h-1))
	v.nav.helpScroll = max(0, min(limit, v.nav.helpScroll+by))
	return true
}
