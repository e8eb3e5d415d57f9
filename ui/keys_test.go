package ui

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"tminus/ui/look"
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

func TestHelpListsEveryKey(t *testing.T) {
	o, _ := screen(t, "checklist", 80, 24)
	page := ansi.Strip(strings.Join(o.helpText(), "\n"))
	for _, b := range o.keys {
		if !strings.Contains(page, "  "+look.KeyNames(b.keys)) || !strings.Contains(page, b.help) {
			t.Errorf("help does not list %s", b.id)
		}
	}
	run(o, keyNamed("?"))
	seen := ""
	for range 60 {
		seen += frameText(o)
		run(o, keyNamed("down"))
	}
	for _, b := range o.keys {
		if !strings.Contains(ansi.Strip(seen), b.help) {
			t.Errorf("%s cannot be scrolled to on the help page", b.id)
		}
	}
	run(o, keyNamed("esc"))
	if o.nav.help {
		t.Error("esc does not close the help page")
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
