package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/journal"
	robot "tminus/testdata/terminal"
)

// tests runs the binary's tests, and stops the server that a benchmark started.
type tests struct{ m *testing.M }

func (t tests) Run() int { return sandbox.Main(t.m) }

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"mirror-host": mirrorHost, "mirror-viewers": mirrorViewers})
}

// mirrorHost is a mirror as a process of its own. It prints nothing itself, so
// that whatever is printed is a leak; its address goes to a file.
func mirrorHost() {
	o := Options{Journal: "run.journal", Listen: "127.0.0.1:0", AuthorizedKeys: "authorized_keys", HostKey: "host_key"}
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		d, err := time.ParseDuration(value)
		if err != nil {
			os.Exit(2)
		}
		switch name {
		case "idle":
			o.Idle = d
		case "behind":
			o.Behind = d
		}
	}
	log, err := os.Create("mirror.log")
	if err != nil {
		os.Exit(1)
	}
	o.Log = log
	m, err := New(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	host, port, _ := strings.Cut(m.Addr().String(), ":")
	known := fmt.Sprintf("[%s]:%s %s", host, port, keyLine(m.host, ""))
	if err := os.WriteFile("known_hosts", []byte(known), 0o600); err != nil {
		os.Exit(1)
	}
	if err := os.WriteFile("port.new", []byte(port), 0o600); err != nil {
		os.Exit(1)
	}
	if err := os.Rename("port.new", "port"); err != nil {
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := m.Serve(ctx); err != nil {
		os.Exit(1)
	}
}

// TestScripts drives mirrors with the real OpenSSH client.
func TestScripts(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("no ssh")
	}
	testscript.Run(t, testscript.Params{
		Dir:   "../../testdata/mirror",
		Setup: setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"hosted": hosted, "logged": logged, "note": note, "operator": operator,
			"term": openTerm, "sees": sees, "press": press, "leaves": leaves, "freeze": freeze, "thaw": thaw, "resize": resize,
		},
	})
}

// stage is what a script's commands share.
type stage struct {
	w     *journal.Writer
	terms map[string]*term
}

type stageKey struct{}

// term is a terminal in which a program runs.
type term struct {
	cmd  *exec.Cmd
	pty  *os.File
	done chan struct{} // closed when the program and its output have ended

	mu  sync.Mutex
	emu *vt.Emulator
}

func (t *term) screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.emu.String()
}

func setupScript(env *testscript.Env) error {
	dir := env.WorkDir
	tb := env.T().(testing.TB)
	r := &rig{t: tb, dir: dir}
	r.authorize(r.newKey("key"), "ann@ops")
	r.newKey("stranger")
	w, err := journal.Create(filepath.Join(dir, "run.journal"))
	if err != nil {
		return err
	}
	opened := openedEvent()
	if _, err := w.Append(time.Now(), opened.Kind(), opened, journal.Buffered); err != nil {
		return err
	}
	s := &stage{w: w, terms: map[string]*term{}}
	env.Values[stageKey{}] = s
	env.Setenv("HOME", dir)
	env.Setenv("TERM", "xterm-256color")
	config := "Host mirror\n IdentityFile " + filepath.Join(dir, "key") + "\nHost stranger\n IdentityFile " + filepath.Join(dir, "stranger") +
		"\nHost *\n HostName 127.0.0.1\n User ann\n IdentitiesOnly yes\n UserKnownHostsFile " + filepath.Join(dir, "known_hosts") +
		"\n StrictHostKeyChecking yes\n BatchMode yes\n SendEnv NO_COLOR COLORTERM\n LogLevel ERROR\n"
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600); err != nil {
		return err
	}
	env.Defer(func() {
		_ = s.w.Close()
		for _, t := range s.terms {
			_ = t.cmd.Process.Signal(syscall.SIGCONT)
			_ = t.cmd.Process.Kill()
			<-t.done
		}
	})
	return nil
}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

func within(ts *testscript.TestScript, ok func() bool, why func() string) {
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			ts.Fatalf("%s", why())
		}
		time.Sleep(10 * time.Millisecond) // between looks at a condition
	}
}

// hosted waits for the mirror's address: hosted.
func hosted(ts *testscript.TestScript, _ bool, _ []string) {
	path := ts.MkAbs("port")
	within(ts, func() bool { _, err := os.Stat(path); return err == nil }, func() string { return "the mirror did not start" })
	ts.Setenv("PORT", ts.ReadFile("port"))
}

// logged waits until the mirror's own log says something: logged TEXT.
func logged(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.Join(args, " ")
	within(ts, func() bool { return strings.Contains(ts.ReadFile("mirror.log"), text) },
		func() string { return fmt.Sprintf("the mirror never logged %q:\n%s", text, ts.ReadFile("mirror.log")) })
}

