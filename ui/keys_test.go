package ui

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/pane"
)

func TestKeysAreUnique(t *testing.T) {
	for name, keys := range map[string]keymap{"reader": readerKeys(), "watch": watchKeys(), "operator": operatorKeys()} {
		seen, ids := map[string]string{}, map[string]bool{}
		for _, b := range keys {
			for _, k := range b.keys {
				if other := seen[k]; other != "" {
					t.Errorf("%s: %s is %s and %s", name, k, other, b.id)
				}
				seen[k] = b.id
			}
			if ids[b.id] {
				t.Errorf("%s: two bindings are %s", name, b.id)
			}
			ids[b.id] = true
			if b.label == "" || b.name == "" || b.help == "" || b.group == "" || (b.move == nil) == (b.open == nil) {
				t.Errorf("%s: binding %s is not complete", name, b.id)
			}
		}
	}
}

// The help page has every key, those that do nothing now with the reason, and each
// can be scrolled to, in one column and in two.
func TestHelpListsEveryKey(t *testing.T) {
	for _, w := range []int{80, 120} {
		o, _ := screen(t, "checklist", w, 24)
		page := ansi.Strip(strings.Join(o.helpText(w, o.now()), "\n"))
		run(o, keyNamed("?"))
		seen := ""
		for range 12 {
			seen += frameText(o)
			run(o, keyNamed("pgdown"))
		}
		seen = ansi.Strip(seen)
		for _, b := range o.keys {
			row := ansi.Strip(helpRow(o.styles.Key, o.styles.Text, b, b.help, (w-4)/(w/60))[0])
			if !strings.Contains(page, row) || !strings.Contains(seen, row) {
				t.Errorf("help does not list %s", b.id)
			}
		}
		now := strings.Index(page, "Not now")
		if w == 80 && (strings.Index(page, "write a note into") > now || strings.Index(page, "GO: open the gate") < now) {
			t.Errorf("usable keys don't come first:\n%s", page)
		}
		if !strings.Contains(page, "why not: the gate has not been passed") {
			t.Errorf("help does not say why a key does nothing:\n%s", page)
		}
		run(o, keyNamed("esc"))
		if o.nav.help {
			t.Error("esc does not close the help page")
		}
	}
}

// What next() recommends exists, and is possible where it is shown first.
func TestHintsAreKeysThatWork(t *testing.T) {
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 120, 40)
		st := o.next(o.now())
		if st.text == "" {
			t.Errorf("%s: the screen does not say what the run waits for", stage)
		}
		for i, id := range st.keys {
			b, ok := o.keys.get(id)
			if !ok {
				t.Errorf("%s: no key is called %q", stage, id)
				continue
			}
			if i == 0 && b.can != nil && stage != "interrupted" {
				if err := b.can(o.Viewer, o.now()); err != nil {
					t.Errorf("%s: the first key, %s, does nothing: %v", stage, b.label, err)
				}
			}
		}
	}
}

// What the state refuses no key offers.
func TestAKeyAsksTheState(t *testing.T) {
	o, _ := screen(t, "locked", 80, 24)
	b, _ := o.keys.get("session")
	for _, blockers := range [][]phases.Blocker{nil, {{PID: 4711}}} {
		o.state.OpenPhase().Lock.Blockers = blockers
		want := o.state.Can(phases.EndBackend{PID: 4711}, o.now())
		if got := b.can(o.Viewer, o.now()); (got == nil) != (want == nil) {
			t.Errorf("with %d sessions in the way the key says %v, the state %v", len(blockers), got, want)
		}
	}
}

// Keys are called by what they would do where the run is.
func TestKeysAreCalledByWhatTheyDo(t *testing.T) {
	for stage, want := range map[string]string{"confirmed": "s start Delete members", "next": "s start Delete bookings", "locked": "y copy its query", "interrupted": "", "completed": ""} {
		o, _ := screen(t, stage, 120, 30)
		if text := trimmed(frameText(o)); !strings.Contains(text, want) || strings.Contains(text, "y copy  ") {
			t.Errorf("%s: no %q in\n%s", stage, want, text)
		}
	}
	o, _ := screen(t, "ready", 120, 30)
	run(o, keyNamed("6"))
	if text := trimmed(frameText(o)); !strings.Contains(text, "y copy the restore command") {
		t.Errorf("the pane undo has\n%s", text)
	}
}

// Skipping what runs after a COMMIT asks first.
func TestSkippingMaintenanceAsks(t *testing.T) {
	o, rec := screen(t, "confirm", 80, 24)
	p := &o.state.Phases[1]
	p.Maintenance = []phases.MaintenanceState{{Plan: runbook.Vacuum([]string{"bookings"}), StartedAt: o.now().Add(-90 * time.Second)}}
	run(o, keyNamed("S"))
	if o.dialog == nil || len(rec.commands) > 0 || !strings.Contains(trimmed(frameText(o)), "has run for 1 min 30 s") {
		t.Fatalf("it asks nothing: %v, %s\n%s", rec.commands, o.said.text, frameText(o))
	}
	run(o, keyNamed("enter"))
	if len(rec.commands) > 0 || o.dialog != nil {
		t.Errorf("enter sends %v", rec.commands)
	}
	run(o, keyNamed("S"))
	o.now = frozen(o.now().Add(time.Second))
	run(o, keyNamed("y"))
	if len(rec.commands) != 1 || rec.commands[0] != phases.Command(phases.SkipMaintenance{}) {
		t.Errorf("y sends %v", rec.commands)
	}
}

// Behind the page of keys nobody sees which item is selected: a key that is about one
// closes the page, and does no more, held neither.
func TestNoKeyActsOnAnItemBehindThePageOfKeys(t *testing.T) {
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 80, 24)
		for _, row := range o.rows() {
			for _, b := range o.keys {
				o, rec := screen(t, stage, 80, 24)
				o.goTo(pane.Checklist)
				o.nav.cursor = row.ID
				run(o, keyNamed("?"))
				if b.group != groupItems || b.can(o.Viewer, o.now()) != nil {
					continue
				}
				run(o, keyNamed(b.keys[0]))
				if len(rec.commands) > 0 || o.front() != nil || o.nav.help || !strings.Contains(o.said.text, "then press "+b.label+" again") {
					t.Errorf("%s, %s at %s: %v, %q", stage, b.label, row.ID, rec.commands, o.said.text)
				}
				run(o, keyNamed(b.keys[0]))
				for _, c := range rec.commands {
					if _, looks := c.(phases.Recheck); !looks {
						t.Errorf("%s, %s held at %s: %v", stage, b.label, row.ID, c)
					}
				}
			}
		}
	}
	o, rec := screen(t, "checklist", 80, 24)
	o.nav.cursor = "notice"
	run(o, keyNamed("?"))
	for range 2 {
		o.now = frozen(o.now().Add(time.Second))
		run(o, keyNamed("space"))
	}
	if want := []phases.Command{phases.Tick{Item: "notice"}}; !reflect.DeepEqual(rec.commands, want) {
		t.Errorf("read, and pressed again, it sends %v", rec.commands)
	}
}
