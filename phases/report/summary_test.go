package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tminus/phases"
)

// Whoever reads the first lines alone knows what is in the database and what is
// not.
func TestSummarySaysWhatIsAndWhatIsNot(t *testing.T) {
	started := func(j *written) {
		j.ready()
		j.baseline()
	}
	for name, c := range map[string]struct {
		write func(*written)
		says  []string
		never []string
	}{
		"completed": {func(j *written) {
			started(j)
			j.leaf(1, true)
			j.users()
			j.end()
		}, []string{
			"On 31 January 2026, from 02:00:00 to 02:04:33 UTC (4 min 33 s), 50,410 rows were deleted from 3 tables in the rehearsal database gym at db1. The run was completed.",
			"It was driven by ada at ops1; B. Boss approved it at 01:45:00 UTC.",
			"Protected, and proven intact by the count and the content of all rows before and after: lessons (30 rows).", "Protected, and not compared: trainers.",
			`A restore of the backup "b-7" of 31 January 2026 01:42:00 UTC brings back the database as it was then`,
			"This was a rehearsal on a copy: production was not touched.",
		}, []string{"Not in the database", "Nothing of it"}},
		"aborted": {func(j *written) {
			started(j)
			j.leaf(1, true)
			j.add(time.Second, phases.PhaseStarted{Phase: "users", Attempt: 1}, phases.PhaseRolledBack{Phase: "users", Reason: "it was late"}, phases.RunAborted{Reason: "it was late", By: "ada@ops1"}, phases.RunClosed{Outcome: phases.Aborted})
		}, []string{
			"The run on the rehearsal database gym at db1 was aborted on 31 January 2026 at 02:00 UTC, by ada@ops1: it was late.",
			"Committed, and in the database: Leaf tables (48,210 rows were deleted from 1 table). Not in the database: Users (rolled back: as if it had never run).",
			"by pg_restore --clean -d gym b-7.dump",
		}, []string{"was completed"}},
		"aborted early": {func(j *written) {
			started(j)
			j.add(0, phases.RunAborted{Reason: "no", By: "ada@ops1"}, phases.RunClosed{Outcome: phases.Aborted})
		}, []string{"Nothing of it is committed. Never begun: Leaf tables, Users."}, []string{"A restore of"}},
		"no-go": {func(j *written) {
			j.add(0, phases.NoGoDeclared{Reason: "no backup", By: "ada@ops1"}, phases.RunClosed{Outcome: phases.NoGo})
		}, []string{"Nothing was done to the rehearsal database gym at db1. The decision on 31 January 2026 was NO-GO, by ada@ops1: no backup."}, []string{"deleted", "verified", "restore"}},
		"goes on": {func(j *written) {
			started(j)
			j.add(0, phases.PhaseStarted{Phase: "leaf", Attempt: 1})
		}, []string{"has not ended. This is how it stood at record ", "Nothing of it is committed. Not in the database: Leaf tables (it runs: nothing of it is committed). Never begun: Users."}, nil},
		"in doubt": {func(j *written) {
			started(j)
			j.add(0, phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.StepDone{Phase: "leaf", Rows: 5}, phases.CommitIntended{CommitIntent: phases.CommitIntent{Phase: "leaf"}}, phases.CommitDoubted{Phase: "leaf"})
		}, []string{"NOT KNOWN whether it is committed, so a human must look at the database: Leaf tables."}, []string{"Nothing of it is committed"}},
		"unknown": {func(j *written) {
			started(j)
			j.add(0, phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.CommitIntended{CommitIntent: phases.CommitIntent{Phase: "leaf"}}, phases.CommitDoubted{Phase: "leaf"}, phases.OutcomeUnknown{Phase: "leaf", Reason: "another timeline"}, phases.RunAborted{Reason: "who knows"}, phases.RunClosed{Outcome: phases.Aborted})
		}, []string{"NOT KNOWN whether it is committed, so a human must look at the database: Leaf tables."}, []string{"Nothing of it is committed"}},
		"undone": {func(j *written) {
			started(j)
			j.leaf(1, true)
			j.add(time.Second, phases.PhaseUndone{Phase: "leaf", Reason: "the ledger has no row of it"})
		}, []string{"Not in the database: Leaf tables (it was committed, and the database does not hold that any more: the ledger has no row of it)."}, []string{"Committed, and in the database"}},
		"changed": {func(j *written) {
			started(j)
			j.leaf(1, false)
		}, []string{"PROTECTED AND CHANGED: lessons.", "1 of 2 verifications held", "Not in the database: Leaf tables (rolled back"}, []string{"proven intact"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			c.write(j)
			text := strings.Join(j.build().Summary, " ")
			for _, want := range c.says {
				if !strings.Contains(text, want) {
					t.Errorf("the summary does not say %q:\n%s", want, text)
				}
			}
			for _, never := range c.never {
				if strings.Contains(text, never) {
					t.Errorf("the summary says %q:\n%s", never, text)
				}
			}
		})
	}
}

