package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	kindKill      = "program killed (-9) after a record"
	kindStatement = "program ended inside a statement"
	kindCommit    = "program killed (-9) around COMMIT"
	kindSignal    = "SIGTERM, SIGHUP or SIGINT after a record"
)

// endLimit is how long a program may take to end after what was to end it.
const endLimit = 30 * time.Second

// process is the real program, run as a user runs it.
type process struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	begun  chan struct{} // closed once it runs
	done   chan struct{} // closed once it has ended
	tty    *os.File      // its terminal's other end; nil without one
	screen screen
}

// command prepares the real program.
func (h *harness) command(c *trial, args ...string) (*process, error) {
	binary, err := h.binary()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(binary, args...), begun: make(chan struct{}), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(h.folder, "state-"+c.name), "TERM=xterm-256color")
	return p, nil
}

func (p *process) start() error {
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		return err
	}
	close(p.begun)
	go p.reap() // ends with the process
	return nil
}

func (p *process) reap() {
	_ = p.cmd.Wait() // how it ended is in ProcessState
	close(p.done)
}

// wait gives the exit code; -1 when a signal ended it.
func (p *process) wait(limit time.Duration) (int, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(limit):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its stacks are what explains a hang
		<-p.done
		return -1, fmt.Errorf("the program hangs: no end within %s: %s", limit, p.out.String())
	}
}

// rehearse starts the real program on a new run that nobody attends.
func (h *harness) rehearse(c *trial, dsn string, more ...string) (*process, error) {
	return h.command(c, append([]string{"rehearse", h.book, "--unattended", "--no-undo", "--journal", c.path, "--dsn", dsn}, more...)...)
}

// resumeProgram takes the run up with the real program, as often as another
// session's lock stands in the way, and holds its exit code against the journal.
func (h *harness) resumeProgram(c *trial) error {
	deadline := time.Now().Add(lockLimit)
	for {
		p, err := h.command(c, "resume", c.path, "--plain", "--dsn", c.dsn())
		if err != nil {
			return err
		}
		if err := p.start(); err != nil {
			return err
		}
		code, err := p.wait(runLimit)
		if err != nil {
			return err
		}
		if code == 1 && strings.Contains(p.out.String(), "the operator lock is held") && time.Now().Before(deadline) {
			continue
		}
		s := c.said()
		if s == nil || code != s.ExitCode() {
			return fmt.Errorf("resume: exit code %d: %s", code, p.out.String())
		}
		return nil
	}
}

