package db

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine/action"
	"tminus/phases/runbook"
)

// takes has a backup taken; the second that the one before has in its name passes.
func takes(t *testing.T, target *Target, how action.BackupPlan) phases.BackupTaken {
	t.Helper()
	for {
		taken, err := target.TakeBackup(limited(t), how, func(phases.ActionProgress) {})
		if err == nil {
			return taken
		}
		if !strings.Contains(err.Error(), "take it again in a second") {
			t.Fatal(err)
		}
	}
}

func TestTakenBackupKnowsItsSize(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	// Nothing of it was ever analyzed.
	dsn := database(t, `CREATE TABLE t (id int, note text) WITH (autovacuum_enabled = false); INSERT INTO t SELECT i, 'note' FROM generate_series(1, 50000) i`)
	target, other := open(t, dsn, book("t")), open(t, database(t, `CREATE TABLE t (id int)`), book("t"))
	size := query[int64](t, connect(t, dsn), `SELECT pg_relation_size('t')`)
	how := action.BackupPlan{Directory: t.TempDir(), Jobs: 1, Changes: []string{"t"}}
	takes(t, other, how) // of another database
	one := takes(t, target, how)
	if one.TablesBytes == nil || *one.TablesBytes != size || one.Before != nil || one.Schema == nil || one.Schema.Tables["t"] == "" {
		t.Errorf("the first: %+v, want tables of %d bytes", one, size)
	}
	how.Opened = time.Now().Add(time.Minute)
	two := takes(t, target, how)
	if b := two.Before; b == nil || b.ID != one.Backup.ID || !b.At.Equal(one.Backup.At) || b.Bytes != one.Bytes {
		t.Errorf("before the second: %+v, want %+v", b, one)
	}
	how.Opened = one.Backup.At // its own run's are none
	if b := takes(t, target, how).Before; b != nil {
		t.Errorf("before the third: %+v", b)
	}
	how.Opened = two.Backup.At.Add(time.Second)
	if err := os.WriteFile(filepath.Join(two.Backup.Location, "tminus.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b := takes(t, target, how).Before; b == nil || b.ID != one.Backup.ID {
		t.Errorf("before the fourth: %+v, want %s", b, one.Backup.ID)
	}
}

// The size of a table that somebody has locked is not waited for, and is not
// known before the lock is gone.
func TestSizeOfALockedTable(t *testing.T) {
	dsn := database(t, `CREATE TABLE t (id int); CREATE TABLE locked (id int) WITH (autovacuum_enabled = false); INSERT INTO locked SELECT generate_series(1, 5000)`)
	target, conn := open(t, dsn, book("t")), connect(t, dsn)
	exec(t, conn, `BEGIN`)
	exec(t, conn, `LOCK TABLE locked IN ACCESS EXCLUSIVE MODE`)
	s, err := target.open(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	defer target.release(s)
	e, err := target.export(limited(t), s, nil)
	if err != nil || e.sized || e.manifest.Bytes != 0 || e.manifest.Tables != 2 {
		t.Fatalf("locked: %+v, %v", e, err)
	}
	exec(t, conn, `COMMIT`)
	if err := e.size(limited(t)); err != nil || !e.sized || e.manifest.Bytes == 0 {
		t.Errorf("free: %+v, %v", e, err)
	}
}

// What the run itself has disabled is no change of a table, on partitions neither.
func TestPrintOfTablesWhoseTriggersTheRunDisabled(t *testing.T) {
	dsn := database(t, `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TABLE t (id int, at date) PARTITION BY RANGE (at);
		CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
		CREATE TRIGGER one AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
		CREATE TRIGGER two AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
		ALTER TABLE t ENABLE ALWAYS TRIGGER one`)
	target, conn := open(t, dsn, book("t")), connect(t, dsn)
	print := func(off []phases.Trigger) (out phases.SchemaPrint) {
		t.Helper()
		err := target.checks.with(limited(t), func(s *session) error {
			begin := func(sql string) {
				if _, err := s.Exec(limited(t), sql); err != nil {
					t.Fatal(err)
				}
			}
			begin(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
			defer rollback(context.Background(), s)
			now, err := target.printedNow(limited(t), s, off)
			out = now.backup
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	was := print(nil)
	off, err := target.ReadTriggers(limited(t), []string{"one"})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.DisableTriggers(limited(t), off); err != nil {
		t.Fatal(err)
	}
	if got := print(nil).Differs(was); len(got) != 1 {
		t.Errorf("a trigger is off, and nobody says who did it: %q", got)
	}
	if got := print(off).Differs(was); got != nil {
		t.Errorf("the run disabled it: %q", got)
	}
	for _, c := range []struct {
		sql     string
		differs bool
	}{
		{`ANALYZE; CREATE TABLE other (id int)`, false},
		{`CREATE TABLE t2 PARTITION OF t FOR VALUES FROM ('2027-01-01') TO ('2028-01-01'); ALTER TABLE t2 DISABLE TRIGGER one`, false},
		{`CREATE INDEX ON t (id)`, false},
		{`ALTER TABLE t1 ADD CHECK (id > 0)`, true},
		{`ALTER TABLE t1 DROP CONSTRAINT t1_id_check`, false},
		{`ALTER TABLE t ADD note text`, true},
		{`ALTER TABLE t DROP note`, false},
		{`ALTER TABLE t DISABLE TRIGGER two`, true},
		{`ALTER TABLE t ENABLE TRIGGER two`, false},
		{`CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`, true},
	} {
		exec(t, conn, c.sql)
		if got := print(off).Differs(was); (got != nil) != c.differs {
			t.Errorf("%s: %q", c.sql, got)
		}
	}
}

func TestRoomForWAL(t *testing.T) {
	dsn := database(t, `CREATE ROLE blind LOGIN`)
	dropRole(t, dsn, "blind")
	target := open(t, dsn, book())
	room := runbook.Check{Name: "wal.room", Max: number(1 << 20)}
	held := query[int64](t, connect(t, dsn), `SELECT sum(size)::bigint FROM pg_ls_waldir()`)
	toCome := func(n int64) phases.Facts { return phases.Facts{WALToCome: &n} }
	ask := func(f phases.Facts, pass bool, parts ...string) {
		t.Helper()
		a, err := target.Check(limited(t), &room, f)
		if err != nil || a.Pass != pass {
			t.Errorf("%+v, %v; want %v", a, err, pass)
		}
		for _, part := range append(parts, "WAL ", " in ", " file") {
			if !strings.Contains(a.Value, part) {
				t.Errorf("%q does not say %q", a.Value, part)
			}
		}
	}
	ask(toCome(340<<20), true, ", the run's expected up to 340 MB")
	ask(toCome(1<<40), false, "together less than 1048576 MB wanted")
	guessed := toCome(0)
	guessed.WALGuessed = true
	ask(guessed, true, "expected up to 0 bytes, in part a guess")
	ask(phases.Facts{}, false, ", and nobody knows what the run will write")
	room.Max = number(held / megabyte / 2)
	ask(toCome(0), false, "wanted")
	a, err := open(t, asUser(t, dsn, "blind"), book()).Check(limited(t), &room, toCome(0))
	if a.Pass {
		t.Errorf("a role that may not see: %+v", a)
	}
	wantError(t, err, "may not see how much WAL there is; grant pg_monitor to the role")
}
