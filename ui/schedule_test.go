package ui

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/ui/pane"
)

// planned is a screen of a run in production with a planned T-0, so long after it.
func planned(t *testing.T, stage string, after time.Duration, w, h int) (*Operator, *recorder) {
	t.Helper()
	o, rec := screen(t, stage, w, h)
	o.state.Opened.Environment, o.state.Opened.Planned = phases.Production, true
	o.now = frozen(fixtureT0.Add(after))
	for _, it := range o.state.Items {
		if it.Check != nil {
			it.Check.At = o.now()
		}
	}
	if _, ok := o.state.Fields["backup_time"]; ok {
		o.state.Fields["backup_time"] = phases.FieldValue{Value: o.now().Format(time.RFC3339)}
	}
	ticks(o)
	return o, rec
}

// A wait for the time is told with its countdown, and lateness with what leads on.
func TestScheduleOnScreen(t *testing.T) {
	noGo := func(o *Operator) {
		o.state.Opened.Planned, o.state.Opened.NoGo = false, &phases.NoGoBefore{RunID: "n", Journal: "n.journal", At: fixtureT0.Add(-50 * time.Minute), Reason: "the backup was not verified"}
	}
	early := func(o *Operator) {
		o.state.Departures = []phases.Departure{{ScheduleLeft: phases.ScheduleLeft{Way: phases.Early, By: "the DBA on duty", Reason: "the users are out"}, At: fixtureT0.Add(-30 * time.Minute)}}
	}
	for name, c := range map[string]struct {
		stage  string
		after  time.Duration
		change func(*Operator)
		says   string
	}{
		"gate":       {"ready", -24 * time.Minute, nil, "In 9 min it is time for the gate; nothing else holds it."},
		"items":      {"checklist", -24 * time.Minute, nil, "4 items before the gate can open."},
		"in time":    {"ready", -14 * time.Minute, nil, "Nothing holds the gate"},
		"late":       {"ready", 4 * time.Minute, nil, "Too late for the gate: somebody decides to go late, or not to go."},
		"first":      {"go", -12 * time.Minute, nil, "In 12 min it is time for the first phase; nothing else holds it."},
		"first late": {"go", 16 * time.Minute, nil, "Too late for the first phase"},
		"no-go":      {"ready", -24 * time.Minute, noGo, "In 19 min it is time for the gate: the run before ended as NO-GO."},
		"early":      {"ready", -24 * time.Minute, early, "Nothing holds the gate"},
	} {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			t.Run(strings.ReplaceAll(name, " ", "_")+"_"+strings.Repeat("wide", size[0]/120), func(t *testing.T) {
				o, _ := planned(t, c.stage, c.after, size[0], size[1])
				if c.change != nil {
					c.change(o)
					ticks(o)
				}
				got := frameText(o)
				checkFrame(t, name, got, size[0], size[1])
				if st := o.next(o.now()); !strings.HasPrefix(st.text, c.says) {
					t.Errorf("the run waits for %q", st.text)
				}
				if name != "items" && name != "first" {
					o.goTo(pane.Gate)
				}
				golden.RequireEqual(t, trimmed(frameText(o)))
			})
		}
	}
}

