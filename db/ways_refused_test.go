package db

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

const pair = `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 50);
	CREATE TABLE other (id int, t int REFERENCES t ON DELETE CASCADE); INSERT INTO other SELECT g, g FROM generate_series(1, 50) g;`

// unchanged holds that a phase changed nothing.
func unchanged(t *testing.T, dsn string, before outcome) {
	t.Helper()
	after := holds(t, dsn)
	after.rowsOf, before.rowsOf = nil, nil
	sameEnd(t, after, before)
}

var indexing, truncating, choosing = way{name: "an index", steps: "delete", indexed: true}, way{name: "truncate", steps: "truncate"}, way{name: "auto", steps: "auto"}

func TestAnIndexHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	dsn := database(t, pair+`CREATE TABLE tminus_abcdef12_1 (id int); CREATE INDEX tminus_abcdef12_2 ON t (id)`)
	got := goes(t, dsn, indexing, runbook.Step{Delete: "t"})
	if got.err != nil || strings.Join(got.built, " ") != "tminus_abcdef12_3" {
		t.Errorf("made %q, %v", got.built, got.err)
	}
	for _, line := range got.shape {
		if strings.Contains(line, "tminus_abcdef12_3") {
			t.Errorf("left: %s", line)
		}
	}
}

// An index that cannot be made ends the phase with the server's word and a way out,
// and changes nothing.
func TestAnIndexThatCannotBeMade(t *testing.T) {
	t.Parallel()
	dsn := database(t, pair+`CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$;
		CREATE EVENT TRIGGER no ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION no()`)
	before := holds(t, dsn)
	got := goes(t, dsn, indexing, runbook.Step{Delete: "t"})
	wantError(t, got.err, "make an index on other: no space left on device")
	wantError(t, got.err, "indexes: off")
	unchanged(t, dsn, before)
}

// Readers keep an index from being dropped: the phase waits for them, says whom it
// waits for, and gives up.
func TestAnIndexThatCannotBeDropped(t *testing.T) {
	t.Parallel()
	dsn := database(t, pair)
	before := holds(t, dsn)
	reader := connect(t, dsn)
	exec(t, reader, `BEGIN; SELECT count(*) FROM other`)
	got := goes(t, dsn, indexing, runbook.Step{Delete: "t"})
	wantError(t, got.err, "did not get its locks on other")
	exec(t, reader, `ROLLBACK`)
	unchanged(t, dsn, before)
}

func TestATruncateWaitsForReadersAndGivesUp(t *testing.T) {
	t.Parallel()
	dsn := database(t, pair)
	before := holds(t, dsn)
	reader := connect(t, dsn)
	exec(t, reader, `BEGIN; SELECT count(*) FROM other`)
	got := goes(t, dsn, truncating, runbook.Step{Delete: "t"})
	wantError(t, got.err, "did not get its locks on t, other")
	exec(t, reader, `ROLLBACK`)
	unchanged(t, dsn, before)
}

func TestAutoDeletesBesideOthers(t *testing.T) {
	t.Parallel()
	dsn := database(t, pair)
	connect(t, dsn+" application_name='"+onPurpose+"'")
	got := goes(t, dsn, choosing, runbook.Step{Delete: "t"})
	if got.err != nil || len(got.chosen) != 1 || !strings.Contains(got.chosen[0], "DELETE1 other session: postgres/the application may read these tables") {
		t.Errorf("chose %q, %v", got.chosen, got.err)
	}
}

// A role that may not see who is connected does not know that nobody is.
func TestAutoDeletesWhereNobodyCanBeSeen(t *testing.T) {
	t.Parallel()
	dsn := database(t, `CREATE ROLE ways_blind LOGIN; `+pair+`ALTER TABLE t OWNER TO ways_blind; ALTER TABLE other OWNER TO ways_blind; GRANT CREATE ON SCHEMA public TO ways_blind;
		DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO ways_blind', current_database()); END $$`)
	dropRole(t, dsn, "ways_blind")
	connect(t, dsn+" application_name='"+onPurpose+"'")
	got := goes(t, asUser(t, dsn, "ways_blind"), choosing, runbook.Step{Delete: "t"})
	if got.err != nil || len(got.chosen) != 1 || !strings.Contains(got.chosen[0], "masked") {
		t.Errorf("chose %q, %v", got.chosen, got.err)
	}
}

// What the survey did not see is not done: a key that was made since, a table that
// would go with the rest, a trigger that was enabled.
func TestATruncateOfWhatWasSurveyed(t *testing.T) {
	for name, c := range map[string]struct{ since, want string }{
		"a key of a table that stays": {`CREATE TABLE third (t int REFERENCES t)`, "foreign key third_t_fkey of third refers to them, which the survey did not see"},
		"a table that goes with it":   {`CREATE TABLE third (t int NOT NULL REFERENCES t ON DELETE CASCADE)`, "third would go with them, which the survey did not see"},
		"a trigger": {
			`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; CREATE TRIGGER g AFTER DELETE ON other FOR EACH ROW EXECUTE FUNCTION f()`,
			"trigger g of other is enabled",
		},
		"a publication": {`CREATE PUBLICATION ways_since FOR TABLE other`, "publication ways_since publishes other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := database(t, pair)
			b := book()
			b.Phases[0].Steps = []runbook.Step{{Delete: "t", Way: "truncate"}}
			spec := engine.TxSpec{RunID: "run-1", Phase: &b.Phases[0], Attempt: 1, LockDeadline: 2 * time.Second, LockTables: []string{"t", "other"}, Ways: foreseen(t, dsn, b, wayCalled("delete"))}
			exec(t, connect(t, dsn), c.since)
			wantError(t, through(t, open(t, dsn, b), spec, &outcome{}), c.want)
		})
	}
}

