package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/journal"
)

// Earlier is an unfinished run of the runbook and database that a new run is to
// be begun for.
type Earlier struct {
	Path, Host string // of its journal
	Here       bool   // the journal can be read, on this host
	Why        string // why not; empty when it is on another host
	Stands     string // where the run stands; empty unless Here
	runID      string
}

// FindEarlier gives the unfinished runs of the same runbook against the same
// database as a run that is to open, the latest last: those below dir, and those
// that the database knows of by its notes. off is what earlier runs in that
// database, of any runbook, have left switched off. Journals in dir that are none,
// or damaged, are passed over: this is an offer, not a check. One that never got
// past its survey has nothing to take up.
func FindEarlier(dir string, notes []phases.RunNote, opened phases.RunOpened) (unfinished []Earlier, off []phases.LeftOff, err error) {
	found, _, err := FindUnfinished(dir)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{} // runs, by their ids
	here := opened.Operator.Host
	take := func(s *phases.State, path, host string) {
		known[s.Opened.RunID] = true
		if n := s.Note(path); n.StillOff != "" {
			off = append(off, phases.LeftOff{What: n.StillOff, Journal: path, Host: host})
		}
		if s.ClosedAt.IsZero() && s.Survey != nil && s.Opened.SHA256 == opened.SHA256 {
			unfinished = append(unfinished, Earlier{Path: path, Host: host, Here: true, Stands: s.Standing(), runID: s.Opened.RunID})
		}
	}
	for _, u := range found {
		if u.State.Target.Same(opened.Target) {
			take(u.State, u.Path, here)
		}
	}
	for _, n := range notes {
		n.Target.Database = opened.Target.Database
		if known[n.RunID] || !n.Target.Same(opened.Target) {
			continue
		}
		why := ""
		if n.Host == here {
			s, err := readNoted(n)
			if err == nil {
				take(s, n.Journal, here)
				continue
			}
			why = err.Error()
		}
		if n.StillOff != "" {
			off = append(off, phases.LeftOff{What: n.StillOff, Journal: n.Journal, Host: n.Host})
		}
		if n.Outcome == "" && n.SHA256 == opened.SHA256 {
			unfinished = append(unfinished, Earlier{Path: n.Journal, Host: n.Host, Why: why, runID: n.RunID})
		}
	}
	// A run's id begins with its moment.
	slices.SortStableFunc(unfinished, func(a, b Earlier) int { return strings.Compare(a.runID, b.runID) })
	return unfinished, off, nil
}

// readNoted is the run of a note, as its journal has it.
func readNoted(n phases.RunNote) (*phases.State, error) {
	recs, err := journal.Read(n.Journal)
	if err != nil && !errors.Is(err, journal.ErrTorn) {
		return nil, err
	}
	s, err := phases.Fold(recs)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", n.Journal, err)
	}
	if s.Opened.RunID != n.RunID {
		return nil, fmt.Errorf("read journal %s: it is of another run", n.Journal)
	}
	return s, nil
}
