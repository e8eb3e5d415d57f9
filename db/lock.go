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

// Advisory lock keys: the first is "tmin" in ASCII.
const (
	lockSpace    = 0x746d696e
	operatorLock = 1 // for the run, on a session of its own
	phaseLock    = 2 // for one phase's transaction
	ledgerLock   = 3 // while the ledger is made
)

// Lock takes the operator lock on a session of its own. It is held until
// Close. Taking it again while it is held does nothing.
func (t *Target) Lock(ctx context.Context) error {
	t.lockMu.Lock()
	defer t.lockMu.Unlock()
	if t.lock != nil {
		if err := t.holdsLock(ctx); err == nil {
			return nil
		}
		t.release(t.lock)
		t.lock = nil
	}
	s, err := t.open(ctx)
	if err != nil {
		return err
	}
	var got bool
	err = s.QueryRow(ctx, `SELECT pg_try_advisory_lock($1::int, $2::int)`, lockSpace, operatorLock).Scan(&got)
	if err == nil && !got {
		err = lockedBy(ctx, s, operatorLock, "the operator lock")
	}
	if err != nil {
		t.part(s)
		return fail(ctx, "take the operator lock in", t.host(), err)
	}
	t.lock = s
	return nil
}

// LockHeld asks whether this Target still holds the operator lock. When the
// lock's session has ended, the error is ErrLockLost: another run may have
// begun, so no further phase should.
func (t *Target) LockHeld(ctx context.Context) error {
	t.lockMu.Lock()
	defer t.lockMu.Unlock()
	if t.lock == nil {
		return failf("look at the operator lock in", t.host(), "take it first", ErrLockLost)
	}
	return t.holdsLock(ctx)
}

func (t *Target) holdsLock(ctx context.Context) error {
	var held bool
	err := t.lock.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() AND objsubid = 2
		AND classid = $1::int::oid AND objid = $2::int::oid
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`,
		lockSpace, operatorLock).Scan(&held)
	hint := "make sure that no other run has begun, then resume this one"
	switch {
	case err != nil && t.lock.IsClosed():
		return failf("look at the operator lock in", t.host(), hint, fmt.Errorf("%w: %w", ErrLockLost, err))
	case err != nil:
		return fail(ctx, "look at the operator lock in", t.host(), err)
	case !held:
		return failf("look at the operator lock in", t.host(), hint, ErrLockLost)
	}
	return nil
}

// lockedBy says who holds one of the program's locks.
func lockedBy(ctx context.Context, s *session, key int, what string) error {
	out := &engine.LockedError{What: what}
	b, err := scanBlocker(s.QueryRow(ctx, `SELECT `+blockerColumns+`
		FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
		AND l.classid = $1::int::oid AND l.objid = $2::int::oid
		AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		LIMIT 1`, lockSpace, key))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return err
	default:
		out.Holder = b
	}
	if key == operatorLock {
		run, err := noteOf(ctx, s, b)
		if err != nil {
			return err
		}
		out.Run = run
	}
	return out
}

// TakeOver ends the session that holds the operator lock and takes it. The
// operator has made sure that its program is dead. It waits for the session's
// end until ctx does, at most ten seconds.
func (t *Target) TakeOver(ctx context.Context, holder phases.Blocker) error {
	if err := t.EndBackend(ctx, holder.PID, holder.BackendStart, true); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := t.Lock(ctx)
		var locked *engine.LockedError
		if !errors.As(err, &locked) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
