package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/runbook"
)

// narrow gives a database to a role of its own, whose sessions are counted.
func narrow(t *testing.T, role string) (dsn, admin string) {
	t.Helper()
	admin = database(t, `CREATE ROLE `+role+` LOGIN; CREATE TABLE t (id int); INSERT INTO t VALUES (1); ALTER TABLE t OWNER TO `+role)
	conn := connect(t, admin)
	exec(t, conn, `ALTER DATABASE `+databaseName(t, admin)+` OWNER TO `+role)
	conn.Close(limited(t))
	dropRole(t, admin, role)
	return asUser(t, admin, role), admin
}

// wide uses all sessions that a run can use at the same time.
func wide(t *testing.T, target *Target) {
	t.Helper()
	if err := target.Lock(limited(t)); err != nil {
		t.Fatal(err)
	}
	for _, p := range target.kept() {
		for range cap(p.slots) {
			s, err := p.take(limited(t))
			if err != nil {
				t.Fatal(err)
			}
			defer p.give(s)
		}
	}
	for range 20 { // one after the other, and none before the last has ended
		if _, err := target.Check(limited(t), &runbook.Check{Name: "database.connects"}, phases.Facts{}); err != nil {
			t.Fatal(err)
		}
		if err := target.visit(limited(t), func(*session) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSurveyOpensWhatTheRunWillNeed(t *testing.T) {
	limits := map[string]func(role, database string, n int) string{
		"role": func(role, _ string, n int) string { return fmt.Sprintf(`ALTER ROLE %s CONNECTION LIMIT %d`, role, n) },
		"database": func(_, database string, n int) string {
			return fmt.Sprintf(`ALTER DATABASE %s CONNECTION LIMIT %d`, database, n)
		},
	}
	for what, alter := range limits {
		t.Run(what, func(t *testing.T) {
			role := "narrow_" + what
			dsn, admin := narrow(t, role)
			name := databaseName(t, admin)
			conn := connect(t, sandbox.ForTest(t).DSN("postgres"))
			for _, n := range []int{6, 8} {
				exec(t, conn, alter(role, name, n))
				target := open(t, dsn, book("t"))
				_, err := target.Survey(limited(t))
				if _, ok := errors.AsType[*SurveyError](err); !ok {
					t.Fatalf("with %d sessions: %v", n, err)
				}
				wantError(t, err, fmt.Sprintf("the run needs 9 sessions at its widest, and the server granted %d: raise the connection limit of %s ", n, what))
				wantError(t, err, fmt.Sprintf(`" (%d)`, n))
				if free := len(target.control.slots); free != cap(target.control.slots) {
					t.Errorf("%d places are free for control", free)
				}
				closeAndWait(t, target)
			}
			exec(t, conn, alter(role, name, 9))
			target := open(t, dsn, book("t"))
			s, err := target.Survey(limited(t))
			if err != nil || s.Sessions != 9 {
				t.Fatalf("exactly enough: %d sessions, %v", s.Sessions, err)
			}
			wide(t, target)
			if _, err := target.Survey(limited(t)); err != nil {
				t.Errorf("again, with the lock held: %v", err)
			}
			closeAndWait(t, target)
		})
	}
}

// closeAndWait ends a Target, and waits until the server has its places back.
func closeAndWait(t *testing.T, target *Target) {
	t.Helper()
	pids := target.ownPIDs()
	target.Close()
	conn := connect(t, sandbox.ForTest(t).DSN("postgres"))
	ctx := limited(t)
	for query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1::int[])`, pids) > 0 {
		if ctx.Err() != nil {
			t.Fatal("the sessions do not end")
		}
	}
}

// Others hold what the run needs, of the role's sessions and of the server's.
func TestSurveySaysWhatOthersHold(t *testing.T) {
	dsn, admin := narrow(t, "shared_role")
	exec(t, connect(t, admin), `ALTER ROLE shared_role CONNECTION LIMIT 10`)
	for range 3 {
		connect(t, dsn)
	}
	_, err := open(t, dsn, book("t")).Survey(limited(t))
	wantError(t, err, `granted 7: raise the connection limit of role "shared_role" (10, and others hold 3)`)

	server := ownServer(t, sandbox.Options{Settings: map[string]string{"max_connections": "10"}})
	exec(t, connect(t, server.DSN("postgres")), bulk+`CREATE ROLE plain LOGIN; GRANT ALL ON t TO plain`)
	_, err = open(t, server.DSN("postgres")+" user=plain", book("t")).Survey(limited(t))
	wantError(t, err, "the run needs 9 sessions at its widest, and the server granted ")
	wantError(t, err, "raise max_connections, of which 3 are reserved, or close other programs' sessions (7")
}

func TestOpenSaysHowManySessionsAreNeeded(t *testing.T) {
	dsn, admin := narrow(t, "tiny")
	conn := connect(t, admin)
	for n, want := range map[int]string{
		0: "the run needs 9 sessions at its widest, and the server granted none",
		1: `granted 1: raise the connection limit of role "tiny" (1)`,
		2: `granted 2: raise the connection limit of role "tiny" (2)`,
	} {
		exec(t, conn, fmt.Sprintf(`ALTER ROLE tiny CONNECTION LIMIT %d`, n))
		_, err := Open(limited(t), Config{DSN: dsn, Operator: operator, Runbook: book("t")})
		wantError(t, err, want)
		wantError(t, err, "53300")
		ctx := limited(t)
		for query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE usename = 'tiny'`) > 0 {
			if ctx.Err() != nil {
				t.Fatal("sessions are left open")
			}
		}
	}
}

// Two surveys at once take no places from each other that they then wait for.
func TestSurveysAtTheSameTime(t *testing.T) {
	target := open(t, database(t, bulk), book("t"))
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() { // ends with its survey
			_, err := target.Survey(limited(t))
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, p := range slices.Concat(target.kept(), []*pool{target.guests}) {
		if len(p.slots) != cap(p.slots) {
			t.Errorf("%d of %d places are free", len(p.slots), cap(p.slots))
		}
	}
	begin(t, target).Rollback(context.Background())
}
