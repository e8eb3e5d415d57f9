package engine

import (
	"context"
	"errors"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// upkeep is what runs after a phase's COMMIT. Its goroutine alone talks to the
// server about it; the engine reaches it by cancel.
type upkeep struct {
	engine *Engine
	phase  string
	plan   []runbook.Maintenance

	cancel  context.CancelCauseFunc
	done    chan struct{}
	aborted *phases.RunAborted // recorded at its end; guarded by the engine's lock
}

// maintain begins what follows a COMMIT that has just been answered. It is
// called by the phase's goroutine, with the lock held, in the phase's end.
func (e *Engine) maintain(r *phaseRun) {
	p := e.state.Phase(r.plan.ID)
	if p.Status != phases.PhaseIsCommitted || e.state.Maintaining() == nil || e.broken != nil || e.state.Outcome != "" {
		return
	}
	// Not the program's context: leave cancels it with a reason.
	ctx, cancel := context.WithCancelCause(context.Background())
	u := &upkeep{engine: e, phase: r.plan.ID, plan: r.plan.AfterCommit, cancel: cancel, done: make(chan struct{})}
	e.upkeep = u
	if e.leaving { // its reason is the phase's
		cancel(errLeaving)
	}
	e.work.Go(func() { u.run(ctx) }) // ends with the last piece, each of which has a limit
}

// run does one piece after the other. One that fails keeps none from the next;
// once cancelled, the rest is left out.
func (u *upkeep) run(ctx context.Context) {
	defer u.cancel(nil)
	for i, m := range u.plan {
		if err := u.piece(ctx, i, m); err != nil {
			break // recordLocked has stopped the run
		}
	}
	e := u.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	defer close(u.done)
	e.upkeep = nil
	if u.aborted != nil {
		// A failure has stopped the run by itself.
		_ = e.conclude(*u.aborted)
	}
}

// piece does one, and records what came of it. The error is the journal's.
func (u *upkeep) piece(ctx context.Context, i int, m runbook.Maintenance) error {
	e := u.engine
	began := time.Now()
	err := context.Cause(ctx)
	if err == nil {
		if err := e.record(phases.MaintenanceStarted{Phase: u.phase, Index: i}); err != nil {
			return err
		}
		limited, over := context.WithTimeoutCause(ctx, m.Limit, &stop{reason: "it ran over its limit of " + phases.Span(m.Limit)})
		err = e.target.Maintain(limited, m)
		if err != nil && limited.Err() != nil {
			err = context.Cause(limited)
		}
		over()
	}
	ended := phases.MaintenanceEnded{Phase: u.phase, Index: i, Took: time.Since(began)}
	if err != nil {
		ended.Error = phases.Clean(err.Error())
		if why := (*stop)(nil); errors.As(err, &why) {
			ended.By = why.by
		}
	}
	return e.record(ended)
}