// The key of a wait leads to a decision, by name, on that side alone; the keys
// that the time holds say until when.
func TestTheScheduleIsLeftByAName(t *testing.T) {
	o, rec := planned(t, "ready", -24*time.Minute, 80, 24)
	run(o, keyNamed("o"))
	if got := o.said.text; !strings.Contains(got, "held: the gate's time is T-15:00, 01:45 UTC, in 9 min") {
		t.Errorf("GO is refused with %q", got)
	}
	run(o, keyNamed("T"))
	if got := frameText(o); !strings.Contains(got, "Go early?") || !strings.Contains(got, "The gate's time is T-15:00, 01:45 UTC, in 9 min.") {
		t.Fatalf("the question is another:\n%s", got)
	}
	typed(o, "the DBA on duty")
	run(o, keyNamed("enter"))
	typed(o, "the users are out")
	o.now = frozen(o.now().Add(time.Second))
	run(o, keyNamed("enter"))
	if want := []phases.Command{phases.LeaveSchedule{Way: phases.Early, By: "the DBA on duty", Reason: "the users are out"}}; !reflect.DeepEqual(rec.commands, want) {
		t.Errorf("the form sends %v", rec.commands)
	}
	o, _ = planned(t, "ready", 4*time.Minute, 80, 24)
	if hint := firstHint(t, o); hint != "T" {
		t.Errorf("the first key is %q", hint)
	}
	run(o, keyNamed("T"))
	if got := frameText(o); !strings.Contains(got, "Go late?") || !strings.Contains(got, "Late: T-0 was at 02:00 UTC, 4 min ago") {
		t.Errorf("the question is another:\n%s", got)
	}
	o, _ = planned(t, "ready", -14*time.Minute, 80, 24)
	run(o, keyNamed("T"))
	if o.front() != nil || !strings.Contains(o.said.text, "no time holds the run now") {
		t.Errorf("in time the key says %q", o.said.text)
	}
	o, _ = screen(t, "ready", 80, 24)
	run(o, keyNamed("T"))
	if o.front() != nil || !strings.Contains(o.said.text, "only shown") {
		t.Errorf("in a demo the key says %q", o.said.text)
	}
}

// A question about going early is none about going late: it closes with its time.
func TestTheEarlyQuestionClosesWithItsTime(t *testing.T) {
	o, rec := planned(t, "ready", -15*time.Minute-time.Second, 80, 24)
	run(o, keyNamed("T"))
	if o.front() == nil {
		t.Fatalf("no question opens: %s", o.said.text)
	}
	o.now = frozen(fixtureT0.Add(time.Minute))
	for _, it := range o.state.Items {
		if it.Check != nil {
			it.Check.At = o.now()
		}
	}
	ticks(o)
	if o.front() != nil || len(rec.commands) > 0 || !strings.Contains(o.said.text, "the run is not too early now, it is too late") {
		t.Errorf("the question stands: %q, %v", o.said.text, rec.commands)
	}
}

// In lines the wait is told once, with what leaves it, and the gate is asked for
// when its time has come.
func TestPlainWaitsForTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newPlannedEngine(t, time.Hour)
		r := startPlain(t, e, nil)
		r.enter("b-1", "", "y", "early", "late the DBA on duty: why", "status")
		r.wants(
			"waiting: the gate is held by 1:", "the gate's time is T-15:00, ", "early NAME: REASON goes early",
			"refused: the name of who takes the decision is needed", "refused: the run is not too late now, it is too early", "they are kept",
		)
		if n := strings.Count(r.out.String(), "waiting: the gate"); n != 1 {
			t.Errorf("the wait is told %d times:\n%s", n, r.out.String())
		}
		if strings.Contains(r.out.String(), "Question: GO or NO-GO") {
			t.Errorf("the gate is asked for before its time:\n%s", r.out.String())
		}
		time.Sleep(45 * time.Minute)
		r.settle()
		r.wants("Question: GO or NO-GO")
		r.enter("B. Boss", "gym")
		r.wants("waiting: phase 1 is held by 1:", "the first phase's time is T-0, ")
		r.enter("early the DBA on duty: all are here")
		r.wants("off schedule: the run goes early, ", "on the decision of the DBA on duty: all are here", "Question: next: phase 1")
		r.enter("start")
		if got := e.state.Departures; len(got) != 1 || got[0].Way != phases.Early || e.state.OpenPhase() == nil {
			t.Errorf("departures %+v:\n%s", got, r.out.String())
		}
	})
}

// In lines, too, lateness is another question.
func TestPlainGoesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newPlannedEngine(t, -time.Minute)
		r := startPlain(t, e, nil)
		r.enter("b-1", "", "y", "early the DBA on duty: why", "late the DBA on duty: the backup was slow")
		r.wants("late NAME: REASON goes late", "refused: the run is not too early now", "off schedule: the run goes late, ", "Question: GO or NO-GO")
	})
}
