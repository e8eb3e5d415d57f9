package pane

import (
	"tminus/phases"
	"tminus/ui/look"
)

// rehearsed is how long a phase took in the rehearsal, and its undo; nothing where
// nobody knows.
func (p Pane) rehearsed(ph *phases.PhaseState) string {
	was := p.State.Opened.Rehearsed.Phase(ph.Plan.ID)
	if was.Time() <= 0 {
		return ""
	}
	text := "rehearsed " + look.Duration(was.Worked)
	if was.Undo > 0 {
		text += " (undo " + look.Duration(was.Undo) + ")"
	}
	return text
}

// countColumns are those of a phase that counts, with the fingerprints beside the
// counts or beneath them, and with or without the rehearsal's counts.
func countColumns(beside, rehearsed bool) []look.Column {
	cols := []look.Column{
		{Head: "  table", Flex: 18},
		{Head: "role", Rank: 2},
		{Head: "expected", Right: true, Rank: 3},
		{Head: "rows", Right: true},
	}
	if rehearsed {
		cols = append(cols, look.Column{Head: "rehearsed", Right: true, Rank: 1}, look.Column{Head: "ratio", Right: true, Rank: 1})
	}
	if beside {
		cols = append(cols, look.Column{Head: "fingerprint at baseline", Rank: 1})
	}
	return cols
}

// rehearsedFields are a table's rows in the rehearsal's baseline, and its own as a
// share of them.
func (p Pane) rehearsedFields(t *phases.TableState) []look.Field {
	st := p.Styles
	c := phases.Comparison{Rehearsed: p.State.Opened.Rehearsed.Rows(t.Name, ""), Rows: t.Left}
	if c.Rehearsed < 0 || c.Rows < 0 {
		return []look.Field{look.One(&st.Dim, look.Count(c.Rehearsed)), nil}
	}
	style := &st.Dim
	switch {
	case c.Low():
		style = &st.Bad
	case c.High():
		style = &st.Warn
	}
	return []look.Field{look.One(&st.Dim, look.Count(c.Rehearsed)), look.One(style, c.Ratio())}
}