func TestSummaryOfAnUndo(t *testing.T) {
	j := openWith(t, func(o *phases.RunOpened) {
		o.Undoes = &phases.Undoes{Journal: "gym.journal", RunID: "r0", Head: "ab", Phases: []string{"users"}}
	})
	j.ready()
	j.baseline()
	j.leaf(1, true)
	j.users()
	j.end()
	text := strings.Join(j.build().Summary, " ")
	if !strings.Contains(text, "what the run r0 had taken away was put back into the rehearsal database gym at db1") || strings.Contains(text, "backup") {
		t.Error(text)
	}
}

// A trigger that an item's action has disabled is not nothing, and not back before
// that is known.
func TestSummaryOfTriggersThatAreOff(t *testing.T) {
	off := phases.TriggersRecorded{Triggers: []phases.Trigger{{Table: "users", Name: "stamp", Enabled: "O"}}}
	back := phases.ActionDone{Item: "x", Name: "triggers.restore"}
	noGo := []phases.Event{phases.NoGoDeclared{Reason: "late"}, phases.RunClosed{Outcome: phases.NoGo}}
	for status, events := range map[string][]phases.Event{
		"FAILED: aborted, and triggers NOT BACK":            {off, phases.RunAborted{Reason: "late"}, phases.RunClosed{Outcome: phases.Aborted}},
		"FAILED: aborted":                                   {off, back, phases.RunAborted{Reason: "late"}, phases.RunClosed{Outcome: phases.Aborted}},
		"NO-GO: nothing was deleted, and triggers NOT BACK": append([]phases.Event{off}, noGo...),
		"NO-GO: nothing was deleted":                        append([]phases.Event{off, back}, noGo...),
		"NO-GO: nothing was done":                           noGo,
	} {
		j := open(t)
		j.add(0, events...)
		r := j.build()
		text := strings.Join(r.Summary, " ")
		if r.Status != status {
			t.Errorf("status %q, want %q", r.Status, status)
		}
		if said := strings.Contains(text, "Triggers that the run disabled are NOT known to be back"); said != strings.Contains(status, "BACK") {
			t.Errorf("%s: %s", status, text)
		}
		if said := strings.Contains(text, "Nothing was done to"); said != strings.Contains(status, "nothing was done") {
			t.Errorf("%s: %s", status, text)
		}
	}
}

// What a command or a request of the checklist did, nobody knows: a NO-GO behind it
// is not nothing. What leaves nothing behind, and a backup, is.
func TestSummaryOfANoGoBehindAnAction(t *testing.T) {
	for action, status := range map[string]string{
		"{command: [stop, workers]}":                    "NO-GO: no phase was begun",
		"{http: 'http://h.example/stop', method: POST}": "NO-GO: no phase was begun",
		"{http: 'http://h.example/health'}":             "NO-GO: nothing was done",
		"{sql: [{sql: SELECT 1}]}":                      "NO-GO: nothing was done",
		"{name: backup.take, text: take it}":            "NO-GO: nothing was done",
	} {
		j := openWith(t, func(o *phases.RunOpened) {
			o.Source = strings.Replace(book, "      - id: connects\n", "      - {id: acts, text: It acts, action: "+action+"}\n      - id: connects\n", 1)
		})
		j.add(0, phases.ActionStarted{Item: "acts", Name: "a", By: "ada@ops1"}, phases.ActionDone{Item: "acts", Name: "a", Error: "exit code 1"})
		j.add(0, phases.NoGoDeclared{Reason: "late"}, phases.RunClosed{Outcome: phases.NoGo})
		r := j.build()
		if text := strings.Join(r.Summary, " "); r.Status != status || strings.Contains(text, "Nothing was done to") != strings.Contains(status, "nothing was done") {
			t.Errorf("%s: status %q, want %q: %s", action, r.Status, status, text)
		}
	}
}

// What a TRUNCATE took nobody counted: it is said all the same, and how it comes
// back.
func TestSummaryOfATruncate(t *testing.T) {
	truncating := func(undo bool) *written {
		j := openWith(t, func(o *phases.RunOpened) {
			o.Source = strings.Replace(book, "      - delete: audit_logs\n", "      - {sql: TRUNCATE audit_logs, touch: [audit_logs], rows: any}\n", 1)
			if undo {
				o.Capsule = &phases.CapsulePlace{Folder: "/var/tminus/run.capsule"}
			}
		})
		j.ready()
		j.baseline()
		j.add(0, phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.StepStarted{Phase: "leaf"}, phases.StepDone{Phase: "leaf", Command: "TRUNCATE TABLE"})
		if undo {
			j.add(0, phases.CapsuleKept{Phase: "leaf", Capsule: phases.Capsule{Folder: "leaf.1", Gone: 48210}})
		}
		j.add(0, phases.CommitIntended{CommitIntent: phases.CommitIntent{Phase: "leaf"}}, phases.PhaseCommitted{Phase: "leaf"})
		return j
	}
	j := truncating(true)
	j.add(0, phases.RunAborted{Reason: "late"}, phases.RunClosed{Outcome: phases.Aborted})
	r := j.build()
	text := strings.Join(r.Summary, " ")
	for _, want := range []string{
		"Committed, and in the database: Leaf tables (all rows of 1 table were truncated).",
		"What was deleted can be put back from what the run has kept: 48,210 rows",
		`A restore of the backup "b-7"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the summary does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "no row was deleted") {
		t.Errorf("as if nothing was gone:\n%s", text)
	}
	log := formatted(t, r, (*Report).WriteText)
	for _, want := range []string{"Tables truncated", "Committed rows come back by an undo:"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	if s := r.Tables[0]; s.Name != "audit_logs" || !s.Truncated || s.Deleted != 0 || s.After != nil || len(s.Phases) != 1 {
		t.Errorf("%+v", s)
	}
	// With rows that were counted beside it, and with no way back but a restore.
	j = truncating(false)
	j.users()
	j.end()
	text = strings.Join(j.build().Summary, " ")
	for _, want := range []string{"2,200 rows were deleted from 2 tables and all rows of 1 table truncated in the rehearsal database", `A restore of the backup "b-7"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the summary does not say %q:\n%s", want, text)
		}
	}
}

