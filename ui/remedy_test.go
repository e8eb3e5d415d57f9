package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
	robot "tminus/testdata/terminal"
	"tminus/ui/pane"
)

// firstBinding is the first key of the hint line, read off the screen; "wait"
// where none has to be pressed.
func firstBinding(t testing.TB, o *Operator) string {
	t.Helper()
	key := firstHint(t, o)
	if key == "wait" {
		return key
	}
	for _, b := range o.keys {
		if slices.Contains(strings.Fields(b.label), key) || slices.Contains(b.keys, key) {
			return b.id
		}
	}
	t.Fatalf("no key is called %q:\n%s", key, frameText(o))
	return ""
}

// Whatever a run waits for, whichever pane is looked at and whichever item is
// selected: the first key of the hint line is possible, and pressed it changes
// what is on screen, or sends a command, or leaves.
func TestTheFirstKeyDoesSomething(t *testing.T) {
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 80, 24)
		rows := append([]pane.Row{{}}, o.rows()...)
		for _, kind := range pane.Kinds() {
			for _, row := range rows {
				if row.ID != "" && kind.ID != pane.Checklist {
					continue
				}
				o, rec := screen(t, stage, 80, 24)
				o.goTo(kind.ID)
				if row.ID != "" {
					o.nav.cursor = row.ID
				}
				where := fmt.Sprintf("%s, pane %s, item %q", stage, o.nav.focus, o.nav.cursor)
				id := firstBinding(t, o)
				if id == "wait" {
					continue
				}
				b, _ := o.keys.get(id)
				if b.can != nil && b.can(o.Viewer, o.now()) != nil {
					t.Errorf("%s: the first key, %s, is not possible: %v", where, b.label, b.can(o.Viewer, o.now()))
				}
				for range 2 { // the next one too
					before := frameText(o)
					quit := run(o, keyNamed(b.keys[0]))
					said := o.said.text
					o.said.text = ""
					if quit || len(rec.commands) > 0 || o.dialog != nil {
						break
					}
					if frameText(o) == before {
						t.Errorf("%s: the first key, %s, changes nothing, and says %q", where, b.label, said)
					}
					id := firstBinding(t, o)
					if id == "wait" {
						break
					}
					b, _ = o.keys.get(id)
				}
			}
		}
	}
}

// byHand is a screen that drives a run whose backup somebody else takes, ready for
// its GO but for that.
func byHand(t testing.TB) (*Operator, *script) {
	t.Helper()
	s := newScriptOf(t, string(runbook.Guide(runbook.Site{ByHand: true})))
	s.record(phases.SurveyTaken{})
	return driving(t, s, 80, 24), s
}

// press follows the first key of the screen, as the robot does, and fails where
// the keys lead in a circle.
func press(t testing.TB, o *Operator, s *script, trail *robot.Trail) (key string) {
	t.Helper()
	s.now = s.now.Add(time.Second)
	switch key = firstHint(t, o); {
	case o.dialog != nil:
		answerDialog(o)
	case key == "wait":
		s.checks()
	default:
		if err := trail.Press(trimmed(frameText(o)), key); err != nil {
			t.Fatalf("%v:\n%s", err, frameText(o))
		}
		run(o, keyNamed(key))
	}
	feed(t, o, s)
	return key
}

// A backup that has become too old on the way: the first key opens the form of the
// item that records it, its time is given anew, the tick stays, and the gate opens.
func TestAStaleBackupIsMendedByTheFirstKey(t *testing.T) {
	o, s := byHand(t)
	var trail robot.Trail
	to := func(wait phases.Wait) {
		t.Helper()
		for presses := 0; o.state.Next(s.now).Wait != wait; presses++ {
			if presses > 200 {
				t.Fatalf("it does not come to %q:\n%s", wait, frameText(o))
			}
			press(t, o, s, &trail)
		}
	}
	to(phases.WaitGate)
	taken := o.state.BackupTime()
	s.now = s.now.Add(time.Hour)
	s.record(phases.CheckAnswered{Item: "backup_fresh", Value: "a backup of an hour ago"})
	for _, g := range o.state.Runbook.Checklist { // the rest as an engine asks it
		for _, it := range g.Items {
			if it.Check != nil && it.ID != "backup_fresh" {
				s.record(phases.CheckAnswered{Item: it.ID, Pass: true, Value: "as wanted"})
			}
		}
	}
	feed(t, o, s)
	if it, _ := o.selected(); it.ID != "backup_fresh" || firstHint(t, o) != "enter" {
		t.Fatalf("the first key at %s is not the form's:\n%s", it.ID, frameText(o))
	}
	if text := trimmed(frameText(o)); !strings.Contains(text, "enter  record anew: Snapshot taken at") {
		t.Errorf("the item does not say what its key does:\n%s", text)
	}
	press(t, o, s, &trail)
	if text := trimmed(frameText(o)); !strings.Contains(text, "Snapshot taken at a time in UTC: now") || !strings.Contains(text, "[ Save, keep the tick ]") {
		t.Fatalf("the form does not ask for the time anew:\n%s", text)
	}
	for _, value := range []string{"", taken.Format(time.RFC3339Nano)} { // what is recorded is not lost, and does not do
		run(o, keyNamed("ctrl+u"))
		typed(o, value)
		o.dialog.Focus = len(o.dialog.Fields)
		s.now = s.now.Add(time.Second)
		run(o, keyNamed("enter"))
		feed(t, o, s)
		if text := trimmed(frameText(o)); o.dialog == nil || o.dialog.Focus >= len(o.dialog.Fields) || !o.state.BackupTime().Equal(taken) || !strings.Contains(text, "has to be recorded anew") {
			t.Fatalf("%q is taken:\n%s", value, text)
		}
	}
	run(o, keyNamed("ctrl+u"))
	to(phases.WaitGate)
	if !o.state.BackupTime().After(taken) || !o.state.Item("backup_taken").Ticked {
		t.Errorf("the backup is of %s, before of %s; ticked: %t", o.state.BackupTime(), taken, o.state.Item("backup_taken").Ticked)
	}
}

