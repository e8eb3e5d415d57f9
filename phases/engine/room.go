package engine

import (
	"context"
	"path/filepath"
	"time"

	"tminus/phases"
	"tminus/phases/engine/outside"
)

// roomLimit is how long one look may take.
const roomLimit = 5 * time.Second

// watchRoom looks again and again, until the first phase, whether the capsules have
// room.
func (e *Engine) watchRoom(ctx context.Context) {
	e.lookAgain(ctx, func() {
		watches := false
		e.View(func(s *phases.State) { watches = s.WatchesRoom() })
		if !watches {
			return
		}
		found := e.findRoom(ctx)
		e.mu.Lock()
		defer e.mu.Unlock()
		_ = e.noteRoom(found) // a record that fails has stopped the run
	})
}

// room is what was found where the capsules go.
type room struct {
	free  int64
	mount string
	err   error
}

// findRoom looks.
func (e *Engine) findRoom(ctx context.Context) (out room) {
	folder := ""
	e.View(func(s *phases.State) {
		if s.Opened.Capsule != nil {
			folder = s.Opened.Capsule.Folder
		}
	})
	if folder == "" {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, roomLimit)
	defer cancel()
	out.free, out.mount, out.err = outside.Room(ctx, filepath.Dir(folder))
	return out
}

// noteRoom records what was found where that is news. The caller holds the lock.
func (e *Engine) noteRoom(found room) error {
	if e.leaving || !e.state.WatchesRoom() {
		return e.broken
	}
	now := e.state.RoomFor(found.free, found.mount, found.err)
	if was := e.state.Room; was != nil && (was.Lacks == "") == (now.Lacks == "") {
		return nil
	}
	return e.recordLocked(now)
}
