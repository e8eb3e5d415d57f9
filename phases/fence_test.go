package phases

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases/journal"
	"tminus/phases/runbook"
)

const fencedSource = `
tminus: 1
title: t
fences:
  - {id: a, title: the alerts, alertmanager: {url: "https://a.example", matchers: ['x="y"']}}
  - {id: g, title: the guards, triggers: [guard]}
phases:
  - {id: p, title: P, risk: high, planned: 1m, delete: [t]}
`

// folding is a state that takes events as a journal's.
type folding struct {
	*State
	t *testing.T
}

func newFolding(t *testing.T) *folding {
	f := &folding{&State{}, t}
	f.add(RunOpened{RunID: "r", File: "t.yaml", Source: fencedSource})
	return f
}

func (f *folding) add(events ...Event) {
	f.t.Helper()
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			f.t.Fatal(err)
		}
		at := time.Date(2026, 1, 31, 2, 0, int(f.Seq), 0, time.UTC)
		if err := f.Apply(journal.Record{Seq: f.Seq + 1, At: at, Kind: e.Kind(), Data: data}); err != nil {
			f.t.Fatal(err)
		}
	}
}

var guard = Trigger{Schema: "public", Table: "t", Name: "guard", Enabled: "R", Definition: "CREATE TRIGGER guard"}

func TestAFenceFolds(t *testing.T) {
	s := newFolding(t)
	if len(s.Fences) != 2 || s.OffLine() != "" || s.Fence("g").Word() != "not off yet" {
		t.Fatalf("opened: %+v", s.Fences)
	}
	on := FenceMark{Text: "1 trigger", Triggers: []Trigger{guard}}
	s.add(FenceRecorded{Fence: "g", Mark: on, By: "dba"})
	if g := s.Fence("g"); !g.MayBeOff() || g.Holding() || g.Word() != "may be off" || !s.TriggersOff || !slices.Equal(s.Triggers, []Trigger{guard}) {
		t.Errorf("recorded: %s, triggers off %t", g.Word(), s.TriggersOff)
	}
	s.add(FenceTaken{Fence: "g", Mark: FenceMark{Text: "1 of 1 disabled"}})
	if want := "OFF for this run since 02:00 UTC: the guards"; s.OffLine() != want || !s.Fence("g").Holding() {
		t.Errorf("the banner is %q, want %q", s.OffLine(), want)
	}
	// Somebody else brings it back, in part and then whole, and it is off again.
	s.add(FenceSeen{Fence: "g", Sight: SeenPartly, Found: "0 of 1 disabled"})
	if want := "OFF for this run since 02:00 UTC: the guards (partly off)"; s.OffLine() != want || s.Fence("g").Holding() {
		t.Errorf("the banner is %q, want %q", s.OffLine(), want)
	}
	s.add(FenceSeen{Fence: "g", Sight: SeenBack, Found: on.Text})
	if s.TriggersOff || s.OffLine() != "" || s.Fence("g").Word() != "switched on by somebody else" {
		t.Errorf("switched on: %s", s.Fence("g").Word())
	}
	s.add(FenceSeen{Fence: "g", Sight: SeenUnknown, Error: "no answer"})
	if !s.TriggersOff || s.OffLine() != "OFF for this run since 02:00 UTC: the guards (unknown)" {
		t.Errorf("what is unknown counts as back: %q", s.OffLine())
	}
	s.add(FenceLiftStarted{Fence: "g", By: "dba"}, RunResumed{})
	if g := s.Fence("g"); g.Failed != "the program ended before it was done" || !g.MayBeOff() {
		t.Errorf("cut off: %+v", g)
	}
	s.add(FenceLifted{Fence: "g", Mark: on})
	if g := s.Fence("g"); s.TriggersOff || g.Word() != "back" || s.OffLine() != "" {
		t.Errorf("lifted: %s", g.Word())
	}
	// Another record of the same trigger takes the place of the first.
	again := guard
	again.Enabled = "A"
	s.add(FenceRecorded{Fence: "g", Mark: FenceMark{Text: "1 trigger", Triggers: []Trigger{again}}})
	if !slices.Equal(s.Triggers, []Trigger{again}) {
		t.Errorf("recorded anew: %v", s.Triggers)
	}
}

