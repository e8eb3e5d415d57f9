package phases

import (
	"strings"
	"testing"
	"time"
)

const waiveBook = `tminus: 1
title: T
backup: {restore: 'pg_restore {{where}}', time_field: taken_at, take: {directory: /b}}
checklist:
  - id: before
    title: Before
    items:
      - {id: human, text: A human looks}
      - {id: never, text: Never, never_waive: true}
      - {id: place, text: Where it is, fields: [{id: where, label: The place}]}
      - {id: taken, text: Taken, action: {name: backup.take}, fields: [{id: taken_at, label: Taken at, type: time}]}
      - {id: aged, text: Young, check: {database: backup.age, remedy: R}}
      - {id: off, text: Off, action: {name: triggers.disable, triggers: [t]}, check: {database: triggers.disabled, remedy: R}}
      - {id: held, text: Held, check: {sql: SELECT 1, expect: "1", through: phases, remedy: R}}
      - {id: asked, text: Asked, check: {database: database.connections, max: 1, remedy: R}}
      - {id: run, text: Run, action: {command: [a]}}
phases:
  - id: one
    title: One
    risk: high
    planned: 1m
    point_of_no_return: true
    confirm: [{id: sure, text: Sure}]
    delete: [a]
after:
  - id: smoke
    title: Smoke
    smoke: true
    items:
      - {id: speed, text: Speed, action: {http: 'http://h.example/'}}
      - {id: grave, text: Grave, never_waive: true, action: {http: 'http://h.example/'}}
      - {id: looks, text: Looks}
  - id: end
    title: End
    items:
      - {id: told, text: Told, never_waive: true}
`

// growing is a run under construction.
type growing struct {
	t *testing.T
	*State
	at time.Time
}

func foldOf(t *testing.T, source string, environment Environment) *growing {
	f := &growing{t: t, State: &State{}, at: time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)}
	f.do(RunOpened{RunID: "r", File: "t.yaml", Source: source, Environment: environment, Target: Identity{Database: "d"}})
	return f
}

func (f *growing) do(events ...Event) {
	f.t.Helper()
	for _, e := range events {
		f.at = f.at.Add(time.Second)
		f.At = f.at
		if err := e.apply(f.State); err != nil {
			f.t.Fatal(err)
		}
		f.Seq++
	}
}

// wants holds that a command is refused with a text, or possible with none.
func (f *growing) wants(c Command, because string) {
	f.t.Helper()
	err := f.Can(c, f.at)
	if because == "" && err != nil || because != "" && (err == nil || !strings.Contains(err.Error(), because)) {
		f.t.Errorf("%+v: got %v, want %q", c, err, because)
	}
}

// through takes the run to behind its last phase.
func (f *growing) through() {
	f.t.Helper()
	f.do(GatePassed{Approver: "B."}, PhaseStarted{Phase: "one", Attempt: 1}, PhaseCommitted{Phase: "one"})
}

// What proves the way back, and what holds phases, nobody waives before the
// gate.
func TestWhatMayBeWaived(t *testing.T) {
	f := foldOf(t, waiveBook, Production)
	waive := func(item string) Waive { return Waive{Item: item, Who: "the DBA on duty", Reason: "R"} }
	for item, because := range map[string]string{
		"human": "", "asked": "", "run": "",
		"never":   "never_waive: before the gate nobody may waive it",
		"place":   "a restore needs The place",
		"taken":   "the gate rests on backup.take",
		"aged":    "the gate rests on backup.age",
		"off":     "the gate rests on triggers.disabled",
		"held":    "it has to hold while phases run",
		"sure":    "the gate has not been passed",
		"speed":   "this stage comes after the last phase",
		"nowhere": "the runbook has no item",
	} {
		f.wants(waive(item), because)
	}
	f.do(ItemTicked{Item: "human"})
	f.wants(waive("human"), "it is done: there is nothing to waive")
	f.do(ActionStarted{Item: "run", Name: "command"})
	f.wants(waive("run"), "its action is under way")
	f.do(ActionDone{Item: "run", Name: "command", Error: "exit code 1"})
	f.do(ItemWaived{Item: "run", Who: "the DBA on duty", Reason: "R"})
	run, _, _ := f.Runbook.Item("run")
	if lacks := f.ItemLacks(run); lacks != "" {
		t.Errorf("what is waived lacks %q", lacks)
	}
	f.wants(waive("run"), "it is waived already")
	// It holds neither the gate nor a phase, also where its check fails.
	f.do(ItemWaived{Item: "asked", Who: "the DBA on duty", Reason: "R"}, CheckAnswered{Item: "asked", Value: "9 connections"})
	for _, h := range f.GateHolds(f.at.Add(time.Hour)) {
		if h.Item == "asked" || h.Item == "run" {
			t.Errorf("it holds: %s", h.Text)
		}
	}
	f.do(WaiverWithdrawn{Item: "asked"})
	if asked, _, _ := f.Runbook.Item("asked"); f.ItemLacks(asked) != "found 9 connections" {
		t.Errorf("it lacks %q", f.ItemLacks(asked))
	}
	f.do(GatePassed{Approver: "B."})
	f.wants(waive("sure"), "a confirmation of the point of no return cannot be waived")
	f.do(PhaseStarted{Phase: "one", Attempt: 1}, PhaseCommitted{Phase: "one"})
	f.wants(waive("speed"), "")
	f.wants(waive("grave"), "never_waive: after the point of no return nobody may waive it")
	f.wants(waive("told"), "first comes")
}

