package look

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

// Theme is which colours somebody wants. The zero value keeps a screen's styles
// as they are.
type Theme string

// The themes.
const (
	Auto  Theme = "auto" // as the terminal's background is
	Light Theme = "light"
	Dark  Theme = "dark"
	None  Theme = "none" // no colour at all
)

// Set makes a Theme a flag's value.
func (t *Theme) Set(text string) error {
	switch Theme(text) {
	case Auto, Light, Dark, None:
		*t = Theme(text)
		return nil
	}
	return fmt.Errorf("auto, light, dark or none")
}

// String is the theme as a flag has it.
func (t *Theme) String() string { return string(*t) }

// Type is what a flag's help calls the value.
func (*Theme) Type() string { return "auto|light|dark|none" }

// Palette is a set of colours.
type Palette int

// The palettes. Those of 16 colours are for terminals that have no others: which
// red its red is, is up to the terminal, and only some are legible everywhere.
const (
	Colourless Palette = iota
	DarkPalette
	LightPalette
	DarkSixteen
	LightSixteen
)

// Palettes are all of them.
func Palettes() []Palette {
	return []Palette{Colourless, DarkPalette, LightPalette, DarkSixteen, LightSixteen}
}

// Wear is all that styles are chosen by. The zero value has no colour.
type Wear struct {
	Palette Palette
	Bare    bool // the terminal's font lacks the eighths of a block
	ASCII   bool // it does not write UTF-8
}

// Wears are all of them.
func Wears() []Wear {
	var out []Wear
	for _, p := range Palettes() {
		out = append(out, Wear{Palette: p}, Wear{Palette: p, Bare: true}, Wear{Palette: p, Bare: true, ASCII: true})
	}
	return out
}

// StylesOf gives the styles for what a screen wears.
func StylesOf(w Wear) *Styles {
	styles := PlainStyles()
	switch w.Palette {
	case DarkPalette, LightPalette:
		styles = NewStyles(w.Palette == DarkPalette)
	case DarkSixteen, LightSixteen:
		styles = sixteen(w.Palette == DarkSixteen)
	}
	switch {
	case w.ASCII:
		return styles.InASCII()
	case w.Bare:
		return styles.WithoutBlocks()
	}
	return styles
}

// Dress is how a screen is coloured, from what was wanted, what the environment
// says and what the terminal answers. It is a value: On gives the next one. The
// zero value has no colours, and keeps a screen's styles as they are.
type Dress struct {
	theme   Theme
	light   bool // the terminal's background
	profile colorprofile.Profile
	mute    bool // the terminal answers no question
	bare    bool // it has no eighths of a block
	ascii   bool // it does not write UTF-8
}

// NewDress gives the dress for a theme and a terminal with that environment (nil:
// the process's). NO_COLOR that holds anything at all takes the colours away,
// unless a theme is asked for.
func NewDress(theme Theme, env []string) Dress {
	if env == nil {
		env = os.Environ()
	}
	if theme == "" {
		theme = Auto
	}
	if theme == Auto && variable(env, "NO_COLOR") != "" {
		theme = None
	}
	return Dress{theme: theme, light: lightByEnv(env), mute: !TakesCommands(variable(env, "TERM")), bare: LacksBlocks(env), ascii: LacksUTF8(env)}
}

// TakesCommands reports whether a terminal of that name knows operating system
// commands: questions for its colours, titles, a clipboard. A console shows them as
// letters, or waits for their end.
func TakesCommands(term string) bool {
	return term != "" && term != "dumb" && term != "linux" && !strings.HasPrefix(term, "vt") && !strings.HasPrefix(term, "cons")
}

// lightByEnv reads the background that some terminals tell in COLORFGBG, "0;15".
func lightByEnv(env []string) bool {
	all := strings.Split(variable(env, "COLORFGBG"), ";")
	n, err := strconv.Atoi(all[len(all)-1])
	return err == nil && len(all) > 1 && (n == 7 || n >= 9 && n <= 15)
}

// variable is the last value of a variable in an environment.
func variable(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// Asks is the question for the terminal's background; nil where the answer would
// change nothing.
func (d Dress) Asks() tea.Cmd {
	if d.theme != Auto || d.mute {
		return nil
	}
	return tea.RequestBackgroundColor
}

// On gives the dress after what a terminal says of itself, and reports whether the
// message was about that.
func (d Dress) On(msg tea.Msg) (Dress, bool) {
	if d.theme == "" {
		return d, false
	}
	switch msg := msg.(type) {
	case tea.BackgroundColorMsg:
		d.light = !msg.IsDark()
	case tea.ColorProfileMsg:
		d.profile = msg.Profile
	default:
		return d, false
	}
	return d, true
}

// Palette is the one that fits.
func (d Dress) Palette() Palette {
	light := d.theme == Light || d.theme == Auto && d.light
	switch {
	case d.theme == None, d.theme == "", d.profile != colorprofile.Unknown && d.profile <= colorprofile.ASCII:
		return Colourless
	case d.profile == colorprofile.ANSI && light:
		return LightSixteen
	case d.profile == colorprofile.ANSI:
		return DarkSixteen
	case light:
		return LightPalette
	}
	return DarkPalette
}

// Wear is what fits.
func (d Dress) Wear() Wear { return Wear{Palette: d.Palette(), Bare: d.bare, ASCII: d.ascii} }

// Styles are those of what fits.
func (d Dress) Styles() *Styles { return StylesOf(d.Wear()) }

// Env is an environment in which nothing takes away the colours that were asked
// for.
func (t Theme) Env(env []string) []string {
	if env == nil {
		env = os.Environ()
	}
	if t != Light && t != Dark {
		return env
	}
	var out []string
	for _, e := range env {
		if !strings.HasPrefix(e, "NO_COLOR=") {
			out = append(out, e)
		}
	}
	return out
}
