package pick

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases/draft"
	"tminus/phases/schema"
	"tminus/ui"
	"tminus/ui/look"
)

// Options is what Run needs.
type Options struct {
	Schema *schema.Schema
	Wish   draft.Wish // the schema of names, and what is protected to begin with
	File   string     // where the runbook is to be written; may be changed on screen
	Force  bool       // Write overwrites a file; it is said before
	// Write writes the runbook. Its error is shown, and asked about again.
	Write func(d *draft.Draft, w draft.Wish, file string) error
}

// ErrLeft is returned by Run when somebody left: nothing was written.
var ErrLeft = errors.New("left: nothing was written")

// ErrEmpty is returned by Run where there is no table to choose.
var ErrEmpty = errors.New("no table of its own that this role can see")

// Run shows the screen on the terminal that it is given until the runbook is
// written, somebody leaves, ctx ends or the screen fails, as ui.Run does. The terminal
// is restored in every case. It returns nil once Write has returned nil.
func Run(ctx context.Context, opts Options, on ui.Options) error {
	s := New(opts, on)
	if len(s.rows) == 0 {
		return ErrEmpty
	}
	err := ui.Present(ctx, on, s)
	switch {
	case s.written:
		return nil
	case err != nil:
		return err
	}
	return ErrLeft
}

// Init implements tea.Model.
func (s *Screen) Init() tea.Cmd {
	return s.dress.Asks()
}

// View implements tea.Model.
func (s *Screen) View() tea.View {
	frame, cursor := s.frame(s.now())
	out := tea.NewView(s.styles.Write(frame))
	out.AltScreen = true
	out.WindowTitle = look.Sanitize("tminus init " + s.opts.Schema.Server.Database)
	out.Cursor = cursor
	return s.manners.Fit(out)
}

// tickEvery is how often a dialog is drawn anew: its yes becomes possible with time.
const tickEvery = 200 * time.Millisecond

// The messages.
type (
	tickMsg struct{}
	// workedMsg is what follows from the choice that was the gen-th.
	workedMsg struct {
		gen   int
		draft *draft.Draft
		err   error
	}
)

// Update implements tea.Model.
func (s *Screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := s.route(msg)
	s.arrange()
	return s, cmd
}

func (s *Screen) route(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg, tea.ColorProfileMsg:
		if dress, changed := s.dress.On(msg); changed {
			s.dress, s.styles, s.stale = dress, dress.Styles(), true
		}
	case tea.KeyPressMsg:
		return s.key(msg)
	case tea.PasteMsg:
		s.paste(msg)
	case workedMsg:
		return s.take(msg)
	case tickMsg:
		return s.tick()
	}
	return nil
}

func (s *Screen) tick() tea.Cmd {
	if s.dialog == nil {
		return nil
	}
	return tea.Tick(tickEvery, func(time.Time) tea.Msg { return tickMsg{} })
}
