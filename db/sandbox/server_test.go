package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestStartAndStopLeaveNothing(t *testing.T) {
	var steps []string
	s := start(t, Options{Progress: func(step string) { steps = append(steps, step) }})
	conn := connect(t, s.DSN("postgres"))
	var version, listen string
	err := conn.QueryRow(t.Context(), "SELECT current_setting('server_version'), current_setting('listen_addresses')").
		Scan(&version, &listen)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(version, s.Version()) || listen != "" {
		t.Errorf("version %q, want %q; listens on %q, want nothing", version, s.Version(), listen)
	}
	info, err := os.Stat(s.Dir())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}
	pid, dir := s.PID(), s.Dir()
	if pid == 0 || len(processesOf(t, dir)) == 0 {
		t.Fatalf("pid %d, processes %q", pid, processesOf(t, dir))
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if !gone(dir) || alive(pid) || s.PID() != 0 {
		t.Errorf("left: directory %v, process %v", !gone(dir), alive(pid))
	}
	if left := processesOf(t, dir); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("second stop: %v", err)
	}
	if err := s.Restart(t.Context()); err == nil {
		t.Error("restarted a stopped server")
	}
	if len(steps) < 3 {
		t.Errorf("steps: %q", steps)
	}
}

func TestTwoServersAtOnce(t *testing.T) {
	a, b := start(t, Options{}), start(t, Options{})
	if err := a.CreateDatabase(t.Context(), "only_a", ""); err != nil {
		t.Fatal(err)
	}
	connect(t, a.DSN("only_a"))
	if _, err := pgx.Connect(t.Context(), b.DSN("only_a")); err == nil {
		t.Error("the second server has the first one's database")
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	connect(t, b.DSN("postgres"))
}

func TestCrashKeepsWhatWasCommitted(t *testing.T) {
	s := start(t, Options{Durable: true})
	conn := connect(t, s.DSN("postgres"))
	mustExec(t, conn, "CREATE TABLE kept (n int)")
	mustExec(t, conn, "INSERT INTO kept VALUES (1)")
	mustExec(t, conn, "BEGIN")
	mustExec(t, conn, "INSERT INTO kept VALUES (2)")
	backend := int(conn.PgConn().PID())
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	if s.PID() != 0 || alive(backend) {
		t.Fatal("the server, or a backend, outlived the crash")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sum int
	again := connect(t, s.DSN("postgres"))
	if err := again.QueryRow(t.Context(), "SELECT sum(n) FROM kept").Scan(&sum); err != nil || sum != 1 {
		t.Errorf("sum %d, want 1: %v", sum, err)
	}
	if fsync := setting(t, again, "fsync"); fsync != "on" {
		t.Errorf("fsync is %s in a durable server", fsync)
	}
}

func TestStopAfterCrashLeavesNothing(t *testing.T) {
	s := start(t, Options{})
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if !gone(s.Dir()) || len(processesOf(t, s.Dir())) != 0 {
		t.Error("something is left")
	}
}

func TestDownAndRestartKeepTheAddress(t *testing.T) {
	s := start(t, Options{ListenTCP: true, Settings: map[string]string{"max_connections": "17"}})
	dsn := s.TCPDSN("127.0.0.1", s.Port(), "postgres")
	if got := setting(t, connect(t, dsn), "max_connections"); got != "17" {
		t.Errorf("max_connections is %s", got)
	}
	if err := s.Down(); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), dsn); err == nil {
		t.Error("connected to a server that is down")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	connect(t, dsn)
}

func TestCopyHasTheSameHistory(t *testing.T) {
	s := start(t, Options{})
	conn := connect(t, s.DSN("postgres"))
	mustExec(t, conn, "CREATE TABLE before (n int)")
	if c, err := Start(t.Context(), Options{CopyOf: s}); err == nil {
		c.Stop()
		t.Error("copied a server that runs")
	}
	identifier := func(s *Server) (id string, tables int) {
		err := connect(t, s.DSN("postgres")).QueryRow(t.Context(), `SELECT system_identifier::text,
			(SELECT count(*) FROM pg_class WHERE relname IN ('before', 'after')) FROM pg_control_system()`).Scan(&id, &tables)
		if err != nil {
			t.Fatal(err)
		}
		return id, tables
	}
	for how, end := range map[string]func() error{"down": s.Down, "crashed": s.Crash} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		c := start(t, Options{CopyOf: s})
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustExec(t, connect(t, s.DSN("postgres")), "CREATE TABLE after (n int)")
		was, _ := identifier(s)
		if id, tables := identifier(c); id != was || tables != 1 {
			t.Errorf("%s: the copy is %s, a copy of %s, with %d tables of 1", how, id, was, tables)
		}
		mustExec(t, connect(t, s.DSN("postgres")), "DROP TABLE after")
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if c, err := Start(t.Context(), Options{CopyOf: s}); err == nil {
		c.Stop()
		t.Error("copied a server that is gone")
	}
}

func setting(t *testing.T, conn *pgx.Conn, name string) string {
	t.Helper()
	var value string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSignalBackendReachesBackendsOnly(t *testing.T) {
	s := start(t, Options{})
	conn := connect(t, s.DSN("postgres"))
	if err := s.SignalBackend(uint32(os.Getpid()), syscall.SIGTERM); err == nil {
		t.Fatal("would have signalled a process that is not the server's")
	}
	if err := s.SignalBackend(conn.PgConn().PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_sleep(30)"); err == nil {
		t.Error("the backend lives on")
	}
}

func TestDatabasesOfTestsAreTheirOwn(t *testing.T) {
	s := ForTest(t)
	if s != ForTest(t) {
		t.Error("two servers in one binary")
	}
	var name string
	t.Run("inner", func(t *testing.T) {
		conn := connect(t, s.NewDatabase(t))
		mustExec(t, conn, "CREATE TABLE t (n int)")
		if err := conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
		conn.Close(t.Context())
		var oid string
		err := connect(t, s.CloneDatabase(t, name)).QueryRow(t.Context(), "SELECT 't'::regclass::text").Scan(&oid)
		if err != nil {
			t.Errorf("the clone lacks the template's table: %v", err)
		}
	})
	var left int
	err := connect(t, s.DSN("postgres")).
		QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", name).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d databases %q left: %v", left, name, err)
	}
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	root := t.TempDir()
	openToAll(t, root)
	s, err := Start(t.Context(), Options{TempDir: root, Settings: map[string]string{"max_connections": "many"}})
	if err == nil {
		s.Stop()
		t.Fatal("started")
	}
	if !strings.Contains(err.Error(), "max_connections") {
		t.Errorf("no reason in: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "*")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	root := t.TempDir()
	openToAll(t, root)
	ctx, cancel := context.WithCancel(t.Context())
	// The directory exists by then, and initdb is next.
	progress := func(step string) {
		if strings.HasPrefix(step, "making") {
			cancel()
		}
	}
	s, err := Start(ctx, Options{TempDir: root, Progress: progress})
	if err == nil {
		s.Stop()
		t.Fatal("started")
	}
	if left, _ := filepath.Glob(filepath.Join(root, "*")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// openToAll lets the server's user through to a test's directory.
func openToAll(t *testing.T, dir string) {
	t.Helper()
	for ; dir != filepath.Dir(dir) && dir != "/tmp"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777); err != nil {
			break // not ours: open enough, or the test says so
		}
	}
}
