package pick

import (
	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/draft"
	"tminus/ui/look"
)

// columns are those of the list. What would go along is what one chooses by: it
// stays where others give way.
var columns = []look.Column{
	{Head: "plan"},
	{Head: "table", Flex: 22},
	{Head: "rows", Right: true},
	{Head: "size", Right: true, Rank: 2},
	{Head: "in", Right: true},
	{Head: "out", Right: true, Rank: 3},
	{Head: "+tables", Right: true},
	{Head: "+rows", Right: true, Rank: 1},
}

// listLines are the heads and the rows in sight, w cells wide.
func (s *Screen) listLines(w, h int) []string {
	st := s.styles
	bottom := min(len(s.shown), s.top+max(0, h-1))
	var rows []look.GridRow
	for _, r := range s.shown[s.top:bottom] {
		rows = append(rows, look.GridRow{Fields: s.fields(r)})
	}
	// The last row is as wide as any of all tables, and not shown: the columns
	// stay where they are while one scrolls.
	lines := look.Grid(columns, append(rows, look.GridRow{Fields: s.widest}), w-2, &st.Dim)
	lines = lines[:len(lines)-1]
	out := make([]string, 0, len(lines))
	for i, l := range lines {
		var over *lipgloss.Style
		lead := look.Row(nil, "  ")
		if i > 0 && s.top+i-1 == s.cursor {
			lead = look.Row(&st.Accent, st.Mark.Cursor+" ")
			if !s.aside {
				over = &st.Selected
			}
		}
		lead.Spans = append(lead.Spans, l.Spans...)
		out = append(out, line(lead, w, over))
	}
	if len(s.shown) == 0 {
		out = append(out, look.Paint(st.Dim, "  No table's name has "+look.Sanitize(s.filter.Value())+" in it."))
	}
	return out
}

// fields are a row's, in the order of the columns.
func (s *Screen) fields(r row) []look.Field {
	st := s.styles
	word, style := s.plan(r)
	name := style
	if word == "" || s.open(r) {
		name = &st.Text
	}
	along, rows := "", ""
	if r.Along.Tables > 0 {
		along, rows = look.Count(int64(r.Along.Tables)), amountOf(r.Along)
	}
	return []look.Field{
		look.One(style, word), look.One(name, r.name), look.One(&st.Text, look.Count(int64(r.Rows))), look.One(&st.Dim, phases.Bytes(r.Bytes)),
		look.One(&st.Dim, keyCount(r.In)), look.One(&st.Dim, keyCount(r.Out)), look.One(&st.Text, along), look.One(&st.Text, rows),
	}
}

func keyCount(n int) string {
	if n == 0 {
		return ""
	}
	return look.Count(int64(n))
}

// amountOf is how many rows an amount has: "≥" where some were never counted.
func amountOf(a draft.Amount) string {
	text := look.Count(int64(a.Rows))
	if a.Unknown > 0 {
		text = "≥" + text
	}
	return text
}

// widestOf are fields that are as wide as the widest of the rows.
func (s *Screen) widestOf(rows []row) []look.Field {
	out := make([]look.Field, len(columns))
	for _, r := range rows {
		for i, f := range s.fields(r) {
			if look.SpansWidth(f) > look.SpansWidth(out[i]) {
				out[i] = f
			}
		}
	}
	out[0] = look.One(nil, "loses ref")
	return out
}

// plan is what becomes of a row's table as things stand, or what is proposed.
func (s *Screen) plan(r row) (string, *lipgloss.Style) {
	st, fate := s.styles, s.fates[r.Relation.OID]
	switch s.marks[r.Relation.OID] {
	case toClear:
		return "CLEAR", &st.Bad
	case toProtect:
		if fate != draft.Stays {
			return st.Mark.Failed + " protect", &st.Bad
		}
		return "protect", &st.Good
	}
	switch {
	case fate == draft.Goes:
		return "goes too", &st.Warn
	case fate == draft.Loses:
		return "loses ref", &st.Accent
	case r.Proposal == draft.ProposeClear:
		return "clear?", &st.Accent
	case r.Proposal == draft.ProposeProtect:
		return "protect?", &st.Dim
	}
	return "", &st.Text
}

// about is what a row has no column for.
func (s *Screen) about(r row) string {
	text := r.name
	switch why := s.why(r); {
	case why != "":
		text += ": it goes too, " + why
	case !s.open(r):
	case r.Proposal == draft.ProposeClear:
		text += ": clear? " + r.Why
	case r.Proposal == draft.ProposeProtect:
		text += ": protect? " + r.Why
	}
	if !r.Relation.Rights.Delete {
		text += "; this role may not DELETE from it"
	}
	return text
}

// why is why a row's table goes without being ticked; empty where it does not, or
// that is still being worked out.
func (s *Screen) why(r row) string {
	if s.worked.draft == nil || !s.settled() {
		return ""
	}
	return s.worked.draft.Why[r.Relation.OID]
}

// listWord is how the list is sorted, and what part of it is in sight.
func (s *Screen) listWord() string {
	word := s.sort.String()
	if s.filter.Value() != "" {
		word += ", " + look.Count(int64(len(s.shown))) + " with " + look.Sanitize(s.filter.Value())
	}
	if len(s.shown) > 0 {
		word += ", " + look.Count(int64(s.cursor+1)) + "/" + look.Count(int64(len(s.shown)))
	}
	return word
}
