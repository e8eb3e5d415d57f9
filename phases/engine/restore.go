package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"tminus/phases"
	"tminus/phases/journal"
)

// Restoring is who brings back what a run left off, and what is left as it is.
type Restoring struct {
	Operator phases.Operator
	Torn     int      // bytes that were cut from the journal's end
	Leave    []string // fences that are left as they are
	Reason   string   // why, of those
	NoTarget error    // why there is no target, though something needs one; nil otherwise
}

// Restore brings back what a run has switched off that will not go on: what it
// left, the last first, compared with what was recorded. A run that has not ended
// ends thereby, as aborted; of one that is closed, nothing else is recorded.
// The caller has checked that the target is the same database; it may be nil
// where nothing needs one.
func Restore(ctx context.Context, target Target, w *journal.Writer, recs []journal.Record, r Restoring) (*phases.State, error) {
	state, err := phases.Fold(recs)
	if err != nil {
		return nil, err
	}
	e := newEngine(target, w, state, Settings{})
	e.noTarget = r.NoTarget
	for _, id := range r.Leave { // before anything is changed
		if f := state.Fence(id); f == nil || !f.MayBeOff() {
			return state, fmt.Errorf("%s is no fence that this run left off: see `tminus fences`; nothing was changed", id)
		}
	}
	switch {
	case state.Outcome == "":
		if err := e.abandon(ctx, r); err != nil {
			return state, err
		}
	case state.ClosedAt.IsZero():
		e.mu.Lock()
		e.tellMissed()
		e.mu.Unlock()
	}
	for _, id := range r.Leave {
		if err := e.record(phases.FenceLeft{Fence: id, Reason: phases.Clean(r.Reason), By: r.Operator.String()}); err != nil {
			return state, err
		}
	}
	if state.ClosedAt.IsZero() { // long after it, what is off may be another run's
		e.lookAnew(ctx)
	}
	e.liftAll(ctx, r.Operator.String())
	if e.broken == nil && state.ClosedAt.IsZero() && ctx.Err() == nil {
		_ = e.record(phases.RunClosed{Outcome: state.Outcome})
	}
	e.work.Wait() // people are told how the run ended before it is closed
	e.noteLeft(ctx)
	if e.broken == nil && ctx.Err() != nil {
		return state, context.Cause(ctx)
	}
	return state, e.broken
}

// lookAnew looks at the fences that were seen back, and that the run has not brought
// back itself: one may be off again since.
func (e *Engine) lookAnew(ctx context.Context) {
	var ids []string
	e.View(func(s *phases.State) {
		for i := range s.Fences {
			if f := &s.Fences[i]; f.Outstanding() && !f.MayBeOff() {
				ids = append(ids, f.Plan.ID)
			}
		}
	})
	for _, id := range ids {
		seen := e.lookAt(ctx, id)
		if ctx.Err() != nil {
			return
		}
		if seen.Sight == phases.SeenBack {
			continue
		}
		if err := e.record(seen); err != nil {
			return // record has stopped the run
		}
	}
}

// abandon ends a run that nobody drives any more, once it is known what became of
// its open phase.
func (e *Engine) abandon(ctx context.Context, r Restoring) error {
	s := e.state
	open := s.OpenPhase() != nil
	if open && e.target == nil {
		return fmt.Errorf("a phase was open when the program ended, and its database has to be asked what became of it: %w", cmp.Or(e.noTarget, errNoTarget))
	}
	identity := s.Target
	if e.target != nil {
		var err error
		if identity, err = e.target.Identity(ctx); err != nil {
			return err
		}
	}
	if err := e.record(phases.RunResumed{Operator: r.Operator, Target: identity, TornBytes: r.Torn, Version: Version()}); err != nil {
		return err
	}
	if open {
		if err := e.settleLeft(ctx); err != nil {
			return err
		}
	}
	if p := s.OpenPhase(); p != nil {
		return fmt.Errorf("nobody knows yet what became of %s: take the run up with `tminus resume` first", p.Plan.Title)
	}
	const why = "it does not go on: what it had switched off is brought back"
	var ended phases.Event = phases.RunAborted{Reason: why, By: r.Operator.String(), Lift: true}
	if s.T0.IsZero() && s.Gate.Decision != phases.Go {
		ended = phases.NoGoDeclared{Reason: why, By: r.Operator.String(), Lift: true}
	}
	return e.record(ended)
}

// errNoTarget says that nobody has named a database.
var errNoTarget = errors.New("name it with --dsn")

// LookAtFences asks how the fences stand that a run has touched, and records
// nothing. Where a fence's database is not there, why says so; it is unknown then.
func LookAtFences(ctx context.Context, target Target, s *phases.State, why error) ([]phases.FenceSeen, error) {
	e := newEngine(target, nil, s, Settings{})
	e.noTarget = why
	var out []phases.FenceSeen
	for i := range s.Fences {
		if f := &s.Fences[i]; f.Recorded != nil {
			out = append(out, e.lookAt(ctx, f.Plan.ID))
		}
	}
	return out, ctx.Err()
}

// lookAt asks how a fence stands.
func (e *Engine) lookAt(ctx context.Context, id string) phases.FenceSeen {
	e.mu.Lock()
	f := e.state.Fence(id)
	job, err := e.fenceJob(f, "")
	limit := f.Plan.Limit
	e.mu.Unlock()
	if err != nil {
		return phases.FenceSeen{Fence: id, Sight: phases.SeenUnknown, Error: phases.Clean(err.Error())}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", phases.Span(limit)))
	defer cancel()
	return job.Look(ctx)
}
