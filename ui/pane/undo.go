package pane

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// Undo is the pane's name.
const Undo ID = "undo"

func undoPane() Kind {
	return Kind{ID: Undo, Title: "Undo", content: Pane.undoContent}
}

// Undo draws what it would take to undo now: the rollback engineer's pane. As
// long as a transaction is open, ROLLBACK does; what is committed comes back by
// an undo where its capsule is kept, and by a restore. It changes its face with
// each COMMIT, and at the point of no return.
func (p Pane) undoContent() content {
	if !p.Ready() {
		return p.empty("What an undo would take appears with the run.")
	}
	verdict := p.undoVerdict()
	lines := append(verdict, p.undoLines()...)
	own := p.State.Opened.Undoes == nil // an undo has no backup of its own
	if own {
		lines = append(lines, look.Line{})
		if p.restoreOnly() {
			lines = append(lines, p.firstCall()...)
		}
		lines = append(lines, p.restoreLines()...)
	}
	lines = append(lines, p.callLines()...)
	if own {
		lines = append(append(lines, look.Line{}), p.proofLines()...)
	}
	return content{body: lines, firm: len(verdict)}
}

// undoVerdict says what can be undone, and how, in a box at the top.
func (p Pane) undoVerdict() []look.Line {
	st, s := p.Styles, p.State
	in := p.narrower()
	committed := CommittedPhases(s)
	open := s.OpenPhase()
	title, style, lines := p.undoTitle(in, open, committed)
	if open != nil {
		lines = append(lines, p.openTransaction(in, open)...)
	}
	for _, ph := range DoubtfulPhases(s) {
		mark, _, _ := p.statusWord(ph.Status)
		lines = append(lines, in.paragraph(mark+" ", &st.Bad, ph.Plan.Title+": "+LookFirst(ph.Status)+": "+ph.Reason)...)
	}
	switch {
	case len(committed) > 0:
		rows := int64(0)
		for _, ph := range committed {
			rows += ph.Did().Gone()
		}
		head := look.Plural(len(committed), "phase", "phases") + " committed"
		if rows > 0 && s.Opened.Undoes == nil {
			head += ", " + rowsOf(rows) + " gone"
		}
		if len(s.Undo().Back) == len(committed) {
			head += ", and put back again"
		}
		lines = append(lines, in.paragraph("", &st.Text, head+":")...)
		lines = append(lines, in.committedLines(committed)...)
		lines = append(lines, in.notCounted()...)
	case open == nil && len(lines) == 0 && s.Opened.Undoes != nil:
		lines = append(lines, look.Row(&st.Text, "No phase has committed anything yet."))
	case open == nil && len(lines) == 0:
		lines = append(lines, look.Row(&st.Text, "No phase has committed anything: the data is as it was."))
	}
	return p.box(style, title, lines)
}

// notCounted are phases that the rows above leave out: they were committed, and how
// many of their rows are gone nobody knows.
func (p Pane) notCounted() []look.Line {
	var out []look.Line
	for _, ph := range DoubtfulPhases(p.State) {
		if n := ph.Undone().Gone(); ph.Status == phases.PhaseIsUndone && n > 0 {
			out = append(out, p.paragraph("", &p.Styles.Warn, ph.Plan.Title+" is not counted here: "+rowsOf(n)+" went, how many are back is not known.")...)
		}
	}
	return out
}