// A message of the run's end that never went out is a deviation: a program that was
// killed just then has told nobody.
func TestAMessageThatNeverWentOutIsADeviation(t *testing.T) {
	for _, told := range []bool{false, true} {
		j := openWith(t, func(o *phases.RunOpened) {
			o.Source = book + `
channels: [{id: users, command: [cat]}, {id: boss, command: [cat]}]
messages:
  - {id: aborted, on: abort, to: [users, boss], title: Aborted, text: It is}
  - {id: not_today, on: no_go, to: [users], title: NO-GO, text: It is}
`
		})
		j.ready()
		j.baseline()
		j.add(0, phases.RunAborted{Reason: "late"})
		if told {
			j.add(0, phases.MessageComposed{Number: 1, Message: "aborted", On: "abort", Title: "Aborted", Text: "It is", To: []string{"users", "boss"}})
			j.add(0, phases.MessageSent{Number: 1, Message: "aborted", Channel: "users", Attempts: 1}, phases.MessageSent{Number: 1, Message: "aborted", Channel: "boss", Attempts: 1})
		}
		j.add(0, phases.RunClosed{Outcome: phases.Aborted})
		var found []string
		for _, d := range j.build().Deviations {
			if strings.HasPrefix(d.Text, "not told") {
				found = append(found, d.Text)
			}
		}
		if want := "not told: users, boss, message aborted: it never went out, although its moment came"; told && found != nil || !told && (len(found) != 1 || found[0] != want) {
			t.Errorf("told %v: %q", told, found)
		}
	}
}

// What was switched off for a run is part of how it ended: the summary and the
// status say what is not back.
func TestSummarySaysWhatIsOff(t *testing.T) {
	fences := []Fence{
		{Title: "alerts", State: "back"},
		{Title: "refill", State: "off"},
		{Title: "guards", State: "changed", Word: "changed by somebody else"},
		{Title: "sync", State: "left", Why: "the client wants it off"},
		{Title: "never", State: "untaken"},
	}
	r := &Report{Outcome: phases.NoGo, Reason: "no backup.", Fences: fences}
	text := strings.Join(r.summarize(), " ") + " " + r.status()
	for _, want := range []string{
		"No row was deleted or changed in ", "NO-GO: no backup. ",
		"STILL SWITCHED OFF, and to be brought back, by tminus restore with this journal: refill.",
		"NOT KNOWN to be back, so a human must look: guards (changed by somebody else).",
		"left as it is on somebody's decision: sync (the client wants it off).",
		"back as it was: alerts.",
		"NO-GO: nothing was deleted, and 2 fences NOT BACK",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "never") || strings.Contains(text, "Nothing was done") {
		t.Errorf("a fence that was not taken, or nothing done:\n%s", text)
	}
	r = &Report{Outcome: phases.Unfinished, Fences: fences[1:2]}
	if text := strings.Join(r.summarize(), " "); !strings.Contains(text, "Switched off for the run, and not back yet: refill.") {
		t.Errorf("a run that goes on:\n%s", text)
	}
}

// Of what nobody has looked at the page has no number: 0 of 1 would read as a loss.
func TestFiguresAreOfWhatWasLookedAt(t *testing.T) {
	r := &Report{Outcome: phases.NoGo, Protected: []Protected{{Name: "lessons"}}, Phases: []Phase{{ID: "p"}}}
	if got := fmt.Sprint(r.figures()); strings.Contains(got, "intact") || strings.Contains(got, "held") {
		t.Errorf("a NO-GO: %s", got)
	}
	intact := false
	r.Protected[0].Intact = &intact
	r.Phases[0].Verified = []Check{{Pass: true}}
	if got := fmt.Sprint(r.figures()); !strings.Contains(got, "{Protected tables intact 0 of 1}") || !strings.Contains(got, "{Verifications held 1 of 1}") {
		t.Errorf("what was compared: %s", got)
	}
}
