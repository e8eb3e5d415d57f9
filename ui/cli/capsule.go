package cli

import (
	"path/filepath"
	"slices"

	"tminus/phases"
	"tminus/phases/runbook"
)

// capsules is where a run keeps what its phases take away: beside its journal,
// unless the runbook names a directory; nil where no phase keeps anything.
func capsules(book *runbook.Runbook, journal string) (*phases.CapsulePlace, error) {
	if !slices.ContainsFunc(book.Phases, func(p runbook.Phase) bool { return book.Keeps(&p) }) {
		return nil, nil
	}
	folder := journal + ".capsule"
	if dir := book.Capsule.Directory; dir != "" {
		folder = filepath.Join(dir, filepath.Base(folder))
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	return &phases.CapsulePlace{Folder: folder}, nil
}
