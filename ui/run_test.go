package ui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases/journal"
)

func newJournal(t testing.TB) (string, *journal.Writer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.journal")
	w, err := journal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return path, w
}

func follow(t testing.TB, path string) *journal.Follower {
	t.Helper()
	f, err := journal.Follow(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func appendEvents(t testing.TB, w *journal.Writer, recs []journal.Record) {
	t.Helper()
	for _, r := range recs {
		if _, err := w.Append(r.At, r.Kind, r.Data, journal.Buffered); err != nil {
			t.Fatal(err)
		}
	}
}

// output is a terminal that keeps what is written to it.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// entered reports whether the alternate screen was entered.
func (o *output) entered() bool { return strings.Contains(o.String(), "\x1b[?1049h") }

// restored reports whether the alternate screen was left after it was entered.
func (o *output) restored() bool {
	s := o.String()
	in, out := strings.LastIndex(s, "\x1b[?1049h"), strings.LastIndex(s, "\x1b[?1049l")
	return in >= 0 && out > in
}

// keyboard is a terminal's input: what is typed into it is read by a program.
func keyboard(t testing.TB) (io.Reader, io.Writer) {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { w.Close() })
	return r, w
}

// sized hands a program a window size before anything else, as a terminal would.
func sized() tea.ProgramOption { return tea.WithWindowSize(80, 24) }

func TestRunNeedsACommander(t *testing.T) {
	if err := Run(t.Context(), Options{}); !errors.Is(err, ErrNoCommander) {
		t.Errorf("got %v", err)
	}
}

func TestWatchNeedsAJournal(t *testing.T) {
	if err := Watch(t.Context(), filepath.Join(t.TempDir(), "none"), Looks{}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("got %v", err)
	}
}

// A whole program: it shows the journal, leaves on q, and gives the terminal back.
func TestProgramLeavesTheTerminalAsItWas(t *testing.T) {
	path, w := newJournal(t)
	appendEvents(t, w, newScript(t).recs)
	in, keys := keyboard(t)
	out := &output{}
	ended := make(chan error, 1)
	go func() {
		opts := Options{Journal: path, Input: in, Output: out, Env: []string{"TERM=xterm-256color"}}
		ended <- show(context.Background(), opts, readerLook(path), watchKeys(), sized())
	}() // ends with q
	waitFor(t, func() bool { return strings.Contains(out.String(), "READ-ONLY") })
	if _, err := io.WriteString(keys, "q"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("leaving is an error: %v", err)
	}
	if !out.restored() {
		t.Error("the terminal is left in the alternate screen")
	}
}

func TestProgramEndsWithItsContext(t *testing.T) {
	path, w := newJournal(t)
	appendEvents(t, w, newScript(t).recs)
	in, _ := keyboard(t)
	out := &output{}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() {
		opts := Options{Journal: path, Input: in, Output: out, Env: []string{"TERM=xterm-256color"}, Commander: &recorder{}, Done: make(chan struct{})}
		ended <- show(ctx, opts, ViewerOptions{}, operatorKeys(), sized())
	}() // ends with ctx
	waitFor(t, func() bool { return strings.Contains(out.String(), "operator") })
	why := errors.New("SIGHUP")
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
	if !out.restored() {
		t.Error("the terminal is left in the alternate screen")
	}
}

// failing is a screen with a mistake in it.
type failing struct {
	in   string
	when func() bool
}

func (f failing) Init() tea.Cmd {
	if f.in == "command" {
		return tea.Batch(func() tea.Msg {
			for !f.when() {
				time.Sleep(time.Millisecond)
			}
			panic("oh")
		})
	}
	return func() tea.Msg { return tickMsg{} }
}

func (f failing) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, tick := msg.(tickMsg)
	if tick && f.in == "update" && f.when() {
		panic("oh")
	}
	return f, tea.Tick(time.Millisecond, func(time.Time) tea.Msg { return tickMsg{} })
}

func (f failing) View() tea.View {
	if f.in == "view" && f.when() {
		panic("oh")
	}
	v := tea.NewView("fine")
	v.AltScreen = true
	return v
}

// A panic anywhere in the screen becomes an error, and the terminal is given back.
func TestPanicBecomesAnError(t *testing.T) {
	for _, where := range []string{"update", "view", "command"} {
		in, _ := keyboard(t)
		out := &output{}
		g := &guard{screen: failing{in: where, when: out.entered}}
		_, err := tea.NewProgram(g, tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithEnvironment([]string{"TERM=xterm-256color"}), sized()).Run()
		if err != nil {
			t.Errorf("%s: %v", where, err)
		}
		if g.failed == nil || !strings.Contains(g.failed.Error(), "oh") || len(g.failed.Stack) == 0 {
			t.Errorf("%s: the panic is lost: %v", where, g.failed)
		}
		if !out.restored() {
			t.Errorf("%s: the terminal is left in the alternate screen", where)
		}
	}
}

// waitFor polls a condition; a test that never meets it fails by its own limit.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-limit:
			t.Fatal("it never came to that")
		case <-time.After(time.Millisecond):
		}
	}
}
