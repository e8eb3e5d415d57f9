package look

import (
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
)

// Styles are the looks of a screen: one style a meaning, never one a colour.
// Whoever renders is handed a value; nothing else knows a colour. A style is
// applied to plain text only, since a reset inside it would end it early.
type Styles struct {
	Title    lipgloss.Style // a pane's or dialog's name
	Text     lipgloss.Style // what is read
	Dim      lipgloss.Style // what is seen when looked for
	Good     lipgloss.Style // holds, done, committed
	Warn     lipgloss.Style // needs a look, waits
	Bad      lipgloss.Style // failed, blocks, cannot be undone
	Accent   lipgloss.Style // what runs now
	Selected lipgloss.Style // the row under the cursor of the focused pane
	Key      lipgloss.Style // a key, where a hint names it
	Border   lipgloss.Style // a pane's frame
	Focus    lipgloss.Style // the focused pane's frame
	Input    lipgloss.Style // typed text in a dialog

	BarFull  lipgloss.Style // the done part of a bar
	BarEmpty lipgloss.Style // the rest of it

	EnvDemo       lipgloss.Style // the environment's word
	EnvRehearsal  lipgloss.Style
	EnvProduction lipgloss.Style

	FrameDemo       lipgloss.Style // frames and rules of a screen, by environment
	FrameRehearsal  lipgloss.Style
	FrameProduction lipgloss.Style

	Mark Marks

	ascii *strings.Replacer // nil: the terminal writes UTF-8
}

// Marks stand beside colours, so that no colour says anything alone. Each is
// one cell wide.
type Marks struct {
	Done     string // ticked, passed, committed
	Todo     string // not yet
	Failed   string // failed, blocks
	Running  string // under way
	Waiting  string // on hold, waits for somebody
	Unknown  string // nobody can say
	Assumed  string // unattended: nobody looked
	Undone   string // rolled back
	Cursor   string // the selected row
	NoReturn string // the point of no return
	BarFull  string
	BarEmpty string
	Spark    string // nine signs, from nothing to the most
}

func marks() Marks {
	return Marks{
		Done: "✓", Todo: "·", Failed: "✗", Running: "▸", Waiting: "‖", Unknown: "?",
		Assumed: "~", Undone: "↺", Cursor: "›", NoReturn: "!", BarFull: "█", BarEmpty: "░", Spark: "·▁▂▃▄▅▆▇█",
	}
}

// palette is the colours of one background.
type palette struct {
	dim, good, warn, bad, accent, frame, onBad, selected color.Color
}

// NewStyles gives the styles for a terminal with a dark or a light background.
func NewStyles(dark bool) *Styles {
	if dark {
		return colour(palette{
			dim: lipgloss.Color("#8b94a3"), good: lipgloss.Color("#6fd08c"), warn: lipgloss.Color("#f0c05a"),
			bad: lipgloss.Color("#ff7a70"), accent: lipgloss.Color("#7cb7ff"), frame: lipgloss.Color("#5b6472"),
			onBad: lipgloss.Color("#c4281c"), selected: lipgloss.Color("#2d3a4f"),
		})
	}
	return colour(palette{
		dim: lipgloss.Color("#636c78"), good: lipgloss.Color("#1a7f3c"), warn: lipgloss.Color("#8f5f00"),
		bad: lipgloss.Color("#c4281c"), accent: lipgloss.Color("#0b5cad"), frame: lipgloss.Color("#9aa3af"),
		onBad: lipgloss.Color("#c4281c"), selected: lipgloss.Color("#d5e3f7"),
	})
}

func colour(p palette) *Styles {
	st := lipgloss.NewStyle()
	fg := func(c color.Color) lipgloss.Style { return st.Foreground(c) }
	return &Styles{
		Title: st.Bold(true), Text: st, Dim: fg(p.dim), Good: fg(p.good), Warn: fg(p.warn),
		Bad: fg(p.bad).Bold(true), Accent: fg(p.accent), Selected: st.Background(p.selected).Bold(true),
		Key: fg(p.accent).Bold(true), Border: fg(p.frame), Focus: fg(p.accent), Input: fg(p.accent),
		BarFull: fg(p.good), BarEmpty: fg(p.frame),
		EnvDemo: fg(p.good).Bold(true), EnvRehearsal: fg(p.warn).Bold(true),
		EnvProduction: st.Foreground(lipgloss.Color("#ffffff")).Background(p.onBad).Bold(true),
		FrameDemo:     fg(p.frame), FrameRehearsal: fg(p.warn), FrameProduction: fg(p.bad),
		Mark: marks(),
	}
}

