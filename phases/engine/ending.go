package engine

import (
	"context"
	"fmt"
	"slices"

	"tminus/phases"
)

// closeEnded writes the last record of a run whose program died between the
// end and that record. People are told first how it ended, where that program did
// not come to it, and what was still to come back, comes back. It reports whether
// the run is over.
func (e *Engine) closeEnded(ctx context.Context) (bool, error) {
	e.mu.Lock()
	ended, lift, outcome, by := e.state.Outcome != "", e.state.WantsLift(), e.state.Outcome, e.state.Operator.String()
	if ended {
		e.tellMissed()
	}
	e.mu.Unlock()
	if !ended {
		return false, nil
	}
	if lift {
		e.liftAll(ctx, by)
		if ctx.Err() != nil {
			return true, context.Cause(ctx)
		}
	}
	return true, e.record(phases.RunClosed{Outcome: outcome})
}

func (e *Engine) abort(ended phases.RunAborted) error {
	if e.phase != nil {
		// Not in the cause alone: whatever cancelled the phase first keeps that.
		e.phase.aborted = &ended
		e.phase.cancel(&stop{reason: "the run is aborted: " + ended.Reason, by: ended.By})
		return nil
	}
	if e.upkeep != nil {
		e.upkeep.aborted = &ended
		e.upkeep.cancel(&stop{reason: "the run is aborted: " + ended.Reason, by: ended.By})
		return nil
	}
	return e.conclude(ended)
}

// lifter brings back, at a run's end, what the run has switched off. Its goroutine
// alone does it; the engine reaches it by cancel.
type lifter struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// conclude ends a run: what it has switched off comes back first, where that was
// asked for, and then it is closed. The caller holds the lock.
func (e *Engine) conclude(ended phases.Event) error {
	if err := e.recordLocked(ended); err != nil {
		return err
	}
	return e.windUp()
}

// windUp closes a run that has ended, once nothing is left to bring back. The
// caller holds the lock.
func (e *Engine) windUp() error {
	if e.state.Outcome == "" || !e.state.ClosedAt.IsZero() || e.lifter != nil {
		return nil
	}
	if !e.state.WantsLift() {
		return e.recordLocked(phases.RunClosed{Outcome: e.state.Outcome})
	}
	// Not the program's context: leave cancels it with a reason.
	ctx, cancel := context.WithCancelCause(context.Background())
	l, by := &lifter{cancel, make(chan struct{})}, e.state.Operator.String()
	e.lifter = l
	if e.leaving {
		cancel(errLeaving)
	}
	e.work.Go(func() { // ends with the last fence, each of which has a limit, or with cancel
		defer close(l.done)
		defer cancel(nil)
		e.liftAll(ctx, by)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.lifter = nil
		if ctx.Err() == nil && e.broken == nil {
			_ = e.recordLocked(phases.RunClosed{Outcome: e.state.Outcome}) // a failure has stopped the run by itself
		}
	})
	return nil
}

// liftAll brings back all that is off, the last first. One that does not come
// back keeps none of the others off.
func (e *Engine) liftAll(ctx context.Context, by string) {
	var ids []string
	e.View(func(s *phases.State) {
		for _, f := range slices.Backward(s.FencesOff()) {
			ids = append(ids, f.Plan.ID)
		}
	})
	for _, id := range ids {
		if ctx.Err() != nil {
			return
		}
		if err := e.liftOne(ctx, id, by); err != nil && ctx.Err() == nil {
			if err := e.record(phases.FenceFailed{Fence: id, Error: phases.Clean(err.Error())}); err != nil {
				return // record has stopped the run
			}
		}
	}
}

func (e *Engine) liftOne(ctx context.Context, id, by string) error {
	e.mu.Lock()
	f := e.state.Fence(id)
	job, err := e.fenceJob(f, by)
	limit := f.Plan.Limit
	e.mu.Unlock()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within its limit of %s", phases.Span(limit)))
	defer cancel()
	return job.Lift(ctx)
}

// endLifting breaks off what brings back, and waits for its end: the run is taken
// up again there.
func (e *Engine) endLifting(reason error) {
	e.mu.Lock()
	l := e.lifter
	e.mu.Unlock()
	if l != nil {
		l.cancel(&stop{reason: reason.Error()})
		<-l.done
	}
}
