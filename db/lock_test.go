package db

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

func TestLockWaitsAndNamesTheBlocker(t *testing.T) {
	dsn := database(t, `CREATE TABLE a (id int); CREATE TABLE b (id int)`)
	target, app := open(t, dsn, book("a", "b")), connect(t, dsn+" application_name=webshop")
	exec(t, app, `BEGIN; INSERT INTO b VALUES (1)`)
	x, err := target.Begin(limited(t), engine.TxSpec{Phase: &target.book.Phases[0], LockTables: []string{"a", "b"}, LockDeadline: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Rollback(limited(t))
	waits, named := 0, false
	err = x.Lock(limited(t), func(w phases.LockWait) {
		waits++
		if w.Attempt != waits || w.Waited <= 0 {
			t.Errorf("wait %d is %+v", waits, w)
		}
		if len(w.Blockers) == 0 && waits < 20 { // on a busy machine the question may come late
			return
		}
		if named {
			return
		}
		named = true
		if b := w.Blockers[0]; w.Table != "b" || b.PID != app.PgConn().PID() || b.Application != "webshop" || b.State != "idle in transaction" || b.Since.IsZero() {
			t.Errorf("waits for %s because of %+v", w.Table, b)
		}
		// All or none: between attempts nothing is locked.
		exec(t, connect(t, dsn), `INSERT INTO a VALUES (1)`)
		exec(t, app, `COMMIT`)
	})
	if err != nil || !named {
		t.Errorf("after %d waits: %v", waits, err)
	}
	other := connect(t, dsn)
	exec(t, other, `SET lock_timeout = '50ms'`)
	for _, table := range []string{"a", "b"} {
		if _, err := other.Exec(limited(t), `DELETE FROM `+table); err == nil {
			t.Errorf("another session writes to %s", table)
		}
		exec(t, other, `SELECT * FROM `+table)
	}
}

func TestLockDeadlineNamesTheBlocker(t *testing.T) {
	dsn := database(t, `CREATE TABLE a (id int)`)
	target, app := open(t, dsn, book("a")), connect(t, dsn+" application_name=webshop")
	exec(t, app, `BEGIN; INSERT INTO a VALUES (1)`)
	x, err := target.Begin(limited(t), engine.TxSpec{Phase: &target.book.Phases[0], LockTables: []string{"a"}, LockDeadline: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Rollback(limited(t))
	var waits []phases.LockWait
	began := time.Now()
	err = x.Lock(limited(t), func(w phases.LockWait) { waits = append(waits, w) })
	wantError(t, err, "did not get its locks on a within 3.0 s: session ")
	wantError(t, err, " (webshop), idle in transaction, in a transaction since ")
	wantError(t, err, " UTC, holds a; wait for it to end")
	if strings.Contains(err.Error(), "SQLSTATE") {
		t.Errorf("a person reads %q", err)
	}
	if len(waits) == 0 {
		t.Fatal("no wait is reported")
	}
	for _, w := range waits {
		if w.Until.Before(began.Add(3*time.Second)) || !w.Until.Equal(waits[0].Until) {
			t.Errorf("the wait ends at %s, it began at %s", w.Until, began)
		}
	}
}

// A sentence has room for a few names, not for all of them.
func TestALockErrorNamesAFew(t *testing.T) {
	blocker := phases.Blocker{PID: 7, User: "app"}
	for want, wait := range map[string]phases.LockWait{
		"did not get its locks on a, b and 2 more tables within 30 s: nobody was seen": {},
		"session 7 of app, is in the way; wait":                                        {Blockers: []phases.Blocker{blocker}},
		"session 7 of app, holds a; session 7 of app, holds a; 2 more in the way":      {Table: "a", Blockers: []phases.Blocker{blocker, blocker, blocker, blocker}},
	} {
		wantError(t, notGranted([]string{"a", "b", "c", "d"}, 30*time.Second, wait), want)
	}
}

func TestLockEndsWithItsContext(t *testing.T) {
	dsn := database(t, `CREATE TABLE a (id int)`)
	target, app := open(t, dsn, book("a")), connect(t, dsn)
	exec(t, app, `BEGIN; INSERT INTO a VALUES (1)`)
	x, err := target.Begin(limited(t), engine.TxSpec{Phase: &target.book.Phases[0], LockTables: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(limited(t))
	if err := x.Lock(ctx, func(phases.LockWait) { cancel(stopped) }); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
	if err := x.Rollback(ctx); err != nil {
		t.Error(err)
	}
}

func TestOnePhaseAtATime(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	first, second := open(t, dsn, book()), open(t, dsn, book())
	begin(t, first)
	_, err := second.Begin(limited(t), engine.TxSpec{Phase: &second.book.Phases[0]})
	if locked, ok := errors.AsType[*engine.LockedError](err); !ok || locked.What != "the phase lock" || locked.Holder.PID == 0 {
		t.Errorf("got %v", err)
	}
}

// A row that somebody holds is waited for, visibly, and not for ever.
func TestDeleteWaitsForARowNoLongerThanItMay(t *testing.T) {
	dsn := database(t, bulk)
	target, app := open(t, dsn, book("t")), connect(t, dsn)
	exec(t, app, `BEGIN; SELECT FROM t WHERE id = 1 FOR UPDATE`)
	x, err := target.Begin(limited(t), engine.TxSpec{Phase: &target.book.Phases[0], LockTables: []string{"t"}, LockDeadline: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Rollback(limited(t))
	if err := x.Lock(limited(t), nil); err != nil {
		t.Fatal(err)
	}
	_, err = x.Run(limited(t), runbook.Step{Delete: "t"}, nil)
	wantError(t, err, "55P03")
}

func TestBlockers(t *testing.T) {
	dsn := database(t, `CREATE TABLE a (id int)`)
	target, app := open(t, dsn, book()), connect(t, dsn)
	if b, err := target.Blockers(limited(t), app.PgConn().PID()); err != nil || len(b) != 0 {
		t.Errorf("nobody blocks, got %v, %v", b, err)
	}
	exec(t, app, `BEGIN; LOCK TABLE a /* `+"\x1b[31m"+` */`)
	waiting := connect(t, dsn)
	exec(t, waiting, `BEGIN`)
	done := make(chan error, 1)
	go func() { // ends when app's transaction does
		_, err := waiting.Exec(context.Background(), `LOCK TABLE a`)
		done <- err
	}()
	ctx := limited(t)
	for {
		b, err := target.Blockers(ctx, waiting.PgConn().PID())
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 1 {
			if b[0].PID != app.PgConn().PID() || b[0].Query != "BEGIN; LOCK TABLE a /*  */" {
				t.Errorf("blocked by %+v", b[0])
			}
			break
		}
	}
	exec(t, app, `ROLLBACK`)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
