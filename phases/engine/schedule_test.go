package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// inProduction opens a run in production whose T-0 somebody planned, so long from now.
func inProduction(t *testing.T, t0 time.Duration, change func(*phases.RunOpened)) *rig {
	t.Helper()
	r := newRig(t, smallSchema, twoBook+"rehearsal: none\n")
	r.opened.Environment, r.opened.Planned, r.opened.PlannedT0 = phases.Production, true, time.Now().Add(t0)
	if change != nil {
		change(&r.opened)
	}
	r.open(engine.Settings{})
	r.untilReady()
	return r
}

func (r *rig) pass() phases.PassGate {
	return phases.PassGate{Approver: "the duty manager", Typed: r.opened.Target.Database}
}

// Before its time neither the gate nor the first phase goes, until somebody
// decides it; that decision outlives the program, and holds for all phases.
func TestTheGateWaitsForItsTime(t *testing.T) {
	t.Parallel()
	r := inProduction(t, time.Hour, nil)
	r.refused(r.pass(), "held: the gate's time is T-15:00, ")
	r.refused(phases.LeaveSchedule{Way: phases.Late, By: "the DBA on duty", Reason: "why"}, "it is too early")
	r.do(phases.LeaveSchedule{Way: phases.Early, By: "the DBA on duty", Reason: "the users are out"})
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	r.resume(engine.Settings{})
	r.passGate()
	r.commit("one")
	r.commit("two")
	if s := r.state(); len(s.Departures) != 1 || s.Departures[0].By != "the DBA on duty" || r.rows("parent") != 0 {
		t.Errorf("departures %+v, %d rows left", s.Departures, r.rows("parent"))
	}
}

// At the gate's time the GO may be given, and the first phase waits for T-0.
func TestTheFirstPhaseWaitsForT0(t *testing.T) {
	t.Parallel()
	r := inProduction(t, 10*time.Minute, nil)
	r.do(r.pass())
	r.refused(phases.StartPhase{Phase: "one"}, "held: the first phase's time is T-0, ")
	r.do(phases.LeaveSchedule{Way: phases.Early, By: "the DBA on duty", Reason: "all are here"})
	r.commit("one")
}

// After T-0 it takes a decision to go late, and an early one is none.
func TestAfterT0TheGateIsLate(t *testing.T) {
	t.Parallel()
	r := inProduction(t, -20*time.Minute, nil)
	r.refused(r.pass(), "held: late: T-0 was at ")
	r.refused(phases.LeaveSchedule{Way: phases.Early, By: "the DBA on duty", Reason: "why"}, "it is too late")
	r.do(phases.LeaveSchedule{Way: phases.Late, By: "the DBA on duty", Reason: "the backup was slow"})
	r.do(r.pass())
	r.commit("one")
}

// After a NO-GO the checklist's time begins anew, whether or not T-0 was planned.
func TestANoGoBeginsTheWindowAnew(t *testing.T) {
	t.Parallel()
	r := inProduction(t, time.Hour, func(o *phases.RunOpened) {
		o.Planned, o.NoGo = false, &phases.NoGoBefore{RunID: "n", Journal: "n.journal", At: time.Now().Add(-10 * time.Minute), Reason: "no backup"}
	})
	r.refused(r.pass(), "(no backup): its 60 minutes begin anew, the gate opens at ")
	r.do(phases.LeaveSchedule{Way: phases.Early, By: "the DBA on duty", Reason: "the backup is there"})
	r.do(r.pass())
	r.commit("one")
}

// In a rehearsal the times hold nothing.
func TestARehearsalKeepsNoTime(t *testing.T) {
	t.Parallel()
	r := inProduction(t, time.Hour, func(o *phases.RunOpened) { o.Environment = phases.Rehearsal })
	r.do(r.pass())
	r.commit("one")
}

