package phases

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases/fact"
	"tminus/phases/runbook"
)

// tellingBook tells two channels of everything, one of them optional.
const tellingBook = `
tminus: 1
title: Reset
window: {planned: 20m, abort: 25m}
checklist:
  - id: before
    title: Before
    items:
      - {id: said, text: Everybody knows, message: announce, fields: [{id: who, label: Who}]}
phases:
  - {id: count, title: Count, planned: 1m, count: [users]}
  - {id: users, title: Users, risk: high, planned: 1m, delete: [users]}
channels:
  - {id: users, webhook: {url_from: USERS_URL}}
  - {id: pager, command: [page], optional: true}
  - {id: self, command: [cat], rehearsal: send}
messages:
  - {id: announce, to: [users, pager], title: '{{title}} soon', text: "{{ who }} of {{database}}:\nfrom {{t0}} to {{planned_end}}"}
  - {id: begin, on: begin, to: [users], title: Begins, text: 'now {{now}}, {{clock}}'}
  - {id: hold, on: hold, to: [self], title: '{{phase_title}} waits', text: 'until {{hold.until}}'}
  - {id: no_go, on: no_go, to: [users], title: NO-GO, text: '{{reason}}, {{decision}}, {{outcome}}'}
  - {id: done, on: done, to: [users, self], title: Done, text: '{{rows.deleted}} of {{rows.before.users}}, {{rows.deleted.users}}; {{committed}}; {{not_committed}}; {{backup.id}}'}
`

