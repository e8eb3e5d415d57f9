package phases

import (
	"testing"
	"time"
)

const automaticBook = `tminus: 1
title: T
backup: {time_field: at, take: {directory: /tmp/backups}}
checklist:
  - id: backup
    title: B
    items:
      - id: taken
        text: It is taken
        fields: [{id: at, label: At, type: time}]
        action: {name: backup.take, starts: T-30m}
      - {id: read, text: It is read, action: {name: backup.verify, follows: taken}}
      - {id: tried, text: It is tried, action: {name: backup.try, follows: read}}
phases:
  - {id: p, title: P, risk: high, planned: 1m, delete: [a]}
`

// Which action begins by itself, after what has happened.
func TestWhatBeginsByItself(t *testing.T) {
	t.Parallel()
	start := func(item, name string) Event { return ActionStarted{Item: item, Name: name, By: Itself} }
	done := func(item, name, err string) Event { return ActionDone{Item: item, Name: name, Error: err} }
	taken := []Event{start("taken", "backup.take"), done("taken", "backup.take", "")}
	read := append(append([]Event{}, taken...), start("read", "backup.verify"), done("read", "backup.verify", ""))
	all := append(append([]Event{}, read...), start("tried", "backup.try"), done("tried", "backup.try", ""))
	for name, c := range map[string]struct {
		events []Event
		want   string
	}{
		"at first":                         {nil, "taken"},
		"while it runs":                    {taken[:1], ""},
		"when it was taken":                {taken, "read"},
		"when it was read":                 {read, "tried"},
		"when all is done":                 {all, ""},
		"when it failed":                   {[]Event{taken[0], done("taken", "backup.take", "no room")}, ""},
		"when the reading failed":          {append(append([]Event{}, taken...), start("read", "backup.verify"), done("read", "backup.verify", "truncated")), ""},
		"when it is taken anew":            {append(append([]Event{}, all...), taken...), "read"},
		"when it was cut off":              {[]Event{taken[0], RunResumed{}}, ""},
		"when the program died in between": {append(append([]Event{}, taken...), RunResumed{}), "read"},
		"after the gate":                   {append(append([]Event{}, taken...), GatePassed{}), ""},
		"when the gate is asked again":     {append(append([]Event{}, taken...), GatePassed{}, PhaseStarted{Phase: "p"}, PhaseRolledBack{Phase: "p"}, RunResumed{GateAgain: "long ago"}), ""},
		"after a NO-GO":                    {append(append([]Event{}, taken...), NoGoDeclared{Reason: "no"}), ""},
	} {
		s, err := fold(t, append([]Event{RunOpened{File: "b.yaml", Source: automaticBook, Environment: Demo}, SurveyTaken{}}, c.events...)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Due(s.At); got != c.want {
			t.Errorf("%s: %q is due, want %q", name, got, c.want)
		}
	}
}

// What follows another is begun after each of its ends, also where the clock was
// set back in between.
func TestWhatFollowsBeginsAgainWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	f := foldOf(t, automaticBook, Demo)
	both := []Event{
		ActionStarted{Item: "taken", Name: "backup.take"},
		ActionDone{Item: "taken", Name: "backup.take"},
		ActionStarted{Item: "read", Name: "backup.verify"},
		ActionDone{Item: "read", Name: "backup.verify"},
	}
	f.do(SurveyTaken{})
	f.do(both...)
	if got := f.Due(f.at); got != "tried" {
		t.Fatalf("%q is due, want what comes after both", got)
	}
	f.at = f.at.Add(-time.Hour)
	f.do(both[:2]...)
	if got := f.Due(f.at); got != "read" {
		t.Errorf("the backup was taken anew, and %q is due", got)
	}
	f.do(both[2:]...)
	if got := f.Due(f.at); got != "tried" {
		t.Errorf("it was read, and %q is due", got)
	}
}

// In production it begins at its moment; before the survey, nothing does.
func TestWhenItBeginsByItself(t *testing.T) {
	t.Parallel()
	t0 := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	opened := RunOpened{File: "b.yaml", Source: automaticBook, Environment: Production, PlannedT0: t0}
	s, err := fold(t, opened)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Due(t0); got != "" {
		t.Errorf("%q is due before the survey", got)
	}
	if s, err = fold(t, opened, SurveyTaken{}); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]string{t0.Add(-30*time.Minute - time.Second): "", t0.Add(-30 * time.Minute): "taken", t0: "taken"} {
		if got := s.Due(at); got != want {
			t.Errorf("at %s %q is due, want %q", at, got, want)
		}
	}
	if s.Clock(t0.Add(-time.Minute)) != -time.Minute {
		t.Errorf("a minute before T-0 the clock is at %s", s.Clock(t0.Add(-time.Minute)))
	}
	// After a NO-GO T-0 is another, and so are the clock and the moment.
	s.Opened.NoGo, s.Opened.Planned = &NoGoBefore{At: t0.Add(-20 * time.Minute)}, true
	for at, want := range map[time.Time]string{t0.Add(10*time.Minute - time.Second): "", t0.Add(10 * time.Minute): "taken"} {
		if got := s.Due(at); got != want {
			t.Errorf("after a NO-GO %q is due at %s, want %q", got, at, want)
		}
	}
	if got := s.Clock(t0); got != -40*time.Minute {
		t.Errorf("after a NO-GO the clock is at %s", got)
	}
	it, _, _ := s.Runbook.Item("taken")
	if ask := s.Ask(it); ask.Need != NeedAnswer {
		t.Errorf("before its moment it asks for %q", ask.Need)
	}
}
