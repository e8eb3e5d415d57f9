// Package script has the commands that the scripts beside it may use, in
// addition to testscript's own. Every script has databases of its own on the
// server that all of them share.
package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"tminus/db/backup"
	"tminus/db/gym"
	"tminus/db/gym/services"
	"tminus/db/sandbox"
	"tminus/phases/runbook"
)

// Run runs the scripts of a folder against a server. The program that they
// drive is on the PATH.
func Run(t *testing.T, server *sandbox.Server, dir string) {
	s := &scripts{server: server}
	s.template = sync.OnceValue(s.loadTemplate)
	testscript.Run(t, testscript.Params{
		Dir: dir, Deadline: time.Now().Add(5 * time.Minute), RequireExplicitExec: true, RequireUniqueNames: true, Setup: s.setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "await": await, "pasted": pasted, "flip": flip, "cut": cut,
			"start": start, "says": says, "ends": ends,
			"key": key, "mar": mar, "scrape": scrape,
			"database": s.database, "gym": s.gym, "guide": s.guide, "sql": s.sql, "fault": s.fault,
		},
	})
}

// guide FILE makes a site in the working directory, and writes the guide's
// runbook for it, with a backup that somebody else takes: the demo's tests take
// one themselves.
func (s *scripts) guide(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: guide FILE")
	}
	dir := ts.MkAbs("site")
	ts.Check(os.Mkdir(dir, 0o700))
	site, err := gym.MakeSite(context.Background(), dir, backup.Major(s.server.Version()))
	ts.Check(err)
	around, err := services.Start(dir, "") // nobody asks for the application's health
	ts.Check(err)
	ts.Defer(func() { _ = around.Close() })
	site.ByHand, site.Services = true, around.URL()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), runbook.Guide(site), 0o600))
}

// scripts are the commands that need the server.
type scripts struct {
	server   *sandbox.Server
	template func() error
}

const gymTemplate = "gym_template"

func (s *scripts) loadTemplate() error {
	ctx := context.Background()
	if err := s.server.CreateDatabase(ctx, gymTemplate, ""); err != nil {
		return err
	}
	return gym.Load(ctx, s.server.DSN(gymTemplate), gym.Options{Users: gym.MinUsers})
}

func (s *scripts) setup(e *testscript.Env) error {
	for _, name := range []string{"home", "state"} {
		if err := os.Mkdir(filepath.Join(e.WorkDir, name), 0o700); err != nil {
			return err
		}
	}
	e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
	e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
	e.Setenv("PGHOST", s.server.Dir())
	e.Setenv("PGUSER", "postgres")
	e.Setenv("PGSSLMODE", "disable")
	e.Setenv("GORACE", os.Getenv("GORACE"))
	e.Values[runsKey{}] = runs{}
	return nil
}

// database makes an empty database and connects the script to it: database NAME
func (s *scripts) database(ts *testscript.TestScript, neg bool, args []string) {
	s.create(ts, args, "")
}

// gym is database with the gym of 100 users in it: gym NAME
func (s *scripts) gym(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(s.template())
	s.create(ts, args, gymTemplate)
}

func (s *scripts) create(ts *testscript.TestScript, args []string, template string) {
	if len(args) != 1 {
		ts.Fatalf("one name of a database")
	}
	ts.Check(s.server.CreateDatabase(context.Background(), args[0], template))
	ts.Defer(func() { _ = s.server.DropDatabase(context.Background(), args[0]) })
	ts.Setenv("PGDATABASE", args[0])
}

func (s *scripts) connected(ts *testscript.TestScript, do func(context.Context, *pgx.Conn) error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.server.DSN(ts.Getenv("PGDATABASE")))
	ts.Check(err)
	defer conn.Close(ctx)
	ts.Check(do(ctx, conn))
}

