package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tminus/phases"
	"tminus/phases/journal"
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

// createJournal begins a run's files: its journal, and the folder of its capsules,
// which is made now, so that no other run takes it.
func createJournal(path string, place *phases.CapsulePlace) (*journal.Writer, error) {
	if _, err := os.Lstat(path); place == nil || err == nil { // a journal that is there has its own words, and its run is to be resumed
		return journal.Create(path)
	}
	if err := makeCapsulesFolder(place.Folder); err != nil {
		return nil, err
	}
	w, err := journal.Create(path)
	if err != nil {
		_ = os.Remove(place.Folder) // empty, and made by us just now
	}
	return w, err
}

func makeCapsulesFolder(folder string) error {
	err := os.MkdirAll(filepath.Dir(folder), 0o700)
	if err == nil {
		err = os.Mkdir(folder, 0o700)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("make the folder of the run's capsules, %s: it is there already, and may hold all that is left of another run's rows: name a journal of another name with --journal, or move that folder away together with its journal", folder)
	case err != nil:
		return fmt.Errorf("make the folder of the run's capsules, %s: %w; name another folder in the runbook, as the capsule's `directory`, or put the journal elsewhere with --journal", folder, err)
	}
	return nil
}
