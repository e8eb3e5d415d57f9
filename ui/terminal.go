package ui

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/charmbracelet/x/term"
)

// ErrTerminalGone is returned by Run and Watch when the terminal was closed and
// no signal has said so.
var ErrTerminalGone = errors.New("the terminal is gone")

// terminal is the process's own, whose end is an error of a read. A terminal
// that went says to whoever reads it that there is nothing more, and Bubble Tea
// takes that for a keyboard at rest. SIGHUP comes only to the terminal's own
// session: without it a screen that nobody sees would hold the run for ever.
type terminal struct{ *os.File }

// Read fails with ErrTerminalGone when the terminal is. One in raw mode has no
// other end: there ^D is a key.
func (t terminal) Read(p []byte) (int, error) {
	n, err := t.File.Read(p)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) {
		err = ErrTerminalGone
	}
	return n, err
}

// drawable says why no screen can be drawn on the process's own terminal: one of a
// size that no terminal has would take all of the memory before the first frame.
func drawable(opts Options) error {
	if opts.Output != nil || !term.IsTerminal(os.Stdout.Fd()) {
		return nil
	}
	w, h, err := term.GetSize(os.Stdout.Fd())
	if err == nil && !plausible(w, h) {
		return fmt.Errorf("show the screen: the terminal says that it has %d x %d cells, which none has: mend that with `stty cols 80 rows 24`, or take %s", w, h, cmp.Or(opts.Instead, "--plain"))
	}
	return nil
}

// The most cells that a frame is drawn with.
const (
	mostAcross = 4096
	mostCells  = 1 << 20
)

// plausible reports whether a terminal can have that size.
func plausible(w, h int) bool { return w <= mostAcross && h <= mostAcross && w*h <= mostCells }

// ownTerminal is the process's standard input; nil when that is no terminal:
// then Bubble Tea looks for one.
func ownTerminal() io.Reader {
	if !term.IsTerminal(os.Stdin.Fd()) {
		return nil
	}
	return terminal{os.Stdin}
}
