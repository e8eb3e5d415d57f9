package capsule

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tminus/phases"
)

// ErrExpired says that a capsule's rows were destroyed on purpose.
var ErrExpired = errors.New("it has expired, its rows are destroyed")

// Tombstone says when a capsule's rows were destroyed, and by whom. The manifest
// beside it stays, and says what they were.
type Tombstone struct {
	Format   int       `json:"format"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Manifest string    `json:"manifest_sha256"` // of the manifest's file
}

// Expire destroys the rows of a capsule, and leaves its manifest and a tombstone. It
// may be called again: the first tombstone stays, and what a crash left over goes.
func Expire(dir, by string, now time.Time) error {
	_, err := os.Lstat(filepath.Join(dir, expiredName))
	if errors.Is(err, os.ErrNotExist) {
		err = bury(dir, by, now)
	}
	if err != nil {
		return failed("expire", dir, err)
	}
	return failed("expire", dir, destroy(dir))
}

// bury writes the tombstone.
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

// destroy removes all but manifest and tombstone. First goes what offers the rows.
func destroy(dir string) error {
	for _, name := range []string{tocName, scriptName, sumsName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if streamName.MatchString(e.Name()) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return syncFolder(dir)
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
	t, err := tombstone(dir)
	if err != nil {
		return fmt.Errorf("%w; by whom and when cannot be read: %w", ErrExpired, err)
	}
	return fmt.Errorf("%w: by %s, at %s", ErrExpired, phases.Clean(t.By), t.At.Format(time.RFC3339))
}

func tombstone(dir string) (Tombstone, error) {
	var t Tombstone
	text, err := readFile(dir, expiredName)
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		return Tombstone{}, fmt.Errorf("%s: %w", expiredName, err)
	}
	return t, nil
}