// sixteen are the styles of a terminal that has 16 colours of its own choice. Only
// those are used that differ enough from the background in all common sets of
// them; what is left says it by weight and in reverse, beside the marks.
func sixteen(dark bool) *Styles {
	s := PlainStyles()
	st := lipgloss.NewStyle()
	fg := func(c ansi.BasicColor) lipgloss.Style { return st.Foreground(c) }
	if dark {
		s.Good, s.Warn, s.Bad, s.Accent = fg(ansi.Green), fg(ansi.Yellow), fg(ansi.BrightRed).Bold(true), fg(ansi.Cyan)
		s.Focus, s.Input = fg(ansi.Cyan), fg(ansi.Cyan)
	} else {
		s.Good, s.Warn, s.Bad = fg(ansi.Blue), fg(ansi.Magenta), fg(ansi.Red).Bold(true)
	}
	s.Key = s.Accent.Bold(true)
	s.BarFull, s.EnvDemo, s.EnvRehearsal = s.Good, s.Good.Bold(true), s.Warn.Bold(true)
	s.EnvProduction = st.Foreground(ansi.BrightWhite).Background(ansi.Red).Bold(true)
	s.FrameRehearsal, s.FrameProduction = s.Warn, s.Bad
	return s
}

// PlainStyles are styles without a colour, for NO_COLOR: weight, underline and
// reverse video say what colours would, beside the marks.
func PlainStyles() *Styles {
	st := lipgloss.NewStyle()
	bold, reverse := st.Bold(true), st.Reverse(true)
	return &Styles{
		Title: bold, Text: st, Dim: st, Good: st, Warn: st, Bad: bold, Accent: bold, Selected: reverse,
		Key: bold, Border: st, Focus: bold, Input: bold,
		BarFull: st, BarEmpty: st,
		EnvDemo: bold, EnvRehearsal: bold, EnvProduction: reverse.Bold(true),
		FrameDemo: st, FrameRehearsal: st, FrameProduction: bold,
		Mark: marks(),
	}
}

// Env is the style of an environment's word. What is not known to be harmless
// looks like production.
func (s *Styles) Env(e phases.Environment) lipgloss.Style {
	switch e {
	case phases.Demo:
		return s.EnvDemo
	case phases.Rehearsal:
		return s.EnvRehearsal
	}
	return s.EnvProduction
}

// Frame is the style of the screen's frames in an environment.
func (s *Styles) Frame(e phases.Environment) lipgloss.Style {
	switch e {
	case phases.Demo:
		return s.FrameDemo
	case phases.Rehearsal:
		return s.FrameRehearsal
	}
	return s.FrameProduction
}

// LevelStyle is the looks of a level.
func (s *Styles) LevelStyle(l phases.Level) lipgloss.Style {
	switch l {
	case phases.LevelGood:
		return s.Good
	case phases.LevelWarn:
		return s.Warn
	case phases.LevelBad:
		return s.Bad
	}
	return s.Text
}

// LevelMark says in a cell what a level's colour says.
func (s *Styles) LevelMark(l phases.Level) string {
	switch l {
	case phases.LevelGood:
		return s.Mark.Done
	case phases.LevelWarn:
		return s.Mark.NoReturn
	case phases.LevelBad:
		return s.Mark.Failed
	}
	return s.Mark.Cursor
}

// PhaseMark is a phase's status in a cell.
func (s *Styles) PhaseMark(status phases.PhaseStatus) (string, lipgloss.Style) {
	switch status {
	case phases.PhaseIsCommitted, phases.PhaseIsPassed:
		return s.Mark.Done, s.Good
	case phases.PhaseHolding:
		return s.Mark.Waiting, s.Warn
	case phases.PhaseInDoubt, phases.PhaseUnknown:
		return s.Mark.Unknown, s.Bad
	case phases.PhaseIsRolledBack:
		return s.Mark.Undone, s.Warn
	case phases.PhaseIsFailed, phases.PhaseIsUndone:
		return s.Mark.Failed, s.Bad
	case phases.PhasePending:
		return s.Mark.Todo, s.Dim
	}
	return s.Mark.Running, s.Accent
}
