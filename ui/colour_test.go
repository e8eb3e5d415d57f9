package ui

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/ui/look"
	"tminus/ui/pane"
)

// everyFrame calls for each pane at each stage, on a small and on a wide screen,
// and for each question and the help page.
func everyFrame(t *testing.T, each func(name string, o *Operator)) {
	t.Helper()
	for _, stage := range fixtureStages {
		for _, size := range [][2]int{{80, 24}, {200, 60}} {
			o, _ := screen(t, stage, size[0], size[1])
			for _, k := range pane.Kinds() {
				if o.goTo(k.ID); o.nav.focus == k.ID {
					each(fmt.Sprintf("%s, %s, %v", stage, k.ID, size), o)
				}
			}
		}
	}
	for _, c := range dialogKeys {
		o, _ := screen(t, c.stage, 80, 24)
		run(o, keyNamed(c.key))
		each(c.stage+", asked by "+c.key, o)
	}
	o, _ := screen(t, "holding", 80, 24)
	run(o, keyNamed("?"))
	each("the help page", o)
}

// No colour says anything that the text does not: without any, in 16 and in all, the
// same is written.
func TestEachPaletteWritesTheSame(t *testing.T) {
	frames := 0
	everyFrame(t, func(name string, o *Operator) {
		frames++
		o.SetStyles(look.StylesOf(look.Wear{Palette: look.Colourless}))
		want := ansi.Strip(frameText(o))
		for _, p := range look.Palettes()[1:] {
			o.SetStyles(look.StylesOf(look.Wear{Palette: p}))
			if got := ansi.Strip(frameText(o)); got != want {
				t.Errorf("%s, palette %d: another text:\n%s\nwithout colours:\n%s", name, p, got, want)
			}
		}
	})
	if frames < 300 {
		t.Errorf("%d frames were drawn", frames)
	}
}

// graded finds the colours in which a level is told.
var graded = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// boxed finds the sides of a box, whose colour its title tells.
var boxed = regexp.MustCompile(`^\x1b\[[0-9;]*m│ \x1b\[m|\x1b\[[0-9;]*m *│\x1b\[m$`)

// Two lines of one text have the same colours, wherever they stand: where a level
// differs, a mark or a word does too. What stands beside a line does not count, so
// panes are looked at alone, without their frames.
func TestNoLineDiffersByColourAlone(t *testing.T) {
	seen := map[string]string{}
	st := look.NewStyles(true)
	for _, stage := range fixtureStages {
		s, now := fixture(t, stage)
		for _, k := range pane.Kinds() {
			if !k.IsThere(s) {
				continue
			}
			p := pane.Pane{State: s, Now: now, Styles: st, Width: 100, Height: 60}
			for _, line := range strings.Split(k.Draw(p), "\n") {
				text := strings.TrimSpace(ansi.Strip(line))
				if text == "" || !strings.ContainsAny(text, "abcdefghijklmnopqrstuvwxyz") {
					continue
				}
				colours := strings.Join(graded.FindAllString(boxed.ReplaceAllString(strings.TrimSpace(line), ""), -1), "")
				key := string(k.ID) + ": " + text
				if was, ok := seen[key]; ok && was != colours {
					t.Errorf("%s, %s: two lines %q differ by their colours alone: %q and %q", stage, k.ID, text, was, colours)
				}
				seen[key] = colours
			}
		}
	}
	if len(seen) < 200 {
		t.Errorf("%d lines were looked at", len(seen))
	}
}

// The frames as a terminal of 16 colours gets them.
func TestScreenGoldenSixteen(t *testing.T) {
	for _, stage := range []string{"checklist", "holding", "doubt"} {
		for _, p := range []look.Palette{look.DarkSixteen, look.LightSixteen} {
			t.Run(fmt.Sprintf("%s_%s", stage, map[look.Palette]string{look.DarkSixteen: "dark", look.LightSixteen: "light"}[p]), func(t *testing.T) {
				o, _ := screen(t, stage, 80, 24)
				o.SetStyles(look.StylesOf(look.Wear{Palette: p}))
				frame := frameText(o)
				if regexp.MustCompile(`[34]8;[25];`).MatchString(frame) {
					t.Errorf("a colour that such a terminal does not have:\n%q", frame)
				}
				golden.RequireEqual(t, frame)
			})
		}
	}
}

// A screen takes the colours that its terminal says it has, while it stands.
func TestScreenFollowsItsTerminal(t *testing.T) {
	o, _ := screen(t, "holding", 80, 24)
	o.dress = look.NewDress(look.Auto, []string{"TERM=xterm"})
	for _, c := range []struct {
		msg  tea.Msg
		want look.Palette
	}{
		{tea.ColorProfileMsg{Profile: colorprofile.ANSI}, look.DarkSixteen},
		{tea.BackgroundColorMsg{Color: ansi.BrightWhite}, look.LightSixteen},
		{tea.ColorProfileMsg{Profile: colorprofile.TrueColor}, look.LightPalette},
		{tea.ColorProfileMsg{Profile: colorprofile.ASCII}, look.Colourless},
	} {
		run(o, c.msg)
		got := frameText(o)
		if o.SetStyles(look.StylesOf(look.Wear{Palette: c.want})); frameText(o) != got {
			t.Errorf("after %v the screen is not in palette %d", c.msg, c.want)
		}
	}
}
