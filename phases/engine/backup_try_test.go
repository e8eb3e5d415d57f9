package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tminus/db"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
)

// throwaway starts the server that a backup is restored into.
func throwaway(ctx context.Context, directory string) (db.Sandbox, error) {
	s, err := sandbox.Start(ctx, sandbox.Options{TempDir: directory})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// tried is an item that restores the backup.
func tried(maxAge string) string {
	return fmt.Sprintf(`      - id: tried
        text: A restore was tried
        action: {name: backup.try}
        check: {database: backup.restored, max_age: %s, every: 50ms, remedy: Try it again.}`, maxAge)
}

func TestBackupIsRestoredAndCompared(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	r, _ := taken(t, oddSchema, backupBook(take(t.TempDir()), tried("1h")))
	r.answers("tried", false, "is not restored yet")
	if got := r.acts("tried"); got != "" {
		t.Fatal(got)
	}
	r.answers("tried", true, "counts until")
	p := r.state().Proven
	if p.Counted != 3 || p.Compared != 1 || p.Restore <= 0 || !strings.HasPrefix(p.Into, "a throwaway server of PostgreSQL ") || !strings.HasPrefix(p.How, "pg_restore ") {
		t.Errorf("proven: %+v", p)
	}
	if took, measured := r.state().RestoreTime(); took != p.Restore || !measured {
		t.Errorf("a restore takes %s, measured %v", took, measured)
	}
	// A backup that was taken since is another one.
	for strings.Contains(r.acts("taken"), "already") { // in the same second
	}
	r.answers("tried", false, "is not restored yet")
}

func TestBackupProofDecays(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	r, _ := taken(t, smallSchema, backupBook(take(t.TempDir()), tried("6s")))
	if got := r.acts("tried"); got != "" {
		t.Fatal(got)
	}
	r.answers("tried", true, "counts until")
	r.answers("tried", false, "which is too long ago since")
}

func TestBackupThatDoesNotComeBack(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	for name, c := range map[string]struct{ from, to, want string }{
		"a row is missing":   {"19999\t5000\n", "", "child: 19,999 rows came back, and its snapshot had 20,000"},
		"a row is different": {"17\trow 17\n", "17\trow 71\n", "keep: its rows came back with another content"},
		"a key is broken":    {"17\trow 17\n", "", `ERROR:  insert or update on table "parent" violates foreign key constraint`},
		"it does not load":   {"17\trow 17\n", "row 17\trow 17\n", `COPY failed for table "keep": ERROR:  invalid input syntax for type integer`},
	} {
		t.Run(name, func(t *testing.T) {
			r, location := taken(t, smallSchema, backupBook(take(t.TempDir()), tried("1h")))
			file, rows := withRows(t, location, c.from)
			zip(t, file, strings.Replace(rows, c.from, c.to, 1))
			if got := r.acts("tried"); !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			r.answers("tried", false, "did not come back as it was: ")
			if _, measured := r.state().RestoreTime(); measured {
				t.Error("a restore that went wrong says how long one takes")
			}
			if strings.Contains(r.log(), "row 17") {
				t.Errorf("a row's content is in the log:\n%s", r.log())
			}
		})
	}
}

func TestBackupIsTriedInADatabase(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	name := "scratch_of_" + fmt.Sprint(os.Getpid())
	there := func(t *testing.T, r *rig) (yes bool) {
		t.Helper()
		if err := r.conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&yes); err != nil {
			t.Fatal(err)
		}
		return yes
	}
	r, _ := taken(t, smallSchema, backupBook(take(t.TempDir())+fmt.Sprintf("\n  try: {database: %s}", name), tried("1h")))
	drop := func() { r.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)") }
	t.Cleanup(func() {
		if err := sandbox.ForTest(t).DropDatabase(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	if got := r.acts("tried"); got != "" || there(t, r) {
		t.Fatalf("got %q, is still there: %v", got, there(t, r))
	}
	r.answers("tried", true, "counts until")

	// Somebody's database is not restored over, nor dropped.
	r.exec("CREATE DATABASE " + name)
	other := connectTo(t, strings.Replace(r.dsn, r.opened.Target.Database, name, 1))
	if _, err := other.Exec(t.Context(), "CREATE TABLE theirs ()"); err != nil {
		t.Fatal(err)
	}
	if got := r.acts("tried"); !strings.Contains(got, "it exists and is not empty") || !there(t, r) {
		t.Errorf("got %q, is still there: %v", got, there(t, r))
	}
	// An empty one is taken, and left.
	if _, err := other.Exec(t.Context(), "DROP TABLE theirs"); err != nil {
		t.Fatal(err)
	}
	if got := r.acts("tried"); got != "" || !there(t, r) {
		t.Errorf("got %q, is still there: %v", got, there(t, r))
	}
	other.Close(t.Context())
	drop()
	// One that a killed program left is known by its comment.
	r.exec("CREATE DATABASE " + name)
	r.exec("COMMENT ON DATABASE " + name + " IS 'made by tminus to try a restore, and to be dropped'")
	if got := r.acts("tried"); got != "" || there(t, r) {
		t.Errorf("got %q, is still there: %v", got, there(t, r))
	}
}

// What a try has made is gone when it is cancelled in its middle.
func TestBackupTryThatIsCancelled(t *testing.T) {
	sandbox.ForTest(t).ClientsForTest(t)
	bin := t.TempDir()
	for _, name := range []string{"pg_dump", "pg_restore"} {
		program(t, filepath.Join(bin, name), fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *exit-on-error*) : >%s/there; sleep 1000;; esac\nexec %s \"$@\"\n", bin, clientPath(t, name)))
	}
	t.Setenv(sandbox.BinDirEnv, bin)
	name := "cancelled_" + fmt.Sprint(os.Getpid())
	r, _ := taken(t, smallSchema, backupBook(take(t.TempDir())+fmt.Sprintf("\n  try: {database: %s}", name), tried("1h")))
	r.do(phases.Act{Item: "tried"})
	r.until("pg_restore", func(*phases.State) bool { _, err := os.Stat(filepath.Join(bin, "there")); return err == nil })
	r.refused(phases.CancelAction{Item: "taken"}, "no action of this item is under way")
	r.do(phases.CancelAction{Item: "tried"})
	r.untilActed("tried")
	if got := r.state().Item("tried").Action.Error; !strings.Contains(got, "cancelled by") {
		t.Errorf("got %q", got)
	}
	untilRow(t, r.conn, fmt.Sprintf(`SELECT NOT EXISTS (SELECT FROM pg_database WHERE datname = '%s')`, name))
	r.answers("tried", false, "is not restored yet")
}

func TestBackupTriedByACommand(t *testing.T) {
	book := backupBook("  try: {command: [sh, -c, 'test $TMINUS_BACKUP_ID = good || { echo tape is torn; exit 4; }']}", tried("1h"))
	r := newRig(t, smallSchema, strings.Replace(book, "        action: {name: backup.take}\n", "", 1))
	r.open(engine.Settings{})
	r.untilReady()
	r.do(phases.Record{Item: "taken", Field: "backup_time", Value: "now"})
	r.do(phases.Record{Item: "taken", Field: "backup_id", Value: "bad"})
	r.answers("tried", false, "was recorded by hand, and is not restored")
	if got := r.acts("tried"); !strings.Contains(got, "sh ended with exit code 4: tape is torn") {
		t.Errorf("got %q", got)
	}
	r.do(phases.Record{Item: "taken", Field: "backup_id", Value: "good"})
	if got := r.acts("tried"); got != "" {
		t.Fatal(got)
	}
	r.answers("tried", true, "counts until")
}

// clientPath is where one of PostgreSQL's programs is.
func clientPath(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(sandbox.ForTest(t).BinDir(), name)
	if _, err := os.Stat(path); err != nil {
		return name
	}
	return path
}
