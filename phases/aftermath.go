package phases

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ExitCode is what a run's program ends with: 0 finished, 3 no-go, 4 rolled
// back or aborted, 5 the outcome of a COMMIT is unknown or the database does not
// hold it any more, 6 unfinished.
func (s *State) ExitCode() int {
	for i := range s.Phases {
		if st := s.Phases[i].Status; st == PhaseUnknown || st == PhaseInDoubt || st == PhaseCommitting || st == PhaseIsUndone {
			return 5
		}
	}
	switch s.Outcome {
	case Completed:
		return 0
	case NoGo:
		return 3
	case Aborted:
		return 4
	}
	return 6
}

// Summary is what a program says of a run when it leaves it: how it stands,
// what it leaves behind, and what to do with its journal.
func (s *State) Summary(path string) string {
	stands := "unfinished"
	if s.Outcome != "" {
		stands = s.Outcome.Word()
	}
	var done []string
	for _, p := range s.Phases {
		if p.Status != PhasePending {
			done = append(done, fmt.Sprintf("%s %s", p.Plan.ID, strings.ReplaceAll(string(p.Status), "_", " ")))
		}
	}
	out := "run " + stands
	if s.Reason != "" {
		out += ": " + Clean(s.Reason)
	}
	if len(done) > 0 {
		out += "\nphases: " + strings.Join(done, ", ")
	}
	lines := s.aftermath(path)
	if s.Outcome == Completed {
		lines = s.undoLeft(path)
	}
	for _, line := range lines {
		out += "\n" + line
	}
	if untold := s.UntoldWords(); untold != "" {
		out += "\nNOT TOLD: " + Clean(untold)
	}
	out += "\njournal: " + path + "\nexecution log: " + s.Command("report", path)
	for _, line := range s.goingOn(path) {
		out += "\n" + line
	}
	if address, _ := s.Address(); s.ClosedAt.IsZero() && len(address.Lacks) > 0 && !s.Throwaway() {
		out += "\n" + address.LacksWords()
	}
	return out
}

// goingOn says how a run goes on: taken up again with the runbook that it began
// with, or as a run of its own with one that was put right.
func (s *State) goingOn(path string) []string {
	again := "take it up again: " + s.Command("resume", path)
	anew := map[Environment]string{Rehearsal: "tminus rehearse ", Production: "tminus run "}[s.Opened.Environment]
	if s.Runbook == nil || anew == "" {
		if !s.ClosedAt.IsZero() {
			return nil
		}
		return []string{again}
	}
	anew += ShellWord(s.Opened.File)
	var committed []string
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Status == PhaseIsCommitted {
			committed = append(committed, p.Plan.ID)
		}
	}
	if committed != nil {
		anew += ", without what is committed here: " + strings.Join(committed, ", ")
	}
	switch {
	case s.Outcome == Completed || s.Outcome == NoGo:
		return nil
	case s.Survey == nil && s.ClosedAt.IsZero(): // what is wrong is the runbook, as a rule
		return []string{"with the runbook put right, begin anew: " + anew, "with the database put right, " + again}
	case s.ClosedAt.IsZero() && !s.failed():
		return []string{again}
	case s.ClosedAt.IsZero():
		return []string{again, "with another runbook, begin anew: " + anew}
	case s.failed() || committed != nil:
		return []string{"with another runbook, begin anew: " + anew}
	}
	return nil
}

// failed reports whether a phase was rolled back or did not hold.
func (s *State) failed() bool {
	return slices.ContainsFunc(s.Phases, func(p PhaseState) bool { return p.Status == PhaseIsRolledBack || p.Status == PhaseIsFailed })
}

// Aftermath is what a run that did not finish leaves to a human, a line each:
// what is committed and what is not, how it comes back, and which triggers
// are still off. It is empty when there is nothing to do.
func (s *State) Aftermath() []string { return s.aftermath("") }

// aftermath is Aftermath for whoever knows the journal's path.
func (s *State) aftermath(path string) []string {
	if s.Runbook == nil || s.Outcome == Completed {
		return nil
	}
	return slices.Concat(s.undoing(path), s.FenceLines(path), s.triggersLeft())
}

// Undoing says what is committed, what is not, and the way back; it is empty
// when no phase is, or may be, committed.
func (s *State) Undoing() []string { return s.undoing("") }

