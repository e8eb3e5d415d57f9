package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"

	"tminus/db/capsule"
	"tminus/phases"
)

// Capsules reads and destroys what phases took away, without a database.
type Capsules struct{}

// List gives the capsules in a run's folder. Of streams it knows names and sizes.
func (Capsules) List(folder string) ([]phases.CapsuleFiles, error) {
	entries, err := capsule.List(folder)
	if err != nil {
		return nil, err
	}
	var out []phases.CapsuleFiles
	for _, e := range entries {
		m := e.Manifest
		f := phases.CapsuleFiles{
			Name: e.Name, Path: e.Dir, SHA256: e.SHA256, RunID: m.RunID, Rows: m.Rows(), Size: m.Size(), Taken: m.Taken,
			KeepUntil: m.KeepUntil, Recipients: m.Recipients, Remains: e.Remains,
			Unfinished: errors.Is(e.Err, capsule.ErrUnfinished), Expired: errors.Is(e.Err, capsule.ErrExpired),
		}
		if e.Tombstone != nil {
			f.ExpiredAt, f.ExpiredBy = e.Tombstone.At, e.Tombstone.By
		}
		if err = e.Err; err == nil {
			err = there(e.Dir)
		}
		if err != nil && !f.Expired {
			f.Wrong = shortened(err, e.Dir)
		}
		out = append(out, f)
	}
	return out, nil
}

// shortened is an error without the folder, which is told beside it.
func shortened(err error, dir string) string {
	text := strings.TrimPrefix(err.Error(), "open the capsule "+dir+": ")
	return strings.ReplaceAll(text, " of the capsule "+dir+":", ":")
}

func there(dir string) error {
	c, err := capsule.Open(dir)
	if err != nil {
		return err
	}
	return c.There()
}

// Verify reads all of a capsule, which has to be the one with this manifest.
func (Capsules) Verify(ctx context.Context, dir, sha256, identity string, progress func(done, total int64)) error {
	c, err := openWith(dir, sha256, identity)
	if err != nil {
		return err
	}
	return c.Verify(ctx, progress)
}

// Decrypt writes a plain copy of a capsule, which has to be the one with this
// manifest, to a folder that is not there yet.
func (Capsules) Decrypt(ctx context.Context, dir, sha256, identity, out string, progress func(done, total int64)) error {
	c, err := openWith(dir, sha256, identity)
	if err != nil {
		return err
	}
	return c.Decrypt(ctx, out, progress)
}

// Expire destroys the rows of a capsule for good.
func (Capsules) Expire(dir, by string, now time.Time) error { return capsule.Expire(dir, by, now) }

// openWith opens a capsule with the keys of a file; empty: none.
func openWith(dir, sha256, identity string) (*capsule.Capsule, error) {
	var ids []age.Identity
	var err error
	if identity != "" {
		if ids, err = capsule.Identities(identity); err != nil {
			return nil, err
		}
	}
	c, err := capsule.Open(dir, ids...)
	if err == nil && c.SHA256() != sha256 {
		err = fmt.Errorf("open the capsule %s: %w", dir, errOtherCapsule)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// errOtherCapsule says that a capsule is not the one that is meant.
var errOtherCapsule = errors.New("it is not the one that the run kept: its manifest has another SHA-256; find the one that belongs to the run's journal")
