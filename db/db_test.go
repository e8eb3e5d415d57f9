package db

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

func TestMain(m *testing.M) {
	code := sandbox.Main(m)
	stopTCPServer()
	os.Exit(code)
}

var operator = phases.Operator{Name: "maria", Host: "dba1", PID: 4711}

// limited is a context that ends well after any honest answer.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// database gives the DSN of a database with this in it.
func database(t *testing.T, sql string) string {
	t.Helper()
	dsn := sandbox.ForTest(t).NewDatabase(t)
	conn := connect(t, dsn)
	exec(t, conn, sql)
	if err := conn.Close(limited(t)); err != nil {
		t.Fatal(err)
	}
	return dsn
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func query[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// book is a runbook with one phase that deletes these tables.
func book(deletes ...string) *runbook.Runbook {
	p := runbook.Phase{ID: "phase-1", Title: "Phase 1"}
	for _, d := range deletes {
		p.Steps = append(p.Steps, runbook.Step{Delete: d})
	}
	return &runbook.Runbook{Title: "test", Schema: "public", Ledger: true, Phases: []runbook.Phase{p}}
}

func open(t *testing.T, dsn string, b *runbook.Runbook) *Target {
	t.Helper()
	target, err := Open(limited(t), Config{DSN: dsn, Operator: operator, Runbook: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	return target
}

// touchedBy are the rows that a transaction touched, by table.
func touchedBy(t *testing.T, x engine.Tx) map[string]phases.Touched {
	t.Helper()
	did, err := x.Effects(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	return did.Rows
}

// begin opens the runbook's first phase, with its tables locked.
func begin(t *testing.T, target *Target) engine.Tx {
	t.Helper()
	p := &target.book.Phases[0]
	x, err := target.Begin(limited(t), engine.TxSpec{RunID: "run-1", Phase: p, LockTables: p.Deletes(), LockDeadline: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Rollback(context.Background()) })
	if err := x.Lock(limited(t), nil); err != nil {
		t.Fatal(err)
	}
	return x
}

// remove deletes a table's rows and gives how many, with all progress.
func remove(t *testing.T, x engine.Tx, step runbook.Step) (int64, []engine.Progress) {
	t.Helper()
	var seen []engine.Progress
	did, err := x.Run(limited(t), step, func(p engine.Progress) { seen = append(seen, p) })
	if err != nil {
		t.Fatal(err)
	}
	return did.Rows, seen
}

// intend is what the engine writes down before COMMIT.
func intend(t *testing.T, target *Target, x engine.Tx) phases.CommitIntent {
	t.Helper()
	id, err := target.Identity(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	return phases.CommitIntent{
		RunID: "run-1", Phase: "phase-1", Attempt: 1, Nonce: rand.Text(), Tx: x.ID(), Identity: id,
		Operator: operator.String(), Runbook: "0123", Ledger: true,
	}
}

// benchDatabase has a table of half a million rows with an indexed child.
func benchDatabase(b *testing.B) string {
	b.Helper()
	dsn := sandbox.ForTest(b).NewDatabase(b)
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	_, err = conn.Exec(b.Context(), `CREATE TABLE big (id int PRIMARY KEY, filler text);
		INSERT INTO big SELECT g, repeat('x', 60) FROM generate_series(1, 500000) g;
		CREATE TABLE child (big_id int REFERENCES big ON DELETE CASCADE);
		INSERT INTO child SELECT g * 10 FROM generate_series(1, 50000) g; CREATE INDEX ON child (big_id); ANALYZE`)
	if err != nil {
		b.Fatal(err)
	}
	return dsn
}

func wantPart(t *testing.T, got, part string) {
	t.Helper()
	if !strings.Contains(got, part) {
		t.Errorf("%q is not in %q", part, got)
	}
}

// countOf counts one table in a transaction.
func countOf(ctx context.Context, x engine.Tx, table, where string) (int64, error) {
	var n int64
	err := x.Counts(ctx, []phases.Counted{{Table: table, Where: where}}, func(rows int64) { n = rows })
	return n, err
}
