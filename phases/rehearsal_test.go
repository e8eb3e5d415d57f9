package phases

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const rehearsedBook = "tminus: 1\ntitle: T\nphases:\n  - {id: p, title: P, risk: high, planned: 1m, delete: [a]}\n  - {id: q, title: Q, risk: high, planned: 1m, delete: [b]}\n"

func rehearsedPrint() SchemaPrint {
	return SchemaPrint{Hash: "all", Tables: map[string]string{"a": "1", "b": "2"}}
}

// goodRehearsal is one that holds nothing.
func goodRehearsal(now time.Time) Rehearsed {
	schema := rehearsedPrint()
	return Rehearsed{
		Journal: "book.journal", Environment: Rehearsal, SHA256: "s", Outcome: Completed, EndedAt: now.Add(-24 * time.Hour), Schema: &schema,
		Phases: []RehearsedPhase{{Phase: "p", Status: PhaseIsCommitted, Worked: 12 * time.Second}, {Phase: "q", Status: PhaseIsCommitted}},
		Counts: []TableCount{{Table: "a", Rows: 100}, {Table: "b", Rows: 100}, {Table: "b", Where: "n > 1", Rows: 40}},
	}
}

// Every way in which a rehearsal says nothing for production holds the gate there,
// with its reason; nothing does elsewhere, in an old journal, or where the
// runbook wants none.
func TestWhatARehearsalLacksHoldsTheGate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 3, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(*RunOpened, *Survey)
		want   string
	}{
		"good":         {func(*RunOpened, *Survey) {}, ""},
		"none":         {func(o *RunOpened, _ *Survey) { *o.Rehearsed = Rehearsed{} }, "no journal of one of this runbook was found; rehearse with `tminus rehearse book.yaml`"},
		"production's": {func(o *RunOpened, _ *Survey) { o.Rehearsed.Environment = Production }, "book.journal is the journal of a run in production"},
		"another runbook": {func(o *RunOpened, _ *Survey) {
			o.Rehearsed.SHA256, o.Rehearsed.Differs = "x", []string{"@@ -1 +1 @@", "-old", "+new"}
		}, "rehearsed another runbook; from that to this: @@ -1 +1 @@ -old +new"},
		"unfinished": {func(o *RunOpened, _ *Survey) { o.Rehearsed.Outcome = "" }, "book.journal is unfinished; finish it"},
		"rolled back": {func(o *RunOpened, _ *Survey) {
			o.Rehearsed.Outcome, o.Rehearsed.Phases[1].Status = "", PhaseIsRolledBack
		}, "is unfinished, phase 2 is rolled back"},
		"aborted":             {func(o *RunOpened, _ *Survey) { o.Rehearsed.Outcome = Aborted }, "ended as aborted"},
		"no-go":               {func(o *RunOpened, _ *Survey) { o.Rehearsed.Outcome = NoGo }, "ended as NO-GO"},
		"undone":              {func(o *RunOpened, _ *Survey) { o.Rehearsed.Phases[0].Status = PhaseIsUndone }, "ended as completed, phase 1 is undone"},
		"undone, accepted":    {func(o *RunOpened, _ *Survey) { o.Rehearsed.Phases[0].Accepted = true }, "ended as completed, phase 1 was undone"},
		"a week old":          {func(o *RunOpened, _ *Survey) { o.Rehearsed.EndedAt = now.Add(-7 * 24 * time.Hour) }, ""},
		"older":               {func(o *RunOpened, _ *Survey) { o.Rehearsed.EndedAt = now.Add(-7*24*time.Hour - time.Second) }, "over the limit of 168 h"},
		"of its own limit":    {func(o *RunOpened, _ *Survey) { o.Source += "rehearsal: {max_age: 23h}\n" }, "over the limit of 23 h"},
		"from the future":     {func(o *RunOpened, _ *Survey) { o.Rehearsed.EndedAt = now.Add(time.Hour) }, "in the future, at 2026-01-31 04:00:00 UTC"},
		"clocks apart":        {func(o *RunOpened, _ *Survey) { o.Rehearsed.EndedAt = now.Add(time.Second) }, ""},
		"of an old version":   {func(o *RunOpened, _ *Survey) { o.Rehearsed.Schema = nil }, "does not say what its tables were like"},
		"no survey's":         {func(_ *RunOpened, s *Survey) { s.Schema = nil }, "nobody knows yet what the tables are like"},
		"another schema":      {func(_ *RunOpened, s *Survey) { *s.Schema = SchemaPrint{"x", map[string]string{"a": "9", "c": "3"}} }, "as book.journal had it: a differs, b is missing, c is new; make the copy anew"},
		"in demo":             {func(o *RunOpened, _ *Survey) { o.Environment, *o.Rehearsed = Demo, Rehearsed{} }, ""},
		"in a rehearsal":      {func(o *RunOpened, _ *Survey) { o.Environment, *o.Rehearsed = Rehearsal, Rehearsed{} }, ""},
		"in an old journal":   {func(o *RunOpened, _ *Survey) { o.Rehearsed = nil }, ""},
		"where none is meant": {func(o *RunOpened, _ *Survey) { *o.Rehearsed = Rehearsed{}; o.Source += "rehearsal: none\n" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			good, schema := goodRehearsal(now), rehearsedPrint()
			opened := RunOpened{RunID: "r", File: "book.yaml", SHA256: "s", Source: rehearsedBook, Environment: Production, Rehearsed: &good, Target: Identity{Database: "gym"}}
			survey := Survey{Schema: &schema}
			c.change(&opened, &survey)
			s, err := fold(t, opened, SurveyTaken{survey})
			if err != nil {
				t.Fatal(err)
			}
			holds := s.GateHolds(now)
			switch {
			case c.want == "" && len(holds) > 0:
				t.Errorf("held by %v", holds)
			case c.want != "" && (len(holds) != 1 || !strings.HasPrefix(holds[0].Text, "the rehearsal: ") || !strings.Contains(holds[0].Text, c.want)):
				t.Errorf("held by %v, want %q", holds, c.want)
			}
			if name != "where none is meant" && name != "in an old journal" { // neither can ask
				completed, schema := CompletedAnswer(nil, s.Facts(), now), SchemaAnswer(nil, s.Facts(), now)
				if (completed.Pass && schema.Pass) != (c.want == "") || c.want != "" && !strings.Contains(completed.Value+schema.Value, c.want) {
					t.Errorf("as checks: %+v, %+v, want %q", completed, schema, c.want)
				}
			}
			if (s.NoRehearsal() != "") != (name == "where none is meant") {
				t.Errorf("of none it says %q", s.NoRehearsal())
			}
		})
	}
}

