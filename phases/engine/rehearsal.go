package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

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
	found, err := newRehearsals(dir, "", opened).look(context.Background())
	var best phases.Rehearsed
	for i := range found {
		if found[i].Nearer(&best, opened.SHA256) {
			best = found[i]
		}
	}
	return best, err
}

// rehearsals looks for those that a run may rest on, again and again. A file that
// is as it was is not read again.
type rehearsals struct {
	dir, file string // one of them: where to look, or the one that was named
	opened    phases.RunOpened
	seen      map[string]*looked // by path
}

// looked is what a look at a journal came to.
type looked struct {
	info  os.FileInfo
	other bool              // it is of no rehearsal of this runbook, and never will be
	found *phases.Rehearsed // nil where it could not be read
}

func newRehearsals(dir, file string, opened phases.RunOpened) *rehearsals {
	return &rehearsals{dir: dir, file: file, opened: opened, seen: map[string]*looked{}}
}

// look gives all that there are now. What cannot be read is none.
func (r *rehearsals) look(ctx context.Context) ([]phases.Rehearsed, error) {
	paths := []string{r.file}
	if r.file == "" {
		var err error
		if paths, err = journalsIn(r.dir); err != nil {
			return nil, fmt.Errorf("look for rehearsals: %w", err)
		}
	}
	var out []phases.Rehearsed
	for _, path := range paths {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if found := r.lookAt(path); found != nil {
			out = append(out, *found)
		}
	}
	return out, nil
}

// lookAt gives what a journal says now; nil where it says nothing for this run.
func (r *rehearsals) lookAt(path string) *phases.Rehearsed {
	info, err := os.Stat(path)
	if err != nil {
		delete(r.seen, path)
		return nil
	}
	was := r.seen[path]
	if was != nil && os.SameFile(was.info, info) {
		switch {
		case was.other, was.info.Size() == info.Size() && was.info.ModTime().Equal(info.ModTime()):
			return was.found
		case was.found != nil && was.found.Outcome == "" && info.Size() > was.info.Size():
			// It goes on: all of it is read once it has ended.
			if ended, err := journal.EndsWith(path, phases.ClosingKinds()...); err == nil && !ended {
				was.info = info
				return was.found
			}
		}
	}
	now := &looked{info: info}
	r.seen[path] = now
	if r.file == "" {
		first, err := journal.First(path)
		if err != nil || !rehearses(first, r.opened) {
			now.other = err == nil
			return nil
		}
	}
	if found, err := ReadRehearsal(path, r.opened); err == nil { // else damaged, or of a later version
		now.found = &found
	}
	return now.found
}

// rehearses reports whether a journal that begins so is of a rehearsal of the same
// runbook, or of a file of the same name.
func rehearses(first journal.Record, opened phases.RunOpened) bool {
	e, err := phases.Decode(first)
	o, ok := e.(phases.RunOpened)
	return err == nil && ok && o.Environment == phases.Rehearsal && (o.SHA256 == opened.SHA256 || o.File == opened.File)
}

// awaitRehearsal finds a rehearsal for a run in production that lacks one, for as
// long as its gate is not passed: it may be rehearsed while the run is open.
func (e *Engine) awaitRehearsal(ctx context.Context) {
	var opened phases.RunOpened
	e.View(func(s *phases.State) { opened = s.Opened })
	if opened.Environment != phases.Production || opened.RehearsalFile == "" && e.settings.Rehearsals == "" {
		return
	}
	look := newRehearsals(e.settings.Rehearsals, opened.RehearsalFile, opened)
	tick := time.NewTicker(e.settings.LookAgain)
	defer tick.Stop()
	for {
		lacks := false
		e.View(func(s *phases.State) { lacks = s.LacksRehearsal(time.Now()) })
		if lacks {
			if found, err := look.look(ctx); err == nil {
				e.takeRehearsal(found)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-e.ended:
			return
		case <-tick.C:
		}
	}
}

// takeRehearsal records the one of those found that the run should know of.
func (e *Engine) takeRehearsal(found []phases.Rehearsed) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.leaving || e.broken != nil {
		return
	}
	better := e.state.BetterRehearsal(found, time.Now())
	if better == nil {
		return
	}
	if err := e.recordLocked(phases.RehearsalFound{Rehearsed: *better}); err != nil {
		return // recordLocked has stopped the run
	}
}
