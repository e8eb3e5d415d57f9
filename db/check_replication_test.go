package db

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/runbook"
)

// awaitPass asks until the check passes, or does not.
func awaitPass(t *testing.T, target *Target, c runbook.Check, pass bool, part string) {
	t.Helper()
	ctx := limited(t)
	for {
		a, err := target.Check(ctx, &c, phases.Facts{})
		if err != nil {
			t.Fatalf("%s never passes=%v: %v", c.Name, pass, err)
		}
		if a.Pass == pass {
			wantPart(t, a.Value, part)
			return
		}
	}
}

// replicated are a primary and its standby, and a role without rights.
func replicated(t *testing.T, settings map[string]string) (primary, standby *sandbox.Server) {
	t.Helper()
	primary = ownServer(t, sandbox.Options{Settings: settings})
	exec(t, connect(t, primary.DSN("postgres")), `CREATE ROLE plain LOGIN`)
	if err := primary.Down(); err != nil {
		t.Fatal(err)
	}
	signal := filepath.Join(primary.Dir(), "data", "standby.signal")
	if err := os.WriteFile(signal, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	standby = ownServer(t, sandbox.Options{CopyOf: primary, Settings: map[string]string{
		"primary_conninfo": primary.DSN("postgres") + " application_name=copy", "wal_retrieve_retry_interval": "50ms",
		"wal_receiver_status_interval": "1s", "archive_mode": "on",
	}})
	if err := os.Remove(signal); err != nil {
		t.Fatal(err)
	}
	if err := primary.Restart(limited(t)); err != nil {
		t.Fatal(err)
	}
	return primary, standby
}

// grow writes some megabytes of WAL.
const grow = `CREATE TABLE IF NOT EXISTS grown (t text);
	INSERT INTO grown SELECT repeat('x', 1000) FROM generate_series(1, 5000)`

func TestReplicationLag(t *testing.T) {
	primary, standby := replicated(t, nil)
	dsn := primary.DSN("postgres")
	target := open(t, dsn, book())
	lag := runbook.Check{Name: "replication.lag", Max: number(1), MaxAge: time.Hour, Standbys: 1}
	awaitPass(t, target, lag, true, "1 standby, at most 1 MB behind")
	two := lag
	two.Standbys = 2
	check(t, target, two, phases.Facts{}, false, "1 standby, 2 wanted, at most 1 MB behind")

	a, err := open(t, asUser(t, dsn, "plain"), book()).Check(limited(t), &lag, phases.Facts{})
	if !errors.Is(err, ErrMasked) || a.Pass {
		t.Errorf("a role that may not see: %+v, %v", a, err)
	}
	wantError(t, err, "grant pg_monitor to the role")

	there := connect(t, standby.DSN("postgres"))
	exec(t, there, `SELECT pg_wal_replay_pause()`)
	exec(t, connect(t, dsn), grow)
	awaitPass(t, target, lag, false, "1 standby: copy is ")
	awaitPass(t, target, lag, false, " behind, at most 1 MB wanted")
	exec(t, there, `SELECT pg_wal_replay_resume()`)
	awaitPass(t, target, lag, true, "1 standby, ")
	lag.Max, lag.MaxAge = number(1000), time.Nanosecond
	late := phases.Answer{Pass: true}
	for ctx, conn := limited(t), connect(t, dsn); late.Pass; { // replay_lag stays for a moment only
		exec(t, conn, grow)
		if late, err = target.Check(ctx, &lag, phases.Facts{}); err != nil {
			t.Fatal(err)
		}
	}
	wantPart(t, late.Value, "copy replays after ")
	lag.MaxAge = 0

	// A standby has none of its own, and archives nothing.
	second := open(t, standby.DSN("postgres"), book())
	check(t, second, lag, phases.Facts{}, false, "0 standbys, 1 wanted")
	check(t, second, runbook.Check{Name: "archiver.healthy"}, phases.Facts{}, false, "in recovery, where nothing is archived unless archive_mode is always")

	if err := standby.Down(); err != nil {
		t.Fatal(err)
	}
	awaitPass(t, target, lag, false, "0 standbys, 1 wanted")
	lag.Standbys = 0
	check(t, open(t, asUser(t, dsn, "plain"), book()), lag, phases.Facts{}, true, "0 standbys")
	receive(t, dsn+" application_name=silent")
	awaitPart(t, target, lag, "0 standbys and 1 other receiver: silent has not said how far it is")
}

// receive is sent WAL, and never says that it has come.
func receive(t *testing.T, dsn string) {
	t.Helper()
	from := query[string](t, connect(t, dsn), `SELECT pg_current_wal_flush_lsn()::text`)
	conn, err := pgconn.Connect(t.Context(), dsn+" replication=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Conn().Close() })
	conn.Frontend().SendQuery(&pgproto3.Query{String: "START_REPLICATION PHYSICAL " + from})
	if err := conn.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestReplicationSlots(t *testing.T) {
	server := ownServer(t, sandbox.Options{Settings: map[string]string{
		"max_slot_wal_keep_size": "64MB", "min_wal_size": "32MB", "max_wal_size": "32MB", "wal_keep_size": "0",
	}})
	admin := connect(t, server.DSN("postgres"))
	exec(t, admin, `CREATE ROLE plain LOGIN`)
	target := open(t, asUser(t, server.DSN("postgres"), "plain"), book())
	slots := runbook.Check{Name: "replication.slots", Min: number(16)}
	check(t, target, slots, phases.Facts{}, true, "0 replication slots")
	// A temporary slot is active as long as its session is there.
	exec(t, admin, `SELECT pg_create_physical_replication_slot('here', true, true)`)
	check(t, target, slots, phases.Facts{}, true, "1 replication slot")
	slots.Min = number(1000)
	awaitPass(t, target, slots, false, "1 replication slot: here has room for ")
	exec(t, connect(t, server.DSN("postgres")), `SELECT pg_create_physical_replication_slot('left_behind', true)`)
	slots.Min = nil
	left := "2 replication slots: left_behind is inactive"
	if target.version >= 170000 {
		left += " since "
	}
	awaitPart(t, target, slots, left)
	exec(t, admin, `SELECT pg_drop_replication_slot('here')`)
	for range 6 {
		exec(t, admin, grow)
		exec(t, admin, `SELECT pg_switch_wal()`)
	}
	exec(t, admin, `CHECKPOINT`)
	awaitPass(t, target, slots, false, " and has its WAL lost")
}

func TestArchiver(t *testing.T) {
	server := ownServer(t, sandbox.Options{Settings: map[string]string{"archive_mode": "on"}})
	admin := connect(t, server.DSN("postgres"))
	exec(t, admin, `CREATE ROLE plain LOGIN`)
	target, plain := open(t, server.DSN("postgres"), book()), open(t, asUser(t, server.DSN("postgres"), "plain"), book())
	archiver := runbook.Check{Name: "archiver.healthy", MaxAge: time.Hour}
	command := func(is string) {
		exec(t, admin, `ALTER SYSTEM SET archive_command = '`+is+`'`)
		exec(t, admin, `SELECT pg_reload_conf()`)
		exec(t, admin, `CREATE TABLE IF NOT EXISTS t (id int); INSERT INTO t VALUES (1)`)
		exec(t, admin, `SELECT pg_switch_wal()`)
	}
	check(t, target, archiver, phases.Facts{}, true, "nothing was archived yet, nothing waits")
	command("")
	check(t, target, archiver, phases.Facts{}, true, "nothing was archived yet, nothing waits")
	archiver.MaxAge = 0
	check(t, target, archiver, phases.Facts{}, false, "nothing was archived yet, waiting for more than 0.0 s: 1 file")
	a, err := plain.Check(limited(t), &archiver, phases.Facts{})
	if err == nil || a.Pass {
		t.Errorf("a role that may not see: %+v", a)
	}
	wantError(t, err, "nothing was archived yet, and the role may not see whether anything waits; grant pg_monitor to the role")

	command("false")
	awaitPart(t, plain, archiver, " failed at ")
	command("true")
	archiver.MaxAge = time.Hour
	awaitPass(t, plain, archiver, true, "last archived at ")

	off := open(t, database(t, `SELECT 1`), book())
	check(t, off, archiver, phases.Facts{}, false, "archive_mode is off")
}

// awaitPart asks until the answer tells that; an error is none yet.
func awaitPart(t *testing.T, target *Target, c runbook.Check, part string) {
	t.Helper()
	ctx := limited(t)
	for {
		a, err := target.Check(ctx, &c, phases.Facts{})
		if strings.Contains(a.Value, part) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s never says %q: %+v, %v", c.Name, part, a, err)
		}
	}
}
