package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
)

// TB is what ForTest and NewDatabase need of a testing.TB.
type TB interface {
	Helper()
	Name() string
	Cleanup(func())
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// shared is the one server of a test binary. It is state of the package,
// because tests of one binary have nothing else in common.
var shared = sync.OnceValues(func() (*Server, error) {
	sharedStarted.Store(true)
	return Start(context.Background(), Options{})
})

var (
	sharedStarted     atomic.Bool
	translatedStarted atomic.Pointer[Server]
	databases         atomic.Int64
)

// ForTest gives the server that all tests of a binary share, and starts it the
// first time. It ends with the binary, or in Main. A test that crashes or
// restarts its server takes one of its own, by Start.
func ForTest(tb TB) *Server {
	tb.Helper()
	s, err := shared()
	if err != nil {
		tb.Fatalf("start the server for tests: %v", err)
	}
	return s
}

// Main runs a binary's tests and stops the servers that they share. It is for
// TestMain, gives the exit code, and is optional: without it the watchdog does
// the work after the binary's end.
func Main(m interface{ Run() int }) int {
	code := m.Run()
	if sharedStarted.Load() {
		if s, err := shared(); err == nil {
			_ = s.Stop() // the watchdog does what is left
		}
	}
	if s := translatedStarted.Load(); s != nil {
		_ = s.Stop() // as above
	}
	return code
}

// ClientsForTest has a binary's tests find PostgreSQL's client programs: the
// server's own where it has them, else those on PATH. Where there are none, the
// test is skipped.
func (s *Server) ClientsForTest(tb interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
},
) {
	tb.Helper()
	if _, err := os.Stat(s.bin.path("pg_dump")); err == nil {
		// For the whole binary, so that tests may run beside each other.
		if os.Getenv(BinDirEnv) != s.bin.dir {
			if err := os.Setenv(BinDirEnv, s.bin.dir); err != nil {
				tb.Fatalf("name the server's programs: %v", err)
			}
		}
		return
	}
	for _, name := range []string{"pg_dump", "pg_restore"} {
		if _, err := exec.LookPath(name); err != nil {
			tb.Skipf("%s is not on this machine", name)
		}
	}
}

// NewDatabase creates an empty database and gives its DSN. The test's end
// drops it, whoever is still connected.
func (s *Server) NewDatabase(tb TB) string {
	tb.Helper()
	return s.CloneDatabase(tb, "")
}

// CloneDatabase is NewDatabase with the content of the database template, to
// which nobody may be connected.
func (s *Server) CloneDatabase(tb TB, template string) string {
	tb.Helper()
	name := databaseName(tb.Name(), databases.Add(1))
	ctx := context.Background()
	if err := s.CreateDatabase(ctx, name, template); err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() {
		if s.PID() == 0 {
			return
		}
		if err := s.DropDatabase(ctx, name); err != nil {
			tb.Errorf("%v", err)
		}
	})
	return s.DSN(name)
}

// databaseName makes a name that tells whose database it is.
func databaseName(test string, n int64) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, test)
	return fmt.Sprintf("%.40s_%d", clean, n)
}
