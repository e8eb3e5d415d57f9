package look

import (
	"fmt"
	"image/color"
	"math"
	"testing"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
)

// luminance and contrast are those of WCAG 2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	lin := func(v uint32) float64 {
		f := float64(v) / 0xffff
		if f <= 0.03928 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(r) + 0.7152*lin(g) + 0.0722*lin(b)
}

func contrast(a, b color.Color) float64 {
	l, m := luminance(a), luminance(b)
	return (max(l, m) + 0.05) / (min(l, m) + 0.05)
}

// sets are the 16 colours of some terminals, as far as a palette uses them.
func sets() map[string]map[ansi.BasicColor]color.Color {
	hex := func(all ...string) map[ansi.BasicColor]color.Color {
		out := map[ansi.BasicColor]color.Color{}
		for i, c := range []ansi.BasicColor{ansi.Red, ansi.Green, ansi.Yellow, ansi.Blue, ansi.Magenta, ansi.Cyan, ansi.BrightRed, ansi.BrightWhite} {
			out[c] = lipgloss.Color(all[i])
		}
		return out
	}
	return map[string]map[ansi.BasicColor]color.Color{
		"xterm":            hex("#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#ff0000", "#ffffff"),
		"Linux console":    hex("#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#ff5555", "#ffffff"),
		"Windows Terminal": hex("#c50f1f", "#13a10e", "#c19c00", "#0037da", "#881798", "#3a96dd", "#e74856", "#f2f2f2"),
		"Solarized":        hex("#dc322f", "#859900", "#b58900", "#268bd2", "#d33682", "#2aa198", "#cb4b16", "#fdf6e3"),
	}
}

// text are the styles that something is read in.
func text(s *Styles) map[string]lipgloss.Style {
	return map[string]lipgloss.Style{
		"Title": s.Title, "Text": s.Text, "Dim": s.Dim, "Good": s.Good, "Warn": s.Warn, "Bad": s.Bad, "Accent": s.Accent, "Key": s.Key, "Input": s.Input,
		"Selected": s.Selected, "EnvDemo": s.EnvDemo, "EnvRehearsal": s.EnvRehearsal, "EnvProduction": s.EnvProduction, "FrameProduction": s.FrameProduction,
	}
}

// What is read can be read: each colour stands out from its background, as the
// terminal shows it, in true colours, in 256, and in any common set of 16.
func TestColoursAreLegible(t *testing.T) {
	const least = 3.0
	check := func(name string, s *Styles, back, fore color.Color, shown func(color.Color) color.Color) {
		for token, st := range text(s) {
			fg, bg := fore, back
			if _, none := st.GetForeground().(lipgloss.NoColor); !none {
				fg = shown(st.GetForeground())
			}
			if _, none := st.GetBackground().(lipgloss.NoColor); !none {
				bg = shown(st.GetBackground())
			}
			if got := contrast(fg, bg); got < least {
				t.Errorf("%s: %s has a contrast of %.1f", name, token, got)
			}
		}
	}
	dark, light := []string{"#000000", "#1e1e1e", "#002b36"}, []string{"#ffffff", "#fdf6e3"}
	white, black := lipgloss.Color("#e5e5e5"), lipgloss.Color("#202020")
	for _, profile := range []colorprofile.Profile{colorprofile.TrueColor, colorprofile.ANSI256} {
		for _, back := range dark {
			check(fmt.Sprintf("%s on %s", profile, back), StylesOf(Wear{Palette: DarkPalette}), lipgloss.Color(back), white, profile.Convert)
		}
		for _, back := range light {
			check(fmt.Sprintf("%s on %s", profile, back), StylesOf(Wear{Palette: LightPalette}), lipgloss.Color(back), black, profile.Convert)
		}
	}
	for name, set := range sets() {
		shown := func(c color.Color) color.Color {
			basic, ok := c.(ansi.BasicColor)
			if !ok || set[basic] == nil {
				t.Fatalf("%v is none of the 16 that are looked at", c)
			}
			return set[basic]
		}
		back := map[string][2]string{"Solarized": {"#002b36", "#fdf6e3"}, "Windows Terminal": {"#0c0c0c", "#ffffff"}}[name]
		if back[0] == "" {
			back = [2]string{"#000000", "#ffffff"}
		}
		check(name+", dark", StylesOf(Wear{Palette: DarkSixteen}), lipgloss.Color(back[0]), white, shown)
		check(name+", light", StylesOf(Wear{Palette: LightSixteen}), lipgloss.Color(back[1]), black, shown)
	}
}

