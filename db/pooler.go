package db

import (
	"context"
	"crypto/rand"
	"fmt"
)

// refusePooler makes sure that a session is a session. Behind a pooler the pid
// that the connection was given at its start isn't the backend's. That alone is
// no harm: in session mode the backend stays. In transaction mode the backend
// is anybody's between transactions, and so are settings and advisory locks.
func (t *Target) refusePooler(ctx context.Context, s *session) error {
	if s.PgConn().PID() == s.pid {
		return nil
	}
	mark := rand.Text()
	if _, err := s.Exec(ctx, `SELECT set_config('tminus.session', $1, false)`, mark); err != nil {
		return fail(ctx, "look for a pooler before", t.host(), err)
	}
	// Others' transactions are what takes a shared backend away: a few that
	// stay open while this session asks who it is.
	for range 3 {
		other, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer t.release(other)
		if other.pid == s.pid {
			return t.poolerError("two connections share one session")
		}
		if _, err := other.Exec(ctx, `BEGIN READ ONLY`); err != nil {
			return fail(ctx, "look for a pooler before", t.host(), err)
		}
		var otherPID, pid uint32
		if err := other.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&otherPID); err != nil {
			return fail(ctx, "look for a pooler before", t.host(), err)
		}
		var got string
		err = s.QueryRow(ctx, `SELECT pg_backend_pid(), coalesce(current_setting('tminus.session', true), '')`).Scan(&pid, &got)
		if err != nil {
			return fail(ctx, "look for a pooler before", t.host(), err)
		}
		if pid != s.pid || otherPID == s.pid || got != mark {
			return t.poolerError("one connection met two sessions")
		}
	}
	return nil
}

func (t *Target) poolerError(seen string) error {
	return failf("connect to", t.host(), "connect to the server itself, or to a pool in session mode",
		fmt.Errorf("%w (%s): settings, locks and the transaction's own session do not hold there", ErrPooler, seen))
}
