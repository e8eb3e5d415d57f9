package pane

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/ui/look"
)

// urgent are the boxes that stand above a phase's table and never scroll away:
// what it waits for, what a human must decide, and what went wrong.
func (p Pane) urgent(ph *phases.PhaseState) []look.Line {
	switch ph.Status {
	case phases.PhaseLocking:
		return p.lockBox(ph)
	case phases.PhaseHolding:
		return p.holdBox(ph)
	case phases.PhaseCommitting:
		return p.committingLines(ph)
	case phases.PhaseInDoubt:
		return p.doubtBox(ph)
	case phases.PhaseUnknown:
		return p.unknownBox(ph)
	case phases.PhaseIsUndone:
		return p.undoneBox(ph)
	case phases.PhaseIsRolledBack, phases.PhaseIsFailed:
		return p.withoutEffectBox(ph)
	default:
		return nil
	}
}

// holdBox is the decision on a verified phase, and how long there is for it.
func (p Pane) holdBox(ph *phases.PhaseState) []look.Line {
	st := p.Styles
	in := p.narrower()
	left := ph.HoldUntil.Sub(p.Now)
	style := &st.Warn
	if left < 30*time.Second || ph.Plan.PointOfNoReturn {
		style = &st.Bad
	}
	lines := in.paragraph("", &st.Text, SumVerified(ph).String()+"; "+ph.DidWords()+".")
	for _, detail := range UnexpectedRows(p.State, ph) {
		lines = append(lines, in.paragraph(st.Mark.NoReturn+" not as expected: ", &st.Warn, detail)...)
	}
	lines = append(lines, in.capsuleLine(ph)...)
	if ph.Plan.PointOfNoReturn {
		lines = append(lines, in.paragraph(st.Mark.NoReturn+" ", &st.Bad, "This COMMIT is the point of no return: after it "+p.State.AfterCommit(ph)+".")...)
	} else if p.tellsAfter(ph) {
		lines = append(lines, in.paragraph("", p.keepStyle(ph), "After this COMMIT "+p.State.AfterCommit(ph)+".")...)
	}
	lines = append(lines, in.callSentence()...)
	lines = append(lines, in.hint("", KeyCommit, "COMMIT")...)
	lines = append(lines, in.hint("", KeyRollback, "ROLLBACK: nothing is lost")...)
	return p.box(style, st.Mark.Waiting+" HOLD: COMMIT or ROLLBACK, rolls back by itself in "+look.Left(left), lines)
}

// rowsOf is "1 row", "2 rows".
func rowsOf(n int64) string { return look.Plural(int(n), "row", "rows") }

// UnexpectedRows are the differences between the rows that a phase was expected
// to meet and those that it met, as its transaction found them, and counts far
// below the rehearsal's where it took the baseline.
func UnexpectedRows(s *phases.State, ph *phases.PhaseState) []string {
	var out []string
	for _, c := range s.Conditions {
		if (c.Condition == phases.ConditionRows || c.Condition == phases.ConditionCounts) && c.Phase == ph.Plan.ID && !c.At.Before(ph.StartedAt) {
			out = append(out, c.Detail)
		}
	}
	return out
}

// VerifiedSum is how a phase's verifications came out.
type VerifiedSum struct{ Passed, failed, unknown, Total int }

// SumVerified counts what was verified of a phase.
func SumVerified(ph *phases.PhaseState) VerifiedSum {
	sum := VerifiedSum{Total: len(ph.Verified)}
	for i := range ph.Verified {
		switch v := &ph.Verified[i]; {
		case v.Unknown != "":
			sum.unknown++
		case v.Pass:
			sum.Passed++
		default:
			sum.failed++
		}
	}
	return sum
}

// String is how many passed, and what of the rest failed or is unknown: that is no failure.
func (v VerifiedSum) String() string {
	text := fmt.Sprintf("%d of %s passed", v.Passed, look.Plural(v.Total, "verification", "verifications"))
	switch {
	case v.failed == 1:
		text += ", 1 FAILS"
	case v.failed > 1:
		text += fmt.Sprintf(", %d FAIL", v.failed)
	}
	if v.unknown > 0 {
		text += fmt.Sprintf(", %d unknown", v.unknown)
	}
	return text
}

