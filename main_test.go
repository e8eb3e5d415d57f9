package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/runbook"
	"tminus/testdata/bench"
	"tminus/testdata/house"
	"tminus/testdata/script"
	"tminus/testdata/terminal"
	"tminus/ui/cli"
)

// suite ends the shared server after the tests.
type suite struct{ m *testing.M }

func (s suite) Run() int { return sandbox.Main(s.m) }

// TestMain puts this very program on the PATH, as tminus.
func TestMain(m *testing.M) { testscript.Main(suite{m}, map[string]func(){"tminus": main}) }

// The arrows between the packages, the map of them, and the house's other rules.
func TestTheHouseHoldsItsRules(t *testing.T) {
	mistakes, err := house.Mistakes(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mistakes {
		t.Error(m)
	}
}

// The table of the benchmarks is what make bench writes.
func TestTheBenchmarksPageHasTheirRows(t *testing.T) {
	page, err := os.ReadFile("docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	if says := bench.Differs(string(page)); says != "" {
		t.Errorf("docs/benchmarks.md: %s: run make bench", says)
	}
	// What it writes is one again, and nothing beside the table has changed.
	other := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(other, page, 0o600); err != nil {
		t.Fatal(err)
	}
	got := bench.Measured{Users: 1_234_567, Rounds: 1, Machine: "Here.", Results: map[string]bench.Result{"reset": {Median: 0.5, Least: 0.4, Most: 12, Note: "a note"}, "key": {Median: 31}}}
	if err := got.Write(other); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	text := string(written)
	for _, want := range []string{
		"| all six phases, 1,234,567 users, `way: delete` | the guide's SQL in psql | ≤ 0.5 | 0.500 | 0.400 to 12.00 | met; a note |",
		"| from a key to its frame |  | ≤ 30 ms | 31 ms |  | missed |", "| not measured: it was left out |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if says := bench.Differs(text); says != "" {
		t.Error(says)
	}
	if says := bench.Differs(strings.Replace(text, "≤ 1.5", "≤ 15", 1)); !strings.Contains(says, "row 6 ") {
		t.Errorf("of another goal it says %q", says)
	}
	if before, after := strings.Split(string(page), "<!--"), strings.Split(text, "<!--"); before[0] != after[0] || before[2] != after[2] {
		t.Error("what stands beside the table was changed")
	}
}

// The scripts drive the program against a server that they share.
func TestScripts(t *testing.T) { script.Run(t, sandbox.ForTest(t), "testdata/script") }

// environment is a program's own: nothing of the machine's but its PATH.
func environment(t *testing.T, more ...string) []string {
	home := t.TempDir()
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_STATE_HOME=" + home, "TERM=xterm-256color", "LANG=C.UTF-8", "GORACE=" + os.Getenv("GORACE")}, more...)
}

// demo starts a demo in a terminal, and gives the path of its journal.
func demo(t *testing.T, w, h int, env ...string) (*terminal.Terminal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "J")
	cmd := exec.Command("tminus", "demo", "--users", "300", "--measure", "1s", "--journal", path)
	cmd.Env = environment(t, env...)
	return terminal.Start(t, cmd, w, h), path
}

// A person who knows nothing but what the screen says gets through the whole
// demo, whatever they do to their window on the way, and nothing is left behind.
func TestTheDemoByTheKeysOnScreen(t *testing.T) {
	t.Parallel()
	term, path := demo(t, 80, 24)
	term.Shows("Checklist")
	if !term.Alternate() {
		t.Error("the screen is not the alternate one")
	}
	robot := &terminal.Robot{Terminal: term, Name: "Jo"}
	at := 0
	for !term.Ended() {
		// By keys: how many looks they take is the machine's matter.
		switch n := len(robot.Keys); {
		case at == 0 && n >= 10:
			at = 1
			term.Resize(120, 40)
		case at == 1 && n >= 30:
			at = 2
			term.Resize(200, 60)
		case at == 2 && n >= 50:
			at = 3
			term.Resize(20, 5)
			term.Shows("too small")
			term.Resize(80, 24)
			term.Shows("DEMO")
		}
		robot.Step()
	}
	if code := term.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	// Which key opened the gate, and not when the screen offered it: between two looks
	// the screen may have come on.
	keysCounted(t, "the checklist, to the GO", terminal.Count(robot.Counted[:max(0, slices.Index(robot.Counted, "o"))]))
	keysCounted(t, "the whole run", terminal.Count(robot.Counted))
	if term.Alternate() {
		t.Error("the alternate screen was not left")
	}
	if _, end, _ := strings.Cut(term.Raw(), leaveAlternate); !strings.Contains(end, "run completed") {
		t.Errorf("the end is not told on the main screen: %q", end)
	}
	nothingLeft(t, path)
}

