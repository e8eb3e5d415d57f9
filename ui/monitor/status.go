package monitor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// writeEvery is how often the file is written while nothing happens that is a
// milestone.
const writeEvery = time.Second

// status writes pictures to a file, from one goroutine: a disk that hangs holds
// up nobody. It is no evidence, which the journal is, and is not synced.
type status struct {
	path string // of the file itself, where links lead to it
	mode fs.FileMode

	offered chan offer // holds the newest
	stop    chan struct{}
	done    chan struct{}
	failed  error // of the last attempt; read after done
}

// offer is a picture that may be written.
type offer struct {
	picture *Picture
	now     bool // whatever was written a moment ago
}

// newStatus makes sure that the file may be written, and starts the goroutine;
// close ends it. A file that is there must be one of these, or empty: whatever
// else it is was not meant.
func newStatus(path string) (*status, error) {
	s := &status{mode: 0o600, offered: make(chan offer, 1), stop: make(chan struct{}), done: make(chan struct{})}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("write status file %s: %w", path, err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	s.path = abs
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("write status file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("write status file %s: it is not a regular file; name a file", path)
	default:
		s.mode = info.Mode().Perm()
		if err := isStatus(abs); err != nil {
			return nil, fmt.Errorf("write status file %s: %w; name another", path, err)
		}
	}
	// The folder must take a file now, and not only in the window.
	probe, err := os.CreateTemp(filepath.Dir(abs), s.temporary())
	if err != nil {
		if in := (*fs.PathError)(nil); errors.As(err, &in) {
			err = in.Err // the name is the probe's own
		}
		return nil, fmt.Errorf("write status file %s: its folder takes no file: %w; make the folder, or name another", path, err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, fmt.Errorf("write status file: %w", err)
	}
	go s.run()
	return s, nil
}

func (s *status) temporary() string { return "." + filepath.Base(s.path) + ".*" }

// isStatus says why a file is none that a Monitor wrote.
func isStatus(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if n > 0 && !bytes.HasPrefix(head[:n], []byte("{\n  \"tminus_status\": ")) {
		return errors.New("it is there, and no status file of a run")
	}
	return nil
}

// is reports whether the file is the one that a path leads to.
func (s *status) is(path string) bool {
	if s == nil {
		return false
	}
	mine, err := os.Stat(s.path)
	if err != nil {
		return false
	}
	other, err := os.Stat(path)
	return err == nil && os.SameFile(mine, other)
}

// offer hands over a picture. It never waits: of those that come while one is
// being written, the newest is next.
func (s *status) offer(p *Picture, now bool) {
	if s == nil {
		return
	}
	next := offer{p, now}
	for {
		select {
		case s.offered <- next:
			return
		case old := <-s.offered:
			next.now = next.now || old.now
		}
	}
}

// run ends when stop is closed and what was offered before is written.
func (s *status) run() {
	defer close(s.done)
	var due *Picture
	var written time.Time
	timer := time.NewTimer(0)
	defer timer.Stop()
	write := func() {
		if due != nil {
			s.failed = s.write(due)
			due, written = nil, time.Now()
		}
	}
	for {
		select {
		case o := <-s.offered:
			due = o.picture
			if o.now || time.Since(written) >= writeEvery {
				write()
			} else {
				timer.Reset(writeEvery - time.Since(written))
			}
		case <-timer.C:
			write()
		case <-s.stop:
			select {
			case o := <-s.offered:
				due = o.picture
			default:
			}
			write()
			return
		}
	}
}

// write puts a picture in the place of the last one: a reader finds the one or
// the other, and never a part.
func (s *status) write(p *Picture) (err error) {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(s.path), s.temporary())
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	err = errors.Join(err, file.Chmod(s.mode), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), s.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// close waits for the last picture to be written, for a limited time.
func (s *status) close() error {
	if s == nil {
		return nil
	}
	close(s.stop)
	select {
	case <-s.done:
	case <-time.After(partWithin):
		return fmt.Errorf("status file %s: its disk does not answer: what it says is not the run's end", s.path)
	}
	if s.failed != nil {
		return fmt.Errorf("status file %s is not up to date: %w", s.path, s.failed)
	}
	return nil
}
