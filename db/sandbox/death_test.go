package sandbox

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestKilledProgramLeavesNothing(t *testing.T) {
	for _, test := range []struct {
		name   string
		signal syscall.Signal
	}{
		{"killed", syscall.SIGKILL},
		{"terminated", syscall.SIGTERM},
		{"panicked", syscall.SIGQUIT},
	} {
		t.Run(test.name, func(t *testing.T) {
			program, dir, server, watchdog := spawn(t, nil)
			if err := program.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			awaitNothing(t, dir, server, watchdog)
		})
	}
}

func TestKilledProgramWithoutRootLeavesNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("we are not root: the other test is this one")
	}
	account, err := serverAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	program, dir, server, watchdog := spawn(t, account.credential, "TMPDIR=/tmp", "HOME=/nonexistent")
	var info syscall.Stat_t
	if err := syscall.Stat(dir, &info); err != nil || info.Uid != account.uid() {
		t.Fatalf("the directory's owner is %d: %v", info.Uid, err)
	}
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitNothing(t, dir, server, watchdog)
}

// TestSweepAfterProgramAndWatchdogDied: both that clean up are killed. The next Start in
// the same place finds the directory, unlocked, and removes it.
func TestSweepAfterProgramAndWatchdogDied(t *testing.T) {
	root := t.TempDir()
	openToAll(t, root)
	program, dir, server, watchdog := spawn(t, nil, "TMPDIR="+root)
	if filepath.Dir(dir) != root {
		t.Fatalf("%s is not in %s", dir, root)
	}
	if err := syscall.Kill(watchdog, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	start(t, Options{TempDir: root})
	if gone(dir) || !alive(server) {
		t.Fatal("the directory of a living program was swept")
	}
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
	start(t, Options{TempDir: root})
	if !gone(dir) || alive(server) {
		t.Errorf("left: directory %v, server %v", !gone(dir), alive(server))
	}
}

// TestCleanUpSparesOtherProcesses: the pid in postmaster.pid is somebody
// else's by now.
func TestCleanUpSparesOtherProcesses(t *testing.T) {
	s := start(t, Options{})
	other := start(t, Options{})
	if err := s.Down(); err != nil {
		t.Fatal(err)
	}
	pid, err := os.ReadFile(filepath.Join(other.dataDir(), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dataDir(), "postmaster.pid"), pid, 0o600); err != nil {
		t.Fatal(err)
	}
	s.watchdog.close()
	if !gone(s.Dir()) {
		t.Error("the directory is left")
	}
	conn, err := pgx.Connect(t.Context(), other.DSN("postgres"))
	if err != nil {
		t.Fatalf("the other server is gone: %v", err)
	}
	conn.Close(t.Context())
}

// TestSweepSparesWhatIsNotOurs: directories without a marker, and links.
func TestSweepSparesWhatIsNotOurs(t *testing.T) {
	root := t.TempDir()
	openToAll(t, root)
	account, err := serverAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unmarked := filepath.Join(root, dirPrefix+"unmarked")
	precious := filepath.Join(root, "precious")
	for _, dir := range []string{unmarked, precious} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := account.own(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(precious, markerName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, filepath.Join(root, dirPrefix+"link")); err != nil {
		t.Fatal(err)
	}
	sweep(t.Context(), root, account)
	if gone(unmarked) || gone(filepath.Join(precious, markerName)) {
		t.Error("swept what is not ours")
	}
}

func awaitNothing(t *testing.T, dir string, server, watchdog int) {
	t.Helper()
	eventually(t, "the directory is gone", func() bool { return gone(dir) })
	eventually(t, "the server is gone", func() bool { return !alive(server) })
	eventually(t, "the watchdog is gone", func() bool { return !alive(watchdog) })
	eventually(t, "no process of it is left", func() bool { return len(processesOf(t, dir)) == 0 })
}
