package db

import (
	"slices"
	"strings"
	"testing"

	"tminus/db/sandbox"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// A COMMIT that no standby has received is a COMMIT, and the server's warning is told.
func TestACommitThatNoStandbyHasReceived(t *testing.T) {
	server, err := sandbox.Start(limited(t), sandbox.Options{Settings: map[string]string{"wal_level": "replica", "max_wal_senders": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	admin := connect(t, server.DSN("postgres"))
	exec(t, admin, bulk)
	if err := open(t, server.DSN("postgres"), book("t")).Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	exec(t, admin, `ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
	if err := server.Restart(limited(t)); err != nil { // a reload says not when it is done
		t.Fatal(err)
	}
	admin = connect(t, server.DSN("postgres"))
	target := open(t, server.DSN("postgres"), book("t"))
	x := begin(t, target)
	remove(t, x, runbook.Step{Delete: "t"})
	// What the session was warned of before is not of COMMIT.
	if _, err := x.(*tx).s.Exec(limited(t), `DO $$ BEGIN RAISE WARNING 'of before'; END $$`); err != nil {
		t.Fatal(err)
	}
	if err := x.WriteLedger(limited(t), intend(t, target, x)); err != nil {
		t.Fatal(err)
	}
	pid := x.ID().PID
	ctx, done := limited(t), make(chan engine.CommitResult, 1)
	go func() { done <- x.Commit(ctx) }() // ends when the wait is cancelled
	for !query[bool](t, admin, `SELECT wait_event = 'SyncRep' IS TRUE FROM pg_stat_activity WHERE pid = $1`, pid) {
		select {
		case out := <-done:
			t.Fatalf("COMMIT waited for nobody: %+v", out)
		default:
		}
	}
	exec(t, admin, `SELECT pg_cancel_backend($1)`, pid) // as commit does when its patience ends
	out := <-done
	if out.Outcome != engine.Committed || out.Err != nil || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "might not have been replicated") {
		t.Errorf("COMMIT: %+v", out)
	}
	if slices.ContainsFunc(out.Warnings, func(w string) bool { return strings.Contains(w, "of before") }) {
		t.Errorf("warned of %q", out.Warnings)
	}
}
