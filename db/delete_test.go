package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// bulk fills a table of a few hundred blocks.
const bulk = `CREATE TABLE t (id int PRIMARY KEY, filler text);
	INSERT INTO t SELECT g, repeat('x', 400) FROM generate_series(1, 5000) g; ANALYZE t;`

func TestDeleteByRangesGivesAShare(t *testing.T) {
	target := open(t, database(t, bulk), book("t"))
	if target.version < tidRangeVersion {
		t.Skip("this server has no Tid Range Scan; the next test sees it delete in one statement")
	}
	x := begin(t, target)
	n, seen := remove(t, x, runbook.Step{Delete: "t"})
	if n != 5000 {
		t.Errorf("deleted %d", n)
	}
	if len(seen) < 4 {
		t.Errorf("%d reports of progress for some 280 blocks", len(seen))
	}
	var last engine.Progress
	for _, p := range seen {
		if p.Deleted < last.Deleted || p.BlocksDone < last.BlocksDone || p.BlocksTotal < 200 || p.BlocksDone > p.BlocksTotal {
			t.Errorf("progress goes from %+v to %+v", last, p)
		}
		last = p
	}
	if last.BlocksDone != last.BlocksTotal || last.Deleted != 5000 || touchedBy(t, x)["t"] != (phases.Touched{Deleted: 5000}) {
		t.Errorf("the last progress is %+v", last)
	}
}

// What one statement does and many don't do is left to one statement.
func TestDeleteInOneStatementWhereThatMatters(t *testing.T) {
	const notify = `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fired VALUES (TG_OP); RETURN NULL; END $$;
		CREATE TABLE fired (op text);`
	for name, c := range map[string]struct {
		sql, where string
		want       int64
		ranged     bool
	}{
		"plain table":                     {sql: ``, want: 5000, ranged: true},
		"condition on a filter":           {sql: ``, where: `filler LIKE 'x%' -- all`, want: 5000, ranged: true},
		"condition on an index":           {sql: ``, where: `id < 100`, want: 99},
		"condition with a subquery":       {sql: ``, where: `id > (SELECT avg(u.id) FROM t u)`, want: 2500},
		"condition with OR":               {sql: ``, where: `false OR true`, want: 5000, ranged: true},
		"trigger per statement":           {sql: notify + `CREATE TRIGGER g AFTER DELETE ON t EXECUTE FUNCTION f()`, want: 5000},
		"disabled trigger per statement":  {sql: notify + `CREATE TRIGGER g AFTER DELETE ON t EXECUTE FUNCTION f(); ALTER TABLE t DISABLE TRIGGER g`, want: 5000, ranged: true},
		"trigger per row":                 {sql: notify + `CREATE TRIGGER g AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()`, want: 5000, ranged: true},
		"rule":                            {sql: notify + `CREATE RULE r AS ON DELETE TO t DO ALSO INSERT INTO fired VALUES ('rule')`, want: 5000},
		"key to itself":                   {sql: `ALTER TABLE t ADD parent int REFERENCES t; UPDATE t SET parent = 5001 - id`, want: 5000},
		"key to itself, cascading":        {sql: `ALTER TABLE t ADD parent int REFERENCES t ON DELETE CASCADE; UPDATE t SET parent = id`, want: 5000, ranged: true},
		"key to itself that nulls itself": {sql: `ALTER TABLE t ADD parent int REFERENCES t ON DELETE SET NULL; CREATE INDEX ON t (parent); UPDATE t SET parent = 5001 - id`, want: 5000},
	} {
		t.Run(name, func(t *testing.T) {
			target := open(t, database(t, bulk+c.sql), book("t"))
			x := begin(t, target)
			n, seen := remove(t, x, runbook.Step{Delete: "t", Where: c.where})
			if n != c.want {
				t.Errorf("deleted %d, want %d", n, c.want)
			}
			if left, err := countOf(limited(t), x, "t", c.where); c.where == "" && (left != 0 || err != nil) {
				t.Errorf("%d left, %v", left, err)
			}
			c.ranged = c.ranged && target.version >= tidRangeVersion
			if ranged := seen[len(seen)-1].BlocksTotal > 0; ranged != c.ranged {
				t.Errorf("by ranges: %v", ranged)
			}
		})
	}
}

