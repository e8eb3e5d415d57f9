package db

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	declared "tminus/phases/check"
	"tminus/phases/runbook"
)

// check asks, and compares what it finds with what is wanted.
func check(t *testing.T, target *Target, c runbook.Check, facts phases.Facts, pass bool, value string) {
	t.Helper()
	a, err := target.Check(limited(t), &c, facts)
	if err != nil {
		t.Errorf("%s: %v", c.Name, err)
		return
	}
	if a.Pass != pass || a.Value != value {
		t.Errorf("%s: %v %q, want %v %q", c.Name, a.Pass, a.Value, pass, value)
	}
}

func number(n int64) *int64 { return &n }

func TestEveryDatabaseCheckIsAnswered(t *testing.T) {
	target := open(t, database(t, `CREATE TABLE t (id int)`), book("t"))
	for _, k := range declared.Kinds() {
		_, err := target.Check(limited(t), &runbook.Check{Name: k.Name, Tables: []string{"t"}, Triggers: []string{"x"}}, phases.Facts{})
		if errors.Is(err, ErrEngineCheck) != k.OfRun || (err != nil && !k.OfRun) {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
	for name := range checks {
		if k := declared.Of(name); k.Name == "" || k.OfRun {
			t.Errorf("there is a query for %s, which no runbook can ask for: declare it in phases/check", name)
		}
	}
	_, err := target.Check(limited(t), &runbook.Check{Name: "database.happy"}, phases.Facts{})
	wantError(t, err, "there is no such check")
}

func TestConnectionsAndTransactions(t *testing.T) {
	dsn := database(t, `CREATE EXTENSION IF NOT EXISTS plpgsql`)
	target := open(t, dsn, book())
	begin(t, target) // the program's own don't count
	conns, txs := runbook.Check{Name: "database.connections"}, runbook.Check{Name: "database.transactions"}
	awaitCheck(t, target, conns, "0 connections") // the set-up's connection takes a moment to go
	check(t, target, txs, phases.Facts{}, true, "0 transactions")
	for range 2 {
		connect(t, dsn+" application_name=webshop")
	}
	// A name is a claim, not a proof: only this program's own sessions are left out.
	exec(t, connect(t, dsn+" application_name='tminus eve@evil'"), `BEGIN`)
	check(t, target, conns, phases.Facts{}, false, "3 connections: postgres/webshop ×2, postgres/tminus eve@evil")
	check(t, target, txs, phases.Facts{}, false, "1 transaction: postgres/tminus eve@evil")
	conns.Max = number(3)
	check(t, target, conns, phases.Facts{}, true, "3 connections: postgres/webshop ×2, postgres/tminus eve@evil")
}

// Sessions of the program's own that come and go are nobody else's, at no moment.
func TestOwnSessionsThatComeAndGoDoNotCount(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	target := open(t, dsn, book())
	conns, txs := runbook.Check{Name: "database.connections"}, runbook.Check{Name: "database.transactions"}
	awaitCheck(t, target, conns, "0 connections") // the set-up's
	enough, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-enough:
				return
			default:
			}
			if s, err := target.open(t.Context()); err != nil {
				t.Error(err)
			} else {
				target.release(s)
			}
		}
	}()
	for range 30 {
		check(t, target, conns, phases.Facts{}, true, "0 connections")
		check(t, target, txs, phases.Facts{}, true, "0 transactions")
	}
	close(enough)
	<-done
}

func awaitCheck(t *testing.T, target *Target, c runbook.Check, value string) {
	t.Helper()
	ctx := limited(t)
	for {
		a, err := target.Check(ctx, &c, phases.Facts{})
		if err != nil {
			t.Fatalf("%s is never %q: %v", c.Name, value, err)
		}
		if a.Value == value {
			return
		}
	}
}

