package backup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tminus/phases"
)

// Before finds the last whole backup below base that is of the same database as a
// manifest, and older than a moment; nil for none. What is damaged, or not to be
// read, is none.
func Before(base string, m Manifest, than time.Time) (*phases.BackupBefore, error) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return nil, fmt.Errorf("look for the backup before this one: %w", err)
	}
	slices.Reverse(entries) // their names end in their times
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), fileName(m.Database)+"-") || strings.HasSuffix(e.Name(), unfinished) {
			continue
		}
		location := filepath.Join(base, e.Name())
		found, err := ReadManifest(location)
		if err != nil || found.Database != m.Database || found.System != m.System || !found.At.Before(than) {
			continue
		}
		return &phases.BackupBefore{ID: found.ID, At: found.At, Bytes: Size(location)}, nil
	}
	return nil, nil
}
