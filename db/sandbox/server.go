package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

const (
	defaultPort   = 5432 // names the socket; nothing listens on TCP by default
	startTimeout  = 60 * time.Second
	fastTimeout   = 10 * time.Second // for a fast shutdown, then an immediate one
	killTimeout   = 10 * time.Second // for an immediate shutdown, then SIGKILL
	pollInterval  = 5 * time.Millisecond
	portAttempts  = 3
	logTailLength = 2000 // bytes of the server log that an error shows
)

// Options say how to start a server. The zero value is what tests want.
type Options struct {
	// BinDir holds initdb and postgres. Empty: $TMINUS_PG_BIN, or what the
	// machine has, or a download.
	BinDir string

	// Durable makes COMMIT survive a crash of the machine, at the price of
	// speed. Without it, a COMMIT still survives Crash: the operating system
	// keeps what the server has written.
	Durable bool

	// ListenTCP also listens on 127.0.0.1, on a port that was free, without a
	// password. It is for tests that put a proxy in the way.
	ListenTCP bool

	// Linger is how long the server lives on after a program that died, or
	// called Release, so that another one can Adopt it. Zero: not at all.
	Linger time.Duration

	// LingerLater has the server linger from LetLinger on alone: what is still
	// being made is worth nothing to anybody.
	LingerLater bool

	// CopyOf is a server whose data directory is copied instead of making a
	// new one. It must be down, by Down or Crash, and can be restarted
	// afterwards: the two then tell one history up to the copy, and are alike
	// in all that an identity is made of.
	CopyOf *Server

	// Settings are further server settings, by name.
	Settings map[string]string

	// TempDir is where the server's directory is made. Empty: os.TempDir, or
	// another one when the server's user can't use that.
	TempDir string

	// CacheDir is where downloaded binaries are kept. Empty: the user's cache
	// directory, or /var/cache/tminus for root.
	CacheDir string

	// RepositoryURL is the Maven repository to download binaries from. Empty:
	// $TMINUS_PG_REPOSITORY, or the download library's own default.
	RepositoryURL string

	// Logger gets what the sandbox does, at debug level. Nil: nothing.
	Logger *slog.Logger

	// Progress is called with a short sentence before each step that takes
	// time. Nil: nothing.
	Progress func(step string)

	// localDirs overrides where local binaries are looked for.
	localDirs func() []string
}

func (o *Options) step(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if o.Logger != nil {
		o.Logger.Debug(text)
	}
	if o.Progress != nil {
		o.Progress(text)
	}
}

// ErrStopped is returned by what needs the server's directory after Stop.
var ErrStopped = errors.New("the sandbox server was stopped")

// Server is a running private server.
type Server struct {
	opts Options
	bin  binaries
	user *account
	dir  string
	port int

	mu       sync.Mutex // guards what follows
	process  *process   // nil when the server is down
	watchdog *watchdog
	marker   *os.File // locked while this process or the watchdog lives
	stopped  bool
}

// Start finds or downloads binaries, makes a data directory, and starts a
// server on it. ctx bounds the starting alone. On error nothing stays behind.
func Start(ctx context.Context, opts Options) (*Server, error) {
	account, err := serverAccount(ctx)
	if err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, &opts, account)
	if err != nil {
		return nil, err
	}
	opts.step("using PostgreSQL %s from %s", bin.version, bin.dir)

	s := &Server{opts: opts, bin: bin, user: account, port: defaultPort}
	if s.dir, s.marker, err = makeDirectory(ctx, opts.TempDir, account); err != nil {
		return nil, err
	}
	if s.watchdog, err = startWatchdog(s.dir, s.marker); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	opts.step("making a data directory in %s", s.dir)
	if err := s.makeData(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	opts.step("starting the server")
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if opts.Linger > 0 && !opts.LingerLater {
		if err := s.bequeath(); err != nil {
			return nil, errors.Join(err, s.Stop())
		}
	}
	return s, nil
}

// Dir is the server's directory: it holds the socket, the data directory and
// the log, and is gone after Stop.
func (s *Server) Dir() string { return s.dir }

// BinDir is the directory of the server's binaries. pg_dump and psql may be
// missing from it.
func (s *Server) BinDir() string { return s.bin.dir }

// Version is the server's version, such as "15.14".
func (s *Server) Version() string { return s.bin.version }

// Port is the port that names the socket, and that TCP uses with ListenTCP.
func (s *Server) Port() int { return s.port }

// DSN is a connection string for a database, as the superuser postgres, over
// the Unix socket. There is no password.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("user=postgres host='%s' port=%d dbname='%s' sslmode=disable",
		quoteDSN(s.dir), s.port, quoteDSN(database))
}

// TCPDSN is DSN over TCP at an address such as a proxy's.
func (s *Server) TCPDSN(host string, port int, database string) string {
	return fmt.Sprintf("user=postgres host='%s' port=%d dbname='%s' sslmode=disable",
		quoteDSN(host), port, quoteDSN(database))
}

func quoteDSN(value string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
}

// PID is the server's process (the postmaster), or 0 when it is down.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil || s.process.ended() {
		return 0
	}
	return s.process.pid
}

// CreateDatabase creates a database, from template unless that is empty.
func (s *Server) CreateDatabase(ctx context.Context, name, template string) error {
	if template == "" {
		template = "template0"
	}
	return s.exec(ctx, "create database "+name, "CREATE DATABASE "+
		pgx.Identifier{name}.Sanitize()+" TEMPLATE "+pgx.Identifier{template}.Sanitize())
}

// DropDatabase drops a database, and ends whoever is connected to it. One that
// isn't there is no error.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	return s.exec(ctx, "drop database "+name, "DROP DATABASE IF EXISTS "+
		pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

