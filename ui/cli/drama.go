package cli

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/engine/action"
	"tminus/phases/journal"
)

// The drama's times. The lock is let go well before a phase gives up its wait for
// it, which is after half a minute.
const (
	dramaLook       = 100 * time.Millisecond // at the journal
	backupStaleIn   = 20 * time.Second       // after it was taken
	triggerBackIn   = time.Second            // after it was disabled: the gate may be passed soon
	lockHeld        = 20 * time.Second       // of a phase's wait for it
	phaseBeforeLock = "phase2"               // of the guide; while it holds, the lock is taken
	phaseLocked     = "phase3"
)

// drama has things go wrong in a demo, each of them once. It knows of the run what
// its journal says, and of the world the demo's own server alone: no other command
// makes one. What it does is nobody's to wait for: a plant that fails is left out.
// A nil drama does nothing.
type drama struct {
	server    Server
	backupAge time.Duration // that a backup may have
	byHand    bool          // somebody else takes the backup: there is none to date back
	aged      atomic.Bool
}

// program are the lines that say before the screen what will happen.
func (d *drama) program() []string {
	out := []string{"drama: these things will go wrong, once each, and can be mended with the keys on screen:"}
	if !d.byHand {
		out = append(out, fmt.Sprintf("drama: the first backup is dated back, and is too old %s after it was taken", phases.Span(backupStaleIn)))
	}
	return append(out,
		fmt.Sprintf("drama: %s after the triggers were disabled, before the gate, somebody enables one", phases.Span(triggerBackIn)),
		fmt.Sprintf("drama: a session is in the way of phase 3, and leaves %s after that began to wait", phases.Span(lockHeld)),
	)
}

// on is the target whose first backup is an old one.
func (d *drama) on(target engine.Target) engine.Target {
	if d == nil {
		return target
	}
	return agingTarget{target, d}
}

// agingTarget is the demo's database, of which the first backup is dated back.
type agingTarget struct {
	engine.Target
	drama *drama
}

// TakeBackup implements engine.Target.
func (t agingTarget) TakeBackup(ctx context.Context, how action.BackupPlan, progress func(phases.ActionProgress)) (phases.BackupTaken, error) {
	taken, err := t.Target.TakeBackup(ctx, how, progress)
	if err != nil || !t.drama.aged.CompareAndSwap(false, true) {
		return taken, err
	}
	by := t.drama.backupAge - backupStaleIn - time.Since(taken.Backup.At)
	if by <= 0 {
		return taken, nil
	}
	if aged, err := t.drama.server.AgeBackup(taken.Backup, by); err == nil {
		taken.Backup = aged
	}
	return taken, nil // one that stays young need not be mended
}

// follow lets the rest happen, as the run's journal comes to it, until end.
func (d *drama) follow(ctx context.Context, path string) (end func(), err error) {
	if d == nil {
		return func() {}, nil
	}
	follower, err := journal.Follow(path)
	if err != nil {
		return nil, fmt.Errorf("follow the run for its drama: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // ends with cancel
		defer close(done)
		defer follower.Close()
		d.play(ctx, follower)
	}()
	return func() { cancel(); <-done }, nil
}

// play folds what comes, and looks after each time at what is due.
func (d *drama) play(ctx context.Context, follower *journal.Follower) {
	var s phases.State
	var plants planted
	defer plants.end()
	tick := time.NewTicker(dramaLook)
	defer tick.Stop()
	for {
		recs, err := follower.Next(0)
		for _, rec := range recs {
			if err == nil {
				err = s.Apply(rec)
			}
		}
		if err != nil || !s.ClosedAt.IsZero() {
			return
		}
		plants.due(ctx, d.server, &s, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// planted is what has been planted so far.
type planted struct {
	trigger bool
	lock    bool
	let     func()    // ends the lock's session; nil without one
	waited  time.Time // when a phase was first seen to wait for it
}

func (p *planted) end() {
	if p.let != nil {
		p.let()
		p.let = nil
	}
}

// due plants what the run has come to, and ends what has been there long enough.
func (p *planted) due(ctx context.Context, server Server, s *phases.State, now time.Time) {
	if off := triggersOff(s); !p.trigger && !off.IsZero() && now.Sub(off) >= triggerBackIn {
		p.trigger = true
		if s.Stage() == phases.StageChecklist {
			_ = server.EnableTrigger(ctx) // what does not happen need not be mended
		}
	}
	if s.Phase(phaseBeforeLock).Status == phases.PhaseHolding && !p.lock {
		p.lock = true
		p.let, _ = server.HoldLock(ctx)
	}
	if p.let == nil {
		return
	}
	ph := s.Phase(phaseLocked)
	if p.waited.IsZero() && ph.Lock != nil {
		p.waited = now
	}
	if !p.waited.IsZero() && (now.Sub(p.waited) >= lockHeld || ph.Lock == nil) || ph.Status.Done() {
		p.end()
	}
}

// triggersOff is when the run's triggers were switched off; zero while they are not.
func triggersOff(s *phases.State) time.Time {
	for i := range s.Fences {
		if f := &s.Fences[i]; len(f.Plan.Triggers) > 0 && f.Holding() {
			return f.OffAt
		}
	}
	return time.Time{}
}
