package fault

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/journal"
)

const (
	// backupLimit is how long an action, and what it started, may take to come
	// to its place or its end on a busy machine.
	backupLimit = 45 * time.Second

	// backedLimit is how long a trial may take: it has several programs, each of
	// which starts servers.
	backedLimit = 5 * time.Minute
)

// backed is the run that takes a backup, reads it, and tries it.
var backed = strings.NewReplacer("protected: [keep]\n", `protected: [keep]
backup:
  max_age: 1h
  id_field: backup_id
  time_field: backup_time
  location_field: backup_place
  take: {directory: "DIR/backups", jobs: 2}
  try: TRY
`, "      - {id: told, text: Everybody was told}\n", `      - {id: told, text: Everybody was told}
      - id: taken
        text: The backup is taken
        action: {name: backup.take}
        fields:
          - {id: backup_time, label: Snapshot at, type: time}
          - {id: backup_id, label: Backup ID}
          - {id: backup_place, label: Where it is}
      - id: read
        text: The backup can be read
        action: {name: backup.verify}
        check: {database: backup.readable, every: 50ms, remedy: Take another one.}
      - id: tried
        text: A restore was tried
        action: {name: backup.try}
        check: {database: backup.restored, max_age: 1h, every: 50ms, remedy: Try it again.}
`).Replace(book)

// heldTable is a table whose rows are not restored as long as a file is there.
const heldTable = `
CREATE FUNCTION public.held() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
	IF (pg_catalog.pg_stat_file('DIR/hold-restore', true)).size IS NOT NULL THEN
		COPY (SELECT 1) TO 'DIR/there';
	END IF;
	WHILE (pg_catalog.pg_stat_file('DIR/hold-restore', true)).size IS NOT NULL LOOP PERFORM pg_catalog.pg_sleep(0.02); END LOOP;
	RETURN true;
END $$;
CREATE TABLE public.other (id int CHECK (public.held()));
INSERT INTO public.other VALUES (1);
CREATE TABLE public.locked (); -- without a constraint, which would be asked for in a survey
`

// heldClient is a client program that waits at one place, as long as a file is there.
const heldClient = `#!/bin/sh
hold() { if [ -e DIR/hold-$1 ]; then : >DIR/there; while [ -e DIR/hold-$1 ]; do sleep 0.05; done; fi; }
case "$*" in *--list*) hold list;; esac
REAL "$@"
code=$?
case "$*" in *--snapshot=*) hold dumped;; *--exit-on-error*) hold restored;; esac
exit $code
`

// moment is where an action is when something happens to it.
type moment struct {
	name string
	item string // whose action it is
	hold string // what holds it there
	base bool   // the restore is into a database of the run's server
}

var moments = []moment{
	{"taken, pg_dump waits for a table", "taken", "lock", false},
	{"taken, all is dumped", "taken", "dumped", false},
	{"read, pg_restore lists it", "read", "list", false},
	{"tried, in the middle of a restore into a server", "tried", "restore", false},
	{"tried, in the middle of a restore into a database", "tried", "restore", true},
	{"tried, all is restored into a database", "tried", "restored", true},
}

// vault is where a trial's backups are, and what is held there.
type vault struct {
	*trial
	h       *harness
	dir     string // one that the server can use, too
	book    string // the runbook's file, outside of it: what names dir is the backup's
	scratch string // the name of the database to restore into; empty: a server
	moment
	locks *pgx.Conn // holds a table; nil when nothing is
	more  func()    // makes room on a disk; nil when there is enough
}

// vault makes one that holds a moment; without a name of a moment, none is held.
func (h *harness) vault(c *trial, m moment) (*vault, error) {
	v := &vault{trial: c, h: h, moment: m, book: c.path + ".yaml"}
	var err error
	if v.dir, err = os.MkdirTemp("", "tminus-fault-"); err != nil {
		return nil, err
	}
	try := fmt.Sprintf("{directory: %q}", v.dir+"/scratch")
	if m.base {
		v.scratch = c.name + "_scratch"
		try = fmt.Sprintf("{database: %s}", v.scratch)
	}
	text := strings.NewReplacer("DIR", v.dir)
	c.source = strings.Replace(text.Replace(backed), "TRY", try, 1)
	for _, d := range []string{v.dir, v.dir + "/backups", v.dir + "/scratch", v.dir + "/bin"} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			return v, err
		}
		if err := os.Chmod(d, 0o777); err != nil { // whatever is masked
			return v, err
		}
	}
	if err := os.WriteFile(v.book, []byte(c.source), 0o600); err != nil {
		return v, err
	}
	if err := v.clients(); err != nil {
		return v, err
	}
	if err := c.ask(c.ctx, text.Replace(heldTable)); err != nil {
		return v, err
	}
	return v, v.holdOn()
}