// lockBox says what the phase waits for, and who is in its way.
func (p Pane) lockBox(ph *phases.PhaseState) []look.Line {
	st := p.Styles
	w := ph.Lock
	if w == nil {
		return nil
	}
	in := p.narrower()
	waited := w.Waited
	if ph.LockedAt.IsZero() { // between two reports the wait goes on
		waited = max(waited, p.Now.Sub(ph.StartedAt))
	}
	title := fmt.Sprintf("%s waiting for lock on %s, %s, attempt %d", st.Mark.Waiting, valueOr(w.Table, "a table"), look.Seconds(waited), w.Attempt)
	if !WaitsForLocks(ph) {
		title = fmt.Sprintf("%s a statement waits for another session, %s", st.Mark.Waiting, look.Seconds(waited))
	}
	var lines []look.Line
	if !w.Until.IsZero() {
		lines = append(lines, in.paragraph("", &st.Warn, "Rolled back in "+look.Left(w.Until.Sub(p.Now))+" unless it gets the lock.")...)
		if p.Height >= roomy {
			lines = append(lines, in.lockLine(waited, w.Until))
		}
	}
	if len(w.Blockers) == 0 {
		lines = append(lines, look.Row(&st.Dim, "Nobody is seen to block it: it tries again by itself."))
	}
	for _, b := range w.Blockers {
		lines = append(lines, p.blockerLines(in, b)...)
	}
	if slices.ContainsFunc(w.Blockers, func(b phases.Blocker) bool { return b.Endable() == nil }) {
		lines = append(lines, in.hint("", KeySession, "cancel or end the session that blocks")...)
	}
	lines = append(lines, in.hint("", KeyRollback, "ROLLBACK: stop waiting")...)
	return p.box(&st.Warn, title, lines)
}

func (p Pane) blockerLines(in Pane, b phases.Blocker) []look.Line {
	st := p.Styles
	state := b.State
	if state == "" {
		state = "state not visible to this role"
	}
	who := fmt.Sprintf("blocked by session %d (%s", b.PID, valueOr(b.User, "user not visible"))
	if b.Application != "" {
		who += ", " + b.Application
	}
	who += ", " + state
	if !b.Since.IsZero() {
		who += ", open " + look.Seconds(p.Now.Sub(b.Since))
	}
	out := in.paragraph("", &st.Text, who+")")
	if q := strings.Join(strings.Fields(look.Sanitize(b.Query)), " "); q != "" {
		out = append(out, look.Row(&st.Dim, "  "+q))
	}
	return out
}

func (p Pane) committingLines(ph *phases.PhaseState) []look.Line {
	st := p.Styles
	text := "COMMIT has been sent"
	if ph.By != "" {
		text += " by " + ph.By
	}
	return p.paragraph(st.Mark.Running+" ", &st.Accent, text+"; waiting for the server's answer. It can no longer be taken back.")
}

// doubtBox is a COMMIT whose answer was lost, and what is done about it.
func (p Pane) doubtBox(ph *phases.PhaseState) []look.Line {
	st := p.Styles
	in := p.narrower()
	lines := in.paragraph("", &st.Text, "COMMIT was sent and no definite answer came. It is not sent again; the ledger says whether it happened.")
	// The newest is what counts; older looks give way first.
	doubt := ph.Doubt
	if n := max(1, p.Height/4); len(doubt) > n {
		doubt = doubt[len(doubt)-n:]
	}
	for i, d := range doubt {
		style, mark := &st.Dim, st.Mark.Todo
		if i == len(doubt)-1 {
			style, mark = &st.Accent, st.Mark.Running
		}
		lines = append(lines, in.paragraph(mark+" ", style, d)...)
	}
	lines = append(lines, look.Row(&st.Dim, fmt.Sprintf("transaction %s, session %d", valueOr(ph.Tx.Xid, "unknown"), ph.Tx.PID)))
	return p.box(&st.Bad, st.Mark.Unknown+" COMMIT IN DOUBT: its outcome is being established", lines)
}

// noLedger stands for the question after the ledger's row where there is none.
const noLedger = "The run keeps no ledger: only the counts tell."

// unknownBox says what a human has to look at where the program must not guess.
func (p Pane) unknownBox(ph *phases.PhaseState) []look.Line {
	st := p.Styles
	in := p.narrower()
	lines := in.paragraph("", &st.Text, "Why: "+valueOr(ph.Reason, "not recorded"))
	if n := len(ph.Doubt); n > 0 {
		lines = append(lines, in.paragraph("", &st.Dim, "Last seen: "+ph.Doubt[n-1])...)
	}
	lines = append(lines, in.serverQuestion()...)
	ledger := fmt.Sprintf("Does tminus.ledger hold a row for run %s, phase %q?", p.State.Opened.RunID, ph.Plan.ID)
	if i := ph.Intent; i != nil && i.Ledger {
		ledger += " With nonce " + i.Nonce + " it was committed."
	} else {
		ledger = noLedger
	}
	lines = append(lines, in.paragraph("2. ", &st.Text, ledger)...)
	if names := deleteNames(ph); names != "" {
		lines = append(lines, in.paragraph("3. ", &st.Text, "Count "+names+": no rows left means committed, the expected rows mean that it was not.")...)
	}
	if p.State.Outcome == "" && !p.ReadOnly {
		lines = append(lines, look.Row(nil, "Then: ").Add(&st.Key, KeyLeave).Add(&st.Text, " leaves, and ").Add(&st.Accent, "tminus resume").Add(&st.Text, " looks at the database again."))
		lines = append(lines, look.Row(nil, "Or ").Add(&st.Key, KeyAbort).Add(&st.Text, " aborts; what is committed stays."))
	}
	return p.box(&st.Bad, st.Mark.Unknown+" OUTCOME UNKNOWN: the program does not guess", lines)
}

