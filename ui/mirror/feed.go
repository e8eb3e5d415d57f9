package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/ui"
)

// The feed's rhythm.
const (
	lookEvery  = 50 * time.Millisecond  // at the journal
	showEvery  = 100 * time.Millisecond // at most; clocks move once a second anyway
	slowest    = 2 * time.Second        // between frames, however long they take to draw
	drawShare  = 4                      // drawing takes at most one part in so many of one core
	takeAtOnce = 2000                   // records folded before viewers get their turn
)

// feed folds the journal, once for all viewers, and draws their frames.
//
// One lock covers the state and the drawing, so that all viewers together never
// keep more than one core busy. The run's own engine never takes it.
type feed struct {
	path string

	mu     sync.Mutex
	state  *phases.State // nil before the first record
	fault  error         // why the journal is not read on
	alone  bool          // the journal has no writer
	now    time.Time     // the moment that frames are drawn for
	frames map[ui.Standing]tea.View
	spent  time.Duration // on drawing since the last publication

	wakeMu sync.Mutex
	wakes  map[chan struct{}]struct{}

	// The rest belongs to run.
	follower  *journal.Follower
	dirty     bool // something is to be shown
	published time.Time
	eventAt   time.Time // when the last record was read
	askedAt   time.Time // when the journal was last asked for its writer
}

func newFeed(path string) (*feed, error) {
	f := &feed{path: path, now: time.Now(), frames: map[ui.Standing]tea.View{}, wakes: map[chan struct{}]struct{}{}}
	follower, err := journal.Follow(path)
	if err != nil {
		return nil, fmt.Errorf("start mirror: %w", err)
	}
	f.follower = follower
	f.step(time.Now())
	return f, nil
}

// run follows the journal until ctx ends.
func (f *feed) run(ctx context.Context) {
	defer f.follower.Close()
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			f.step(now)
		}
	}
}

// step reads what came, and publishes when there is something to show.
func (f *feed) step(now time.Time) {
	changed := f.read(now)
	if now.Sub(f.askedAt) >= time.Second && now.Sub(f.eventAt) >= time.Second {
		f.askedAt = now
		changed = f.askWriter() || changed
	}
	f.dirty = f.dirty || changed || now.Sub(f.published) >= time.Second
	if !f.dirty || !f.publish(now) {
		return
	}
	f.dirty, f.published = false, now
	f.wakeAll()
}

// publish makes all frames be drawn anew, unless the last ones are too recent.
func (f *feed) publish(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.published) < min(slowest, max(showEvery, drawShare*f.spent)) {
		return false
	}
	f.now, f.spent = now, 0
	clear(f.frames)
	return true
}

// read folds what came since the last time.
func (f *feed) read(now time.Time) bool {
	recs, err := f.follower.Next(takeAtOnce)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault != nil {
		return false
	}
	if err != nil {
		f.fault = err
		return true
	}
	if len(recs) == 0 {
		return false
	}
	f.eventAt, f.alone = now, false // who writes is there
	if f.state == nil {
		f.state = &phases.State{}
	}
	for _, rec := range recs {
		if err := f.state.Apply(rec); err != nil {
			f.fault = fmt.Errorf("%w; a mirror of the same version as the operator's program can", err)
			break
		}
	}
	return true
}

// askWriter looks whether the operator's program still has the journal.
func (f *feed) askWriter() bool {
	inUse, err := journal.InUse(f.path)
	if err != nil {
		return false // the follower will say it, when it matters
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	changed := f.alone == inUse
	f.alone = !inUse
	return changed
}

// locked calls fn while the state does not move.
func (f *feed) locked(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
}

// draw gives a viewer its frame of the present moment. What is said takes the
// place of the feed's own word on where the run stands.
func (f *feed) draw(v *ui.Viewer, said said) tea.View {
	f.mu.Lock()
	defer f.mu.Unlock()
	v.Show(f.state)
	if f.fault != nil {
		v.Stop(f.fault)
	}
	level, text := f.word()
	if said.text != "" {
		level, text = said.level, said.text
	}
	v.Say(level, text)
	key := v.Standing()
	if view, ok := f.frames[key]; ok {
		return view
	}
	start := time.Now()
	view := v.View(f.now)
	f.spent += time.Since(start)
	f.frames[key] = view
	return view
}

// word is what a viewer must know beside the screen; empty while all goes its
// way. The caller holds the lock.
func (f *feed) word() (phases.Level, string) {
	s := f.state
	switch {
	case f.fault != nil:
		return "", ""
	case s != nil && s.Outcome != "":
		return endLevel(s.Outcome), f.ended() + " q leaves the mirror."
	case !f.alone:
		return "", ""
	case s == nil:
		return phases.LevelWarn, "No run has begun in this journal, and no program has it open."
	case s.Interrupted == "":
		return phases.LevelBad, fmt.Sprintf("The operator's program is gone; last event %s ago. To go on: %s", phases.Span(f.now.Sub(s.At).Truncate(time.Second)), s.Command("resume", f.path))
	}
	return "", ""
}

// ended says how the run ended. The caller holds the lock, and the run has.
func (f *feed) ended() string {
	s := f.state
	text := "The run has ended: " + s.Outcome.Word()
	if !s.ClosedAt.IsZero() {
		text += " at " + s.ClosedAt.UTC().Format("15:04:05") + " UTC"
	}
	return text + "."
}

// farewell is the last sentence for viewers of a mirror that closes.
func (f *feed) farewell() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == nil || f.state.Outcome == "" {
		return "The mirror was closed. The run has not ended; its journal has all of it."
	}
	return "The mirror was closed. " + f.ended()
}

// restoreCommand is the runbook's, with all that it needs filled in, or why there is
// none.
func (f *feed) restoreCommand() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == nil || f.state.Runbook == nil {
		return "", errors.New("no run has begun in this journal")
	}
	return f.state.RestoreCommand(), ui.Restorable(f.state)
}

// undoCommand undoes the run, or it says why there is nothing that an undo brings back.
func (f *feed) undoCommand() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ui.Undoable(f.state); err != nil {
		return "", err
	}
	return f.state.UndoCommand(f.path), nil
}

func endLevel(o phases.Outcome) phases.Level {
	if o == phases.Completed {
		return phases.LevelGood
	}
	return phases.LevelBad
}

// subscribe gives a channel that is woken when there is something new to show.
// It holds one wake-up: whoever is slow misses frames, and delays nobody.
func (f *feed) subscribe() chan struct{} {
	c := make(chan struct{}, 1)
	c <- struct{}{}
	f.wakeMu.Lock()
	f.wakes[c] = struct{}{}
	f.wakeMu.Unlock()
	return c
}

func (f *feed) unsubscribe(c chan struct{}) {
	f.wakeMu.Lock()
	delete(f.wakes, c)
	f.wakeMu.Unlock()
}

func (f *feed) wakeAll() {
	f.wakeMu.Lock()
	defer f.wakeMu.Unlock()
	for c := range f.wakes {
		nudge(c)
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