// clients are the server's programs, and two that can be held.
func (v *vault) clients() error {
	real := v.server.BinDir()
	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(real, e.Name()), filepath.Join(v.dir, "bin", e.Name())); err != nil {
			return err
		}
	}
	for _, name := range []string{"pg_dump", "pg_restore"} {
		path, err := exec.LookPath(filepath.Join(real, name))
		if err != nil {
			if path, err = exec.LookPath(name); err != nil {
				v.skipped = name + " is not on this machine"
				return err
			}
		}
		held := filepath.Join(v.dir, "bin", name)
		_ = os.Remove(held) // where the server's own is, too
		text := strings.NewReplacer("DIR", v.dir, "REAL", path).Replace(heldClient)
		if err := os.WriteFile(held, []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (v *vault) holdOn() (err error) {
	switch v.hold {
	case "":
		return nil
	case "lock":
		if v.locks, err = pgx.Connect(v.ctx, v.dsn()); err == nil {
			_, err = v.locks.Exec(v.ctx, `BEGIN; LOCK TABLE public.locked IN ACCESS EXCLUSIVE MODE`)
		}
		return err
	}
	return os.WriteFile(v.holdFile(), nil, 0o666)
}

func (v *vault) holdFile() string { return filepath.Join(v.dir, "hold-"+v.hold) }

// letGo ends what is held.
func (v *vault) letGo() {
	_ = os.Remove(v.holdFile()) // a lock has none
	if v.more != nil {
		v.more()
		v.more = nil
	}
	if v.locks != nil {
		v.retire(v.locks)
		v.locks = nil
	}
}

// there reports whether the action has come to its moment.
func (v *vault) there() bool {
	if v.hold != "lock" {
		_, err := os.Stat(filepath.Join(v.dir, "there"))
		return err == nil
	}
	yes := false
	err := v.ask(v.ctx, `SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock' AND datname = current_database()`, &yes)
	return err == nil && yes
}

// begin starts the real program on a new run.
func (v *vault) begin(more ...string) (*process, error) {
	p, err := v.h.command(v.trial, append([]string{"rehearse", v.book, "--unattended", "--no-undo", "--plain", "--journal", v.path, "--dsn", v.dsn()}, more...)...)
	if err != nil {
		return nil, err
	}
	v.program(p)
	return p, p.start()
}

// program gives a program the clients that can be held.
func (v *vault) program(p *process) {
	p.cmd.Env = append(p.cmd.Env, sandbox.BinDirEnv+"="+filepath.Join(v.dir, "bin"))
}

// close takes the trial's traces away.
func (v *vault) close() {
	v.letGo()
	for _, pid := range marked(v.dir) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // or it has just ended
	}
	if v.scratch != "" {
		_ = v.ask(context.WithoutCancel(v.ctx), `DROP DATABASE IF EXISTS `+v.scratch+` WITH (FORCE)`)
	}
	_ = os.Remove(v.book)
	if len(v.wrong) == 0 {
		_ = os.RemoveAll(v.dir)
	}
}

// within polls for what has to be so within backupLimit.
func (v *vault) within(what string, ok func() string) {
	deadline := time.Now().Add(backupLimit)
	for {
		left := ok()
		if left == "" {
			return
		}
		if time.Now().After(deadline) || pause(v.ctx, 20*time.Millisecond) != nil {
			v.fail("%s: %s", what, left)
			return
		}
	}
}

// noProcess: no process lives on that names the backups' directory: a client
// program, a guard, a server, its watchdog.
func (v *vault) noProcess() {
	v.within("processes are left", func() string { return strings.Join(slices.Collect(maps.Values(commands(v.dir))), "; ") })
}

// commands are the processes whose command line holds a text, by their IDs.
func commands(text string) map[int]string {
	out := map[int]string{}
	for _, pid := range marked(text) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // or it has just ended
		if len(line) > 0 {
			out[pid] = strings.ReplaceAll(string(line), "\x00", " ")
		}
	}
	return out
}

