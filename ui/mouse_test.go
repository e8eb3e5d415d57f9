package ui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/ui/pane"
)

// clickOn clicks on the first cell of a text on screen.
func clickOn(t *testing.T, o *Operator, text string) {
	t.Helper()
	for y, line := range strings.Split(ansi.Strip(frameText(o)), "\n") {
		if before, _, ok := strings.Cut(line, text); ok {
			run(o, tea.MouseClickMsg{X: ansi.StringWidth(before), Y: y, Button: tea.MouseLeft})
			return
		}
	}
	t.Fatalf("%q is not on screen:\n%s", text, frameText(o))
}

func TestAClickSelectsAndNeverActs(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		o, rec := screen(t, "checklist", size[0], size[1])
		o.goTo(pane.Checklist)
		for text, want := range map[string]string{"Stakeholders have been told": "notice", "The triggers are disabled": "triggers", "The database answers": "connects"} {
			clickOn(t, o, text)
			if o.nav.cursor != want || o.nav.focus != pane.Checklist {
				t.Errorf("at %v: a click on %q selects %s, in %s", size, text, o.nav.cursor, o.nav.focus)
			}
			clickOn(t, o, text) // twice is no more
		}
		if size[0] > 80 {
			clickOn(t, o, "event 30")
			if o.nav.focus != pane.Log {
				t.Errorf("at %v: a click on the events goes to %s", size, o.nav.focus)
			}
		}
		clickOn(t, o, "? keys")
		for y := range size[1] {
			run(o, tea.MouseClickMsg{X: 3, Y: y, Button: tea.MouseRight})
			run(o, tea.MouseClickMsg{X: 3, Y: y, Button: tea.MouseLeft, Mod: tea.ModShift})
		}
		if len(rec.commands) > 0 || o.dialog != nil || o.leaving != nil || o.nav.help {
			t.Errorf("at %v: clicks act: %v", size, rec.commands)
		}
	}
}

// What was clicked stays selected, whatever the run does meanwhile.
func TestAClickedItemStaysSelected(t *testing.T) {
	o, s := scripted(t, 80, 24)
	s.record(phases.SurveyTaken{})
	feed(t, o, s)
	run(o, keyNamed("down"))
	run(o, keyNamed("down"))
	it, _ := o.selected()
	for range 2 { // back, and what was sent since lets the cursor go on by itself
		run(o, keyNamed("up"))
	}
	o.nav.chosen = false
	clickOn(t, o, it.Text[:30])
	s.record(phases.ItemTicked{Item: it.ID, By: "dba@ops1"})
	feed(t, o, s)
	if got, _ := o.selected(); got.ID != it.ID {
		t.Errorf("%s was clicked, and %s is selected", it.ID, got.ID)
	}
}

// While letters are text nothing beneath the palette, or a filter, is clicked.
func TestTheMouseDoesNotReachBeneathThePalette(t *testing.T) {
	for _, key := range []string{":", "/"} {
		o, rec := screen(t, "checklist", 80, 24)
		run(o, keyNamed(key))
		before, cursor, focus := frameText(o), o.nav.cursor, o.nav.focus
		for y := range 24 {
			run(o, tea.MouseClickMsg{X: 6, Y: y, Button: tea.MouseLeft})
			run(o, tea.MouseWheelMsg{X: 6, Y: y, Button: tea.MouseWheelDown})
		}
		if frameText(o) != before || o.nav.cursor != cursor || o.nav.focus != focus || len(rec.commands) > 0 {
			t.Errorf("after %s the mouse leads to %s, in %s", key, o.nav.cursor, o.nav.focus)
		}
	}
}

// Over a question a click answers nothing.
func TestAClickAnswersNothing(t *testing.T) {
	o, rec := screen(t, "holding", 80, 24)
	run(o, keyNamed("c"))
	for range 3 {
		clickOn(t, o, "[ COMMIT ]")
		clickOn(t, o, "[ No ]")
	}
	if len(rec.commands) > 0 || o.dialog == nil {
		t.Errorf("a click answers: %v", rec.commands)
	}
}

// The wheel scrolls what is beneath it, and leaves the keys where they are.
func TestTheWheelScrollsWhatIsBeneathIt(t *testing.T) {
	o, _ := screen(t, "checklist", 120, 40)
	focus := o.nav.focus
	l, _ := o.layout()
	events, _ := l.find(pane.Log)
	turn := func(b tea.MouseButton) {
		run(o, tea.MouseWheelMsg{X: events.x + 4, Y: events.y + 2, Button: b})
	}
	before := frameText(o)
	turn(tea.MouseWheelUp)
	if o.nav.scroll[pane.Log] != -wheelLines || o.nav.focus != focus || frameText(o) == before {
		t.Errorf("the wheel leads to line %d, and the keys to %s", o.nav.scroll[pane.Log], o.nav.focus)
	}
	turn(tea.MouseWheelDown)
	turn(tea.MouseWheelDown)
	if frameText(o) != before {
		t.Error("back at the end the screen is another")
	}
	list, _ := l.find(pane.Checklist)
	run(o, keyNamed("g"))
	run(o, tea.MouseWheelMsg{X: list.x + 4, Y: list.y + 2, Button: tea.MouseWheelDown})
	if o.nav.cursor != "quiet" {
		t.Errorf("over the checklist it leads to %s", o.nav.cursor)
	}
	small, _ := screen(t, "checklist", 80, 24)
	run(small, keyNamed("?"))
	page := frameText(small)
	run(small, tea.MouseWheelMsg{X: 4, Y: 9, Button: tea.MouseWheelDown})
	if frameText(small) == page {
		t.Error("it does not scroll the help page")
	}
}

func TestTheMouseIsTheTerminalsWhereItIsNotWanted(t *testing.T) {
	o, _ := screen(t, "checklist", 80, 24)
	if o.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is taken")
	}
	if o.mouses = true; o.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("the mouse is not asked for")
	}
}
