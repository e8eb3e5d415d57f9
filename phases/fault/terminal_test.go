package fault

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const kindTerminal = "terminal closed after a record"

// seat is what a program is run at.
type seat int

const (
	inLines       seat = iota // no terminal
	atTerminal                // its own; its last words are kept
	atTerminalAll             // its own, and its last words go there, too
	atOthers                  // another session's: nobody signals that it has gone
)

// startAt starts it at a seat.
func (p *process) startAt(at seat) error {
	if at == inLines {
		return p.start()
	}
	if at != atTerminalAll {
		p.cmd.Stderr = &p.out // the stacks of one that hangs, too
	}
	end, err := pty.StartWithAttrs(p.cmd, &pty.Winsize{Rows: 40, Cols: 120}, &syscall.SysProcAttr{Setsid: true, Setctty: at != atOthers})
	if err != nil {
		return err
	}
	go p.reap() // ends with the process
	if p.tty, err = closable(end); err != nil {
		_ = p.cmd.Process.Kill()
		return err
	}
	go p.watch()
	return nil
}

// closable gives a terminal's end anew, as one whose Close closes it. What pty
// gives has been made to block: while a read of it waits, the descriptor stays
// open whoever closes the file, and a program that writes nothing more is not
// told that its terminal has gone.
func closable(end *os.File) (*os.File, error) {
	defer end.Close()
	fd, err := unix.FcntlInt(end.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("take the terminal's end: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("take the terminal's end: %w", err)
	}
	return os.NewFile(uintptr(fd), end.Name()), nil
}

// watch reads what is written on the terminal. It ends with the terminal.
func (p *process) watch() {
	part := make([]byte, 4096)
	for {
		n, err := p.tty.Read(part)
		p.screen.add(part[:n])
		if err != nil {
			return
		}
	}
}

// screen is what was written on a terminal, and when last.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	last time.Time
}

func (s *screen) add(part []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(part)
	s.last = time.Now()
}

func (s *screen) holds(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), text)
}

// rests says that nothing was written for that long.
func (s *screen) rests(d time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.last.IsZero() && time.Since(s.last) > d
}

// terminalFaults close the terminal under the program's screen after every
// record, and where nothing on the screen moves any more.
func (h *harness) terminalFaults(clean cleanRun) []fault {
	closed := func(p *process) error { return p.tty.Close() }
	var out []fault
	for i := range clean.records {
		n := i + 1
		out = append(out, fault{kind: kindTerminal, name: recordName(clean, n), run: func(c *trial) { h.end(c, n, atTerminal, closed) }})
	}
	last := len(clean.records)
	for _, n := range []int{1, last / 2} {
		out = append(out, fault{kind: kindTerminal, name: recordName(clean, n) + ", without a signal", run: func(c *trial) { h.end(c, n, atOthers, closed) }})
	}
	for at, how := range []string{atTerminal: "", atTerminalAll: ", and its last words", atOthers: ", without a signal"} {
		if at := seat(at); at != inLines {
			out = append(out, fault{kind: kindTerminal, name: recordName(clean, last) + ", the screen at rest" + how, smoke: at == atOthers, run: func(c *trial) {
				h.end(c, last, at, func(p *process) error {
					// For longer than any clock that moves lets it be.
					if err := p.until(c.ctx, 20*time.Millisecond, func() bool { return p.screen.rests(2 * time.Second) }); err != nil {
						return err
					}
					return closed(p)
				})
			}})
		}
	}
	return out
}

// TestTerminalCloses: a program that writes nothing more is told of its
// terminal's end all the same.
func TestTerminalCloses(t *testing.T) {
	p := &process{cmd: exec.Command("sh", "-c", "echo up; exec sleep 600"), done: make(chan struct{})}
	if err := p.startAt(atTerminal); err != nil {
		t.Fatal(err)
	}
	if err := p.until(t.Context(), time.Millisecond, func() bool { return p.screen.holds("up") }); err != nil {
		t.Fatal(err)
	}
	if err := p.tty.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.wait(endLimit); err != nil {
		t.Error(err)
	}
	if s := p.cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGHUP {
		t.Errorf("it ended by %s, and should by %s", s.Signal(), syscall.SIGHUP)
	}
}
