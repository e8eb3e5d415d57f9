package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// childEnv makes the test binary a program that uses the sandbox, for tests
// that need one to die.
const (
	childEnv  = "TMINUS_SANDBOX_TEST_CHILD"
	lingerEnv = "TMINUS_SANDBOX_TEST_LINGER" // Options.Linger of its server
	adoptEnv  = "TMINUS_SANDBOX_TEST_ADOPT"  // adopts the server there instead of starting one
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	os.Exit(Main(m))
}

// child starts a server, says where it is, and waits to be killed, or for the
// end of its input.
func child() int {
	linger, _ := time.ParseDuration(os.Getenv(lingerEnv))
	begin := func(ctx context.Context) (*Server, error) { return Start(ctx, Options{Linger: linger}) }
	if dir := os.Getenv(adoptEnv); dir != "" {
		begin = func(ctx context.Context) (*Server, error) { return Adopt(ctx, dir) }
	}
	s, err := begin(context.Background())
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("ready", s.Dir(), s.PID(), s.watchdog.cmd.Process.Pid)
	var buffer [1]byte
	_, _ = os.Stdin.Read(buffer[:])
	if err := s.Stop(); err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

// start starts a server of the test's own.
func start(t *testing.T, opts Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustExec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// eventually polls a condition until it holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}

// processesOf lists the living processes with a directory on their command
// line.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Skip("no /proc to look for processes in")
	}
	var found []string
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(line), dir) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// spawn runs the test binary as such a program.
func spawn(t *testing.T, credential *syscall.Credential, env ...string) (cmd *exec.Cmd, dir string, server, watchdog int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(exe)
	if credential != nil {
		// The test binary lies where only root gets at it: hand it over open.
		file, err := os.Open(exe)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		cmd = exec.Command("/proc/self/fd/3")
		cmd.ExtraFiles = []*os.File{file}
		cmd.Dir = "/"
	}
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Env = append(cmd.Env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var line [4096]byte
	n, _ := stdout.Read(line[:])
	if _, err := fmt.Sscanf(string(line[:n]), "ready %s %d %d", &dir, &server, &watchdog); err != nil {
		t.Fatalf("the program said %q", line[:n])
	}
	return cmd, dir, server, watchdog
}
