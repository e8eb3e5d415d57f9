package engine

import (
	"context"
	"time"

	"tminus/phases"
)

// steps runs the phase's statements and gives the rows of each.
func (r *phaseRun) steps(ctx context.Context, tx Tx) ([]int64, error) {
	rows := make([]int64, len(r.plan.Steps))
	account := r.newAccount()
	var looked time.Time // when the transaction was asked last what it did
	for i, step := range r.plan.Steps {
		if err := r.engine.record(phases.StepStarted{Phase: r.plan.ID, Step: i}); err != nil {
			return nil, err
		}
		began := time.Now()
		watched := r.watchStep(tx.ID().PID)
		r.asked = r.engine.await(r.plan.ID, "")
		did, err := tx.Run(ctx, step, func(p Progress) { r.progress(i, p) })
		r.asked.over()
		watched()
		if err != nil {
			return nil, err
		}
		rows[i] = did.Rows
		r.proved = append(r.proved, did.Proved...)
		var all phases.Effects
		if r.looksAfter(i) || time.Since(looked) >= lookEvery {
			if all, err = tx.Effects(ctx); err != nil {
				return nil, err
			}
			looked = time.Now()
		}
		if err := r.engine.record(phases.StepDone{
			Phase: r.plan.ID, Step: i, Command: did.Command, Rows: did.Rows, Took: time.Since(began), Touched: all.Rows, Changes: all.Changes,
		}); err != nil {
			return nil, err
		}
		// What shows in no count of rows is not looked for at the end alone:
		// every further minute of locks would be for nothing.
		if odd := account.changes(all.Changes); len(odd) > 0 {
			return nil, undeclared(odd)
		}
	}
	return rows, nil
}

// lookEvery is how long deletes follow each other at most without a look at what
// the transaction did beside their own rows.
const lookEvery = 250 * time.Millisecond

// looksAfter reports whether a step's effects have to be known by themselves: a
// statement's, those before one, and the phase's last. Deletes in a row are
// looked at together, else hundreds of small ones would take longer than their rows.
func (r *phaseRun) looksAfter(i int) bool {
	steps := r.plan.Steps
	return i+1 == len(steps) || steps[i].Delete == "" || steps[i+1].Delete == ""
}

const (
	stepWatch = time.Second // how often a running statement's session is looked at
	stepAsk   = 2 * time.Second
)

// watchStep records who blocks a running statement: a cascade reaches tables
// that are not locked, and rows may be. The function that it returns ends it,
// within stepAsk, and must be called.
func (r *phaseRun) watchStep(pid uint32) func() {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		tick := time.NewTicker(stepWatch)
		defer tick.Stop()
		var wait phases.LockWait
		var since time.Time
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			// Not the phase's context: what ends that ends the statement, and then this.
			ctx, cancel := context.WithTimeout(context.Background(), stepAsk)
			blockers, err := r.engine.target.Blockers(ctx, pid)
			cancel()
			switch {
			case err != nil: // the wait, if there is one, is shown as it was
			case len(blockers) > 0:
				if since.IsZero() {
					since = time.Now()
				}
				// It may have begun right after the last look.
				until := since.Add(r.lockWait() - stepWatch).UTC()
				wait = phases.LockWait{Waited: time.Since(since), Attempt: wait.Attempt + 1, Blockers: blockers, Until: until}
				r.waiting(wait)
			case !since.IsZero():
				since, wait = time.Time{}, phases.LockWait{}
				r.waiting(wait)
			}
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}
