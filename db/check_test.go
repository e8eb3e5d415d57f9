package db

import (
	"errors"
	"testing"
	"time"

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
