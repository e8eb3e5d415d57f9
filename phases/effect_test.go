package phases

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tminus/phases/journal"
	"tminus/phases/runbook"
)

const effectBook = `
tminus: 1
title: small
phases:
  - id: count
    title: Count
    risk: none
    planned: 1m
    count: [parent, child]
  - id: first
    title: First
    risk: high
    planned: 1m
    steps:
      - {sql: UPDATE child SET n = 1, touch: [child], rows: any}
      - {delete: parent, where: id < 10}
      - {sql: SELECT count(*) FROM child, rows: any}
  - id: second
    title: Second
    risk: high
    planned: 1m
    steps: [{delete: child}, {sql: TRUNCATE log, touch: [log], rows: any}]
    zero: [child]
  - id: third
    title: Third
    risk: high
    planned: 1m
    steps: [{sql: DELETE FROM child, touch: [child], rows: any}, {delete: log}, {delete: parent}]
`

// folded is the state after a run of effectBook has recorded events, a second
// after one another.
func folded(t *testing.T, events ...Event) *State {
	t.Helper()
	s := &State{}
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	all := append([]Event{RunOpened{RunID: "r", Source: effectBook}, SurveyTaken{Survey{Reach: []Reach{{From: "parent", Table: "grand", Action: ReachCascade}}}}}, events...)
	for i, e := range all {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(journal.Record{Seq: uint64(i + 1), At: at.Add(time.Duration(i) * time.Second), Kind: e.Kind(), Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func counted(phase string) BaselineTaken {
	return BaselineTaken{Phase: phase, Baseline: Baseline{Counts: []TableCount{
		{Table: "parent", Rows: 100}, {Table: "parent", Where: "id < 10", Rows: 9}, {Table: "child", Rows: 4000}, {Table: "log", Rows: 7}, {Table: "grand", Rows: 50},
	}}}
}

// firstPhase are the events of phase first, to where it may be committed.
func firstPhase(command func(string) string) []Event {
	update := map[string]Touched{"child": {Updated: 10}}
	all := map[string]Touched{"child": {Updated: 10, Deleted: 18}, "parent": {Deleted: 9}}
	return []Event{
		PhaseStarted{Phase: "first", Attempt: 1},
		TableCounted{Phase: "first", Table: "child", Rows: 4000},
		counted("first"),
		TablesLocked{Phase: "first"},
		StepStarted{Phase: "first", Step: 0},
		StepDone{Phase: "first", Step: 0, Command: command("UPDATE"), Rows: 10, Touched: update},
		StepStarted{Phase: "first", Step: 1},
		StepDone{Phase: "first", Step: 1, Command: command("DELETE"), Rows: 9, Touched: all},
		StepStarted{Phase: "first", Step: 2},
		StepDone{Phase: "first", Step: 2, Command: command("SELECT"), Rows: 1, Touched: all},
		PhaseVerified{Phase: "first", Results: []Verification{{Kind: VerifyFilled, Name: "child", Rows: 3982, Pass: true}}, Touched: all},
	}
}

func asWritten(c string) string { return c }

func table(t *testing.T, s *State, phase, name string) TableState {
	t.Helper()
	for _, row := range s.Phase(phase).Tables {
		if row.Name == name {
			return row
		}
	}
	t.Fatalf("phase %s has no row %s: %+v", phase, name, s.Phase(phase).Tables)
	return TableState{}
}

func TestRowsAreWhatTheirCommandDid(t *testing.T) {
	for name, command := range map[string]func(string) string{"today": asWritten, "an old journal": func(string) string { return "" }} {
		t.Run(name, func(t *testing.T) {
			s := folded(t, append(firstPhase(command), PhaseCommitted{Phase: "first"})...)
			p := s.Phase("first")
			if want := (Effect{Deleted: 9, Cascaded: 18, Updated: 10}); p.Did() != want {
				t.Errorf("did %+v, want %+v", p.Did(), want)
			}
			if row := table(t, s, "first", "UPDATE child SET n …"); row.Role != RoleSQL || row.Rows != 10 || row.Command != command("UPDATE") || row.Effect() != (Effect{}) {
				t.Errorf("the statement's row: %+v", row)
			}
			if row := table(t, s, "first", "child"); row.Role != RoleTouch || row.Updated != 10 || row.Cascaded != 18 || row.Deleted != 0 || row.Expected != 4000 {
				t.Errorf("the table that it changes: %+v", row)
			}
			if last := s.Log[len(s.Log)-1].Text; !strings.HasSuffix(last, "9 rows deleted, 18 more by foreign keys and triggers, 10 updated") {
				t.Errorf("the log says %q", last)
			}
		})
	}
}

func TestWhatIsDeletedByAStatementIsItsOwn(t *testing.T) {
	s := folded(t, PhaseStarted{Phase: "first", Attempt: 1}, counted("first"), StepStarted{Phase: "first", Step: 0},
		StepDone{Phase: "first", Step: 0, Command: "DELETE", Rows: 5, Touched: map[string]Touched{"child": {Deleted: 5}}},
		StepStarted{Phase: "first", Step: 1},
		StepDone{Phase: "first", Step: 1, Rows: 9, Touched: map[string]Touched{"child": {Deleted: 7}, "parent": {Deleted: 9}}})
	if row := table(t, s, "first", "child"); row.Deleted != 5 || row.Cascaded != 2 {
		t.Errorf("%+v, want 5 deleted, 2 by cascade", row)
	}
}

func TestBaselineIsNotAPhasesOwnCount(t *testing.T) {
	s := folded(t, PhaseStarted{Phase: "second", Attempt: 1}, TableCounted{Phase: "second", Table: "child", Rows: 4000}, counted("second"))
	row := table(t, s, "second", "child")
	if row.Left != -1 || row.Expected != 4000 || !row.EndedAt.IsZero() {
		t.Errorf("before its steps: %+v", row)
	}
	if share, ok := row.Share(); ok {
		t.Errorf("a share of %v before it began", share)
	}
	for _, l := range s.Log {
		if strings.Contains(l.Text, "left") {
			t.Errorf("the log says %q", l.Text)
		}
	}
	s = folded(t, PhaseStarted{Phase: "count", Attempt: 1}, TableCounted{Phase: "count", Table: "child", Rows: 4000}, counted("count"), PhasePassed{Phase: "count"})
	if row := table(t, s, "count", "child"); row.Left != 4000 || s.Phase("count").Did() != (Effect{}) {
		t.Errorf("a phase that reads: %+v, did %s", row, s.Phase("count").DidWords())
	}
}

func TestExpectedIsWhatShouldBeThere(t *testing.T) {
	committed := append(firstPhase(asWritten), PhaseCommitted{Phase: "first"})
	second := append(committed, PhaseStarted{Phase: "second", Attempt: 1}, StepStarted{Phase: "second"},
		StepDone{Phase: "second", Rows: 3982}, StepDone{Phase: "second", Step: 1, Command: "TRUNCATE TABLE"})
	s := folded(t, append(second, PhaseCommitted{Phase: "second"}, PhaseStarted{Phase: "third", Attempt: 1})...)
	for _, c := range []struct {
		phase, table string
		want         int64
	}{
		{"first", "parent", 9},
		{"second", "child", 3982},
		{"third", "child", 0},
		{"third", "parent", 91},
		{"third", "log", -1}, // truncated: nobody counted
	} {
		if got := table(t, s, c.phase, c.table).Expected; got != c.want {
			t.Errorf("%s expects %d rows of %s, want %d", c.phase, got, c.table, c.want)
		}
	}
	if said := s.Phase("second").DidWords(); said != "3,982 rows deleted, log truncated" {
		t.Errorf("second: %q", said)
	}
	// Without counts under conditions, as in old journals, nobody knows.
	old := counted("first")
	old.Counts = append(old.Counts[:1:1], old.Counts[2:]...)
	s = folded(t, PhaseStarted{Phase: "first", Attempt: 1}, old, StepStarted{Phase: "first", Step: 1}, TableProgressed{Phase: "first", Step: 1, Deleted: 9})
	if row := table(t, s, "first", "parent"); row.Expected != -1 {
		t.Errorf("expects %d", row.Expected)
	} else if share, ok := row.Share(); ok {
		t.Errorf("a share of %v by rows", share)
	}
}

func TestWhatWasUndoneLooksUndone(t *testing.T) {
	done := Effect{Deleted: 9, Cascaded: 18, Updated: 10}
	check := func(s *State, left int64) {
		t.Helper()
		p, row := s.Phase("first"), table(t, s, "first", "child")
		if p.Did() != (Effect{}) || p.Undone() != done || row.Left != left || row.Cascaded != 0 || !row.EndedAt.IsZero() {
			t.Errorf("%s: did %s, undone %s, %+v", p.Status, p.Did(), p.Undone(), row)
		}
		for _, row := range p.Tables {
			if share, ok := row.Share(); ok {
				t.Errorf("%s: %s has a share of %v", p.Status, row.Name, share)
			}
		}
	}
	check(folded(t, append(firstPhase(asWritten), PhaseRolledBack{Phase: "first"})...), 4000)
	undone := append(firstPhase(asWritten), PhaseCommitted{Phase: "first"}, PhaseUndone{Phase: "first", Reason: "restored"}, PhaseUndone{Phase: "first", Reason: "restored"})
	s := folded(t, undone...)
	check(s, -1)
	if s.ExitCode() != 5 || !strings.Contains(strings.Join(s.Undoing(), "\n"), "the database does not hold it: first") {
		t.Errorf("exit code %d, %q", s.ExitCode(), s.Undoing())
	}
	s = folded(t, append(undone, PhaseConfirmed{Phase: "first"})...)
	if p := s.Phase("first"); p.Did() != done || p.Undone() != (Effect{}) || table(t, s, "first", "child").Left != 3982 || p.Status != PhaseIsCommitted {
		t.Errorf("confirmed: %s, %+v", p.Status, p.Tables)
	}
	s = folded(t, append(undone, UndoneAccepted{Phase: "first"})...)
	if p := s.Phase("first"); p.Did() != done || table(t, s, "first", "child").Left != -1 {
		t.Errorf("accepted: %s, %+v", p.Status, p.Tables)
	}
}

func TestWholeShareIsForWhatHasEnded(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		row  TableState
		want float64
	}{
		"all blocks, not ended": {TableState{Step: 0, BlocksDone: 4, BlocksTotal: 4, StartedAt: now, Left: -1}, 0.99},
		"all rows, not ended":   {TableState{Step: 0, Deleted: 4, Expected: 4, StartedAt: now, Left: 0}, 0.99},
		"ended":                 {TableState{Step: 0, StartedAt: now, EndedAt: now, Left: -1}, 1},
		"counted empty":         {TableState{Role: RoleZero, Step: -1}, 1},
	} {
		if got, ok := c.row.Share(); !ok || got != c.want {
			t.Errorf("%s: %v, %v, want %v", name, got, ok, c.want)
		}
	}
}

func TestPhaseName(t *testing.T) {
	s := &State{Phases: []PhaseState{{Plan: &runbook.Phase{ID: "phase2"}}, {Plan: &runbook.Phase{ID: "leaf"}}}}
	for id, want := range map[string]string{"phase2": "phase 1", "leaf": "phase 2", "gone": "phase gone"} {
		if got := s.PhaseName(id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}