// What the run itself changes is no other schema; what others change before it
// begins is.
func TestTheRunsOwnChangesAreNoOtherSchema(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 3, 0, 0, 0, time.UTC)
	good, schema, other := goodRehearsal(now), rehearsedPrint(), SchemaPrint{"x", map[string]string{"a": "9"}}
	opened := RunOpened{File: "book.yaml", SHA256: "s", Source: rehearsedBook, Environment: Production, Rehearsed: &good}
	for name, c := range map[string]struct {
		between []Event
		held    bool
	}{
		"nothing":               {nil, true},
		"it disabled triggers":  {[]Event{TriggersRecorded{Triggers: []Trigger{{Table: "a", Name: "fires"}}}}, false},
		"its first phase began": {[]Event{GatePassed{Approver: "Ann"}, PhaseStarted{Phase: "p"}}, false},
	} {
		s, err := fold(t, append(append([]Event{opened, SurveyTaken{Survey{Schema: &schema}}}, c.between...), SurveyTaken{Survey{Schema: &other}})...)
		if err != nil {
			t.Fatal(err)
		}
		if holds := s.rehearsalHolds(now); (len(holds) > 0) != c.held {
			t.Errorf("%s: held by %v", name, holds)
		}
	}
}

// A count of less than half of the rehearsal's holds the next phase until somebody
// takes it on by name; a higher one holds nothing.
func TestFarFewerRowsThanRehearsedHoldTheNextPhase(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 2, 20, 0, 0, time.UTC)
	good, schema := goodRehearsal(now), rehearsedPrint()
	events := []Event{
		RunOpened{File: "book.yaml", SHA256: "s", Source: rehearsedBook, Environment: Production, Rehearsed: &good},
		SurveyTaken{Survey{Schema: &schema}},
		GatePassed{Approver: "Ann"},
		PhaseStarted{Phase: "p"},
		BaselineTaken{Phase: "p", Baseline: Baseline{Counts: []TableCount{{Table: "a", Rows: 111}, {Table: "b", Rows: 49}, {Table: "b", Where: "n > 1", Rows: 20}, {Table: "new", Rows: 0}}}},
		PhaseCommitted{Phase: "p"},
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
	var told []string
	for _, c := range s.Compared() {
		told = append(told, fmt.Sprint(c, " ", c.Ratio(), " ", c.Low(), " ", c.High()))
	}
	want := []string{
		"a holds 111 rows, and held 100 when this was rehearsed 1.11 × false true",
		"b holds 49 rows, and held 100 when this was rehearsed 0.49 × true false",
		"b where n > 1 holds 20 rows, and held 40 when this was rehearsed 0.5 × false false",
	}
	if !slices.Equal(told, want) {
		t.Errorf("compared %q", told)
	}
	holds := s.PhaseHolds(1, now)
	if len(holds) != 1 || holds[0].Code != CountLow || !strings.Contains(holds[0].Text, "b holds 49 rows") {
		t.Fatalf("held by %v", holds)
	}
	if err := s.Can(Acknowledge{Code: CountLow, Who: "Ann", Typed: CountLow}, now); err != nil {
		t.Error(err)
	}
	s = after(FindingsAcknowledged{Code: CountLow, Who: "Ann", By: "ada"})
	if holds := s.PhaseHolds(1, now); len(holds) > 0 {
		t.Errorf("taken on, still held by %v", holds)
	}
	if last := s.Log[len(s.Log)-1].Text; last != "baseline: 1 finding of count-low acknowledged by Ann, by ada" {
		t.Errorf("the log says %q", last)
	}
}

