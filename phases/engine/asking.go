package engine

import (
	"context"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// maxAsking is how many checks are asked at the same time.
const maxAsking = 4

// askDue asks the checks whose time has come.
func (e *Engine) askDue(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken != nil || e.state.Outcome != "" {
		return
	}
	now := time.Now()
	e.keepFresh(now)
	for _, it := range e.state.Asked() {
		if len(e.asking) >= maxAsking {
			return
		}
		if e.asking[it.ID] || now.Before(e.due[it.ID]) {
			continue
		}
		_, planned := e.due[it.ID]
		e.asking[it.ID] = true
		e.due[it.ID] = now.Add(it.Check.Every)
		if f := e.state.Fence(it.Fence); f != nil {
			job, err := e.fenceJob(f, "")
			if err != nil || e.switching(it.Fence) {
				delete(e.asking, it.ID)
				continue // one that this version does not know is never answered
			}
			e.work.Go(func() { e.askFence(ctx, it, job, !planned) }) // ends with the check's timeout or ctx
			continue
		}
		facts := e.state.Facts()
		e.work.Go(func() { e.askOne(ctx, it, facts, !planned) }) // ends with the check's timeout or ctx
	}
}

// askOne asks one check. What was asked out of its turn is waited for: its
// answer is recorded at once, also when it is like the last.
func (e *Engine) askOne(ctx context.Context, it runbook.Item, facts phases.Facts, atOnce bool) {
	began := time.Now()
	a, err := ask(ctx, e.target, it.Check, facts)
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.asking, it.ID)
	if ctx.Err() != nil || e.broken != nil || e.state.Outcome != "" {
		return
	}
	ev := phases.CheckAnswered{Item: it.ID, Pass: a.Pass && err == nil, Value: phases.Clean(a.Value), Took: time.Since(began), InTheWay: a.InTheWay}
	if err != nil {
		ev.Error = phases.Clean(err.Error())
	}
	if err := e.answered(it, ev, atOnce); err != nil {
		return // recordLocked has stopped the run
	}
}

// recheck makes a check due now; without an id, all of this stage's.
func (e *Engine) recheck(id string) {
	if id != "" {
		delete(e.due, id)
		return
	}
	clear(e.due)
}

// endBackend ends a session that is in the way of the phase, or of a check, which
// is asked again then. The caller holds the lock.
func (e *Engine) endBackend(c phases.EndBackend, by string) {
	b, _ := e.state.InTheWay(c.PID, c.BackendStart)
	e.work.Go(func() { // ends with its own limit
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		ev := phases.BackendEnded{PID: c.PID, Terminated: c.Terminate, By: by}
		if err := e.target.EndBackend(ctx, c.PID, b.BackendStart, c.Terminate); err != nil {
			ev.Error = phases.Clean(err.Error())
		}
		if err := e.record(ev); err != nil {
			return // recordLocked has stopped the run
		}
	})
}

// Joined records that somebody watches the mirror. It belongs, with Left, to
// the one thing that a mirror may tell a run.
func (e *Engine) Joined(name, fingerprint, session string) {
	e.present(phases.ObserverJoined{Name: phases.Clean(name), Fingerprint: fingerprint, Session: session})
}

// Left records that a mirror's session ended.
func (e *Engine) Left(session string) { e.present(phases.ObserverLeft{Session: session}) }

func (e *Engine) present(ev phases.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken != nil || !e.state.ClosedAt.IsZero() {
		return
	}
	if err := e.recordLocked(ev); err != nil {
		return // recordLocked has stopped the run
	}
}
