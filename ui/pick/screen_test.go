package pick

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases/schema"
	"tminus/ui"
	"tminus/ui/look"
)

// stages are what somebody comes to see, by the keys that lead there.
var stages = []struct {
	name string
	do   func(t testing.TB, s *Screen)
}{
	{"begin", func(testing.TB, *Screen) {}},
	{"ticked", func(_ testing.TB, s *Screen) { press(s, "y", "Y") }},
	{"refused", func(t testing.TB, s *Screen) {
		press(s, "y")
		for _, name := range []string{"imports", "audit_log", wideName} {
			to(t, s, name)
			press(s, "p")
		}
	}},
	{"follows", func(_ testing.TB, s *Screen) { press(s, "y", "tab", "pgdown") }},
	{"found", func(_ testing.TB, s *Screen) { press(s, "y", "/", "o", "r", "d") }},
	{"none", func(_ testing.TB, s *Screen) { press(s, "/", "x", "x", "x", "enter") }},
	{"by_name", func(_ testing.TB, s *Screen) { press(s, "s", "s") }},
	{"help", func(_ testing.TB, s *Screen) { press(s, "?") }},
	{"asked", func(_ testing.TB, s *Screen) { press(s, "y", "enter") }},
}

func text(s *Screen) string {
	frame, _ := s.frame(s.now())
	return frame
}

// trimmed is a frame as a person would write it down.
func trimmed(frame string) string {
	lines := strings.Split(ansi.Strip(frame), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestScreenGolden(t *testing.T) {
	for _, stage := range stages {
		sizes := [][2]int{{80, 24}}
		if stage.name == "begin" || stage.name == "ticked" || stage.name == "refused" {
			sizes = append(sizes, [2]int{120, 40}, [2]int{200, 60}, [2]int{60, 16})
		}
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s_%dx%d", stage.name, size[0], size[1]), func(t *testing.T) {
				s := screen(t, shop(), size[0], size[1])
				stage.do(t, s)
				golden.RequireEqual(t, trimmed(text(s)))
			})
		}
	}
}

func TestScreenGoldenColoured(t *testing.T) {
	s := screen(t, shop(), 120, 40)
	s.styles = look.NewStyles(true)
	press(s, "y", "Y", "j")
	golden.RequireEqual(t, text(s))
}

// On a terminal without UTF-8 every stage is drawn in ASCII, as wide as it is; a
// console gets no title, and is asked nothing.
func TestTheChoiceInASCII(t *testing.T) {
	for _, stage := range stages {
		s := screen(t, shop(), 120, 40)
		latin := New(Options{Schema: shop()}, ui.Options{Env: []string{"TERM=linux", "LC_ALL=C"}})
		s.dress, s.styles, s.manners = latin.dress, latin.styles, latin.manners
		stage.do(t, s)
		view := s.View()
		before := strings.Split(ansi.Strip(text(s)), "\n")
		for i, line := range strings.Split(ansi.Strip(view.Content), "\n") {
			for _, r := range line {
				if r > 127 && !unicode.IsLetter(r) { // of names
					t.Fatalf("%s: %q in line %d: %s", stage.name, r, i, line)
				}
			}
			if ansi.StringWidth(line) != ansi.StringWidth(before[i]) {
				t.Fatalf("%s: line %d changes its width: %s", stage.name, i, line)
			}
		}
		if view.WindowTitle != "" || s.Init() != nil {
			t.Errorf("%s: a console gets the title %q, or a question", stage.name, view.WindowTitle)
		}
	}
}

// Whatever the size, the frame fills it and nothing more, and no name breaks it.
func TestEveryFrameFits(t *testing.T) {
	for _, of := range []*schema.Schema{shop(), large(130), made(map[string]float64{"a\x1b[2Jb\n\u202e": 1e15}, []string{"a\x1b[2Jb\n\u202e"})} {
		for _, stage := range stages {
			s := screen(t, of, 80, 24)
			if of.Find("public", "imports") == nil && stage.name == "refused" {
				continue
			}
			stage.do(t, s)
			for _, size := range [][2]int{{0, 0}, {1, 1}, {20, 5}, {59, 16}, {60, 15}, {60, 16}, {61, 17}, {79, 23}, {80, 24}, {109, 30}, {110, 16}, {111, 24}, {300, 100}} {
				s.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				frame := text(s)
				if size[0] == 0 {
					continue
				}
				lines := strings.Split(frame, "\n")
				if len(lines) != size[1] {
					t.Errorf("%s at %v: %d lines", stage.name, size, len(lines))
				}
				for i, l := range lines {
					if ansi.StringWidth(l) != size[0] {
						t.Errorf("%s at %v: line %d has %d cells: %q", stage.name, size, i, ansi.StringWidth(l), l)
					}
				}
				if plain := ansi.Strip(frame); strings.ContainsAny(plain, "\x1b\u202e\t") {
					t.Errorf("%s at %v: what a name has in it reaches the terminal", stage.name, size)
				}
			}
		}
	}
}

// The row under the cursor is in sight, at every size and wherever the keys go.
func TestTheCursorIsInSight(t *testing.T) {
	s := screen(t, large(300), 80, 24)
	for i, name := range []string{"G", "k", "pgup", "g", "pgdown", "pgdown", "j", "/", "9", "enter", "G", "esc", "tab", "tab", "s", "G", "s", "n"} {
		press(s, name)
		for _, size := range [][2]int{{80, 24}, {200, 60}, {60, 16}} {
			s.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			r, err := s.current()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(ansi.Strip(text(s)), " › ") || !strings.Contains(onCursor(s), r.name) {
				t.Errorf("after key %d, %s, at %v: the cursor is on %s, and not in sight:\n%s", i, name, size, r.name, trimmed(text(s)))
			}
		}
	}
}

// onCursor is the list's line with the cursor.
func onCursor(s *Screen) string {
	list, _ := s.areas()
	w, h := list.inside()
	for _, l := range s.listLines(w, h) {
		if strings.HasPrefix(ansi.Strip(l), "›") {
			return ansi.Strip(l)
		}
	}
	return ""
}
