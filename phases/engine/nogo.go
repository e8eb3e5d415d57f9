package engine

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

// FindNoGo looks in dirs for the newest NO-GO of a run in production of the same
// runbook, or of a file of the same name, against the same database. It gives
// nil when there is none, or when the window's length has passed since at now:
// nothing begins anew then. One that seems to lie in the future counts, for a
// clock was set back and nobody knows how long ago it was.
//
// A journal that is damaged, or of a later version, is read as far as it can be.
func FindNoGo(dirs []string, opened phases.RunOpened, opens time.Duration, now time.Time) (*phases.NoGoBefore, error) {
	var found *phases.NoGoBefore
	for _, dir := range distinct(dirs) {
		paths, err := journalsIn(dir)
		if err != nil {
			return nil, fmt.Errorf("look for a NO-GO before this run: %w", err)
		}
		for _, path := range paths {
			recs, _ := journal.Read(path) // what comes before the trouble
			if n := noGoOf(recs, opened); n != nil && (found == nil || n.At.After(found.At)) {
				n.Journal, found = filepath.Base(path), n
			}
		}
	}
	if found == nil || now.Sub(found.At) >= opens {
		return nil, nil
	}
	return found, nil
}

// noGoOf is the NO-GO of a journal; nil when it has none, or is of another run
// than those that count.
func noGoOf(recs []journal.Record, opened phases.RunOpened) *phases.NoGoBefore {
	if len(recs) == 0 {
		return nil
	}
	first, err := phases.Decode(recs[0])
	o, ok := first.(phases.RunOpened)
	if err != nil || !ok || o.Environment != phases.Production || !o.Target.Same(opened.Target) || o.SHA256 != opened.SHA256 && o.File != opened.File {
		return nil
	}
	for _, rec := range slices.Backward(recs) {
		if rec.Kind != (phases.NoGoDeclared{}).Kind() {
			continue
		}
		if e, err := phases.Decode(rec); err == nil {
			return &phases.NoGoBefore{RunID: o.RunID, At: rec.At, Reason: e.(phases.NoGoDeclared).Reason}
		}
	}
	return nil
}

// distinct are the folders among dirs, each once.
func distinct(dirs []string) []string {
	var out []string
	for _, dir := range dirs {
		if abs, err := filepath.Abs(dir); err == nil {
			dir = abs
		}
		if !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}
