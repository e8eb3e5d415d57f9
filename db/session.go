package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"

	"tminus/db/capsule"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

const (
	oldestVersion   = 130000 // pg_current_xact_id and pg_trigger.tgparentid
	tidRangeVersion = 140000 // Tid Range Scan

	connectTimeout = 10 * time.Second
	// cancelPatience is how long the server gets to answer a cancel request
	// before the connection is given up.
	cancelPatience = 5 * time.Second
	// closePatience bounds a goodbye to the server.
	closePatience = 2 * time.Second
	// rollbackPatience bounds a ROLLBACK; then the connection is closed, which
	// makes the server roll back as well.
	rollbackPatience = 10 * time.Second
)

// Config is where to connect, and for whom.
type Config struct {
	// DSN is a connection URL or key=value string. Empty: PG* variables,
	// service file and password file alone, as libpq reads them.
	DSN string
	// Operator is shown to others in pg_stat_activity and in the ledger.
	Operator phases.Operator
	// Runbook names the tables. Required.
	Runbook *runbook.Runbook
	// ConnectTimeout bounds one attempt to connect; 0 means 10s.
	ConnectTimeout time.Duration
	// Exchange bounds each exchange with the server that it answers at once:
	// settings, looks at the catalog, locks, the ledger. 0 means 20s. A
	// statement that may take hours is given up when the server has been done
	// with it for as long, or answers nobody for three times as long.
	Exchange time.Duration
	// Sandbox starts a throwaway server with its files below a directory, or
	// where temporary files are. Nil: no backup can be tried in one.
	Sandbox func(ctx context.Context, directory string) (Sandbox, error)
	// Identity is the file with the key that opens encrypted capsules. Empty: only
	// plain ones are put back.
	Identity string
}

// Target is a database. Open makes one; the zero value is not usable.
type Target struct {
	book     *runbook.Runbook
	operator phases.Operator
	conn     *pgx.ConnConfig // copied for every session, never changed
	exchange time.Duration
	version  int
	sandbox  func(ctx context.Context, directory string) (Sandbox, error)

	identities []age.Identity // that open capsules

	control *pool // answers while a phase runs: blockers, identity
	checks  *pool
	phase   *pool // kept open between phases: a connection limit of 0 may be set meanwhile
	guests  *pool // sessions that come and go, one after the other

	printed printed // what the concerned tables were like when that was asked last

	mu   sync.Mutex     // guards what follows
	back []runbook.Step // whose capsules were put back by PutBack, in this order
	live map[*session]struct{}
	left map[int32]time.Time // pids of sessions that were closed, and when

	connecting atomic.Int32 // sessions on their way into live
	closed     bool

	lockMu sync.Mutex // guards lock
	lock   *session   // holds the operator lock; nil before Lock
}

var _ engine.Target = (*Target)(nil)

// session is one connection in armour. Statements go through its own methods,
// which bound them, or through long, which watches them.
type session struct {
	conn     *pgx.Conn
	wire     io.Reader // what the driver reads from: it may have read ahead, on a goroutine of its own
	pid      uint32    // as the server knows it
	started  time.Time
	exchange time.Duration
	flight   atomic.Int64 // odd while a statement without a limit is under way
	own      surroundings // what the role has in this database by itself
	warned   []string     // the server's warnings since they were last taken, the first few
}

// mostWarnings is how many of them a session keeps.
const mostWarnings = 20

// warn takes a notice of the server's. It is called by the driver, in the
// goroutine that uses the session.
func (s *session) warn(n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" && len(s.warned) < mostWarnings {
		text := clean(n.Message)
		if n.Detail != "" && !tellsRows(n.Code) {
			text += ": " + clean(n.Detail)
		}
		s.warned = append(s.warned, text)
	}
}

// Open connects, refuses what cannot be worked with (a pooler that shares
// sessions, a server before 13), and keeps sessions ready for checks and
// phases. A server in recovery opens: the check database.writable tells.
func Open(ctx context.Context, cfg Config) (*Target, error) {
	if cfg.Runbook == nil {
		return nil, failf("connect", "", "", errors.New("no runbook was given"))
	}
	conn, err := parseConfig(cfg)
	if err != nil {
		return nil, err
	}
	t := newTarget(cfg, conn)
	if cfg.Identity != "" {
		if t.identities, err = capsule.Identities(cfg.Identity); err != nil {
			return nil, err
		}
	}
	if err := t.meet(ctx); err != nil {
		err = t.tooFew(ctx, err)
		t.Close()
		return nil, err
	}
	return t, nil
}

// newTarget is a Target that has not connected yet.
func newTarget(cfg Config, conn *pgx.ConnConfig) *Target {
	t := &Target{book: cfg.Runbook, operator: cfg.Operator, conn: conn, exchange: cfg.exchange(), sandbox: cfg.Sandbox, live: map[*session]struct{}{}, left: map[int32]time.Time{}}
	t.control = newPool(3, t.open)
	t.checks = newPool(3, t.open)
	t.phase = newPool(1, t.open)
	t.guests = newPool(1, t.open)
	return t
}

