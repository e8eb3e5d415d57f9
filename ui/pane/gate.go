package pane

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/check"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// Gate is the pane's name.
const Gate ID = "gate"

func gatePane() Kind {
	return Kind{ID: Gate, Title: "Go / no-go", content: Pane.gateContent, Edge: Pane.gateEdge}
}

// gateEdge is the decision, or how much is to be done before it.
func (p Pane) gateEdge() string {
	switch p.State.Gate.Decision {
	case phases.Go:
		return "GO"
	case phases.NoGoDecision:
		return "NO-GO"
	}
	holds := p.State.GateHolds(p.Now)
	n := len(phases.Untimed(holds))
	if n == 0 && len(holds) > 0 {
		return p.timeEdge(holds)
	}
	if n == 0 {
		return "nothing open"
	}
	return look.Plural(n, "item", "items") + " open"
}

// gateContent draws the go/no-go decision: what still holds it, what was decided, by
// whom. After the GO it draws what holds the next phase.
func (p Pane) gateContent() content {
	if !p.Ready() {
		return p.empty("The gate appears with the run.")
	}
	s := p.State
	switch {
	case s.Outcome == phases.NoGo:
		return p.noGoLines()
	case s.Gate.Decision != phases.Go:
		return p.gateLines()
	case s.Current() < 0:
		return p.afterGateLines()
	case s.Phases[s.Current()].Status.Open():
		return p.underWayLines(&s.Phases[s.Current()])
	}
	return p.beforePhase(s.Current())
}

// gateLines are the gate before a decision, or closed again after one.
func (p Pane) gateLines() content {
	st, s := p.Styles, p.State
	holds := s.GateHolds(p.Now)
	var out []look.Line
	if s.Gate.Closed != nil {
		out = append(out, look.Row(&st.Bad, st.Mark.Failed+" The gate closed again at "+p.at(s.Gate.At)+". The GO of "+valueOr(s.Gate.Approver, "nobody")+" no longer counts."))
		for _, c := range s.Gate.Closed {
			out = append(out, p.paragraph("    ", &st.Bad, c)...)
		}
		out = append(out, look.Line{})
	}
	out = append(out, p.gateVerdict(holds)...)
	firm := len(out)
	out = append(out, p.scheduleLines()...)
	out = append(out, p.foundLines()...)
	if none := s.NoRehearsal(); none != "" {
		out = append(out, p.paragraph("  ", &st.Warn, look.Initial(none)+".")...)
	}
	if copied := s.OfCopy(); copied != "" {
		out = append(out, p.paragraph("  ", &st.Dim, look.Initial(copied)+".")...)
	}
	if s.Runbook.Gate.Text != "" {
		out = append(out, p.paragraph("  ", &st.Dim, s.Runbook.Gate.Text)...)
	}
	if s.Opened.Undoes == nil { // which has no backup of its own
		out = append(out, p.proofLines()...)
	}
	out = append(out, p.gateUndo()...)
	out = append(out, look.Line{})
	out = append(out, p.groupCounts(s.Runbook.Checklist)...)
	if len(holds) > 0 {
		out = append(out, look.Line{}, look.Row(&st.Title, "What it waits for"))
		out = append(out, p.holdLines(holds)...)
	}
	return content{body: out, firm: firm}
}

// gateVerdict says in one place whether the gate opens, and which key passes it.
func (p Pane) gateVerdict(holds []phases.Hold) []look.Line {
	st, s := p.Styles, p.State
	due := p.Now.Sub(s.Schedule().Gate)
	when := "decision due at " + look.Clock(-s.Runbook.Window.Gate) + ", in " + look.Left(-due)
	style := &st.Dim
	if due > 0 {
		when, style = "decision was due at "+look.Clock(-s.Runbook.Window.Gate)+", "+look.Duration(due)+" late", &st.Warn
	}
	if s.Outcome != "" {
		when = ""
	}
	if l, only := p.timeVerdict(holds); only && s.Outcome == "" {
		return []look.Line{l}
	}
	if len(holds) > 0 {
		return []look.Line{look.Row(&st.Bad, st.Mark.Failed+" NOT OPEN").Add(&st.Text, ": "+heldBy(holds)).End(style, when)}
	}
	out := []look.Line{look.Row(&st.Good, st.Mark.Done+" OPEN").Add(&st.Text, ": nothing holds it, it waits for the decision").End(style, when)}
	if s.Outcome != "" {
		return out
	}
	out = append(out, p.hint("  ", KeyGo, "GO: needs the "+lowerFirst(s.Runbook.Gate.Approve)+"'s name and the database's name, typed")...)
	return append(out, p.hint("  ", KeyNoGo, "NO-GO: needs a reason, and ends the run")...)
}

