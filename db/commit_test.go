package db

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// tcpServer is a server that a proxy can stand before, and that keeps prepared
// transactions.
var tcpServer = sync.OnceValues(func() (*sandbox.Server, error) {
	tcpStarted.Store(true)
	return sandbox.Start(context.Background(), sandbox.Options{ListenTCP: true, Settings: map[string]string{"max_prepared_transactions": "5"}})
})

var tcpStarted atomic.Bool

func stopTCPServer() {
	if !tcpStarted.Load() {
		return
	}
	if server, err := tcpServer(); err == nil {
		_ = server.Stop()
	}
}

func TestCommitOutcomeIsNeverGuessed(t *testing.T) {
	pg := func(severity, code string) error {
		return &pgconn.PgError{SeverityUnlocalized: severity, Severity: severity, Code: code}
	}
	for name, c := range map[string]struct {
		tag  string
		err  error
		open bool // the answer's end never came
		want engine.CommitOutcome
	}{
		"committed":                   {tag: "COMMIT", want: engine.Committed},
		"rolled back by the server":   {tag: "ROLLBACK", want: engine.NotCommitted},
		"deferred constraint":         {err: pg("ERROR", "23503"), want: engine.NotCommitted},
		"serialization failure":       {err: pg("ERROR", "40001"), want: engine.NotCommitted},
		"cancelled":                   {err: pg("ERROR", "57014"), want: engine.NotCommitted},
		"an error, and no end":        {err: pg("ERROR", "23503"), open: true, want: engine.CommitInDoubt},
		"ended by an administrator":   {err: pg("FATAL", "57P01"), want: engine.CommitInDoubt},
		"crash":                       {err: pg("WARNING", "57P02"), want: engine.CommitInDoubt},
		"starting up":                 {err: pg("FATAL", "57P03"), want: engine.CommitInDoubt},
		"connection failure":          {err: pg("ERROR", "08006"), want: engine.CommitInDoubt},
		"completion unknown":          {err: pg("ERROR", "40003"), want: engine.CommitInDoubt},
		"internal error":              {err: pg("ERROR", "XX000"), want: engine.CommitInDoubt},
		"any error that ends session": {err: pg("FATAL", "53100"), want: engine.CommitInDoubt},
		"network":                     {err: io.ErrUnexpectedEOF, want: engine.CommitInDoubt},
		"deadline":                    {err: context.DeadlineExceeded, want: engine.CommitInDoubt},
		"an unknown tag":              {tag: "SELECT 1", want: engine.CommitInDoubt},
		"no tag":                      {want: engine.CommitInDoubt},
	} {
		got := commitOutcome(c.tag, c.err, !c.open)
		if got.Outcome != c.want || (got.Err == nil) != (c.want == engine.Committed) {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

// doubtful is a phase that has written its ledger row, behind a proxy. more is SQL
// that its database is made with.
func doubtful(t *testing.T, more ...string) (*proxy, *Target, engine.Tx, phases.CommitIntent) {
	t.Helper()
	server, err := tcpServer()
	if err != nil {
		t.Fatal(err)
	}
	direct := server.NewDatabase(t)
	exec(t, connect(t, direct), bulk+strings.Join(more, ";"))
	p := newProxy(t, server.Port())
	target := open(t, server.TCPDSN("127.0.0.1", p.port(), databaseName(t, direct)), book("t"))
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	x := begin(t, target)
	remove(t, x, runbook.Step{Delete: "t"})
	intent := intend(t, target, x)
	if err := x.WriteLedger(limited(t), intent); err != nil {
		t.Fatal(err)
	}
	return p, target, x, intent
}

func settle(t *testing.T, target *Target, intent phases.CommitIntent, want engine.SettleOutcome) engine.Settlement {
	t.Helper()
	got, err := target.Settle(limited(t), intent)
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcome != want || got.Detail == "" {
		t.Fatalf("settled as %+v, want %s", got, want)
	}
	return got
}

// settleInTheEnd looks until the transaction has ended, as the engine does.
func settleInTheEnd(t *testing.T, target *Target, intent phases.CommitIntent, want engine.SettleOutcome) {
	t.Helper()
	ctx := limited(t)
	for {
		got, err := target.Settle(ctx, intent)
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != engine.SettleInProgress {
			if got.Outcome != want {
				t.Fatalf("settled as %+v, want %s", got, want)
			}
			return
		}
	}
}

// commitWhile sends COMMIT, and cuts the line when the proxy has swallowed something.
func commitWhile(t *testing.T, p *proxy, x engine.Tx, swallow string) {
	t.Helper()
	p.swallow(swallow)
	done := make(chan engine.CommitResult, 1)
	go func() { done <- x.Commit(context.Background()) }() // ends with the line
	<-p.seen
	p.cut("client")
	if r := <-done; r.Outcome != engine.CommitInDoubt || r.Err == nil {
		t.Fatalf("COMMIT without an answer: %+v", r)
	}
}

// The server commits; its answer never arrives.
func TestAnswerToCommitIsLost(t *testing.T) {
	p, target, x, intent := doubtful(t)
	commitWhile(t, p, x, "answers")
	settleInTheEnd(t, target, intent, engine.SettledCommitted)
}

// A program that was stopped in a hold finds its session ended by the server: what it
// then sends is in doubt, and settles as not committed.
func TestAHoldThatStoodIdle(t *testing.T) {
	_, target, x, intent := doubtful(t)
	if err := x.Hold(limited(t), 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	s := x.(*tx).s
	if got := query[string](t, s.conn, `SHOW idle_in_transaction_session_timeout`); got != "3min" {
		t.Errorf("the server ends an idle hold after %s", got)
	}
	if err := x.Hold(limited(t), 1<<62); err != nil {
		t.Errorf("a hold without end: %v", err)
	}
	exec(t, s.conn, `SET LOCAL idle_in_transaction_session_timeout = '1ms'`)
	server, err := tcpServer()
	if err != nil {
		t.Fatal(err)
	}
	admin := connect(t, server.DSN("postgres"))
	for query[bool](t, admin, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)`, s.pid) {
	}
	if r := x.Commit(limited(t)); r.Outcome != engine.CommitInDoubt || r.Err == nil {
		t.Errorf("COMMIT in a session that the server has ended: %+v", r)
	}
	settleInTheEnd(t, target, intent, engine.SettledNotCommitted)
}

// The line is cut between the server's error and the word that no transaction is
// open any more, which comes behind it.
func TestHalfAnAnswerToCommit(t *testing.T) {
	p, target, x, intent := doubtful(t, `CREATE TABLE u (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED); INSERT INTO u VALUES (1)`)
	p.cutBehind("C23503\x00")
	if r := x.Commit(limited(t)); r.Outcome != engine.CommitInDoubt || r.Err == nil {
		t.Fatalf("COMMIT with half an answer: %+v", r)
	}
	settleInTheEnd(t, target, intent, engine.SettledNotCommitted)
}

// COMMIT never reaches the server, which keeps the dead client's session.
func TestCommitIsLost(t *testing.T) {
	p, target, x, intent := doubtful(t)
	commitWhile(t, p, x, "requests")
	settle(t, target, intent, engine.SettleInProgress)
	if err := target.EndBackend(limited(t), intent.Tx.PID, intent.Tx.BackendStart, true); err != nil {
		t.Fatal(err)
	}
	settleInTheEnd(t, target, intent, engine.SettledNotCommitted)
	if n := count5000(t, target); n != 5000 {
		t.Errorf("not committed, and %d rows are left", n)
	}
}

// The line is cut before anybody says COMMIT: that is not a doubt.
func TestLineIsCutBeforeCommit(t *testing.T) {
	p, target, x, intent := doubtful(t)
	p.cut("client")
	if _, err := countOf(limited(t), x, "t", ""); err == nil {
		t.Fatal("the line is not cut")
	}
	if r := x.Commit(limited(t)); r.Outcome != engine.NotCommitted {
		t.Errorf("COMMIT that was never sent: %+v", r)
	}
	p.cut("server")
	settleInTheEnd(t, target, intent, engine.SettledNotCommitted)
}

func count5000(t *testing.T, target *Target) int {
	t.Helper()
	got, err := target.Query(limited(t), `SELECT count(*) FROM t`)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range got {
		n = n*10 + int(r-'0')
	}
	return n
}

// The server crashes with the transaction open, and gives its ID out again.
func TestCrashBeforeCommit(t *testing.T) {
	server, err := sandbox.Start(limited(t), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	target := open(t, server.DSN("postgres"), book("t"))
	exec(t, connect(t, server.DSN("postgres")), bulk)
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	x := begin(t, target)
	intent := intend(t, target, x)
	if err := x.WriteLedger(limited(t), intent); err != nil {
		t.Fatal(err)
	}
	if err := server.Crash(); err != nil {
		t.Fatal(err)
	}
	if _, err := target.Settle(limited(t), intent); err == nil {
		t.Error("a server that is down settles something")
	}
	if err := server.Restart(limited(t)); err != nil {
		t.Fatal(err)
	}
	exec(t, connect(t, server.DSN("postgres")), `CREATE TABLE takes_the_id (id int)`)
	settle(t, target, intent, engine.SettledNotCommitted)
}

func TestSettleWhatNobodyCanKnow(t *testing.T) {
	dsn := database(t, bulk)
	target := open(t, dsn, book("t"))
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	x := begin(t, target)
	intent := intend(t, target, x)
	if err := x.WriteLedger(limited(t), intent); err != nil {
		t.Fatal(err)
	}
	if err := x.Rollback(limited(t)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*phases.CommitIntent){
		"another cluster":  func(i *phases.CommitIntent) { i.Identity.SystemIdentifier = "1" },
		"another timeline": func(i *phases.CommitIntent) { i.Identity.Timeline++ },
		"another database": func(i *phases.CommitIntent) { i.Identity.DatabaseOID++ },
		"no ledger":        func(i *phases.CommitIntent) { i.Ledger = false },
	} {
		t.Run(name, func(t *testing.T) {
			i := intent
			change(&i)
			settle(t, target, i, engine.SettleUnknowable)
		})
	}
	unseen := intent
	unseen.Identity.SystemIdentifier, unseen.Identity.Timeline = "", 0
	wantPart(t, settle(t, target, unseen, engine.SettledNotCommitted).Detail, "may not read the server's system identifier and timeline")
	settle(t, target, intent, engine.SettledNotCommitted)

	conn := connect(t, dsn)
	exec(t, conn, `INSERT INTO tminus.ledger VALUES ('run-1', 'phase-1', 2, 'another nonce', '7', 'x', 'y')`)
	wantPart(t, settle(t, target, intent, engine.SettleUnknowable).Detail, "another attempt was committed")
	exec(t, conn, `DROP TABLE tminus.ledger`)
	settle(t, target, intent, engine.SettleUnknowable)
	exec(t, conn, `DROP SCHEMA tminus`)
	settle(t, target, intent, engine.SettleUnknowable)
}

// An open transaction is in progress, also for a role that may not see the
// session; and a pid that came to another session is not.
func TestSettleSeesAnOpenTransactionWithoutRights(t *testing.T) {
	dsn := database(t, bulk+`CREATE ROLE blind LOGIN`)
	dropRole(t, dsn, "blind")
	target := open(t, dsn, book("t"))
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	exec(t, connect(t, dsn), `GRANT USAGE ON SCHEMA tminus TO blind; GRANT SELECT ON tminus.ledger TO blind`)
	x := begin(t, target)
	intent := intend(t, target, x)
	blind := open(t, asUser(t, dsn, "blind"), book("t"))
	settle(t, blind, intent, engine.SettleInProgress)
	intent.Tx.BackendStart = intent.Tx.BackendStart.Add(-time.Second)
	settle(t, target, intent, engine.SettledNotCommitted)
}

func TestNoPhaseCommitsTwice(t *testing.T) {
	target := open(t, database(t, bulk), book("t"))
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		x := begin(t, target)
		err := x.WriteLedger(limited(t), intend(t, target, x))
		if i == 1 {
			wantError(t, err, "23505")
			return
		}
		if r := x.Commit(limited(t)); err != nil || r.Outcome != engine.Committed {
			t.Fatal(err, r)
		}
		if err := x.WriteLedger(limited(t), phases.CommitIntent{}); !errors.Is(err, ErrTxDone) {
			t.Errorf("after COMMIT: %v", err)
		}
	}
}

func TestLedgerThatProvesNothingIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ sql, want string }{
		"unlogged":        {`CREATE SCHEMA tminus; ` + createLedger + `; ALTER TABLE tminus.ledger SET UNLOGGED`, "would not outlive a crash"},
		"a view":          {`CREATE SCHEMA tminus; CREATE VIEW tminus.ledger AS SELECT 1`, "not an ordinary"},
		"without a key":   {`CREATE SCHEMA tminus; CREATE TABLE tminus.ledger (run_id text, phase text)`, "primary key"},
		"with a trigger":  {`CREATE SCHEMA tminus; ` + createLedger + `; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER x BEFORE INSERT ON tminus.ledger FOR EACH ROW EXECUTE FUNCTION f()`, "proves nothing"},
		"too few columns": {`CREATE SCHEMA tminus; ` + createLedger + `; ALTER TABLE tminus.ledger DROP COLUMN nonce`, "lacks columns: nonce text"},
	} {
		t.Run(name, func(t *testing.T) {
			err := open(t, database(t, c.sql), book()).Prepare(limited(t))
			wantError(t, err, c.want)
			wantError(t, err, "ledger: none")
		})
	}
}

func TestPrepare(t *testing.T) {
	dsn := database(t, `CREATE ROLE weak LOGIN`)
	dropRole(t, dsn, "weak")
	weak := open(t, asUser(t, dsn, "weak"), book())
	err := weak.Prepare(limited(t))
	wantError(t, err, "ledger: none")
	wantError(t, err, "42501")
	without := book()
	without.Ledger = false
	if err := open(t, asUser(t, dsn, "weak"), without).Prepare(limited(t)); err != nil {
		t.Errorf("ledger: none: %v", err)
	}
	for range 2 {
		if err := open(t, dsn, book()).Prepare(limited(t)); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, weak.Prepare(limited(t)), "no USAGE on schema tminus")
	exec(t, connect(t, dsn), `GRANT USAGE ON SCHEMA tminus TO weak; GRANT SELECT, INSERT ON tminus.ledger TO weak`)
	if err := weak.Prepare(limited(t)); err != nil {
		t.Errorf("with the rights: %v", err)
	}
}