// serverQuestion is the first thing to look at where the database does not show
// what the run left in it.
func (p Pane) serverQuestion() []look.Line {
	look := "Is this the server of the run? It was " + p.State.Target.Database + " on " + p.State.Target.Host
	if id := p.State.Opened.Target.SystemIdentifier; id != "" {
		look += ", system identifier " + id
	}
	out := p.paragraph("", &p.Styles.Title, "What a human has to look at, before anything else is done:")
	return append(out, p.paragraph("1. ", &p.Styles.Text, look+".")...)
}

// undoneBox says of a committed phase that the database does not hold it any
// more, what that can mean, and what leads on.
func (p Pane) undoneBox(ph *phases.PhaseState) []look.Line {
	st := p.Styles
	in := p.narrower()
	names := look.NameOr(deleteNames(ph), "its tables")
	row := fmt.Sprintf("row for run %s, phase %q", p.State.Opened.RunID, ph.Plan.ID)
	lines := in.paragraph("Why: ", &st.Text, look.NameOr(ph.Reason, "not recorded"))
	lines = append(lines, in.serverQuestion()...)
	if ph.Ledger {
		lines = append(lines, in.paragraph("2. ", &st.Text, "tminus.ledger holds the "+row+": it was committed here, and rows came back since. Who put them there, and may the run go on with them?")...)
		lines = append(lines, in.paragraph("3. ", &st.Text, "Count "+names+", and look at what is in them.")...)
		if p.State.Outcome == "" {
			lines = append(lines, in.hint("", KeyAccept, "accept it as committed, with the tables as they are")...)
		}
	} else {
		ledger, counts := noLedger, ", and look at what is in them."
		if ph.Intent != nil && ph.Intent.Ledger {
			ledger = "tminus.ledger does not hold the " + row + ": this is a copy from before its COMMIT, or a restore took it back. Was there one?"
			counts = ": their rows are those from before the run."
		}
		lines = append(lines, in.paragraph("2. ", &st.Text, ledger)...)
		lines = append(lines, in.paragraph("3. ", &st.Text, "Count "+names+counts)...)
		if p.State.Outcome == "" {
			lines = append(lines, in.paragraph("", &st.Text, "The run does not go on here: leave it, and resume it where it belongs, or abort it.")...)
		}
	}
	if p.State.Outcome == "" {
		lines = append(lines, in.paragraph("", &st.Dim, "Resuming looks at the database again.")...)
	}
	title := " NO LONGER HELD: committed, but rows are back"
	if !ph.Ledger {
		title += " or the server is another"
	}
	return p.box(&st.Bad, st.Mark.Failed+title, lines)
}

func deleteNames(ph *phases.PhaseState) string {
	names := ph.Plan.Deletes()
	if len(names) > 4 {
		return strings.Join(names[:4], ", ") + fmt.Sprintf(" and %d more", len(names)-4)
	}
	return strings.Join(names, ", ")
}

// withoutEffectBox says why a phase had no effect.
func (p Pane) withoutEffectBox(ph *phases.PhaseState) []look.Line {
	st := p.Styles
	in := p.narrower()
	title := st.Mark.Undone + " ROLLED BACK at " + p.at(ph.EndedAt) + ": nothing of it is in the database"
	if ph.Status == phases.PhaseIsFailed {
		title = st.Mark.Failed + " FAILED at " + p.at(ph.EndedAt)
	}
	by := "by tminus"
	if ph.By != "" {
		by = "by " + ph.By
	}
	reason := valueOr(ph.Reason, "not recorded")
	if ph.Status == phases.PhaseIsRolledBack {
		reason += " (" + by + ")"
	}
	if ph.Settled {
		reason += ". Known from the ledger, after the answer to COMMIT was lost."
	}
	lines := in.paragraph("Why: ", &st.Text, reason)
	if p.State.Outcome == "" {
		lines = append(lines, in.hint("", KeyStart, "start it again, when nothing holds it")...)
	}
	return p.box(&st.Bad, title, lines)
}
