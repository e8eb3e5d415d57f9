package choose

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"tminus/ui"
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
}

// ErrLeft is returned by Run when somebody left without choosing.
var ErrLeft = errors.New("left: no run was taken up")

// Run shows the list on the terminal that it is given until an entry is chosen, and
// gives its index. It fails as ui.Run does; the terminal is restored in every case.
func Run(ctx context.Context, opts Options, on ui.Options) (int, error) {
	s := newScreen(opts, on)
	err := ui.Present(ctx, on, s)
	switch {
	case s.chosen:
		return s.cursor, nil
	case err != nil:
		return 0, err
	}
	return 0, ErrLeft
}

// screen is the list as it is looked at. It is a tea.Model.
type screen struct {
	opts          Options
	dress         look.Dress
	manners       ui.Manners
	styles        *look.Styles
	width, height int
	cursor, top   int // the entry under the cursor, and the first in sight
	said          string
	chosen        bool
}

func newScreen(opts Options, on ui.Options) *screen {
	s := &screen{opts: opts, dress: look.NewDress(on.Looks.Theme, on.Env), manners: ui.MannersOf(on.Env)}
	s.styles = s.dress.Styles()
	return s
}

// Init implements tea.Model.
func (s *screen) Init() tea.Cmd { return s.dress.Asks() }

// Update implements tea.Model.
func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg, tea.ColorProfileMsg:
		if dress, changed := s.dress.On(msg); changed {
			s.dress, s.styles = dress, dress.Styles()
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
	out := tea.NewView(s.styles.Write(s.frame()))
	out.AltScreen = true
	out.WindowTitle = "tminus resume"
	return s.manners.Fit(out)
}
