package capsule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"tminus/phases"
)

// ErrExpired says that a capsule's rows are destroyed on purpose.
var ErrExpired = errors.New("it has expired")

// Tombstone says when a capsule's rows were destroyed, and by whom. The manifest
// beside it stays, and says what they were.
type Tombstone struct {
	Format   int       `json:"format"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Manifest string    `json:"manifest_sha256"` // of the manifest's file
}

// Expire destroys the rows of a capsule, and leaves its manifest and a tombstone. It
// may be called again: the first tombstone stays, and what a crash left over goes. An
// unfinished one is left alone, because its phase may still be writing it.
//
// Files are removed, not overwritten: what a disk or its snapshots keep of them is
// theirs. Rows that must not be read by anybody afterwards want encryption.
func Expire(dir, by string, now time.Time) error {
	_, err := os.Lstat(filepath.Join(dir, expiredName))
	if errors.Is(err, os.ErrNotExist) {
		err = bury(dir, by, now)
	}
	if err == nil {
		err = destroy(dir)
	}
	return failed("expire", dir, err)
}

// bury writes the tombstone: from then on the capsule has expired.
func bury(dir, by string, now time.Time) error {
	c, err := Open(dir)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(Tombstone{Format: format, At: now.UTC(), By: by, Manifest: c.sum}, "", "  ")
	if err != nil {
		return err
	}
	if _, err := writeFile(dir, expiredName, append(text, '\n')); err != nil {
		return err
	}
	return syncFolder(dir)
}

// mortal is a file that is gone with the rows: also one that somebody decrypted or
// unpacked here, and one that was being written.
var mortal = regexp.MustCompile(`^([1-9][0-9]{0,9}\.(dat|old|new|added)(\.gz)?(\.age)?|toc\.dat|put-back\.sql|SHA256SUMS)(\.tmp)?$`)

// remains are the files of a folder that go when it expires: first what offers the rows.
func remains(dir string) ([]os.DirEntry, error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(all, func(e os.DirEntry) bool { return !mortal.MatchString(e.Name()) })
	slices.SortStableFunc(out, func(a, b os.DirEntry) int {
		return cmp.Compare(b.Name()[0], a.Name()[0]) // letters before numbers
	})
	return out, nil
}

// destroy removes all but manifest and tombstone.
func destroy(dir string) error {
	files, err := remains(dir)
	if err != nil {
		return err
	}
	var odd []error
	for _, e := range files {
		path := filepath.Join(dir, e.Name())
		if !e.Type().IsRegular() { // removed, the rows would be where it leads to
			odd = append(odd, fmt.Errorf("%s is no file: remove it and what it leads to by hand", path))
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			odd = append(odd, err)
		}
	}
	return errors.Join(append(odd, syncFolder(dir))...)
}

// expired is ErrExpired, with who and when, where there is a tombstone.
func expired(dir string) error {
	_, err := os.Lstat(filepath.Join(dir, expiredName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	left := ""
	if files, err := remains(dir); err != nil || len(files) > 0 {
		left = "; files of it are left: expire it again"
	}
	t, err := tombstone(dir)
	if err != nil {
		return fmt.Errorf("%w; by whom and when cannot be read: %w%s", ErrExpired, err, left)
	}
	return fmt.Errorf("%w: by %s, at %s%s", ErrExpired, phases.Clean(t.By), t.At.Format(time.RFC3339), left)
}

func tombstone(dir string) (Tombstone, error) {
	var t Tombstone
	text, err := readFile(dir, expiredName)
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err == nil && t.At.IsZero() {
		err = ErrDamaged
	}
	if err != nil {
		return Tombstone{}, fmt.Errorf("%s: %w", expiredName, err)
	}
	return t, nil
}
