package db

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tminus/db/capsule"
)

// Whole implements engine.Capsules.
func (t *Target) Whole(folder, sha256 string) error {
	c, err := capsule.Open(folder)
	if err != nil {
		return err
	}
	if c.SHA256() != sha256 {
		return failf("look at the capsule", folder, "", errors.New("its manifest is another one now"))
	}
	return c.There()
}

// Drop implements engine.Capsules.
func (t *Target) Drop(folder, runID string) error {
	switch _, err := os.Lstat(folder); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at the capsule: %w", err)
	}
	switch of, err := capsule.RunOf(folder); {
	case err != nil:
		return err
	case of != "" && of != runID: // all that there is of that run's rows
		return nil
	}
	return capsule.Remove(folder)
}
