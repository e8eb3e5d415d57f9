package putback_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/putback"
	"tminus/db/sandbox"
)

// spare are databases and a superuser's sessions that a test has done with: to
// make one takes as long as most tests take.
var spare struct {
	sync.Mutex
	made      int
	databases []string
	sessions  map[string][]*pgx.Conn // by database
}

func init() { spare.sessions = map[string][]*pgx.Conn{} }

// with gives a database with this in it.
func with(t testing.TB, sql string) string {
	t.Helper()
	spare.Lock()
	var dsn string
	if n := len(spare.databases); n > 0 {
		dsn, spare.databases = spare.databases[n-1], spare.databases[:n-1]
	}
	spare.made++
	n := spare.made
	spare.Unlock()
	if dsn == "" {
		s := sandbox.ForTest(t)
		name := fmt.Sprintf("putback_%d", n)
		if err := s.CreateDatabase(limited(t), name, ""); err != nil {
			t.Fatal(err)
		}
		dsn = s.DSN(name)
	}
	t.Cleanup(func() { clear(t, dsn) })
	public(t, dsn, sql)
	return dsn
}

// clear empties a database, and keeps it for another test.
func clear(t testing.TB, dsn string) {
	t.Helper()
	s := connect(t, dsn, "")
	exec(t, s, `SET client_min_messages = warning; SET search_path = public; DO $$ DECLARE r record; BEGIN
		FOR r IN SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP EXECUTE format('DROP SCHEMA %I CASCADE', r.nspname); END LOOP;
		CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC; END $$`)
	s.Close(limited(t))
	spare.Lock()
	defer spare.Unlock()
	spare.databases = append(spare.databases, dsn)
}

// session is a connection as a run has them.
type session struct {
	*pgx.Conn
	dsn    string
	shared bool // it is a superuser's, and may be another test's after this one
	once   *sync.Once
}

var _ putback.Conn = session{}

func (s session) CopyFrom(ctx context.Context, r io.Reader, sql string) (pgconn.CommandTag, error) {
	return s.PgConn().CopyFrom(ctx, r, sql)
}

func (s session) CopyTo(ctx context.Context, w io.Writer, sql string) (pgconn.CommandTag, error) {
	return s.PgConn().CopyTo(ctx, w, sql)
}

// Close gives the session up.
func (s session) Close(ctx context.Context) {
	s.once.Do(func() {
		if s.shared && !s.IsClosed() && s.PgConn().TxStatus() == 'I' {
			if _, err := s.PgConn().Exec(ctx, "DISCARD ALL").ReadAll(); err == nil {
				spare.Lock()
				defer spare.Unlock()
				spare.sessions[s.dsn] = append(spare.sessions[s.dsn], s.Conn)
				return
			}
		}
		_ = s.Conn.Close(ctx) // whatever comes of it, it is closed
	})
}

// limited is a context that ends well after any honest answer.
func limited(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// connect gives a session as a run has them, as a role unless that is empty.
func connect(t testing.TB, dsn, role string) session {
	t.Helper()
	s := session{dsn: dsn, shared: role == "", once: &sync.Once{}}
	if s.shared {
		spare.Lock()
		if n := len(spare.sessions[dsn]); n > 0 {
			s.Conn, spare.sessions[dsn] = spare.sessions[dsn][n-1], spare.sessions[dsn][:n-1]
		}
		spare.Unlock()
	}
	if s.Conn == nil {
		cfg, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // as db has it
		if role != "" {
			cfg.User = role
		}
		if s.Conn, err = pgx.ConnectConfig(limited(t), cfg); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	exec(t, s, `SET search_path = pg_catalog, pg_temp; SET row_security = off; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = postgres; SET TimeZone = 'UTC'; SET extra_float_digits = 1; SET bytea_output = hex; SET lc_monetary = 'C'; SET lock_timeout = '20s'`)
	return s
}
