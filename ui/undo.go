package ui

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases"
)

// paneUndo is the pane's name.
const paneUndo paneID = "undo"

func undoPane() paneKind {
	return paneKind{id: paneUndo, title: "Undo", content: Pane.undoContent}
}

// Undo draws what it would take to undo now: the rollback engineer's pane. As
// long as a transaction is open, ROLLBACK does; what is committed needs a
// restore. It changes its face at the point of no return.
func (p Pane) undoContent() content {
	if !p.ready() {
		return p.empty("What an undo would take appears with the run.")
	}
	lines := p.undoVerdict()
	lines = append(lines, line{})
	lines = append(lines, p.restoreLines()...)
	lines = append(lines, p.contactLines()...)
	return content{body: lines}
}

// undoVerdict says what can be undone, and how, in a box at the top.
func (p Pane) undoVerdict() []line {
	st, s := p.Styles, p.State
	in := p.narrower()
	committed := committedPhases(s)
	open := s.OpenPhase()
	var lines []line
	title, style := "NOTHING TO UNDO", &st.Good
	switch {
	case open != nil && open.Status == phases.PhaseInDoubt:
		title, style = "COMMIT IN DOUBT: TOUCH NOTHING YET", &st.Bad
	case hasStatus(s, phases.PhaseUnknown):
		title, style = "OUTCOME UNKNOWN: LOOK FIRST", &st.Bad
	case hasStatus(s, phases.PhaseIsUndone):
		title, style = "COMMITTED, AND UNDONE SINCE: LOOK FIRST", &st.Bad
	case s.PastPointOfNoReturn():
		title, style = "PAST THE POINT OF NO RETURN", &st.Bad
		lines = append(lines, row(&st.Bad, "Only a restore helps."))
	case open != nil && open.Status == phases.PhaseCommitting:
		title, style = "COMMIT SENT: WAITING FOR THE ANSWER", &st.Warn
	case len(committed) > 0:
		title, style = "COMMITTED: UNDOING NEEDS A RESTORE", &st.Warn
	case open != nil && open.Plan.Writes() && waitsForLocks(open):
		title, style = "NOTHING DELETED YET: ROLLBACK STOPS THE WAIT", &st.Warn
	case open != nil && open.Plan.Writes():
		title, style = "TRANSACTION OPEN: ROLLBACK UNDOES IT", &st.Warn
	}
	if open != nil {
		lines = append(lines, p.openTransaction(in, open)...)
	}
	for _, ph := range doubtfulPhases(s) {
		mark, _, _ := p.statusWord(ph.Status)
		lines = append(lines, in.paragraph(mark+" ", &st.Bad, ph.Plan.Title+": "+lookFirst(ph.Status)+". "+ph.Reason)...)
	}
	switch {
	case len(committed) > 0:
		rows := int64(0)
		for _, ph := range committed {
			rows += ph.Did().Gone()
		}
		head := plural(len(committed), "phase", "phases") + " committed"
		if rows > 0 {
			head += ", " + rowsOf(rows) + " gone"
		}
		lines = append(lines, in.paragraph("", &st.Text, head+":")...)
		lines = append(lines, in.committedLines(committed)...)
	case open == nil && len(lines) == 0:
		lines = append(lines, row(&st.Text, "No phase has committed anything: the data is as it was."))
	}
	return p.box(style, title, lines)
}