// undoTitle is the box's title, and the sentence that goes with it.
func (p Pane) undoTitle(in Pane, open *phases.PhaseState, committed []*phases.PhaseState) (title string, style *lipgloss.Style, lines []look.Line) {
	st, s := p.Styles, p.State
	switch {
	case open != nil && open.Status == phases.PhaseInDoubt:
		return "COMMIT IN DOUBT: TOUCH NOTHING YET", &st.Bad, nil
	case hasStatus(s, phases.PhaseUnknown):
		return "OUTCOME UNKNOWN: LOOK FIRST", &st.Bad, nil
	case hasStatus(s, phases.PhaseIsUndone):
		return "COMMITTED, AND NO LONGER HELD: LOOK FIRST", &st.Bad, nil
	case s.UndoTrial != nil:
		return p.trialTitle(in)
	case s.Opened.Undoes != nil && len(committed) > 0:
		return "PUT BACK: RUNNING THE MAINTENANCE AGAIN TAKES IT OUT", &st.Warn, nil
	case s.PastPointOfNoReturn():
		return p.pastTitle(in)
	case open != nil && open.Status == phases.PhaseCommitting:
		return "COMMIT SENT: WAITING FOR THE ANSWER", &st.Warn, nil
	case len(committed) > 0:
		return committedTitle(s.Undo()), &st.Warn, nil
	case open != nil && open.Plan.Writes() && WaitsForLocks(open):
		return "NOTHING DELETED YET: ROLLBACK STOPS THE WAIT", &st.Warn, nil
	case open != nil && open.Plan.Writes():
		return "TRANSACTION OPEN: ROLLBACK UNDOES IT", &st.Warn, nil
	}
	if s.Opened.Undoes != nil {
		return "THIS RUN IS AN UNDO: NOTHING IS PUT BACK YET", &st.Good, nil
	}
	return "NOTHING TO UNDO", &st.Good, nil
}

// pastTitle is for a run past its point of no return: an undo leads back from
// there, but for what kept no capsule.
func (p Pane) pastTitle(in Pane) (title string, style *lipgloss.Style, lines []look.Line) {
	st, sum := p.Styles, p.State.Undo()
	const past = "PAST THE POINT OF NO RETURN"
	switch {
	case sum.Phases == nil:
		return past, &st.Bad, []look.Line{look.Row(&st.Bad, "Only a restore helps.")}
	case sum.Lost != nil:
		return past + ": PART OF IT NEEDS A RESTORE", &st.Bad, in.paragraph("", &st.Bad, "Only a restore brings back what kept no capsule; an undo the rest.")
	}
	return past + ": UNDO OR RESTORE", &st.Bad, nil
}

func committedTitle(sum phases.UndoSum) string {
	switch {
	case sum.Nothing():
		return "COMMITTED: NO ROW IS TO COME BACK"
	case sum.Phases == nil:
		return "COMMITTED: UNDOING NEEDS A RESTORE"
	case sum.Lost != nil:
		return "COMMITTED: PART OF IT NEEDS A RESTORE"
	}
	return "COMMITTED: AN UNDO BRINGS IT BACK"
}

func (p Pane) committedLines(committed []*phases.PhaseState) []look.Line {
	st := p.Styles
	rows := make([]look.GridRow, len(committed))
	kept := false
	for i, ph := range committed {
		kept = kept || ph.Capsule != nil
		rows[i] = look.GridRow{Fields: []look.Field{
			{{Text: "  " + st.Mark.Done + " ", Style: &st.Bad}, {Text: look.Sanitize(ph.Plan.Title), Style: &st.Text}},
			look.One(&st.Text, goneWords(ph)), look.One(&st.Dim, "COMMIT at "+p.at(ph.EndedAt)),
		}}
	}
	if !kept {
		return look.Grid([]look.Column{{Flex: 16}, {Right: true}, {Rank: 1}}, rows, p.Width, nil)
	}
	if p.Width < broad {
		return p.backLines(committed)
	}
	for i, ph := range committed {
		f := rows[i].Fields
		rows[i].Fields = append([]look.Field{f[0]}, p.backFields(ph)...)
		rows[i].Fields = append(rows[i].Fields, f[2])
	}
	return look.Grid([]look.Column{{Flex: 28}, {Right: true}, {Right: true, Rank: 2}, {}, {Rank: 1}}, rows, p.Width, nil)
}

// goneWords are the rows that only a restore brings back; of a phase that took
// none, what it did instead.
func goneWords(ph *phases.PhaseState) string {
	if n := ph.Did().Gone(); n > 0 {
		return rowsOf(n)
	}
	return strings.TrimSuffix(ph.DidWords(), " deleted") // "0 rows"
}

