package phases

import (
	"testing"
	"time"

	"tminus/phases/runbook"
)

// A whole run, event by event: what it waits for is one answer for the screen,
// the plain questions and an unattended run.
func TestNextThroughARun(t *testing.T) {
	const source = `tminus: 1
title: T
window: {planned: 10m, abort: 30m}
checklist:
  - title: Before
    items:
      - {id: seen, text: Seen}
phases:
  - {id: one, title: One, risk: low, planned: 1m, delete: [a]}
  - id: two
    title: Two
    risk: low
    planned: 1m
    delete: [b]
    confirm: [{id: sure, text: Sure}]
after:
  - title: Behind
    items:
      - {id: told, text: Told}
`
	s := &State{}
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	do := func(later time.Duration, e Event) {
		t.Helper()
		at = at.Add(later)
		s.At = at
		if err := e.apply(s); err != nil {
			t.Fatal(err)
		}
		s.Seq++
	}
	want := func(wait Wait, phase string) {
		t.Helper()
		n := s.Next(at)
		got := ""
		if n.Phase != nil {
			got = n.Phase.Plan.ID
		}
		if n.Wait != wait || got != phase {
			t.Errorf("it waits for %q of phase %q, want %q of %q", n.Wait, got, wait, phase)
		}
	}
	do(0, RunOpened{RunID: "r", File: "t.yaml", Source: source})
	want(WaitChecklist, "")
	do(0, ItemTicked{Item: "seen"})
	want(WaitGate, "")
	do(0, GatePassed{Approver: "B."})
	want(WaitStart, "one")
	do(0, PhaseStarted{Phase: "one", Attempt: 1})
	want(WaitPhase, "one")
	do(0, HoldOpened{Phase: "one"})
	want(WaitPhase, "one")
	do(0, OutcomeUnknown{Phase: "one"})
	want(WaitLook, "one")
	do(0, RunInterrupted{Reason: "killed"})
	want(WaitResume, "")
	do(0, RunResumed{})
	do(0, PhaseCommitted{Phase: "one"})
	want(WaitConfirm, "two")
	do(0, ItemTicked{Item: "sure"})
	want(WaitStart, "two")
	do(31*time.Minute, NoteRecorded{Text: "late"})
	want(WaitWindow, "two")
	do(0, WindowExtended{Extra: time.Hour})
	want(WaitStart, "two")
	do(0, PhaseStarted{Phase: "two", Attempt: 1})
	do(0, PhaseCommitted{Phase: "two"})
	want(WaitAfter, "")
	do(0, ItemTicked{Item: "told"})
	want(WaitClose, "")
	do(0, RunClosed{Outcome: Completed})
	want(WaitNobody, "")
}

// After a resume that asks for the gate again, a tick can be taken back: who
// asks whether it can must not ask whether phases have started.
func TestTheGateAskedAgainOpensTheChecklist(t *testing.T) {
	s := described()
	s.Gate.Decision, s.T0 = Go, s.At
	s.Items["backup"] = &ItemState{Ticked: true}
	if err := s.Can(Untick{"backup"}, s.At); err == nil {
		t.Error("a tick can be taken back while phases run")
	}
	if err := (RunResumed{GateAgain: "the interruption was long"}).apply(s); err != nil {
		t.Fatal(err)
	}
	if err := s.Can(Untick{"backup"}, s.At); err != nil {
		t.Error(err)
	}
}

func TestAskByWhatTheItemHas(t *testing.T) {
	field := func(kind runbook.FieldType, required bool) []runbook.Field {
		return []runbook.Field{{ID: "f", Label: "F", Type: kind, Required: required}}
	}
	act := &runbook.Action{Name: runbook.DisableTriggers}
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	failed := &CheckState{At: at}
	for name, c := range map[string]struct {
		item  runbook.Item
		state ItemState
		value string
		want  Need
	}{
		"plain":                             {want: NeedTick},
		"ticked":                            {state: ItemState{Ticked: true}, want: NeedNothing},
		"a field that is required":          {item: runbook.Item{Fields: field(runbook.FieldText, true)}, want: NeedField},
		"a field that is not":               {item: runbook.Item{Fields: field(runbook.FieldText, false)}, want: NeedTick},
		"a required yes that is no":         {item: runbook.Item{Fields: field(runbook.FieldYesNo, true)}, value: "no", want: NeedField},
		"a required yes, ticked before":     {item: runbook.Item{Fields: field(runbook.FieldYesNo, true)}, value: "no", state: ItemState{Ticked: true}, want: NeedField},
		"a required yes":                    {item: runbook.Item{Fields: field(runbook.FieldYesNo, true)}, value: "yes", want: NeedTick},
		"a check":                           {item: runbook.Item{Check: &runbook.Check{}}, want: NeedAnswer},
		"a check that fails":                {item: runbook.Item{Check: &runbook.Check{}}, state: ItemState{Check: failed}, want: NeedAnswer},
		"a check that passes":               {item: runbook.Item{Check: &runbook.Check{}}, state: ItemState{Check: &CheckState{Pass: true}}, want: NeedNothing},
		"an action":                         {item: runbook.Item{Action: act}, want: NeedAction},
		"an action under way":               {item: runbook.Item{Action: act}, state: ItemState{Action: &ActionState{Running: true}}, want: NeedAnswer},
		"an action that is done":            {item: runbook.Item{Action: act}, state: ItemState{Action: &ActionState{}}, want: NeedTick},
		"an action that failed":             {item: runbook.Item{Action: act}, state: ItemState{Action: &ActionState{Error: "no"}}, want: NeedAction},
		"an action before its check's word": {item: runbook.Item{Action: act, Check: &runbook.Check{}}, want: NeedAnswer},
		"an action that its check asks for": {item: runbook.Item{Action: act, Check: &runbook.Check{}}, state: ItemState{Check: failed}, want: NeedAction},
		"an answer from before the action":  {item: runbook.Item{Action: act, Check: &runbook.Check{}}, state: ItemState{Check: failed, Action: &ActionState{At: at}}, want: NeedAnswer},
	} {
		c.item.ID = "i"
		s := &State{Items: map[string]*ItemState{"i": &c.state}, Fields: map[string]FieldValue{"f": {Value: c.value}}}
		if got := s.Ask(c.item).Need; got != c.want {
			t.Errorf("%s: it needs %q, want %q", name, got, c.want)
		}
	}
}
