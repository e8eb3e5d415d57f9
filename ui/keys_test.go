package ui

import (
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

// The copying key says what it would copy, where the run and the reader are.
func TestTheCopyingKeyNamesWhatItCopies(t *testing.T) {
	for stage, want := range map[string]string{"locked": "copy the blocking query", "go": "copy the resume command", "completed": "copy the restore command"} {
		o, _ := screen(t, stage, 80, 24)
		o.opts.Journal = "/j/a.journal"
		b, _ := o.keys.get("copy")
		if got := ansi.Strip(o.hint(b, o.now())); got != "y "+want {
			t.Errorf("%s: the key is called %q, and not %q", stage, got, want)
		}
	}
}

// No key leaves out what is to follow a COMMIT without a question.
func TestMaintenanceIsSkippedByAnAnswer(t *testing.T) {
	o, rec := screen(t, "done", 80, 24)
	o.state.Outcome = ""
	o.state.Phases[0].Maintenance = []phases.MaintenanceState{{Plan: runbook.Vacuum([]string{"orders"}), StartedAt: o.now()}}
	run(o, keyNamed(pane.KeySkip))
	if len(rec.commands) != 0 || o.dialog == nil || !strings.Contains(frameText(o), "VACUUM orders") {
		t.Fatalf("it sent %v, or does not ask:\n%s", rec.commands, frameText(o))
	}
	o.now = frozen(o.now().Add(time.Minute))
	run(o, keyNamed("y"))
	if len(rec.commands) != 1 || rec.commands[0] != (phases.SkipMaintenance{}) {
		t.Errorf("it sent %v", rec.commands)
	}
}
