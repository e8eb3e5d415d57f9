package engine

import (
	"context"
	"time"

	"tminus/phases"
)

// watchSchema looks again and again, until the first phase, at what the tables are
// like of a run in production that rests on a rehearsal: a migration while the
// checklist is open makes them others than those that were rehearsed on.
func (e *Engine) watchSchema(ctx context.Context) {
	e.lookAgain(ctx, func() { e.lookAtSchema(ctx) })
}

// lookAgain looks at something again and again, until the run ends or ctx does.
func (e *Engine) lookAgain(ctx context.Context, look func()) {
	tick := time.NewTicker(e.settings.LookAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.ended:
			return
		case <-tick.C:
			look()
		}
	}
}

// schemaLimit is how long one look may take.
const schemaLimit = 30 * time.Second

// lookAtSchema records what the tables are like where that is news. A server that
// does not answer is said by others: without one no phase starts.
func (e *Engine) lookAtSchema(ctx context.Context) {
	watches := false
	var off []phases.Trigger
	e.View(func(s *phases.State) { watches, off = s.WatchesSchema(), s.Triggers })
	if !watches {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, schemaLimit)
	defer cancel()
	now, err := e.target.SchemaNow(ctx, off)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	// What the run itself switches off meanwhile is no change.
	if e.leaving || e.broken != nil || !e.state.WatchesSchema() || len(e.state.Triggers) != len(off) {
		return
	}
	if differs := e.state.Schema.Differs(now); differs != nil {
		if err := e.recordLocked(phases.SchemaChanged{Schema: now, Differs: differs}); err != nil {
			return // recordLocked has stopped the run
		}
	}
}
