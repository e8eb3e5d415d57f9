package ui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/ui/pane"
)

func TestFilterGolden(t *testing.T) {
	for name, c := range map[string]struct {
		stage, keys, text string
		w, h              int
	}{
		"checklist": {"checklist", "/", "tri", 80, 24}, "events": {"running", "5/", "event 2", 80, 24}, "nothing": {"checklist", "/", "zebra", 80, 24},
		"wide": {"holding", "5/", "3", 120, 40},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := screen(t, c.stage, c.w, c.h)
			typed(o, c.keys+c.text)
			golden.RequireEqual(t, trimmed(frameText(o)))
		})
	}
}

// While letters are text no key acts, whatever is typed, at any stage.
func TestLettersOfAFilterAreNoKeys(t *testing.T) {
	for _, stage := range fixtureStages {
		for _, open := range []string{"/", ":"} {
			o, rec := screen(t, stage, 80, 24)
			run(o, keyNamed(open))
			for _, b := range o.keys {
				for _, k := range b.keys {
					if k == "enter" || k == "esc" || k == "ctrl+c" || k == "ctrl+p" || strings.HasPrefix(k, ":") {
						continue
					}
					if run(o, keyNamed(k)) || o.front() != nil || len(rec.commands) > 0 {
						t.Fatalf("%s: %s, then %s acts: %v", stage, open, k, rec.commands)
					}
				}
			}
			checkFrame(t, stage, frameText(o), 80, 24)
			run(o, tea.PasteMsg{Content: "c\x1b[2J\nb"})
			if len(rec.commands) > 0 || strings.Contains(frameText(o), "\x1b[2J") {
				t.Errorf("%s: a paste acts: %v", stage, rec.commands)
			}
		}
	}
}

// A filter is taken back by esc, kept by enter, and a second esc follows the run.
func TestFilterIsTakenBack(t *testing.T) {
	o, _ := screen(t, "checklist", 80, 24)
	typed(o, "/backup")
	text := trimmed(frameText(o))
	if !strings.Contains(text, "/backup  2 of 5") || strings.Contains(text, "The database answers") || !strings.Contains(text, "Show in checklist only what has in it: /backup_") {
		t.Fatalf("filtered:\n%s", text)
	}
	run(o, keyNamed("enter"))
	if text := trimmed(frameText(o)); o.entering() || !strings.Contains(text, "/backup  2 of 5") || !strings.Contains(text, "before the gate") {
		t.Errorf("kept:\n%s", text)
	}
	run(o, keyNamed("esc"))
	if text := trimmed(frameText(o)); !strings.Contains(text, "The database answers") || strings.Contains(text, "/backup") {
		t.Errorf("taken back:\n%s", text)
	}
	typed(o, "/back")
	run(o, keyNamed("backspace"))
	run(o, keyNamed("ctrl+u"))
	typed(o, "note")
	run(o, keyNamed("esc"))
	if o.nav.filters[pane.Checklist] != "" || o.entering() {
		t.Errorf("esc leaves %q", o.nav.filters[pane.Checklist])
	}
}

// No key acts on an item that a filter hides.
func TestAHiddenItemIsNotActedOn(t *testing.T) {
	o, rec := screen(t, "checklist", 80, 24)
	o.nav.cursor = "notice"
	typed(o, "/database")
	if o.nav.cursor != "connects" {
		t.Fatalf("the cursor is on %s, which is not shown", o.nav.cursor)
	}
	run(o, keyNamed("enter"))
	o.nav.cursor = "notice" // as when the checklist turns beneath it
	run(o, keyNamed("space"))
	if len(rec.commands) > 0 || !strings.Contains(trimmed(frameText(o)), "hides the selected item") {
		t.Errorf("%v\n%s", rec.commands, frameText(o))
	}
	run(o, keyNamed("down"))
	if o.nav.cursor != "connects" {
		t.Errorf("down goes to %s", o.nav.cursor)
	}
	run(o, keyNamed("n"))
	if o.nav.filters[pane.Checklist] != "" || o.nav.cursor == "connects" {
		t.Errorf("the next open item is %s, filtered by %q", o.nav.cursor, o.nav.filters[pane.Checklist])
	}
}