func (s *Server) exec(ctx context.Context, what, sql string) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Stop ends the server (fast, then immediate, then by force) and removes its
// directory. Further calls do nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	_ = os.Remove(filepath.Join(s.dir, lingerName)) // if we die now, it goes all the same
	s.shutdown()
	releaseSharedMemory(s.dir)
	err := os.RemoveAll(s.dir)
	s.watchdog.close()
	if s.marker != nil {
		s.marker.Close()
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w; remove it by hand", s.dir, err)
	}
	return nil
}

// Crash kills the server and all its backends at once, as a power cut would.
// Clients see their connections break. Restart brings the server back.
func (s *Server) Crash() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrStopped
	}
	if s.process != nil {
		s.process.crash()
		s.process = nil
	}
	return nil
}

// Restart starts the server again on the same data directory, socket and
// port. A server that still runs is shut down first.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrStopped
	}
	s.shutdown()
	return s.launch(ctx)
}

// Down shuts the server down, fast, and keeps its directory for Restart.
func (s *Server) Down() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrStopped
	}
	s.shutdown()
	return nil
}

// SignalBackend sends a signal to one of the server's own backends. A process
// that isn't one is an error.
func (s *Server) SignalBackend(pid uint32, signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return ErrStopped
	}
	if !s.process.isParentOf(int(pid)) {
		return fmt.Errorf("signal backend %d: not a process of this server", pid)
	}
	return syscall.Kill(int(pid), signal)
}

// shutdown ends the server process if it runs. The caller holds the lock.
func (s *Server) shutdown() {
	if s.process == nil {
		return
	}
	s.process.signal(syscall.SIGINT)
	if !s.process.wait(fastTimeout) {
		s.process.signal(syscall.SIGQUIT)
		if !s.process.wait(killTimeout) {
			s.process.crash()
		}
	}
	s.process = nil
}

func (s *Server) makeData(ctx context.Context) error {
	if s.opts.CopyOf == nil {
		return s.initdb(ctx)
	}
	return s.opts.CopyOf.copyData(ctx, s)
}

// copyData copies the data directory of a server that is down to another's.
func (s *Server) copyData(ctx context.Context, to *Server) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return fmt.Errorf("copy %s: %w", s.dir, ErrStopped)
	case s.process != nil:
		return fmt.Errorf("copy %s: its server runs; take it Down first", s.dir)
	}
	out, err := runBounded(ctx, startTimeout, to.user.command("cp", "-a", s.dataDir(), to.dataDir()))
	if err != nil {
		return fmt.Errorf("copy %s to %s: %w: %s", s.dataDir(), to.dataDir(), err, lastLines(out))
	}
	// A crash leaves it: it names the other server's process.
	if err := os.Remove(filepath.Join(to.dataDir(), "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("copy %s to %s: %w", s.dataDir(), to.dataDir(), err)
	}
	return nil
}

func (s *Server) initdb(ctx context.Context) error {
	cmd := s.user.command(s.bin.path("initdb"), "-D", s.dataDir(), "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync")
	cmd.Dir = s.dir
	out, err := runBounded(ctx, startTimeout, cmd)
	if err != nil {
		return fmt.Errorf("initdb in %s: %w: %s", s.dir, err, lastLines(out))
	}
	return nil
}

// start is launch, with another port when somebody else took ours in between.
func (s *Server) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opts.ListenTCP {
		return s.launch(ctx)
	}
	var err error
	for range portAttempts {
		if s.port, err = freePort(ctx); err != nil {
			return err
		}
		if err = s.launch(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// launch starts postgres and waits until it accepts connections. The caller
// holds the lock.
func (s *Server) launch(ctx context.Context) error {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the server log: %w", err)
	}
	defer log.Close()
	cmd := s.user.command(s.bin.path("postgres"), s.arguments()...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	process, err := startProcess(cmd, s.opts.Linger > 0)
	if err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	if err := s.awaitReady(ctx, process); err != nil {
		process.crash()
		return fmt.Errorf("start a server in %s: %w: %s", s.dir, err, s.logTail())
	}
	s.process = process
	return nil
}

func (s *Server) arguments() []string {
	settings := map[string]string{
		"listen_addresses":        "",
		"unix_socket_permissions": "0700",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		// Files in the data directory go with it; POSIX segments would stay
		// in /dev/shm after a crash, and are too few there in a container.
		"dynamic_shared_memory_type": "mmap",
	}
	if s.opts.ListenTCP {
		settings["listen_addresses"] = "127.0.0.1"
	}
	if !s.opts.Durable {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	for name, value := range s.opts.Settings {
		settings[name] = value
	}
	args := []string{"-D", s.dataDir(), "-k", s.dir, "-p", strconv.Itoa(s.port)}
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// awaitReady waits until postmaster.pid names this very process as ready.
func (s *Server) awaitReady(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		pid, status := readPIDFile(s.dir)
		if pid == p.pid && status == "ready" {
			return nil
		}
		select {
		case <-p.done:
			return errors.New("the server ended at once")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// readPIDFile gives the process and the status that postmaster.pid names, or
// zeros.
func readPIDFile(dir string) (pid int, status string) {
	data, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, ""
	}
	lines := strings.Split(string(data), "\n")
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	if len(lines) >= 8 {
		status = strings.TrimSpace(lines[7])
	}
	return pid, status
}

func (s *Server) dataDir() string { return filepath.Join(s.dir, "data") }
func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }

func (s *Server) logTail() string {
	data, err := os.ReadFile(s.logPath())
	if err != nil {
		return "no server log"
	}
	return lastLines(data)
}

// lastLines gives the end of a program's output on one line, without control
// characters.
func lastLines(out []byte) string {
	if len(out) > logTailLength {
		out = out[len(out)-logTailLength:]
	}
	lines := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, strings.Join(lines, "; "))
}