// What a journal says of a rehearsal is what its run came to.
func TestARehearsalIsReadFromItsFold(t *testing.T) {
	t.Parallel()
	schema := rehearsedPrint()
	s, err := fold(t,
		RunOpened{RunID: "r", File: "book.yaml", SHA256: "s", Source: rehearsedBook, Environment: Rehearsal},
		SurveyTaken{Survey{Schema: &schema}}, GatePassed{Assumed: true}, PhaseStarted{Phase: "p"}, TablesLocked{Phase: "p"},
		BaselineTaken{Phase: "p", Baseline: Baseline{Counts: []TableCount{{Table: "a", Rows: 5}}, Protected: []Fingerprint{{Table: "keep", Rows: 1, Hash: "h"}}}},
		StepStarted{Phase: "p"}, StepDone{Phase: "p", Rows: 5}, PhaseVerified{Phase: "p"}, HoldOpened{Phase: "p"}, PhaseCommitted{Phase: "p", Took: time.Minute},
	)
	if err != nil {
		t.Fatal(err)
	}
	r := RehearsedBy(s, "J", rehearsedBook+"\n")
	p := r.Phase("p")
	if r.Outcome != "" || r.RunID != "r" || r.Schema.Hash != "all" || p != nil || r.Rows("keep", "") != 1 || r.Rows("a", "") != 5 || r.Rows("z", "") != -1 {
		t.Errorf("read as %+v, p as %+v", r, p)
	}
	r = RehearsedBy(s, "J", rehearsedBook)
	if p = r.Phase("p"); p == nil || p.Status != PhaseIsCommitted || len(p.Tables) != 1 || p.Tables[0] != (RehearsedTable{Table: "a", Deleted: 5}) || p.Time() != s.Phases[0].Worked() || p.Time() == 0 {
		t.Errorf("p is read as %+v", p)
	}
}

func TestDifferingLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2*longestLine)
	for name, c := range map[string]struct {
		from, to string
		want     []string
	}{
		"nothing":     {"a\nb", "a\nb", nil},
		"changed":     {"a\nb\nc", "a\nB\nc", []string{"@@ -2 +2 @@", "-b", "+B"}},
		"added":       {"a\nc", "a\nb\nb\nc", []string{"@@ -1,0 +2,2 @@", "+b", "+b"}},
		"gone":        {"a\nb\nc", "a\nc", []string{"@@ -2 +1,0 @@", "-b"}},
		"at both":     {"a\nb\nc", "A\nb\nC", []string{"@@ -1 +1 @@", "-a", "+A", "@@ -3 +3 @@", "-c", "+C"}},
		"of nothing":  {"", "a", []string{"@@ -1 +1 @@", "-", "+a"}},
		"moved":       {"a\nb\nc\nd", "b\nc\na\nd", []string{"@@ -1 +0,0 @@", "-a", "@@ -3,0 +3 @@", "+a"}},
		"long":        {long, "a", []string{"@@ -1 +1 @@", "-" + long[:longestLine] + "…", "+a"}},
		"no terminal": {"a", "\x1b[31mb\r", []string{"@@ -1 +1 @@", "-a", "+b"}},
		"many":        {strings.Repeat("a\n", 20), strings.Repeat("b\n", 20), append(append([]string{"@@ -1,20 +1,20 @@"}, slices.Repeat([]string{"-a"}, mostDiffering-1)...), "and 29 lines more")},
		"too many":    {strings.Repeat("a\n", 3000), strings.Repeat("b\n", 3000), append(append([]string{"@@ -1,3000 +1,3000 @@"}, slices.Repeat([]string{"-a"}, mostDiffering-1)...), "and 5,989 lines more")},
	} {
		if got := differingLines(c.from, c.to); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
