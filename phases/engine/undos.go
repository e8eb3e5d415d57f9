package engine

import (
	"fmt"
	"path/filepath"

	"tminus/phases"
	"tminus/phases/journal"
)

// FindUndos gives the phases of a run that other runs, whose journals are in these
// folders, have put back. A journal that is damaged, or of a later version, is read
// as far as it can be.
func FindUndos(dirs []string, runID string) ([]phases.UndoneBy, error) {
	var out []phases.UndoneBy
	for _, dir := range distinct(dirs) {
		paths, err := journalsIn(dir)
		if err != nil {
			return nil, fmt.Errorf("look for undos of the run: %w", err)
		}
		for _, path := range paths {
			recs, _ := journal.Read(path) // what comes before the trouble
			if len(recs) == 0 {
				continue
			}
			first, err := phases.Decode(recs[0])
			o, ok := first.(phases.RunOpened)
			if err != nil || !ok || o.Undoes == nil || o.Undoes.RunID != runID {
				continue
			}
			s, err := phases.Fold(recs)
			if err != nil {
				return nil, fmt.Errorf("read what %s has undone: %w", path, err)
			}
			out = append(out, s.HasUndone(filepath.Base(path))...)
		}
	}
	return out, nil
}
