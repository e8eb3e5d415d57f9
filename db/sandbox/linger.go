package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// lingerName is the file that lets a server outlive its program: how many
	// polls the watchdog waits, then what an adopter has to know.
	lingerName = "linger"

	// waitingPrefix begins the mark of a watchdog that waits for an adopter, an
	// empty directory. Whoever takes it away, watchdog or adopter, has the server.
	waitingPrefix = "lingering."

	lingerPoll   = 500 * time.Millisecond // as the watchdog's script sleeps
	adoptTimeout = 5 * time.Second        // for the watchdog to notice its program's death
	adoptedPoll  = 50 * time.Millisecond  // for the end of a process that isn't our child
)

// ErrGone is returned by Adopt when there is no server to be had: it lingered
// to its end, was stopped, or never was made to linger.
var ErrGone = errors.New("no server lives on there")

// ErrOwned is returned by Adopt for a server whose program still runs.
var ErrOwned = errors.New("the server's own program still runs")

// legacy is what a server leaves to whoever adopts it.
type legacy struct {
	BinDir, Version    string
	Port               int
	Credential         *syscall.Credential
	Durable, ListenTCP bool
	Settings           map[string]string
	Linger             time.Duration
}

// bequeath lets the server outlive this program from now on.
func (s *Server) bequeath() error {
	will, err := json.Marshal(legacy{
		BinDir: s.bin.dir, Version: s.bin.version, Port: s.port, Credential: s.user.credential,
		Durable: s.opts.Durable, ListenTCP: s.opts.ListenTCP, Settings: s.opts.Settings, Linger: s.opts.Linger,
	})
	if err != nil {
		return fmt.Errorf("let the server linger: %w", err)
	}
	polls := max(1, int64(s.opts.Linger/lingerPoll))
	path := filepath.Join(s.dir, lingerName)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("let the server linger: %w", err)
	}
	_, err = fmt.Fprintf(f, "%d\n%s\n", polls, will)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("let the server linger: %w", err)
	}
	return nil
}

// LetLinger has a server that was started with Options.LingerLater linger from
// now on. It is called once.
func (s *Server) LetLinger() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return ErrStopped
	case s.opts.Linger <= 0:
		return errors.New("let the server linger: it was not started to")
	}
	return s.bequeath()
}

// Release leaves the server to itself, as the program's death would: it runs
// on for Options.Linger, for another program to Adopt it, and is then removed.
// The Server can't be used afterwards. Without Linger it is an error, and
// nothing happens.
func (s *Server) Release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrStopped
	}
	if s.opts.Linger <= 0 {
		return errors.New("release the sandbox server: it was not started to linger")
	}
	s.stopped = true
	s.watchdog.release()
	s.marker.Close() // the watchdog holds the lock on
	return nil
}

// Adopt takes over a server that lingers in a directory (Server.Dir, which is
// also the host to connect to) after its program died or released it. From
// then on it is as if this program had started it: Stop ends it, and if this
// program dies too, it lingers again. One that is down is started. The error
// is ErrGone or ErrOwned, or says what is wrong.
func Adopt(ctx context.Context, dir string) (*Server, error) {
	s, err := adopt(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("adopt the server in %s: %w", dir, err)
	}
	return s, nil
}

func adopt(ctx context.Context, dir string) (*Server, error) {
	will, marker, err := findLegacy(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: Options{
			BinDir: will.BinDir, Durable: will.Durable, ListenTCP: will.ListenTCP,
			Settings: will.Settings, Linger: will.Linger,
		},
		bin:    binaries{dir: will.BinDir, version: will.Version},
		user:   &account{name: "the server's user", credential: will.Credential},
		dir:    dir,
		port:   will.Port,
		marker: marker,
	}
	// Alone with it: program and watchdog are both dead.
	orphan := syscall.Flock(int(marker.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
	if err := lockMarker(marker); err != nil {
		marker.Close()
		return nil, ErrGone // somebody sweeps it
	}
	if !orphan {
		if err := awaitWaiting(ctx, dir); err != nil {
			marker.Close()
			return nil, err
		}
	}
	// Our watchdog comes first: at no time is the server without one.
	if s.watchdog, err = startWatchdog(dir, marker); err != nil {
		marker.Close()
		return nil, err
	}
	if !takeOver(dir) && !orphan {
		// The other watchdog was faster, and is removing it all.
		s.watchdog.close()
		marker.Close()
		return nil, ErrGone
	}
	if err := s.takeProcess(ctx); err != nil {
		return nil, errors.Join(err, s.Release())
	}
	return s, nil
}

// findLegacy makes sure that a directory is a server's of our own, and reads
// what it leaves.
func findLegacy(dir string) (*legacy, *os.File, error) {
	if !filepath.IsAbs(dir) || !strings.HasPrefix(filepath.Base(dir), dirPrefix) {
		return nil, nil, fmt.Errorf("%w: it is not a throwaway server's directory", ErrGone)
	}
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return nil, nil, ErrGone
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, nil, errors.New("its owner is not known here")
	}
	marker, err := openOwn(filepath.Join(dir, markerName))
	if err != nil {
		return nil, nil, err
	}
	will, err := readLegacy(filepath.Join(dir, lingerName))
	if err == nil && (&account{credential: will.Credential}).uid() != owner.Uid {
		err = fmt.Errorf("it belongs to uid %d, not to its server's user", owner.Uid)
	}
	if err != nil {
		marker.Close()
		return nil, nil, err
	}
	return will, marker, nil
}

func readLegacy(path string) (*legacy, error) {
	f, err := openOwn(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var polls int64
	will := &legacy{}
	if _, err := fmt.Fscanln(f, &polls); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if err := json.NewDecoder(f).Decode(will); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if will.Linger <= 0 {
		return nil, fmt.Errorf("read %s: it says nothing of how long", path)
	}
	return will, nil
}

// openOwn opens a file that must be ours: the directory it is in belongs to
// the server's user, who may be anybody's as well.
func openOwn(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || !info.Mode().IsRegular() || int(owner.Uid) != os.Geteuid() {
			err = fmt.Errorf("%s is not a file of ours", path)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// awaitWaiting waits until the server's watchdog waits for an adopter.
func awaitWaiting(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, adoptTimeout, ErrOwned)
	defer cancel()
	tick := time.NewTicker(adoptedPoll)
	defer tick.Stop()
	for {
		if waiting, _ := filepath.Glob(filepath.Join(dir, waitingPrefix+"*")); len(waiting) > 0 {
			return nil
		}
		if _, err := os.Lstat(dir); err != nil {
			return ErrGone
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// takeOver takes the server from the watchdogs that wait, and reports whether
// there were any and it has it from them all.
func takeOver(dir string) bool {
	waiting, _ := filepath.Glob(filepath.Join(dir, waitingPrefix+"*"))
	for _, path := range waiting {
		if os.Remove(path) != nil {
			return false
		}
	}
	return len(waiting) > 0
}

// takeProcess takes over the server's process, or starts one.
func (s *Server) takeProcess(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	pid, _ := readPIDFile(s.dir)
	if pid <= 0 || !alive(pid) || !isServerOf(pid, s.dir) {
		return s.launch(ctx)
	}
	p := &process{pid: pid, adoptedFrom: s.dir, done: make(chan struct{})}
	go func() { // ends with the server
		for alive(pid) {
			time.Sleep(adoptedPoll)
		}
		close(p.done)
	}()
	if err := s.awaitReady(ctx, p); err != nil {
		return err
	}
	s.process = p
	return nil
}