// sql runs statements as superuser, and has what the last one gives on stdout,
// a row a line, columns between tabs: sql STATEMENT...
func (s *scripts) sql(ts *testscript.TestScript, neg bool, args []string) {
	s.connected(ts, func(ctx context.Context, conn *pgx.Conn) error {
		for _, statement := range args {
			rows, err := conn.Query(ctx, statement)
			if err != nil {
				return err
			}
			for rows.Next() {
				values, err := rows.Values()
				if err != nil {
					return err
				}
				for i, v := range values {
					values[i] = fmt.Sprint(v)
				}
				fmt.Fprintln(ts.Stdout(), strings.TrimSuffix(fmt.Sprintln(values...), "\n"))
			}
			if err := rows.Err(); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

// fault plants one of the gym's faults: fault setnull, fault resurrect TABLE
func (s *scripts) fault(ts *testscript.TestScript, neg bool, args []string) {
	s.connected(ts, func(ctx context.Context, conn *pgx.Conn) error {
		switch {
		case len(args) == 1 && args[0] == "setnull":
			return gym.SetNullOnProtected(ctx, conn)
		case len(args) == 2 && args[0] == "resurrect":
			return gym.Resurrect(ctx, conn, args[1])
		}
		return fmt.Errorf("no fault %v", args)
	})
}

// exits is exec with the exit code: exits CODE PROGRAM [ARG...]
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	got := 0
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// runs is a script's programs in the background, by name.
type runs map[string]*background

type runsKey struct{}

type background struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// start runs a program in the background, its output in NAME.out and NAME.err:
// start NAME PROGRAM [ARG...]
func start(ts *testscript.TestScript, neg bool, args []string) {
	name := args[0]
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, v := range []string{"PATH", "HOME", "TMPDIR", "XDG_STATE_HOME", "PGHOST", "PGUSER", "PGSSLMODE", "PGDATABASE", "PGSERVICEFILE", "PGOPTIONS", "TELL_SCRIPT_URL"} {
		cmd.Env = append(cmd.Env, v+"="+ts.Getenv(v))
	}
	for _, out := range []struct {
		to     *io.Writer
		suffix string
	}{{&cmd.Stdout, ".out"}, {&cmd.Stderr, ".err"}} {
		f, err := os.Create(ts.MkAbs(name + out.suffix))
		ts.Check(err)
		defer f.Close()
		*out.to = f
	}
	stdin, err := cmd.StdinPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Value(runsKey{}).(runs)[name] = &background{cmd, stdin}
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// says types a line for a program in the background: says NAME LINE
func says(ts *testscript.TestScript, neg bool, args []string) {
	_, err := io.WriteString(ts.Value(runsKey{}).(runs)[args[0]].stdin, args[1]+"\n")
	ts.Check(err)
}

// ends awaits the end of a program in the background, after a signal if one is
// named, and holds its exit code: ends NAME CODE [HUP|INT|TERM|KILL]
func ends(ts *testscript.TestScript, neg bool, args []string) {
	b := ts.Value(runsKey{}).(runs)[args[0]]
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if len(args) > 2 {
		signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
		ts.Check(b.cmd.Process.Signal(signals[args[2]]))
	}
	limit := time.AfterFunc(patience, func() { _ = b.cmd.Process.Kill() })
	defer limit.Stop()
	var exit *exec.ExitError
	if err := b.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	if got := b.cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("%s: exit code %d (%s), want %d; it said\n%s", args[0], got, b.cmd.ProcessState, want, ts.ReadFile(args[0]+".err"))
	}
}

// pasted has in $PASTED the command by which a program that left a run says that
// it goes on, exactly as it was printed: pasted FILE
func pasted(ts *testscript.TestScript, neg bool, args []string) {
	found := regexp.MustCompile(`(?m)^take it up again: (.*)$`).FindStringSubmatch(ts.ReadFile(args[0]))
	if found == nil {
		ts.Fatalf("%s has no such command", args[0])
	}
	ts.Setenv("PASTED", found[1])
}

// await polls until a file has a line that matches: await PATTERN FILE
func await(ts *testscript.TestScript, neg bool, args []string) {
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	var data []byte
	defer func() { ts.Logf("%s", data) }()
	poll(ts, args[0]+" in "+args[1], func() bool {
		data, err = os.ReadFile(ts.MkAbs(args[1]))
		return err == nil && pattern.Match(data)
	})
}

// patience is how long anything may take; nothing passes by it.
const patience = 30 * time.Second

func poll(ts *testscript.TestScript, what string, holds func() bool) {
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// scrape gets the metrics of a program in the background to stdout, and has their
// address in $ADDRESS: scrape NAME
func scrape(ts *testscript.TestScript, neg bool, args []string) {
	url := regexp.MustCompile(`http://(\S+)/metrics`).FindStringSubmatch(ts.ReadFile(args[0] + ".err"))
	if url == nil {
		ts.Fatalf("%s says nowhere where its metrics are", args[0])
	}
	client := http.Client{Timeout: patience}
	answer, err := client.Get(url[0])
	ts.Check(err)
	defer answer.Body.Close()
	_, err = io.Copy(ts.Stdout(), answer.Body)
	ts.Check(err)
	ts.Setenv("ADDRESS", url[1])
}

// key makes a pair of keys of age's: the secret one in a file, the public one in
// $RECIPIENT: key FILE
func key(ts *testscript.TestScript, neg bool, args []string) {
	id, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(id.String()+"\n"), 0o600))
	ts.Setenv("RECIPIENT", id.Recipient().String())
}

// mar changes one bit in the middle of a file: mar FILE
func mar(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	b[len(b)/2] ^= 1
	ts.Check(os.WriteFile(path, b, 0o600))
}

// line finds a line by its number, or by first, middle or last, and tells the
// script its number as $LINE.
func line(ts *testscript.TestScript, lines []string, which string) int {
	n, err := strconv.Atoi(which)
	switch which {
	case "first":
		n = 1
	case "middle":
		n = len(lines) / 2
	case "last":
		n = len(lines)
	default:
		ts.Check(err)
	}
	ts.Setenv("LINE", strconv.Itoa(n))
	return n - 1
}

// flip copies a file with one bit changed: flip FILE LINE NEW
func flip(ts *testscript.TestScript, neg bool, args []string) {
	lines := strings.SplitAfter(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	i := line(ts, lines, args[1])
	b := []byte(lines[i])
	b[len(b)/2] ^= 1
	lines[i] = string(b)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.Join(lines, "")+"\n"), 0o600))
}

// cut copies a file without one line: cut FILE LINE NEW
func cut(ts *testscript.TestScript, neg bool, args []string) {
	lines := strings.SplitAfter(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	i := line(ts, lines, args[1])
	kept := strings.TrimSuffix(strings.Join(append(lines[:i:i], lines[i+1:]...), ""), "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(kept+"\n"), 0o600))
}
