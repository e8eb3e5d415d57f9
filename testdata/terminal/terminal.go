// Package terminal runs a program in a pseudo-terminal, for tests: what a
// person would see, and the keys that they would press.
//
// A Terminal belongs to one test. What it shows is polled, for a condition,
// with a limit; nothing waits for a time. One example:
//
//	term := terminal.Start(t, exec.Command("tminus", "demo"), 80, 24)
//	term.Await("the checklist", func() bool { return strings.Contains(term.Text(), "Checklist") })
//	term.Type("q")
//	code := term.Wait()
package terminal

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// patience is how long anything may take. It is long because a race detector
// and a busy machine are slow; nothing passes by it.
const patience = 60 * time.Second

// Terminal is a program in a pseudo-terminal.
type Terminal struct {
	t    testing.TB
	cmd  *exec.Cmd
	file *os.File
	emu  *vt.SafeEmulator
	gone chan struct{} // closed when the program's output has ended

	mu  sync.Mutex // guards raw
	raw strings.Builder
}

// Start starts cmd in a terminal of w times h cells. The program is killed at
// the end of the test, if it still runs.
func Start(t testing.TB, cmd *exec.Cmd, w, h int) *Terminal {
	t.Helper()
	file, err := pty.StartWithSize(cmd, size(w, h))
	if err != nil {
		t.Fatalf("start %v in a terminal: %v", cmd.Args, err)
	}
	x := &Terminal{t: t, cmd: cmd, file: file, emu: &vt.SafeEmulator{Emulator: NewEmulator(w, h)}, gone: make(chan struct{})}
	// It answers what the program asks its terminal, and ends with the file.
	go func() { _, _ = io.Copy(file, x.emu) }()
	go x.read() // ends with the program's output
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = file.Close()
	})
	return x
}

func size(w, h int) *pty.Winsize { return &pty.Winsize{Rows: uint16(h), Cols: uint16(w)} }

func (x *Terminal) read() {
	defer close(x.gone)
	buf := make([]byte, 32<<10)
	for {
		n, err := x.file.Read(buf)
		x.mu.Lock()
		x.raw.Write(buf[:n])
		x.mu.Unlock()
		_, _ = x.emu.Write(buf[:n])
		if err != nil {
			return
		}
	}
}

// Text is the screen, without looks and without blanks at the ends of lines.
func (x *Terminal) Text() string {
	lines := strings.Split(ansi.Strip(x.emu.Render()), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// Raw is every byte that the program wrote.
func (x *Terminal) Raw() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.raw.String()
}

// Alternate tells that the program has the alternate screen.
func (x *Terminal) Alternate() bool { return x.emu.IsAltScreen() }

// Type presses keys.
func (x *Terminal) Type(keys string) {
	x.t.Helper()
	if _, err := io.WriteString(x.file, keys); err != nil {
		x.t.Fatalf("type %q: %v; the screen:\n%s", keys, err, x.Text())
	}
}

// Resize changes the terminal's size, as its user does.
func (x *Terminal) Resize(w, h int) {
	x.t.Helper()
	x.emu.Resize(w, h)
	if err := pty.Setsize(x.file, size(w, h)); err != nil {
		x.t.Fatalf("resize to %dx%d: %v", w, h, err)
	}
}

// Await polls until a condition holds. The test fails when it does not, or
// when the program has ended without it.
func (x *Terminal) Await(what string, holds func() bool) {
	x.t.Helper()
	if !x.Within(patience, holds) {
		x.t.Fatalf("it does not come to this: %s; the screen:\n%s", what, x.Text())
	}
}

// Within polls until a condition holds, or the limit has passed, or the
// program has ended. It tells whether the condition holds.
func (x *Terminal) Within(limit time.Duration, holds func() bool) bool {
	deadline := time.Now().Add(limit)
	for !holds() {
		select {
		case <-x.gone:
			return holds()
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// Shows awaits a text on the screen.
func (x *Terminal) Shows(text string) {
	x.t.Helper()
	x.Await("the screen shows "+text, func() bool { return strings.Contains(x.Text(), text) })
}

// Ended tells that the program's output has ended.
func (x *Terminal) Ended() bool {
	select {
	case <-x.gone:
		return true
	default:
		return false
	}
}

// Signal sends the program a signal.
func (x *Terminal) Signal(s os.Signal) {
	x.t.Helper()
	if err := x.cmd.Process.Signal(s); err != nil {
		x.t.Fatalf("send %s: %v", s, err)
	}
}

// HangUp takes the terminal away, as closing its window does.
func (x *Terminal) HangUp() { _ = x.file.Close() }

// Wait awaits the program's end and gives its exit code.
func (x *Terminal) Wait() int {
	x.t.Helper()
	ended := make(chan struct{})
	go func() { // ends with the program, which the test's end kills
		_ = x.cmd.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		x.t.Fatalf("the program does not end; the screen:\n%s", x.Text())
	}
	<-x.gone
	return x.cmd.ProcessState.ExitCode()
}