// foundLines is what the survey found that the decision should know of; nothing
// where it found nothing.
func (p Pane) foundLines() []look.Line {
	n, errs := p.State.Survey.Count(phases.SeverityWarning), p.State.Survey.Count(phases.SeverityError)
	if n+errs == 0 {
		return nil
	}
	st := p.Styles
	text, style := look.Plural(n, "warning", "warnings"), &st.Warn
	switch {
	case errs > 0 && n > 0:
		text, style = look.Plural(errs, "error", "errors")+" and "+text, &st.Bad
	case errs > 0:
		text, style = look.Plural(errs, "error", "errors"), &st.Bad
	}
	return []look.Line{look.Row(style, "  The survey found "+text+": "+Digit(Reach)+" shows them")}
}

// groupCounts is a line a group, with how much of it is done.
func (p Pane) groupCounts(groups []runbook.Group) []look.Line {
	st := p.Styles
	rows := make([]look.GridRow, 0, len(groups))
	for _, g := range groups {
		done, total := p.State.GroupDone(g)
		mark, style := st.Mark.Todo, &st.Text
		switch {
		case p.groupFails(g):
			mark, style = st.Mark.Failed, &st.Bad
		case done == total:
			mark, style = st.Mark.Done, &st.Good
		}
		share := 1.0
		if total > 0 {
			share = float64(done) / float64(total)
		}
		rows = append(rows, look.GridRow{Fields: []look.Field{
			look.One(style, "  "+mark+" "+g.Title), p.barField(share, 10), look.One(style, fmt.Sprintf("%d of %d", done, total)),
		}})
	}
	return look.Grid([]look.Column{{Flex: 12}, {Rank: 1}, {Right: true}}, rows, p.Width, nil)
}

// barField is a share as a bar.
func (p Pane) barField(share float64, n int) look.Field {
	st := p.Styles
	full := int(share * float64(n))
	switch {
	case share >= 1:
		full = n
	case full >= n:
		full = n - 1
	case full <= 0 && share > 0:
		full = min(1, n)
	}
	full = max(0, full)
	return look.Field{
		{Text: strings.Repeat(st.Mark.BarFull, full), Style: &st.BarFull},
		{Text: strings.Repeat(st.Mark.BarEmpty, n-full), Style: &st.BarEmpty},
	}
}

// holdLines are what holds, one beneath the other. Failing checks come first:
// they take longest to put right.
func (p Pane) holdLines(holds []phases.Hold) []look.Line {
	var failing, open, times []look.Line
	for _, h := range holds {
		if h.Off != "" {
			times = append(times, p.paragraph("  "+p.Styles.Mark.Waiting+" ", &p.Styles.Warn, h.Text)...)
		} else if c := p.State.Item(h.Item).Check; h.Item == "" || (c != nil && !c.Pass) {
			failing = append(failing, p.paragraph("  "+p.Styles.Mark.Failed+" ", &p.Styles.Bad, h.Text)...)
		} else {
			open = append(open, p.paragraph("  "+p.Styles.Mark.Todo+" ", &p.Styles.Text, h.Text)...)
		}
	}
	return append(append(failing, open...), times...)
}

func (p Pane) noGoLines() content {
	st, s := p.Styles, p.State
	out := []look.Line{look.Row(&st.Bad, st.Mark.Failed+" NO-GO").Add(&st.Text, " declared by "+valueOr(s.EndedBy, "tminus")+" at "+p.at(s.Gate.At))}
	out = append(out, p.paragraph("  Reason: ", &st.Text, s.Reason)...)
	out = append(out, p.paragraph("  ", &st.Dim, "Nothing was deleted. The run has ended; a new one starts with a checklist of its own.")...)
	firm := len(out)
	return content{body: append(append(out, look.Line{}), p.groupCounts(s.Runbook.Checklist)...), firm: firm}
}

// goLine says who took the decision.
func (p Pane) goLine() look.Line {
	st, g := p.Styles, p.State.Gate
	if g.Assumed {
		return look.Row(&st.Warn, st.Mark.Assumed+" GO assumed").Add(&st.Text, " at "+p.at(g.At)+": unattended, nobody approved")
	}
	return look.Row(&st.Good, st.Mark.Done+" GO").Add(&st.Text, " by "+g.Approver+" at "+p.at(g.At))
}

func (p Pane) afterGateLines() content {
	st := p.Styles
	out := []look.Line{p.goLine(), {}, look.Row(&st.Good, st.Mark.Done+" All phases are done.")}
	firm := len(out)
	out = append(append(out, look.Line{}), p.groupCounts(p.State.Runbook.After)...)
	if p.State.Can(phases.CloseRun{}, p.Now) == nil {
		out = append(append(out, look.Line{}), p.hint("  ", KeyClose, "close the run: everything is done")...)
	}
	return content{body: out, firm: firm}
}

