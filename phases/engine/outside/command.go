package outside

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// MaxOutput is how much of a command's output or a response's body is kept, in bytes.
const MaxOutput = 64 << 10

// patience is how long the end of a command's processes is waited for, once
// they are being killed.
const patience = 5 * time.Second

// Done is how a command ended that ended by itself.
type Done struct {
	Exit   int    // its exit code
	Output string // the first MaxOutput bytes of its output and errors
	Errors string // those of its errors, where they were to be kept apart; they are not in Output then
}

// ending is what came of a command that was started.
type ending struct {
	exit   int
	signal syscall.Signal // what ended it; 0 when it ended by itself
	cut    bool           // the context's end was its end
	errno  syscall.Errno  // why it could not be executed; 0 when it could
	left   []string       // processes of it that could not be ended
	lost   string         // why nothing is known of it; empty otherwise
}

// Run runs a program without a shell, without input and without a terminal, and waits
// for its end. None of its processes is left when it returns. An error says why
// it could not be run, that ctx ended it (context.Cause is wrapped), or that a
// signal did; it has the first line of the output, where there is one.
func Run(ctx context.Context, argv []string) (Done, error) { return Command{Argv: argv}.Run(ctx) }

// Run is the function Run, with what c asks for beside.
func (c Command) Run(ctx context.Context) (Done, error) {
	name := c.Argv[0]
	at := name
	if c.Dir != "" && strings.ContainsRune(name, filepath.Separator) && !filepath.IsAbs(name) {
		at = filepath.Join(c.Dir, name)
	}
	path, err := exec.LookPath(at)
	if err != nil {
		return Done{}, notFound(name, err)
	}
	if ctx.Err() != nil {
		return Done{}, context.Cause(ctx)
	}
	if path, err = c.from(ctx, path); err != nil {
		return Done{}, err
	}
	var out, errs limited
	end, err := run(ctx, path, c, c.tee(&out), &errs)
	if err != nil {
		return Done{}, fmt.Errorf("start %q: %s", name, systemSays(err))
	}
	said := ""
	if line := FirstLine(c.Secrets.Mask(cmp.Or(errs.String(), out.String()))); line != "" {
		said = ": " + line
	}
	remain := ""
	if len(end.left) > 0 {
		remain = fmt.Sprintf("; not ended: %s, end it by hand", strings.Join(end.left, ", "))
	}
	switch {
	case end.errno != 0:
		return Done{}, fmt.Errorf("run %q: %s", name, notExecuted(end.errno))
	case end.cut && remain != "":
		return Done{}, fmt.Errorf("%w%s%s", context.Cause(ctx), remain, said)
	case end.cut:
		return Done{}, fmt.Errorf("%w, it was ended%s", context.Cause(ctx), said)
	case end.lost != "":
		return Done{}, fmt.Errorf("run %q: %s%s", name, end.lost, said)
	case end.signal != 0:
		return Done{}, fmt.Errorf("ended by a signal, %s%s%s", signalName(end.signal), remain, said)
	case remain != "":
		return Done{}, fmt.Errorf("it ended with exit code %d%s%s", end.exit, remain, said)
	}
	return Done{Exit: end.exit, Output: out.String(), Errors: errs.String()}, nil
}

// notFound says why there is no program to run.
func notFound(name string, err error) error {
	whole := strings.ContainsRune(name, filepath.Separator)
	switch {
	case errors.Is(err, exec.ErrDot):
		return fmt.Errorf("%q is found in the working directory alone: write %q, or its whole path", name, "./"+name)
	case errors.Is(err, fs.ErrNotExist) && whole:
		return fmt.Errorf("there is no file %q: correct the command's path", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%q may not be executed: look at its permissions and those of its folders (chmod +x)", name)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%q is a folder: name a program", name)
	case whole:
		return fmt.Errorf("%q cannot be run: %s", name, systemSays(err))
	}
	return fmt.Errorf("there is no command %q: look at PATH, or write its whole path", name)
}

// notExecuted says why a program that is there could not be executed.
func notExecuted(errno syscall.Errno) string {
	switch errno {
	case syscall.ENOENT:
		return "the interpreter that its first line names is not there, or the file has gone: correct the first line (#!)"
	case syscall.ENOEXEC:
		return "it is no program for this machine: a script's first line names its interpreter (#!/bin/sh)"
	case syscall.EACCES, syscall.EPERM:
		return "it may not be executed: look at its permissions, and at its file system's options (noexec)"
	case syscall.ETXTBSY:
		return "it is open for writing: wait until it is written"
	}
	return systemSays(errno)
}

// systemSays is the system's own sentence of an error, without the program's
// words around it.
func systemSays(err error) string {
	errno, ok := errors.AsType[syscall.Errno](err)
	switch {
	case !ok:
		return "the system gives no reason"
	case errno == syscall.EAGAIN || errno == syscall.ENOMEM:
		return "the system has no room for another process: look at its memory and at the limit of processes (ulimit -u)"
	case errno == syscall.E2BIG:
		return "its arguments and the environment are too long"
	case errno == syscall.EMFILE || errno == syscall.ENFILE:
		return "too many files are open: raise the limit (ulimit -n)"
	}
	return errno.Error() // the C library's text: "input/output error"
}

// signalName is a signal by name and, where it has plain words, in those.
func signalName(sig syscall.Signal) string {
	name, words := "", ""
	switch sig {
	case syscall.SIGKILL:
		name, words = "SIGKILL", "somebody killed it, or the system ran out of memory"
	case syscall.SIGTERM:
		name, words = "SIGTERM", "somebody asked it to end"
	case syscall.SIGINT:
		name, words = "SIGINT", "it was interrupted"
	case syscall.SIGHUP:
		name, words = "SIGHUP", "its session ended"
	case syscall.SIGQUIT:
		name, words = "SIGQUIT", "somebody made it quit"
	case syscall.SIGSEGV:
		name, words = "SIGSEGV", "it used memory that is not its own"
	case syscall.SIGBUS:
		name, words = "SIGBUS", "it used memory that is not there"
	case syscall.SIGABRT:
		name, words = "SIGABRT", "it gave up by itself"
	case syscall.SIGFPE:
		name, words = "SIGFPE", "it computed what cannot be computed"
	case syscall.SIGILL:
		name, words = "SIGILL", "it is not made for this processor"
	case syscall.SIGPIPE:
		name, words = "SIGPIPE", "nobody read its output any more"
	case syscall.SIGALRM:
		name, words = "SIGALRM", "its own alarm went off"
	case syscall.SIGXCPU:
		name, words = "SIGXCPU", "it used up its processor time"
	case syscall.SIGXFSZ:
		name, words = "SIGXFSZ", "it wrote too long a file"
	case syscall.SIGSYS:
		name, words = "SIGSYS", "it asked the system for what it may not"
	default:
		return fmt.Sprintf("number %d", int(sig))
	}
	return name + " (" + words + ")"
}

// FirstLine is the first line that says something, cut to what fits a screen.
func FirstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(line); len(r) > 120 {
		line = string(r[:119]) + "…"
	}
	return line
}

// limited keeps the first MaxOutput bytes of what is written to it.
type limited struct {
	mu   sync.Mutex
	kept strings.Builder
}

// Write implements io.Writer; it never fails.
func (l *limited) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if room := MaxOutput - l.kept.Len(); room > 0 {
		l.kept.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// String is what was kept.
func (l *limited) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.String()
}
