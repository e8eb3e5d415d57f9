package choose

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/ui"
	"tminus/ui/look"
)

func shown(w, h int, more ...Entry) *screen {
	return shownOn(ui.Options{Env: []string{"NO_COLOR=1"}}, w, h, more...)
}

func shownOn(on ui.Options, w, h int, more ...Entry) *screen {
	s := newScreen(Options{Title: "Which run do you want to resume?", Entries: append([]Entry{
		{Title: "Gym data reset", Where: "production on gym at db1", Stands: "before the gate, 12 of 30 items done", Lines: []string{
			"begun 2026-01-30 01:10 by ada@ops1, last event 3 min 20 s ago", "before the gate, 12 of 30 items done",
			"/home/ada/.local/state/tminus/gym-reset-20260130-011000.000.journal",
		}},
		{Title: "注文明細の控え", Where: "rehearsal on shop at /run/postgresql", Stands: "IN DOUBT: COMMIT of phase 3 of 6", Lines: []string{"/j/b.journal"}},
		{Title: "Gym data reset", Where: "demo on gym\x1b[2J at /tmp/x", Stands: "phase 2 of 6 open", Lines: []string{"/j/c.journal"}, Why: "its server is gone, and its database with it"},
	}, more...)}, on)
	s.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return s
}

// press sends keys, and reports whether the last one ends the program.
func press(s *screen, keys ...tea.KeyPressMsg) bool {
	var cmd tea.Cmd
	for _, k := range keys {
		_, cmd = s.Update(k)
	}
	return cmd != nil
}

var (
	down  = tea.KeyPressMsg{Code: tea.KeyDown}
	up    = tea.KeyPressMsg{Code: 'k', Text: "k"}
	enter = tea.KeyPressMsg{Code: tea.KeyEnter}
	leave = tea.KeyPressMsg{Code: 'q', Text: "q"}
)

func TestChoose(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {40, 12}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			golden.RequireEqual(t, []byte(shown(size[0], size[1]).frame()))
		})
	}
	t.Run("gone", func(t *testing.T) {
		s := shown(80, 24)
		if press(s, down, down, down, enter) || s.chosen {
			t.Error("it takes up what cannot be taken up")
		}
		golden.RequireEqual(t, []byte(s.frame()))
	})
}

func TestChooseByKeys(t *testing.T) {
	s := shown(80, 24)
	if !press(s, down, down, up, enter) || !s.chosen || s.cursor != 1 {
		t.Errorf("chosen %v, at %d", s.chosen, s.cursor)
	}
	s = shown(80, 24)
	if !press(s, leave) || s.chosen {
		t.Error("q does not leave")
	}
	s = shown(20, 5)
	if press(s, enter) || s.chosen {
		t.Error("it takes up what nobody can see")
	}
}

// Which database a run is of can be told at any width of a usual terminal.
func TestARowKeepsItsDatabase(t *testing.T) {
	for _, w := range []int{80, 120} {
		frame := ansi.Strip(shown(w, 24).frame())
		for _, want := range []string{"production on gym at db1 ", "rehearsal on shop at /run/postgresql ", "demo on gym at /tmp/x "} {
			if !strings.Contains(strings.Join(strings.Split(frame, "\n")[:5], "\n"), want) {
				t.Errorf("%d wide: %q is cut:\n%s", w, want, frame)
			}
		}
	}
}

// A frame has the terminal's size at every size, and the cursor's entry is in it.
func TestChooseFillsTheScreen(t *testing.T) {
	var more []Entry
	for i := range 60 {
		more = append(more, Entry{Title: fmt.Sprint("Run ", i), Stands: "before its survey", Lines: []string{strings.Repeat("/a long path", 30)}})
	}
	for w := 1; w <= 130; w += 9 {
		for h := 1; h <= 40; h += 5 {
			s := shown(w, h, more...)
			for range 5 {
				press(s, down, down, down, down, down, down, down)
				lines := strings.Split(s.frame(), "\n")
				if len(lines) != h {
					t.Fatalf("%dx%d: %d lines", w, h, len(lines))
				}
				for _, l := range lines {
					if ansi.StringWidth(l) != w {
						t.Fatalf("%dx%d: a line of %d: %q", w, h, ansi.StringWidth(l), l)
					}
				}
				if !s.small() && s.cursor > 2 && !strings.Contains(ansi.Strip(s.frame()), fmt.Sprint("› Run ", s.cursor-3)) {
					t.Fatalf("%dx%d: entry %d is out of sight\n%s", w, h, s.cursor, s.frame())
				}
			}
		}
	}
}

// The list is drawn as its terminal can show it, and in the colours that are wanted.
func TestTheListIsAsItsTerminalIs(t *testing.T) {
	latin := shownOn(ui.Options{Env: []string{"TERM=linux", "LC_ALL=C"}}, 80, 24, Entry{Title: "One more", Why: "it's gone…"})
	press(latin, down, down, down, enter)
	view := latin.View()
	before := strings.Split(ansi.Strip(latin.frame()), "\n")
	for i, line := range strings.Split(ansi.Strip(view.Content), "\n") {
		for _, r := range line {
			if r > 127 && !strings.ContainsRune("注文明細の控え", r) { // which others have written
				t.Errorf("%q in line %d: %s", r, i, line)
			}
		}
		if ansi.StringWidth(line) != ansi.StringWidth(before[i]) {
			t.Errorf("line %d changes its width: %s", i, line)
		}
	}
	if view.WindowTitle != "" || latin.Init() != nil {
		t.Errorf("a console gets the title %q, or is asked for its background", view.WindowTitle)
	}
	xterm := []string{"TERM=xterm-256color", "LANG=C.UTF-8"}
	if s := shownOn(ui.Options{Env: xterm}, 80, 24); s.Init() == nil || s.View().WindowTitle == "" || !strings.Contains(s.View().Content, "─") {
		t.Error("a terminal that can is not asked for its background, or gets less than it can show")
	}
	dark := shownOn(ui.Options{Env: xterm, Looks: ui.Looks{Theme: look.Dark}}, 80, 24)
	light := shownOn(ui.Options{Env: xterm, Looks: ui.Looks{Theme: look.Light}}, 80, 24)
	none := shownOn(ui.Options{Env: xterm, Looks: ui.Looks{Theme: look.None}}, 80, 24)
	if light.Init() != nil || light.frame() == dark.frame() || strings.Contains(none.frame(), "\x1b[38;") {
		t.Error("the theme that is wanted is not taken")
	}
}