func (p Pane) underWayLines(ph *phases.PhaseState) content {
	mark, word, style := p.statusWord(ph.Status)
	out := []look.Line{p.goLine(), {}, look.Row(style, mark+" "+ph.Plan.Title+": "+word)}
	return content{body: append(out, p.conditionLines()...), firm: len(out)}
}

// conditionLines are the abort conditions that were met.
func (p Pane) conditionLines() []look.Line {
	st := p.Styles
	var out []look.Line
	for _, c := range p.State.Conditions {
		word := "stops the next phase"
		if c.Strength == phases.RollbackStrength {
			word = "rolls back"
		}
		out = append(out, p.paragraph("  "+st.Mark.Failed+" ", &st.Warn, p.at(c.At)+" "+word+": "+c.Detail)...)
	}
	if len(out) > 0 {
		out = append([]look.Line{{}, look.Row(&st.Title, "Abort conditions met")}, out...)
	}
	return out
}

// beforePhase is what holds the next phase: its confirmations one by one, and
// at the point of no return what it means.
func (p Pane) beforePhase(i int) content {
	st, s := p.Styles, p.State
	ph := &s.Phases[i]
	done, total := s.GroupDone(runbook.Group{Items: ph.Plan.Confirm})
	holds := s.PhaseHolds(i, p.Now)
	risk, riskSt := p.riskWord(ph.Plan.Risk)
	out := []look.Line{p.goLine(), {}}
	where := "Before phase"
	if ph.Status.MustLook() { // it has run
		where = "Phase"
	}
	head := look.Row(&st.Title, fmt.Sprintf("%s %d of %d: %s", where, i+1, len(s.Phases), ph.Plan.Title))
	if total > 0 {
		head = head.Add(&st.Text, fmt.Sprintf(" – %s, %d done", look.Plural(total, "confirmation", "confirmations"), done))
	}
	out = append(out, head.End(riskSt, risk))
	if ph.Status == phases.PhaseIsRolledBack || ph.Status == phases.PhaseIsFailed {
		_, word, style := p.statusWord(ph.Status)
		out = append(out, p.paragraph("  ", style, fmt.Sprintf("Attempt %d %s: %s", ph.Attempt, word, ph.Reason))...)
	}
	out = append(out, p.phaseVerdict(ph, holds)...)
	switch {
	case ph.Plan.PointOfNoReturn:
		out = append(out, p.noReturnBox(ph)...)
	case p.tellsAfter(ph):
		out = append(out, p.paragraph("  ", p.keepStyle(ph), "After its COMMIT "+s.AfterCommit(ph)+".")...)
	}
	firm, keep := len(out), 0 // the line of the cursor
	for j := range ph.Plan.Confirm {
		it := &ph.Plan.Confirm[j]
		if it.ID == p.Cursor || (keep == 0 && p.Cursor == "" && !s.ItemDone(*it)) {
			keep = len(out)
		}
		out = append(out, p.confirmLines(it)...)
	}
	for _, n := range ph.Plan.Notes {
		out = append(out, p.paragraph("  - ", &st.Dim, n)...)
	}
	return content{body: append(out, p.conditionLines()...), firm: firm, keep: keep}
}

func (p Pane) confirmLines(it *runbook.Item) []look.Line {
	return p.itemLines(it, section{kind: RowConfirm})
}

// phaseVerdict says whether the phase may start, with which key, or what else holds it.
func (p Pane) phaseVerdict(ph *phases.PhaseState, holds []phases.Hold) []look.Line {
	st, s := p.Styles, p.State
	switch {
	case s.Outcome != "":
		return []look.Line{look.Row(&st.Bad, st.Mark.Failed+" The run has ended: "+s.Outcome.Word()+". This phase does not start.")}
	case ph.Status == phases.PhaseUnknown:
		return p.paragraph(st.Mark.Unknown+" ", &st.Bad, "Its outcome is unknown: "+ph.Reason+"; "+Digit(Phase)+" says what to look at")
	case ph.Status == phases.PhaseIsUndone:
		return p.paragraph(st.Mark.Failed+" ", &st.Bad, "NO LONGER HELD: "+LookFirst(ph.Status)+": "+ph.Reason+"; "+p.heldAgain(ph))
	}
	confirm := map[string]bool{}
	for _, it := range ph.Plan.Confirm {
		confirm[it.ID] = true
	}
	var others []phases.Hold
	for _, h := range holds {
		if h.Item == "" || !confirm[h.Item] {
			others = append(others, h)
		}
	}
	var out []look.Line
	switch {
	case len(holds) == 0:
		out = append(out, look.Row(&st.Good, st.Mark.Done+" READY").Add(&st.Text, ": nothing holds it"))
		text := "start it"
		if ph.Plan.PointOfNoReturn {
			text = "start it: needs the database's name, typed"
		}
		out = append(out, p.hint("  ", KeyStart, text)...)
	default:
		verdict, only := p.timeVerdict(holds)
		if !only {
			verdict = look.Row(&st.Bad, st.Mark.Failed+" NOT YET").Add(&st.Text, ": "+heldBy(holds))
		}
		out = append(out, verdict)
	}
	out = append(out, p.scheduleLines()...)
	out = append(out, p.holdLines(others)...)
	if slices.ContainsFunc(others, func(h phases.Hold) bool { return h.Window }) {
		out = append(out, p.hint("  ", KeyExtend, "extend the window: needs a name and a reason")...)
	}
	return out
}

