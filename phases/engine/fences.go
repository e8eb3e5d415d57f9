package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/engine/fence"
	"tminus/phases/runbook"
)

// fenceJob is what there is to do for a fence, with a copy of what is known of
// it. The caller holds the lock.
func (e *Engine) fenceJob(f *phases.FenceState, by string) (*fence.Job, error) {
	if e.target == nil && f.Plan.OfDatabase() {
		return nil, fmt.Errorf("its database cannot be reached: %w", cmp.Or(e.noTarget, errNoTarget))
	}
	s := e.state
	until := s.AbortAt()
	if until.IsZero() {
		until = s.Schedule().T0.Add(s.Runbook.Window.Abort + s.Extra)
	}
	kind, err := fence.Open(f.Plan, fence.Place{
		Target: e.target, RunID: s.Opened.RunID, Title: s.Runbook.Title, Until: until, Longest: s.Runbook.Window.Abort + s.Extra,
		Wanted: s.WantedIndexes(),
	})
	if err != nil {
		return nil, err
	}
	return &fence.Job{Kind: kind, State: *f, By: by, Record: e.record}, nil
}

// askFence asks how a fence stands, for the item that rests on that. An answer
// that was on its way while the fence was switched says nothing any more.
func (e *Engine) askFence(ctx context.Context, it runbook.Item, job *fence.Job, atOnce bool) {
	limited, cancel := context.WithTimeoutCause(ctx, it.Check.Timeout, fmt.Errorf("no answer within %s", it.Check.Timeout))
	defer cancel()
	began := time.Now()
	seen := job.Look(limited)
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.asking, it.ID)
	if ctx.Err() != nil || e.broken != nil || e.state.Outcome != "" {
		return
	}
	f, asked := e.state.Fence(it.Fence), &job.State
	if f.Step != asked.Step || f.Recorded != asked.Recorded || !f.BackAt.Equal(asked.BackAt) || e.switching(it.Fence) {
		delete(e.due, it.ID)
		return
	}
	if seen.Sight != f.Seen || seen.Found != f.Found || seen.Error != f.Error {
		if err := e.recordLocked(seen); err != nil {
			return // recordLocked has stopped the run
		}
	}
	a := f.Answer(it)
	ev := phases.CheckAnswered{Item: it.ID, Pass: a.Pass, Value: a.Value, Error: f.Error, Took: time.Since(began)}
	if err := e.answered(it, ev, atOnce); err != nil {
		return // recordLocked has stopped the run
	}
}

// switching reports whether a fence is being taken or lifted. The caller holds
// the lock.
func (e *Engine) switching(id string) bool {
	return e.lifter != nil || e.acting != nil && e.acting.item.Fence == id
}
