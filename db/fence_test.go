package db

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"tminus/phases/runbook"
)

func TestAJobOfPgCronIsSwitched(t *testing.T) {
	dsn := database(t, `SELECT 1`)
	conn := connect(t, dsn)
	target := open(t, dsn, book("byrow"))
	if _, err := target.JobActive(t.Context(), "refill"); err == nil || !strings.Contains(err.Error(), "this database has none") {
		t.Errorf("without pg_cron: %v", err)
	}
	exec(t, conn, pgCron+`
		CREATE FUNCTION cron.alter_job(job_id bigint, active boolean) RETURNS void LANGUAGE sql AS 'UPDATE cron.job SET active = $2 WHERE jobid = $1';
		INSERT INTO cron.job (schedule, command, jobname) VALUES ('0 2 * * 0', 'SELECT 1', 'refill'), ('0 3 * * 0', 'SELECT 1', 'twice'), ('0 4 * * 0', 'SELECT 1', 'twice')`)
	for _, want := range []bool{false, true} {
		if err := target.SetJobActive(t.Context(), "refill", want); err != nil {
			t.Fatal(err)
		}
		if is, err := target.JobActive(t.Context(), "refill"); err != nil || is != want {
			t.Errorf("active: %t, %v", is, err)
		}
	}
	for name, want := range map[string]string{"none": "no such job", "twice": "2 jobs of that name"} {
		if err := target.SetJobActive(t.Context(), name, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	exec(t, conn, `CREATE OR REPLACE FUNCTION cron.alter_job(job_id bigint, active boolean) RETURNS void LANGUAGE sql AS ''`)
	if err := target.SetJobActive(t.Context(), "refill", false); err == nil || !strings.Contains(err.Error(), "has not changed it") {
		t.Errorf("a job that stays as it is: %v", err)
	}
}

// console is a stand-in for PgBouncer's admin console.
type console struct {
	mu     sync.Mutex // guards what follows
	paused bool
	hangs  func() // called at a PAUSE, which then waits for ever; nil: it does not
	said   []string
}

func (c *console) serve(conn net.Conn) {
	defer conn.Close()
	backend := pgproto3.NewBackend(conn, conn)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.AuthenticationOk{})
	backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for backend.Flush() == nil {
		msg, err := backend.Receive()
		if err != nil {
			return
		}
		query, ok := msg.(*pgproto3.Query)
		if !ok {
			return
		}
		c.answer(backend, query.String, conn)
		backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	}
}

func (c *console) answer(backend *pgproto3.Backend, query string, conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, query)
	switch query {
	case "SHOW DATABASES":
		text := func(name string) pgproto3.FieldDescription {
			return pgproto3.FieldDescription{Name: []byte(name), DataTypeOID: 25, DataTypeSize: -1}
		}
		backend.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{text("name"), text("paused")}})
		paused := "0"
		if c.paused {
			paused = "1"
		}
		backend.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("gym"), []byte(paused)}})
	case `PAUSE "gym"`:
		c.paused = true
		if c.hangs != nil { // it waits for transactions, and the client gives up
			c.hangs()
			_, _ = conn.Read(make([]byte, 1))
		}
	case `RESUME "gym"`:
		c.paused = false
	default:
		backend.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "08P01", Message: "invalid command '" + query + "'"})
		return
	}
	backend.Send(&pgproto3.CommandComplete{CommandTag: []byte("OK")})
}

func TestAPoolIsPausedAndResumed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := &console{}
	go func() { // ends with the listener
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go c.serve(conn) // ends with its client
		}
	}()
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	dsn := "host=" + host + " port=" + port + " user=pgbouncer dbname=pgbouncer sslmode=disable"
	target := &Target{book: &runbook.Runbook{}}
	is := func() bool {
		t.Helper()
		paused, err := target.PoolPaused(t.Context(), dsn, "gym")
		if err != nil {
			t.Fatal(err)
		}
		return paused
	}
	if is() {
		t.Error("it is paused before")
	}
	if err := target.PausePool(t.Context(), dsn, "gym"); err != nil || !is() {
		t.Errorf("paused: %v", err)
	}
	if err := target.ResumePool(t.Context(), dsn, "gym"); err != nil || is() {
		t.Errorf("resumed: %v", err)
	}
	if _, err := target.PoolPaused(t.Context(), dsn, "other"); err == nil || !strings.Contains(err.Error(), "PgBouncer has gym") {
		t.Errorf("another database: %v", err)
	}
	late := errors.New("not done within its limit")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	c.mu.Lock()
	c.hangs = func() { cancel(late) }
	c.mu.Unlock()
	if err := target.PausePool(ctx, dsn, "gym"); !errors.Is(err, late) {
		t.Errorf("a PAUSE that hangs: %v", err)
	}
	if !is() {
		t.Error("what hangs is paused all the same")
	}
	if _, err := target.PoolPaused(t.Context(), "host='", "gym"); err == nil || strings.Contains(err.Error(), "host='") {
		t.Errorf("a dsn that cannot be read: %v", err)
	}
}