func (c Config) exchange() time.Duration {
	if c.Exchange <= 0 {
		return exchangeLimit
	}
	return c.Exchange
}

// cancelDelay is how long the server gets to answer a cancel request.
func (c Config) cancelDelay() time.Duration { return min(cancelPatience, c.exchange()/2) }

// meet makes sure that the server is one to work with, and opens what a run
// will need while it still can.
func (t *Target) meet(ctx context.Context) error {
	err := t.control.with(ctx, func(s *session) error {
		err := s.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&t.version)
		if err != nil {
			return fail(ctx, "connect", t.host(), err)
		}
		if t.version < oldestVersion {
			return failf("connect", t.host(), "upgrade the server, or run the maintenance by hand",
				fmt.Errorf("PostgreSQL %d is too old: 13 is the oldest that works", t.version/10000))
		}
		return t.refusePooler(ctx, s)
	})
	if err != nil {
		return err
	}
	for _, p := range []*pool{t.checks, t.phase} {
		if err := p.with(ctx, func(*session) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// parseConfig reads the connection settings. A string that can't be parsed is
// never shown: it may hold a password in any place.
func parseConfig(cfg Config) (*pgx.ConnConfig, error) {
	conn, err := pgx.ParseConfig(cfg.DSN)
	if err != nil {
		hint := "write postgres://user@host:5432/database or host=… port=… user=… dbname=…, and keep the password in PGPASSWORD or ~/.pgpass"
		if cfg.DSN == "" {
			hint = "look at the PG* variables, the service file and the password file"
		}
		return nil, failf("read the connection settings", "", hint,
			errors.New("they cannot be understood; they are not shown here, since they may hold a password"))
	}
	conn.ConnectTimeout = cfg.ConnectTimeout
	if conn.ConnectTimeout <= 0 {
		conn.ConnectTimeout = connectTimeout
	}
	dialer := &net.Dialer{
		Timeout: conn.ConnectTimeout,
		// A dead network must not look like a slow DELETE for long.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4},
	}
	dialer.ControlContext = boundUnacknowledged
	conn.DialFunc = dialer.DialContext
	// Unnamed statements: they work through session poolers, and no cached
	// plan outlives an ALTER TABLE.
	conn.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn.StatementCacheCapacity = 0
	conn.DescriptionCacheCapacity = 0
	conn.BuildContextWatcherHandler = func(pc *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pc, DeadlineDelay: cfg.cancelDelay()}
	}
	conn.RuntimeParams["application_name"] = applicationName(cfg.Operator)
	conn.RuntimeParams["client_encoding"] = "UTF8"
	if style := os.Getenv("PGDATESTYLE"); style != "" && conn.RuntimeParams["datestyle"] == "" {
		conn.RuntimeParams["datestyle"] = style // libpq reads it, the driver does not
	}
	return conn, nil
}

// applicationName fits the 63 bytes that PostgreSQL keeps, and its ASCII.
func applicationName(o phases.Operator) string {
	out := []byte("tminus " + o.String())
	for i, b := range out {
		if b < ' ' || b > '~' {
			out[i] = '?'
		}
	}
	if len(out) > 63 {
		out = out[:63]
	}
	return string(out)
}

func (t *Target) host() string {
	return fmt.Sprintf("database %s on %s:%d as %s", t.conn.Database, t.conn.Host, t.conn.Port, t.conn.User)
}

// open connects a new session and puts it in armour.
func (t *Target) open(ctx context.Context) (*session, error) {
	t.mu.Lock()
	closed := t.closed
	t.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	// The other half of the limit is for the request to cancel what gets no answer.
	inner, cancel := context.WithTimeoutCause(ctx, t.conn.ConnectTimeout+t.exchange/2, ErrNoAnswer)
	defer cancel()
	began := time.Now()
	s := &session{exchange: t.exchange}
	cfg := t.conn.Copy()
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { s.warn(n) }
	build := cfg.BuildFrontend
	cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		s.wire = r
		return build(r, w)
	}
	t.connecting.Add(1) // until it is in live: others see it before we know its pid
	defer t.connecting.Add(-1)
	conn, err := pgx.ConnectConfig(inner, cfg)
	if err != nil {
		return nil, connectError(ctx, t.host(), err, time.Since(began))
	}
	s.conn = conn
	if err := s.armour(inner); err != nil {
		closeConn(conn)
		return nil, fail(ctx, "prepare a session on", t.host(), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		closeConn(conn)
		return nil, ErrClosed
	}
	t.live[s] = struct{}{}
	for old := range t.live { // a session that broke without anybody's noticing
		// Others use it meanwhile: IsClosed is theirs alone to ask, the channel is not.
		select {
		case <-old.PgConn().CleanupDone():
			delete(t.live, old)
		default:
		}
	}
	return s, nil
}

// connectError drops the driver's wrapping, which carries the whole
// configuration and says the same of every address it tried.
func connectError(ctx context.Context, host string, err error, took time.Duration) error {
	hint := "see whether the server runs and whether host, port and firewall are right"
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return &Error{Op: "connect to", Subject: host, Hint: hints[pg.Code], Err: pg}
	}
	if ce, ok := errors.AsType[*pgconn.ConnectError](err); ok && ce.Unwrap() != nil {
		err = ce.Unwrap()
	}
	if timedOut(err) {
		err = silence{"no answer within " + phases.Span(took)}
	} else {
		err = noSession(ctx, err)
	}
	return failf("connect to", host, hint, err)
}

