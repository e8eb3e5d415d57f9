package phases

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// fold gives the state that a journal of events leaves.
func fold(t *testing.T, events ...Event) (*State, error) {
	t.Helper()
	var recs []journal.Record
	for i, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, journal.Record{Seq: uint64(i + 1), At: time.Date(2026, 1, 31, 2, i, 0, 0, time.UTC), Kind: e.Kind(), Data: data})
	}
	return Fold(recs)
}

// What a journal recorded was right when it was recorded: a rule that came
// later must not make it unreadable.
func TestARunbookThatTheRulesRefuseStillFolds(t *testing.T) {
	const source = `tminus: 1
title: An old reset
window: {planned: 1m, abort: 30s}
phases:
  - id: users
    title: Users
    risk: grave
    planned: 300h
    steps:
      - {delete: users, where: "id > 5; SELECT 1"}
      - {sql: VACUUM users, touch: [users], rows: any}
`
	if _, err := runbook.Parse("old.yaml", []byte(source)); err == nil {
		t.Fatal("the rules accept it: it shows nothing")
	}
	s, err := fold(t,
		RunOpened{RunID: "r1", Version: "0.1", File: "old.yaml", Source: source},
		GatePassed{Approver: "B. Boss", By: "ada"},
		PhaseStarted{Phase: "users"},
		StepDone{Phase: "users", Rows: 3},
	)
	if err != nil {
		t.Fatal(err)
	}
	steps := s.Phases[0].Plan.Steps
	if len(steps) != 2 || steps[0].Where != "id > 5; SELECT 1" || steps[1].SQL != "VACUUM users" || s.Phases[0].Plan.Planned != 300*time.Hour {
		t.Errorf("folded to %+v", s.Phases[0].Plan)
	}
	if len(s.Log) == 0 || !strings.Contains(s.Log[len(s.Log)-1].Text, "3 rows") {
		t.Errorf("log %+v", s.Log)
	}
}

// A key that this version does not know may ask for less to be deleted, or for
// more to be verified: what is left of the run is not for this version.
func TestARunbookOfALaterVersionIsReadAndNotGoneOnWith(t *testing.T) {
	const source = "tminus: 1\ntitle: T\nphases:\n  - {id: p, title: P, risk: high, planned: 1m, steps: [{delete: a%s}]}\n"
	start := func(more string) error {
		s, err := fold(t,
			RunOpened{RunID: "r1", Version: "9.0", File: "later.yaml", Source: strings.Replace(source, "%s", more, 1)},
			GatePassed{Approver: "B. Boss", By: "ada"},
		)
		if err != nil {
			t.Fatal(err)
		}
		return s.Can(StartPhase{Phase: "p"}, s.At)
	}
	if err := start(", only: newest"); err == nil || !strings.Contains(err.Error(), `line 4: "only"`) || !strings.Contains(err.Error(), "9.0") {
		t.Errorf("a key of a later version: %v", err)
	}
	if err := start(""); err != nil && strings.Contains(err.Error(), "does not know") {
		t.Errorf("without it: %v", err)
	}
}
