package ui

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

func TestTickAndItsForm(t *testing.T) {
	o, rec := screen(t, "checklist", 80, 24)
	o.nav.cursor = "notice"
	run(o, keyNamed("space"))
	want := []phases.Command{phases.Tick{Item: "notice"}}
	if !reflect.DeepEqual(rec.commands, want) {
		t.Fatalf("space sends %v", rec.commands)
	}
	recorded(o)
	o.nav.cursor = "backup"
	run(o, keyNamed("space"))
	if o.dialog == nil || len(rec.commands) != 1 {
		t.Fatalf("an item that records something is ticked without it: %v", rec.commands)
	}
	typed(o, "b 1")
	run(o, keyNamed("enter"))
	typed(o, "nonsense")
	o.now = frozen(fixtureNow.Add(time.Second))
	run(o, keyNamed("enter"))
	if o.dialog == nil || !strings.Contains(trimmed(frameText(o)), "expected: a time") {
		t.Fatalf("nonsense is taken for a time:\n%s", frameText(o))
	}
	for range "nonsense" {
		run(o, keyNamed("backspace"))
	}
	run(o, keyNamed("tab")) // the example, "now", in a demo
	o.now = frozen(fixtureNow.Add(2 * time.Second))
	run(o, keyNamed("enter"))
	want = append(want,
		phases.Record{Item: "backup", Field: "backup_id", Value: "b 1"},
		phases.Record{Item: "backup", Field: "backup_time", Value: fixtureNow.Add(2 * time.Second).Format(time.RFC3339)},
		phases.Tick{Item: "backup"})
	// now is parsed as of the screen's clock
	if !reflect.DeepEqual(rec.commands, want) || o.dialog != nil {
		t.Errorf("the form sends %v,\nwant %v", rec.commands, want)
	}
}

// Tab through all of a form ends on what saves it: enter there loses nothing.
func TestEnterAfterTheLastFieldSaves(t *testing.T) {
	o, rec := screen(t, "checklist", 80, 24)
	o.nav.cursor = "backup"
	run(o, keyNamed("enter"))
	typed(o, "b 1")
	run(o, keyNamed("tab"))
	run(o, keyNamed("tab"))
	if text := trimmed(frameText(o)); !strings.Contains(text, o.styles.Mark.Cursor+"[ Save and tick ]") {
		t.Errorf("tab through the fields does not end on saving:\n%s", text)
	}
	run(o, keyNamed("enter"))
	if len(rec.commands) > 0 || o.dialog == nil {
		t.Errorf("enter right after another key ticks: %v", rec.commands)
	}
	o.now = frozen(fixtureNow.Add(time.Second))
	run(o, keyNamed("enter"))
	want := []phases.Command{
		phases.Record{Item: "backup", Field: "backup_id", Value: "b 1"},
		phases.Record{Item: "backup", Field: "backup_time", Value: fixtureNow.Add(time.Second).Format(time.RFC3339)},
		phases.Tick{Item: "backup"},
	}
	if !reflect.DeepEqual(rec.commands, want) || o.dialog != nil {
		t.Errorf("enter sends %v,\nwant %v", rec.commands, want)
	}
}

// filledMeanwhile is the form of the fixture's backup, behind which another was
// recorded after it opened; later lets time pass, and presses a button.
func filledMeanwhile(t *testing.T, typedID string) (o *Operator, rec *recorder, later func(button int)) {
	t.Helper()
	o, rec = screen(t, "checklist", 80, 24)
	o.nav.cursor = "backup"
	run(o, keyNamed("enter"))
	if o.dialog == nil {
		t.Fatal("no form opens")
	}
	typed(o, typedID)
	for id, value := range map[string]string{"backup_id": "gym-9", "backup_time": "2026-01-31T01:35:00Z"} {
		o.state.Fields[id] = phases.FieldValue{Value: value, By: phases.Itself, At: o.now()}
	}
	o.Show(o.state)
	return o, rec, func(button int) {
		t.Helper()
		o.dialog.Focus = len(o.dialog.Fields) + button
		o.now = frozen(o.now().Add(time.Second))
		run(o, keyNamed("enter"))
	}
}

