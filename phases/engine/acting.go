package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/engine/action"
	"tminus/phases/runbook"
)

// acting is an item's action under way. Its goroutine alone does it; the
// engine reaches it by cancel.
type acting struct {
	engine *Engine
	item   runbook.Item
	by     string
	said   time.Time             // when progress was recorded last; its goroutine's own
	last   phases.ActionProgress // what was recorded then
	result phases.ActionResult   // what came of it; its goroutine's own

	cancel context.CancelCauseFunc
	done   chan struct{}
}

// actionLimit is how long an action may take that has no limit of its own.
const actionLimit = time.Minute

// act runs an item's action. The caller holds the lock and has asked Can, which
// lets one run at a time.
func (e *Engine) act(id, by string) error {
	it, _, _ := e.state.Runbook.Item(id)
	change, protected := e.state.BackupTables()
	a := &acting{engine: e, item: it, by: by, done: make(chan struct{})}
	do := action.Run{
		Target: e.target, Item: id, Action: it.Action, Recorded: e.state.Triggers, Record: e.record,
		Environment: e.state.Opened.Environment, RunID: e.state.Opened.RunID, Off: e.state.SwitchedOff(),
		Server: e.state.Target, Backup: e.state.Runbook.Backup, Stands: e.state.RecordedBackup(), Opened: e.state.OpenedAt, Changes: change, Protected: protected, Progress: a.progress, Taken: a.taken,
		Fields: map[string]string{}, Result: func(r phases.ActionResult) { a.result = r },
	}
	for id, v := range e.state.Fields {
		do.Fields[id] = v.Value
	}
	if t := e.state.Taken; t != nil && t.Backup.Same(do.Stands) {
		do.StandsSchema = t.Schema
	}
	if f := e.state.Fence(it.Fence); f != nil {
		var err error
		if do.Fence, err = e.fenceJob(f, by); err != nil {
			return err
		}
		do.Fence.Progress = a.progress
	}
	if err := e.recordLocked(phases.ActionStarted{Item: id, Name: it.Action.Name, By: by}); err != nil {
		return err
	}
	// Not the program's context: what has begun is brought to an end, and leave
	// cancels what takes long with a reason.
	ctx, cancel := context.WithCancelCause(context.Background())
	a.cancel, e.acting = cancel, a
	e.work.Go(func() { a.run(ctx, do) }) // ends with the action's own limit
	return nil
}

// beginDue begins the action that is to begin by itself now, if there is one.
func (e *Engine) beginDue() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken != nil || e.leaving || !e.ready {
		return
	}
	id := e.state.Due(time.Now())
	if id == "" {
		id = e.state.Renewing(time.Now())
	}
	if id != "" {
		if err := e.act(id, phases.Itself); err != nil {
			return // recordLocked has stopped the run
		}
	}
}

func (a *acting) run(ctx context.Context, do action.Run) {
	e := a.engine
	defer close(a.done)
	defer a.cancel(nil)
	limit := do.Limit()
	if limit == 0 {
		limit = actionLimit
	}
	ctx, over := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within its limit of %s", phases.Span(limit)))
	defer over()
	done := phases.ActionDone{Item: a.item.ID, Name: a.item.Action.Name}
	if err := do.Perform(ctx); err != nil {
		done.Error = phases.Clean(err.Error())
		_, done.Cancelled = errors.AsType[*stop](context.Cause(ctx))
	}
	done.ActionResult = a.result
	e.mu.Lock()
	defer e.mu.Unlock()
	e.acting = nil
	if err := e.recordLocked(done); err != nil {
		return // recordLocked has stopped the run
	}
}

// actingEvery is the least time between two records of an action's progress: it
// may go on for hours.
const actingEvery = time.Second

// progress records how far the action is, once a second, and where that is
// another than it was.
func (a *acting) progress(p phases.ActionProgress) {
	e := a.engine
	if p == a.last || time.Since(a.said) < max(e.settings.Progress, actingEvery) {
		return
	}
	a.said, a.last = time.Now(), p
	if err := e.record(phases.ActionProgressed{Item: a.item.ID, Progress: p}); err != nil {
		return // record has stopped the run, and cancelled this
	}
}

// taken records a backup, and what the runbook's fields hold of it.
func (a *acting) taken(t phases.BackupTaken) error {
	e := a.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	t.Item = a.item.ID
	return e.recordLocked(append([]phases.Event{t}, e.state.Recording(t.Backup, a.by)...)...)
}

// endAction cancels an action that takes long, and waits for its end: nothing
// of it goes on when the program has left the run. A short one ends by itself.
func (e *Engine) endAction(reason error) {
	e.mu.Lock()
	a := e.acting
	e.mu.Unlock()
	if a == nil {
		return
	}
	if a.item.Action.Long() {
		a.cancel(&stop{reason: reason.Error()})
	}
	<-a.done
}
