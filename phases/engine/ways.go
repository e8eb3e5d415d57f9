package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tminus/phases"
)

// ways are what spares the phase work; nil where nothing does.
func (r *phaseRun) ways() *phases.PhaseWays { return r.facts.ways }

// indexLook is how long a look at the indexes may take that are there for a run.
const indexLook = 10 * time.Second

// lookAtIndexes makes sure that the indexes are there which were made before the
// gate: the phase makes what it lacks itself. Where nobody knows, it lacks them.
func (r *phaseRun) lookAtIndexes(ctx context.Context) error {
	e := r.engine
	e.mu.Lock()
	f := e.state.Indexes()
	if f == nil || f.Recorded == nil {
		e.mu.Unlock()
		return nil
	}
	job, err := e.fenceJob(f, "")
	e.mu.Unlock()
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, indexLook, fmt.Errorf("no answer within %s", phases.Span(indexLook)))
	defer cancel()
	wait := e.await(r.plan.ID, "look at the indexes that were made before")
	defer wait.over()
	seen := job.Look(limited)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if seen.Sight != f.Seen || seen.Found != f.Found || seen.Error != f.Error {
		if err := e.recordLocked(seen); err != nil {
			return err
		}
	}
	r.facts.ways = e.state.Ways(r.plan.ID)
	return nil
}

// progress records how far a step is, a few times a second.
func (r *phaseRun) progress(step int, p Progress) {
	if r.news(step, p) {
		return
	}
	if now := time.Now(); now.Sub(r.reported) >= r.engine.settings.Progress {
		r.reported = now
		if err := r.engine.record(phases.TableProgressed{
			Phase: r.plan.ID, Step: step, Deleted: p.Deleted,
			BlocksDone: p.BlocksDone, BlocksTotal: p.BlocksTotal, Touched: p.Touched,
		}); err != nil {
			return // recordLocked has cancelled the phase
		}
	}
}

// news takes what a step tells of its way, and reports whether that is all it
// tells. A record that fails cancels the phase.
func (r *phaseRun) news(step int, p Progress) bool {
	r.asked.next(p.Doing)
	if p.Chosen != nil {
		e := *p.Chosen
		e.Phase, e.Step = r.plan.ID, step
		_ = r.engine.record(e) // recordLocked has cancelled the phase
	}
	if p.Built != nil {
		e := *p.Built
		e.Phase = r.plan.ID
		r.built = append(r.built, e)
		_ = r.engine.record(e) // recordLocked has cancelled the phase
	}
	return p.Doing != "" || p.Chosen != nil || p.Built != nil
}

// dropIndexes takes away what the phase made for its foreign keys, and makes sure
// that this was all that was done since the verification. It comes after the
// decision: to drop an index keeps readers from its table, and people think for
// minutes.
func (r *phaseRun) dropIndexes(ctx context.Context, tx Tx, verified phases.Effects) error {
	if len(r.built) == 0 {
		return nil
	}
	began := time.Now()
	wait := r.engine.await(r.plan.ID, "drop the indexes that the phase made")
	defer wait.over()
	names, err := tx.DropIndexes(ctx, r.waiting)
	if err != nil {
		return err
	}
	if err := r.engine.record(phases.IndexesDropped{Phase: r.plan.ID, Names: names, Took: time.Since(began)}); err != nil {
		return err
	}
	wait.next("see what the transaction touched")
	now, err := tx.Effects(ctx)
	if err != nil {
		return fmt.Errorf("see what the transaction touched since its verification: %w", err)
	}
	for _, c := range now.Changes {
		if r.isBuilt(c) {
			return fmt.Errorf("%s, and is there still: nothing is committed with it", c)
		}
	}
	// What is dropped leaves a lock on its table, and nothing else.
	verified.Changes = slices.DeleteFunc(slices.Clone(verified.Changes), r.isBuilt)
	now.Changes = slices.DeleteFunc(now.Changes, func(c phases.Change) bool {
		return c.Kind == phases.ChangeLocked && !slices.Contains(verified.Changes, c) && r.builtOn(c.Table)
	})
	return same(now, verified)
}

// isBuilt reports whether a change is an index that the phase made for a key.
func (r *phaseRun) isBuilt(c phases.Change) bool {
	return c.Kind == phases.ChangeCreated && slices.ContainsFunc(r.built, func(b phases.IndexBuilt) bool {
		return r.fullName(b.Table) == r.fullName(c.Table) && c.IsIndex(b.Name)
	})
}

func (r *phaseRun) builtOn(table string) bool {
	return slices.ContainsFunc(r.built, func(b phases.IndexBuilt) bool { return r.fullName(b.Table) == r.fullName(table) })
}

func (r *phaseRun) fullName(table string) string { return r.facts.book.FullName(table) }

// swept are the sweeps that the survey had nothing against.
func (r *phaseRun) swept() []phases.Sweep {
	if r.ways() == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.ways().Sweeps), func(s phases.Sweep) bool { return s.Why != "" })
}

// takenOut reports whether a change is a foreign key of a sweep, dropped and made
// again: its definition was compared by whoever did.
func (r *phaseRun) takenOut(c phases.Change) bool {
	if c.Kind != phases.ChangeDropped && c.Kind != phases.ChangeCreated {
		return false
	}
	for _, s := range r.swept() {
		for _, k := range s.Keys {
			if r.fullName(k.Table) == r.fullName(c.Table) && c.IsConstraint(k.Constraint) {
				return true
			}
		}
	}
	return false
}