func (p Pane) committedLines(committed []*phases.PhaseState) []line {
	st := p.Styles
	rows := make([]gridRow, len(committed))
	for i, ph := range committed {
		rows[i] = gridRow{fields: []field{
			{{text: "  " + st.Mark.Done + " ", style: &st.Bad}, {text: sanitize(ph.Plan.Title), style: &st.Text}},
			one(&st.Text, goneWords(ph)), one(&st.Dim, "COMMIT at "+p.at(ph.EndedAt)),
		}}
	}
	return grid([]column{{flex: 16}, {right: true}, {rank: 1}}, rows, p.Width, nil)
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

// doubtfulPhases are those of which nobody can say what the database holds
// without having looked.
func doubtfulPhases(s *phases.State) []*phases.PhaseState {
	var out []*phases.PhaseState
	for i := range s.Phases {
		if s.Phases[i].Status.MustLook() {
			out = append(out, &s.Phases[i])
		}
	}
	return out
}

// lookFirst says why somebody has to look at such a phase.
func lookFirst(status phases.PhaseStatus) string {
	if status == phases.PhaseIsUndone {
		return "it was committed, and the database does not hold that any more"
	}
	return "nobody knows whether it was committed"
}

// waitsForLocks reports whether a phase has not got its locks yet: it has
// changed nothing.
func waitsForLocks(ph *phases.PhaseState) bool {
	return ph.Status == phases.PhaseLocking && ph.LockedAt.IsZero()
}

// openTransaction says what ending the open transaction would do.
func (p Pane) openTransaction(in Pane, ph *phases.PhaseState) []line {
	st := p.Styles
	if !ph.Plan.Writes() {
		return in.paragraph(st.Mark.Running+" ", &st.Accent, ph.Plan.Title+" only reads: there is nothing to undo in it.")
	}
	session := ""
	if ph.Tx.PID != 0 {
		session = fmt.Sprintf(" (session %d)", ph.Tx.PID)
	}
	switch {
	case waitsForLocks(ph):
		return in.paragraph(st.Mark.Waiting+" ", &st.Warn, ph.Plan.Title+" waits for its locks"+session+", nothing is deleted yet: ROLLBACK stops the wait and nothing is lost.")
	case ph.Status == phases.PhaseCommitting:
		return in.paragraph(st.Mark.Running+" ", &st.Warn, ph.Plan.Title+": COMMIT has been sent, ROLLBACK is no longer possible.")
	case ph.Status == phases.PhaseInDoubt:
		return in.paragraph(st.Mark.Unknown+" ", &st.Bad, ph.Plan.Title+": COMMIT was sent and its answer was lost. Whether it was committed is being established; do nothing to the database until it is.")
	default:
		return in.paragraph(st.Mark.Running+" ", &st.Warn, fmt.Sprintf(
			"%s: its transaction is open%s, %s. ROLLBACK undoes it and nothing is lost.", ph.Plan.Title, session, ph.DidWords()))
	}
}

// restoreLines are the backup and the way back.
func (p Pane) restoreLines() []line {
	st, s := p.Styles, p.State
	b := s.Runbook.Backup
	out := []line{row(&st.Title, "Restore")}
	if t := s.BackupTime(); !t.IsZero() && len(committedPhases(s)) > 0 {
		id := valueOr(s.Fields[b.IDField].Value, "(no ID recorded)")
		out = append(out, p.paragraph("  ", &st.Text, "Backup "+id+", taken "+p.at(t)+": a restore also loses the "+minutes(p.Now.Sub(t))+" that came after it")...)
	} else {
		backup := p.backupLine()
		backup.spans = append([]span{{text: "  "}}, backup.spans...)
		out = append(out, backup)
	}
	if d, measured := s.RestoreTime(); d > 0 {
		takes := "Takes about " + roundly(d)
		if measured {
			takes = "Took " + roundly(d) + " when it was tried"
		}
		out = append(out, p.paragraph("  ", &st.Text, takes+": back at about "+p.at(p.Now.Add(d))[:5]+" if started now")...)
	} else {
		out = append(out, row(&st.Warn, "  How long it takes is not known."))
	}
	cmd := s.RestoreCommand()
	if cmd == "" {
		return append(out, row(&st.Warn, "  The runbook gives no restore command."))
	}
	out = append(out, line{})
	out = append(out, p.commandLines("  $ ", &st.Accent, cmd)...)
	for _, id := range s.RestoreLacks() {
		out = append(out, p.paragraph("  "+st.Mark.Failed+" ", &st.Bad, "not recorded yet: "+id)...)
	}
	return out
}

func (p Pane) contactLines() []line {
	st := p.Styles
	contacts := p.State.Runbook.Contacts
	if len(contacts) == 0 {
		return nil
	}
	if p.Width < 56 {
		out := []line{{}, row(&st.Title, "Whom to call, in this order")}
		for i, c := range contacts {
			out = append(out, row(&st.Dim, fmt.Sprintf("  %d. %s", i+1, c.Role)),
				row(&st.Text, "     "+valueOr(c.Name, "(no name)")).add(&st.Title, "  "+valueOr(c.Phone, "(no phone)")))
		}
		return out
	}
	rows := make([]gridRow, len(contacts))
	for i, c := range contacts {
		rows[i] = gridRow{fields: []field{
			one(&st.Dim, fmt.Sprintf("  %d. %s", i+1, c.Role)), one(&st.Text, valueOr(c.Name, "(no name)")), one(&st.Title, valueOr(c.Phone, "(no phone)")),
		}}
	}
	out := []line{{}, row(&st.Title, "Whom to call, in this order")}
	return append(out, grid([]column{{flex: 10}, {flex: 8}, {}}, rows, p.Width, nil)...)
}

// committedPhases are the phases that changed the database for good.
func committedPhases(s *phases.State) []*phases.PhaseState {
	var out []*phases.PhaseState
	for i := range s.Phases {
		if s.Phases[i].Status == phases.PhaseIsCommitted {
			out = append(out, &s.Phases[i])
		}
	}
	return out
}

// roundly is a planned time, without seconds that say nothing.
func roundly(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 && d < time.Hour {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return duration(d)
}
