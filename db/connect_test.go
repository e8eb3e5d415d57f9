package db

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/sandbox"
	"tminus/phases/engine"
)

func TestOpenPutsSessionsInArmour(t *testing.T) {
	dsn := database(t, `CREATE ROLE careless LOGIN SUPERUSER;
		ALTER ROLE careless SET synchronous_commit = off;
		ALTER ROLE careless SET statement_timeout = '2s';
		ALTER ROLE careless SET idle_in_transaction_session_timeout = '3s';
		ALTER ROLE careless SET row_security = on;
		ALTER ROLE careless SET DateStyle = 'German';
		ALTER ROLE careless SET search_path = 'elsewhere'`)
	dropRole(t, dsn, "careless")
	target := open(t, asUser(t, dsn, "careless"), book())
	want := map[string]string{
		"synchronous_commit": "on", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0",
		"row_security": "off", "datestyle": "ISO, MDY", "search_path": basePath, "timezone": "UTC",
		"application_name": "tminus maria@dba1", "client_encoding": "UTF8",
	}
	err := target.phase.with(limited(t), func(s *session) error {
		for name, value := range want {
			if got := query[string](t, s.conn, `SELECT current_setting($1)`, name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenKeepsAStrongerSynchronousCommit(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	name := databaseName(t, dsn)
	exec(t, connect(t, dsn), `ALTER DATABASE `+name+` SET synchronous_commit = remote_apply`)
	target := open(t, dsn, book())
	x := begin(t, target).(*tx)
	if got := query[string](t, x.s.conn, `SHOW synchronous_commit`); got != "remote_apply" {
		t.Errorf("synchronous_commit is %s", got)
	}
}

func TestOpenRefusesReplicationRole(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	exec(t, connect(t, dsn), `ALTER DATABASE `+databaseName(t, dsn)+` SET session_replication_role = replica`)
	_, err := Open(limited(t), Config{DSN: dsn, Runbook: book()})
	wantError(t, err, "session_replication_role is replica")
}

func TestConnectErrorsSayWhatToDoAndHoldNoPassword(t *testing.T) {
	server := sandbox.ForTest(t)
	const secret = "s3cr3t-pa55"
	for name, c := range map[string]struct{ dsn, want string }{
		"not a DSN":         {"postgres://u:" + secret + "@[::1:5432/db", "cannot be understood"},
		"bad key=value":     {"host=x password='" + secret, "cannot be understood"},
		"bad port":          {"postgres://u:" + secret + "@h:notaport/db", "cannot be understood"},
		"no such database":  {server.DSN("nowhere") + " password=" + secret, "there is no such database"},
		"no such user":      {server.DSN("postgres") + " user=nobody_here password=" + secret, "user"},
		"nobody listens":    {"host=127.0.0.1 port=1 user=u dbname=d password=" + secret, "nobody listens at 127.0.0.1:1; see whether the server runs"},
		"no socket":         {"host=/nonexistent user=u dbname=d password=" + secret, "there is no socket /nonexistent/.s.PGSQL.5432; see whether"},
		"no such host":      {"host=nowhere.invalid user=u dbname=d password=" + secret, "nowhere.invalid"},
		"wrong sslmode":     {"host=h sslmode=perhaps password=" + secret, "cannot be understood"},
		"password in a URL": {"postgres://u:" + secret + "@127.0.0.1:1/d", "see whether the server runs"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(limited(t), Config{DSN: c.dsn, Operator: operator, Runbook: book()})
			wantError(t, err, c.want)
			for _, words := range append(driverWords, "failed to connect", "lookup ", "hostname resolving", "tls error", "x509") {
				if strings.Contains(err.Error(), words) {
					t.Errorf("%q is in: %v", words, err)
				}
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(e.Error(), secret) {
					t.Errorf("the password is in %T: %v", e, e)
				}
			}
		})
	}
}

// A server that takes connections and never says a word.
func TestConnectTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Open(limited(t), Config{
		DSN:     "postgres://u@" + l.Addr().String() + "/d?sslmode=disable",
		Runbook: book(), ConnectTimeout: 50 * time.Millisecond,
	})
	wantError(t, err, "as u: no answer within ")
}

func TestIdentity(t *testing.T) {
	dsn := database(t, `CREATE ROLE plain LOGIN`)
	dropRole(t, dsn, "plain")
	id, err := open(t, dsn, book()).Identity(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	if id.SystemIdentifier == "" || id.Timeline != 1 || id.DatabaseOID == 0 || id.Database != databaseName(t, dsn) || id.ServerStart.IsZero() {
		t.Errorf("identity %+v", id)
	}
	other, err := open(t, asUser(t, dsn, "plain"), book()).Identity(limited(t))
	if err != nil || !id.Same(other) || other.User != "plain" {
		t.Errorf("another role sees %+v, %v", other, err)
	}
}

func TestOneOperator(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	first, second := open(t, dsn, book()), open(t, dsn, book())
	if err := first.Lock(limited(t)); err != nil {
		t.Fatal(err)
	}
	if err := first.Lock(limited(t)); err != nil {
		t.Errorf("taking it again: %v", err)
	}
	err := second.Lock(limited(t))
	locked, ok := errors.AsType[*engine.LockedError](err)
	if !ok {
		t.Fatalf("the second operator got %v", err)
	}
	if locked.Holder.PID != first.lock.pid || locked.Holder.Application != "tminus maria@dba1" || locked.Holder.BackendStart.IsZero() {
		t.Errorf("held by %+v", locked.Holder)
	}
	if err := first.LockHeld(limited(t)); err != nil {
		t.Errorf("held: %v", err)
	}
	// The holder's program is dead, and its backend gets ended.
	if err := second.EndBackend(limited(t), locked.Holder.PID, locked.Holder.BackendStart, true); err != nil {
		t.Fatal(err)
	}
	ctx := limited(t)
	for err := second.Lock(ctx); err != nil; err = second.Lock(ctx) {
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if err := first.LockHeld(limited(t)); !errors.Is(err, ErrLockLost) {
		t.Errorf("the first operator's lock: %v", err)
	}
}

func TestEndBackendTakesNoOtherSession(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	target, victim := open(t, dsn, book()), connect(t, dsn)
	pid := victim.PgConn().PID()
	start := query[time.Time](t, victim, `SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()`)
	err := target.EndBackend(limited(t), pid, start.Add(-time.Second), true)
	wantError(t, err, "another session by now")
	exec(t, victim, `SELECT 1`)
	wantError(t, target.EndBackend(limited(t), 1<<30, start, true), "no such session")
	if err := target.EndBackend(limited(t), pid, start, true); err != nil {
		t.Fatal(err)
	}
	if err := victim.Ping(limited(t)); err == nil {
		t.Error("the session lives on")
	}
}

// A connection limit of 0 keeps an owner who is no superuser out: the sessions
// that a run needs are open by then, and stay open between phases.
func TestPhasesBeginUnderAConnectionLimitOfZero(t *testing.T) {
	dsn := database(t, `CREATE ROLE owner LOGIN; CREATE TABLE t (id int); ALTER TABLE t OWNER TO owner`)
	name := databaseName(t, dsn)
	exec(t, connect(t, dsn), `ALTER DATABASE `+name+` OWNER TO owner`)
	dropRole(t, dsn, "owner")
	target := open(t, asUser(t, dsn, "owner"), book("t"))
	exec(t, connect(t, dsn), `ALTER DATABASE `+name+` CONNECTION LIMIT 0`)
	for range 2 {
		x := begin(t, target)
		if r := x.Commit(limited(t)); r.Outcome != engine.Committed {
			t.Fatal(r)
		}
		if err := begin(t, target).Rollback(limited(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSessionsThatDieAreReplaced(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	target := open(t, dsn, book())
	exec(t, connect(t, dsn), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tminus%'`)
	if _, err := target.Identity(limited(t)); err != nil {
		t.Errorf("identity: %v", err)
	}
	if got, err := target.Query(limited(t), `SELECT 42`); got != "42" {
		t.Errorf("query: %q %v", got, err)
	}
	begin(t, target)
}

func TestClosedTarget(t *testing.T) {
	target := open(t, database(t, `SELECT 1`), book())
	target.Close()
	target.Close()
	if _, err := target.Identity(limited(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", part)
	}
	if !strings.Contains(err.Error(), part) {
		t.Errorf("%q is not in: %v", part, err)
	}
	if strings.ContainsAny(err.Error(), "\n\t") {
		t.Errorf("more than one line: %q", err.Error())
	}
}

// asUser is the DSN with another user; the sandbox asks for no password.
func asUser(t *testing.T, dsn, user string) string {
	t.Helper()
	return dsn + " user=" + user
}

func databaseName(t *testing.T, dsn string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Database
}

// dropRole takes a test's role away again: roles belong to the whole server.
func dropRole(t *testing.T, dsn, role string) {
	t.Helper()
	t.Cleanup(func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, `REASSIGN OWNED BY `+role+` TO postgres; DROP OWNED BY `+role+`; DROP ROLE `+role); err != nil {
			t.Error(err)
		}
	})
}
