package phases

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"tminus/phases/runbook"
)

// described is a state in which every event finds what it speaks of.
func described() *State {
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	book := &runbook.Runbook{
		Checklist: []runbook.Group{{ID: "g", Items: []runbook.Item{
			{ID: "backup", Text: "The backup is taken", Fields: []runbook.Field{{ID: "backup_id", Label: "Backup ID"}}},
			{ID: "quiet", Text: "Nobody is connected", Check: &runbook.Check{}},
		}}},
		Phases: []runbook.Phase{{ID: "leaf", Title: "Leaf tables", Steps: []runbook.Step{{Delete: "audit_logs"}, {SQL: "update users set a = 1"}}}},
	}
	s := &State{At: at, Seq: 7, Runbook: book, Items: map[string]*ItemState{}, Fields: map[string]FieldValue{}}
	s.Baseline = &Baseline{}
	s.Phases = []PhaseState{{Plan: &book.Phases[0], Tables: []TableState{
		{Name: "audit_logs", Role: RoleDelete, Deleted: 48210, Left: 0}, {Name: "notes", Role: RoleCascade, Cascaded: 12, Left: -1},
	}}}
	return s
}

func TestDescribe(t *testing.T) {
	cases := []struct {
		event Event
		level Level
		want  string
	}{
		{StepDone{Phase: "leaf", Rows: 48210, Took: 400 * time.Millisecond}, LevelInfo, "phase 1: audit_logs: 48,210 rows deleted in 0.4 s"},
		{StepDone{Phase: "leaf", Step: 1, Rows: 1, Took: 71 * time.Second}, LevelInfo, "phase 1: update users set a …: 1 row touched in 1 min 11 s"}, // an old journal's
		{StepDone{Phase: "leaf", Step: 1, Command: "UPDATE", Rows: 10}, LevelInfo, "phase 1: update users set a …: 10 rows updated in 0.0 s"},
		{StepDone{Phase: "leaf", Step: 1, Command: "SELECT", Rows: 1}, LevelInfo, "phase 1: update users set a …: 1 row returned in 0.0 s"},
		{StepDone{Phase: "leaf", Step: 1, Command: "MERGE", Rows: 3}, LevelInfo, "phase 1: update users set a …: 3 rows merged in 0.0 s"},
		{StepDone{Phase: "leaf", Step: 1, Command: "TRUNCATE TABLE"}, LevelInfo, "phase 1: update users set a …: truncated in 0.0 s"},
		{StepDone{Phase: "leaf", Step: 1, Command: "ALTER SEQUENCE"}, LevelInfo, "phase 1: update users set a …: ALTER SEQUENCE done in 0.0 s"},
		{PhaseVerified{Phase: "leaf", Results: []Verification{{Pass: true}, {Kind: VerifyConstraints, Name: "deferred constraints", Unknown: "connection reset"}}}, LevelBad, "phase 1: verified: 1 of 2 hold; not known: constraints deferred constraints: unknown: connection reset"},
		{SurveyTaken{Survey{Deletes: []string{"a"}, Sessions: 9}}, LevelInfo, "survey: deletes from 1 table, 0 tables more through foreign keys, 0 triggers, 9 sessions at its widest"},
		{SurveyTaken{Survey{Deletes: []string{"a"}}}, LevelInfo, "survey: deletes from 1 table, 0 tables more through foreign keys, 0 triggers"}, // an old journal's
		{PhaseUndone{Phase: "leaf", Reason: "the ledger has no row of it"}, LevelBad, "phase 1: NO LONGER HELD: it was committed, and the database does not hold that: the ledger has no row of it"},
		{ConditionRaised{Condition: "rows_unexpected", Phase: "phase3", Strength: HoldStrength, Detail: "bookings: 1 row deleted, 4,000 expected"}, LevelWarn, "phase phase3: abort condition rows unexpected: bookings: 1 row deleted, 4,000 expected"},
		{ServerAwaited{What: "count bookings"}, LevelInfo, "waiting for the database: count bookings"},
		{RunResumed{Operator: Operator{Name: "ada", Host: "ops1"}, TornBytes: 1}, LevelWarn, "run resumed by ada@ops1; cut from the journal: 1 byte of an unfinished last line"},
		{PhaseCommitted{Phase: "leaf", Took: 12 * time.Second}, LevelGood, "phase 1: COMMITTED after 12 s: 48,210 rows deleted, 12 more by foreign keys and triggers"},
		{PhaseCommitted{Phase: "leaf", Took: 12 * time.Second, Warned: []string{"a", "b\x1b"}}, LevelWarn, "phase 1: COMMITTED after 12 s: 48,210 rows deleted, 12 more by foreign keys and triggers; the server warned at COMMIT: a; b"},
		{PhaseCommitted{Phase: "leaf", Took: 12 * time.Second, Settled: true}, LevelGood, "phase 1: COMMITTED after 12 s: 48,210 rows deleted, 12 more by foreign keys and triggers (settled afterwards: COMMIT's own answer was lost)"},
		{PhaseRolledBack{Phase: "leaf", Reason: "too slow", By: "ada@ops1"}, LevelBad, "phase 1: ROLLED BACK after 0.0 s, nothing changed: too slow, by ada@ops1"},
		{PhaseVerified{Phase: "leaf", Results: []Verification{{Pass: true}, {Kind: VerifyZero, Name: "users", Want: "0 rows", Got: "3 rows"}}}, LevelBad, "phase 1: verified: 1 of 2 hold; failed: zero users: 3 rows, want 0 rows"},
		{HoldOpened{Phase: "leaf", Until: time.Date(2026, 1, 31, 2, 2, 0, 0, time.UTC)}, LevelWarn, "phase 1: waits for COMMIT or ROLLBACK, rolls back in 2 min"},
		{LockWaited{Phase: "leaf", LockWait: LockWait{Table: "users", Waited: 3 * time.Second, Attempt: 1, Blockers: []Blocker{{PID: 4711, User: "app", Application: "web", State: "idle in transaction"}}}}, LevelWarn, "phase 1: waits for a lock on users since 3.0 s, blocked by session 4711 of app (web), idle in transaction"},
		{TableCounted{Phase: "leaf", Table: "notes", Rows: 0}, LevelInfo, "phase 1: notes: 0 rows left"},
		{ItemTicked{Item: "backup", By: "ada@ops1"}, LevelGood, "ticked: The backup is taken, by ada@ops1"},
		{ItemAssumed{Item: "backup"}, LevelWarn, "assumed, nobody looked: The backup is taken"},
		{FieldRecorded{Item: "backup", Field: "backup_id", Value: "b\x1b]0;x\x07 1", By: "ada"}, LevelInfo, "recorded: Backup ID: b 1, by ada"},
		{GatePassed{Approver: "B. Boss", By: "ada"}, LevelGood, "GO: approved by B. Boss, by ada"},
		{GatePassed{Approver: "nobody", Assumed: true}, LevelGood, "GO: assumed, nobody approved"},
		{ConditionRaised{Condition: "phase_slow", Phase: "leaf", Strength: RollbackStrength, Detail: "over 5 min"}, LevelBad, "phase 1: abort condition phase slow: over 5 min; rolling back"},
		{RunClosed{Outcome: Aborted}, LevelBad, "run closed: aborted"},
	}
	for _, c := range cases {
		line, ok := Describe(described(), c.event)
		if !ok || line.Level != c.level || line.Text != c.want {
			t.Errorf("%s: %v, %s %q\nwant %s %q", c.event.Kind(), ok, line.Level, line.Text, c.level, c.want)
		}
		if line.Seq != 7 || line.At.IsZero() {
			t.Errorf("%s: seq %d at %s", c.event.Kind(), line.Seq, line.At)
		}
	}
}

