package ui

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"tminus/phases"
)

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
