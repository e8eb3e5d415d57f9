package pick

import (
	"strings"

	"tminus/ui/look"
)

// Keys are the keys of the choice, as the help page has them.
func Keys() []look.KeyRow {
	var out []look.KeyRow
	for _, group := range helpGroups() {
		for _, b := range bindings() {
			if b.group == group {
				out = append(out, look.KeyRow{Group: group, Keys: b.keys, Help: b.help})
			}
		}
	}
	return out
}

// helpGroups are the headings in their order.
func helpGroups() []string { return []string{groupTables, groupMove, groupLeave} }

// helpLines are the help page, as it is scrolled.
func (s *Screen) helpLines() []string {
	st := s.styles
	all := s.helpText()
	room := s.height - bodyTop - footer - 1
	title := "Keys"
	if len(all) > room {
		title += " (↓ and ↑ scroll)"
	}
	out := []string{look.Paint(st.Focus, "── ") + look.Paint(st.Title, title) + " " + look.Paint(st.Focus, strings.Repeat("─", max(0, s.width-look.Width(title)-4)))}
	for i := range room {
		line := ""
		if s.helpScroll+i < len(all) {
			line = all[s.helpScroll+i]
		}
		out = append(out, " "+line)
	}
	return out
}

// helpText is the whole page: every key of the table, by heading, and what the
// columns say.
func (s *Screen) helpText() []string {
	st := s.styles
	var out []string
	for _, group := range helpGroups() {
		out = append(out, look.Paint(st.Title, group))
		for _, b := range s.keys {
			if b.group == group {
				out = append(out, "  "+look.Pad(look.Paint(st.Key, look.KeyNames(b.keys)), 20)+" "+look.Paint(st.Text, b.help))
			}
		}
		out = append(out, "")
	}
	out = append(out, look.Paint(st.Title, "The list"))
	for _, l := range [][2]string{
		{"clear? protect?", "proposed by the table's shape, keys and rows; y takes it"},
		{"CLEAR goes too", "ticked, and what cannot stay without it"},
		{"loses ref", "its rows stay, and no longer refer to what goes"},
		{st.Mark.Failed + " protect", "protected, and yet reached: tab says how"},
		{"rows", "as the planner estimates them; – where nobody counted"},
		{"in out", "foreign keys from other tables, and to others"},
		{"+tables +rows", "what would go with it; ≥ where some were never counted"},
	} {
		out = append(out, "  "+look.Pad(look.Paint(st.Text, l[0]), 20)+" "+look.Paint(st.Text, l[1]))
	}
	return append(out, "", look.Paint(st.Dim, "A key that does nothing says why on the line above the keys."))
}