// Of all journals the newest NO-GO counts that was in production, of this
// runbook, in this database, and shortly before.
func TestTheLastNoGoIsFound(t *testing.T) {
	t.Parallel()
	const source = "tminus: 1\ntitle: T\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n"
	now := time.Date(2026, 1, 31, 1, 30, 0, 0, time.UTC)
	want := phases.RunOpened{RunID: "r", File: "book.yaml", Source: source, SHA256: engine.SHA256([]byte(source)), Environment: phases.Production, Target: phases.Identity{Database: "gym", SystemIdentifier: "7"}}
	run := func(change func(*phases.RunOpened)) phases.RunOpened {
		o := want
		change(&o)
		return o
	}
	same := run(func(*phases.RunOpened) {})
	state, other := filepath.Join(t.TempDir(), "[prod] *"), t.TempDir()
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path string, ago time.Duration, o phases.RunOpened, events ...phases.Event) {
		t.Helper()
		w, err := journal.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for _, e := range append([]phases.Event{o}, events...) {
			if _, err := w.Append(now.Add(-ago), e.Kind(), e, journal.Buffered); err != nil {
				t.Fatal(err)
			}
		}
	}
	noGo := []phases.Event{phases.NoGoDeclared{Reason: "no backup"}, phases.RunClosed{Outcome: phases.NoGo}}
	if err := os.WriteFile(filepath.Join(state, "empty.journal"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name   string
		dir    string
		ago    time.Duration
		run    phases.RunOpened
		events []phases.Event
		found  string // from here on
	}{
		{"rehearsal", state, time.Minute, run(func(o *phases.RunOpened) { o.Environment = phases.Rehearsal }), noGo, ""},
		{"elsewhere", state, time.Minute, run(func(o *phases.RunOpened) { o.Target.SystemIdentifier = "8" }), noGo, ""},
		{"another", state, time.Minute, run(func(o *phases.RunOpened) { o.File, o.SHA256 = "else.yaml", "x" }), noGo, ""},
		{"completed", state, time.Minute, same, []phases.Event{phases.RunClosed{Outcome: phases.Completed}}, ""},
		{"unfinished", state, time.Minute, same, nil, ""},
		{"an hour before", state, time.Hour, same, noGo, ""},
		{"less", state, 59 * time.Minute, same, noGo, "less"},
		{"changed", state, 50 * time.Minute, run(func(o *phases.RunOpened) { o.SHA256 = "x" }), noGo, "changed"},
		{"renamed", state, 40 * time.Minute, run(func(o *phases.RunOpened) { o.File = "was.yaml" }), noGo, "renamed"},
		{"by another way", other, 30 * time.Minute, run(func(o *phases.RunOpened) { o.Target.Host = "10.0.0.1" }), noGo, "by another way"},
		{"older", other, 35 * time.Minute, same, noGo, "by another way"},
		{"not closed", other, 20 * time.Minute, same, noGo[:1], "not closed"},
		{"damaged", state, 10 * time.Minute, same, noGo, "damaged"},
		{"future", state, -10 * time.Minute, same, noGo, "future"},
	} {
		path := filepath.Join(step.dir, step.name+".journal")
		write(path, step.ago, step.run, step.events...)
		if step.name == "damaged" { // behind the NO-GO
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), `"outcome":"no_go"`, `"outcome":"completed"`, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := journal.Read(path); err == nil {
				t.Error("the damage is none")
			}
		}
		found, err := engine.FindNoGo([]string{state, other, state}, want, time.Hour, now)
		name := ""
		if found != nil {
			name = strings.TrimSuffix(found.Journal, ".journal")
			if found.RunID != "r" || found.Reason != "no backup" {
				t.Errorf("after %s, found is %+v", step.name, found)
			}
		}
		if err != nil || name != step.found {
			t.Errorf("after %s, found is %q, want %q: %v", step.name, name, step.found, err)
		}
	}
}

// A planned start is a time to come: today's or tomorrow's, or a date's.
func TestPlannedT0(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 1, 31, 1, 0, 30, 0, zone)
	w := runbook.Window{Opens: time.Hour}
	for in, c := range map[string]struct{ want, err string }{
		"":                     {"2026-01-31T02:00:30+01:00", ""},
		"02:00":                {"2026-01-31T02:00:00+01:00", ""},
		"01:01":                {"2026-01-31T01:01:00+01:00", ""},
		"01:00":                {"2026-02-01T01:00:00+01:00", ""},
		"2026-01-31 02:00":     {"2026-01-31T02:00:00+01:00", ""},
		"2026-01-31T02:00:00Z": {"2026-01-31T02:00:00Z", ""},
		"2026-01-31 01:00":     {"", "that was 30 s ago: give a time to come"},
		"2026-01-30T02:00:00Z": {"", "that was 22 h ago"},
		"2:00 pm":              {"", "a time such as 02:00"},
		"25:00":                {"", "a time such as 02:00"},
		"2026-02-30 02:00":     {"", "a time such as 02:00"},
	} {
		got, err := engine.PlanT0(in, w, now)
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q: %v, want %q", in, err, c.err)
		case c.err == "" && (err != nil || got.Format(time.RFC3339) != c.want):
			t.Errorf("%q is %s, want %s: %v", in, got.Format(time.RFC3339), c.want, err)
		}
	}
}
