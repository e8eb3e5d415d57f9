package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/ui/look"
	"tminus/ui/pane"
)

func TestPaletteGolden(t *testing.T) {
	for name, c := range map[string]struct {
		stage, text string
		w, h        int
		coloured    bool
	}{
		"all": {"holding", "", 80, 24, false}, "all_wide": {"holding", "", 120, 40, false}, "narrowed": {"checklist", "end", 80, 24, false},
		"none": {"running", "zebra", 80, 24, false}, "ansi": {"locked", "a", 80, 24, true},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := screen(t, c.stage, c.w, c.h)
			run(o, keyNamed("ctrl+p"))
			typed(o, c.text)
			if c.coloured {
				o.SetStyles(look.NewStyles(true))
				golden.RequireEqual(t, frameText(o))
				return
			}
			golden.RequireEqual(t, trimmed(frameText(o)))
		})
	}
}

// Every key of the table is in the palette, with what it does or why not; a reader's
// holds nothing that acts.
func TestPaletteHoldsTheTable(t *testing.T) {
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 200, 60)
		run(o, keyNamed(":"))
		listed := map[string]choice{}
		for _, c := range o.choices(o.now(), o.able) {
			listed[c.id] = c
		}
		for _, b := range o.keys {
			c, ok := listed[b.id]
			if ok != (!b.steps && b.id != "palette" && b.id != "close") {
				t.Errorf("%s: %s is listed: %v", stage, b.id, ok)
			}
			if ok && b.can != nil && (c.refused == nil) != (b.can(o.Viewer, o.now()) == nil) {
				t.Errorf("%s: %s: refused %v", stage, b.id, c.refused)
			}
		}
		checkFrame(t, stage, frameText(o), 200, 60)
	}
	for _, v := range []*Viewer{NewMirrorViewer(ViewerOptions{}), NewReplayViewer(ViewerOptions{}, nil, OwnKey{ID: "quit", Keys: []string{"q"}})} {
		for _, c := range v.choices(time.Time{}, v.able) {
			if c.open != nil {
				t.Errorf("a reader's palette has %s", c.id)
			}
		}
	}
}

// What is chosen begins as its key would: with its question.
func TestPaletteAsksAsTheKeyDoes(t *testing.T) {
	o, rec := screen(t, "holding", 80, 24)
	run(o, keyNamed(":"))
	typed(o, "commit")
	run(o, keyNamed("enter"))
	if o.dialog == nil || len(rec.commands) > 0 || o.entering() {
		t.Fatalf("commit: %v, %v", o.dialog, rec.commands)
	}
	run(o, keyNamed("enter"))
	if o.dialog != nil || len(rec.commands) > 0 {
		t.Errorf("enter twice commits: %v", rec.commands)
	}
	// What is impossible stays, and says why.
	run(o, keyNamed(":"))
	typed(o, "start the")
	run(o, keyNamed("enter"))
	if o.dialog != nil || len(rec.commands) > 0 || !o.nav.palette.open || !strings.Contains(trimmed(frameText(o)), "Not now: ") {
		t.Errorf("start: %v\n%s", rec.commands, frameText(o))
	}
	run(o, keyNamed("esc"))
	// Panes are there by name, those without a digit too.
	for name, id := range map[string]pane.ID{"activity": pane.Activity, "contacts": pane.Contacts, "undo": pane.Undo, "reach": pane.Reach} {
		run(o, keyNamed(":"))
		typed(o, name)
		run(o, keyNamed("enter"))
		if o.nav.focus != id || o.entering() {
			t.Errorf("%s leads to %s", name, o.nav.focus)
		}
	}
}

// What the run does meanwhile changes nothing about which one is selected.
func TestPaletteKeepsWhatIsSelected(t *testing.T) {
	o, rec := screen(t, "holding", 80, 24)
	run(o, keyNamed(":"))
	c, _ := o.selectedChoice(o.now(), o.able)
	for c.id != "commit" {
		run(o, keyNamed("down"))
		c, _ = o.selectedChoice(o.now(), o.able)
	}
	o.state.Phases[1].Status = phases.PhaseIsRolledBack
	o.Show(o.state)
	if c, _ := o.selectedChoice(o.now(), o.able); c.id != "commit" || c.refused == nil {
		t.Errorf("selected is %s, refused %v", c.id, c.refused)
	}
	run(o, keyNamed("enter"))
	if o.dialog != nil || len(rec.commands) > 0 || !o.nav.palette.open {
		t.Errorf("another one is chosen: %v", rec.commands)
	}
	for range 100 {
		run(o, keyNamed("down"))
	}
	checkFrame(t, "at the end", frameText(o), 80, 24)
	for range 100 {
		run(o, keyNamed("up"))
	}
	if c, _ := o.selectedChoice(o.now(), o.able); c.id != o.choices(o.now(), o.able)[0].id {
		t.Errorf("up ends on %s", c.id)
	}
}

// A replay's own keys are in its palette, and done by the replay.
func TestAReplaysPaletteHasItsOwnKeys(t *testing.T) {
	s, now := fixture(t, "holding")
	v := NewReplayViewer(ViewerOptions{}, []OwnKey{{ID: "faster", Keys: []string{"+"}, Label: "+", Name: "faster", Help: "faster"}}, OwnKey{ID: "quit", Keys: []string{"q"}, Label: "q", Name: "leave", Help: "leave"})
	v.Resize(80, 24)
	v.Show(s)
	v.Navigate(keyNamed(":"))
	for _, r := range "faster" {
		if _, own := v.Own(keyNamed(string(r))); own {
			t.Fatal("letters are keys")
		}
		v.Navigate(keyNamed(string(r)))
	}
	if text := ansi.Strip(v.Frame(now)); !strings.Contains(text, "› +          faster") {
		t.Errorf("it shows\n%s", text)
	}
	if id, own := v.Own(keyNamed("enter")); !own || id != "faster" || v.entering() {
		t.Errorf("enter gives %q, %v", id, own)
	}
}