func TestRightsThatAWayTakes(t *testing.T) {
	t.Parallel()
	dsn := database(t, `CREATE ROLE ways_weak LOGIN; `+pair+`GRANT SELECT, DELETE ON t, other TO ways_weak`)
	dropRole(t, dsn, "ways_weak")
	b := book()
	b.Phases[0].Steps = []runbook.Step{{Delete: "t", Way: "truncate"}}
	w := foreseen(t, asUser(t, dsn, "ways_weak"), b, wayCalled("delete"))
	if len(w.Sweeps) != 1 || w.Sweeps[0].Why != "the role lacks TRUNCATE on t" {
		t.Errorf("foreseen: %+v", w)
	}
}

// A step that is cut off in the making of an index, or while it waits to truncate,
// leaves a session that can be used, and nothing else.
func TestWaysAreCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		sql string
		way way
		at  string // a statement that is seen, when it is cut off
	}{
		"in CREATE INDEX":       {pair + `INSERT INTO other SELECT g, NULL FROM generate_series(1, 1000000) g`, indexing, `CREATE INDEX%`},
		"in a wait to TRUNCATE": {pair, truncating, `LOCK TABLE%ACCESS EXCLUSIVE MODE`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := database(t, c.sql)
			watcher, reader := connect(t, dsn), connect(t, dsn)
			exec(t, reader, `BEGIN; LOCK TABLE other IN ACCESS SHARE MODE`)
			b := book()
			b.Phases[0].Steps = []runbook.Step{{Delete: "t", Way: c.way.steps}}
			target := open(t, dsn, b)
			spec := engine.TxSpec{RunID: "run-1", Phase: &b.Phases[0], Attempt: 1, LockDeadline: 30 * time.Second, LockTables: []string{"t", "other"}, Ways: foreseen(t, dsn, b, c.way)}
			x, err := target.Begin(limited(t), spec)
			if err == nil {
				err = x.Lock(limited(t), nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(limited(t))
			ended := make(chan struct{})
			go func() { // ends when the statement was seen, or with the test
				defer close(ended)
				for !seenRunning(ctx, watcher, c.at) && ctx.Err() == nil {
				}
				cancel()
			}()
			if _, err := x.Run(ctx, b.Phases[0].Steps[0], nil); err == nil || ctx.Err() == nil {
				t.Errorf("it went through: %v", err)
			}
			cancel()
			<-ended
			if err := x.Rollback(limited(t)); err != nil {
				t.Error(err)
			}
			exec(t, reader, `ROLLBACK`)
			if n := query[int](t, watcher, `SELECT count(*) FROM t`); n != 50 {
				t.Errorf("%d rows are left", n)
			}
			if n := query[int](t, watcher, `SELECT count(*) FROM pg_class WHERE relname LIKE 'tminus%'`); n != 0 {
				t.Errorf("%d indexes are left", n)
			}
			spec.Ways = &phases.PhaseWays{}
			spec.Phase.Steps[0].Way = ""
			if err := through(t, target, spec, &outcome{}); err != nil {
				t.Errorf("the session afterwards: %v", err)
			}
		})
	}
}

func seenRunning(ctx context.Context, conn *pgx.Conn, like string) bool {
	var seen bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE $1)`, like).Scan(&seen)
	return err == nil && seen
}

// An index that is made behind an update of its column would be of no use to the
// transaction itself.
func TestAnIndexIsUsableAtOnce(t *testing.T) {
	t.Parallel()
	dsn := database(t, pair)
	b := book()
	b.Phases[0].Steps = []runbook.Step{{SQL: `UPDATE other SET t = NULL WHERE id < 9`, Touch: []string{"other"}}, {Delete: "t"}}
	x, err := open(t, dsn, b).Begin(limited(t), engine.TxSpec{RunID: "run-1", Phase: &b.Phases[0], Attempt: 1, LockTables: []string{"t", "other"}, Ways: foreseen(t, dsn, b, wayCalled("an index for the phase"))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Rollback(t.Context()) })
	if err := x.Lock(limited(t), nil); err != nil {
		t.Fatal(err)
	}
	for _, s := range b.Phases[0].Steps {
		if _, err := x.Run(limited(t), s, nil); err != nil {
			t.Fatal(err)
		}
	}
	var waits bool
	if err := x.(*tx).s.QueryRow(limited(t), `SELECT indcheckxmin FROM pg_index WHERE indexrelid = 'tminus_run1_1'::regclass`).Scan(&waits); err != nil || waits {
		t.Errorf("it waits for older snapshots: %v, %v", waits, err)
	}
}
