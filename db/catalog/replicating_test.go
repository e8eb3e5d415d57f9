package catalog_test

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"tminus/db/sandbox"
	"tminus/phases/lint"
)

// receive gets a server's WAL and acknowledges nothing beyond the first byte.
func receive(t *testing.T, dsn, name, replication, command string) *pgconn.PgConn {
	t.Helper()
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams["replication"], cfg.RuntimeParams["application_name"] = replication, name
	conn, err := pgconn.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	conn.Frontend().SendQuery(&pgproto3.Query{String: command})
	if err := conn.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := conn.ReceiveMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.(*pgproto3.CopyBothResponse); ok {
			break
		}
	}
	status := append([]byte{'r'}, make([]byte, 33)...) // written, flushed, replayed, the time, no answer
	for at := 1; at < 25; at += 8 {
		binary.BigEndian.PutUint64(status[at:], 1<<24)
	}
	conn.Frontend().Send(&pgproto3.CopyData{Data: status})
	if err := conn.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestFindingsOfReplication(t *testing.T) {
	t.Parallel()
	server, err := sandbox.Start(t.Context(), sandbox.Options{Settings: map[string]string{
		"wal_level": "logical", "max_wal_senders": "5", "max_replication_slots": "5", "archive_mode": "on", "wal_sender_timeout": "0",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	dsn := server.DSN("postgres")
	conn := connectTo(t, dsn)
	run := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	until := func(sql string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for yes := false; !yes; {
			if err := conn.QueryRow(ctx, sql).Scan(&yes); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
	}
	want := func(what string, codes ...string) {
		t.Helper()
		book := parse(t, "tminus: 1\ntitle: T\nledger: none\n"+deletes("parent"))
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		found := lint.New(book, read(t, tx, book)).Findings()
		var got []string
		for _, f := range found {
			if !strings.HasPrefix(f.Code, "server-") {
				got = append(got, f.Code)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, codes) {
			t.Errorf("%s: found %q, want %q: %+v", what, got, codes, found)
		}
	}
	run(base)
	want("nobody")

	run(`ALTER SYSTEM SET archive_command = 'false'`)
	run(`SELECT pg_reload_conf()`)
	until(`SELECT current_setting('archive_command') = 'false'`)
	run(`SELECT pg_logical_emit_message(false, 't', 't'); SELECT pg_switch_wal()`)
	until(`SELECT last_failed_time IS NOT NULL FROM pg_stat_archiver`)
	want("the archiver fails", "archive-fails")
	run(`ALTER SYSTEM SET archive_command = 'true'`)
	run(`SELECT pg_reload_conf()`)
	until(`SELECT current_setting('archive_command') = 'true'`)
	run(`SELECT pg_logical_emit_message(false, 't', 't'); SELECT pg_switch_wal()`) // wakes it
	until(`SELECT coalesce(last_archived_time > last_failed_time, false) FROM pg_stat_archiver`)
	want("the archiver works")

	run(`SELECT pg_create_physical_replication_slot('unreserved')`)
	want("a slot that keeps nothing")
	run(`SELECT pg_create_physical_replication_slot('idle', true), pg_create_logical_replication_slot('feed', 'pgoutput')`)
	want("slots without readers", "slot-idle", "slot-idle")
	run(`SELECT pg_drop_replication_slot('idle'); CREATE PUBLICATION p`)
	subscriber := receive(t, dsn, "sub", "database", `START_REPLICATION SLOT feed LOGICAL 0/0 (proto_version '1', publication_names 'p')`)
	want("a subscriber", "slot-decodes")
	subscriber.Close(t.Context())
	until(`SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'feed'`)
	run(`SELECT pg_drop_replication_slot('feed')`)

	var at string
	if err := conn.QueryRow(t.Context(), `SELECT pg_current_wal_flush_lsn()::text`).Scan(&at); err != nil {
		t.Fatal(err)
	}
	receive(t, dsn, "standby", "true", `START_REPLICATION PHYSICAL `+at)
	until(`SELECT count(replay_lsn) > 0 FROM pg_stat_replication`)
	want("a standby")
	run(`CREATE ROLE plain; GRANT ALL ON parent TO plain; SET ROLE plain`)
	want("a standby that may not be seen", "standby-unseen")
	run(`RESET ROLE; REVOKE EXECUTE ON FUNCTION pg_stat_get_wal_senders FROM public; SET ROLE plain`)
	want("standbys that may not be asked for", "catalog-unread")
	run(`RESET ROLE; GRANT EXECUTE ON FUNCTION pg_stat_get_wal_senders TO public`)
	run(`SELECT pg_create_physical_replication_slot('late', true)`)
	for range 17 { // segments of 16 MB
		run(`SELECT pg_logical_emit_message(false, 't', 't'); SELECT pg_switch_wal()`)
	}
	want("a standby far behind", "slot-idle", "standby-behind")
	run(`ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'`)
	run(`SELECT pg_reload_conf()`)
	until(`SELECT wal_status = 'unreserved' FROM pg_replication_slots WHERE slot_name = 'late'`)
	want("a slot that will be lost", "slot-expires", "standby-behind")
	run(`SELECT pg_drop_replication_slot('late')`)

	var old bool
	if err := conn.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int < 140000`).Scan(&old); err != nil || old {
		return // there, a sender whose receiver does not read takes up no new settings
	}
	run(`SET synchronous_commit = local`)
	run(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`)
	run(`SELECT pg_reload_conf()`)
	run(`SELECT pg_logical_emit_message(false, 't', 't')`) // wakes who sends it
	until(`SELECT bool_and(sync_state = 'sync') FROM pg_stat_replication`)
	want("a synchronous standby", "commit-waits", "standby-behind")
	run(`ALTER SYSTEM SET synchronous_standby_names = 'ANY 2 (standby, another)'`)
	run(`SELECT pg_reload_conf()`)
	run(`SELECT pg_logical_emit_message(false, 't', 't')`) // wakes who sends it
	until(`SELECT bool_and(sync_state = 'quorum') FROM pg_stat_replication`)
	want("one of two synchronous standbys", "commit-hangs", "standby-behind")
	run(`ALTER SYSTEM SET synchronous_standby_names = 'another'`)
	run(`SELECT pg_reload_conf()`)
	run(`SELECT pg_logical_emit_message(false, 't', 't')`) // wakes who sends it
	until(`SELECT bool_and(sync_state = 'async') FROM pg_stat_replication`)
	want("no synchronous standby", "commit-hangs", "standby-behind")
}