func TestDeleteFromPartitions(t *testing.T) {
	dsn := database(t, `CREATE TABLE p (id int, kind text NOT NULL, pad text NOT NULL DEFAULT repeat('x', 500)) PARTITION BY LIST (kind);
		CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a');
		CREATE TABLE p_b PARTITION OF p FOR VALUES IN ('b') PARTITION BY RANGE (id);
		CREATE TABLE p_b1 PARTITION OF p_b FOR VALUES FROM (0) TO (500);
		CREATE TABLE p_b2 PARTITION OF p_b FOR VALUES FROM (500) TO (5000);
		CREATE TABLE old (id int); CREATE TABLE old_2024 () INHERITS (old);
		INSERT INTO p SELECT g, CASE g % 2 WHEN 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 1000) g;
		INSERT INTO old VALUES (1); INSERT INTO old_2024 VALUES (2), (3);`)
	target := open(t, dsn, book("p", "old"))
	x := begin(t, target)
	n, seen := remove(t, x, runbook.Step{Delete: "p"})
	if ranged := seen[len(seen)-1].BlocksTotal > 0; n != 1000 || ranged != (target.version >= tidRangeVersion) {
		t.Errorf("deleted %d of p, %+v", n, seen[len(seen)-1])
	}
	if n, _ := remove(t, x, runbook.Step{Delete: "old"}); n != 3 {
		t.Errorf("deleted %d of old", n)
	}
	if touched := touchedBy(t, x); len(touched) != 2 || touched["p"].Deleted != 1000 || touched["old"].Deleted != 3 {
		t.Errorf("touched %v", touched)
	}
}

