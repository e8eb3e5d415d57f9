package capsule

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Entry is one folder among a run's capsules.
type Entry struct {
	Name      string     // of the folder: phase and attempt
	Dir       string     // the folder itself
	Manifest  Manifest   // also of one that has expired; the zero value where it cannot be read
	SHA256    string     // of the manifest's file, where it was read
	Tombstone *Tombstone // of one that has expired; nil where it has not, or cannot be read
	Remains   bool       // of one that has expired: files with rows are left, or nobody knows
	Err       error      // nil of a whole one: ErrUnfinished, ErrExpired, ErrDamaged, ErrLater or what else is wrong
}

// List gives all capsules of a run's folder by their names, with the manifest of each
// or what is wrong with it. No stream is read: Verify does that. Where there is no
// such folder, the error is os.ErrNotExist.
func List(dir string) ([]Entry, error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the capsules in %s: %w", dir, err)
	}
	var out []Entry
	for _, e := range all {
		at := filepath.Join(dir, e.Name())
		if info, err := os.Stat(at); err == nil && !info.IsDir() {
			continue
		}
		entry := Entry{Name: e.Name(), Dir: at}
		c, err := Open(at)
		switch {
		case err == nil:
			entry.Manifest, entry.SHA256 = c.manifest, c.sum
		case errors.Is(err, ErrExpired):
			entry.dead()
		}
		entry.Err = err
		out = append(out, entry)
	}
	return out, nil
}

// dead adds what is left of one that has expired, as far as it can be read.
func (e *Entry) dead() {
	if t, err := tombstone(e.Dir); err == nil {
		e.Tombstone = &t
	}
	left, err := remains(e.Dir)
	e.Remains = err != nil || len(left) > 0
	text, err := readFile(e.Dir, manifestName)
	if err != nil {
		return // Err says more
	}
	if m, err := decode(text); err == nil {
		sum := sha256.Sum256(text)
		e.Manifest, e.SHA256 = m, hex.EncodeToString(sum[:])
	}
}
