package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
)

const (
	// lockAttempt is short: a strong lock that queues blocks the readers
	// behind it, too.
	lockAttempt = 300 * time.Millisecond
	// blockersAfter is when a waiting lock is worth asking about.
	blockersAfter = 120 * time.Millisecond
	blockersLimit = time.Second
)

// lockTables locks tables against writers, all or none, inside s's
// transaction. Between attempts nothing is held and nothing queues.
func (t *Target) lockTables(ctx context.Context, s *session, tables []string, patience time.Duration, waiting func(phases.LockWait)) error {
	began := time.Now()
	pause := 50 * time.Millisecond
	for attempt := 1; ; attempt++ {
		seen := t.watchWait(s.pid)
		err := tryLock(ctx, s, tables)
		wait := seen()
		if err == nil {
			return nil
		}
		pg, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || (pg.Code != "55P03" && pg.Code != "40P01") || ctx.Err() != nil {
			return fail(ctx, "lock tables", strings.Join(tables, ", "), err)
		}
		wait.Waited, wait.Attempt = time.Since(began), attempt
		if wait.Waited >= patience {
			return failf("lock tables", strings.Join(tables, ", "), lockHint(wait),
				fmt.Errorf("not granted within %s, %d attempts: %w", patience, attempt, err))
		}
		if waiting != nil {
			waiting(wait)
		}
		// Up to twice the pause, so that two who wait don't keep step.
		select {
		case <-time.After(pause + rand.N(pause)):
		case <-ctx.Done():
			return fail(ctx, "lock tables", strings.Join(tables, ", "), context.Cause(ctx))
		}
		pause = min(pause*3/2, 300*time.Millisecond)
	}
}

// lockHint names who is in the way.
func lockHint(wait phases.LockWait) string {
	if len(wait.Blockers) == 0 {
		return "look at pg_locks for who holds them"
	}
	var who []string
	for _, b := range wait.Blockers {
		w := fmt.Sprintf("session %d (user %s, application %q", b.PID, b.User, b.Application)
		if b.State != "" {
			w += ", " + b.State
		}
		if !b.Since.IsZero() {
			w += ", in a transaction since " + b.Since.UTC().Format(time.TimeOnly) + " UTC"
		}
		who = append(who, w+")")
	}
	on := ""
	if wait.Table != "" {
		on = " on " + wait.Table
	}
	return "blocked" + on + " by " + strings.Join(who, ", ") + ": wait for it to end, or end it"
}

// tryLock makes one attempt. The savepoint gives back what was locked when a
// later table isn't granted.
func tryLock(ctx context.Context, s *session, tables []string) error {
	for _, sql := range []string{`SAVEPOINT tminus_lock`, `SET LOCAL lock_timeout = '` + milliseconds(lockAttempt) + `'`} {
		if _, err := s.Exec(ctx, sql); err != nil {
			return err
		}
	}
	_, err := s.Exec(ctx, `LOCK TABLE `+strings.Join(tables, ", ")+` IN SHARE ROW EXCLUSIVE MODE`)
	if err == nil {
		_, err = s.Exec(ctx, `RELEASE SAVEPOINT tminus_lock`)
		return err
	}
	if s.IsClosed() {
		return err
	}
	// The caller's context may be over; the transaction is to stay usable.
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackPatience)
	defer cancel()
	if _, backErr := s.Exec(back, `ROLLBACK TO SAVEPOINT tminus_lock; RELEASE SAVEPOINT tminus_lock`); backErr != nil {
		return errors.Join(err, backErr)
	}
	return err
}

// watchWait asks on another session whom pid waits for, once it has waited a
// moment. The function it returns stops the question and gives the answer; it
// must be called. The goroutine ends by then, within blockersLimit at most.
func (t *Target) watchWait(pid uint32) func() phases.LockWait {
	stop, done := make(chan struct{}), make(chan struct{})
	var wait phases.LockWait
	go func() {
		defer close(done)
		select {
		case <-stop:
			return
		case <-time.After(blockersAfter):
		}
		ctx, cancel := context.WithTimeout(context.Background(), blockersLimit)
		defer cancel()
		// Without an answer the wait is shown without names.
		_ = t.control.with(ctx, func(s *session) error {
			schema, name, err := waitedFor(ctx, s.Conn, pid)
			if err != nil {
				return err
			}
			if name != "" {
				wait.Table = clean(tableName(t.book, schema, name))
			}
			wait.Blockers, err = blockers(ctx, s.Conn, pid)
			return err
		})
	}()
	return func() phases.LockWait {
		close(stop)
		<-done
		return wait
	}
}
