package outside

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var errLate = errors.New("no answer within 10s")

func script(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHowACommandEnds(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want Done
	}{
		"well":                    {"echo fine", Done{Exit: 0, Output: "fine\n"}},
		"with an exit code":       {"echo out; echo err >&2; exit 7", Done{Exit: 7, Output: "out\nerr\n"}},
		"with no input":           {"cat; echo end", Done{Exit: 0, Output: "end\n"}},
		"with the highest code":   {"exit 255", Done{Exit: 255, Output: ""}},
		"with no terminal":        {"(: </dev/tty) 2>/dev/null || echo none", Done{Exit: 0, Output: "none\n"}},
		"killing its own group":   {"trap 'exit 3' TERM; kill -TERM 0; sleep 1000", Done{Exit: 3, Output: ""}},
		"with a child behind it":  {"sleep 1000 & echo started", Done{Exit: 0, Output: "started\n"}},
		"with a signal to itself": {"trap 'echo caught' USR1; kill -USR1 $$; echo on", Done{Exit: 0, Output: "caught\non\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Run(t.Context(), []string{"/bin/sh", "-c", c.line})
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// A warning is no part of the answer where errors are kept apart.
func TestErrorsAreKeptApart(t *testing.T) {
	done, err := Command{Argv: []string{"/bin/sh", "-c", "echo beware >&2; echo 3; exit 1"}, Apart: true}.Run(t.Context())
	if want := (Done{Exit: 1, Output: "3\n", Errors: "beware\n"}); err != nil || done != want {
		t.Errorf("got %+v, %v; want %+v", done, err, want)
	}
	_, err = Command{Argv: []string{"/bin/sh", "-c", "echo 3; echo broken >&2; kill -KILL $$"}, Apart: true}.Run(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), ": broken") {
		t.Errorf("got %v", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	done, err := Run(t.Context(), []string{"/bin/sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"})
	if err != nil || len(done.Output) != MaxOutput {
		t.Errorf("%d bytes, %v", len(done.Output), err)
	}
}

func TestWhyACommandCannotBeRun(t *testing.T) {
	t.Setenv("PATH", ".:/usr/bin:/bin")
	t.Chdir(filepath.Dir(script(t, "here", "#!/bin/sh\n", 0o755)))
	for name, c := range map[string]struct {
		argv []string
		want string
	}{
		"not on PATH":         {[]string{"nosuchcommand"}, `there is no command "nosuchcommand": look at PATH, or write its whole path`},
		"no such file":        {[]string{"/nowhere/at/all"}, `there is no file "/nowhere/at/all": correct the command's path`},
		"not executable":      {[]string{script(t, "x", "#!/bin/sh\n", 0o644)}, `may not be executed: look at its permissions`},
		"a folder":            {[]string{"/usr"}, `"/usr" is a folder: name a program`},
		"no program":          {[]string{script(t, "x", "hello\n", 0o755)}, `it is no program for this machine`},
		"no interpreter":      {[]string{script(t, "x", "#!/nowhere/sh\n", 0o755)}, `the interpreter that its first line names is not there`},
		"working directory":   {[]string{"here"}, `"here" is found in the working directory alone: write "./here"`},
		"too many arguments":  {[]string{"/bin/true", strings.Repeat("x", 200_000)}, `its arguments and the environment are too long`},
		"ended by SIGSEGV":    {[]string{"/bin/sh", "-c", "echo last words; kill -SEGV $$"}, `ended by a signal, SIGSEGV (it used memory that is not its own): last words`},
		"ended by SIGKILL":    {[]string{"/bin/sh", "-c", "kill -KILL $$"}, `ended by a signal, SIGKILL (somebody killed it, or the system ran out of memory)`},
		"ended by another":    {[]string{"/bin/sh", "-c", "kill -USR2 $$"}, fmt.Sprintf("ended by a signal, number %d", syscall.SIGUSR2)},
		"its guard is killed": {[]string{"/bin/sh", "-c", "kill -KILL $PPID; sleep 0.1"}, `the process that watches over it was killed`},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "its guard is killed" && guardless {
				t.Skip("here is no guard")
			}
			_, err := Run(t.Context(), c.argv)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got: %v\nwant: %s", err, c.want)
			}
			wantNoGo(t, err)
		})
	}
}

// wantNoGo holds that no wording of the language's libraries is in an error.
func wantNoGo(t *testing.T, err error) {
	t.Helper()
	for _, words := range []string{"exec:", "fork/exec", "dial ", "lookup ", "Get \"", "context ", "net/http", "x509:", "tls:", "EOF", "exit status", "signal:", "i/o timeout", "$PATH", "syscall"} {
		if strings.Contains(err.Error(), words) {
			t.Errorf("%q is in: %v", words, err)
		}
	}
}

// Half of a secret is none that could be found: what an error ends with is masked
// before it is cut.
func TestASecretAtTheCutIsMasked(t *testing.T) {
	const secret = "hunter2-and-a-good-deal-more-than-that"
	var secrets Secrets
	secrets.Keep(secret)
	for _, end := range []string{"kill -USR2 $$", "sleep 1000"} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, errLate)
		line := "printf '%0100d' 0; echo \"$LEAKED\"; " + end
		_, err := Command{Argv: []string{"/bin/sh", "-c", line}, Env: []string{"LEAKED=" + secret}, Alone: true, Secrets: secrets}.Run(ctx)
		cancel()
		if err == nil || !strings.HasSuffix(err.Error(), "0***") {
			t.Errorf("%s: %v", end, err)
		}
	}
}

