package db

import (
	"os"
	"path/filepath"
	"testing"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
)

// ownServer is a server that a test may crash, with a database in it.
func ownServer(t *testing.T, opts sandbox.Options) *sandbox.Server {
	t.Helper()
	server, err := sandbox.Start(limited(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

func identity(t *testing.T, dsn string) phases.Identity {
	t.Helper()
	target := open(t, dsn, book())
	defer target.Close()
	id, err := target.Identity(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestWALPositionNeverGoesBack(t *testing.T) {
	server := ownServer(t, sandbox.Options{})
	dsn := server.DSN("postgres")
	was := identity(t, dsn)
	exec(t, connect(t, dsn), bulk)
	now := identity(t, dsn)
	if was.WAL == 0 || now.WAL <= was.WAL || now.Behind(was.WAL) || !was.Behind(now.WAL) {
		t.Errorf("the WAL was at %s, and is at %s after a commit", was.WAL, now.WAL)
	}
	for _, stop := range []func() error{server.Crash, server.Down} {
		// In the middle of a large transaction, of which little was flushed.
		conn := connect(t, dsn)
		exec(t, conn, `BEGIN; UPDATE t SET filler = filler || 'x'`)
		was = identity(t, dsn)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(limited(t)); err != nil {
			t.Fatal(err)
		}
		if now := identity(t, dsn); now.WAL == 0 || now.Behind(was.WAL) || !now.ServerStart.After(was.ServerStart) {
			t.Errorf("the WAL was at %s, and is at %s after a restart", was.WAL, now.WAL)
		}
	}
}

func TestUnknownWALPositionIsNotBehind(t *testing.T) {
	for _, c := range []struct {
		now, floor phases.LSN
		want       bool
	}{{0, 5, false}, {5, 0, false}, {0, 0, false}, {5, 5, false}, {6, 5, false}, {4, 5, true}} {
		if got := (phases.Identity{WAL: c.now}).Behind(c.floor); got != c.want {
			t.Errorf("%s is behind %s: %v", c.now, c.floor, got)
		}
	}
}

// Whoever may not ask for the position is told nothing, and is not refused.
func TestWALPositionMayBeRefused(t *testing.T) {
	dsn := database(t, `CREATE ROLE curbed LOGIN; REVOKE EXECUTE ON FUNCTION pg_current_wal_flush_lsn() FROM PUBLIC`)
	dropRole(t, dsn, "curbed")
	if id := identity(t, asUser(t, dsn, "curbed")); id.WAL != 0 || id.Timeline == 0 {
		t.Errorf("identity %+v", id)
	}
}

// In recovery the WAL is another server's, and a lost COMMIT may come yet.
func TestInRecoveryTheWALPositionIsUnknown(t *testing.T) {
	server := ownServer(t, sandbox.Options{})
	exec(t, connect(t, server.DSN("postgres")), bulk)
	intent := inDoubt(t, server.DSN("postgres"), false)
	if err := server.Down(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(server.Dir(), "data", "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(limited(t)); err != nil {
		t.Fatal(err)
	}
	if id := identity(t, server.DSN("postgres")); id.WAL != 0 || id.Timeline != 1 {
		t.Errorf("identity %+v", id)
	}
	wantPart(t, settle(t, open(t, server.DSN("postgres"), book("t")), intent, engine.SettleUnknowable).Detail, "in recovery")
}

// inDoubt is a phase whose COMMIT was sent and whose answer nobody got: it
// took effect, or did not.
func inDoubt(t *testing.T, dsn string, committed bool) phases.CommitIntent {
	t.Helper()
	target := open(t, dsn, book("t"))
	defer target.Close()
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	x := begin(t, target)
	intent := intend(t, target, x)
	if err := x.WriteLedger(limited(t), intent); err != nil {
		t.Fatal(err)
	}
	if committed {
		if r := x.Commit(limited(t)); r.Outcome != engine.Committed {
			t.Fatal(r)
		}
	} else if err := x.Rollback(limited(t)); err != nil {
		t.Fatal(err)
	}
	return intent
}

// A copy from before the COMMIT has everything that an identity is made of. On
// it the phase is not "rolled back", whatever else was written there since.
func TestSettleOnACopyFromBeforeIsUnknown(t *testing.T) {
	server := ownServer(t, sandbox.Options{})
	exec(t, connect(t, server.DSN("postgres")), bulk)
	prepared := open(t, server.DSN("postgres"), book("t"))
	if err := prepared.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	prepared.Close()
	if err := server.Down(); err != nil {
		t.Fatal(err)
	}
	restored := ownServer(t, sandbox.Options{CopyOf: server})
	if err := server.Restart(limited(t)); err != nil {
		t.Fatal(err)
	}
	exec(t, connect(t, server.DSN("postgres")), `UPDATE t SET filler = filler || 'x'`)
	intent := inDoubt(t, server.DSN("postgres"), true)
	settle(t, open(t, server.DSN("postgres"), book("t")), intent, engine.SettledCommitted)

	copied := open(t, restored.DSN("postgres"), book("t"))
	wantPart(t, settle(t, copied, intent, engine.SettleUnknowable).Detail, "and the run saw it at "+intent.Identity.WAL.String()+": a restore, or a copy from before")

	// Written on until its WAL is further than the run ever saw.
	if err := restored.Restart(limited(t)); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, restored.DSN("postgres"))
	for identity(t, restored.DSN("postgres")).Behind(intent.Identity.WAL + 1) {
		exec(t, conn, `UPDATE t SET filler = filler || 'x'`)
	}
	copied = open(t, restored.DSN("postgres"), book("t"))
	wantPart(t, settle(t, copied, intent, engine.SettleUnknowable).Detail, "this may be a copy of the server")

	// A journal from before positions were recorded.
	old := intent
	old.Identity.WAL = 0
	wantPart(t, settle(t, copied, old, engine.SettleUnknowable).Detail, "this may be a copy of the server")
}

// A server that was restarted, in whatever way, is the one that was asked.
func TestSettleAfterARestart(t *testing.T) {
	server := ownServer(t, sandbox.Options{ListenTCP: true})
	dsn := server.DSN("postgres")
	exec(t, connect(t, dsn), bulk)
	for name, stop := range map[string]func() error{"in order": server.Down, "by a crash": server.Crash} {
		t.Run(name, func(t *testing.T) {
			exec(t, connect(t, dsn), `DROP TABLE IF EXISTS tminus.ledger`)
			for committed, want := range map[bool]engine.SettleOutcome{false: engine.SettledNotCommitted, true: engine.SettledCommitted} {
				intent := inDoubt(t, dsn, committed)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if err := server.Restart(limited(t)); err != nil {
					t.Fatal(err)
				}
				settle(t, open(t, dsn, book("t")), intent, want)
				// By another way to it: what is there proves itself, what is not does not.
				if !committed {
					want = engine.SettleUnknowable
				}
				settle(t, open(t, server.TCPDSN("127.0.0.1", server.Port(), "postgres"), book("t")), intent, want)
				exec(t, connect(t, dsn), `DELETE FROM tminus.ledger`)
			}
		})
	}
}
