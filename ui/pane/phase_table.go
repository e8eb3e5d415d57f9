package pane

import (
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// tableLines are a writing phase's tables: those that its steps work on in
// their order, beneath them what foreign keys and triggers reached, then what
// is looked at only. running is the line of the step under way, or -1.
func (p Pane) tableLines(ph *phases.PhaseState) (lines []look.Line, running int) {
	cols := []look.Column{
		{Head: "  table", Flex: 18},
		{Head: "role", Rank: 10},
		{Head: "expected", Right: true, Rank: 3},
		{Head: deletedHead(ph), Right: true},
		{Head: "cascaded", Right: true, Rank: 4},
		{Head: "left", Right: true, Rank: 1},
		{Head: "done", Rank: 2},
		{Head: "pace", Rank: 6},
		{Head: "rows/s", Right: true, Rank: 5},
		{Head: "time", Right: true, Rank: 8},
		{Head: "ETA", Right: true, Rank: 7},
	}
	running = -1
	var rows []look.GridRow
	add := func(title string, want func(phases.TableRole) bool) {
		first := true
		for i := range ph.Tables {
			t := &ph.Tables[i]
			if !want(t.Role) {
				continue
			}
			if first && title != "" {
				head := look.Row(&p.Styles.Dim, "  "+title)
				rows = append(rows, look.GridRow{Whole: &head})
			}
			first = false
			if t.Step >= 0 && t.Step == ph.Step {
				running = len(rows) + 1
			}
			rows = append(rows, p.tableRow(ph, t))
		}
	}
	if said := tableCaveat(ph); said != "" {
		l := look.Row(&p.Styles.Warn, "  "+said)
		rows = append(rows, look.GridRow{Whole: &l})
	}
	add("", func(r phases.TableRole) bool { return r == phases.RoleDelete || r == phases.RoleSQL })
	add("changed by its SQL", func(r phases.TableRole) bool { return r == phases.RoleTouch })
	add("reached by foreign keys and triggers", func(r phases.TableRole) bool { return r == phases.RoleCascade })
	rows = append(rows, p.totalRow(ph))
	for _, role := range []phases.TableRole{phases.RoleZero, phases.RoleFilled, phases.RoleCount, phases.RoleProtected} {
		add(roleWord(role), func(r phases.TableRole) bool { return r == role })
	}
	return look.Grid(cols, rows, p.Width, &p.Styles.Dim), running
}

// tableCaveat says why a phase's figures are not what is in the database.
func tableCaveat(ph *phases.PhaseState) string {
	switch ph.Status {
	case phases.PhaseIsRolledBack:
		return "what its transaction had done: all of it was taken back"
	case phases.PhaseIsUndone:
		return "what it had committed; now each table has to be counted, see above"
	case phases.PhaseUnknown, phases.PhaseInDoubt:
		return "what its transaction had done: whether it lasts is not known"
	default:
		return ""
	}
}

// deletedHead is what a phase's deleted rows are, now that its end is known.
func deletedHead(ph *phases.PhaseState) string {
	switch ph.Status {
	case phases.PhaseIsRolledBack:
		return "taken back"
	case phases.PhaseIsUndone:
		return "deleted then"
	}
	return "deleted"
}

// takenBack reports whether a phase's figures are of what was done, and was or may have
// been taken back.
func takenBack(ph *phases.PhaseState) bool {
	return ph.Status == phases.PhaseIsRolledBack || ph.Status == phases.PhaseIsUndone
}

// doubtful reports whether nobody knows if the database holds it.
func doubtful(ph *phases.PhaseState) bool {
	return ph.Status.MustLook() || ph.Status == phases.PhaseInDoubt
}

// shownEffect is what a table's figures are about: what was done to it, or what
// was and is not any more.
func shownEffect(ph *phases.PhaseState, t *phases.TableState) phases.Effect {
	if takenBack(ph) {
		return t.Undone
	}
	return t.Effect()
}

// tableRow is one table's line, or one free statement's.
func (p Pane) tableRow(ph *phases.PhaseState, t *phases.TableState) look.GridRow {
	st := p.Styles
	mark, style := p.tableMark(ph, t)
	did := shownEffect(ph, t)
	text := p.faint(t.StartedAt.IsZero() && t.Left < 0)
	pc := p.tablePace(t, !ph.EndedAt.IsZero())
	deleted := ""
	switch {
	case t.Role == phases.RoleSQL:
		deleted, pc.rate = statementField(t), 0
	case t.Role == phases.RoleDelete:
		deleted = look.Count(did.Deleted)
	case did.Deleted > 0:
		deleted = look.Count(did.Deleted)
	}
	return look.GridRow{Fields: []look.Field{
		{{Text: mark + " ", Style: style}, {Text: look.Sanitize(t.Name), Style: text}},
		look.One(&st.Dim, roleWord(t.Role)), look.One(text, look.Count(t.Expected)), look.One(text, deleted), look.One(text, sideEffects(did)),
		p.leftField(ph, t), p.shareField(ph, t), p.sparkField(ph, t, pc), look.One(&st.Dim, rateText(pc.rate)), look.One(&st.Dim, pc.elapsedText()), look.One(&st.Accent, pc.leftText()),
	}}
}

// statementField is what the server said of a free statement that has run.
func statementField(t *phases.TableState) string {
	if t.Command == "" && t.Rows == 0 {
		return ""
	}
	return look.Sanitize(phases.Statement{Command: t.Command, Rows: t.Rows}.String())
}

// sideEffects are the rows that foreign keys and triggers took, and those that
// were changed or added.
func sideEffects(did phases.Effect) string {
	var parts []string
	if did.Cascaded > 0 {
		parts = append(parts, look.Count(did.Cascaded))
	}
	if did.Updated > 0 {
		parts = append(parts, look.Count(did.Updated)+" updated")
	}
	if did.Inserted > 0 {
		parts = append(parts, look.Count(did.Inserted)+" inserted")
	}
	return strings.Join(parts, ", ")
}

// tableMark says with one sign where a table stands.
func (p Pane) tableMark(ph *phases.PhaseState, t *phases.TableState) (string, *lipgloss.Style) {
	st := p.Styles
	switch {
	case doubtful(ph) && (!t.StartedAt.IsZero() || t.Left >= 0 || t.Undone != (phases.Effect{})):
		return st.Mark.Unknown, &st.Bad
	case takenBack(ph) && (t.Undone != (phases.Effect{}) || t.Rows > 0 || t.Command != ""):
		return st.Mark.Undone, &st.Dim
	}
	for i := range ph.Verified {
		switch v := &ph.Verified[i]; {
		case v.Name != t.Name || holds(v):
		case isUnknown(v):
			return st.Mark.Unknown, &st.Warn
		default:
			return st.Mark.Failed, &st.Bad
		}
	}
	switch {
	case takenBack(ph):
		return st.Mark.Todo, &st.Dim
	case isUnexpected(ph, t):
		return st.Mark.NoReturn, &st.Warn
	case t.Step >= 0 && t.Step == ph.Step && ph.Status == phases.PhaseRunning:
		return st.Mark.Running, &st.Accent
	case !t.EndedAt.IsZero() || (t.Left >= 0 && t.Role != phases.RoleDelete):
		return st.Mark.Done, &st.Good
	case t.Effect() != (phases.Effect{}):
		return st.Mark.Running, &st.Accent
	}
	return st.Mark.Todo, &st.Dim
}

// isUnexpected reports whether a table's deletes are done and far from what was counted.
func isUnexpected(ph *phases.PhaseState, t *phases.TableState) bool {
	return !t.EndedAt.IsZero() && ph.IsUnexpected(t)
}

// leftField is what was counted to be left; before the count, what should be
// left by what is known, with a sign that it is no count.
func (p Pane) leftField(ph *phases.PhaseState, t *phases.TableState) look.Field {
	st := p.Styles
	switch {
	case doubtful(ph): // the count was its transaction's
		return look.One(&st.Dim, look.Count(-1))
	case takenBack(ph) && t.Left >= 0:
		return look.One(&st.Dim, look.Count(t.Left))
	case ph.Status == phases.PhaseIsRolledBack && t.Undone != (phases.Effect{}) && t.Expected >= 0:
		return look.One(&st.Dim, "~"+look.Count(t.Expected))
	case t.Left > 0 && mustBeEmpty(ph.Plan, t.Name):
		return look.One(&st.Bad, look.Count(t.Left))
	case t.Left == 0 && mustBeEmpty(ph.Plan, t.Name):
		return look.One(&st.Good, "0")
	case t.Left >= 0:
		return look.One(&st.Text, look.Count(t.Left))
	case (t.Role == phases.RoleDelete || t.Role == phases.RoleCascade) && t.Expected >= 0 && t.Deleted+t.Cascaded > 0:
		return look.One(&st.Dim, "~"+look.Count(max(0, t.Expected-t.Deleted-t.Cascaded)))
	}
	return look.One(&st.Dim, look.Count(-1))
}

// mustBeEmpty reports whether a phase empties a table, or wants it empty.
func mustBeEmpty(plan *runbook.Phase, table string) bool {
	for _, name := range plan.Zero {
		if name == table {
			return true
		}
	}
	for i := range plan.Steps {
		if plan.Steps[i].Delete == table && plan.Steps[i].Where == "" {
			return true
		}
	}
	return false
}

// shareField is a bar with its share; nothing where nobody can say.
func (p Pane) shareField(ph *phases.PhaseState, t *phases.TableState) look.Field {
	if t.Role != phases.RoleDelete || (t.StartedAt.IsZero() && t.EndedAt.IsZero()) || takenBack(ph) || doubtful(ph) {
		return nil
	}
	if isUnexpected(ph, t) {
		return look.One(&p.Styles.Warn, "not as expected")
	}
	share, ok := t.Share()
	if !ok {
		if t.EndedAt.IsZero() && ph.EndedAt.IsZero() {
			return look.One(&p.Styles.Dim, "no share")
		}
		return nil
	}
	return append(p.barField(share, p.barWidth()), look.Span{Text: " " + look.PadLeft(look.Percent(share), 5), Style: &p.Styles.Text})
}

// barWidth gives bars more room where there is more.
func (p Pane) barWidth() int {
	switch {
	case p.Width >= 160:
		return 24
	case p.Width >= 110:
		return 14
	}
	return 8
}

// sums are a phase's tables added up.
type sums struct {
	did            phases.Effect // of all tables
	expected, left int64         // of those that its steps delete from
	gone           int64         // of expected
	share          float64       // of expected: each table's own share of its rows
	known          bool          // whether every table's expected rows are
	counted        bool          // whether every table's left rows are
	begun          bool
}

func (p Pane) totals(ph *phases.PhaseState) sums {
	out := sums{known: true, counted: true, did: ph.Did()}
	if takenBack(ph) {
		out.did = ph.Undone()
	}
	for i := range ph.Tables {
		t := &ph.Tables[i]
		if t.Role != phases.RoleDelete {
			continue
		}
		out.begun = out.begun || !t.StartedAt.IsZero()
		out.expected += max(0, t.Expected)
		out.known = out.known && t.Expected >= 0
		out.left += max(0, t.Left)
		out.counted = out.counted && t.Left >= 0
		if t.Expected >= 0 {
			out.gone += min(t.Expected, t.Deleted+t.Cascaded)
		}
		if share, ok := t.Share(); ok {
			out.share += share * float64(max(0, t.Expected))
		}
	}
	if out.expected > 0 {
		out.share /= float64(out.expected)
	}
	return out
}

// totalRow adds the phase's tables up.
func (p Pane) totalRow(ph *phases.PhaseState) look.GridRow {
	bold := &p.Styles.Title
	sum := p.totals(ph)
	expected, left := look.Count(-1), look.Count(-1)
	if sum.known {
		expected = look.Count(sum.expected)
	}
	switch {
	case doubtful(ph):
	case sum.counted:
		left = look.Count(sum.left)
	case sum.known && sum.begun:
		left = "~" + look.Count(sum.expected-sum.gone)
	}
	pc := p.totalPace(ph, sum)
	var done look.Field
	if sum.begun && sum.known && sum.expected > 0 && !doubtful(ph) {
		done = append(p.barField(sum.share, p.barWidth()), look.Span{Text: " " + look.PadLeft(look.Percent(sum.share), 5), Style: bold})
	}
	return look.GridRow{Fields: []look.Field{
		look.One(bold, "  total"), nil, look.One(bold, expected), look.One(bold, look.Count(sum.did.Deleted)), look.One(bold, sideEffects(phases.Effect{Cascaded: sum.did.Cascaded})), look.One(bold, left),
		done, nil, look.One(bold, rateText(pc.rate)), look.One(bold, pc.elapsedText()), look.One(bold, pc.leftText()),
	}}
}

// totalPace is the pace of all steps so far, and what it means for the rest.
func (p Pane) totalPace(ph *phases.PhaseState, sum sums) pace {
	out := pace{left: -1}
	var from, to time.Time
	for i := range ph.Tables {
		t := &ph.Tables[i]
		if t.StartedAt.IsZero() || t.Step < 0 {
			continue
		}
		if from.IsZero() || t.StartedAt.Before(from) {
			from = t.StartedAt
		}
		end := t.EndedAt
		if end.IsZero() {
			end = p.Now
			if !ph.EndedAt.IsZero() {
				end = ph.EndedAt
			}
		}
		if end.After(to) {
			to = end
		}
	}
	if from.IsZero() {
		return out
	}
	out.elapsed = max(0, to.Sub(from))
	if s := out.elapsed.Seconds(); s >= 0.1 {
		out.rate = float64(sum.did.Deleted) / s
		if ph.Status == phases.PhaseRunning && s >= 1 && sum.share > 0 && sum.share < 1 {
			out.left = time.Duration(float64(out.elapsed) * (1 - sum.share) / sum.share)
		}
	}
	return out
}

// hashBeside is the width from which a fingerprint's hash has room in its row.
const hashBeside = 116

// countLines are a read-only phase's tables: what should be there, what is
// there, and the protected tables' fingerprints.
func (p Pane) countLines(ph *phases.PhaseState) (lines []look.Line, running int) {
	st := p.Styles
	prints := map[string]phases.Fingerprint{}
	if b := p.State.Baseline; b != nil {
		for _, f := range b.Protected {
			prints[f.Table] = f
		}
	}
	// Two of them are compared by eye: a hash is shown whole, or not at all.
	beside := p.Width >= hashBeside
	changed := expectedDiffers(ph)
	// In a later phase they say nothing: the run itself has deleted since.
	rehearsed := !changed && p.State.Opened.Rehearsed != nil && p.State.Opened.Rehearsed.Counts != nil
	cols := countColumns(beside, rehearsed)
	running = -1
	rows := make([]look.GridRow, 0, len(ph.Tables))
	for i := range ph.Tables {
		t := &ph.Tables[i]
		mark, style := p.tableMark(ph, t)
		text := p.faint(t.Left < 0)
		if t.Left >= 0 {
			running = len(rows) + 1
		}
		before := ""
		if changed {
			before = look.Count(t.Expected)
		}
		fields := []look.Field{
			{{Text: mark + " ", Style: style}, {Text: look.Sanitize(t.Name), Style: text}},
			look.One(&st.Dim, roleWord(t.Role)), look.One(&st.Dim, before), p.leftField(ph, t),
		}
		if rehearsed {
			fields = append(fields, p.rehearsedFields(t)...)
		}
		hash := prints[t.Name].Hash
		if beside {
			fields = append(fields, look.One(&st.Dim, hash))
		}
		rows = append(rows, look.GridRow{Fields: fields})
		if hash != "" && !beside {
			for _, l := range p.paragraph("    baseline ", &st.Dim, hash) {
				rows = append(rows, look.GridRow{Whole: &l})
			}
		}
	}
	if !ph.EndedAt.IsZero() {
		running = -1
	}
	return look.Grid(cols, rows, p.Width, &st.Dim), running
}

// expectedDiffers reports whether a read-only phase's counts say anything
// beside what was expected: in the phase that takes the baseline they don't.
func expectedDiffers(ph *phases.PhaseState) bool {
	for i := range ph.Tables {
		if t := &ph.Tables[i]; t.Expected >= 0 && t.Left != t.Expected {
			return true
		}
	}
	return false
}
