package journal

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// Writer appends to a journal. It is the only one: it holds the file's lock.
// Its methods may be called by several goroutines; appends happen one after the
// other.
type Writer struct {
	path string

	mu     sync.Mutex
	file   File
	chain  chain
	size   int64 // of the file, up to the last good line
	failed error // the first cause; set once
	closed bool
}

// Append writes one record. The data must marshal to a JSON object, the kind be
// in snake_case; otherwise ErrRefused, and nothing has happened.
//
// After any other error the writer is closed for good: this and every later
// append has failed, later ones with ErrClosed and the first cause. A line that
// came to the file in part has been cut off again, where the disk let us. A
// line that came whole, but could not be synced, stays: readers may have seen
// it already, and whether the disk has it nobody knows.
func (w *Writer) Append(at time.Time, kind string, data any, d Durability) (Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return Record{}, err
	}
	line, rec, err := w.chain.encode(at, kind, data)
	if err != nil {
		return Record{}, fmt.Errorf("append to journal %s: %w", w.path, err)
	}
	if err := w.write(line, d); err != nil {
		w.failed = err
		return Record{}, fmt.Errorf("append line %d (%s) to journal %s: %w", rec.Seq, kind, w.path, err)
	}
	w.chain = chain{seq: rec.Seq, hash: rec.Hash}
	return rec, nil
}

func (w *Writer) write(line []byte, d Durability) error {
	if d == Synced {
		// Before the write, too: behind a stranger's bytes no line of ours is found.
		if err := w.checkPlace(); err != nil {
			return err
		}
	}
	n, err := w.file.Write(line)
	if err == nil && n < len(line) {
		err = fmt.Errorf("%d of %d bytes written", n, len(line))
	}
	if err != nil {
		err = explain(err)
		if n == len(line) {
			return err
		}
		if cut := w.file.Truncate(w.size); cut != nil {
			return fmt.Errorf("%w (and the torn line stays: %w)", err, cut)
		}
		return err
	}
	w.size += int64(len(line))
	if d == Buffered {
		return nil
	}
	return w.sync()
}

// Sync puts all that was appended on disk. Its errors are those of Append.
func (w *Writer) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return err
	}
	if err := w.sync(); err != nil {
		w.failed = err
		return fmt.Errorf("sync journal %s: %w", w.path, err)
	}
	return nil
}

// sync is never tried twice: after a failed one the system may have dropped
// what it could not write, and the next would succeed without it.
func (w *Writer) sync() error {
	if err := w.file.Sync(); err != nil {
		return explain(err)
	}
	return w.checkPlace()
}

// Close syncs, unless the writer has failed, and gives the file and its lock
// free. A second call does nothing.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	var err error
	if w.failed == nil {
		if err = w.sync(); err != nil {
			w.failed = err
		}
	}
	if err = errors.Join(err, w.file.Close()); err != nil {
		return fmt.Errorf("close journal %s: %w", w.path, err)
	}
	return nil
}

// Path is the journal's absolute path.
func (w *Writer) Path() string { return w.path }

// Head is the last record that was appended without error: its number and its
// hash. Before the first they are 0 and 64 zeros.
func (w *Writer) Head() (seq uint64, hash string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chain.seq, w.chain.hash
}

func (w *Writer) usable() error {
	switch {
	case w.failed != nil:
		return fmt.Errorf("write to journal %s: %w: an earlier write failed: %w", w.path, ErrClosed, w.failed)
	case w.closed:
		return fmt.Errorf("write to journal %s: %w", w.path, ErrClosed)
	}
	return nil
}

// checkPlace holds that the path still leads to our file, and that nobody else
// wrote to it.
func (w *Writer) checkPlace() error {
	ours, err := w.file.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(w.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &GoneError{Path: w.path, Reason: "it was removed or renamed while the run writes to it"}
	case err != nil:
		return &GoneError{Path: w.path, Reason: err.Error()}
	case !os.SameFile(ours, there):
		return &GoneError{Path: w.path, Reason: "another file was put in its place while the run writes to it"}
	case ours.Size() != w.size:
		return &DamageError{
			Path: w.path, Line: w.chain.seq + 1,
			Reason: fmt.Sprintf("somebody else changed the file: it has %d bytes, %d were written", ours.Size(), w.size),
		}
	}
	return nil
}

// explain adds the way out to the errors of a disk that a person can end.
func explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w; make room on that disk, then resume the run", err)
	}
	return err
}
