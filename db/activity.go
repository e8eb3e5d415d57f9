package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/engine"
)

// needsColumn says of a session of pg_stat_activity, as a, who may end it where this
// role may not, by the server's own rules; empty where it may.
const needsColumn = `CASE
	WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN ''
	WHEN a.usesysid IS NULL OR (SELECT rolsuper FROM pg_roles WHERE oid = a.usesysid) THEN 'a superuser'
	WHEN pg_has_role(a.usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE') THEN ''
	ELSE 'a member of ' || coalesce(a.usename, 'its role, which is gone,') || ' or of pg_signal_backend' END`

// blockerColumns are what scanBlocker reads, of pg_stat_activity as a. Other
// users' rows are masked without pg_read_all_stats: their pid, user and
// application stay visible, the rest is null.
const blockerColumns = `a.pid, coalesce(a.usename, '')::text, coalesce(a.application_name, '')::text,
	coalesce(a.state, a.backend_type, '')::text, a.xact_start, a.backend_start,
	CASE WHEN a.backend_type IS NULL THEN '' ELSE coalesce(left(a.query, 300), '') END, ` + needsColumn + `
`

// scanBlocker reads them, and what stands behind them.
func scanBlocker(row pgx.Row, behind ...any) (phases.Blocker, error) {
	var b phases.Blocker
	var since, start *time.Time
	err := row.Scan(append([]any{&b.PID, &b.User, &b.Application, &b.State, &since, &start, &b.Query, &b.Needs}, behind...)...)
	if err != nil {
		return b, err
	}
	if since != nil {
		b.Since = *since
	}
	if start != nil {
		b.BackendStart = *start
	}
	b.User, b.Application, b.State, b.Needs = clean(b.User), clean(b.Application), clean(b.State), clean(b.Needs)
	b.Query = cut(clean(b.Query), 200)
	return b, nil
}

// Blockers says who blocks the session pid: those that hold what it waits for,
// and those that wait for it in front. A prepared transaction has PID 0.
func (t *Target) Blockers(ctx context.Context, pid uint32) ([]phases.Blocker, error) {
	var out []phases.Blocker
	err := t.control.with(ctx, func(s *session) error {
		var err error
		out, err = blockers(ctx, s, pid)
		return err
	})
	return out, fail(ctx, "ask who blocks session", fmt.Sprint(pid), err)
}

func blockers(ctx context.Context, s *session, pid uint32) ([]phases.Blocker, error) {
	rows, err := s.Query(ctx, `WITH b AS (SELECT DISTINCT unnest(pg_blocking_pids($1::int)) AS pid)
		SELECT `+blockerColumns+` FROM b JOIN pg_stat_activity a ON a.pid = b.pid
		UNION ALL
		SELECT 0, p.owner::text, 'prepared transaction ' || p.gid, 'prepared', p.prepared, NULL, '', ''
		FROM b, pg_prepared_xacts p WHERE b.pid = 0 AND p.database = current_database()
		ORDER BY 1`, int32(pid))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []phases.Blocker
	for rows.Next() {
		b, err := scanBlocker(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// waitedFor is the table that a session waits to lock, "" when it waits for none.
func waitedFor(ctx context.Context, s *session, pid uint32) (schema, name string, err error) {
	err = s.QueryRow(ctx, `SELECT n.nspname, c.relname FROM pg_locks l
		JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE l.pid = $1::int AND NOT l.granted AND l.locktype = 'relation' LIMIT 1`, int32(pid)).Scan(&schema, &name)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return schema, name, err
}

// EndBackend cancels a session's statement, or terminates the session, whose end it
// waits for, a second at most: who looks then who is there does not find it. The pid
// alone is not enough: the server gives it out again.
func (t *Target) EndBackend(ctx context.Context, pid uint32, backendStart time.Time, terminate bool) error {
	op, call := "cancel the statement of session", "pg_cancel_backend"
	if terminate {
		op, call = "terminate session", "pg_terminate_backend"
	}
	subject := fmt.Sprint(pid)
	return t.control.with(ctx, func(s *session) error {
		var visible, same, ended bool
		// CASE, not AND: the call must not be made before the comparison.
		err := s.QueryRow(ctx, `SELECT backend_start IS NOT NULL, coalesce(backend_start = $2::timestamptz, false),
				CASE WHEN backend_start = $2::timestamptz THEN `+call+`(pid) ELSE false END
			FROM pg_stat_activity WHERE pid = $1::int`, int32(pid), backendStart).Scan(&visible, &same, &ended)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return failf(op, subject, "look again at what blocks", engine.ErrSessionGone)
		case err != nil:
			return fail(ctx, op, subject, err)
		case !visible:
			return failf(op, subject, "grant pg_read_all_stats and pg_signal_backend to the role, or ask an administrator", ErrMasked)
		case !same:
			return failf(op, subject, "look again at what blocks", fmt.Errorf("%w: it is another session by now, which started at another time", engine.ErrSessionGone))
		case !ended:
			return failf(op, subject, "look again at what blocks", engine.ErrSessionGone)
		}
		if terminate {
			awaitEnd(ctx, s, pid, backendStart)
		}
		return nil
	})
}

// How long, and how often, a session that was told to end is looked for.
const (
	endingTime = time.Second
	endingWait = 20 * time.Millisecond
)

// awaitEnd waits until a session is gone. It was told to end: where that takes longer,
// or nobody can tell, it does so by itself.
func awaitEnd(ctx context.Context, s *session, pid uint32, backendStart time.Time) {
	ctx, cancel := context.WithTimeout(ctx, endingTime)
	defer cancel()
	for {
		var there bool
		err := s.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1::int AND backend_start = $2::timestamptz)`,
			int32(pid), backendStart).Scan(&there)
		if err != nil || !there {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(endingWait):
		}
	}
}
