package engine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
)

// backupBook is smallBook with a backup; more is what stands under `backup:`.
func backupBook(more string, items ...string) string {
	head := fmt.Sprintf(`
backup:
  max_age: 1h
  id_field: backup_id
  time_field: backup_time
  location_field: backup_place
%s
checklist:
  - id: backup
    title: Backup
    items:
      - id: taken
        text: The backup is taken
        action: {name: backup.take}
        fields:
          - {id: backup_time, label: Snapshot at, type: time}
          - {id: backup_id, label: Backup ID, required: false}
          - {id: backup_place, label: Where it is, required: false}
%s
`, more, strings.Join(items, "\n"))
	return strings.Replace(smallBook, "\nchecklist:\n", head, 1)
}

// take is the part of the runbook that dumps into dir.
func take(dir string) string { return fmt.Sprintf("  take: {directory: %q, jobs: 2}", dir) }

// acts has an item's action done, and gives its error's text.
func (r *rig) acts(item string) string {
	r.t.Helper()
	r.do(phases.Act{Item: item})
	r.untilActed(item)
	return r.state().Item(item).Action.Error
}

func (r *rig) untilActed(item string) {
	r.t.Helper()
	r.until("the end of "+item, func(s *phases.State) bool { a := s.Item(item).Action; return a != nil && !a.Running })
}

// entries are what a directory holds.
func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

func TestBackupIsTakenAndRecorded(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	dir := t.TempDir()
	r := newRig(t, smallSchema, backupBook(take(dir)))
	r.open(engine.Settings{})
	r.untilReady()
	before := time.Now()
	if got := r.acts("taken"); got != "" {
		t.Fatal(got)
	}
	s := r.state()
	if s.Taken == nil || s.Taken.Tables != 5 || s.Taken.Bytes == 0 {
		t.Fatalf("taken: %+v", s.Taken)
	}
	b := s.Taken.Backup
	if age := before.Sub(s.BackupTime()); age > time.Minute || age < -time.Minute || !s.BackupTime().Equal(b.At) {
		t.Errorf("snapshot at %s, recorded %s, taken at %s", b.At, s.BackupTime(), before)
	}
	if s.Fields["backup_id"].Value != b.ID || s.Fields["backup_place"].Value != b.Location || filepath.Dir(b.Location) != dir {
		t.Errorf("recorded %+v of %+v", s.Fields, b)
	}
	if got := entries(t, b.Location); fmt.Sprint(got) != "[dump tminus.json]" {
		t.Errorf("the backup has %q", got)
	}
	r.do(phases.Tick{Item: "taken"})
	if s := r.state(); !s.ItemDone(s.Runbook.Checklist[0].Items[0]) {
		t.Error("the item is not done")
	}
}

