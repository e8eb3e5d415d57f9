package db

import (
	"fmt"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

func TestLongTransactions(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	target := open(t, dsn, book())
	begin(t, target) // the program's own don't count
	long, short := runbook.Check{Name: "database.long_transactions"}, runbook.Check{Name: "database.long_transactions", MaxAge: time.Hour}
	check(t, target, long, phases.Facts{}, true, "no transaction older than 0.0 s")
	var who []string
	for range 3 {
		conn := connect(t, dsn+" application_name=webshop")
		exec(t, conn, `BEGIN`)
		who = append(who, query[string](t, conn, `SELECT format('pid %s postgres/webshop idle in transaction since %s UTC', pid,
			to_char(xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS')) FROM pg_stat_activity WHERE pid = pg_backend_pid()`))
	}
	awaitCheck(t, target, long, fmt.Sprintf("3 transactions older than 0.0 s: %s, %s, 1 more", who[0], who[1]))
	check(t, target, short, phases.Facts{}, true, "no transaction older than 1 h")
}

func TestPreparedTransactions(t *testing.T) {
	server, err := tcpServer()
	if err != nil {
		t.Fatal(err)
	}
	dsn := server.NewDatabase(t)
	conn := connect(t, dsn)
	exec(t, conn, `CREATE TABLE t (id int); CREATE ROLE plain LOGIN; GRANT ALL ON t TO plain`)
	dropRole(t, dsn, "plain")
	if err := conn.Close(limited(t)); err != nil {
		t.Fatal(err)
	}
	conn = connect(t, asUser(t, dsn, "plain"))
	target := open(t, asUser(t, dsn, "plain"), book())
	prepared := runbook.Check{Name: "database.prepared"}
	long := runbook.Check{Name: "database.long_transactions", MaxAge: time.Hour}
	check(t, target, prepared, phases.Facts{}, true, "0 prepared transactions")
	exec(t, conn, `BEGIN`)
	exec(t, conn, `INSERT INTO t VALUES (1)`)
	exec(t, conn, `PREPARE TRANSACTION E'order\n42'`)
	who := query[string](t, conn, `SELECT format('prepared order 42 by plain at %s UTC', to_char(prepared AT TIME ZONE 'UTC', 'HH24:MI:SS')) FROM pg_prepared_xacts`)
	check(t, target, prepared, phases.Facts{}, false, "1 prepared transaction, at most 0 wanted: "+who)
	prepared.Max = number(1)
	check(t, target, prepared, phases.Facts{}, true, "1 prepared transaction: "+who)
	check(t, target, long, phases.Facts{}, true, "no transaction older than 1 h")
	long.MaxAge = 0
	check(t, target, long, phases.Facts{}, false, "1 transaction older than 0.0 s: "+who)
	exec(t, conn, `ROLLBACK PREPARED E'order\n42'`)
	check(t, target, prepared, phases.Facts{}, true, "0 prepared transactions")
}

// What comes over the network is named with its address.
func TestConnectionsSayWhereTheyComeFrom(t *testing.T) {
	server, err := tcpServer()
	if err != nil {
		t.Fatal(err)
	}
	dsn := server.NewDatabase(t)
	target := open(t, dsn, book())
	for range 2 {
		connect(t, server.TCPDSN("127.0.0.1", server.Port(), databaseName(t, dsn))+" application_name=webshop")
	}
	check(t, target, runbook.Check{Name: "database.connections"}, phases.Facts{}, false, "2 connections: postgres/webshop from 127.0.0.1 ×2")
}

func TestMomentTellsTheDayOfWhatIsLongAgo(t *testing.T) {
	now := time.Date(2026, 1, 31, 1, 2, 3, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		2 * time.Hour: "23:02:03 UTC", 13 * time.Hour: "2026-01-30 12:02:03 UTC",
	} {
		if got := moment(now.Add(-ago), now); got != want {
			t.Errorf("%s ago: %q, want %q", ago, got, want)
		}
	}
}