// note appends an event: note TEXT.
func note(ts *testscript.TestScript, _ bool, args []string) {
	e := phases.NoteRecorded{Text: strings.Join(args, " "), By: "dba"}
	_, err := stageOf(ts).w.Append(time.Now(), e.Kind(), e, journal.Buffered)
	ts.Check(err)
}

// operator does what an operator's program does: operator ends|dies.
func operator(ts *testscript.TestScript, _ bool, args []string) {
	s := stageOf(ts)
	if args[0] == "ends" {
		for _, e := range []phases.Event{phases.NoGoDeclared{Reason: "no backup", By: "dba"}, phases.RunClosed{Outcome: phases.NoGo}} {
			_, err := s.w.Append(time.Now(), e.Kind(), e, journal.Buffered)
			ts.Check(err)
		}
	}
	ts.Check(s.w.Close())
}

// openTerm runs a program in a terminal of its own: term NAME WxH PROGRAM ARG...
func openTerm(ts *testscript.TestScript, _ bool, args []string) {
	size := termSize(ts, args[1])
	cmd := exec.Command(args[2], args[3:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = []string{"HOME=" + ts.Getenv("HOME"), "PATH=" + ts.Getenv("PATH"), "TERM=" + ts.Getenv("TERM"), "NO_COLOR=" + ts.Getenv("NO_COLOR")}
	f, err := pty.StartWithSize(cmd, size)
	ts.Check(err)
	t := &term{cmd: cmd, pty: f, done: make(chan struct{}), emu: robot.NewEmulator(int(size.Cols), int(size.Rows))}
	stageOf(ts).terms[args[0]] = t
	go func() { // ends when the emulator is closed
		_, _ = io.Copy(f, t.emu)
		_, _ = io.Copy(io.Discard, t.emu)
	}()
	go func() { // ends with the program
		defer close(t.done)
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			t.mu.Lock()
			_, _ = t.emu.Write(buf[:n])
			t.mu.Unlock()
			if err != nil {
				break
			}
		}
		_ = cmd.Wait()
		endAnswers(t.emu)
	}()
}

func termSize(ts *testscript.TestScript, text string) *pty.Winsize {
	w, h, _ := strings.Cut(text, "x")
	cols, err := strconv.ParseUint(w, 10, 16)
	ts.Check(err)
	rows, err := strconv.ParseUint(h, 10, 16)
	ts.Check(err)
	return &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}
}

func termOf(ts *testscript.TestScript, name string) *term {
	t := stageOf(ts).terms[name]
	if t == nil {
		ts.Fatalf("no terminal %q", name)
	}
	return t
}

// sees waits until a terminal shows a text, or, negated, that it does not now:
// [!] sees NAME TEXT.
func sees(ts *testscript.TestScript, neg bool, args []string) {
	t, text := termOf(ts, args[0]), strings.Join(args[1:], " ")
	if neg {
		if strings.Contains(t.screen(), text) {
			ts.Fatalf("%s shows %q:\n%s", args[0], text, t.screen())
		}
		return
	}
	within(ts, func() bool { return strings.Contains(t.screen(), text) },
		func() string { return fmt.Sprintf("%s never showed %q:\n%s", args[0], text, t.screen()) })
}

// press types: press NAME KEYS.
func press(ts *testscript.TestScript, _ bool, args []string) {
	_, err := io.WriteString(termOf(ts, args[0]).pty, strings.Join(args[1:], " "))
	ts.Check(err)
}

// resize changes a terminal's size: resize NAME WxH.
func resize(ts *testscript.TestScript, _ bool, args []string) {
	t, size := termOf(ts, args[0]), termSize(ts, args[1])
	t.mu.Lock()
	t.emu.Resize(int(size.Cols), int(size.Rows))
	t.mu.Unlock()
	ts.Check(pty.Setsize(t.pty, size))
}

// leaves waits for a terminal's program to end, and restore the terminal:
// leaves NAME CODE.
func leaves(ts *testscript.TestScript, _ bool, args []string) {
	t := termOf(ts, args[0])
	select {
	case <-t.done:
	case <-time.After(patience):
		ts.Fatalf("%s did not end:\n%s", args[0], t.screen())
	}
	if got := strconv.Itoa(t.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("%s ended with %s, not %s:\n%s", args[0], got, args[1], t.screen())
	}
	if t.emu.IsAltScreen() {
		ts.Fatalf("%s is still in the alternate screen", args[0])
	}
}

// freeze stops a terminal's program: freeze NAME.
func freeze(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(termOf(ts, args[0]).cmd.Process.Signal(syscall.SIGSTOP))
}

// thaw has it go on: thaw NAME.
func thaw(ts *testscript.TestScript, _ bool, args []string) {
	err := termOf(ts, args[0]).cmd.Process.Signal(syscall.SIGCONT)
	if !errors.Is(err, os.ErrProcessDone) {
		ts.Check(err)
	}
}
