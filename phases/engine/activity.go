package engine

import (
	"context"
	"time"

	"tminus/phases"
)

const (
	activityFirst = time.Second // a phase that is over by then is not worth a look
	activityEvery = 2 * time.Second
	activityLimit = 4 * time.Second // of one look, the wait for a connection included
)

// watchActivity looks who else is in the database while a phase is open. It ends
// with the phase, and with ctx, which is the phase's: whoever ends that waits for no
// look. What fails is recorded, and stops nothing.
func (r *phaseRun) watchActivity(ctx context.Context) {
	timer := time.NewTimer(activityFirst)
	defer timer.Stop()
	for {
		select {
		case <-r.done:
			return
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		limited, cancel := context.WithTimeout(ctx, activityLimit)
		seen, err := r.engine.target.Activity(limited, r.pid.Load())
		cancel()
		if ctx.Err() != nil {
			return // what broke the look off is not the database's failure
		}
		r.noteActivity(seen, err)
		timer.Reset(activityEvery)
	}
}

// noteActivity records a look where it is news.
func (r *phaseRun) noteActivity(seen phases.Activity, failed error) {
	e := r.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase != r || e.broken != nil || !e.state.Phase(r.plan.ID).Status.Open() {
		return
	}
	if ev, news := e.state.ActivityNews(r.plan.ID, seen, failed, time.Now()); news {
		if err := e.recordLocked(ev); err != nil {
			return // recordLocked has stopped the run
		}
	}
}