func (s *State) undoing(path string) []string {
	var committed, undone, doubtful, not []string
	for i := range s.Phases {
		p := &s.Phases[i]
		if !p.Plan.Writes() {
			continue
		}
		switch p.Status {
		case PhaseIsCommitted:
			committed = append(committed, fmt.Sprintf("%s (%s)", p.Plan.ID, p.DidWords()))
		case PhaseIsUndone:
			undone = append(undone, p.Plan.ID)
		case PhaseCommitting, PhaseInDoubt, PhaseUnknown:
			doubtful = append(doubtful, p.Plan.ID)
		default:
			not = append(not, p.Plan.ID)
		}
	}
	if len(committed)+len(undone)+len(doubtful) == 0 {
		return nil
	}
	var out []string
	for _, part := range []struct {
		what string
		ids  []string
	}{{"committed: ", committed}, {"committed, and the database does not hold it: ", undone}, {"committed or not, look at the tables: ", doubtful}, {"not committed: ", not}} {
		if len(part.ids) > 0 {
			out = append(out, part.what+strings.Join(part.ids, ", "))
		}
	}
	if len(committed)+len(doubtful) == 0 {
		return out
	}
	return append(out, s.waysBack(path, len(doubtful) > 0)...)
}

// RestoreTime is how long a restore takes: as measured when it was tried, or when
// the rehearsal's copy was made of a backup of this database, or as the runbook
// expects; 0 when nobody knows.
func (s *State) RestoreTime() (d time.Duration, measured bool) {
	d, when := s.restoreTook()
	return d, when != ""
}

// RestoreMeasured says when the time of RestoreTime was measured, as the end of a
// sentence; empty when nobody did.
func (s *State) RestoreMeasured() string {
	_, when := s.restoreTook()
	return when
}

func (s *State) restoreTook() (d time.Duration, when string) {
	const tried = "when it was tried"
	if s.Proven != nil && len(s.Proven.Differences) == 0 {
		return s.Proven.Restore, tried
	}
	b := s.Runbook.Backup
	if took, err := time.ParseDuration(s.Fields[b.TookField].Value); err == nil && !s.Fields[b.TookField].Assumed {
		return took, tried
	}
	if c := s.copied(); c != nil {
		return c.Restore, "when the rehearsal's copy was made"
	}
	return b.RestoreTime, ""
}

// restoring is the way back by a restore; text begins its first line.
func (s *State) restoring(text string) []string {
	b := s.Runbook.Backup
	if id := s.Fields[b.IDField].Value; id != "" {
		text += ": backup " + Clean(id)
	}
	if at := s.BackupTime(); !at.IsZero() {
		text += ", taken " + at.UTC().Format("2006-01-02 15:04:05") + " UTC"
	}
	if d, when := s.restoreTook(); when != "" {
		text += ", took " + Span(d) + " " + when
	} else if d > 0 {
		text += ", takes about " + Span(d)
	}
	out := []string{text}
	if off := s.OffWords(); off != "" {
		out = append(out, off)
	}
	switch cmd := s.RestoreCommand(); {
	case strings.Contains(cmd, "\n"):
		out = append(out, restoreBelow+":\n  "+strings.ReplaceAll(cmd, "\n", "\n  "))
	case cmd != "":
		out = append(out, "restore: "+cmd)
	}
	return out
}

// restoreBelow announces a restore command of several lines, which is no sentence's
// part: put into one line it would be another command.
const restoreBelow = "restore by the runbook's command"

// RestoreCommand is the runbook's command with the recorded fields filled in as a
// shell takes them, line by line as it is written, without control characters. What
// was not recorded stays as it is written.
func (s *State) RestoreCommand() string {
	filled := fillShell(s.Runbook.Backup.Restore, func(field string) string { return s.Fields[field].Value })
	lines := strings.Split(filled, "\n")
	for i := range lines {
		lines[i] = Clean(strings.TrimSuffix(lines[i], "\r"))
	}
	return strings.Join(lines, "\n")
}

// RestoreLacks are the labels of the fields that the restore command needs and
// nobody has recorded.
func (s *State) RestoreLacks() []string {
	var out []string
	for _, found := range placeholder.FindAllStringSubmatch(s.Runbook.Backup.Restore, -1) {
		if s.Fields[found[1]].Value == "" {
			label := found[1]
			if f, ok := s.Runbook.Field(found[1]); ok {
				label = f.Label
			}
			out = append(out, label)
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}`)

// triggersLeft says which triggers the run disabled and has not brought back,
// and the statements that do.
func (s *State) triggersLeft() []string {
	if !s.TriggersOff {
		return nil
	}
	out := []string{"triggers that this run disabled are not known to be back; as they were:"}
	for _, t := range s.Triggers {
		words, known := map[string]string{"O": "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}[t.Enabled]
		if !known {
			continue
		}
		out = append(out, Clean(fmt.Sprintf("  ALTER TABLE ONLY %s.%s %s TRIGGER %s;", quoted(t.Schema), quoted(t.Table), words, quoted(t.Name))))
	}
	return out
}

// quoted is an identifier as SQL writes it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
