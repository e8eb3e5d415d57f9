package db

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// shortExchange is for a machine that is busy: a server that answers does so well within.
const shortExchange = time.Second

// halfOpen opens a Target behind a proxy.
func halfOpen(t *testing.T) (*proxy, *Target) {
	t.Helper()
	return halfOpenFor(t, shortExchange)
}

func halfOpenFor(t *testing.T, exchange time.Duration) (*proxy, *Target) {
	t.Helper()
	p, dsn := behindProxy(t)
	target, err := Open(limited(t), Config{DSN: dsn, Operator: operator, Runbook: halfOpenBook(), Exchange: exchange})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	return p, target
}

func behindProxy(t *testing.T) (*proxy, string) {
	t.Helper()
	server, err := tcpServer()
	if err != nil {
		t.Fatal(err)
	}
	direct := server.NewDatabase(t)
	exec(t, connect(t, direct), bulk+`CREATE TABLE kept (id int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()`)
	p := newProxy(t, server.Port())
	return p, server.TCPDSN("127.0.0.1", p.port(), databaseName(t, direct))
}

func halfOpenBook() *runbook.Runbook {
	b := book("t")
	b.Protected = []string{"kept"}
	return b
}

// wantSilence is an error that says what was done and that no answer came, in
// no words of Go's.
func wantSilence(t *testing.T, err error, doing string) {
	t.Helper()
	if !errors.Is(err, ErrNoAnswer) {
		t.Fatalf("got %v, want no answer", err)
	}
	wantError(t, err, doing)
	for _, words := range []string{"context", "deadline", "i/o", "EOF", "timeout:", "conn closed"} {
		if strings.Contains(err.Error(), words) {
			t.Errorf("%q is in: %v", words, err)
		}
	}
}

// sideBySide runs tests that mostly wait, some at the same time. It returns
// when they have ended.
func sideBySide(t *testing.T, tests []named) {
	t.Helper()
	var work sync.WaitGroup
	turns := make(chan struct{}, 6)
	for _, test := range tests {
		turns <- struct{}{}
		work.Go(func() { // ends with the test
			t.Run(test.name, test.run)
			<-turns
		})
	}
	work.Wait()
}

// named is a test with its name.
type named struct {
	name string
	run  func(*testing.T)
}

// exchanges are the operations on a database, each with what it sends when the
// line falls silent.
var exchanges = []struct {
	needle, doing string
	tx            bool // inside of a phase's transaction
	do            func(context.Context, *Target, *tx) error
}{
	{"pg_control_system", "identify", false, func(ctx context.Context, t *Target, _ *tx) error { _, err := t.Identity(ctx); return err }},
	{"pg_inherits", "survey", false, func(ctx context.Context, t *Target, _ *tx) error { _, err := t.Survey(ctx); return err }},
	{"pg_try_advisory_lock", "take the operator lock", false, func(ctx context.Context, t *Target, _ *tx) error { return t.Lock(ctx) }},
	{"CREATE TABLE IF NOT EXISTS tminus", "prepare the ledger", false, func(ctx context.Context, t *Target, _ *tx) error { return t.Prepare(ctx) }},
	{"DISABLE TRIGGER", "disable triggers", false, func(ctx context.Context, t *Target, _ *tx) error {
		found, err := t.ReadTriggers(ctx, []string{"tr"})
		if err != nil {
			return err
		}
		return t.DisableTriggers(ctx, found)
	}},
	{"pg_database_size", "check database.size", false, func(ctx context.Context, t *Target, _ *tx) error {
		_, err := t.Check(ctx, &runbook.Check{Name: "database.size"}, phases.Facts{})
		return err
	}},
	{"BEGIN ISOLATION LEVEL READ COMMITTED", "begin phase", false, func(ctx context.Context, t *Target, _ *tx) error {
		_, err := t.Begin(ctx, engine.TxSpec{Phase: &t.book.Phases[0]})
		return err
	}},
	{"SAVEPOINT tminus_lock", "lock tables", true, func(ctx context.Context, _ *Target, x *tx) error { return x.Lock(ctx, nil) }},
	// What every server is asked for a delete: before 14 none is asked for a plan.
	{"DELETE FROM", "delete from t", true, func(ctx context.Context, _ *Target, x *tx) error {
		_, err := x.Run(ctx, runbook.Step{Delete: "t"}, nil)
		return err
	}},
	{"pg_stat_get_xact_tuples_updated", "read what was touched", true, func(ctx context.Context, _ *Target, x *tx) error { _, err := x.touched(ctx); return err }},
	{"pg_locks l LEFT JOIN", "look at what was changed", true, func(ctx context.Context, _ *Target, x *tx) error { _, err := x.Effects(ctx); return err }},
	{"LOCK TABLE tminus", "write the ledger row", true, func(ctx context.Context, _ *Target, x *tx) error {
		return x.WriteLedger(ctx, phases.CommitIntent{Ledger: true})
	}},
}

