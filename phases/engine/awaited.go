package engine

import (
	"sync"
	"time"

	"tminus/phases"
)

// awaitAfter is how long the database may take to answer without a word.
const awaitAfter = time.Second

// awaited says on every screen what the database is asked and has not answered
// for a second. Its timer's goroutine ends with the record that it makes.
type awaited struct {
	engine *Engine
	phase  string

	mu    sync.Mutex // guards what follows; taken before the engine's
	what  string     // empty: nothing is asked
	said  bool       // it is on screen
	timer *time.Timer
}

// await begins to wait for an answer. over must be called.
func (e *Engine) await(phase, what string) *awaited {
	a := &awaited{engine: e, phase: phase, what: what}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(awaitAfter, a.say)
	return a
}

func (a *awaited) say() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.what != "" {
		a.said = a.engine.record(phases.ServerAwaited{Phase: a.phase, What: a.what}) == nil
	}
}

// next waits for another answer: the last has come.
func (a *awaited) next(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer.Stop()
	a.what = what
	if a.said {
		a.said = false
		if err := a.engine.record(phases.ServerAwaited{Phase: a.phase}); err != nil {
			return // record has stopped the run
		}
	}
	if what != "" {
		a.timer.Reset(awaitAfter)
	}
}

// over ends the wait.
func (a *awaited) over() { a.next("") }