func hasStatus(s *phases.State, status phases.PhaseStatus) bool {
	for i := range s.Phases {
		if s.Phases[i].Status == status {
			return true
		}
	}
	return false
}

// DoubtfulPhases are those of which nobody can say what the database holds
// without having looked.
func DoubtfulPhases(s *phases.State) []*phases.PhaseState {
	var out []*phases.PhaseState
	for i := range s.Phases {
		if s.Phases[i].Status.MustLook() {
			out = append(out, &s.Phases[i])
		}
	}
	return out
}

// LookFirst says why somebody has to look at such a phase.
func LookFirst(status phases.PhaseStatus) string {
	if status == phases.PhaseIsUndone {
		return "it was committed, and the database does not hold that any more"
	}
	return "nobody knows whether it was committed"
}

// WaitsForLocks reports whether a phase has not got its locks yet: it has
// changed nothing.
func WaitsForLocks(ph *phases.PhaseState) bool {
	return ph.Status == phases.PhaseLocking && ph.LockedAt.IsZero()
}

// openTransaction says what ending the open transaction would do.
func (p Pane) openTransaction(in Pane, ph *phases.PhaseState) []look.Line {
	st := p.Styles
	if !ph.Plan.Writes() {
		return in.paragraph(st.Mark.Running+" ", &st.Accent, ph.Plan.Title+" only reads: there is nothing to undo in it.")
	}
	session := ""
	if ph.Tx.PID != 0 {
		session = fmt.Sprintf(" (session %d)", ph.Tx.PID)
	}
	switch {
	case WaitsForLocks(ph):
		return in.paragraph(st.Mark.Waiting+" ", &st.Warn, ph.Plan.Title+" waits for its locks"+session+", nothing is deleted yet: ROLLBACK stops the wait and nothing is lost.")
	case ph.Status == phases.PhaseHolding:
		return in.paragraph(st.Mark.Waiting+" ", &st.Warn, fmt.Sprintf(
			"%s is verified and on hold%s, rolls back at %s; %s. ROLLBACK undoes it and nothing is lost.", ph.Plan.Title, session, p.at(ph.HoldUntil), ph.DidWords()))
	case ph.Status == phases.PhaseCommitting:
		return in.paragraph(st.Mark.Running+" ", &st.Warn, ph.Plan.Title+": COMMIT has been sent, ROLLBACK is no longer possible.")
	case ph.Status == phases.PhaseInDoubt:
		return in.paragraph(st.Mark.Unknown+" ", &st.Bad, ph.Plan.Title+": COMMIT was sent and its answer was lost. Whether it was committed is being established; do nothing to the database until it is.")
	default:
		return in.paragraph(st.Mark.Running+" ", &st.Warn, fmt.Sprintf(
			"%s: its transaction is open%s, %s. ROLLBACK undoes it and nothing is lost.", ph.Plan.Title, session, ph.DidWords()))
	}
}

// restoreOnly reports whether something is committed that a restore alone brings back.
func (p Pane) restoreOnly() bool {
	sum := p.State.Undo()
	return sum.Phases == nil && sum.Lost != nil
}

// mayBeCommitted reports whether something may be, and nobody knows.
func (p Pane) mayBeCommitted() bool {
	return len(DoubtfulPhases(p.State)) > 0 || hasStatus(p.State, phases.PhaseInDoubt)
}

// restoreHead says what the restore is beside an undo, and where it is all there is,
// whether it is proven.
func (p Pane) restoreHead() []look.Line {
	st, s := p.Styles, p.State
	sum := s.Undo()
	switch {
	case p.restoreOnly():
		if lacks := s.Proof(p.Now).Lacks; lacks != "" {
			return p.paragraph("Restore ", &st.Bad, st.Mark.Failed+" NOT PROVEN: "+lacks)
		}
		return []look.Line{look.Row(&st.Title, "Restore ").Add(&st.Good, st.Mark.Done+" proven")}
	case sum.Lost != nil:
		var titles []string
		for _, ph := range sum.Lost {
			titles = append(titles, ph.Plan.Title)
		}
		return p.paragraph("", &st.Title, "Restore: the only way for "+strings.Join(titles, ", "))
	case sum.Phases != nil:
		return []look.Line{look.Row(&st.Title, "Restore, the second way")}
	case p.mayBeCommitted():
		return []look.Line{look.Row(&st.Title, "Restore, only if it turns out committed")}
	}
	return []look.Line{look.Row(&st.Title, "Restore")}
}

