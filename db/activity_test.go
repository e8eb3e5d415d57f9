package db

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
)

// A look at the activity names who waits for whom, and no session's statement.
func TestActivityNamesWhoWaitsForWhom(t *testing.T) {
	dsn := database(t, `CREATE TABLE a (id int)`)
	target, app := open(t, dsn, book("a")), connect(t, dsn+" application_name=webshop")
	reader := connect(t, dsn+" application_name='evil \x1b[31mname'")
	exec(t, reader, `SELECT 'secret'`)
	exec(t, app, `BEGIN; INSERT INTO a VALUES (1)`)
	x, err := target.Begin(limited(t), engine.TxSpec{Phase: &target.book.Phases[0], LockTables: []string{"a"}, LockDeadline: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Rollback(limited(t))
	own := x.ID().PID
	locked := make(chan error, 1)
	go func() { locked <- x.Lock(limited(t), nil) }()
	seen := untilSeen(t, target, own, func(a phases.Activity) bool { // who made the database may still be going
		return a.Waiting == 1 && len(a.Sessions) == 3
	})
	phase, blocker := seen.Sessions[0], seen.Sessions[1]
	if !phase.Own || phase.PID != own || phase.Wants != "ShareRowExclusiveLock on a" || len(phase.BlockedBy) != 1 || phase.BlockedBy[0] != app.PgConn().PID() {
		t.Errorf("the phase is %+v", phase)
	}
	if blocker.PID != app.PgConn().PID() || blocker.Application != "webshop" || blocker.State != "idle in transaction" || blocker.Holds != "RowExclusiveLock on a" || blocker.Since.IsZero() {
		t.Errorf("who blocks it is %+v", blocker)
	}
	if seen.More != 0 || seen.Masked != 0 {
		t.Fatalf("seen: %+v", seen)
	}
	if idle := seen.Sessions[2]; strings.ContainsRune(idle.Application, '\x1b') || idle.State != "idle" || !idle.Since.IsZero() {
		t.Errorf("the third is %+v", idle)
	}
	exec(t, app, `ROLLBACK`)
	if err := <-locked; err != nil {
		t.Fatal(err)
	}
	untilSeen(t, target, own, func(a phases.Activity) bool { return a.Waiting == 0 })
}

// untilSeen looks until what is seen is as wanted.
func untilSeen(t *testing.T, target *Target, own uint32, wanted func(phases.Activity) bool) phases.Activity {
	t.Helper()
	ctx := limited(t)
	for {
		seen, err := target.Activity(ctx, own)
		if err != nil {
			t.Fatal(err)
		}
		if wanted(seen) {
			return seen
		}
	}
}

// Who is masked is counted, and not taken for idle; locks are seen all the same.
func TestActivityOfARoleThatMaySeeLittle(t *testing.T) {
	dsn := database(t, `CREATE TABLE a (id int)`)
	exec(t, connect(t, dsn), `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sees_little') THEN CREATE ROLE sees_little LOGIN; END IF; END $$`)
	app := connect(t, dsn+" application_name=webshop")
	exec(t, app, `BEGIN; LOCK TABLE a`)
	seen, err := open(t, dsn+" user=sees_little", book("a")).Activity(limited(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	if seen.Masked == 0 || len(seen.Sessions) == 0 {
		t.Fatalf("seen: %+v", seen)
	}
	for _, s := range seen.Sessions {
		if s.PID == app.PgConn().PID() && (s.State != "" || !s.Since.IsZero()) {
			t.Errorf("a masked session is %+v", s)
		}
	}
}