// shortWait is how long a session waits for a lock in passing.
const shortWait = 5 * time.Second

// sessionSettings hold in every session, with the program's surroundings. Those a
// server does not know are left out.
const sessionSettings = `
SELECT set_config(w.name, w.setting, false) FROM pg_catalog.pg_settings s JOIN (SELECT name, setting FROM ` + surroundingItems + ` UNION ALL VALUES
	('row_security', 'off'),
	('synchronous_commit', CASE pg_catalog.current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END),
	('statement_timeout', '0'),
	('lock_timeout', '5s'), -- shortWait
	('idle_in_transaction_session_timeout', '0'),
	('idle_session_timeout', '0'),
	('transaction_timeout', '0'),
	('default_transaction_isolation', 'read committed'),
	('default_transaction_deferrable', 'off'),
	('tcp_keepalives_idle', '15'),
	('tcp_keepalives_interval', '5'),
	('tcp_keepalives_count', '4'),
	('tcp_user_timeout', '30s'),
	('extra_float_digits', '1'),
	('bytea_output', 'hex'),
	('xmlbinary', 'base64'),
	('xmloption', 'content'), -- a column may hold what document refuses
	('array_nulls', 'on'), -- else the NULL of an array is read back as that word
	('lc_messages', 'C'),
	('standard_conforming_strings', 'on'),
	('quote_all_identifiers', 'off')
) AS w(name, setting) ON s.name = w.name
WHERE w.name <> 'lc_messages' OR pg_catalog.current_setting('is_superuser')::bool`

// armour pins what a run relies on, and looks who the session is.
func (s *session) armour(ctx context.Context) error {
	asked := s.asked()
	if _, err := s.Exec(ctx, sessionSettings, surroundingNames, []string(programs)); err != nil {
		return err
	}
	// It lets the server notice a dead client in the middle of a statement.
	// Not every platform and no server before 14 has it.
	_, err := s.Exec(ctx, `SET client_connection_check_interval = '2s'`)
	if err != nil && s.IsClosed() {
		return err
	}
	var role string
	err = s.QueryRow(ctx, `SELECT pg_backend_pid(),
		coalesce((SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()), 'epoch'),
		current_setting('session_replication_role'), `+ownQuery, surroundingNames).
		Scan(&s.pid, &s.started, &role, (*[]string)(&s.own))
	if err != nil {
		return err
	}
	if len(s.own) != len(surroundingNames) {
		return fmt.Errorf("the server tells %d of the settings %s", len(s.own), strings.Join(surroundingNames, ", "))
	}
	for i, style := range asked {
		if style != "" {
			s.own[i] = style
		}
	}
	if role != "origin" {
		return failf("prepare", "a session", "take session_replication_role off the role and the database: foreign keys and triggers would not fire",
			fmt.Errorf("session_replication_role is %s, not origin", clean(role)))
	}
	return nil
}

// usable reports whether the session can be given to the next one who asks.
func (s *session) usable() bool { return !s.IsClosed() && s.PgConn().TxStatus() == 'I' }

// release ends a session.
func (t *Target) release(s *session) {
	closeConn(s.conn)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.live, s)
	for pid, at := range t.left {
		if time.Since(at) > leavingTime {
			delete(t.left, pid)
		}
	}
	t.left[int32(s.pid)] = time.Now()
}

// leavingTime is how long the server may still show a session that was closed.
const leavingTime = 10 * time.Second

// isOwn reports whether a session that the server shows is of this program: one
// that it has, or has closed just now. By its pid alone, the latter may be
// another's by now.
func (t *Target) isOwn(pid int32, application string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.live {
		if int32(s.pid) == pid {
			return true
		}
	}
	at, left := t.left[pid]
	return left && time.Since(at) <= leavingTime && application == applicationName(t.operator)
}

// ownPIDs are the sessions of this program.
func (t *Target) ownPIDs() []int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]int32, 0, len(t.live))
	for s := range t.live {
		out = append(out, int32(s.pid))
	}
	return out
}

// Close ends every session. Whatever still runs on one fails.
func (t *Target) Close() {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	t.closed = true
	t.mu.Unlock()
	for _, p := range t.kept() {
		p.drain(t.release)
	}
	t.lockMu.Lock()
	if t.lock != nil {
		t.release(t.lock)
		t.lock = nil
	}
	t.lockMu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.live {
		// Somebody is still using it: only the network connection may be
		// closed from here.
		_ = s.PgConn().Conn().Close()
	}
}

func closeConn(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	_ = c.Close(ctx)
}