func TestEveryExchangeEnds(t *testing.T) {
	var tests []named
	for i, c := range exchanges {
		what := []string{"requests", "answers"}[i%2] // alike to who waits
		tests = append(tests, named{c.doing + ", " + what, func(t *testing.T) {
			p, target := halfOpen(t)
			var x *tx
			if c.tx {
				if err := target.Prepare(t.Context()); err != nil {
					t.Fatal(err)
				}
				begun, err := target.Begin(t.Context(), engine.TxSpec{Phase: &target.book.Phases[0], LockTables: []string{"t"}})
				if err != nil {
					t.Fatal(err)
				}
				x = begun.(*tx)
			}
			p.swallowFrom(c.needle, what)
			wantSilence(t, c.do(t.Context(), target, x), c.doing)
			p.swallowFrom("", "")
			if x != nil {
				if err := x.Rollback(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			// The run goes on with other sessions, and nothing is locked.
			y, err := target.Begin(t.Context(), engine.TxSpec{Phase: &target.book.Phases[0], LockTables: []string{"t"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := y.Lock(t.Context(), nil); err != nil {
				t.Error(err)
			}
			if err := y.Rollback(t.Context()); err != nil {
				t.Error(err)
			}
		}})
	}
	sideBySide(t, tests)
}

// What falls silent while nobody uses it is replaced when it is wanted.
func TestSilentSessionsAreReplaced(t *testing.T) {
	p, target := halfOpen(t)
	p.swallow("answers")
	if _, err := target.Identity(t.Context()); err != nil {
		t.Error(err)
	}
	if got, err := target.Query(t.Context(), `SELECT 42`); got != "42" {
		t.Errorf("query: %q %v", got, err)
	}
}

func TestOpenEndsOnASilentLine(t *testing.T) {
	var tests []named
	for _, needle := range []string{"client_encoding", "set_config", "client_connection_check_interval", "pg_backend_pid", "server_version_num"} {
		for _, what := range []string{"requests", "answers"} {
			tests = append(tests, named{needle + ", " + what, func(t *testing.T) {
				p, dsn := behindProxy(t)
				p.swallowFrom(needle, what)
				_, err := Open(t.Context(), Config{
					DSN: dsn, Operator: operator, Runbook: halfOpenBook(), Exchange: shortExchange, ConnectTimeout: time.Second,
				})
				wantSilence(t, err, "127.0.0.1")
			}})
		}
	}
	sideBySide(t, tests)
}

// longStatements are what may take hours.
var longStatements = []struct {
	needle, doing string
	tx            bool
	do            func(context.Context, *Target, *tx) error
}{
	{"ctid >=", "delete from t", true, func(ctx context.Context, _ *Target, x *tx) error {
		// The first to hold it is the EXPLAIN.
		return x.t.long(ctx, x.s, func(ctx context.Context, l long) error {
			d := &deletion{x: x, l: l, progress: func(engine.Progress) {}}
			return fail(ctx, "delete from", "t", d.byRanges(ctx, []leaf{{x.cat.Find("t"), 100}}))
		})
	}},
	{"INSERT INTO t", "run step", true, func(ctx context.Context, _ *Target, x *tx) error {
		_, err := x.Run(ctx, runbook.Step{SQL: `INSERT INTO t SELECT id + 100000 FROM t`}, nil)
		return err
	}},
	{"SET CONSTRAINTS", "check deferred constraints", true, func(ctx context.Context, _ *Target, x *tx) error { return x.SettleConstraints(ctx) }},
	{"count(*)", "count t", true, func(ctx context.Context, _ *Target, x *tx) error { _, err := countOf(ctx, x, "t", ""); return err }},
	{"hashtextextended", "fingerprint kept", true, func(ctx context.Context, _ *Target, x *tx) error { _, err := x.Fingerprint(ctx, "kept"); return err }},
	{"hashtextextended", "take the baseline", false, func(ctx context.Context, t *Target, _ *tx) error {
		_, err := t.Baseline(ctx, []phases.Counted{{Table: "t"}}, []string{"kept"}, nil)
		return err
	}},
	{"SELECT 42", "query", false, func(ctx context.Context, t *Target, _ *tx) error { _, err := t.Query(ctx, `SELECT 42`); return err }},
}

func TestLongStatementIsGivenUpWhenItsAnswerIsLost(t *testing.T) {
	var tests []named
	for _, c := range longStatements {
		for _, what := range []string{"requests", "answers"} {
			tests = append(tests, named{c.doing + ", " + what, func(t *testing.T) {
				p, target := halfOpen(t)
				var x *tx
				if c.tx {
					x = begin(t, target).(*tx)
				}
				p.swallowFrom(c.needle, what)
				err := c.do(t.Context(), target, x)
				wantSilence(t, err, c.doing)
				wantError(t, err, "the server is not at work on the statement")
				p.swallowFrom("", "")
				if x != nil {
					if err := x.Rollback(t.Context()); err != nil {
						t.Fatal(err)
					}
					if n := count5000(t, target); n != 5000 {
						t.Errorf("%d rows are left", n)
					}
				}
				begin(t, target)
			}})
		}
	}
	sideBySide(t, tests)
}

// The server works on, and nobody can ask it.
func TestLongStatementIsGivenUpWhenNobodyAnswers(t *testing.T) {
	p, target := halfOpen(t)
	x := begin(t, target)
	p.swallowFrom("pg_s", "answers") // the statement's own line, and every new one
	p.swallow("answers")
	_, err := x.Run(t.Context(), runbook.Step{SQL: `SELECT pg_sleep(600)`}, nil)
	wantSilence(t, err, "the server has not answered for")
}

// The session is ended on the server, and the line says nothing of it.
func TestLongStatementIsGivenUpWhenItsSessionIsGone(t *testing.T) {
	p, target := halfOpen(t)
	x := begin(t, target)
	p.swallowFrom("pg_sleep", "answers")
	done := make(chan error, 1)
	go func() { // ends with the statement
		_, err := x.Run(context.WithoutCancel(t.Context()), runbook.Step{SQL: `SELECT pg_sleep(600)`}, nil)
		done <- err
	}()
	ctx := limited(t)
	for works := false; !works; {
		var err error
		if works, _, err = target.atWork(ctx, x.(*tx).s); err != nil {
			t.Fatal(err)
		}
	}
	if err := target.EndBackend(ctx, x.ID().PID, x.ID().BackendStart, true); err != nil {
		t.Fatal(err)
	}
	err := <-done
	wantSilence(t, err, "the server has ended the session")
}

// A statement may take as long as it likes: the server is at work on it.
func TestLongStatementIsLeftAlone(t *testing.T) {
	_, target := halfOpen(t)
	x := begin(t, target)
	if _, err := x.Run(t.Context(), runbook.Step{SQL: `SELECT pg_sleep(2)`}, nil); err != nil {
		t.Error(err)
	}
	if got, err := target.Query(t.Context(), `SELECT 42 FROM pg_sleep(2)`); got != "42" {
		t.Errorf("%q, %v", got, err)
	}
}

// Between two statements the session is idle, however long the program takes:
// that is held against neither.
func TestWatchLooksAtOneStatementAtATime(t *testing.T) {
	_, target := halfOpen(t)
	x := begin(t, target).(*tx)
	w := watcher{t: target, s: x.s}
	for end := time.Now().Add(3 * shortExchange); time.Now().Before(end); {
		if err := w.look(t.Context()); err != nil {
			t.Fatalf("no statement is under way: %v", err)
		}
	}
	for end := time.Now().Add(3 * shortExchange); time.Now().Before(end); x.s.flight.Add(2) {
		x.s.flight.Store(x.s.flight.Load() | 1)
		if err := w.look(t.Context()); err != nil {
			t.Fatalf("each time it is another one: %v", err)
		}
	}
	for {
		if err := w.look(t.Context()); err != nil {
			wantSilence(t, err, "not at work")
			return
		}
	}
}

// What is cancelled at its limit by a server that answers keeps its session.
func TestExchangeThatIsNotDoneIsCancelled(t *testing.T) {
	t.Parallel()
	const exchange = 4 * time.Second // within it the session is made, and the cancelling answered
	_, target := halfOpenFor(t, exchange)
	err := target.phase.with(t.Context(), func(s *session) error {
		_, err := s.Exec(t.Context(), `SELECT pg_sleep(600)`)
		if s.IsClosed() {
			t.Error("the session is closed")
		}
		return err
	})
	wantSilence(t, err, "it was not done within "+phases.Span(exchange)+", and was cancelled")
	// And rows of which one is an error end with that error.
	err = target.phase.with(t.Context(), func(s *session) error {
		rows, err := s.Query(t.Context(), `SELECT 1 / (3 - g) FROM generate_series(1, 3) g`)
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		return rows.Err()
	})
	wantError(t, err, "22012")
}
