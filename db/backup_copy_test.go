package db

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/catalog"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine/action"
	"tminus/phases/lint"
	"tminus/phases/runbook"
)

// kept is a server that several copies are made in, one after the other.
type kept struct{ *sandbox.Server }

// Stop leaves it to the test.
func (kept) Stop() error { return nil }

// copies gives what starts the one server that a test's copies are made in.
func copies(t *testing.T) func(context.Context, string) (Sandbox, error) {
	t.Helper()
	server, err := sandbox.Start(t.Context(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return func(context.Context, string) (Sandbox, error) { return kept{server}, nil }
}

// copyOf takes a backup by a target, and makes a copy of it.
func copyOf(t *testing.T, from *Target, plan action.BackupPlan, start func(context.Context, string) (Sandbox, error)) Copy {
	t.Helper()
	plan.Jobs = 1
	if plan.Directory == "" {
		plan.Directory = t.TempDir()
	}
	taken, err := from.TakeBackup(limited(t), plan, func(phases.ActionProgress) {})
	if err != nil {
		t.Fatal(err)
	}
	out, err := CopyBackup(limited(t), Config{Operator: operator, Runbook: from.book, Sandbox: start}, CopyPlan{
		Location: taken.Backup.Location, Say: func(string) {}, Progress: func(phases.ActionProgress) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// everything is a book that counts each table of a database.
func everything(t *testing.T, dsn string) *runbook.Runbook {
	t.Helper()
	conn := connect(t, dsn)
	rows, err := conn.Query(t.Context(), `SELECT n.nspname::text || '.' || c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND position('.' in c.relname) = 0 ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	b := book()
	b.Backup.Try.Jobs = 1
	b.Phases[0].Count = tables
	return b
}

// schemaOf is the fingerprint of the tables that a target's runbook concerns.
func schemaOf(t *testing.T, target *Target) (out phases.SchemaPrint) {
	t.Helper()
	err := target.control.with(limited(t), func(s *session) error {
		if _, err := s.Exec(t.Context(), `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		defer rollback(t.Context(), s)
		snapshot, err := catalog.Read(t.Context(), s, "")
		if err != nil {
			return err
		}
		view := lint.New(target.book, snapshot)
		if err := catalog.Define(t.Context(), s, snapshot, view.Concerned(), nil); err != nil {
			return err
		}
		out = view.Print()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A database restored from a backup has the fingerprint of the one that the backup
// is of: else production would refuse what was rehearsed on it.
func TestACopyOfABackupHasItsSchema(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	start := copies(t)
	text, err := os.ReadFile("testdata/everything.sql")
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]string{
		"UTF8":           "",
		"LATIN1":         `ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`,
		"another locale": `ENCODING 'UTF8' LC_COLLATE 'C.utf8' LC_CTYPE 'C.utf8'`,
		"ICU":            `ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-AT'`,
	} {
		t.Run(name, func(t *testing.T) {
			dsn := sandbox.ForTest(t).NewDatabase(t)
			if options != "" {
				dsn = otherDatabase(t, dsn, options)
			}
			script(t, dsn, `DO $$BEGIN CREATE ROLE "The App"; CREATE ROLE copied_app; EXCEPTION WHEN duplicate_object THEN NULL; END$$`)
			script(t, dsn, string(text))
			from := open(t, dsn, everything(t, dsn))
			was := schemaOf(t, from)
			if len(was.Tables) == 0 {
				t.Fatal("no table is concerned: it shows nothing")
			}
			out := copyOf(t, from, action.BackupPlan{Changes: from.book.Phases[0].Count}, start)
			if differs := was.Differs(schemaOf(t, open(t, out.DSN, from.book))); differs != nil {
				t.Errorf("the copy differs: %s", strings.Join(differs, "; "))
			}
		})
	}
}

// script runs statements by a connection of their own.
func script(t *testing.T, dsn, sql string) {
	t.Helper()
	conn := connect(t, dsn)
	if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())
}

// otherDatabase makes a database with options of its own beside one.
func otherDatabase(t *testing.T, dsn, options string) string {
	t.Helper()
	conn := connect(t, dsn)
	name := databaseName(t, dsn) + "_other"
	if _, err := conn.Exec(t.Context(), `CREATE DATABASE `+name+` TEMPLATE template0 `+options); err != nil {
		t.Skipf("this server has no such database: %v", err)
	}
	t.Cleanup(func() { _ = sandbox.ForTest(t).DropDatabase(context.Background(), name) })
	return strings.Replace(dsn, databaseName(t, dsn), name, 1)
}

const withTriggers = `
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
CREATE TABLE gone (id int PRIMARY KEY, s varchar(9));
INSERT INTO gone SELECT generate_series(1, 50), 'a';
CREATE TABLE days (day int) PARTITION BY RANGE (day);
CREATE TABLE days1 PARTITION OF days FOR VALUES FROM (1) TO (2);
CREATE TABLE days2 PARTITION OF days FOR VALUES FROM (2) TO (3);
CREATE TRIGGER audit AFTER DELETE ON gone FOR EACH ROW WHEN (OLD.s IN ('a', 'b')) EXECUTE FUNCTION f();
CREATE TRIGGER copies AFTER DELETE ON gone FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE gone ENABLE REPLICA TRIGGER copies;
CREATE TRIGGER was_off AFTER DELETE ON gone FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE gone DISABLE TRIGGER was_off;
CREATE TRIGGER of_days AFTER DELETE ON days FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE ONLY days2 ENABLE ALWAYS TRIGGER of_days;
`

// A backup that was taken while the run had triggers off gives a copy that has
// them as they were before; so one without a word of them has them off.
func TestACopyHasItsTriggersBack(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	dsn := database(t, "SELECT 1")
	script(t, dsn, withTriggers)
	b := book("gone", "days")
	b.Backup.Try.Jobs = 1
	from := open(t, dsn, b)
	was := schemaOf(t, from)
	recorded, err := from.ReadTriggers(limited(t), []string{"audit", "copies", "was_off", "of_days"})
	if err != nil || len(recorded) != 6 {
		t.Fatalf("%d triggers, %v", len(recorded), err)
	}
	if err := from.DisableTriggers(limited(t), recorded); err != nil {
		t.Fatal(err)
	}
	off := schemaOf(t, from)
	for name, plan := range map[string]action.BackupPlan{
		"noted":     {Changes: []string{"gone", "days"}, Off: recorded, Environment: phases.Production, RunID: "r"},
		"not noted": {Changes: []string{"gone", "days"}},
	} {
		out := copyOf(t, from, plan, copies(t))
		want, on := was, max(0, len(plan.Off)-1) // was_off was none of the run's doing
		if plan.Off == nil {
			want = off
		}
		if differs := want.Differs(schemaOf(t, open(t, out.DSN, b))); differs != nil {
			t.Errorf("%s: the copy differs: %s", name, strings.Join(differs, "; "))
		}
		if len(out.Of.Triggers) != on || out.Of.Environment != plan.Environment || out.Of.RunID != plan.RunID || out.Of.Counted != 2 || out.Of.Restore <= 0 {
			t.Errorf("%s: %+v", name, out.Of)
		}
	}
}