// heldAgain is what leads on from a phase that is no longer held.
func (p Pane) heldAgain(ph *phases.PhaseState) string {
	if ph.Ledger && !p.ReadOnly {
		return KeyAccept + " accepts it"
	}
	return Digit(Phase) + " says what to look at"
}

// noReturnBox says what the next phase takes away for good, and what undoing
// it would cost.
func (p Pane) noReturnBox(ph *phases.PhaseState) []look.Line {
	st, s := p.Styles, p.State
	in := p.narrower()
	lines := in.paragraph("", &st.Text, "After this phase's COMMIT only a restore of the backup brings the data back. Nothing can be undone in part.")
	if p.tellsAfter(ph) {
		lines = in.paragraph("", p.keepStyle(ph), "After this phase's COMMIT "+s.AfterCommit(ph)+".")
	}
	lines = append(lines, p.backupLine())
	if lacks := s.Proof(p.Now).Lacks; lacks != "" {
		lines = append(lines, in.paragraph("", &st.Bad, "NOT PROVEN: "+lacks)...)
	}
	d, _ := s.RestoreTime()
	if when := s.RestoreMeasured(); when != "" {
		lines = append(lines, in.paragraph("", &st.Text, "A restore took "+phases.Span(d)+" "+when+".")...)
	} else if d > 0 {
		lines = append(lines, look.Row(&st.Text, "A restore takes about "+phases.Span(d)+"."))
	}
	if p.Height >= tall {
		lines = append(lines, in.abortLines()...)
	}
	// On a small screen the confirmations need the room; the undo pane has it.
	if cmd := s.RestoreCommand(); cmd != "" && p.Height >= tall {
		lines = append(lines, in.commandLines("$ ", &st.Text, cmd)...)
	}
	title := " POINT OF NO RETURN"
	if p.tellsAfter(ph) && s.Keeps(ph) {
		title += ", but for an undo"
	}
	return p.box(&st.Bad, st.Mark.NoReturn+title, lines)
}

// backupLine is the backup's id and age, against the age it may have.
func (p Pane) backupLine() look.Line {
	st, s := p.Styles, p.State
	b := s.Runbook.Backup
	l := look.Row(&st.Text, "Backup "+valueOr(s.Fields[b.IDField].Value, "(no ID recorded)"))
	t := s.BackupTime()
	if t.IsZero() {
		return l.Add(&st.Warn, ", its time is not recorded")
	}
	age := p.Now.Sub(t)
	l = l.Add(&st.Text, ", taken "+p.at(t)+", ")
	if b.MaxAge <= 0 {
		return l.Add(&st.Text, look.Ago(age))
	}
	if age > b.MaxAge {
		return l.Add(&st.Bad, look.Seconds(age)+" old: TOO OLD, limit "+phases.Span(b.MaxAge))
	}
	if p.ageUnknown() {
		return l.Add(&st.Warn, look.Seconds(age)+" old as recorded; its check could not be asked")
	}
	return l.Add(&st.Good, look.Seconds(age)+" old, good for another "+look.Left(b.MaxAge-age))
}

// ageUnknown reports whether the check of the backup's age could not be asked.
func (p Pane) ageUnknown() bool {
	for id, item := range p.State.Items {
		it, _, ok := p.State.Runbook.Item(id)
		if ok && it.Check != nil && it.Check.Name == check.BackupAge && item.Check != nil && item.Check.Error != "" {
			return true
		}
	}
	return false
}

// lowerFirst makes a label fit into a sentence.
func lowerFirst(s string) string {
	if s == "" {
		return "approver"
	}
	return strings.ToLower(s[:1]) + s[1:]
}
