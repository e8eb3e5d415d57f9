package ui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/ui/look"
)

// Options is what Run needs.
type Options struct {
	Journal   string           // the journal's path; it must exist
	Commander phases.Commander // takes the operator's commands
	Done      <-chan struct{}  // closed when the engine has ended; nil: never
	Note      string           // one sentence for the header, such as where the mirror listens; may be empty
	Looks     Looks            // of colours, mouse and calls
	HostKey   string           // the fingerprint of the mirror's host key; empty without a mirror
	Env       []string         // the terminal's environment; nil: the process's
	Instead   string           // the flag that needs no screen, for whom none can be drawn; empty: --plain
	Input     io.Reader        // nil: the process's terminal
	Output    io.Writer        // nil: the process's terminal
}

// ErrNoCommander is returned by Run when there is nobody to take commands.
var ErrNoCommander = errors.New("the operator's screen needs a commander")

// PanicError says that the screen failed by a mistake of its own. The terminal
// is restored and the run is not touched by it.
type PanicError struct {
	Value any
	Stack []byte // for a log; not for a screen
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("the screen failed: %v; what it showed was not touched by that", e.Value)
}

// Run shows the operator's screen until the operator leaves, ctx ends or the
// screen fails. It blocks. The terminal is restored in every case. Leaving is
// no error, whatever the run is at; ctx's end returns its cause, a failure of
// the screen a *PanicError. It never ends the engine: the caller does, and
// knows why Run came back.
func Run(ctx context.Context, opts Options) error {
	if opts.Commander == nil {
		return ErrNoCommander
	}
	return show(ctx, opts, ViewerOptions{Journal: opts.Journal, Note: opts.Note, HostKey: opts.HostKey}, operatorKeys())
}

// Watch shows a journal's run without a way to act on it, following the file,
// until the reader leaves or ctx ends. It blocks, and fails as Run does.
func Watch(ctx context.Context, path string, looks Looks) error {
	return show(ctx, Options{Journal: path, Looks: looks}, readerLook(path), watchKeys())
}

func readerLook(path string) ViewerOptions {
	return ViewerOptions{Journal: path, ReadOnly: "READ-ONLY"}
}

func show(ctx context.Context, opts Options, viewed ViewerOptions, keys keymap, more ...tea.ProgramOption) error {
	follower, err := journal.Follow(opts.Journal)
	if err != nil {
		return err
	}
	defer follower.Close()
	// Commands that wait end with the screen.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	o, err := newOperator(ctx, opts, viewed, keys, follower)
	if err != nil {
		return err
	}
	return Present(ctx, opts, o, more...)
}

// Present shows a screen until it quits, ctx ends or it fails, and fails as Run
// does. Of opts it reads the terminal's part.
func Present(ctx context.Context, opts Options, screen tea.Model, more ...tea.ProgramOption) error {
	if err := drawable(opts); err != nil {
		return err
	}
	g := &guard{screen: screen}
	_, err := tea.NewProgram(g, append(programOptions(ctx, opts), more...)...).Run()
	switch {
	case g.failed != nil:
		return g.failed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ErrTerminalGone):
		return ErrTerminalGone
	case errors.Is(err, tea.ErrProgramPanic):
		return &PanicError{Value: "in the terminal's library"}
	case err != nil:
		return fmt.Errorf("show the screen: %w; %s needs no terminal", err, cmp.Or(opts.Instead, "--plain"))
	}
	return nil
}

func newOperator(ctx context.Context, opts Options, viewed ViewerOptions, keys keymap, follower *journal.Follower) (*Operator, error) {
	dress := look.NewDress(opts.Looks.Theme, opts.Env)
	viewed.Styles = dress.Styles()
	v := NewViewer(viewed)
	v.keys = keys
	o := &Operator{
		Viewer: v, fetch: records(ctx, follower), now: time.Now,
		dress: dress, manners: MannersOf(opts.Env), notify: opts.Looks.Notify, mouses: !opts.Looks.NoMouse,
	}
	if opts.Commander != nil {
		o.do = opts.Commander.Do
	}
	if opts.Done != nil {
		// It ends with the engine or with the screen.
		o.ended = func() tea.Cmd {
			return func() tea.Msg {
				select {
				case <-opts.Done:
					return endedMsg{}
				case <-ctx.Done():
					return nil
				}
			}
		}
	}
	return o, foldAll(v, follower)
}

// foldAll folds what is there already, before the first frame. The next records are
// read and verified while those before are folded: either takes as long.
func foldAll(v *Viewer, follower *journal.Follower) error {
	type batch struct {
		recs []journal.Record
		err  error
	}
	read, enough := make(chan batch, 1), make(chan struct{})
	defer close(enough)
	go func() { // ends with the journal, or soon after this function
		defer close(read)
		for {
			recs, err := follower.Next(fetchMost)
			if len(recs) == 0 && err == nil {
				return
			}
			select {
			case read <- batch{recs, err}:
			case <-enough:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for b := range read {
		if b.err == nil {
			b.err = v.Fold(b.recs)
		}
		if b.err != nil {
			return b.err
		}
	}
	return nil
}

func programOptions(ctx context.Context, opts Options) []tea.ProgramOption {
	// Signals are the caller's: what they do to a transaction is not a screen's to decide.
	out := []tea.ProgramOption{tea.WithContext(ctx), tea.WithoutSignalHandler()}
	if env := opts.Looks.Theme.Env(opts.Env); opts.Env != nil || opts.Looks.Theme != "" {
		out = append(out, tea.WithEnvironment(env))
	}
	in := opts.Input
	if in == nil {
		in = ownTerminal()
	}
	if in != nil {
		out = append(out, tea.WithInput(in))
	}
	if opts.Output != nil {
		out = append(out, tea.WithOutput(opts.Output))
	}
	return out
}

// guard keeps a screen's panic from everything else: it is caught, kept, and
// the program is asked to quit the ordinary way, which restores the terminal.
type guard struct {
	screen tea.Model
	failed *PanicError
}

type panicMsg struct{ failed *PanicError }

func (g *guard) Init() (cmd tea.Cmd) {
	defer g.catch(&cmd)
	return guarded(g.screen.Init())
}

func (g *guard) Update(msg tea.Msg) (model tea.Model, cmd tea.Cmd) {
	model = g
	defer g.catch(&cmd)
	if p, ok := msg.(panicMsg); ok && g.failed == nil {
		g.failed = p.failed
	}
	if g.failed != nil {
		return g, tea.Quit
	}
	g.screen, cmd = g.screen.Update(msg)
	return g, guarded(cmd)
}

// View draws an empty screen after a panic: the next tick's Update quits.
func (g *guard) View() (view tea.View) {
	defer func() {
		if r := recover(); r != nil {
			g.failed = &PanicError{Value: r, Stack: debug.Stack()}
			view = tea.NewView("")
		}
	}()
	if g.failed != nil {
		return tea.NewView("")
	}
	return g.screen.View()
}

func (g *guard) catch(cmd *tea.Cmd) {
	if r := recover(); r != nil {
		g.failed = &PanicError{Value: r, Stack: debug.Stack()}
		*cmd = tea.Quit
	}
}

// guarded catches a command's panic, and those of the commands it gives.
func guarded(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		defer func() {
			if r := recover(); r != nil {
				msg = panicMsg{&PanicError{Value: r, Stack: debug.Stack()}}
			}
		}()
		msg = cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for i := range batch {
				batch[i] = guarded(batch[i])
			}
		}
		return msg
	}
}