// keysCounted holds what docs/screen.md says of how many keys are pressed, at most
// and when last counted, against a count.
func keysCounted(t *testing.T, what string, counted int) {
	t.Helper()
	page, err := os.ReadFile("docs/screen.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`\| ` + what + ` \| (\d+) \| (\d+) \|`).FindSubmatch(page)
	if row == nil {
		t.Fatalf("docs/screen.md says nothing of %s", what)
	}
	most, _ := strconv.Atoi(string(row[1]))
	last, _ := strconv.Atoi(string(row[2]))
	t.Logf("%s: %d keys, last counted %d", what, counted, last) // a busy machine may cost some
	if counted > most || last > most || counted == 0 {
		t.Errorf("%s takes %d keys, and docs/screen.md says %d at most, last counted %d", what, counted, most, last)
	}
}

// failing is a test whose failure is what another test wants.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// A robot that comes by the same screens again and again fails; one that gets on
// does not, however alike its screens are.
func TestTheRobotFailsOnACircle(t *testing.T) {
	t.Parallel()
	for items, circle := range map[string]bool{"backup age backup age backup age backup age backup age backup age backup age": true, "a b c d e f g h i": false} {
		draw := `stty raw -echo; printf '\033[?1049h'; for item in ` + items + `; do printf '\033[2J\033[5;1H› [ ] %s\033[24;1H n next open item      ? keys  q leave' $item; head -c1 >/dev/null; done; printf '\033[?1049l'`
		test := &failing{TB: t}
		term := terminal.Start(test, exec.Command("sh", "-c", draw), 80, 24)
		robot := &terminal.Robot{Terminal: term, Name: "Jo"}
		over := make(chan struct{})
		go func() { // ends with the program, or with the robot's failure
			defer close(over)
			for !term.Ended() {
				robot.Step()
			}
		}()
		<-over
		if got := strings.Contains(test.said, "the keys lead in a circle"); got != circle || !circle && len(robot.Keys) != 9 {
			t.Errorf("%s: a circle is %t after %d keys, want %t: %s", items, got, len(robot.Keys), circle, test.said)
		}
	}
}

// The same person comes from a database that they point at to a runbook for it,
// by the keys on screen alone; lint finds nothing in the way of it there.
func TestARunbookByTheKeysOnScreen(t *testing.T) {
	t.Parallel()
	dsn := sandbox.ForTest(t).NewDatabase(t)
	if err := gym.Load(t.Context(), dsn, gym.Options{Users: 300}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tminus", "init", "--dsn", dsn, "--protect", "schema_migrations")
	cmd.Env, cmd.Dir = environment(t), t.TempDir()
	term := terminal.Start(t, cmd, 80, 24)
	term.Shows("What is to be cleared?")
	term.Shows("0 tables to clear, 1 protected")
	term.Resize(20, 5)
	term.Shows("too small")
	term.Resize(120, 40)
	robot := &terminal.Robot{Terminal: term, Name: "Jo"}
	for !term.Ended() {
		if len(robot.Keys) > 20 {
			t.Fatalf("no end is reached by then: %q; the screen:\n%s", robot.Keys, term.Text())
		}
		robot.Step()
	}
	if code := term.Wait(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, term.Text())
	}
	if term.Alternate() {
		t.Error("the alternate screen was not left")
	}
	files, err := filepath.Glob(filepath.Join(cmd.Dir, "*.yaml"))
	if err != nil || len(files) != 1 || !strings.Contains(term.Text(), filepath.Base(files[0])+" is written") {
		t.Fatalf("written is %q (%v), and told:\n%s", files, err, term.Text())
	}
	book, _, err := runbook.Load(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(book.Protected, []string{"schema_migrations"}) || !slices.Contains(book.Tables(), "user_profiles") {
		t.Errorf("protected are %q, and named %q", book.Protected, book.Tables())
	}
	if text, code := outcome(t, "lint", files[0], "--dsn", dsn); code != 0 || strings.Contains(text, " error ") {
		t.Errorf("exit code %d: %s", code, text)
	}
}

// Whoever leaves has written nothing, and where there is no table, or one that is
// to be protected is not there, it is said at once.
func TestNoRunbookIsWritten(t *testing.T) {
	t.Parallel()
	server := sandbox.ForTest(t)
	full := server.NewDatabase(t)
	if err := gym.Load(t.Context(), full, gym.Options{Users: 300}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dsn, protect, keys, says string
		code                           int
	}{
		{"left", full, "gyms", " \x1b", "nothing was written", 4},
		{"ctrl+c", full, "gyms", "y\r\x03", "nothing was written", 4},
		{"empty", server.NewDatabase(t), "", "", "has no table of its own that this role can see: name another", 2},
		{"unknown", full, "gims", "", "table gims does not exist, gyms does", 2},
	} {
		cmd := exec.Command("tminus", "init", "--dsn", c.dsn, "--protect", c.protect)
		cmd.Env, cmd.Dir = environment(t), t.TempDir()
		term := terminal.Start(t, cmd, 80, 24)
		if c.keys != "" {
			term.Shows("1 protected")
			term.Type(c.keys)
		}
		code := term.Wait()
		files, err := os.ReadDir(cmd.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(strings.Fields(term.Text()), " "); code != c.code || !strings.Contains(text, c.says) || len(files) > 0 || term.Alternate() {
			t.Errorf("%s: exit code %d, %d files, it says:\n%s", c.name, code, len(files), text)
		}
	}
}

// leaveAlternate brings a terminal back to its main screen.
const leaveAlternate = "\x1b[?1049l"

// nothingLeft fails when a journal's throwaway server has left anything.
func nothingLeft(t *testing.T, path string) {
	t.Helper()
	dir := folded(t, path).Target.Host
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the server's directory %s is still there: %v", dir, err)
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && strings.Contains(string(line), dir) {
			t.Errorf("still running: %s", strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
}

// folded is the state that a journal folds to.
func folded(t *testing.T, path string) *phases.State {
	t.Helper()
	recs, err := journal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	state, err := phases.Fold(recs)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

const twoPhases = `tminus: 1
title: Two phases
phases:
  - {id: one, title: First, risk: medium, planned: 1m, delete: [first]}
  - {id: two, title: Second, risk: medium, planned: 1m, delete: [second]}
`

// holding starts a rehearsal of two phases in a terminal and takes it to the
// hold of the second, where its transaction is open.
func holding(t *testing.T) (term *terminal.Terminal, path string, left func() int) {
	t.Helper()
	dsn := sandbox.ForTest(t).NewDatabase(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), "CREATE TABLE first AS SELECT 1 AS id; CREATE TABLE second AS SELECT generate_series(1, 7) AS id"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	book, path := filepath.Join(dir, "two.yaml"), filepath.Join(dir, "J")
	if err := os.WriteFile(book, []byte(twoPhases), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tminus", "rehearse", book, "--dsn", dsn, "--journal", path)
	cmd.Env = environment(t)
	term = terminal.Start(t, cmd, 80, 24)
	term.Shows("o GO")
	robot := &terminal.Robot{Terminal: term, Name: "Robot", Database: conn.Config().Database, Until: "‖ 2 Second"}
	for !strings.Contains(term.Text(), robot.Until) {
		if len(robot.Keys) > 100 {
			t.Fatalf("the hold is not reached; the keys: %q; the screen:\n%s", robot.Keys, term.Text())
		}
		robot.Step()
	}
	return term, path, func() (n int) {
		t.Helper()
		if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM second").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// Whatever takes the screen away from an open transaction, it is rolled back,
// the journal says why, and the run is left unfinished.
func TestAnOpenPhaseOutlivesNoScreen(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*terminal.Terminal)
		says string
	}{
		"the terminal is closed": {(*terminal.Terminal).HangUp, "hangup"},
		"SIGTERM":                {func(x *terminal.Terminal) { x.Signal(syscall.SIGTERM) }, "terminated"},
		"SIGINT twice":           {func(x *terminal.Terminal) { x.Signal(syscall.SIGINT); x.Signal(syscall.SIGINT) }, "interrupt"},
		"ctrl+c, then a considered yes": {func(x *terminal.Terminal) {
			x.Type("\x03")
			x.Shows("Leave the run?")
			x.Type("\x03") // asking twice answers nothing
			x.Shows("Leaving rolls it back")
			x.Confirm("y")
		}, "the operator left"},
		"q, no, q, yes": {func(x *terminal.Terminal) {
			x.Type("q")
			x.Shows("Leave the run?")
			x.Type("n")
			x.Await("the question is gone", func() bool { return !strings.Contains(x.Text(), "Leave the run?") })
			x.Type("q")
			x.Shows("Leave the run?")
			x.Confirm("y")
		}, "the operator left"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term, path, left := holding(t)
			c.end(term)
			if code := term.Wait(); code != 6 {
				t.Errorf("exit code %d, want 6", code)
			}
			state := folded(t, path)
			if !strings.Contains(state.Interrupted, c.says) {
				t.Errorf("the journal says %q, want %q", state.Interrupted, c.says)
			}
			if one, two := state.Phases[0].Status, state.Phases[1].Status; one != phases.PhaseIsCommitted || two != phases.PhaseIsRolledBack {
				t.Errorf("the phases are %s and %s", one, two)
			}
			if n := left(); n != 7 {
				t.Errorf("%d rows are left of 7", n)
			}
		})
	}
}

// An unattended demo ends with 0, commits every delete, keeps what is
// protected, and leaves a journal and a report that say so.
func TestAnUnattendedDemo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "J")
	cmd := exec.Command("tminus", "demo", "--unattended", "--plain", "--users", "300", "--journal", path)
	cmd.Env = environment(t)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if strings.Contains(string(out), "\x1b") {
		t.Errorf("an escape code in %q", out)
	}
	nothingLeft(t, path)
	output(t, "verify", path)
	t.Run("report", func(t *testing.T) {
		if text := output(t, "report", path); !strings.Contains(text, "membership_packages") || strings.Contains(text, "\x1b") {
			t.Errorf("the log:\n%s", text)
		}
		checkReport(t, []byte(output(t, "report", path, "--format", "json")))
	})
	for name, c := range map[string]struct {
		env string
		see func(*testing.T, *terminal.Terminal)
	}{
		"a dumb terminal": {"TERM=dumb", func(t *testing.T, term *terminal.Terminal) {
			if code := term.Wait(); code != 0 || strings.Contains(term.Raw(), "\x1b") {
				t.Errorf("exit code %d, output %q", code, term.Raw())
			}
		}},
		"no colour": {"NO_COLOR=1", func(t *testing.T, term *terminal.Terminal) {
			leaves(t, term)
			if found := colour.FindString(term.Raw()); found != "" {
				t.Errorf("a colour: %q", found)
			}
		}},
		"too small": {"TERM=xterm", func(t *testing.T, term *terminal.Terminal) {
			term.Shows("The run has ended")
			if colour.FindString(term.Raw()) == "" {
				t.Error("no colour is found where there must be some")
			}
			term.Resize(20, 5)
			term.Shows("too small")
			term.Resize(80, 24)
			leaves(t, term)
		}},
	} {
		t.Run("watched in "+name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("tminus", "watch", path)
			cmd.Env = environment(t, c.env)
			c.see(t, terminal.Start(t, cmd, 80, 24))
		})
	}
}

// leaves leaves a watcher's screen in order.
func leaves(t *testing.T, term *terminal.Terminal) {
	t.Helper()
	term.Shows("The run has ended")
	term.Type("q")
	if code := term.Wait(); code != 0 || term.Alternate() {
		t.Errorf("exit code %d, alternate screen %v", code, term.Alternate())
	}
}

// A replay is moved by the keys that its last line names, whatever is done to its
// window, and gives the terminal back; a signal ends it too.
func TestAReplayByItsKeys(t *testing.T) {
	t.Parallel()
	start := func() *terminal.Terminal {
		cmd := exec.Command("tminus", "replay", "testdata/journals/v1-upkeep.journal")
		cmd.Env = environment(t)
		term := terminal.Start(t, cmd, 80, 24)
		term.Shows("REPLAY")
		return term
	}
	term := start()
	term.Type(" ")
	term.Shows("paused 1x")
	term.Type("{")
	term.Shows("00:00 of 00:10")
	for range 4 {
		term.Type("]")
	}
	term.Shows("↺ phase")
	term.Type("]")
	term.Shows("HOLD: COMMIT or ROLLBACK")
	term.Type("c") // there is nothing that it could commit
	term.Shows("this screen is read-only")
	term.Resize(20, 5)
	term.Shows("too small")
	term.Resize(120, 40)
	term.Shows("Timeline")
	term.Type("}")
	term.Shows("at its end")
	term.Shows("ABORTED")
	term.Type("q")
	if code := term.Wait(); code != 0 || term.Alternate() {
		t.Errorf("exit code %d, alternate screen %v", code, term.Alternate())
	}
	for name, end := range map[string]func(*terminal.Terminal){
		"SIGTERM":                func(x *terminal.Terminal) { x.Signal(syscall.SIGTERM) },
		"the terminal is closed": (*terminal.Terminal).HangUp,
	} {
		term := start()
		end(term)
		if code := term.Wait(); code != 1 {
			t.Errorf("%s: exit code %d", name, code)
		}
	}
}

// twoTables makes the tables of twoPhases, with a row each, and its file, and gives
// where a journal may be.
func twoTables(t *testing.T) (dsn string, conn *pgx.Conn, book, path string) {
	t.Helper()
	dsn = sandbox.ForTest(t).NewDatabase(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), "CREATE TABLE first AS SELECT 1 AS id; CREATE TABLE second AS SELECT 1 AS id"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	book = filepath.Join(dir, "two.yaml")
	if err := os.WriteFile(book, []byte(twoPhases), 0o600); err != nil {
		t.Fatal(err)
	}
	return dsn, conn, book, filepath.Join(dir, "J")
}

// A run in plain mode is not suspended: it says why, and goes on.
func TestAPlainRunIsNotSuspended(t *testing.T) {
	t.Parallel()
	dsn, _, book, path := twoTables(t)
	cmd := exec.Command("tminus", "rehearse", book, "--dsn", dsn, "--journal", path, "--plain")
	cmd.Env = environment(t)
	term := terminal.Start(t, cmd, 120, 40)
	term.Shows("survey:")
	term.Type("\x1a")
	term.Shows("not suspended: that would stop the run")
	term.Type("quit\r")
	term.Shows("left the run")
	if code := term.Wait(); code != 6 {
		t.Errorf("exit code %d", code)
	}
}

// What is to be kept is destroyed when the database's name is typed, and by nothing
// else.
func TestDestroyingACapsuleAsksForItsDatabase(t *testing.T) {
	t.Parallel()
	dsn, conn, book, path := twoTables(t)
	rehearse := exec.Command("tminus", "rehearse", book, "--dsn", dsn, "--journal", path, "--unattended", "--plain")
	rehearse.Env = environment(t)
	if out, err := rehearse.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	rows := filepath.Join(path+".capsule", "one.1", "1.dat.gz")
	for _, c := range []struct {
		typed, says string
		code        int
	}{
		{"\r", "nothing of it was destroyed", 4},
		{"yes\r", "nothing of it was destroyed", 4},
		{"\x04", "nothing of it was destroyed", 4},
		{conn.Config().Database + "\r", "destroyed one.1: 1 row", 0},
	} {
		cmd := exec.Command("tminus", "capsule", "expire", path, "--now")
		cmd.Env = environment(t)
		term := terminal.Start(t, cmd, 120, 40)
		term.Shows("Type the name of the database to destroy them:")
		term.Type(c.typed)
		if code := term.Wait(); code != c.code || !strings.Contains(term.Text(), c.says) {
			t.Errorf("typed %q: exit code %d:\n%s", c.typed, code, term.Text())
		}
		if _, err := os.Lstat(rows); (err == nil) != (c.code != 0) {
			t.Errorf("typed %q: %v", c.typed, err)
		}
	}
}

// output runs the program in this process, and gives what it writes.
func output(t *testing.T, args ...string) string {
	t.Helper()
	text, code := outcome(t, args...)
	if code != 0 {
		t.Fatalf("tminus %s: exit code %d: %s", strings.Join(args, " "), code, text)
	}
	return text
}

func outcome(t *testing.T, args ...string) (string, int) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	code := run(args, cli.Streams{In: nil, Out: file, Err: file})
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), code
}

// checkReport holds the report's JSON against what is promised of it.
func checkReport(t *testing.T, data []byte) {
	t.Helper()
	var r struct {
		Environment, Outcome string
		Phases               []struct {
			ID, Outcome string
			StartedAt   time.Time `json:"started_at"`
			Seconds     *float64
			Tables      []struct {
				Name                         string
				Deleted, Cascaded, Remaining *int64
			}
		}
		Protected []struct {
			Name   string
			Intact bool
		}
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if r.Environment != "demo" || r.Outcome != "completed" || len(r.Phases) != 6 || len(r.Protected) != 4 {
		t.Errorf("%s, %s, %d phases, %d protected tables", r.Environment, r.Outcome, len(r.Phases), len(r.Protected))
	}
	var deleted, cascaded int64
	for i, p := range r.Phases {
		want := "committed"
		if i == 0 || i == 5 {
			want = "passed"
		}
		if p.Outcome != want || p.StartedAt.IsZero() || p.Seconds == nil {
			t.Errorf("phase %s: %s, started at %s", p.ID, p.Outcome, p.StartedAt)
		}
		for _, table := range p.Tables {
			if want != "committed" {
				continue
			}
			if table.Deleted == nil || table.Cascaded == nil {
				t.Errorf("%s: %s has no counts", p.ID, table.Name)
				continue
			}
			deleted, cascaded = deleted+*table.Deleted, cascaded+*table.Cascaded
			// A table that a key only reaches may keep rows, and isn't counted.
			if *table.Deleted > 0 && (table.Remaining == nil || *table.Remaining != 0) {
				t.Errorf("%s: rows remain in %s, or nobody counted", p.ID, table.Name)
			}
		}
	}
	if deleted < 300 || cascaded == 0 {
		t.Errorf("%d rows deleted, %d cascaded", deleted, cascaded)
	}
	for _, p := range r.Protected {
		if !p.Intact {
			t.Errorf("%s is not intact", p.Name)
		}
	}
}

// The commands that the documents name exist, with the flags that they name.
func TestTheDocumentsCommandsExist(t *testing.T) {
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range append(files, "README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fenced := false
		for _, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			if fenced {
				line = "    " + line
			}
			for _, command := range commandLine.FindAllStringSubmatch(line, -1) {
				found++
				checkCommand(t, file, command[1]+command[2])
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d commands were found", found)
	}
}

// The page on undoing has every command and every flag that undoing has, and its
// piece of a runbook is one.
func TestTheUndoPageHasAllCommands(t *testing.T) {
	text, err := os.ReadFile("docs/undo.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	flags := regexp.MustCompile(`--[a-z-]+`)
	var ofRuns []string // undo is a run, and has the flags of one
	for _, flag := range flags.FindAllString(output(t, "rehearse", "--help"), -1) {
		if flag != "--identity" {
			ofRuns = append(ofRuns, flag)
		}
	}
	for _, command := range []string{"undo", "capsule list", "capsule verify", "capsule expire", "capsule decrypt"} {
		if !strings.Contains(page, "\n    tminus "+command+" ") && !strings.Contains(page, "\n    tminus "+command+"\n") {
			t.Errorf("the page does not show tminus %s", command)
		}
		for _, flag := range flags.FindAllString(output(t, append(strings.Fields(command), "--help")...), -1) {
			if flag != "--flags" && !slices.Contains(ofRuns, flag) && !strings.Contains(page, flag) {
				t.Errorf("the page does not name tminus %s %s", command, flag)
			}
		}
	}
	_, block, _ := strings.Cut(page, "\n    capsule:\n")
	block, _, _ = strings.Cut(block, "\n\n")
	book := twoPhases + "capsule:\n" + regexp.MustCompile(`(?m)^    `).ReplaceAllString(block, "") + "\n"
	if b, err := runbook.Parse("undo.md", []byte(book)); err != nil || b.Capsule.Keep == 0 || b.Capsule.Directory == "" || len(b.Capsule.Recipients) != 2 {
		t.Errorf("its piece of a runbook: %v\n%s", err, book)
	}
}

// commandLine is a command in a block of code, or between backquotes.
var commandLine = regexp.MustCompile("^ {4,}(?:[A-Z]+=\\S+ )?tminus ([^`]+)$|`tminus ([^`]+)`")

func checkCommand(t *testing.T, file, line string) {
	t.Helper()
	words := strings.Fields(line)
	name := words[:1]
	if words[0] == "capsule" { // its commands have flags of their own
		name = words[:min(2, len(words))]
	}
	help, code := outcome(t, append(slices.Clone(name), "--help")...)
	// cobra shows the help of what is above for a command that it does not know
	if usage := "tminus " + strings.Join(name, " "); code != 0 || !strings.Contains(help, usage) || strings.Contains(help, "COMMANDS") && line != "capsule" && words[0] != "completion" {
		t.Errorf("%s: there is no such command: tminus %s", file, line)
		return
	}
	for _, w := range words {
		flag, _, _ := strings.Cut(strings.Trim(w, "[]"), "=")
		if strings.HasPrefix(flag, "--") && !strings.Contains(help, flag+" ") {
			t.Errorf("%s: tminus %s has no flag %s", file, strings.Join(name, " "), flag)
		}
	}
}

// colour finds what sets a foreground or background colour.
var colour = regexp.MustCompile("\x1b\\[([0-9;:]*[;:])?(3[0-8]|4[0-8]|9[0-7]|10[0-7])([;:][0-9;:]*)?m")
