package phases

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tminus/phases/runbook"
)

// Which action a killed program had under way is known; whether it was done is
// not. It must be possible to start it again.
func TestResumeEndsACutAction(t *testing.T) {
	s := described()
	s.Runbook.Checklist[0].Items[0].Action = &runbook.Action{Name: runbook.DisableTriggers}
	s.Phases[0].Status = PhasePending
	for _, e := range []Event{
		ActionStarted{Item: "backup", Name: runbook.DisableTriggers},
		TriggersRecorded{Triggers: []Trigger{{Schema: "public", Table: "users", Name: "guard", Enabled: "R"}}},
	} {
		if err := e.apply(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Can(Act{"backup"}, s.At); err == nil {
		t.Fatal("an action under way can be started a second time")
	}
	for what, err := range map[string]error{
		"NO-GO": s.Can(DeclareNoGo{Reason: "x"}, s.At), "abort": s.Acting(),
	} {
		if err == nil {
			t.Errorf("%s is possible while an action is under way", what)
		}
	}
	if err := (RunResumed{}).apply(s); err != nil {
		t.Fatal(err)
	}
	if err := s.Can(Act{"backup"}, s.At); err != nil || s.Item("backup").Action.Error == "" {
		t.Errorf("after resume: %v, %+v", err, s.Item("backup").Action)
	}
	if !s.TriggersOff {
		t.Error("nobody knows any more that triggers may be off")
	}
}

// A restore command of several lines stays one: in one line, what follows a comment
// would be lost, and two commands would be a wrong one.
func TestARestoreCommandKeepsItsLines(t *testing.T) {
	s := described()
	s.Runbook.Backup = runbook.Backup{Restore: "# as postgres\ncd {{ dir }}\r\n\npg_restore  -d \"my  db\" \\\n\t--jobs=4 {{file}}\x1b[2J"}
	s.Fields["dir"] = FieldValue{Value: "/var/my backups\nrm -r /"}
	s.Fields["file"] = FieldValue{Value: "dump"}
	want := "# as postgres\ncd '/var/my backups rm -r /'\n\npg_restore  -d \"my  db\" \\\n --jobs=4 dump"
	if got := s.RestoreCommand(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s.Phases[0].Status, s.Outcome = PhaseIsCommitted, Aborted
	if got := s.Summary("x.journal"); !strings.Contains(got, "\nrestore by the runbook's command:\n  # as postgres\n  cd '/var/my backups rm -r /'\n  \n  pg_restore  -d") {
		t.Errorf("the summary has no such lines:\n%s", got)
	}
	if _, text := describe(s, RunAborted{Reason: "late"}); !strings.Contains(text, "; restore by the runbook's command") || strings.ContainsAny(text, "\n#") {
		t.Errorf("the abort's line is %q", text)
	}
	m := runbook.Message{Title: "To {{restore}}", Text: "By\n{{restore}}\nof {{dir}}"}
	if title, text := s.Rendered(m, s.At); text != "By\n"+want+"\nof /var/my backups rm -r /" || strings.Contains(title, "\n") {
		t.Errorf("a message says %q, %q", title, text)
	}
}

func TestAftermath(t *testing.T) {
	s := described()
	if got := s.Aftermath(); got != nil {
		t.Errorf("nothing happened, and %q is left", got)
	}
	s.Runbook.Backup = runbook.Backup{
		IDField: "backup_id", TimeField: "backup_time", RestoreTime: 15 * time.Minute, Restore: "bring back {{backup_id}} from {{ place }}",
	}
	s.Fields["backup_id"] = FieldValue{Value: "b\x1b 17"}
	s.Fields["backup_time"] = FieldValue{Value: "2026-01-31T01:50:00Z"}
	s.Runbook.Phases = append(s.Runbook.Phases, runbook.Phase{ID: "hub", Steps: []runbook.Step{{Delete: "users"}}})
	s.Phases = append(s.Phases, PhaseState{Plan: &s.Runbook.Phases[1], Status: PhaseIsRolledBack})
	s.Phases[0].Status, s.Outcome = PhaseIsCommitted, Aborted
	s.Triggers = []Trigger{{Schema: "public", Table: `od"d`, Name: "guard", Enabled: "R"}}
	s.TriggersOff = true
	want := []string{
		"committed: leaf (48,210 rows deleted, 12 more by foreign keys and triggers)",
		"not committed: hub",
		"what is committed comes back by a restore only: backup b 17, taken 2026-01-31 01:50:00 UTC, takes about 15 min",
		"restore: bring back 'b 17' from {{ place }}",
		"triggers that this run disabled are not known to be back; as they were:",
		`  ALTER TABLE ONLY "public"."od""d" ENABLE REPLICA TRIGGER "guard";`,
	}
	if got := strings.Join(s.Aftermath(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	summary := s.Summary("x.journal")
	for _, line := range want {
		if !strings.Contains(summary, line) {
			t.Errorf("the summary lacks %q:\n%s", line, summary)
		}
	}
	if _, text := describe(s, RunAborted{Reason: "late"}); !strings.Contains(text, want[0]) || !strings.Contains(text, "backup b 17") {
		t.Errorf("the abort's line is %q", text)
	}
	if _, text := describe(s, RunClosed{Outcome: Aborted}); !strings.Contains(text, "ENABLE REPLICA TRIGGER") {
		t.Errorf("the last line is %q", text)
	}
	s.Outcome = Completed
	if got := s.Aftermath(); got != nil {
		t.Errorf("a completed run leaves %q", got)
	}
}

// A runbook that records the backup's time need not ask for its age: the gate
// and the point of no return do.
func TestStaleBackupHoldsByConstruction(t *testing.T) {
	s := described()
	at := s.At
	s.Runbook.Checklist = nil
	s.Runbook.Backup = runbook.Backup{TimeField: "taken", MaxAge: 15 * time.Minute}
	s.Runbook.Phases = []runbook.Phase{
		{ID: "leaf", Planned: 5 * time.Minute, Steps: []runbook.Step{{Delete: "a"}}},
		{ID: "hub", Planned: 5 * time.Minute, PointOfNoReturn: true, Steps: []runbook.Step{{Delete: "b"}}},
	}
	s.Phases = []PhaseState{{Plan: &s.Runbook.Phases[0], Status: PhaseIsCommitted}, {Plan: &s.Runbook.Phases[1], Status: PhasePending}}
	s.Gate.Decision, s.T0, s.Runbook.Window.Abort = Go, at, time.Hour
	for _, c := range []struct {
		taken time.Time
		gate  bool
		point bool
	}{
		{time.Time{}, false, false},
		{at.Add(-15 * time.Minute), true, true},
		{at.Add(-20 * time.Minute), false, true}, // as old as the gate allowed, and the first phase since
		{at.Add(-21 * time.Minute), false, false},
		{at.Add(2 * time.Minute), false, false}, // the clock was set back
	} {
		delete(s.Fields, "taken")
		if !c.taken.IsZero() {
			s.Fields["taken"] = FieldValue{Value: c.taken.Format(time.RFC3339)}
		}
		if got := s.GateHolds(at); (len(got) == 0) != c.gate {
			t.Errorf("taken %s: the gate: %v", at.Sub(c.taken), got)
		}
		if got := s.PhaseHolds(1, at); (len(got) == 0) != c.point {
			t.Errorf("taken %s: the point of no return: %v", at.Sub(c.taken), got)
		}
	}
}

// An answer that seems to come from the future is no evidence: its age is unknown.
func TestClockSetBackMakesAnswersStale(t *testing.T) {
	s := described()
	it := &s.Runbook.Checklist[0].Items[1]
	it.Check.Every, it.Check.Timeout = 10*time.Second, 10*time.Second
	s.Runbook.Checklist[0].Items = s.Runbook.Checklist[0].Items[1:]
	s.Items["quiet"] = &ItemState{Check: &CheckState{Pass: true, At: s.At}}
	if got := s.GateHolds(s.At.Add(time.Second)); len(got) != 0 {
		t.Fatalf("held by %v", got)
	}
	if got := s.GateHolds(s.At.Add(-time.Hour)); len(got) != 1 || !strings.Contains(got[0].Text, "set back") {
		t.Errorf("an hour earlier: %v", got)
	}
	s.Gate.Decision = Go
	s.Runbook.Backup.MaxAge = time.Hour
	if got := s.GateAgain(s.At.Add(-time.Hour)); got == "" {
		t.Error("a resume with the clock set back trusts the GO")
	}
}

func TestEndedRunTakesNoCommand(t *testing.T) {
	s := described()
	s.Outcome = Aborted
	if err := s.Can(Note{Text: "after the end"}, s.At); !errors.Is(err, ErrEnded) {
		t.Errorf("a note after the end: %v", err)
	}
}

// A run whose phase did not hold goes on with the runbook that it began with, or
// anew with another: then without what is committed.
func TestHowARunGoesOn(t *testing.T) {
	t.Parallel()
	s := described()
	s.Opened = RunOpened{Environment: Rehearsal, File: "reset.yaml"}
	if got := s.Summary("x.journal"); !strings.Contains(got, "\nwith the runbook put right, begin anew: tminus rehearse reset.yaml\nwith the database put right, take it up again: tminus resume x.journal") {
		t.Errorf("without a survey: %s", got)
	}
	s.Survey = &Survey{}
	if got := s.Summary("x.journal"); !strings.HasSuffix(got, "\ntake it up again: tminus resume x.journal") {
		t.Errorf("left: %s", got)
	}
	s.Runbook.Phases = append(s.Runbook.Phases, runbook.Phase{ID: "hub", Steps: []runbook.Step{{Delete: "users"}}})
	s.Phases[0].Status = PhaseIsCommitted
	s.Phases = append(s.Phases, PhaseState{Plan: &s.Runbook.Phases[1], Status: PhaseIsRolledBack})
	anew := "\nwith another runbook, begin anew: tminus rehearse reset.yaml, without what is committed here: leaf"
	if got := s.Summary("x.journal"); !strings.HasSuffix(got, "\ntake it up again: tminus resume x.journal"+anew) {
		t.Errorf("rolled back: %s", got)
	}
	s.Outcome, s.ClosedAt = Aborted, s.At
	if got := s.Summary("x.journal"); !strings.HasSuffix(got, anew) || strings.Contains(got, "resume") {
		t.Errorf("aborted: %s", got)
	}
	s.Outcome = Completed
	if got := s.Summary("x.journal"); strings.Contains(got, "anew") {
		t.Errorf("completed: %s", got)
	}
}
