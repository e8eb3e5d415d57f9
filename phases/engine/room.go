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
	tick := time.NewTicker(e.settings.LookAgain)
	defer tick.Stop()
	for {
		e.lookForRoom(ctx)
		select {
		case <-ctx.Done():
			return
		case <-e.ended:
			return
		case <-tick.C:
		}
	}
}

// lookForRoom records what it finds where that is news.
func (e *Engine) lookForRoom(ctx context.Context) {
	folder := ""
	e.View(func(s *phases.State) {
		if s.WatchesRoom() {
			folder = s.Opened.Capsule.Folder
		}
	})
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, roomLimit)
	defer cancel()
	free, mount, err := outside.Room(ctx, filepath.Dir(folder))
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.leaving || e.broken != nil || !e.state.WatchesRoom() {
		return
	}
	now := e.state.RoomFor(free, mount, err)
	if was := e.state.Room; was == nil || (was.Lacks == "") != (now.Lacks == "") {
		if err := e.recordLocked(now); err != nil {
			return // recordLocked has stopped the run
		}
	}
}