// restoreLines are the backup and the way back.
func (p Pane) restoreLines() []look.Line {
	st, s := p.Styles, p.State
	b := s.Runbook.Backup
	// The command stands first: on a small screen what comes last is out of sight.
	out := p.restoreHead()
	cmd := s.RestoreCommand()
	if cmd == "" {
		out = append(out, look.Row(&st.Warn, "  The runbook gives no restore command."))
	}
	out = append(out, p.commandLines("  $ ", &st.Accent, cmd)...)
	if p.restoreOnly() {
		out = append(out, p.decideLines()...)
	}
	for _, id := range s.RestoreLacks() {
		out = append(out, p.paragraph("  "+st.Mark.Failed+" ", &st.Bad, "not recorded yet: "+id)...)
	}
	if t := s.BackupTime(); !t.IsZero() && (len(CommittedPhases(s)) > 0 || p.mayBeCommitted()) {
		id := valueOr(s.Fields[b.IDField].Value, "(no ID recorded)")
		out = append(out, p.paragraph("  ", &st.Text, "Backup "+id+", taken "+p.at(t)+": a restore also loses the "+look.Seconds(p.Now.Sub(t))+" that came after it")...)
	} else {
		backup := p.backupLine()
		backup.Spans = append([]look.Span{{Text: "  "}}, backup.Spans...)
		out = append(out, backup)
	}
	if off := s.OffWords(); off != "" {
		out = append(out, p.paragraph("  ", &st.Warn, look.Initial(off)+".")...)
	}
	if d, _ := s.RestoreTime(); d > 0 {
		takes := "Takes about " + phases.Span(d)
		if when := s.RestoreMeasured(); when != "" {
			takes = "Took " + phases.Span(d) + " " + when
		}
		out = append(out, p.paragraph("  ", &st.Text, takes+": back at about "+p.at(p.Now.Add(d))[:5]+" if started now")...)
	} else {
		out = append(out, look.Row(&st.Warn, "  How long it takes is not known."))
	}
	return out
}

func (p Pane) contactLines() []look.Line {
	st := p.Styles
	contacts := p.State.Runbook.Contacts
	if len(contacts) == 0 {
		return nil
	}
	if p.Width < 56 {
		out := []look.Line{{}, look.Row(&st.Title, "Whom to call, in this order")}
		for i, c := range contacts {
			out = append(out, look.Row(&st.Dim, fmt.Sprintf("  %d. %s", i+1, c.Role)),
				look.Row(&st.Text, "     "+valueOr(c.Name, "(no name)")).Add(&st.Title, "  "+valueOr(c.Phone, "(no phone)")))
		}
		return out
	}
	rows := make([]look.GridRow, len(contacts))
	for i, c := range contacts {
		rows[i] = look.GridRow{Fields: []look.Field{
			look.One(&st.Dim, fmt.Sprintf("  %d. %s", i+1, c.Role)), look.One(&st.Text, valueOr(c.Name, "(no name)")), look.One(&st.Title, valueOr(c.Phone, "(no phone)")),
		}}
	}
	out := []look.Line{{}, look.Row(&st.Title, "Whom to call, in this order")}
	return append(out, look.Grid([]look.Column{{Flex: 10}, {Flex: 8}, {}}, rows, p.Width, nil)...)
}

// CommittedPhases are the phases that changed the database for good.
func CommittedPhases(s *phases.State) []*phases.PhaseState {
	var out []*phases.PhaseState
	for i := range s.Phases {
		if s.Phases[i].Status == phases.PhaseIsCommitted {
			out = append(out, &s.Phases[i])
		}
	}
	return out
}