// The screen does not turn to something else under whoever types, and does so when
// they have ended.
func TestTheScreenWaitsForWhoeverTypes(t *testing.T) {
	for _, keys := range [][]string{{"/", "x"}, {":", "x"}} {
		o, _ := screen(t, "running", 80, 24)
		for _, k := range keys {
			run(o, keyNamed(k))
		}
		o.state.Outcome = phases.Aborted
		o.Show(o.state)
		if o.nav.focus != pane.Phase {
			t.Fatalf("%v: the focus went to %s", keys, o.nav.focus)
		}
		run(o, keyNamed("esc"))
		if o.nav.focus != pane.End {
			t.Errorf("%v: the focus is on %s when all is typed", keys, o.nav.focus)
		}
	}
}

// A mirror's own keys are letters while somebody types there, but for ctrl+c; two
// viewers who look for something else share no frame.
func TestAViewerTypesToo(t *testing.T) {
	s, now := fixture(t, "holding")
	v := NewMirrorViewer(ViewerOptions{ReadOnly: "READ-ONLY"})
	v.Resize(80, 24)
	v.Show(s)
	v.goTo(pane.Log)
	before := v.Standing()
	v.Navigate(keyNamed("/"))
	for _, key := range []string{"q", "y"} {
		if _, own := v.Own(keyNamed(key)); own {
			t.Errorf("%s leaves or copies while it is text", key)
		}
		v.Navigate(keyNamed(key))
	}
	if id, own := v.Own(keyNamed("ctrl+c")); !own || id != "quit" {
		t.Error("ctrl+c does not leave")
	}
	if text := ansi.Strip(v.Frame(now)); !strings.Contains(text, "/qy  0 of 30") || v.Standing() == before {
		t.Errorf("the viewer sees\n%s", text)
	}
	v.Navigate(keyNamed("esc"))
	if id, own := v.Own(keyNamed("q")); !own || id != "quit" {
		t.Error("q does not leave afterwards")
	}
}

// What is folded on a small screen opens by its key, and the key says why not where
// nothing is.
func TestFoldedHelpOpens(t *testing.T) {
	o, _ := screen(t, "checklist", 80, 24)
	o.nav.cursor, o.nav.chosen = o.state.Runbook.Checklist[0].Items[1].ID, true
	o.state.Runbook.Checklist[0].Items[1].Help = strings.Repeat("It counts those of the application. ", 6)
	folded := trimmed(frameText(o))
	run(o, keyNamed("i"))
	open := trimmed(frameText(o))
	if !strings.Contains(folded, "i  more: It counts") || strings.Contains(folded, "asked every") || !strings.Contains(open, "asked every") {
		t.Errorf("folded:\n%s\nopen:\n%s", folded, open)
	}
	o.Resize(120, 40)
	run(o, keyNamed("i"))
	if text := trimmed(frameText(o)); !strings.Contains(text, "nothing is folded") {
		t.Errorf("at 120x40:\n%s", text)
	}
}

// A filter that finds nothing: the first key leads on from there.
func TestTheFirstKeyLeadsOutOfAFilterThatFindsNothing(t *testing.T) {
	o, _ := screen(t, "checklist", 80, 24)
	typed(o, "/##")
	run(o, keyNamed("enter"))
	if key := firstHint(t, o); key != "n" {
		t.Errorf("the first key is %s", key)
	}
	run(o, keyNamed("n"))
	if it, err := o.selected(); err != nil || o.nav.filters[pane.Checklist] != "" || o.state.ItemDone(it) {
		t.Errorf("n leads to %s, filtered by %q: %v", it.ID, o.nav.filters[pane.Checklist], err)
	}

	o, _ = screen(t, "ready", 80, 24) // but for one item
	o.state.Items["notice"].Ticked = false
	o.Show(o.state)
	if it, err := o.selected(); err != nil || it.ID != "notice" {
		t.Fatalf("the cursor is on %s: %v", it.ID, err)
	}
	typed(o, "/##")
	run(o, keyNamed("enter"))
	if key := firstHint(t, o); key != "esc" {
		t.Errorf("where no other item is open the first key is %s", key)
	}
	run(o, keyNamed("esc"))
	if it, err := o.selected(); err != nil || it.ID != "notice" || firstHint(t, o) != "space" {
		t.Errorf("esc leads to %s: %v\n%s", it.ID, err, frameText(o))
	}
}
