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

// The locks that a phase takes by itself.
const (
	againstWriters = "SHARE ROW EXCLUSIVE"
	againstAll     = "ACCESS EXCLUSIVE"
)

// lockTables locks tables, all or none, inside s's transaction. Between attempts nothing is held and nothing queues. Errors call
// the tables by names, which are theirs in the runbook.
func (t *Target) lockTables(ctx context.Context, s *session, mode string, tables, names []string, patience time.Duration, waiting func(phases.LockWait)) error {
	began := time.Now()
	pause := 50 * time.Millisecond
	var last phases.LockWait
	for attempt := 1; ; attempt++ {
		seen := t.watchWait(s.pid)
		err := tryLock(ctx, s, mode, tables)
		wait, known := seen()
		if !known { // no answer is not the answer that nobody is in the way
			wait = last
		}
		last = wait
		if err == nil {
			return nil
		}
		pg, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || (pg.Code != "55P03" && pg.Code != "40P01") || ctx.Err() != nil {
			return fail(ctx, "lock tables", fewNames(names), err)
		}
		wait.Waited, wait.Attempt, wait.Until = time.Since(began), attempt, began.Add(patience).UTC()
		if wait.Waited >= patience {
			return notGranted(names, patience, wait)
		}
		if waiting != nil {
			waiting(wait)
		}
		// Up to twice the pause, so that two who wait don't keep step.
		select {
		case <-time.After(pause + rand.N(pause)):
		case <-ctx.Done():
			return fail(ctx, "lock tables", fewNames(names), context.Cause(ctx))
		}
		pause = min(pause*3/2, 300*time.Millisecond)
	}
}

// notGranted is the error of a wait that was given up: a sentence for whoever
// has to put it right. The server's own error would only say that time is up.
func notGranted(names []string, patience time.Duration, wait phases.LockWait) error {
	const most = 2
	cause, hint := "nobody was seen to hold them", "look at pg_locks, then start the phase again"
	if n := len(wait.Blockers); n > 0 {
		var who []string
		for _, b := range wait.Blockers[:min(n, most)] {
			who = append(who, holderText(b, wait.Table))
		}
		if n > most {
			who = append(who, fmt.Sprintf("%d more in the way", n-most))
		}
		cause, hint = strings.Join(who, "; "), "wait for it to end, or end it, then start again"
	}
	return failf("did not get its locks on", fewNames(names)+" within "+phases.Span(patience), hint, errors.New(cause))
}

// holderText is a session that holds a table, in words.
func holderText(b phases.Blocker, table string) string {
	text := b.String()
	if !b.Since.IsZero() {
		text += ", in a transaction since " + b.Since.UTC().Format(time.TimeOnly) + " UTC"
	}
	if table == "" {
		return text + ", is in the way"
	}
	return text + ", holds " + table
}

// fewNames are some tables by name, and how many more there are.
func fewNames(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more tables", strings.Join(names[:most-1], ", "), len(names)-most+1)
}

// tryLock makes one attempt. The savepoint gives back what was locked when a
// later table isn't granted.
func tryLock(ctx context.Context, s *session, mode string, tables []string) error {
	for _, sql := range []string{`SAVEPOINT tminus_lock`, `SET LOCAL lock_timeout = '` + milliseconds(lockAttempt) + `'`} {
		if _, err := s.Exec(ctx, sql); err != nil {
			return err
		}
	}
	_, err := s.Exec(ctx, `LOCK TABLE `+strings.Join(tables, ", ")+` IN `+mode+` MODE`)
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
// moment. The function it returns stops the question and gives the answer, and
// whether there is one; it must be called. The goroutine ends by then, within
// blockersLimit at most.
func (t *Target) watchWait(pid uint32) func() (wait phases.LockWait, known bool) {
	stop, done := make(chan struct{}), make(chan struct{})
	var wait phases.LockWait
	known := false
	go func() {
		defer close(done)
		select {
		case <-stop:
			return
		case <-time.After(blockersAfter):
		}
		ctx, cancel := context.WithTimeout(context.Background(), blockersLimit)
		defer cancel()
		err := t.control.with(ctx, func(s *session) error {
			schema, name, err := waitedFor(ctx, s, pid)
			if err != nil {
				return err
			}
			if name != "" {
				wait.Table = clean(t.book.TableName(schema, name))
			}
			wait.Blockers, err = blockers(ctx, s, pid)
			return err
		})
		select {
		case <-stop: // seen after the attempt, nobody says nothing about it
			known = err == nil && len(wait.Blockers) > 0
		default:
			known = err == nil
		}
	}()
	return func() (phases.LockWait, bool) {
		close(stop)
		<-done
		return wait, known
	}
}