// The dump is of the snapshot whose time is recorded, and not of rows that
// came before pg_dump began.
func TestBackupIsOfOneSnapshot(t *testing.T) {
	sandbox.ForTest(t).ClientsForTest(t)
	dir, bin := t.TempDir(), t.TempDir()
	real, err := exec.LookPath(filepath.Join(sandbox.ForTest(t).BinDir(), "pg_dump"))
	if err != nil {
		if real, err = exec.LookPath("pg_dump"); err != nil {
			t.Fatal(err)
		}
	}
	program(t, filepath.Join(bin, "pg_dump"), fmt.Sprintf("#!/bin/sh\nif [ $# != 1 ]; then : >%[1]s/there; while [ ! -e %[1]s/go ]; do sleep 0.01; done; fi\nexec %[2]s \"$@\"\n", bin, real))
	t.Setenv(sandbox.BinDirEnv, bin)
	r := newRig(t, smallSchema, backupBook(take(dir)))
	r.open(engine.Settings{})
	r.untilReady()
	r.do(phases.Act{Item: "taken"})
	r.until("pg_dump", func(*phases.State) bool { _, err := os.Stat(filepath.Join(bin, "there")); return err == nil })
	r.exec(`INSERT INTO child SELECT i, 1 FROM generate_series(20001, 20009) i`)
	r.do(phases.Record{Item: "told", Field: "who", Value: "everybody"}) // others go on meanwhile
	r.do(phases.Tick{Item: "told"})
	r.refused(phases.Act{Item: "taken"}, "cancel it")
	program(t, filepath.Join(bin, "go"), "")
	r.untilActed("taken")
	s := r.state()
	if got := s.Item("taken").Action.Error; got != "" {
		t.Fatal(got)
	}
	text, err := os.ReadFile(filepath.Join(s.Taken.Backup.Location, "tminus.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(string(text)), ""); !strings.Contains(got, `"table":"child","rows":20000,`) || !strings.Contains(got, `"table":"keep","rows":50,"hash":"`) {
		t.Errorf("the manifest: %s", text)
	}
	if n := dumped(t, s.Taken.Backup.Location, 20000); n != 1 {
		t.Errorf("%d files of the dump have 20,000 rows", n)
	}
}

func TestBackupThatIsCancelledLeavesNothing(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	dir := t.TempDir()
	r := newRig(t, smallSchema+"CREATE TABLE other ();", backupBook(take(dir)))
	r.open(engine.Settings{})
	r.untilReady()
	r.exec(`BEGIN; LOCK TABLE other IN ACCESS EXCLUSIVE MODE`) // for which pg_dump waits
	waiting := `SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock' AND datname = current_database()`
	r.do(phases.Act{Item: "taken"})
	untilRow(t, connectTo(t, r.dsn), waiting)
	if got := entries(t, dir); len(got) != 1 || !strings.HasSuffix(got[0], ".unfinished") {
		t.Errorf("on the way there is %q", got)
	}
	r.until("progress", func(s *phases.State) bool { return s.Item("taken").Action.Progress.Of == 6 })
	r.do(phases.CancelAction{Item: "taken"})
	r.untilActed("taken")
	s := r.state()
	if got := s.Item("taken").Action.Error; !strings.Contains(got, "cancelled by") {
		t.Errorf("got %q", got)
	}
	if left := entries(t, dir); len(left) > 0 || s.Taken != nil || !s.BackupTime().IsZero() {
		t.Errorf("left %q, recorded %+v", left, s.Taken)
	}
	// Leaving the run cancels it too, and waits for its end.
	r.do(phases.Act{Item: "taken"})
	untilRow(t, connectTo(t, r.dsn), waiting)
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	if left := entries(t, dir); len(left) > 0 || r.state().Acting() != nil {
		t.Errorf("left %q, acting: %v", left, r.state().Acting())
	}
}

func TestBackupThatCannotBeTaken(t *testing.T) {
	sandbox.ForTest(t).ClientsForTest(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	older := filepath.Join(t.TempDir(), "bin")
	program(t, filepath.Join(older, "pg_dump"), "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
	failing := filepath.Join(t.TempDir(), "bin")
	program(t, filepath.Join(failing, "pg_dump"), "#!/bin/sh\n[ $# = 1 ] && echo 'pg_dump (PostgreSQL) 99.1' && exit\necho \"pg_dump: error: ERROR:  invalid input syntax for type integer: \\\"secret\\\"\" >&2\nexit 1\n")
	for name, c := range map[string]struct{ take, bin, path, want string }{
		"no directory":        {take(filepath.Join(dir, "none")), "", "", "there is no directory"},
		"a file":              {take(file), "", "", "is no directory"},
		"no pg_dump":          {take(dir), "/nowhere", "/nowhere", "find pg_dump: it is not on this machine; install PostgreSQL's client programs"},
		"an older pg_dump":    {take(dir), older, "", "pg_dump is of version 9.6.24, and the server of version"},
		"pg_dump fails":       {take(dir), failing, "", "pg_dump ended with exit code 1: pg_dump: error: ERROR:  invalid input syntax for type integer"},
		"a command fails":     {`  take: {command: [sh, -c, "echo out of tapes; exit 3"]}`, "", "", "sh ended with exit code 3: out of tapes"},
		"a command is late":   {`  take: {command: [sleep, "1000"], limit: 1s}`, "", "", "not done within its limit of 1.0 s"},
		"a command's bad day": {`  take: {command: [echo, '{"time": "yesterday"}']}`, "", "", "gives a time that is not RFC 3339"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.bin != "" {
				t.Setenv(sandbox.BinDirEnv, c.bin)
			}
			if c.path != "" {
				t.Setenv("PATH", c.path)
			}
			t.Setenv("PGPASSWORD", "hidden")
			r := newRig(t, smallSchema, backupBook(c.take))
			r.open(engine.Settings{})
			r.untilReady()
			got := r.acts("taken")
			if !strings.Contains(got, c.want) || strings.Contains(got, "secret") || strings.Contains(got, "hidden") {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if left := entries(t, dir); fmt.Sprint(left) != "[file]" || r.state().Taken != nil {
				t.Errorf("left %q, recorded %+v", left, r.state().Taken)
			}
		})
	}
}

func TestBackupByACommand(t *testing.T) {
	r := newRig(t, smallSchema, backupBook(`  take: {command: [sh, -c, "head -c 100000 /dev/zero | tr '\\0' x; echo; echo '{\"id\": \"B-7\", \"time\": \"2026-01-30T14:05:00+01:00\", \"location\": \"s3://x\"}'"]}`))
	r.open(engine.Settings{})
	r.untilReady()
	if got := r.acts("taken"); got != "" {
		t.Fatal(got)
	}
	s := r.state()
	if s.Fields["backup_id"].Value != "B-7" || s.Fields["backup_time"].Value != "2026-01-30T13:05:00Z" || s.Fields["backup_place"].Value != "s3://x" {
		t.Errorf("recorded %+v", s.Fields)
	}
}

// A program that is killed while it takes a backup leaves a directory that
// claims to be none, and the next backup removes it.
func TestBackupOfAKilledProgram(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	dir := t.TempDir()
	r := newRig(t, smallSchema, backupBook(take(dir)))
	r.open(engine.Settings{})
	r.untilReady()
	name := strings.NewReplacer("-", "_").Replace(r.opened.Target.Database)
	dead := filepath.Join(dir, name+"-20260101T000000Z.unfinished")
	alive := filepath.Join(dir, name+"-20260101T000001Z.unfinished")
	for _, d := range []string{dead, alive} {
		if err := os.MkdirAll(filepath.Join(d, "dump"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d, "tminus.lock"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lockFile(t, filepath.Join(alive, "tminus.lock"))
	if got := r.acts("taken"); got != "" {
		t.Fatal(got)
	}
	if got := entries(t, dir); len(got) != 2 || filepath.Join(dir, got[0]) != alive {
		t.Errorf("left %q", got)
	}
}
