package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Follower reads a journal while it grows. It keeps its own position: the
// writer does not know of it. Its methods may be called by several goroutines.
type Follower struct {
	mu     sync.Mutex
	cursor *cursor
	file   *os.File
	info   os.FileInfo // of file, for its identity
	failed error       // set once; every later Next returns it
}

// Follow opens a journal at its first record. The file must exist; it may be
// empty.
func Follow(path string) (*Follower, error) {
	// What the path leads to is looked at again later: a changed working
	// directory must not matter.
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("follow journal %s: %w", path, err)
	}
	file, err := openRead(abs)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, openError(path, err)
	}
	return &Follower{cursor: newCursor(abs, file), file: file, info: info}, nil
}

// Next gives the records that came since the last call, at most limit of them;
// 0 means all. None is not an error. A last line that is not complete yet is
// left for a later call. It never waits for the writer.
//
// A DamageError says that the journal is not what was read of it so far: a line
// does not fit, or the file was cut, removed or replaced. Good records come
// first, without it. After an error every call returns the same one.
func (f *Follower) Next(limit int) ([]Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return nil, f.failed
	}
	records, err := f.read(limit)
	if err != nil {
		f.failed = err
		if len(records) == 0 {
			return nil, err
		}
	}
	return records, nil
}

func (f *Follower) read(limit int) (records []Record, err error) {
	// Lines that are in memory were complete when they were read: they need no
	// look at the file.
	if len(f.cursor.lines) == 0 {
		if grown, err := f.look(); err != nil || !grown {
			return nil, err
		}
	}
	for limit <= 0 || len(records) < limit {
		rec, found, err := f.cursor.next()
		if err != nil || !found {
			return records, err
		}
		records = append(records, rec)
	}
	return records, nil
}

// look tells whether the file has more than was read, and that it is still the
// file that the path leads to.
func (f *Follower) look() (grown bool, err error) {
	now, err := os.Stat(f.cursor.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, f.cursor.damage("the file was removed while it was followed")
	case err != nil:
		return false, fmt.Errorf("follow journal %s: %w", f.cursor.path, err)
	case !os.SameFile(f.info, now):
		return false, f.cursor.damage("the file was replaced by another while it was followed")
	case now.Size() < f.cursor.off:
		return false, f.cursor.damage(fmt.Sprintf("the file was cut to %d bytes; %d had been read", now.Size(), f.cursor.off))
	}
	return now.Size() > f.cursor.off, nil
}

// Position is the last record that Next gave: its number and its hash. Before
// the first they are 0 and 64 zeros.
func (f *Follower) Position() (seq uint64, hash string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cursor.chain.seq, f.cursor.chain.hash
}

// Close lets the file go. Next then returns an error that wraps os.ErrClosed.
func (f *Follower) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(f.failed, os.ErrClosed) {
		return nil
	}
	f.failed = fmt.Errorf("follow journal %s: %w", f.cursor.path, os.ErrClosed)
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("close journal %s: %w", f.cursor.path, err)
	}
	return nil
}