// until polls for a condition until the process ends.
func (p *process) until(ctx context.Context, every time.Duration, ok func() bool) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !ok() {
		select {
		case <-p.done:
			return errEnded
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

var errEnded = errors.New("the program ended first")

// lines are those of the journal's records, whole ones.
func (c *trial) lines() [][]byte {
	data, err := os.ReadFile(c.path)
	if err != nil {
		return nil
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	return lines[:len(lines)-1]
}

// records is how many records the journal holds, as a clean run counts them.
func (c *trial) records() int {
	return len(slices.DeleteFunc(c.lines(), aside))
}

// end does something to the real program once record n is there, and recovers.
func (h *harness) end(c *trial, n int, at seat, strike func(*process) error) {
	p, err := h.rehearse(c, c.dsn(), map[seat][]string{inLines: {"--plain"}}[at]...)
	if err == nil {
		err = p.startAt(at)
	}
	if err != nil {
		c.fail("%w", err)
		return
	}
	err = p.until(c.ctx, 200*time.Microsecond, func() bool { return c.records() >= n })
	if err == nil {
		err = strike(p)
	}
	if err != nil && !errors.Is(err, errEnded) && !errors.Is(err, os.ErrProcessDone) {
		c.fail("%w", err)
	}
	if code, err := p.wait(endLimit); err != nil {
		c.fail("%w", err)
	} else if s := c.said(); code >= 0 && s != nil && code != s.ExitCode() {
		c.fail("exit code %d, and the journal says %d: %s", code, s.ExitCode(), p.out.String())
	}
	c.recover(func() error { return h.resumeProgram(c) })
}

func send(s syscall.Signal) func(*process) error {
	return func(p *process) error { return p.cmd.Process.Signal(s) }
}

// killFaults kill the real program after every record.
func (h *harness) killFaults(clean cleanRun) []fault {
	var out []fault
	for i := range clean.records {
		n := i + 1
		out = append(out, fault{kind: kindKill, name: recordName(clean, n), run: func(c *trial) { h.end(c, n, inLines, send(syscall.SIGKILL)) }})
	}
	return out
}

// signalFaults ask the real program to end after every record.
func (h *harness) signalFaults(clean cleanRun) []fault {
	var out []fault
	for i := range clean.records {
		n := i + 1
		s := []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT}[i%3]
		out = append(out, fault{kind: kindSignal, name: fmt.Sprintf("%s: %s", recordName(clean, n), s), run: func(c *trial) { h.end(c, n, inLines, send(s)) }})
	}
	return out
}

// statementFaults end the program, or its session, in the middle of each
// statement that takes time.
func (h *harness) statementFaults() []fault {
	var out []fault
	for _, at := range []struct{ what, like string }{
		{"phase 1, DELETE", `DELETE FROM ONLY "public"."child"%`},
		{"phase 1, UPDATE", `UPDATE public.tally%first%`},
		{"phase 2, DELETE", `DELETE FROM "public"."parent"%`},
		{"phase 2, UPDATE", `UPDATE public.tally%second%`},
	} {
		for _, how := range []string{"kill -9", "SIGTERM", "SIGHUP", "SIGINT", "pg_terminate_backend", "pg_cancel_backend", "every session terminated"} {
			out = append(out, fault{
				kind: kindStatement, name: at.what + ": " + how, smoke: how == "kill -9" && strings.Contains(at.what, "2, DELETE"),
				run: func(c *trial) { h.inStatement(c, at.like, how) },
			})
		}
	}
	return out
}

func (h *harness) inStatement(c *trial, like, how string) {
	if err := c.ask(c.ctx, slowness); err != nil {
		c.fail("%w", err)
		return
	}
	p, err := h.rehearse(c, c.dsn(), "--plain")
	if err == nil {
		err = p.start()
	}
	if err != nil {
		c.fail("%w", err)
		return
	}
	pid := 0
	err = p.until(c.ctx, 5*time.Millisecond, func() bool {
		return c.ask(c.ctx, `SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE datname = current_database()
			AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '`+strings.ReplaceAll(like, "'", "''")+`'`, &pid) == nil && pid > 0
	})
	if err != nil {
		c.fail("the statement was not seen: %w: %s", err, p.out.String())
	}
	if err := c.strike(p, how, pid); err != nil {
		c.fail("%s: %w", how, err)
	}
	if _, err := p.wait(endLimit); err != nil {
		c.fail("%w", err)
	}
	c.recover(func() error { return h.resumeProgram(c) })
}

func (c *trial) strike(p *process, how string, pid int) error {
	var done bool
	switch how {
	case "kill -9":
		return send(syscall.SIGKILL)(p)
	case "SIGTERM":
		return send(syscall.SIGTERM)(p)
	case "SIGHUP":
		return send(syscall.SIGHUP)(p)
	case "SIGINT":
		return send(syscall.SIGINT)(p)
	case "every session terminated":
		return c.ask(c.ctx, `SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`, &done)
	}
	return c.ask(c.ctx, fmt.Sprintf(`SELECT %s(%d)`, how, pid), &done)
}

// commitKillFaults kill the real program with its COMMIT at every place
// between it and the server.
func (h *harness) commitKillFaults() []fault {
	var out []fault
	for _, phase := range []int{inFirst, inSecond} {
		for _, from := range []side{client, server} {
			for _, kind := range map[side]string{client: "PDBES", server: "12nCZ"}[from] {
				for _, arrives := range []bool{false, true} {
					out = append(out, fault{
						kind:  kindCommit,
						name:  fmt.Sprintf("%s, %s %c, which arrives: %v", transactions[phase], from, kind, arrives),
						smoke: phase == inSecond && kind == 'C',
						run:   func(c *trial) { h.killAtCommit(c, phase, from, byte(kind), arrives) },
					})
				}
			}
		}
	}
	return out
}

func (h *harness) killAtCommit(c *trial, phase int, from side, kind byte, arrives bool) {
	p, err := h.rehearse(c, c.proxied(), "--plain")
	if err != nil {
		c.fail("%w", err)
		return
	}
	kill := func() {
		<-p.begun
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	c.proxy.arm(func(m message) *order {
		if m.phase != phase || m.side != from || m.kind != kind || m.sql != "commit" {
			return nil
		}
		if arrives {
			return &order{act: forwardCut, first: kill}
		}
		return &order{act: swallowCut, first: kill}
	})
	h.breakProgram(c, p)
}

// breakProgram runs a program to its fault, and takes its run up again.
func (h *harness) breakProgram(c *trial, p *process) {
	if err := p.start(); err != nil {
		c.fail("%w", err)
		return
	}
	if _, err := p.wait(endLimit); err != nil {
		c.fail("%w", err)
	}
	if !c.proxy.fired.Load() {
		c.fail("the fault did not occur: %s", p.out.String())
	}
	c.recover(func() error { return h.resumeProgram(c) })
}