func TestDressFitsTheTerminal(t *testing.T) {
	background := func(c string) tea.Msg { return tea.BackgroundColorMsg{Color: lipgloss.Color(c)} }
	profile := func(p colorprofile.Profile) tea.Msg { return tea.ColorProfileMsg{Profile: p} }
	for _, c := range []struct {
		name  string
		theme Theme
		env   []string
		says  []tea.Msg
		want  Palette
		asks  bool
	}{
		{"nothing is known", Auto, nil, nil, DarkPalette, true},
		{"a light background", Auto, nil, []tea.Msg{background("#ffffff")}, LightPalette, true},
		{"a dark one", Auto, []string{"COLORFGBG=0;15"}, []tea.Msg{background("#000000")}, DarkPalette, true},
		{"the environment tells", Auto, []string{"COLORFGBG=0;15"}, nil, LightPalette, true},
		{"it tells in three parts", Auto, []string{"COLORFGBG=15;default;0"}, nil, DarkPalette, true},
		{"it tells nothing", Auto, []string{"COLORFGBG=default;default"}, nil, DarkPalette, true},
		{"16 colours", Auto, nil, []tea.Msg{profile(colorprofile.ANSI), background("#ffffff")}, LightSixteen, true},
		{"256 colours", Auto, nil, []tea.Msg{profile(colorprofile.ANSI256)}, DarkPalette, true},
		{"no colours", Auto, nil, []tea.Msg{profile(colorprofile.ASCII)}, Colourless, true},
		{"NO_COLOR", Auto, []string{"NO_COLOR=0"}, []tea.Msg{background("#ffffff")}, Colourless, false},
		{"NO_COLOR and a theme", Dark, []string{"NO_COLOR=1"}, []tea.Msg{background("#ffffff")}, DarkPalette, false},
		{"a theme", Light, nil, []tea.Msg{background("#000000")}, LightPalette, false},
		{"no theme", None, nil, []tea.Msg{profile(colorprofile.TrueColor)}, Colourless, false},
		{"the Linux console", Auto, []string{"TERM=linux"}, []tea.Msg{profile(colorprofile.ANSI)}, DarkSixteen, false},
	} {
		d := NewDress(c.theme, append([]string{"TERM=xterm"}, c.env...)) // the last one counts
		for _, msg := range c.says {
			d, _ = d.On(msg)
		}
		if d.Palette() != c.want || (d.Asks() != nil) != c.asks {
			t.Errorf("%s: palette %d, want %d; asks %v", c.name, d.Palette(), c.want, d.Asks() != nil)
		}
	}
	if d, changed := (Dress{}).On(background("#ffffff")); changed || d != (Dress{}) {
		t.Error("no dress is changed by the background")
	}
}

func TestThemeIsAFlag(t *testing.T) {
	var theme Theme
	for _, text := range []string{"auto", "light", "dark", "none"} {
		if err := theme.Set(text); err != nil || theme.String() != text {
			t.Errorf("%s: %v, %q", text, err, theme)
		}
	}
	if err := theme.Set("blue"); err == nil || theme != None {
		t.Errorf("blue is a theme: %v", err)
	}
}

// A mark stands for one style: whoever sees no colours reads the same.
func TestMarksSayWhatColoursSay(t *testing.T) {
	s := NewStyles(true)
	statuses := []phases.PhaseStatus{
		phases.PhasePending, phases.PhaseLocking, phases.PhaseRunning, phases.PhaseVerifying, phases.PhaseHolding, phases.PhaseCommitting, phases.PhaseInDoubt,
		phases.PhaseIsCommitted, phases.PhaseIsRolledBack, phases.PhaseIsPassed, phases.PhaseIsFailed, phases.PhaseUnknown, phases.PhaseIsUndone,
	}
	seen := map[string]string{}
	for _, status := range statuses {
		mark, style := s.PhaseMark(status)
		look := fmt.Sprint(style.GetForeground(), style.GetBold())
		if was, ok := seen[mark]; ok && was != look {
			t.Errorf("%s: the mark %s has two colours", status, mark)
		}
		seen[mark] = look
	}
	if len(seen) < 7 {
		t.Errorf("%d marks for all statuses", len(seen))
	}
	levels := map[string]bool{}
	for _, l := range []phases.Level{phases.LevelInfo, phases.LevelGood, phases.LevelWarn, phases.LevelBad} {
		levels[s.LevelMark(l)] = true
	}
	if len(levels) != 4 {
		t.Errorf("%d marks for 4 levels", len(levels))
	}
}
