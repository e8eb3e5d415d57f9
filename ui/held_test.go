package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
	robot "tminus/testdata/terminal"
	"tminus/ui/pane"
)

// leadsTo follows the first keys of the screen until the run waits to start a phase,
// and fails where they lead in a circle, or further than that.
func leadsTo(t *testing.T, o *Operator, s *script, phase string, each func()) (pressed []string) {
	t.Helper()
	var trail robot.Trail
	for n := s.state.Next(s.now); n.Wait != phases.WaitStart || n.Phase.Plan.ID != phase; n = s.state.Next(s.now) {
		if len(pressed) > 400 {
			t.Fatalf("it does not come to %s; the last keys: %q\n%s", phase, pressed[380:], frameText(o))
		}
		if due := s.state.Due(s.now); due != "" {
			s.act(due, phases.Itself) // as an engine does by itself
		}
		pressed = append(pressed, press(t, o, s, &trail))
		if s.state.Gate.Decision == phases.Go {
			s.checks() // as that does too
		}
		if each != nil {
			each()
		}
		feed(t, o, s)
	}
	return pressed
}

// What an item's key mends between two phases is mended by the first keys, from
// whichever pane: somebody has enabled a trigger again that is off for the run.
func TestAFenceIsMendedByTheFirstKeysBetweenPhases(t *testing.T) {
	for _, from := range []pane.ID{"", pane.Phase, pane.Gate, pane.Log} {
		o, s := scripted(t, 80, 24)
		s.record(phases.SurveyTaken{})
		feed(t, o, s)
		leadsTo(t, o, s, "phase3", nil)
		const item, fence = "triggers_disabled", "business_triggers"
		before := len(s.asked)
		mended := func() bool { return slices.Contains(s.asked[before:], phases.Command(phases.Act{Item: item})) }
		fails := func() {
			if !mended() {
				s.record(phases.FenceSeen{Fence: fence, Sight: phases.SeenPartly, Found: "audit fires"})
				s.record(phases.CheckAnswered{Item: item, Value: "audit fires"})
			}
		}
		fails()
		feed(t, o, s)
		if it, _ := o.selected(); it.ID != item || firstHint(t, o) != "x" || o.nav.focus != pane.Checklist {
			t.Errorf("the screen stands at %s, %s:\n%s", o.nav.focus, it.ID, frameText(o))
		}
		if from != "" {
			run(o, keyNamed(pane.Digit(from)))
		}
		pressed := leadsTo(t, o, s, "phase3", fails)
		if len(pressed) > 6 || !mended() {
			t.Errorf("from %q it takes the keys %q", from, pressed)
		}
		if o.nav.focus != pane.Phase || firstHint(t, o) != "s" {
			t.Errorf("from %q, mended, the screen stands at %s:\n%s", from, o.nav.focus, frameText(o))
		}
	}
}

// While what mends a hold is under way, the screen stays with it, and nothing has to
// be pressed.
func TestTheScreenWaitsForWhatMends(t *testing.T) {
	o, s := scripted(t, 80, 24)
	s.record(phases.SurveyTaken{})
	feed(t, o, s)
	leadsTo(t, o, s, "phase3", nil)
	s.record(phases.CheckAnswered{Item: "triggers_disabled", Value: "audit fires"})
	s.record(phases.ActionStarted{Item: "triggers_disabled", Name: runbook.TakeFence, By: "dba@ops1"})
	feed(t, o, s)
	if o.nav.focus != pane.Checklist || firstHint(t, o) != "wait" {
		t.Errorf("the screen stands at %s:\n%s", o.nav.focus, frameText(o))
	}
}

// A backup that is too old at the point of no return, where no item asks for its age:
// the gate names the key that extends the window, and the first key is that.
func TestAStaleBackupIsMendedByTheWindow(t *testing.T) {
	for _, from := range []pane.ID{"", pane.Gate, pane.Checklist} {
		source := string(runbook.Guide(runbook.Site{}))
		asks := "        check:\n          database: backup.age\n          max_age: 26m\n          every: 1s\n          remedy: Stop before this phase and decide with the approver; only the backup from before phase 2 undoes the whole run.\n"
		if !strings.Contains(source, asks) {
			t.Fatal("the guide's phase 5 does not ask for the backup's age as it did")
		}
		s := newScriptOf(t, strings.Replace(source, asks, "", 1))
		s.record(phases.SurveyTaken{})
		o := driving(t, s, 80, 24)
		later := func(d time.Duration) {
			s.now = s.now.Add(d)
			s.checks()
			feed(t, o, s)
		}
		leadsTo(t, o, s, "phase1", nil)
		later(10 * time.Minute)
		leadsTo(t, o, s, "phase5", nil)
		later(20 * time.Minute)
		if n := s.state.Next(s.now); n.Wait != phases.WaitHeld || len(n.Holds) != 1 {
			t.Fatalf("it waits for %s, held by %v", n.Wait, n.Holds)
		}
		if key := firstHint(t, o); key != "e" || !strings.Contains(strings.Join(strings.Fields(frameText(o)), " "), "extend the window, or abort") {
			t.Errorf("the first key is %s:\n%s", key, frameText(o))
		}
		run(o, keyNamed(pane.Digit(pane.Gate)))
		run(o, keyNamed("g"))
		if text := trimmed(frameText(o)); !strings.Contains(text, "e  extend the window") {
			t.Errorf("the gate does not name the key:\n%s", text)
		}
		run(o, keyNamed("f"))
		if from != "" {
			run(o, keyNamed(pane.Digit(from)))
		}
		if pressed := leadsTo(t, o, s, "phase5", nil); len(pressed) > 12 || !slices.Contains(pressed, "e") {
			t.Errorf("from %q it takes the keys %q", from, pressed)
		}
	}
}