// A group of plain ticks is read and ticked by one key alone, and the next group
// after it; a key that is held, or pressed twice, ticks nothing that nobody read.
func TestTicksByOneKey(t *testing.T) {
	o, s := scripted(t, 80, 24)
	s.record(phases.SurveyTaken{})
	feed(t, o, s)
	var ticked []string
	for range 4 {
		it, _ := o.selected()
		ticked = append(ticked, it.ID)
		s.now = s.now.Add(time.Second)
		run(o, keyNamed("space"))
		feed(t, o, s)
		for range 30 { // held
			s.now = s.now.Add(30 * time.Millisecond)
			run(o, keyNamed("space"))
			feed(t, o, s)
		}
	}
	want := []string{"rehearsal_application", "no_deployment", "operator_senior", "access_production"}
	if !slices.Equal(ticked, want) {
		t.Errorf("the cursor was on %q, want %q", ticked, want)
	}
	var got []string
	for _, c := range s.asked {
		got = append(got, fmt.Sprint(c))
	}
	if want := []string{"{rehearsal_application}", "{no_deployment}", "{operator_senior}", "{access_production}"}; !slices.Equal(got, want) {
		t.Errorf("space sent %q, want %q", got, want)
	}
	if it, _ := o.selected(); it.ID != "announced" {
		t.Errorf("the cursor is on %s", it.ID)
	}
	// Where the reader went, it stays.
	run(o, keyNamed("up"))
	run(o, keyNamed("up"))
	s.record(phases.NoteRecorded{Text: "something happens"})
	feed(t, o, s)
	if it, _ := o.selected(); it.ID != "access_production" {
		t.Errorf("the cursor went on by itself, to %s", it.ID)
	}
}

// What somebody has switched on again is switched off by the first key, whichever
// item says so.
func TestTheFirstKeyDisablesTriggers(t *testing.T) {
	o, rec := screen(t, "checklist", 80, 24)
	s := o.state
	s.Items["triggers"] = &phases.ItemState{Check: &phases.CheckState{Value: "audit_members fires", At: fixtureNow}}
	s.Runbook.Checklist[0].Items = append(s.Runbook.Checklist[0].Items, runbook.Item{
		ID: "silent", Text: "Nothing fires", Check: &runbook.Check{Kind: runbook.CheckDatabase, Name: "triggers.disabled", Every: time.Minute},
	})
	s.Items["silent"] = &phases.ItemState{Check: &phases.CheckState{Value: "audit_members fires", At: fixtureNow}}
	for _, id := range []string{"triggers", "silent"} {
		o.nav.cursor = id
		if key := firstHint(t, o); key != "x" {
			t.Fatalf("at %s the first key is %s", id, key)
		}
		run(o, keyNamed("x"))
		if text := trimmed(frameText(o)); !strings.Contains(text, "Triggers: audit_members") {
			t.Fatalf("it does not ask first:\n%s", text)
		}
		o.now = frozen(o.now().Add(time.Second))
		run(o, keyNamed("y"))
		recorded(o)
	}
	if len(rec.commands) != 2 || rec.commands[0] != rec.commands[1] {
		t.Errorf("sent is %v", rec.commands)
	}
}

// While a command is being recorded, and while nothing but time is wanted, no key
// stands first.
func TestNoKeyWhereNoneLeadsOn(t *testing.T) {
	for _, stage := range []string{"counting", "running", "committing", "doubt"} {
		if o, _ := screen(t, stage, 80, 24); firstHint(t, o) != "wait" {
			t.Errorf("%s: the first key is %s", stage, firstHint(t, o))
		}
	}
	o, _ := screen(t, "checklist", 80, 24)
	run(o, keyNamed("space"))
	if key := firstHint(t, o); key != "wait" {
		t.Errorf("what was sent is not on screen, and the first key is %s", key)
	}
	recorded(o)
	if key := firstHint(t, o); key == "wait" {
		t.Error("it waits for ever for a record")
	}
}
