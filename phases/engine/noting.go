package engine

import (
	"context"
	"time"

	"tminus/phases"
)

// noteBegun has the database know of the run, once there is something to take up.
// Where that cannot be, it is a warning: nothing rests on it.
func (e *Engine) noteBegun(ctx context.Context, survey *phases.Survey) error {
	err := e.target.NoteRun(ctx, e.runNote())
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		survey.Warnings = append(survey.Warnings, phases.Clean("nobody is told of this run by its database: "+err.Error()))
	}
	return nil
}

// noteLimit is how long a program's end waits for a note.
const noteLimit = 2 * time.Second

// noteLeft has the database know how the run ended, or what it leaves switched
// off. Whoever reads an older note asks the journal: what cannot be written here
// is passed over.
func (e *Engine) noteLeft(ctx context.Context) {
	n := e.runNote()
	if e.target == nil || n.RunID == "" || n.Outcome == "" && n.StillOff == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
	defer cancel()
	_ = e.target.NoteRun(ctx, n)
}

// runNote is what the database should know of the run as it stands.
func (e *Engine) runNote() (n phases.RunNote) {
	e.View(func(s *phases.State) {
		if s.Runbook != nil {
			n = s.Note(e.journal.Path())
		}
	})
	return n
}
