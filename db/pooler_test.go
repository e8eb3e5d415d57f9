package db

import (
	"errors"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"testing"
	"time"

	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// pgbouncer starts one before the TCP server, and gives a DSN through it. It
// is optional: TMINUS_PGBOUNCER names the program, or PATH has it.
func pgbouncer(t *testing.T, mode, database string) string {
	t.Helper()
	program := os.Getenv("TMINUS_PGBOUNCER")
	if program == "" {
		var err error
		if program, err = osexec.LookPath("pgbouncer"); err != nil {
			t.Skip("there is no pgbouncer on PATH or in TMINUS_PGBOUNCER")
		}
	}
	server, err := tcpServer()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	config := filepath.Join(t.TempDir(), "pgbouncer.ini")
	ini := fmt.Sprintf("[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=%d\nunix_socket_dir=\nauth_type=any\npool_mode=%s\ndefault_pool_size=10\n"+
		"[databases]\n%s = host=127.0.0.1 port=%d user=postgres\n", port, mode, database, server.Port())
	if err := os.WriteFile(config, []byte(ini), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{config}
	if os.Geteuid() == 0 { // it refuses to be root
		args = []string{"-u", "nobody", config}
		for dir := filepath.Dir(config); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := osexec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ctx := limited(t)
	for {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			c.Close()
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("pgbouncer does not answer: %v", err)
		}
	}
	return server.TCPDSN("127.0.0.1", port, database)
}

func TestPoolerInTransactionModeIsRefused(t *testing.T) {
	server, err := tcpServer()
	if err != nil {
		t.Fatal(err)
	}
	dsn := pgbouncer(t, "transaction", databaseName(t, server.NewDatabase(t)))
	_, err = Open(limited(t), Config{DSN: dsn, Operator: operator, Runbook: book()})
	if !errors.Is(err, ErrPooler) {
		t.Errorf("got %v", err)
	}
}

func TestPoolerInSessionModeWorks(t *testing.T) {
	server, err := tcpServer()
	if err != nil {
		t.Fatal(err)
	}
	direct := server.NewDatabase(t)
	exec(t, connect(t, direct), bulk)
	target := open(t, pgbouncer(t, "session", databaseName(t, direct)), book("t"))
	if err := target.Lock(limited(t)); err != nil {
		t.Fatal(err)
	}
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	x := begin(t, target)
	remove(t, x, runbook.Step{Delete: "t"})
	intent := intend(t, target, x)
	if err := x.WriteLedger(limited(t), intent); err != nil {
		t.Fatal(err)
	}
	settle(t, target, intent, engine.SettleInProgress)
	if r := x.Commit(limited(t)); r.Outcome != engine.Committed {
		t.Fatal(r)
	}
	settle(t, target, intent, engine.SettledCommitted)
}