const saveAndTick, saveOnly = 0, 1

// What an action records while a form is open stays where nobody has typed.
func TestAFormLeavesWhatIsRecordedMeanwhile(t *testing.T) {
	o, rec, press := filledMeanwhile(t, "")
	press(saveOnly)
	if len(rec.commands) > 0 || o.dialog != nil {
		t.Errorf("a form in which nothing was typed sends %v", rec.commands)
	}

	o, rec, press = filledMeanwhile(t, "")
	press(saveAndTick)
	if text := trimmed(frameText(o)); len(rec.commands) > 0 || o.dialog == nil || !strings.Contains(text, "gym-9") || !strings.Contains(text, "recorded meanwhile by "+phases.Itself) {
		t.Fatalf("what nobody has seen is ticked: %v\n%s", rec.commands, text)
	}
	press(saveAndTick) // the same of the next line
	press(saveAndTick)
	if want := []phases.Command{phases.Tick{Item: "backup"}}; !reflect.DeepEqual(rec.commands, want) {
		t.Errorf("seen, it sends %v, want %v", rec.commands, want)
	}
}

// What was typed takes the place of what was recorded meanwhile only once whoever
// typed it knows.
func TestAFormSaysWhatItWouldReplace(t *testing.T) {
	o, rec, press := filledMeanwhile(t, "b 1")
	press(saveOnly)
	if text := strings.Join(strings.Fields(trimmed(frameText(o))), " "); len(rec.commands) > 0 || o.dialog == nil || !strings.Contains(text, "recorded meanwhile by "+phases.Itself+": gym-9;") {
		t.Fatalf("it is replaced unseen: %v\n%s", rec.commands, text)
	}
	press(saveOnly)
	if want := []phases.Command{phases.Record{Item: "backup", Field: "backup_id", Value: "b 1"}}; !reflect.DeepEqual(rec.commands, want) {
		t.Errorf("known, it sends %v, want %v", rec.commands, want)
	}

	o, rec, press = filledMeanwhile(t, "gym-9")
	press(saveOnly)
	if len(rec.commands) > 0 || o.dialog != nil {
		t.Errorf("the same value is recorded twice: %v", rec.commands)
	}
}

// An enter that is held, or was pressed twice, ticks nothing: neither in the form that
// it has opened, nor in one of the next item.
func TestAHeldEnterTicksNothing(t *testing.T) {
	o, rec := screen(t, "checklist", 80, 24)
	o.state.Runbook.Checklist[0].Items[2].Fields = []runbook.Field{{ID: "told", Label: "Told by", Type: runbook.FieldText}}
	o.nav.cursor = "notice"
	held := func() {
		for range 30 {
			o.now = frozen(o.now().Add(30 * time.Millisecond))
			run(o, keyNamed("enter"))
		}
	}
	held()
	if len(rec.commands) > 0 || o.dialog == nil {
		t.Errorf("a held enter sends %v", rec.commands)
	}
	o.now = frozen(o.now().Add(time.Second))
	run(o, keyNamed("enter"))
	if want := []phases.Command{phases.Tick{Item: "notice"}}; !reflect.DeepEqual(rec.commands, want) {
		t.Errorf("a considered enter sends %v, want %v", rec.commands, want)
	}

	o, rec = screen(t, "checklist", 80, 24)
	o.nav.cursor, o.landed = "backup", o.now()
	held()
	if o.dialog != nil || len(rec.commands) > 0 || !strings.Contains(o.said.text, "read it, then press enter") {
		t.Errorf("a held enter opens the form of an item that it has just come to: %q", o.said.text)
	}
	o.now = frozen(o.now().Add(time.Second))
	if run(o, keyNamed("enter")); o.dialog == nil {
		t.Errorf("a considered enter opens none: %q", o.said.text)
	}
}
