package choose

import (
	"context"
	"errors"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"

	"tminus/ui/look"
)

// Entry is one of those that are to choose from.
type Entry struct {
	Title  string
	Where  string   // of what it is, beside its title, and never cut for that
	Stands string   // where it stands, beside its title
	Lines  []string // more of it, which is wrapped
	Why    string   // why it cannot be chosen; empty: it can
}

// Options is what Run needs.
type Options struct {
	Title   string
	Entries []Entry // at least one that can be chosen
	Styles  *look.Styles
	Fixed   bool      // the styles do not follow the terminal's background
	Input   io.Reader // nil: the process's terminal
	Output  io.Writer // nil: the process's terminal
}

// ErrLeft is returned by Run when somebody left without choosing.
var ErrLeft = errors.New("left: no run was taken up")

// Run shows the list until an entry is chosen, and gives its index. The terminal is
// restored in every case.
func Run(ctx context.Context, opts Options) (int, error) {
	s := newScreen(opts)
	options := []tea.ProgramOption{tea.WithContext(ctx)}
	if opts.Input != nil {
		options = append(options, tea.WithInput(opts.Input))
	}
	if opts.Output != nil {
		options = append(options, tea.WithOutput(opts.Output))
	}
	_, err := tea.NewProgram(s, options...).Run()
	switch {
	case s.chosen:
		return s.cursor, nil
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err != nil && !errors.Is(err, tea.ErrInterrupted):
		return 0, fmt.Errorf("show the unfinished runs: %w; --plain lists them, and needs no screen", err)
	}
	return 0, ErrLeft
}

// screen is the list as it is looked at. It is a tea.Model.
type screen struct {
	opts          Options
	styles        *look.Styles
	width, height int
	cursor, top   int // the entry under the cursor, and the first in sight
	said          string
	chosen        bool
}

func newScreen(opts Options) *screen {
	s := &screen{opts: opts, styles: opts.Styles}
	if s.styles == nil {
		s.styles = look.NewStyles(true)
	}
	return s
}

// Init implements tea.Model.
func (s *screen) Init() tea.Cmd {
	if s.opts.Fixed {
		return nil
	}
	return tea.RequestBackgroundColor
}

// Update implements tea.Model.
func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		if !s.opts.Fixed {
			s.styles = look.NewStyles(msg.IsDark())
		}
	case tea.KeyPressMsg:
		return s, s.key(msg.String())
	}
	return s, nil
}

func (s *screen) key(key string) tea.Cmd {
	s.said = ""
	last := len(s.opts.Entries) - 1
	switch key {
	case "up", "k":
		s.cursor = max(0, s.cursor-1)
	case "down", "j":
		s.cursor = min(last, s.cursor+1)
	case "g", "home":
		s.cursor = 0
	case "G", "end":
		s.cursor = last
	case "q", "esc", "ctrl+c":
		return tea.Quit
	case "enter":
		if s.small() {
			return nil
		}
		if why := s.opts.Entries[s.cursor].Why; why != "" {
			s.said = "It cannot be taken up now: " + why + "."
			return nil
		}
		s.chosen = true
		return tea.Quit
	default:
		s.said = "No such key here: the last line has those that there are."
	}
	return nil
}

// View implements tea.Model.
func (s *screen) View() tea.View {
	out := tea.NewView(s.frame())
	out.AltScreen = true
	out.WindowTitle = "tminus resume"
	return out
}
