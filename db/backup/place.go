package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tminus/phases"
)

// unfinished is the end of a directory's name until its backup is whole.
const unfinished = ".unfinished"

// Place is where a backup is being written.
type Place struct {
	ID    string // of the backup, and its directory's name
	base  string
	dir   string   // where it is until it is whole; empty from then on
	lease *os.File // locked while this program writes it
}

// Begin makes a place for a backup of a database below base, a directory that
// must be there: a disk that is not mounted is none. need is how many bytes it
// must have room for.
func Begin(base, database string, at time.Time, need int64) (*Place, error) {
	info, err := os.Stat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no directory %s to take the backup into: make it, or mount its disk", base)
	case err != nil:
		return nil, fmt.Errorf("look at the directory of the backups: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is no directory: name one to take the backup into", base)
	}
	name := fileName(database)
	if err := sweep(base, name); err != nil {
		return nil, err
	}
	if err := Room(base, need); err != nil {
		return nil, err
	}
	p := &Place{ID: name + "-" + at.UTC().Format("20060102T150405Z"), base: base}
	if _, err := os.Lstat(p.Location()); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is a %s already, and a backup is never written over: take it again in a second", p.Location())
	}
	p.dir = p.Location() + unfinished
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the backup's directory: %w; see who may write to %s", err, base)
	}
	if p.lease, err = lock(p.dir, os.O_CREATE|os.O_EXCL); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the backup's directory: %w", err), os.RemoveAll(p.dir))
	}
	return p, nil
}

// Location is where the backup will be.
func (p *Place) Location() string { return filepath.Join(p.base, p.ID) }

// Dump is where pg_dump writes.
func (p *Place) Dump() string { return filepath.Join(p.dir, dumpName) }

// Finish gives the backup its name, once all of it is on disk.
func (p *Place) Finish(m Manifest) error {
	defer p.lease.Close()
	if err := m.write(p.dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(p.dir, lockName)); err != nil {
		return fmt.Errorf("finish the backup: %w", err)
	}
	if err := syncDir(p.dir); err != nil {
		return err
	}
	if err := os.Rename(p.dir, p.Location()); err != nil {
		return fmt.Errorf("finish the backup: %w", err)
	}
	p.dir = p.Location()
	if err := syncDir(p.base); err != nil {
		return err
	}
	p.dir = ""
	return nil
}

// Abandon removes what there is. It does nothing for a finished backup.
func (p *Place) Abandon() error {
	defer p.lease.Close()
	if p.dir == "" {
		return nil
	}
	if err := os.RemoveAll(p.dir); err != nil {
		return fmt.Errorf("remove what there is of the backup: %w; remove %s by hand", err, p.dir)
	}
	return nil
}

// Room holds that a directory's file system has so many bytes free.
func Room(dir string, need int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("look how much room %s has: %w", dir, err)
	}
	if free := int64(st.Bavail) * int64(st.Bsize); free < need {
		return fmt.Errorf("%s has room for %s, and the database's tables are %s: make room, or name another directory", dir, phases.Bytes(free), phases.Bytes(need))
	}
	return nil
}

// sweep removes what programs have left that ended while they wrote a backup of
// the database.
func sweep(base, name string) error {
	entries, err := os.ReadDir(base)
	if err != nil {
		return fmt.Errorf("look for unfinished backups: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), name+"-") || !strings.HasSuffix(e.Name(), unfinished) {
			continue
		}
		dir := filepath.Join(base, e.Name())
		// The lock is not made here: where there is none, somebody is just making
		// the backup, or gives it its name, or it is none of ours.
		lease, err := lock(dir, 0)
		if err != nil {
			continue // somebody writes it
		}
		err = os.RemoveAll(dir)
		lease.Close()
		if err != nil {
			return fmt.Errorf("remove an unfinished backup: %w; remove %s by hand", err, dir)
		}
	}
	return nil
}

// lock takes a directory's lock, which ends with the program; flags tell whether
// it is made.
func lock(dir string, flags int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), flags|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("finish the backup: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("finish the backup: %w", err)
	}
	return nil
}

// fileName is a database's name as a part of a file's.
func fileName(database string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, database)
}
