package ui

import (
	"errors"
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

// ownTerminal is the process's standard input; nil when that is no terminal:
// then Bubble Tea looks for one.
func ownTerminal() io.Reader {
	if !term.IsTerminal(os.Stdin.Fd()) {
		return nil
	}
	return terminal{os.Stdin}
}
