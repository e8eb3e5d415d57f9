package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tminus/phases"
)

// settleLeft settles what an earlier program left open, and removes what attempts
// that came to nothing left on disk. A journal that is not the run's last says
// nothing of either: what it calls open or spare may be committed.
func (e *Engine) settleLeft(ctx context.Context) error {
	unread := e.askLedger(ctx)
	// One that cannot be read keeps nobody from settling what is open: that has
	// its own words for it.
	if errors.Is(unread, phases.ErrOtherHistory) {
		return unread
	}
	if err := e.settleOpen(ctx); err != nil {
		return err
	}
	if unread != nil {
		if err := e.askLedger(ctx); err != nil {
			return err // a capsule may be all there is of its rows
		}
	}
	return e.dropCapsules()
}

// askLedger looks whether the ledger can be read, and the journal knows its rows.
func (e *Engine) askLedger(ctx context.Context) error {
	wait := e.await("", "read the ledger")
	defer wait.over()
	_, err := e.ledger(ctx)
	return err
}

// settleOpen establishes what became of a phase that an earlier program left.
func (e *Engine) settleOpen(ctx context.Context) error {
	var p phases.PhaseState
	e.View(func(s *phases.State) {
		for i := range s.Phases {
			if st := s.Phases[i].Status; st.Open() || st == phases.PhaseUnknown {
				p = s.Phases[i]
			}
		}
	})
	switch {
	case p.Status == "":
		return nil
	case !p.Plan.Writes():
		return e.record(phases.PhaseFailed{Phase: p.Plan.ID, Reason: "the program ended inside the phase; it only reads, and can be run again", Took: time.Since(p.StartedAt)})
	case p.Intent == nil:
		return e.settleUnsent(ctx, p)
	}
	if err := e.record(phases.CommitDoubted{Phase: p.Plan.ID, Error: "the program ended before COMMIT's answer was recorded"}); err != nil {
		return err
	}
	return e.settle(ctx, *p.Intent, p.StartedAt)
}

// settleUnsent ends a phase whose COMMIT was never sent: the intent is on disk
// before COMMIT goes out, and there is none. Its session may live on, with its
// locks, until the server notices.
func (e *Engine) settleUnsent(ctx context.Context, p phases.PhaseState) error {
	if p.Tx.PID != 0 {
		// A killed program's session mostly ends by itself before anybody resumes.
		if err := e.target.EndBackend(ctx, p.Tx.PID, p.Tx.BackendStart, true); err != nil && !errors.Is(err, ErrSessionGone) {
			return fmt.Errorf("end session %d, which the program left: %w", p.Tx.PID, err)
		}
	}
	return e.record(phases.PhaseRolledBack{
		Phase: p.Plan.ID, Reason: "the program ended inside the phase, before COMMIT was sent", Took: time.Since(p.StartedAt),
	})
}

// settle looks into a COMMIT in doubt until its outcome is known, a human has
// to decide, or the time is up. COMMIT is never sent again.
func (e *Engine) settle(ctx context.Context, intent phases.CommitIntent, started time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, e.settings.Doubt)
	defer cancel()
	var last string
	var alive time.Time // since when the session has been seen to hold on
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		look, err := e.target.Settle(ctx, intent)
		if err != nil {
			look = Settlement{Detail: fmt.Sprintf("the server cannot be asked yet (%s)", phases.Clean(err.Error()))}
		}
		switch look.Outcome {
		case SettledCommitted:
			return e.unlessLost(e.record(phases.PhaseCommitted{Phase: intent.Phase, Took: time.Since(started), Settled: true}))
		case SettledNotCommitted:
			return e.unlessLost(e.record(phases.PhaseRolledBack{Phase: intent.Phase, Reason: "COMMIT did not take effect: " + look.Detail, Took: time.Since(started), Settled: true}))
		case SettleUnknowable:
			return e.unlessLost(e.record(phases.OutcomeUnknown{Phase: intent.Phase, Reason: phases.Clean(look.Detail)}))
		case SettleInProgress:
			if alive.IsZero() {
				alive = time.Now()
			}
			look.Detail = e.endHolder(ctx, intent, alive)
		}
		if look.Detail != last {
			last = look.Detail
			if err := e.record(phases.DoubtExamined{Phase: intent.Phase, Detail: phases.Clean(look.Detail)}); err != nil {
				return e.unlessLost(err)
			}
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				return e.unlessLost(e.record(phases.OutcomeUnknown{Phase: intent.Phase, Reason: fmt.Sprintf("not settled within %s; last: %s", e.settings.Doubt, last)}))
			}
			return errUnsettled
		case <-time.After(wait):
		}
	}
}

// endHolder leaves a session that holds a COMMIT in doubt alone for a while,
// and then terminates it: until it is gone, nobody can know.
func (e *Engine) endHolder(ctx context.Context, intent phases.CommitIntent, alive time.Time) string {
	left := e.settings.EndBackend - time.Since(alive)
	if left > 0 {
		return fmt.Sprintf("server reachable, session %d still holds the transaction: it is ended %s after it was first seen", intent.Tx.PID, e.settings.EndBackend)
	}
	if err := e.target.EndBackend(ctx, intent.Tx.PID, intent.Tx.BackendStart, true); err != nil {
		return fmt.Sprintf("session %d still holds the transaction, and could not be ended: %v", intent.Tx.PID, err)
	}
	return fmt.Sprintf("session %d was told to end", intent.Tx.PID)
}