// Rows that a cascade removes, rows that SET NULL changes and what triggers
// write are seen by table; what the session did before is not.
func TestTouchedCountsCascadesAndTriggers(t *testing.T) {
	dsn := database(t, `CREATE TABLE users (id int PRIMARY KEY);
		CREATE TABLE notes (id int, user_id int REFERENCES users ON DELETE CASCADE);
		CREATE SCHEMA other; CREATE TABLE other.lessons (id int, made_by int REFERENCES users ON DELETE SET NULL);
		CREATE TABLE audit (what text);
		CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES ('gone'); RETURN OLD; END $$;
		CREATE TRIGGER n BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION note();
		INSERT INTO users SELECT generate_series(1, 10);
		INSERT INTO notes SELECT g, 1 + g % 10 FROM generate_series(1, 30) g;
		INSERT INTO other.lessons SELECT g, g FROM generate_series(1, 4) g;`)
	target := open(t, dsn, book("users"))
	for range 2 { // the second time the session has counted the first
		x := begin(t, target)
		remove(t, x, runbook.Step{Delete: "users"})
		if err := x.WriteLedger(limited(t), phases.CommitIntent{}); err != nil {
			t.Fatal(err)
		}
		touched := touchedBy(t, x)
		want := map[string]phases.Touched{"users": {Deleted: 10}, "notes": {Deleted: 30}, "other.lessons": {Updated: 4}, "audit": {Inserted: 10}}
		if fmt.Sprint(touched) != fmt.Sprint(want) {
			t.Errorf("touched %v, want %v", touched, want)
		}
		if err := x.Rollback(limited(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRowsUnderRowSecurityAreAnError(t *testing.T) {
	dsn := database(t, `CREATE ROLE tenant LOGIN; CREATE TABLE t (id int); INSERT INTO t VALUES (1);
		ALTER TABLE t ENABLE ROW LEVEL SECURITY; GRANT ALL ON t TO tenant`)
	dropRole(t, dsn, "tenant")
	target := open(t, asUser(t, dsn, "tenant"), book("t"))
	x := begin(t, target)
	_, err := x.Run(limited(t), runbook.Step{Delete: "t"}, nil)
	wantError(t, err, "row-level security")
	_, err = target.Survey(limited(t))
	wantError(t, err, "row-level security hides rows")
	_, err = target.Query(limited(t), `SELECT count(*) FROM t`)
	wantError(t, err, "row-level security")
	_, err = target.Check(limited(t), &runbook.Check{Name: "tables.zero", Tables: []string{"t"}}, phases.Facts{})
	wantError(t, err, "row-level security")
}

func TestDeferredConstraintFailsBeforeCommit(t *testing.T) {
	dsn := database(t, `CREATE TABLE t (id int PRIMARY KEY);
		CREATE TABLE child (id int, t_id int REFERENCES t DEFERRABLE INITIALLY DEFERRED);
		INSERT INTO t VALUES (1); INSERT INTO child VALUES (1, 1)`)
	target := open(t, dsn, book("t"))
	x := begin(t, target)
	remove(t, x, runbook.Step{Delete: "t"})
	wantError(t, x.SettleConstraints(limited(t)), "still refer")
	if r := x.Commit(limited(t)); r.Outcome != engine.NotCommitted {
		t.Errorf("the COMMIT of a failed transaction: %+v", r)
	}
	x = begin(t, target)
	remove(t, x, runbook.Step{Delete: "t"})
	if r := x.Commit(limited(t)); r.Outcome != engine.NotCommitted || !strings.Contains(r.Err.Error(), "23503") {
		t.Errorf("COMMIT without looking: %+v", r)
	}
}

// A context's end cancels the statement on the server, and keeps the session:
// the transaction is rolled back in it, and the next phase runs in it.
func TestCancelKeepsTheSession(t *testing.T) {
	target := open(t, database(t, bulk), book("t"))
	x := begin(t, target)
	pid := x.ID().PID
	ctx, cancel := context.WithCancelCause(limited(t))
	stopped := errors.New("the operator stopped it")
	watched := connect(t, target.conn.ConnString())
	go func() { // ends when the sleeping statement is seen, or the test is over
		for t.Context().Err() == nil {
			var sleeping bool
			err := watched.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep')`, pid).Scan(&sleeping)
			if err != nil || sleeping {
				break
			}
		}
		cancel(stopped)
	}()
	_, err := x.Run(ctx, runbook.Step{Delete: "t", Where: "pg_sleep(600) IS NULL"}, nil)
	if !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
	if err := x.Rollback(ctx); err != nil {
		t.Error(err)
	}
	if x := begin(t, target); x.ID().PID != pid {
		t.Errorf("the session is another: %d, was %d", x.ID().PID, pid)
	}
}

func TestExecTakesOneHonestStatement(t *testing.T) {
	target := open(t, database(t, `CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2);
		CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1);
		CREATE TABLE ref (id int REFERENCES kept ON DELETE SET NULL); INSERT INTO ref VALUES (1)`), book("t"))
	for sql, want := range map[string]string{
		`DELETE FROM t WHERE id = 1`:                   "",
		`DELETE FROM t; DELETE FROM kept`:              "multiple commands",
		`COMMIT`:                                       "ended the transaction",
		`ROLLBACK AND CHAIN`:                           "ended the transaction and began another",
		`TRUNCATE t`:                                   "",
		`TRUNCATE kept CASCADE`:                        "",
		`SET LOCAL session_replication_role = replica`: "changed row_security or session_replication_role",
		`SELECT * FROM nowhere`:                        "42P01",
	} {
		t.Run(sql, func(t *testing.T) {
			x := begin(t, target)
			did, err := x.Run(limited(t), runbook.Step{SQL: sql, Touch: []string{"t"}}, nil)
			if err == nil {
				_, err = x.Effects(limited(t))
			}
			if want != "" {
				wantError(t, err, want)
			} else if err != nil {
				t.Error(err)
			}
			if strings.HasPrefix(sql, "DELETE FROM t WHERE") && (did.Rows != 1 || did.Command != "DELETE") {
				t.Errorf("%+v", did)
			}
			if err := x.Rollback(limited(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFingerprintSeesEveryChange(t *testing.T) {
	const table = `CREATE TYPE mood AS ENUM ('good', 'bad');
		CREATE TABLE t (tminus_row int, t text, m mood, at timestamptz, f float8);
		INSERT INTO t SELECT g, 'a', 'good', '2026-01-01 00:00Z', 0.1 FROM generate_series(1, 100) g;`
	target := open(t, database(t, table), &runbook.Runbook{Schema: "public", Protected: []string{"t"}, Phases: book().Phases})
	base, err := target.Baseline(limited(t), nil, []string{"t"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := begin(t, target).(*tx)
	now, err := x.Fingerprint(limited(t), "t")
	if err != nil || now != base.Protected[0] {
		t.Errorf("in a phase %+v, in the baseline %+v, %v", now, base.Protected[0], err)
	}
	seen := map[string]string{now.Hash: "the start"}
	for _, sql := range []string{
		`UPDATE t SET t = '' WHERE tminus_row = 1`, `UPDATE t SET t = NULL WHERE tminus_row = 1`,
		`UPDATE t SET f = 0.1 + 1e-17 * 5 WHERE tminus_row = 2`,
		`UPDATE t SET tminus_row = CASE tminus_row WHEN 3 THEN 4 ELSE 3 END, t = 'b' WHERE tminus_row IN (3, 4)`,
		// Two equal rows come, two others go: an XOR of hashes would not see it.
		`UPDATE t SET (tminus_row, t) = (5, 'twin') WHERE tminus_row IN (5, 6)`,
		`UPDATE t SET (tminus_row, t) = (7, 'twin') WHERE tminus_row = 5`,
		`ALTER TABLE t RENAME COLUMN at TO moment`, `DELETE FROM t WHERE tminus_row = 9`,
	} {
		exec(t, x.s.conn, sql)
		f, err := x.Fingerprint(limited(t), "t")
		if err != nil {
			t.Fatal(err)
		}
		if before, same := seen[f.Hash]; same {
			t.Errorf("after %s the fingerprint is that of %s", sql, before)
		}
		seen[f.Hash] = sql
	}
	// The same rows in another order are the same content.
	exec(t, x.s.conn, `CREATE TEMP TABLE copy AS SELECT * FROM t; DELETE FROM t; INSERT INTO t SELECT * FROM copy ORDER BY random()`)
	if f, err := x.Fingerprint(limited(t), "t"); err != nil || seen[f.Hash] == "" {
		t.Errorf("another order gives another fingerprint, %v", err)
	}
}

func TestReadOnlyPhase(t *testing.T) {
	target := open(t, database(t, bulk), book("t"))
	x, err := target.Begin(limited(t), engine.TxSpec{RunID: "r", Phase: &target.book.Phases[0], ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Rollback(limited(t))
	if n, err := countOf(limited(t), x, "t", "id <= 10"); n != 10 || err != nil || x.ID().Xid != "" {
		t.Errorf("%d rows, %v, %+v", n, err, x.ID())
	}
	_, err = x.Run(limited(t), runbook.Step{Delete: "t"}, nil)
	wantError(t, err, "25006")
}

func TestReadOnlyServer(t *testing.T) {
	dsn := database(t, bulk)
	exec(t, connect(t, dsn), `ALTER DATABASE `+databaseName(t, dsn)+` SET default_transaction_read_only = on`)
	target := open(t, dsn, book("t"))
	_, err := target.Begin(limited(t), engine.TxSpec{RunID: "r", Phase: &target.book.Phases[0]})
	if !errors.Is(err, ErrReadOnly) {
		t.Errorf("begin: %v", err)
	}
	if err := target.Prepare(limited(t)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("prepare: %v", err)
	}
	a, err := target.Check(limited(t), &runbook.Check{Name: "database.writable"}, phases.Facts{})
	if err != nil || a.Pass {
		t.Errorf("database.writable: %+v, %v", a, err)
	}
	if s, err := target.Survey(limited(t)); err != nil || !strings.Contains(found(s), "default_transaction_read_only is on") {
		t.Errorf("findings %q, %v", s.Findings, err)
	}
}

// A statement that the step's rows need is slow in both ways; what is compared
// is the price of progress.
func BenchmarkDelete(b *testing.B) {
	dsn := benchDatabase(b)
	for _, way := range []string{"plain", "ranges"} {
		b.Run(way, func(b *testing.B) {
			target, err := Open(b.Context(), Config{DSN: dsn, Operator: operator, Runbook: book("big")})
			if err != nil {
				b.Fatal(err)
			}
			defer target.Close()
			for b.Loop() {
				benchDelete(b, target, way == "plain")
			}
		})
	}
}

func benchDelete(b *testing.B, target *Target, plain bool) {
	b.Helper()
	t, err := target.Begin(b.Context(), engine.TxSpec{RunID: "r", Phase: &target.book.Phases[0], LockTables: []string{"big"}})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Rollback(b.Context())
	x := t.(*tx)
	if err := x.Lock(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	if plain {
		d := &deletion{x: x, l: long{x.s}, progress: func(engine.Progress) {}, read: time.Now()}
		err = d.plain(b.Context(), x.cat.Find("big"))
	} else {
		_, err = x.Run(b.Context(), runbook.Step{Delete: "big"}, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// What an error says goes into the journal: tables, columns and constraints,
// and never what stands in a row.
func TestErrorsTellNoRow(t *testing.T) {
	for name, c := range map[string]struct{ sql, want string }{
		"set to null": {`CREATE TABLE u (id int NOT NULL REFERENCES t ON DELETE SET NULL, secret text); INSERT INTO u VALUES (7, 'IBAN 42')`, `column "id"`},
		"referred to": {`CREATE TABLE u (id int REFERENCES t, secret text); INSERT INTO u VALUES (7, 'IBAN 42')`, `on table "u"`},
		"a check":     {`CREATE TABLE u (id int DEFAULT 7 REFERENCES t ON DELETE SET DEFAULT, secret text, CHECK (id <> 7 OR secret <> 'IBAN 42')); INSERT INTO u VALUES (8, 'IBAN 42')`, `relation "u"`},
		"a trigger": {`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING DETAIL = 'IBAN 42: ' || OLD.filler; END $$;
			CREATE TRIGGER g BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()`, "no (SQLSTATE P0001)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := begin(t, open(t, database(t, bulk+c.sql), book("t")))
			_, err := x.Run(limited(t), runbook.Step{Delete: "t"}, nil)
			if err == nil {
				err = x.SettleConstraints(limited(t))
			}
			wantError(t, err, c.want)
			for _, content := range []string{"IBAN", "xxxx", "(7", "=("} {
				if err != nil && strings.Contains(err.Error(), content) {
					t.Errorf("it tells a row's content: %v", err)
				}
			}
		})
	}
}