// nothingLeft: of an action that has ended, and was no success, there is
// nothing but backups that are whole.
func (v *vault) nothingLeft() {
	v.noProcess()
	v.within("sessions are left", func() string {
		who := ""
		if err := v.ask(v.ctx, `SELECT coalesce(string_agg(application_name || ' in ' || datname || ': ' || left(query, 80), '; '), '') FROM pg_stat_activity
			WHERE datname IN (current_database(), current_database() || '_scratch') AND application_name IN ('pg_dump', 'pg_restore')`, &who); err != nil {
			return err.Error()
		}
		return who
	})
	if v.scratch != "" {
		yes := false
		if err := v.ask(v.ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = '`+v.scratch+`')`, &yes); err != nil || yes {
			v.fail("the scratch database is left (%v)", err)
		}
	}
	v.within("a throwaway server is left", func() string { return strings.Join(names(v.dir+"/scratch"), ", ") })
	for _, name := range names(v.dir + "/backups") {
		if _, err := os.Stat(filepath.Join(v.dir, "backups", name, "tminus.json")); err != nil || strings.HasSuffix(name, ".unfinished") {
			v.fail("half a backup is left: %s (%v)", name, err)
		}
	}
}

func names(dir string) (out []string) {
	entries, _ := os.ReadDir(dir) // it is there
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// unproven compares what the run says of its backup with what there is, while
// the struck action is no success: nothing rests on that, and the gate is shut.
func (v *vault) unproven() *phases.State {
	s := v.agree(false)
	if s == nil {
		v.fail("no run")
		return nil
	}
	if s.Taken != nil {
		if _, err := os.Stat(filepath.Join(s.Taken.Backup.Location, "tminus.json")); err != nil {
			v.fail("a backup is said to be taken: %w", err)
		}
	}
	it := s.Item(v.item)
	done := map[string]bool{
		"taken": s.Taken != nil || !s.BackupTime().IsZero(),
		"read":  s.Verified != nil && len(s.Verified.Problems) == 0,
		"tried": s.Proven != nil && len(s.Proven.Differences) == 0,
	}
	switch {
	case it.Action == nil:
		v.fail("the action of %s was not begun", v.item)
	case !it.Action.Running && !it.Action.Cut && it.Action.Error == "":
		v.fail("the action of %s is said to be done", v.item)
	case done[v.item]:
		v.fail("%s is said to be proven: %+v %+v %+v", v.item, s.Taken, s.Verified, s.Proven)
	case it.Ticked || it.Check != nil && it.Check.Pass:
		v.fail("%s is said to be done: %+v, %+v", v.item, it, it.Check)
	case !s.T0.IsZero() || s.Gate.Decision == phases.Go:
		v.fail("the gate is open")
	}
	return s
}

// proven: the run came through, and its backup was taken, read and restored.
func (v *vault) proven() {
	s := v.agree(true)
	switch {
	case s == nil || s.Outcome != phases.Completed:
		v.fail("the run is not completed")
	case s.Taken == nil || s.Verified == nil || s.Proven == nil || len(s.Verified.Problems) > 0 || len(s.Proven.Differences) > 0:
		v.fail("it is completed without proof: %+v, %+v, %+v", s.Taken, s.Verified, s.Proven)
	}
	v.nothingLeft()
	if _, err := journal.Verify(v.path, phases.RunClosed{}.Kind()); err != nil {
		v.fail("verify: %w", err)
	}
}

// anew does it all again, in a run that nothing happens to.
func (v *vault) anew() {
	if len(v.wrong) > 0 {
		return
	}
	v.path += "-anew"
	p, err := v.begin("--new")
	if err != nil {
		v.fail("%w", err)
		return
	}
	if code, err := p.wait(2 * runLimit); err != nil || code != 0 {
		v.fail("a run afterwards ends with %d: %v: %s", code, err, p.out.String())
	}
	v.proven()
	_ = os.Remove(v.path)
}
