package phases

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// What the survey found that is grave holds the gate until somebody takes it on
// by its name, kind by kind; what it finds anew holds again.
func TestGraveFindingsHoldTheGate(t *testing.T) {
	t.Parallel()
	grave := func(code, table string) Finding {
		return Finding{Code: code, Severity: SeverityError, Table: table, Text: "rows of " + table + " refuse", Remedy: "decide"}
	}
	found := Survey{Findings: []Finding{grave("key-refuses", "a"), grave("key-refuses", "b"), grave("rule-keeps", "c"), {Code: "key-slow", Severity: SeverityWarning, Text: "slow"}}}
	events := []Event{
		RunOpened{RunID: "r", Target: Identity{Database: "gym"}, Source: "tminus: 1\ntitle: T\nphases:\n  - {id: p, title: P, risk: high, planned: 1m, delete: [a]}\n"},
		SurveyTaken{found},
	}
	after := func(more ...Event) *State {
		events = append(events, more...)
		s, err := fold(t, events...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := after()
	now := time.Now()
	if holds := s.GateHolds(now); len(holds) != 2 || !strings.Contains(holds[0].Text, "key-refuses: rows of a refuse, and 1 more") {
		t.Fatalf("held by %v", holds)
	}
	for c, want := range map[Acknowledge]string{
		{Code: "key-slow", Who: "Ann", Typed: "key-slow"}:       "nothing of",
		{Code: "key-refuses", Who: "Ann", Typed: "key"}:         "type key-refuses",
		{Code: "key-refuses", Who: " ", Typed: "key-refuses"}:   "the name",
		{Code: "key-refuses", Who: "Ann", Typed: "key-refuses"}: "",
	} {
		err := s.Can(c, now)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	if err := s.Can(PassGate{Approver: "Ann", Typed: s.Target.Database}, now); !errors.Is(err, ErrHeld) {
		t.Errorf("the gate: %v", err)
	}
	s = after(FindingsAcknowledged{Code: "key-refuses", Who: "Ann"}, FindingsAcknowledged{Code: "rule-keeps", Who: "Ann"})
	if err := s.Can(PassGate{Approver: "Ann", Typed: s.Target.Database}, now); err != nil {
		t.Errorf("the gate, with all of it taken on: %v", err)
	}
	found.Findings = append(found.Findings, grave("key-refuses", "d"))
	s = after(SurveyTaken{found})
	if holds := s.GateHolds(now); len(holds) != 1 || !strings.Contains(holds[0].Text, "rows of d") {
		t.Errorf("after a survey that found one more, held by %v", holds)
	}
}
