package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"tminus/phases"
	"tminus/phases/journal"
)

// Unfinished is a run that has not been closed, as its journal has it.
type Unfinished struct {
	Path   string // of its journal, absolute
	State  *phases.State
	Driven bool   // a program drives it now
	Gone   string // why it cannot be taken up any more; empty where it can, as far as can be told
}

// Ready reports whether the run can be taken up now.
func (u Unfinished) Ready() bool { return !u.Driven && u.Gone == "" }

// FindUnfinished gives the runs below the user's state directory that are not
// closed, the one that was written to last at the end, and why others may be
// unfinished too: their files look like journals and could not be read. Without a
// directory there are none.
func FindUnfinished(dir string) (found []Unfinished, passed []error, err error) {
	if dir == "" {
		return nil, nil, nil
	}
	paths, err := journalsIn(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("look for unfinished runs: %w", err)
	}
	elsewhere, err := journalsIn(filepath.Join(dir, elsewhereDir))
	if err != nil {
		return nil, nil, fmt.Errorf("look for unfinished runs: %w", err)
	}
	for _, link := range elsewhere {
		path, err := filepath.EvalSymlinks(link)
		switch {
		case err != nil:
			passed = append(passed, leadsNowhere(link, err))
		case !slices.Contains(paths, path):
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		u, err := ReadUnfinished(path)
		switch {
		case err != nil:
			passed = append(passed, err)
		case u != nil:
			found = append(found, *u)
		}
	}
	slices.SortStableFunc(found, func(a, b Unfinished) int { return a.State.At.Compare(b.State.At) })
	return found, passed, nil
}

// leadsNowhere says why the journal that a link remembers is not read. The run may be
// the one that somebody means.
func leadsNowhere(link string, err error) error {
	to, unread := os.Readlink(link)
	if unread != nil { // it is no link, or nobody may look
		return fmt.Errorf("look for the journal of %s: %w", link, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s leads nowhere: there is no journal %s. Mount what it lies on, or name it where it is now: tminus resume JOURNAL; where it is gone for good, remove %s", link, to, link)
	}
	return fmt.Errorf("look for the journal of %s, %s: %w", link, to, err)
}

// ReadUnfinished gives the run of a journal; nil where it is closed, or none has
// begun in it.
func ReadUnfinished(path string) (*Unfinished, error) {
	// What else may follow the end may as well stand at the end of one that was left.
	ended, err := journal.EndsWith(path, phases.RunClosed{}.Kind())
	if err != nil || ended {
		return nil, err
	}
	recs, err := journal.Read(path)
	switch {
	case errors.Is(err, journal.ErrEmpty):
		return nil, nil
	case err != nil && !errors.Is(err, journal.ErrTorn):
		return nil, err
	}
	s, err := phases.Fold(recs)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	if s.Opened.RunID == "" || !s.ClosedAt.IsZero() {
		return nil, nil
	}
	u := &Unfinished{Path: path, State: s}
	if u.Driven, err = journal.InUse(path); err != nil {
		return nil, err
	}
	if s.Throwaway() {
		if _, err := os.Stat(s.Target.Host); errors.Is(err, fs.ErrNotExist) {
			u.Gone = "its server is gone, and its database with it"
		}
	}
	return u, nil
}

// elsewhereDir is where the state directory has links to the journals of runs that
// do not lie in it, for as long as those are not closed.
const elsewhereDir = "elsewhere"

// LinkJournal has FindUnfinished find a journal that does not lie in the state
// directory. forget takes the link away again, when its run has ended.
func LinkJournal(path, runID string) (forget func() error, err error) {
	dir, err := StateDir()
	if err != nil || filepath.Dir(path) == dir { // without one, nobody would look there
		//lint:ignore nilerr a run needs no state directory
		return func() error { return nil }, nil
	}
	link := journalLink(dir, runID)
	forget = func() error { return ForgetJournal(runID) }
	if err := forget(); err != nil { // the journal may have been moved since
		return forget, err
	}
	err = os.MkdirAll(filepath.Dir(link), 0o700)
	if err == nil {
		err = os.Symlink(path, link)
	}
	if err != nil {
		return forget, fmt.Errorf("remember where the journal is, for `tminus resume`: %w", err)
	}
	return forget, nil
}

// ForgetJournal takes the link to a run's journal away, where there is one.
func ForgetJournal(runID string) error {
	dir, err := StateDir()
	if err != nil {
		//lint:ignore nilerr without one there is no link
		return nil
	}
	if err := os.Remove(journalLink(dir, runID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget where the journal is: %w", err)
	}
	return nil
}

func journalLink(dir, runID string) string {
	return filepath.Join(dir, elsewhereDir, filepath.Base(runID)+JournalEnding)
}

// ProgramName is how the program is called, as a shell takes it: by its name
// where that leads to this program, else by its path. Empty stands for its name.
func ProgramName() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	if found, err := exec.LookPath(phases.ProgramName); err == nil {
		a, errA := os.Stat(found)
		b, errB := os.Stat(self)
		if errA == nil && errB == nil && os.SameFile(a, b) {
			return ""
		}
	}
	return self
}