// A role that may not see others' activity gets an error, not "0 connections".
func TestMaskedActivityIsNotAPass(t *testing.T) {
	dsn := database(t, `CREATE ROLE blind LOGIN; CREATE ROLE app LOGIN`)
	dropRole(t, dsn, "blind")
	dropRole(t, dsn, "app")
	target := open(t, asUser(t, dsn, "blind"), book())
	connect(t, asUser(t, dsn, "app"))
	for _, name := range []string{"database.connections", "database.transactions", "database.long_transactions"} {
		a, err := target.Check(limited(t), &runbook.Check{Name: name, Max: number(99), MaxAge: time.Hour}, phases.Facts{})
		if !errors.Is(err, ErrMasked) || a.Pass {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		wantError(t, err, "grant pg_read_all_stats to the role")
	}
}

func TestTablesAndSizes(t *testing.T) {
	target := open(t, database(t, `CREATE TABLE a (id int); CREATE TABLE b (id int) PARTITION BY LIST (id);
		CREATE TABLE b1 PARTITION OF b DEFAULT; CREATE VIEW v AS SELECT 1; CREATE TABLE "Odd ""name" (id int); INSERT INTO a VALUES (1), (2)`), book("a"))
	check(t, target, runbook.Check{Name: "database.tables", Min: number(3), Max: number(3)}, phases.Facts{}, true, "3 tables")
	check(t, target, runbook.Check{Name: "database.tables", Min: number(4)}, phases.Facts{}, false, "3 tables")
	check(t, target, runbook.Check{Name: "tables.zero", Tables: []string{"a", "b", `Odd "name`}}, phases.Facts{}, false, "2 of 3 empty: a has 2 rows")
	check(t, target, runbook.Check{Name: "tables.filled", Tables: []string{"a", "b"}}, phases.Facts{}, false, "1 of 2 with rows: b has no row")
	check(t, target, runbook.Check{Name: "tables.filled", Tables: []string{"public.a"}}, phases.Facts{}, true, "1 of 1 with rows")
	_, err := target.Check(limited(t), &runbook.Check{Name: "tables.zero", Tables: []string{"A"}}, phases.Facts{})
	wantError(t, err, "does not exist")
	a, err := target.Check(limited(t), &runbook.Check{Name: "database.size", Min: number(1), Max: number(10000)}, phases.Facts{})
	if err != nil || !a.Pass {
		t.Errorf("database.size: %+v, %v", a, err)
	}
}

func TestProtectedIntact(t *testing.T) {
	dsn := database(t, `CREATE TABLE p (id int, t text); INSERT INTO p VALUES (1, 'a'), (2, 'b')`)
	target := open(t, dsn, book("p"))
	c := runbook.Check{Name: "protected.intact"}
	check(t, target, c, phases.Facts{}, false, "no baseline was taken yet")
	base, err := target.Baseline(limited(t), nil, []string{"p"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	facts := phases.Facts{Protected: base.Protected}
	check(t, target, c, facts, true, "1 of 1 intact")
	conn := connect(t, dsn)
	exec(t, conn, `UPDATE p SET t = 'A' WHERE id = 1`)
	check(t, target, c, facts, false, "0 of 1 intact: p has other content")
	exec(t, conn, `DELETE FROM p WHERE id = 1`)
	check(t, target, c, facts, false, "0 of 1 intact: p has 1 rows, had 2")
}

func TestQuery(t *testing.T) {
	target := open(t, database(t, `CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)`), book("t"))
	for sql, want := range map[string]string{
		`SELECT count(*), 'more' FROM t`: "2", `SHOW server_encoding`: "UTF8", `SELECT true`: "t",
		"SELECT E'a\\x1b[2Jb'": "ab",
	} {
		if got, err := target.Query(limited(t), sql); got != want || err != nil {
			t.Errorf("%s: %q, %v", sql, got, err)
		}
	}
	for sql, want := range map[string]string{
		`SELECT id FROM t`: "2 rows, and must give one", `SELECT 1 WHERE false`: "0 rows", `SELECT NULL`: "NULL",
		`DELETE FROM t RETURNING 1`: "25006", `SELECT 1; SELECT 2`: "multiple commands", `SELECT 1/0`: "22012",
		`COMMIT`: "0 rows",
	} {
		_, err := target.Query(limited(t), sql)
		wantError(t, err, want)
	}
	if got, err := target.Query(limited(t), `SELECT count(*) FROM t`); got != "2" || err != nil {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

// For whom a check does not pass, its answer names: those who can be ended, and of
// the others by whom they can.
func TestAnswersNameWhoIsInTheWay(t *testing.T) {
	dsn := database(t, `CREATE ROLE keeper LOGIN IN ROLE pg_read_all_stats; CREATE ROLE app LOGIN`)
	dropRole(t, dsn, "keeper")
	dropRole(t, dsn, "app")
	target := open(t, asUser(t, dsn, "keeper"), book())
	begin(t, target) // the program's own are not named
	conns, txs, long := runbook.Check{Name: "database.connections"}, runbook.Check{Name: "database.transactions"}, runbook.Check{Name: "database.long_transactions"}
	awaitCheck(t, target, conns, "0 connections")
	idle, busy := connect(t, asUser(t, dsn, "app")+" application_name=webshop"), connect(t, dsn+" application_name=psql")
	exec(t, busy, `BEGIN`)
	who := func(conn *pgx.Conn, user, application, state, needs string) phases.Blocker {
		started := query[time.Time](t, busy, `SELECT backend_start FROM pg_stat_activity WHERE pid = $1`, conn.PgConn().PID())
		return phases.Blocker{PID: conn.PgConn().PID(), User: user, Application: application, State: state, BackendStart: started, Needs: needs}
	}
	super, app := who(busy, "postgres", "psql", "idle in transaction", "a superuser"), who(idle, "app", "webshop", "idle", "a member of app or of pg_signal_backend")
	super.Since = query[time.Time](t, busy, `SELECT xact_start FROM pg_stat_activity WHERE pid = pg_backend_pid()`)
	names := func(c runbook.Check, want ...phases.Blocker) {
		t.Helper()
		ctx := limited(t)
		for {
			a, err := target.Check(ctx, &c, phases.Facts{})
			if err != nil || a.Pass {
				t.Fatalf("%s: %+v, %v; wanted are %+v", c.Name, a, err, want)
			}
			if slices.EqualFunc(a.InTheWay, want, func(b, o phases.Blocker) bool {
				return b.Same(o) && b.User == o.User && b.Application == o.Application && b.State == o.State && b.Since.Equal(o.Since)
			}) {
				return
			}
		}
	}
	names(conns, super, app)
	names(txs, super)
	names(long, super)
	app.Needs = ""
	for _, role := range []string{"app", "pg_signal_backend"} {
		conn := connect(t, dsn)
		exec(t, conn, `GRANT `+role+` TO keeper`)
		if err := conn.Close(limited(t)); err != nil {
			t.Fatal(err)
		}
		names(conns, super, app)
		exec(t, busy, `ROLLBACK; REVOKE app FROM keeper; BEGIN`)
		super.Since = query[time.Time](t, busy, `SELECT xact_start FROM pg_stat_activity WHERE pid = pg_backend_pid()`)
	}
	for range phases.MostInTheWay {
		connect(t, dsn)
	}
	a, err := target.Check(limited(t), &conns, phases.Facts{})
	if err != nil || len(a.InTheWay) != phases.MostInTheWay {
		t.Errorf("%d of more are named: %v", len(a.InTheWay), err)
	}
	conns.Max = number(50)
	if a, err = target.Check(limited(t), &conns, phases.Facts{}); err != nil || !a.Pass || a.InTheWay != nil {
		t.Errorf("one that passes names somebody: %+v, %v", a, err)
	}
}

// Whoever is terminated is gone when that returns: who looks then finds nobody.
func TestATerminatedSessionIsGone(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	target := open(t, dsn, book())
	conns := runbook.Check{Name: "database.connections"}
	awaitCheck(t, target, conns, "0 connections")
	for range 10 {
		connect(t, dsn)
		a, err := target.Check(limited(t), &conns, phases.Facts{})
		if err != nil || len(a.InTheWay) != 1 {
			t.Fatalf("%+v, %v", a, err)
		}
		if err := target.EndBackend(limited(t), a.InTheWay[0].PID, a.InTheWay[0].BackendStart, true); err != nil {
			t.Fatal(err)
		}
		check(t, target, conns, phases.Facts{}, true, "0 connections")
	}
}