// An event that nobody taught describe would be missing from every log.
func TestDescribeKnowsEveryEvent(t *testing.T) {
	silent := []string{"table_progressed", "step_started", "check_answered", "checks_asked", "action_progressed", "capsule_progressed", "undo_trial_progressed", "fence_seen", "activity_seen"}
	for _, e := range kinds {
		_, ok := Describe(described(), reflect.Zero(reflect.TypeOf(e)).Interface().(Event))
		if want := !slices.Contains(silent, e.Kind()); ok != want {
			t.Errorf("%s: a line %v, want %v", e.Kind(), ok, want)
		}
	}
}

func TestOnlyTheFirstOfEqualAnswersIsALine(t *testing.T) {
	s := described()
	var got []string
	for _, e := range []CheckAnswered{
		{Item: "quiet", Value: "3 connections"},
		{Item: "quiet", Value: "2 connections"},
		{Item: "quiet", Pass: true, Value: "0 connections"},
		{Item: "quiet", Pass: true, Value: "0 connections"},
		{Item: "quiet", Error: "timeout"},
	} {
		s.At = s.At.Add(time.Second)
		if err := e.apply(s); err != nil {
			t.Fatal(err)
		}
		if line, ok := Describe(s, e); ok {
			got = append(got, string(line.Level)+" "+line.Text)
		}
	}
	want := []string{
		"warn check failed: Nobody is connected: found 3 connections",
		"good check passed: Nobody is connected: 0 connections",
		"warn check not answered: Nobody is connected: timeout",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDescribeThinsLockWaits(t *testing.T) {
	n := 0
	for i := range 30 {
		if _, ok := Describe(described(), LockWaited{Phase: "leaf", LockWait: LockWait{Attempt: i + 1}}); ok {
			n++
		}
	}
	if n != 4 { // the 1st, 10th, 20th and 30th
		t.Errorf("%d lines of 30 waits, want 4", n)
	}
}

func TestSpanAndDigits(t *testing.T) {
	spans := map[time.Duration]string{
		0: "0.0 s", 440 * time.Millisecond: "0.4 s", 9949 * time.Millisecond: "9.9 s", 9950 * time.Millisecond: "10 s",
		59600 * time.Millisecond: "1 min", 185 * time.Second: "3 min 05 s", time.Hour: "1 h", 62 * time.Minute: "1 h 02 min", -time.Second: "-1.0 s", math.MinInt64: "-2562047 h 47 min",
	}
	for d, want := range spans {
		if got := Span(d); got != want {
			t.Errorf("Span(%v) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := Digits(n); got != want {
			t.Errorf("Digits(%d) = %q, want %q", n, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[2J\x07", "a\r\nb\tc", "exe\u202egnp", "\xff\xfe", "\u009b31m", "é 日本"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Clean(text)
		if Clean(got) != got {
			t.Errorf("Clean is not stable on %q", text)
		}
		if strings.IndexFunc(got, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) && r != ' '
		}) >= 0 || !strings.ContainsFunc(text, func(r rune) bool { return r > 126 || r < 32 }) && got != text {
			t.Errorf("Clean(%q) = %q", text, got)
		}
	})
}