// marked are the processes that run a command of this number of seconds.
func marked(t *testing.T, seconds string) (pids []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if line, err := os.ReadFile(file); err == nil && string(line) == "sleep\x00"+seconds+"\x00" {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// until polls for what another process does.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-late:
			t.Fatalf("no %s within 30 seconds", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

var marks atomic.Int64

// mark is a number of seconds that no other process of this machine sleeps for.
func mark() string { return fmt.Sprintf("%d.%d", 100_000+os.Getpid(), marks.Add(1)) }

// The ways to get away, each with how many processes it starts. SLEEP stands
// for a command that is told from all others.
var escapes = map[string]struct {
	line  string
	count int
}{
	"a child":                     {"SLEEP &", 1},
	"nohup":                       {"nohup SLEEP >/dev/null 2>&1 &", 1},
	"a session of its own":        {"setsid SLEEP >/dev/null 2>&1 &", 1},
	"no environment":              {"env -i setsid SLEEP >/dev/null 2>&1 &", 1},
	"forked twice":                {"(setsid sh -c '(SLEEP &) ' >/dev/null 2>&1 &)", 1},
	"deaf to signals":             {"trap '' TERM HUP INT QUIT; setsid SLEEP &", 1},
	"a tree":                      {"sh -c 'SLEEP & setsid sh -c \"SLEEP & setsid sh -c \\\"SLEEP & SLEEP\\\" & SLEEP\" & SLEEP' &", 6},
	"fifty at once":               {"i=0; while [ $i -lt 50 ]; do (setsid SLEEP &); i=$((i+1)); done", 50},
	"all that keep forking again": {"for i in 1 2 3 4; do (setsid sh -c 'n=0; while [ $n -lt 25 ]; do (SLEEP &); n=$((n+1)); done; SLEEP' &); done", 104},
}

func TestNothingIsLeft(t *testing.T) {
	if guardless {
		t.Skip("here only the process group is ended")
	}
	for name, c := range escapes {
		for _, how := range []string{"when time is up", "when the command returns"} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				seconds := mark()
				line := strings.ReplaceAll(c.line, "SLEEP", "sleep "+seconds)
				gate := filepath.Join(t.TempDir(), "gate")
				if err := syscall.Mkfifo(gate, 0o600); err != nil {
					t.Fatal(err)
				}
				ctx, cut := context.WithCancelCause(t.Context())
				defer cut(nil)
				ran := make(chan error, 1)
				go func() { // ends with the command
					_, err := Run(ctx, []string{"/bin/sh", "-c", line + "\necho half an answer; read x <" + gate})
					ran <- err
				}()
				until(t, "start of all its processes", func() bool { return len(marked(t, seconds)) == c.count })
				if how == "when time is up" {
					cut(errLate)
					err := <-ran
					if !errors.Is(err, errLate) || err.Error() != "no answer within 10s, it was ended: half an answer" && !strings.HasSuffix(err.Error(), "it was ended") {
						t.Errorf("it ended with: %v", err)
					}
				} else {
					if err := os.WriteFile(gate, []byte("go\n"), 0); err != nil {
						t.Fatal(err)
					}
					if err := <-ran; err != nil {
						t.Errorf("it ended with: %v", err)
					}
				}
				if left := marked(t, seconds); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		}
	}
}

// A command's end is nobody else's: neither another command's, nor that of a
// server which the program started and which went into the background.
func TestNobodyElseIsEnded(t *testing.T) {
	if guardless {
		t.Skip("the processes are counted in /proc")
	}
	server := mark()
	attr := &os.ProcAttr{Env: os.Environ(), Files: []*os.File{nil, nil, nil}}
	daemon, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "setsid sleep " + server + " & sleep " + server}, attr)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "server", func() bool { return len(marked(t, server)) == 2 })
	servers := marked(t, server)
	defer func() {
		for _, pid := range servers {
			var n int
			if _, err := fmt.Sscan(pid, &n); err == nil {
				_ = syscall.Kill(n, syscall.SIGKILL)
			}
		}
		_, _ = daemon.Wait()
	}()
	other := mark()
	otherCtx, endOther := context.WithCancel(t.Context())
	otherRan := make(chan error, 1)
	go func() { // ends with endOther
		_, err := Run(otherCtx, []string{"/bin/sh", "-c", "setsid sleep " + other + " & sleep " + other})
		otherRan <- err
	}()
	until(t, "other command", func() bool { return len(marked(t, other)) == 2 })
	for range 5 {
		own := mark()
		ctx, cut := context.WithCancelCause(t.Context())
		ran := make(chan error, 1)
		go func() { // ends with cut
			_, err := Run(ctx, []string{"/bin/sh", "-c", "(setsid sleep " + own + " &); sleep " + own})
			ran <- err
		}()
		until(t, "start", func() bool { return len(marked(t, own)) == 2 })
		cut(errLate)
		if err := <-ran; !errors.Is(err, errLate) || len(marked(t, own)) != 0 {
			t.Errorf("%v, left: %v", err, marked(t, own))
		}
	}
	if n := len(marked(t, server)); n != 2 {
		t.Errorf("%d of the server's 2 processes live", n)
	}
	if n := len(marked(t, other)); n != 2 {
		t.Errorf("%d of the other command's 2 processes live", n)
	}
	endOther()
	if err := <-otherRan; !errors.Is(err, context.Canceled) || len(marked(t, other)) != 0 {
		t.Errorf("the other command: %v, left: %v", err, marked(t, other))
	}
}

