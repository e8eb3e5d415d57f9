package phases

import (
	"strings"
	"testing"
	"time"
)

const askingBook = rehearsedBook + `protected: [keep, kept]
checklist:
  - id: rehearsal
    title: R
    items:
      - {id: ran, text: It ran, check: {database: rehearsal.completed, remedy: R}}
`

// What a rehearsal's journal says of its protected tables, and of what went wrong.
func TestWhatARehearsalSaysOfItself(t *testing.T) {
	t.Parallel()
	intact := []Verification{{Kind: VerifyProtected, Name: "keep", Pass: true}, {Kind: VerifyProtected, Name: "kept", Pass: true}}
	for name, c := range map[string]struct {
		events           []Event
		protected, clean string // in the answers that do not pass; empty: it does
	}{
		"good":               {[]Event{PhaseVerified{Phase: "q", Results: intact}}, "", ""},
		"one not asked":      {[]Event{PhaseVerified{Phase: "q", Results: intact[:1]}}, "found 1 of 2 protected tables as they were", ""},
		"only before":        {[]Event{PhaseVerified{Phase: "p", Results: intact}, PhaseCommitted{Phase: "p"}}, "found 0 of 2 protected tables as they were", ""},
		"one unknown":        {[]Event{PhaseVerified{Phase: "q", Results: []Verification{intact[0], {Kind: VerifyProtected, Name: "kept", Unknown: "no privilege"}}}}, "found 1 of 2", ""},
		"one changed":        {[]Event{PhaseVerified{Phase: "q", Results: []Verification{intact[0], {Kind: VerifyProtected, Name: "kept"}}}}, "found 1 of 2", ""},
		"a phase twice":      {[]Event{PhaseStarted{Phase: "q", Attempt: 2}, PhaseVerified{Phase: "q", Results: intact}}, "", "phase 2 was tried 2 times; find out why"},
		"an abort condition": {[]Event{PhaseVerified{Phase: "q", Results: intact}, ConditionRaised{Condition: ConditionSlow, Phase: "p", Detail: "6 min"}}, "", "abort condition phase slow: 6 min; find out why"},
	} {
		opened := RunOpened{File: "book.yaml", SHA256: "s", Source: askingBook, Environment: Rehearsal}
		s, err := fold(t, append([]Event{opened, GatePassed{}, PhaseStarted{Phase: "p", Attempt: 1}, PhaseCommitted{Phase: "p"}, PhaseStarted{Phase: "q", Attempt: 1}}, append(c.events, PhaseCommitted{Phase: "q"}, RunClosed{Outcome: Completed})...)...)
		if err != nil {
			t.Fatal(err)
		}
		by := RehearsedBy(s, "book.journal", askingBook)
		opened.Environment, opened.Rehearsed = Production, &by
		run, err := fold(t, opened)
		if err != nil {
			t.Fatal(err)
		}
		now := s.At.Add(time.Hour)
		for what, got := range map[string]struct {
			Answer
			want string
		}{"protected": {ProtectedAnswer(nil, run.Facts(), now), c.protected}, "clean": {CleanAnswer(nil, run.Facts(), now), c.clean}} {
			if got.Pass != (got.want == "") || !strings.Contains(got.Value, got.want) {
				t.Errorf("%s: %s is %+v, want %q", name, what, got.Answer, got.want)
			}
		}
		// What an item asks about holds by the item, and by nothing else.
		holds := run.GateHolds(now)
		if len(holds) != 2 || holds[0].Item != "ran" || !strings.Contains(holds[1].Text, "does not say what its tables were like") {
			t.Errorf("%s: held by %v", name, holds)
		}
	}
}

// A demo and a rehearsal rest on no rehearsal, and say so.
func TestWhereNoRehearsalIsAskedFor(t *testing.T) {
	t.Parallel()
	for env, want := range map[Environment]string{Demo: "a demo rests on no rehearsal", Rehearsal: "this run is the rehearsal"} {
		s, err := fold(t, RunOpened{File: "book.yaml", Source: askingBook, Environment: env})
		if err != nil {
			t.Fatal(err)
		}
		for _, ask := range []Answer{CompletedAnswer(nil, s.Facts(), s.At), ProtectedAnswer(nil, s.Facts(), s.At), CleanAnswer(nil, s.Facts(), s.At), SchemaAnswer(nil, s.Facts(), s.At)} {
			if !ask.Pass || !strings.Contains(ask.Value, want) {
				t.Errorf("in %s: %+v", env, ask)
			}
		}
	}
}
