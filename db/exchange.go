package db

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
)

// exchangeLimit is for what the server does at once: a setting, a look at the
// catalog, BEGIN. It is longer than any lock is waited for in passing.
const exchangeLimit = 20 * time.Second

// ErrNoAnswer is the cause when the server did not answer in time.
var ErrNoAnswer = errors.New("the server does not answer")

// silence is ErrNoAnswer in the words of the case.
type silence struct{ text string }

func (s silence) Error() string        { return s.text }
func (s silence) Is(target error) bool { return target == ErrNoAnswer }

// silent says that an answer did not come. The driver's own error is left out:
// it speaks of contexts and sockets, and of what the program did itself.
func silent(text, hint string) error {
	return failf("wait for", "the server", hint, silence{text})
}

const (
	lookAtNetwork = "look at the network and at what stands in between (a proxy, a firewall), then try again"
	lookAtServer  = "look in pg_stat_activity and pg_locks what it waits for, then try again"
)

// bounded gives a context for one exchange, and what is to be done after it:
// it says of an error whether it was the limit.
func (s *session) bounded(ctx context.Context) (context.Context, func(error) error) {
	began := time.Now()
	inner, cancel := context.WithTimeoutCause(ctx, s.exchange, ErrNoAnswer)
	return inner, func(err error) error {
		defer cancel()
		return s.explain(inner, began, err)
	}
}

// explain puts a limit that was reached into words. A caller who cancelled
// knows why: that error stays as it is.
func (s *session) explain(ctx context.Context, began time.Time, err error) error {
	if err == nil {
		return nil
	}
	pg, answered := errors.AsType[*pgconn.PgError](err)
	if answered && pg.Code != "57014" {
		return err
	}
	cause := context.Cause(ctx)
	if ours, ok := errors.AsType[*Error](cause); ok && errors.Is(cause, ErrNoAnswer) {
		return ours
	}
	if !errors.Is(cause, ErrNoAnswer) && !errors.Is(cause, context.DeadlineExceeded) {
		return err
	}
	took := time.Since(began)
	if until, ok := ctx.Deadline(); ok { // without the time that cancelling took
		took = until.Sub(began)
	}
	switch {
	case took <= 0:
		return silent("there was no time left to ask it", lookAtNetwork)
	case answered:
		return silent("it was not done within "+phases.Span(took)+", and was cancelled", lookAtServer)
	case s.conn.IsClosed():
		return silent("no answer within "+phases.Span(took)+", nor to the request to cancel: the connection was closed", lookAtNetwork)
	}
	return silent("no answer within "+phases.Span(took), lookAtNetwork)
}

// Exec runs what the server does at once, and closes the session when nothing
// comes back, not even to the request to cancel it.
func (s *session) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	inner, done := s.bounded(ctx)
	tag, err := s.conn.Exec(inner, sql, args...)
	return tag, done(err)
}

// Query is Exec for rows. The limit holds until they are closed.
func (s *session) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	inner, done := s.bounded(ctx)
	rows, err := s.conn.Query(inner, sql, args...)
	if err != nil {
		return nil, done(err)
	}
	return &answer{Rows: rows, done: done}, nil
}

// QueryRow is Exec for one row.
func (s *session) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	inner, done := s.bounded(ctx)
	return oneRow{s.conn.QueryRow(inner, sql, args...), done}
}

// Batch sends several statements at once, in one exchange, and hands each
// answer to who asked. The first error ends it.
func (s *session) Batch(ctx context.Context, b *pgx.Batch) error {
	inner, done := s.bounded(ctx)
	return done(s.conn.SendBatch(inner, b).Close())
}

// Ping asks whether the server is there.
func (s *session) Ping(ctx context.Context) error {
	_, err := s.Exec(ctx, `-- ping`)
	return err
}

// one is oneStatement for what the server does at once.
func (s *session) one(ctx context.Context, sql string) (*pgconn.Result, error) {
	inner, done := s.bounded(ctx)
	result, err := oneStatement(inner, s, sql)
	return result, done(err)
}

// PgConn is the connection below, for what is no statement.
func (s *session) PgConn() *pgconn.PgConn { return s.conn.PgConn() }

// IsClosed reports whether the connection has ended.
func (s *session) IsClosed() bool { return s.conn.IsClosed() }

// answer is rows under a limit, which ends with them.
type answer struct {
	pgx.Rows
	done func(error) error
}

// Next implements pgx.Rows.
func (a *answer) Next() bool {
	more := a.Rows.Next()
	if !more {
		_ = a.Err()
	}
	return more
}

// Close implements pgx.Rows.
func (a *answer) Close() {
	a.Rows.Close()
	_ = a.Err()
}

// Err implements pgx.Rows.
func (a *answer) Err() error { return a.done(a.Rows.Err()) }

// oneRow is a row under a limit, which ends with it.
type oneRow struct {
	row  pgx.Row
	done func(error) error
}

// Scan implements pgx.Row.
func (r oneRow) Scan(dest ...any) error { return r.done(r.row.Scan(dest...)) }

// timedOut reports whether it was a limit that ended an attempt to connect.
func timedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}