func TestASightIsHeldAgainstTheRecord(t *testing.T) {
	recorded, taken := &FenceMark{Text: "3 replicas"}, &FenceMark{Text: "stopped"}
	for name, c := range map[string]struct {
		f     FenceState
		found FenceFound
		want  FenceSight
	}{
		"never touched, on":    {FenceState{}, FenceFound{Mark: FenceMark{Text: "active"}}, SeenBack},
		"never touched, off":   {FenceState{}, FenceFound{Off: true}, SeenOff},
		"as recorded":          {FenceState{Recorded: recorded}, FenceFound{Mark: *recorded}, SeenBack},
		"off":                  {FenceState{Recorded: recorded}, FenceFound{Mark: FenceMark{Text: "0 replicas"}, Off: true}, SeenOff},
		"as when taken":        {FenceState{Recorded: recorded, Taken: taken}, FenceFound{Mark: *taken}, SeenOff},
		"neither":              {FenceState{Recorded: recorded, Taken: taken}, FenceFound{Mark: FenceMark{Text: "5 replicas"}}, SeenChanged},
		"neither, and ours":    {FenceState{Recorded: recorded}, FenceFound{Mark: FenceMark{Text: "1 of 2"}, Ours: true}, SeenPartly},
		"as recorded, and off": {FenceState{Recorded: recorded}, FenceFound{Mark: *recorded, Off: true}, SeenBack},
	} {
		if got := c.f.Sight(c.found); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOnlyWhatCannotComeBackIsLeft(t *testing.T) {
	s := newFolding(t)
	leave := LeaveFence{Fence: "a", Reason: "the on-call team has it"}
	refused := func(want string) {
		t.Helper()
		if err := s.Can(leave, s.At); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	refused("not off by this run")
	s.add(FenceRecorded{Fence: "a", Mark: FenceMark{Text: "on"}}, FenceTaken{Fence: "a", Mark: FenceMark{Text: "off"}})
	refused("until then it has to be off")
	s.add(GatePassed{Approver: "x"}, PhaseStarted{Phase: "p"}, PhaseCommitted{Phase: "p"})
	refused("try that first")
	// A waiver is no way around that: the run would be closed with it off.
	waive := Waive{Item: "back:a", Who: "A. Berg, DBA", Reason: "R"}
	if err := s.Can(waive, s.At); err == nil || !strings.Contains(err.Error(), "what is off for the run comes back") {
		t.Errorf("it may be waived: %v", err)
	}
	s.add(FenceSeen{Fence: "a", Sight: SeenUnknown, Error: "no answer"})
	if err := s.Can(leave, s.At); err != nil {
		t.Fatal(err)
	}
	events, err := leave.Events(s.State, "dba", s.At)
	if err != nil {
		t.Fatal(err)
	}
	s.add(events...)
	it, _, _ := s.Runbook.Item("back:a")
	if it.Action.Name != runbook.LiftFence || !s.ItemDone(it) || s.Fence("a").Word() != "left as it is" {
		t.Errorf("left: %s, lacks %q", s.Fence("a").Word(), s.ItemLacks(it))
	}
	if s.OffLine() != "" {
		t.Errorf("the banner is %q", s.OffLine())
	}
}

func TestOnlyFencesFollowTheEnd(t *testing.T) {
	var after []string
	for _, e := range kinds {
		if AfterClose(e) {
			after = append(after, e.Kind())
		}
	}
	want := []string{"fence_lift_started", "fence_lifted", "fence_failed", "fence_seen", "fence_left"}
	if !slices.Equal(after, want) || !slices.Equal(ClosingKinds(), append([]string{"run_closed"}, want...)) {
		t.Errorf("after run_closed may come %v", after)
	}
}

// A silence that would end before the abort limit is made longer by itself, once:
// what did not help is left to the operator.
func TestASilenceIsRenewedByItself(t *testing.T) {
	s := newFolding(t)
	s.add(FenceRecorded{Fence: "a", Mark: FenceMark{Text: "not silenced"}}, FenceTaken{Fence: "a", Mark: FenceMark{Text: "silence 1"}})
	for _, c := range []struct {
		events []Event
		want   string
	}{
		{nil, ""},
		{[]Event{FenceSeen{Fence: "a", Sight: SeenPartly, Found: "silence 1, too short"}}, "off:a"},
		{[]Event{GatePassed{Approver: "x"}, PhaseStarted{Phase: "p"}}, ""}, // not beside an open transaction
		{[]Event{PhaseRolledBack{Phase: "p"}}, "off:a"},
		{[]Event{ActionStarted{Item: "off:a", Name: runbook.TakeFence}, ActionDone{Item: "off:a", Name: runbook.TakeFence, Error: "no answer"}}, ""},
		{[]Event{FenceSeen{Fence: "g", Sight: SeenPartly}}, ""},
	} {
		s.add(c.events...)
		if got := s.Renewing(s.At); got != c.want {
			t.Errorf("after %+v: %q, want %q", c.events, got, c.want)
		}
	}
}