const asProgram = "OUTSIDE_TEST_PROGRAM"

// A program that is killed leaves no command either.
func TestTheProgramIsKilled(t *testing.T) {
	if line := os.Getenv(asProgram); line != "" {
		_, err := Run(context.Background(), []string{"/bin/sh", "-c", line})
		t.Fatalf("the program was to be killed, and its command ended: %v", err)
	}
	if guardless {
		t.Skip("here is no guard")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	seconds := mark()
	env := append(os.Environ(), asProgram+"=(setsid sleep "+seconds+" &); sleep "+seconds)
	program, err := os.StartProcess(self, []string{self, "-test.run=^TestTheProgramIsKilled$"}, &os.ProcAttr{Env: env, Files: []*os.File{nil, nil, nil}})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "start", func() bool { return len(marked(t, seconds)) == 2 })
	if err := program.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := program.Wait(); err != nil {
		t.Fatal(err)
	}
	until(t, "end of its command", func() bool { return len(marked(t, seconds)) == 0 })
}

func TestContextThatHasEnded(t *testing.T) {
	ctx, cut := context.WithCancelCause(t.Context())
	cut(errLate)
	if _, err := Run(ctx, []string{"/bin/true"}); !errors.Is(err, errLate) {
		t.Errorf("got: %v", err)
	}
}
