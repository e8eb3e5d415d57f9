package report

import (
	"fmt"
	"strings"

	"tminus/phases"
)

func (t *layout) phases() {
	for i := range t.r.Phases {
		t.phase(i)
	}
}

func (t *layout) phase(i int) {
	p := &t.r.Phases[i]
	t.section(fmt.Sprintf("Phase %d of %d", i+1, len(t.r.Phases)), t.r.phaseName(i)+noReturn(p))
	t.pair("Status", p.statusText())
	if p.StartedAt == nil {
		return
	}
	t.pair("Start time", t.stamp(p.StartedAt))
	t.pair("End time", t.stamp(p.EndedAt))
	t.pair("Duration", fmt.Sprintf("%s, planned %s", span(p.Seconds), span(p.PlannedSeconds)))
	t.rehearsed(p)
	t.price(p)
	if p.Confirmed != nil {
		t.line("")
		t.group(t, *p.Confirmed)
	}
	t.tables(p)
	t.verified(p)
	t.capsule(p)
	t.maintenance(p)
	if len(p.Issues) == 0 {
		t.pair("Issues", "none")
		return
	}
	t.events(t, "Issues:", p.Issues)
}

// phaseName is a phase's title. A runbook may number its phases itself.
func (r *Report) phaseName(i int) string {
	return strings.TrimPrefix(r.Phases[i].Title, fmt.Sprintf("%d. ", i+1))
}

func noReturn(p *Phase) string {
	if p.PointOfNoReturn {
		return " (POINT OF NO RETURN)"
	}
	return ""
}

func (t *layout) price(p *Phase) {
	if p.Price == nil {
		return
	}
	t.pair("Reckoned", p.Price.words)
	took := "not ready"
	if p.Price.WorkedSeconds != nil {
		took = span(*p.Price.WorkedSeconds) + " of work"
	}
	if p.Price.WrittenWAL != nil {
		took += ", " + phases.Bytes(*p.Price.WrittenWAL) + " of WAL by the whole server"
	}
	t.pair("Taken", took)
}

func (t *layout) maintenance(p *Phase) {
	for _, m := range p.Maintenance {
		what := m.What + ": under way"
		switch {
		case m.Done:
			what = m.What + ": done in " + span(m.Seconds)
		case m.Reason != "":
			what = m.What + ": NOT DONE: " + m.Reason + byWhom(m.By)
		}
		t.pair("After COMMIT", what)
	}
}

func (p *Phase) statusText() string {
	word := map[phases.PhaseStatus]string{
		phases.PhaseIsCommitted: "SUCCESS: COMMITTED", phases.PhaseIsPassed: "SUCCESS: all verifications passed",
		phases.PhaseIsRolledBack: "FAILED: ROLLED BACK", phases.PhaseIsFailed: "FAILED",
		phases.PhaseIsUndone: "FAILED: UNDONE: the database does not hold what it committed",
		phases.PhaseUnknown:  "OUTCOME UNKNOWN: a human must look at the database", phases.PhaseInDoubt: "COMMIT IN DOUBT",
		phases.PhasePending: "not started",
	}[p.Outcome]
	if word == "" {
		word = "under way: " + string(p.Outcome)
	}
	if p.Attempts > 1 {
		word += fmt.Sprintf(", attempt %d", p.Attempts)
	}
	if p.Settled {
		word += ", known afterwards: COMMIT's own answer was lost"
	}
	if len(p.Warned) > 0 {
		word += "; " + phases.WarnedWords(p.Warned)
	}
	if p.Reason != "" {
		word += ": " + p.Reason
	}
	if p.Outcome == phases.PhaseIsCommitted || p.Outcome == phases.PhaseIsRolledBack {
		word += byWhom(p.By)
	}
	return word
}

