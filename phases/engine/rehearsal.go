package engine

import (
	"errors"
	"fmt"
	"path/filepath"

	"tminus/phases"
	"tminus/phases/journal"
)

// ReadRehearsal is what the journal at path says of a rehearsal, for a run that
// is to open. What it lacks the gate tells; an error means that it cannot be
// read, or is not what was written.
func ReadRehearsal(path string, opened phases.RunOpened) (phases.Rehearsed, error) {
	recs, err := journal.Read(path)
	if err != nil && !errors.Is(err, journal.ErrTorn) { // a torn one is unfinished
		return phases.Rehearsed{}, fmt.Errorf("read the rehearsal: %w", err)
	}
	s, err := phases.Fold(recs)
	if err != nil {
		return phases.Rehearsed{}, fmt.Errorf("read the rehearsal %s: %w", path, err)
	}
	return phases.RehearsedBy(s, filepath.Base(path), opened.Source), nil
}

// FindRehearsal looks below dir for the rehearsal that a run may rest on: the
// last completed one of the same runbook. Where there is none, it gives what
// comes nearest, so that the gate can say what is wrong with it: the last one of
// the same runbook, or of a file of the same name. Damaged journals are passed
// over; the zero value is that none was found.
func FindRehearsal(dir string, opened phases.RunOpened) (phases.Rehearsed, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil {
		return phases.Rehearsed{}, fmt.Errorf("look for rehearsals in %s: %w", dir, err)
	}
	var best phases.Rehearsed
	for _, path := range paths {
		recs, err := journal.Read(path)
		if len(recs) == 0 || err != nil && !errors.Is(err, journal.ErrTorn) || !rehearses(recs[0], opened) {
			continue
		}
		state, err := phases.Fold(recs)
		if err != nil {
			continue // of a later version
		}
		if found := phases.RehearsedBy(state, filepath.Base(path), opened.Source); nearer(found, best, opened.SHA256) {
			best = found
		}
	}
	return best, nil
}

// rehearses reports whether a journal that begins so is of a rehearsal of the same
// runbook, or of a file of the same name.
func rehearses(first journal.Record, opened phases.RunOpened) bool {
	e, err := phases.Decode(first)
	o, ok := e.(phases.RunOpened)
	return err == nil && ok && o.Environment == phases.Rehearsal && (o.SHA256 == opened.SHA256 || o.File == opened.File)
}

// nearer reports whether a rehearsal says more for a runbook than another.
func nearer(r, than phases.Rehearsed, sha256 string) bool {
	rank := func(r phases.Rehearsed) []bool {
		return []bool{r.Journal != "", r.SHA256 == sha256, r.Outcome == phases.Completed}
	}
	a, b := rank(r), rank(than)
	for i := range a {
		if a[i] != b[i] {
			return a[i]
		}
	}
	return !r.EndedAt.Before(than.EndedAt)
}
