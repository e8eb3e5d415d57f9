package db

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
)

// lookEvery is how often a statement without a limit is looked at from another
// session.
const lookEvery = time.Second

// unreachable is for how many exchanges the server may fail to answer anybody
// before a statement without a limit is given up.
const unreachable = 3

// long runs statements that may take hours: a delete, a count, the runbook's
// own SQL. They have no limit, and are watched instead.
type long struct{ s *session }

// long lends s for statements without a limit. While they run, another session
// looks whether the server is at work on them: one that is done, or gone, and
// whose answer does not come, is given up, and its connection closed. So is one
// when nobody can ask the server any more.
func (t *Target) long(ctx context.Context, s *session, use func(context.Context, long) error) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	stop := t.watch(s, giveUp)
	err := use(ctx, long{s})
	stop()
	if errors.Is(err, ErrNoAnswer) && s.IsClosed() {
		t.endLost(ctx, s)
	}
	return err
}

// endLost ends a session whose connection is lost, and on which no COMMIT was
// sent: with a proxy in between the server may keep it, and its locks, for
// ever. Where that fails, the server has to notice by itself.
func (t *Target) endLost(ctx context.Context, s *session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelPatience)
	defer cancel()
	_ = t.EndBackend(ctx, s.pid, s.started, true)
}

// exec runs one statement with arguments.
func (l long) exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	err = l.fly(ctx, func() error { tag, err = l.s.conn.Exec(ctx, sql, args...); return err })
	return tag, err
}

// one runs one statement of the runbook's.
func (l long) one(ctx context.Context, sql string) (result *pgconn.Result, err error) {
	err = l.fly(ctx, func() error { result, err = oneStatement(ctx, l.s, sql); return err })
	return result, err
}

// copyTo runs a COPY … TO STDOUT, and writes its text to w.
func (l long) copyTo(ctx context.Context, w io.Writer, sql string) error {
	return l.fly(ctx, func() error { return l.s.copyOut(ctx, w, sql) })
}

// scan runs a query that gives one row.
func (l long) scan(ctx context.Context, sql string, dest ...any) error {
	return l.fly(ctx, func() error { return l.s.conn.QueryRow(ctx, sql).Scan(dest...) })
}

// fly marks the time of a statement, so that what is seen of the session
// between two of them is not held against either.
func (l long) fly(ctx context.Context, run func() error) error {
	began := time.Now()
	l.s.flight.Add(1)
	err := run()
	l.s.flight.Add(1)
	return l.s.explain(ctx, began, err)
}

// watch looks at a session's statements until the function it returns is
// called, which waits for the goroutine's end: at once, or when a question
// that is under way has been cancelled.
func (t *Target) watch(s *session, giveUp context.CancelCauseFunc) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(min(lookEvery, t.exchange/4))
		defer tick.Stop()
		w := watcher{t: t, s: s}
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := w.look(ctx); err != nil {
				giveUp(err)
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// watcher is what was seen of a session so far.
type watcher struct {
	t      *Target
	s      *session
	mute   time.Time // since when the server answers nobody; zero when it does
	idle   time.Time // since when it is not at work on the statement; zero when it is
	flight int64     // the statement that was under way then
}

// look gives an error when the statement under way is lost.
func (w *watcher) look(ctx context.Context) error {
	flight, asked := w.s.flight.Load(), time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, w.t.exchange, ErrNoAnswer)
	defer cancel()
	works, exists, err := w.t.atWork(ctx, w.s)
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled):
		return nil // nobody wants to know any more
	case refusedForNumber(err):
		w.mute = time.Time{} // that is an answer, of a server that lives
		return nil
	case err != nil:
		if w.mute.IsZero() {
			w.mute = asked
		}
		if muted := time.Since(w.mute); muted >= unreachable*w.t.exchange {
			return silent("the server has not answered for "+phases.Span(muted)+", and nobody knows whether it is still at work: the connection was closed, which makes the server roll back", lookAtNetwork+" (last: "+describe(err)+")")
		}
		return nil
	}
	w.mute = time.Time{}
	under := flight%2 == 1 && w.s.flight.Load() == flight
	if works || !under {
		w.idle = time.Time{}
		return nil
	}
	if w.idle.IsZero() || w.flight != flight {
		w.idle, w.flight = time.Now(), flight
	}
	if time.Since(w.idle) < w.t.exchange {
		return nil
	}
	seen := "the server is not at work on the statement (it has finished it, or never got it)"
	if !exists {
		seen = "the server has ended the session"
	}
	return silent(seen+", and no answer came within "+phases.Span(w.t.exchange)+": the connection is broken, and was closed", lookAtNetwork)
}

// atWork asks another session whether the server works on what s has sent, and
// whether it has such a session at all. A role's own sessions are never masked;
// where activity is not tracked, only their end is seen.
func (t *Target) atWork(ctx context.Context, s *session) (works, exists bool, err error) {
	err = t.control.with(ctx, func(c *session) error {
		return c.QueryRow(ctx, `SELECT coalesce(state, '') NOT LIKE 'idle%' FROM pg_stat_activity
			WHERE pid = $1::int AND ($2::timestamptz <= 'epoch' OR backend_start IS NULL OR backend_start = $2::timestamptz)`,
			int32(s.pid), s.started).Scan(&works)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return false, false, nil
	}
	return works, err == nil, err
}
