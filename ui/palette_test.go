package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
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

// The palette leaves in sight what the run waits for, in however many lines.
func TestThePaletteLeavesTheStatusInSight(t *testing.T) {
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 80, 24)
		foot := func() string {
			lines := strings.Split(trimmed(frameText(o)), "\n")
			n := strings.Count(o.status(o.now()), "\n") + 1
			return strings.Join(lines[23-n:23], "\n")
		}
		before := foot()
		run(o, keyNamed(":"))
		if got := foot(); got != before {
			t.Errorf("%s: beneath the palette stands\n%s\nwant\n%s", stage, got, before)
		}
		v := NewMirrorViewer(ViewerOptions{})
		v.Resize(80, 24)
		v.Show(o.state)
		v.Navigate(keyNamed(":"))
		lines := strings.Split(ansi.Strip(v.Frame(o.now())), "\n")
		if at := len(lines) - v.Foot(o.now()); !strings.HasPrefix(lines[at-1], "╰") {
			t.Errorf("%s: a reader's palette ends on %q", stage, lines[at-1])
		}
	}
}

// A long reason is there whole, and the list says how much of it is not.
func TestThePaletteTellsAllOfAReason(t *testing.T) {
	o, _ := screen(t, "holding", 80, 24)
	why := "it is held by " + strings.Repeat("one reason and another, ", 10) + "and that is all"
	for i := range o.keys {
		if o.keys[i].id == "start" {
			o.keys[i].can = func(*Viewer, time.Time) error { return errors.New(why) }
		}
	}
	run(o, keyNamed(":"))
	all := trimmed(frameText(o))
	rows := strings.Count(all, "│")/2 - 4 // but for what is typed, the rule and what is said of one
	if n := fmt.Sprintf("↓ %d more ─", len(o.choices(o.now(), o.able))-rows); !strings.Contains(all, n) {
		t.Errorf("the list does not say %q:\n%s", n, all)
	}
	typed(o, "start the")
	text := strings.Join(strings.Fields(strings.ReplaceAll(trimmed(frameText(o)), "│", "")), " ")
	if !strings.Contains(text, "Not now: "+why+".") {
		t.Errorf("the reason is cut:\n%s", frameText(o))
	}
	if was, is := strings.Count(all, "│"), strings.Count(trimmed(frameText(o)), "│"); was != is {
		t.Errorf("the palette has %d lines of walls, and had %d", is, was)
	}
}

// What leads the run on comes first, and is selected from the start: nothing that
// happens meanwhile gives enter another meaning.
func TestThePaletteSelectsWhatItOpensWith(t *testing.T) {
	o, rec := screen(t, "holding", 80, 24)
	run(o, keyNamed(":"))
	if got := o.nav.palette.selected; got != "commit" {
		t.Fatalf("it opens on %q", got)
	}
	o.state.Phases[1].Status = phases.PhaseIsRolledBack
	o.Show(o.state)
	run(o, keyNamed("enter"))
	if o.dialog != nil || !o.nav.palette.open || len(rec.commands) > 0 {
		t.Errorf("enter does another thing: %v", rec.commands)
	}
	run(o, tea.PasteMsg{Content: "note"})
	if got := o.nav.palette.selected; got != "note" {
		t.Errorf("after a paste %q is selected", got)
	}
}

// What is chosen acts on the item that was selected, though the cursor goes on once
// the palette is closed.
func TestThePaletteActsOnWhatWasSelected(t *testing.T) {
	o, s := scripted(t, 80, 24)
	s.record(phases.SurveyTaken{})
	feed(t, o, s)
	it, _ := o.selected()
	run(o, keyNamed(":"))
	typed(o, "tick")
	s.record(phases.ItemTicked{Item: it.ID, By: "dba@ops1"}) // by another hand
	feed(t, o, s)
	rec := &recorder{}
	o.do = rec.Do
	run(o, keyNamed("enter"))
	if len(rec.commands) != 1 || rec.commands[0] != phases.Command(phases.Untick{Item: it.ID}) {
		t.Errorf("%s was selected, and sent is %#v", it.ID, rec.commands)
	}
}

// While letters are text the keys on screen are those for it, whatever else is
// wrong; and no answer to an earlier command turns the screen.
func TestWhoeverTypesIsLeftAlone(t *testing.T) {
	for _, key := range []string{":", "/"} {
		o, _ := screen(t, "holding", 80, 24)
		run(o, keyNamed("5"))
		run(o, keyNamed(key))
		o.answer(sentMsg{follow: true})
		if o.nav.focus != pane.Log {
			t.Errorf("%s: the screen turns to %s", key, o.nav.focus)
		}
		for _, wrong := range []func(){func() { o.stopped = true }, func() { o.stopped, o.fault = false, errors.New("a fault") }} {
			wrong()
			if line := ansi.Strip(o.keysNow(o.now())); !strings.HasPrefix(line, " enter ") {
				t.Errorf("%s: the keys are %q", key, line)
			}
		}
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