func (t *layout) tables(p *Phase) {
	if len(p.Tables) == 0 {
		return
	}
	t.line("")
	if !p.writes {
		t.counts(p)
		t.line("")
		return
	}
	last := "left"
	if p.takenBack() {
		last = "undone"
	}
	g := grid{caption: "What the phase's transaction did to each table", head: []string{"table", "expected", "deleted", "cascaded", last}}
	var sum Table
	for _, row := range p.Tables {
		g.table(p, row)
		sum.Deleted, sum.Cascaded, sum.Undone = sum.Deleted+row.Deleted, sum.Cascaded+row.Cascaded, sum.Undone+row.Undone
	}
	end := ""
	if p.takenBack() {
		end = phases.Digits(sum.Undone)
	}
	g.foot = []string{"total", "", phases.Digits(sum.Deleted), phases.Digits(sum.Cascaded), end}
	t.grid(g)
	if p.Outcome == phases.PhaseInDoubt || p.Outcome == phases.PhaseUnknown || p.Outcome == phases.PhaseCommitting {
		t.line("This is what its transaction had done: whether it lasts is not known.")
	}
	t.changes(p)
	t.line("")
}

// counts are those of a phase that only reads.
func (t *layout) counts(p *Phase) {
	g := grid{caption: "Rows as the phase counted them", head: []string{"table", "rows"}}
	for _, row := range p.Tables {
		g.add(row.Name, number(row.Remaining))
	}
	if n := t.r.BaselineToDelete; n != nil && p.takesBaseline(t.r) {
		g.foot = []string{"to be deleted", phases.Digits(*n)}
	}
	t.grid(g)
}

// takenBack tells that the database does not hold what the phase had done.
func (p *Phase) takenBack() bool {
	return p.Outcome == phases.PhaseIsRolledBack || p.Outcome == phases.PhaseIsUndone
}

// table is one row: a table, or a statement.
func (g *grid) table(p *Phase, row Table) {
	if row.Role == string(phases.RoleSQL) {
		said := g.add(row.Name)
		if row.Command == "" && row.Rows == 0 {
			return // not run, or of an old journal
		}
		said.note = phases.Statement{Command: row.Command, Rows: row.Rows}.String()
		if p.takenBack() {
			said.note += ", undone"
		}
		return
	}
	end := number(row.Remaining)
	if p.takenBack() {
		end = phases.Digits(row.Undone)
	}
	out := g.add(row.Name, number(row.Expected), phases.Digits(row.Deleted), phases.Digits(row.Cascaded), end)
	if side := (phases.Effect{Updated: row.Updated, Inserted: row.Inserted}); side != (phases.Effect{}) {
		out.note = side.String()
	}
}

// changes are what the phase did beside rows.
func (t *layout) changes(p *Phase) {
	if len(p.Changes) == 0 {
		return
	}
	head := "Beside rows:"
	if p.takenBack() {
		head = "Beside rows, undone too:"
	}
	t.line(head)
	for _, c := range p.Changes {
		t.hang("    ", c.Text)
	}
}

// takesBaseline tells the phase under which the sum stands: the first.
func (p *Phase) takesBaseline(r *Report) bool { return p == &r.Phases[0] }

func (t *layout) verified(p *Phase) {
	if len(p.Verified) == 0 {
		return
	}
	holds := 0
	for _, v := range p.Verified {
		if v.Pass {
			holds++
		}
	}
	label, hold := "Verified", "hold"
	switch {
	case p.Outcome == phases.PhaseIsRolledBack:
		label, hold = "Before ROLLBACK", "held"
	case p.Outcome == phases.PhaseIsUndone:
		label, hold = "Before COMMIT", "held then"
	case p.writes:
		label = "Before COMMIT"
	}
	t.pair(label, fmt.Sprintf("%d of %d verifications %s", holds, len(p.Verified), hold))
	for _, v := range p.Verified {
		if v.Pass && p.writes && !p.PointOfNoReturn {
			continue
		}
		mark := yesNo(v.Pass)
		if v.Unknown != "" {
			mark = "?"
		}
		t.hang("  "+pad(mark, 4), v.text())
	}
}

func (v Check) text() string {
	return phases.Verification{
		Kind: phases.VerificationKind(v.Kind), Name: v.Name, Want: v.Want, Got: v.Got, Pass: v.Pass, Unknown: v.Unknown, Detail: v.Detail,
	}.String()
}

// number is a count, and "-" for one that was not made.
func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return phases.Digits(*n)
}
