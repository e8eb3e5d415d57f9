package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tminus/phases"
)

const (
	nameWidth   = 36
	columnWidth = 11
)

func (t *textWriter) phase(i int) {
	p := &t.r.Phases[i]
	// A runbook may number its phases itself.
	name := strings.TrimPrefix(p.Title, fmt.Sprintf("%d. ", i+1))
	title := fmt.Sprintf("PHASE %d OF %d: %s", i+1, len(t.r.Phases), name)
	if p.PointOfNoReturn {
		title += " (POINT OF NO RETURN)"
	}
	t.section(title)
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
		t.group(*p.Confirmed)
	}
	t.tables(p)
	t.verified(p)
	t.capsule(p)
	t.maintenance(p)
	if len(p.Issues) == 0 {
		t.pair("Issues", "none")
		return
	}
	t.line("Issues:")
	for _, l := range p.Issues {
		t.eventLine(l)
	}
}

func (t *textWriter) price(p *Phase) {
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

func (t *textWriter) maintenance(p *Phase) {
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
	if p.Reason != "" {
		word += ": " + p.Reason
	}
	if p.Outcome == phases.PhaseIsCommitted || p.Outcome == phases.PhaseIsRolledBack {
		word += byWhom(p.By)
	}
	return word
}

func (t *textWriter) tables(p *Phase) {
	if len(p.Tables) == 0 {
		return
	}
	t.line("")
	if !p.writes {
		t.columns("table", "rows")
		for _, row := range p.Tables {
			t.columns(row.Name, number(row.Remaining))
		}
		if n := t.r.BaselineToDelete; n != nil && p.takesBaseline(t.r) {
			t.columns("to be deleted", phases.Digits(*n))
		}
		t.line("")
		return
	}
	last := "left"
	if p.takenBack() {
		last = "undone"
	}
	t.columns("table", "expected", "deleted", "cascaded", last)
	var sum Table
	for _, row := range p.Tables {
		t.tableRow(p, row)
		sum.Deleted, sum.Cascaded, sum.Undone = sum.Deleted+row.Deleted, sum.Cascaded+row.Cascaded, sum.Undone+row.Undone
	}
	end := ""
	if p.takenBack() {
		end = phases.Digits(sum.Undone)
	}
	t.columns("total", "", phases.Digits(sum.Deleted), phases.Digits(sum.Cascaded), end)
	if p.Outcome == phases.PhaseInDoubt || p.Outcome == phases.PhaseUnknown || p.Outcome == phases.PhaseCommitting {
		t.line("This is what its transaction had done: whether it lasts is not known.")
	}
	t.changes(p)
	t.line("")
}

// takenBack tells that the database does not hold what the phase had done.
func (p *Phase) takenBack() bool {
	return p.Outcome == phases.PhaseIsRolledBack || p.Outcome == phases.PhaseIsUndone
}

func (t *textWriter) tableRow(p *Phase, row Table) {
	const under = "    "
	if row.Role == string(phases.RoleSQL) {
		t.hang("", row.Name)
		text := phases.Statement{Command: row.Command, Rows: row.Rows}.String()
		switch {
		case row.Command == "" && row.Rows == 0:
			return // not run, or of an old journal
		case p.takenBack():
			text += ", undone"
		}
		t.hang(under, text)
		return
	}
	end := number(row.Remaining)
	if p.takenBack() {
		end = phases.Digits(row.Undone)
	}
	t.columns(row.Name, number(row.Expected), phases.Digits(row.Deleted), phases.Digits(row.Cascaded), end)
	if side := (phases.Effect{Updated: row.Updated, Inserted: row.Inserted}); side != (phases.Effect{}) {
		t.hang(under, side.String())
	}
}

// changes are what the phase did beside rows.
func (t *textWriter) changes(p *Phase) {
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

// columns writes a name and right-aligned cells. A name that is too long gets
// a line of its own: it is never cut.
func (t *textWriter) columns(name string, cells ...string) {
	var row strings.Builder
	for _, c := range cells {
		row.WriteString(padLeft(c, columnWidth))
	}
	if utf8.RuneCountInString(name) > nameWidth {
		t.line(name)
		name = ""
	}
	t.line(pad(name, nameWidth) + row.String())
}

func (t *textWriter) verified(p *Phase) {
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