// toldRun is the state of a run of tellingBook in an environment, after events.
func toldRun(t *testing.T, env Environment, events ...Event) *State {
	t.Helper()
	if _, err := runbook.Parse("tell.yaml", []byte(tellingBook)); err != nil {
		t.Fatal(err)
	}
	opened := RunOpened{
		RunID: "r1", File: "tell.yaml", Source: tellingBook, Environment: env, Operator: Operator{Name: "ada", Host: "here"},
		Target: Identity{Database: "gym"}, PlannedT0: time.Date(2026, 1, 31, 3, 0, 0, 0, time.UTC),
	}
	s, err := fold(t, append([]Event{opened}, events...)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What package fact declares, and nothing else, is what a message can say.
func TestEveryFactIsSaid(t *testing.T) {
	s := toldRun(t, Demo)
	names := map[string]bool{}
	for _, k := range fact.Kinds() {
		if names[k.Name] = true; facts[k.Name] == nil {
			t.Errorf("nobody says what %q is", k.Name)
			continue
		}
		name := k.Name
		if k.Table {
			name += "users"
		}
		if got := s.Fact(name, s.At); got == "" {
			t.Errorf("%s is empty, which nobody sees in a message", name)
		}
		if k.Means == "" || k.Example == "" {
			t.Errorf("%s has no sentence or no example", k.Name)
		}
	}
	for name := range facts {
		if !names[name] {
			t.Errorf("%q is no declared fact", name)
		}
	}
}

func TestAMessageSaysWhatIsKnownAndSaysWhatIsNot(t *testing.T) {
	s := toldRun(t, Demo, FieldRecorded{Item: "said", Field: "who", Value: "All\n\x1b[31musers <b>"})
	m, _ := s.Runbook.Message("announce")
	title, text := s.Rendered(m, s.At)
	if want := "All users <b> of gym:\nfrom 03:00 UTC to 03:20 UTC"; title != "Reset soon" || text != want {
		t.Errorf("%q %q", title, text)
	}
	m, _ = s.Runbook.Message("done")
	if _, text = s.Rendered(m, s.At); text != "0 of not known yet, 0; none; Users; not known yet" {
		t.Errorf("before anything is known: %q", text)
	}
	m, _ = s.Runbook.Message("no_go")
	if got := s.Foreseen(m, NoGo, "too late", s.At); got.Text != "too late, NO-GO, NO-GO" || !slices.Equal(got.To, []string{"users"}) {
		t.Errorf("foreseen: %+v", got)
	}
	if s.Outcome != "" || s.Gate.Decision != "" {
		t.Error("what was foreseen has happened")
	}
}

// Its item is done when every channel has taken it that has to; a human answers
// for it only where one did not.
func TestAnItemIsDoneWhenItsMessageIsTaken(t *testing.T) {
	who := FieldRecorded{Item: "said", Field: "who", Value: "all"}
	composed := MessageComposed{Number: 1, Message: "announce", To: []string{"users", "pager"}}
	sent := func(channel string) Event {
		return MessageSent{Number: 1, Message: "announce", Channel: channel, Attempts: 1}
	}
	failed := func(channel string) Event {
		return MessageFailed{Number: 1, Message: "announce", Channel: channel, Attempts: 3, Error: "status 500"}
	}
	for _, c := range []struct {
		name   string
		events []Event
		lacks  string
		ticks  bool
		again  string // a channel to which it may go again
	}{
		{"nothing recorded", nil, "needs Who", false, ""},
		{"not sent", []Event{who}, "not sent", false, ""},
		{"under way", []Event{who, composed}, "being sent to users, pager", false, ""},
		{"taken", []Event{who, composed, sent("users"), sent("pager")}, "", false, ""},
		{"an optional one failed", []Event{who, composed, sent("users"), failed("pager")}, "", true, "pager"},
		{"one failed", []Event{who, composed, failed("users"), sent("pager")}, "not told: users", true, "users"},
		{"the program died", []Event{who, composed, sent("pager"), RunResumed{}}, "not told: users", true, "users"},
		{"a human answers", []Event{who, composed, failed("users"), sent("pager"), ItemTicked{Item: "said", By: "ada"}}, "", false, "users"},
		{"again", []Event{who, composed, failed("users"), sent("pager"), MessageRetried{Number: 1, Message: "announce", Channel: "users"}}, "being sent to users", false, ""},
		{"again, taken", []Event{who, composed, failed("users"), sent("pager"), MessageRetried{Number: 1, Message: "announce", Channel: "users"}, sent("users")}, "", false, ""},
	} {
		s := toldRun(t, Demo, c.events...)
		it, _, _ := s.Runbook.Item("said")
		if got := s.ItemLacks(it); got != c.lacks {
			t.Errorf("%s: lacks %q, want %q", c.name, got, c.lacks)
		}
		if err := s.Can(Tick{Item: "said"}, s.At); (err == nil) != c.ticks {
			t.Errorf("%s: tick: %v", c.name, err)
		}
		for _, ch := range []string{"users", "pager"} {
			if err := s.Can(Tell{Message: "announce", Channel: ch}, s.At); (err == nil) != (ch == c.again) {
				t.Errorf("%s: to %s again: %v", c.name, ch, err)
			}
		}
		if err := s.Can(Tell{Message: "announce"}, s.At); (err == nil) != (c.lacks == "not sent") {
			t.Errorf("%s: as a whole: %v", c.name, err)
		}
	}
}

// Nobody outside learns of a rehearsal, but where the runbook says so.
func TestARehearsalTellsNobody(t *testing.T) {
	for env, to := range map[Environment]int{Rehearsal: 1, Production: 2, Demo: 2} {
		s := toldRun(t, env)
		m, _ := s.Runbook.Message("done")
		if got := s.Compose(m, "done", "", "", s.At); len(got.To) != to || len(got.To)+len(got.Withheld) != 2 {
			t.Errorf("%s: goes to %v, not to %v", env, got.To, got.Withheld)
		}
	}
	s := toldRun(t, Rehearsal, FieldRecorded{Item: "said", Field: "who", Value: "all"}, MessageComposed{Number: 1, Message: "announce", Withheld: []string{"users", "pager"}})
	if it, _, _ := s.Runbook.Item("said"); s.ItemLacks(it) != "" {
		t.Errorf("withheld, and its item lacks %q", s.ItemLacks(it))
	}
}

func TestTheMomentsOfMessages(t *testing.T) {
	started := PhaseStarted{Phase: "count", Attempt: 1}
	passed := PhasePassed{Phase: "count"}
	users := PhaseStarted{Phase: "users", Attempt: 1}
	hold := HoldOpened{Phase: "users", Until: time.Date(2026, 1, 31, 3, 5, 0, 0, time.UTC)}
	committed := PhaseCommitted{Phase: "users"}
	goes := GatePassed{Approver: "boss"}
	events := []Event{goes, started, passed, users, hold, CommitIntended{CommitIntent: CommitIntent{Phase: "users"}}, committed}
	want := []string{"", "begin", "", "", "hold", "", "done"}
	for i, e := range events {
		s := toldRun(t, Demo, events[:i+1]...)
		on, phase := Moment(s, e)
		if on != want[i] || (on == "hold") != (phase == "users") {
			t.Errorf("%s is the moment %q of %q", e.Kind(), on, phase)
		}
		if on != "" && len(s.SentOn(on)) != 1 {
			t.Errorf("%s: %+v", on, s.SentOn(on))
		}
	}
	s := toldRun(t, Demo, events[:5]...)
	untold := []Event{MessageComposed{Number: 1, Message: "hold", On: "hold", Phase: "users", To: []string{"self"}}, MessageFailed{Number: 1, Message: "hold", Channel: "self", Error: "no"}}
	again := Tell{Message: "hold", Channel: "self"}
	if s := toldRun(t, Demo, append(slices.Clone(events[:5]), untold...)...); s.Can(again, s.At) != nil || s.UntoldWords() != "self (message hold)" || len(s.ToTell(s.At)) != 1 {
		t.Errorf("while it waits: %v, %q", s.Can(again, s.At), s.UntoldWords())
	}
	if s := toldRun(t, Demo, append(append(slices.Clone(events[:5]), untold...), events[5:]...)...); s.Can(again, s.At) == nil || s.UntoldWords() != "" || len(s.Untold()) != 1 {
		t.Errorf("when it is committed: %v, %q", s.Can(again, s.At), s.UntoldWords())
	}
	m, _ := s.Runbook.Message("hold")
	if title, text := s.Rendered(m, s.At); title != "Users waits" || text != "until 03:05 UTC" {
		t.Errorf("%q %q", title, text)
	}
	if on, _ := Moment(toldRun(t, Demo, NoGoDeclared{}), NoGoDeclared{}); on != "no_go" {
		t.Errorf("NO-GO is %q", on)
	}
	if on, _ := Moment(toldRun(t, Demo, goes, RunAborted{}), RunAborted{}); on != "abort" {
		t.Errorf("an abort is %q", on)
	}
	// What an item sends is not sent by itself as well.
	if got := s.SentOn(""); got != nil {
		t.Errorf("sent at no moment: %+v", got)
	}
}

// A message whose moment came as the program died can be sent by hand; one that
// went out by itself cannot.
func TestAMissedMomentIsMadeUpForByHand(t *testing.T) {
	s := toldRun(t, Demo, GatePassed{Approver: "boss"})
	if err := s.Can(Tell{Message: "begin"}, s.At); err == nil || !strings.Contains(err.Error(), "by itself") {
		t.Errorf("before its moment: %v", err)
	}
	s = toldRun(t, Demo, GatePassed{Approver: "boss"}, PhaseStarted{Phase: "count", Attempt: 1})
	if err := s.Can(Tell{Message: "begin"}, s.At); err != nil {
		t.Errorf("missed: %v", err)
	}
	s = toldRun(t, Demo, GatePassed{Approver: "boss"}, PhaseStarted{Phase: "count", Attempt: 1}, MessageComposed{Number: 1, Message: "begin", On: "begin", To: []string{"users"}})
	if err := s.Can(Tell{Message: "begin"}, s.At); err == nil {
		t.Error("it is being sent, and can be sent once more")
	}
}

func TestAChannelWithoutItsVariableHoldsTheGate(t *testing.T) {
	lack := ChannelsExamined{Lacks: []ChannelLack{{Channel: "users", Lacks: "the variable USERS_URL is not set"}, {Channel: "pager", Lacks: "there is no command"}}}
	holds := func(s *State) string {
		var out []string
		for _, h := range s.channelHolds() {
			out = append(out, h.Text)
		}
		return strings.Join(out, "; ")
	}
	if got := holds(toldRun(t, Production, lack)); got != "channel users: the variable USERS_URL is not set" {
		t.Errorf("holds %q", got)
	}
	if got := holds(toldRun(t, Rehearsal, lack)); got != "" {
		t.Errorf("a rehearsal, which sends nothing there, is held: %q", got)
	}
	if got := holds(toldRun(t, Production, lack, ChannelsExamined{})); got != "" {
		t.Errorf("set since, and held: %q", got)
	}
	s := toldRun(t, Production, lack)
	if !slices.ContainsFunc(s.GateHolds(s.At), func(h Hold) bool { return strings.HasPrefix(h.Text, "channel users") }) {
		t.Error("the gate is not held")
	}
}