// A rehearsal reaches nothing outside of its copy: who has the item ticks it.
func TestRehearsalRunsNothingOutside(t *testing.T) {
	f := foldOf(t, waiveBook, Rehearsal)
	f.wants(Act{Item: "run"}, "in a rehearsal no command and no request is run")
	f.wants(Tick{Item: "run"}, "")
	run, _, _ := f.Runbook.Item("run")
	if need := f.Ask(run).Need; need != NeedTick {
		t.Errorf("it needs %q", need)
	}
	f = foldOf(t, waiveBook, Production)
	f.wants(Act{Item: "run"}, "")
	f.wants(Tick{Item: "run"}, "its action answers this item")
	if need := f.Ask(run).Need; need != NeedAction {
		t.Errorf("it needs %q", need)
	}
}

// A failure that is newer than the decision about it asks again.
func TestADecisionIsAboutOneFailure(t *testing.T) {
	f := foldOf(t, waiveBook, Production)
	f.through()
	fail := func(item string) {
		f.do(ActionStarted{Item: item, Name: "http"}, ActionDone{Item: item, Name: "http", Error: "status 500"})
	}
	failed := func(want string) {
		t.Helper()
		if it, ok := f.SmokeFailed(); it.ID != want || ok != (want != "") {
			t.Errorf("%q failed, want %q", it.ID, want)
		}
	}
	failed("")
	f.wants(DecideSmoke{Item: "human", Verdict: GoOn, Who: "W", Reason: "R"}, "the checklist is closed")
	fail("speed")
	failed("speed")
	f.do(SmokeDecided{Item: "speed", Verdict: GoOn, Who: "W", Reason: "R"})
	failed("")
	fail("speed")
	failed("speed")
	f.do(ActionDone{Item: "speed", Name: "http"})
	failed("")
	f.wants(DecideSmoke{Item: "speed", Verdict: GoOn, Who: "W", Reason: "R"}, "it has not failed")
	// Who cancels it, or leaves, has found nothing out.
	f.do(ActionStarted{Item: "grave", Name: "http"}, ActionDone{Item: "grave", Name: "http", Error: "cancelled by x", Cancelled: true})
	failed("")
	f.do(ActionStarted{Item: "grave", Name: "http"}, RunResumed{Target: Identity{Database: "d"}})
	failed("")
	if a := f.Item("grave").Action; !a.Cut || !strings.Contains(a.Error, "the program ended before its end was recorded") {
		t.Errorf("cut off: %+v", a)
	}
	f.do(SmokeDecided{Item: "looks", Verdict: Restore, Who: "W", Reason: "R"})
	failed("looks")
	f.do(ItemTicked{Item: "looks"})
	failed("")
}

// Which came first the records tell: a clock that was set back lets no old
// decision stand for a new failure.
func TestADecisionIsAboutOneFailureAlsoWhenTheClockGoesBack(t *testing.T) {
	f := foldOf(t, waiveBook, Production)
	f.through()
	f.do(ActionDone{Item: "speed", Name: "http", Error: "status 500"}, SmokeDecided{Item: "speed", Verdict: GoOn, Who: "W", Reason: "R"})
	if it, ok := f.SmokeFailed(); ok {
		t.Fatalf("%q failed, which somebody took on", it.ID)
	}
	f.at = f.at.Add(-time.Hour)
	f.do(ActionStarted{Item: "speed", Name: "http"}, ActionDone{Item: "speed", Name: "http", Error: "status 503"})
	if it, _ := f.SmokeFailed(); it.ID != "speed" {
		t.Errorf("%q failed, want the test that failed since", it.ID)
	}
	f.do(SmokeDecided{Item: "speed", Verdict: GoOn, Who: "W", Reason: "R"})
	if it, ok := f.SmokeFailed(); ok {
		t.Errorf("%q failed, which somebody took on", it.ID)
	}
}

func TestTailOfAnOutput(t *testing.T) {
	for output, want := range map[string]string{
		"":                                      "",
		"one\r\ntwo  \n\n":                      "one\n\ntwo",
		"\x1b[31mred\x1b[0m\tx\n":               "red x",
		strings.Repeat("line\n", 41):            cutOutput + "\n" + strings.TrimSuffix(strings.Repeat("line\n", 40), "\n"),
		"before\n" + strings.Repeat("x", 1<<13): cutOutput + "\n" + strings.Repeat("x", outputBytes),
		strings.Repeat("é", outputBytes):        cutOutput + "\n" + strings.Repeat("é", outputBytes/2),
	} {
		if got := Tail(output); got != want {
			t.Errorf("%.40q: %d bytes %.60q, want %d bytes %.60q", output, len(got), got, len(want), want)
		}
	}
}
