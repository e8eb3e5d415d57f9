package pane

import (
	"time"

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

// phaseLeft is how long a running phase's deletes still take: at their pace, and
// as the rehearsal had it. The further they are, the more their own pace counts;
// once they take longer than the rehearsal has it, that alone does.
func (p Pane) phaseLeft(ph *phases.PhaseState) (left time.Duration, ok bool) {
	if ph.Status != phases.PhaseRunning || !ph.Plan.Writes() {
		return 0, false
	}
	sum := p.totals(ph)
	paced := time.Duration(-1)
	if sum.known && sum.expected > 0 {
		paced = p.totalPace(ph, sum).left
	}
	began := ph.StartedAt
	if !ph.LockedAt.IsZero() { // what the rehearsal waited for its locks is not in its time
		began = ph.LockedAt
	}
	rehearsed := p.rehearsedWhole(ph, sum) - max(0, p.Now.Sub(began))
	switch {
	case rehearsed <= 0:
		return paced, paced >= 0
	case paced < 0:
		return rehearsed, true
	}
	return time.Duration(sum.share*float64(paced) + (1-sum.share)*float64(rehearsed)), true
}

// rehearsedWhole is how long all of a phase takes if its rows take what they took
// in the rehearsal; 0 where nobody knows.
func (p Pane) rehearsedWhole(ph *phases.PhaseState, sum sums) time.Duration {
	was := p.State.Opened.Rehearsed.Phase(ph.Plan.ID)
	if was.Time() <= 0 {
		return 0
	}
	var rows int64
	for _, t := range was.Tables {
		rows += t.Deleted
	}
	if rows <= 0 || !sum.known || sum.expected <= 0 {
		return was.Worked
	}
	return time.Duration(float64(was.Worked) * float64(sum.expected) / float64(rows))
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
