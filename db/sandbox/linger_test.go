package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// long is a linger that no test waits for.
const long = "TMINUS_SANDBOX_TEST_LINGER=15m"

func kill(t *testing.T, program *exec.Cmd) {
	t.Helper()
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
}

// adopted adopts a server for the length of a test.
func adopted(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Adopt(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

func TestServerOutlivesItsProgramAndIsAdopted(t *testing.T) {
	program, dir, server, watchdog := spawn(t, nil, long)
	kill(t, program)
	s := adopted(t, dir)
	if s.PID() != server || !alive(server) {
		t.Errorf("adopted process %d, want %d", s.PID(), server)
	}
	conn := connect(t, s.DSN("postgres"))
	mustExec(t, conn, "CREATE TABLE t (n int)")
	if err := s.SignalBackend(conn.PgConn().PID(), syscall.SIGTERM); err != nil {
		t.Errorf("its backends are not known: %v", err)
	}
	eventually(t, "the first watchdog is gone", func() bool { return !alive(watchdog) })
	if err := s.CreateDatabase(t.Context(), "later", ""); err != nil {
		t.Errorf("after the first watchdog's end: %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	awaitNothing(t, dir, server, s.watchdog.cmd.Process.Pid)
}

func TestServerNobodyAdoptsGoes(t *testing.T) {
	program, dir, server, watchdog := spawn(t, nil, lingerEnv+"=1s")
	kill(t, program)
	eventually(t, "the watchdog waits", func() bool {
		waiting, _ := filepath.Glob(filepath.Join(dir, waitingPrefix+"*"))
		return len(waiting) > 0 || gone(dir)
	})
	awaitNothing(t, dir, server, watchdog)
	if _, err := Adopt(t.Context(), dir); !errors.Is(err, ErrGone) {
		t.Errorf("adopting it then: %v", err)
	}
}

func TestAdopterIsKilledToo(t *testing.T) {
	program, dir, server, _ := spawn(t, nil, long)
	kill(t, program)
	adopter, sameDir, sameServer, _ := spawn(t, nil, adoptEnv+"="+dir)
	if sameDir != dir || sameServer != server {
		t.Fatalf("adopted %s, process %d; want %s, %d", sameDir, sameServer, dir, server)
	}
	kill(t, adopter)
	s := adopted(t, dir)
	connect(t, s.DSN("postgres")).Close(t.Context())
	if err := s.Stop(); err != nil || !gone(dir) || alive(server) {
		t.Errorf("stop: %v; left: directory %v, server %v", err, !gone(dir), alive(server))
	}
}

func TestReleasedServerIsAdopted(t *testing.T) {
	s, err := Start(t.Context(), Options{Linger: 15 * time.Minute, Settings: map[string]string{"max_connections": "17"}})
	if err != nil {
		t.Fatal(err)
	}
	pid := s.PID()
	if err := s.Release(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil || !alive(pid) {
		t.Fatalf("stop after release: %v, the server lives: %v", err, alive(pid))
	}
	again := adopted(t, s.Dir())
	if again.PID() != pid || again.Version() != s.Version() {
		t.Errorf("adopted %d %s, want %d %s", again.PID(), again.Version(), pid, s.Version())
	}
	if err := again.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := setting(t, connect(t, again.DSN("postgres")), "max_connections"); got != "17" {
		t.Errorf("max_connections is %s after a restart", got)
	}
	if err := again.Stop(); err != nil || !gone(s.Dir()) {
		t.Errorf("stop: %v, directory gone: %v", err, gone(s.Dir()))
	}
}

func TestDeadServerIsStartedByItsAdopter(t *testing.T) {
	program, dir, server, _ := spawn(t, nil, long)
	kill(t, program)
	if err := syscall.Kill(server, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server is gone", func() bool { return !alive(server) })
	s := adopted(t, dir)
	if s.PID() == 0 || s.PID() == server {
		t.Errorf("process %d", s.PID())
	}
	connect(t, s.DSN("postgres"))
}

func TestSweepSparesALingeringServer(t *testing.T) {
	root := t.TempDir()
	openToAll(t, root)
	program, dir, server, watchdog := spawn(t, nil, long, "TMPDIR="+root)
	kill(t, program)
	start(t, Options{TempDir: root})
	if gone(dir) || !alive(server) {
		t.Fatal("a lingering server was swept")
	}
	// Nobody is left to remove it in time: an adopter may come, or a sweep.
	if err := syscall.Kill(watchdog, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watchdog is gone", func() bool { return !alive(watchdog) })
	s := adopted(t, dir)
	if s.PID() != server {
		t.Errorf("adopted %d, want %d", s.PID(), server)
	}
	start(t, Options{TempDir: root})
	connect(t, s.DSN("postgres"))
	if err := s.Release(); err != nil {
		t.Fatal(err)
	}
	third := adopted(t, dir)
	if err := third.Stop(); err != nil || !gone(dir) {
		t.Errorf("stop: %v, directory gone: %v", err, gone(dir))
	}
}

func TestOrphanWithoutWatchdogIsSwept(t *testing.T) {
	root := t.TempDir()
	openToAll(t, root)
	program, dir, server, watchdog := spawn(t, nil, long, "TMPDIR="+root)
	if err := syscall.Kill(watchdog, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	kill(t, program)
	eventually(t, "the watchdog is gone", func() bool { return !alive(watchdog) })
	start(t, Options{TempDir: root})
	if !gone(dir) || alive(server) {
		t.Errorf("left: directory %v, server %v", !gone(dir), alive(server))
	}
}

func TestAdoptRefusesWhatIsNotItsOwn(t *testing.T) {
	owned := start(t, Options{Linger: 15 * time.Minute})
	if _, err := Adopt(t.Context(), owned.Dir()); !errors.Is(err, ErrOwned) {
		t.Errorf("a server whose program lives: %v", err)
	}
	connect(t, owned.DSN("postgres"))
	plain := start(t, Options{})
	if err := plain.Release(); err == nil {
		t.Error("released a server that was not to linger")
	}
	empty := filepath.Join(t.TempDir(), dirPrefix+"empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), dirPrefix+"link")
	if err := os.Symlink(owned.Dir(), link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{plain.Dir(), empty, link, "/tmp", "relative", "", "localhost"} {
		if _, err := Adopt(t.Context(), dir); !errors.Is(err, ErrGone) {
			t.Errorf("%q: %v", dir, err)
		}
	}
	if os.Geteuid() == 0 {
		// The server's user may put any file into its directory.
		forged := filepath.Join(owned.Dir(), lingerName)
		if err := owned.user.own(forged); err != nil {
			t.Fatal(err)
		}
		if _, err := Adopt(t.Context(), owned.Dir()); err == nil || errors.Is(err, ErrOwned) {
			t.Errorf("with a file of somebody else's: %v", err)
		}
	}
	connect(t, plain.DSN("postgres"))
}
