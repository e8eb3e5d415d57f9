package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// phaseRun is one attempt at one phase. Its goroutine alone talks to the
// transaction; the engine reaches it by cancel and by decision.
type phaseRun struct {
	engine  *Engine
	plan    *runbook.Phase
	attempt int
	by      string
	started time.Time
	facts   runFacts
	base    phases.Baseline // set by baseline

	cancel   context.CancelCauseFunc
	decision chan string // who chose COMMIT
	done     chan struct{}
	pid      atomic.Uint32         // of its transaction's session; 0 before there is one
	reported time.Time             // when progress was last recorded
	proved   []phases.Verification // by its steps themselves
	built    []phases.IndexBuilt   // by its transaction, which drops them before COMMIT
	asked    *awaited              // what a step asks for beside its rows

	aborted *phases.RunAborted // recorded at the phase's end; guarded by the engine's lock
}

// runFacts are what a phase needs to know of its run. They are handed over when
// it starts: the state itself belongs to the engine's lock.
type runFacts struct {
	runID    string
	sha256   string
	operator string
	book     *runbook.Runbook
	target   phases.Identity
	survey   phases.Survey
	ways     *phases.PhaseWays // of the phase, as things stand; nil for none
	first    bool              // no baseline was taken yet
	tryUndo  bool              // the undo is tried at the run's end
	capsules string            // the folder of the run's capsules; empty: it keeps none
}

func newFacts(s *phases.State, phase string) runFacts {
	out := runFacts{
		runID: s.Opened.RunID, sha256: s.Opened.SHA256, operator: s.Operator.String(),
		book: s.Runbook, target: s.Target, first: s.Baseline == nil,
	}
	if s.Survey != nil {
		out.survey, out.ways = *s.Survey, s.Ways(phase)
	}
	if s.Opened.Capsule != nil {
		out.capsules, out.tryUndo = s.Opened.Capsule.Folder, s.Opened.TryUndo
	}
	return out
}

// stop is why a phase is cancelled.
type stop struct {
	reason string
	by     string // the operator; empty when tminus stops it
}

func (s *stop) Error() string { return s.reason }

// decide hands the operator's COMMIT to the phase's goroutine.
func (r *phaseRun) decide(by string) error {
	select {
	case r.decision <- by:
		return nil
	default:
		return errors.New("COMMIT is already on its way")
	}
}

// start records a phase's start and runs it. The caller holds the lock and has
// asked Can.
func (e *Engine) start(id, by string) error {
	if err := e.holdJournal(); err != nil {
		return err
	}
	p := e.state.Phase(id)
	run := &phaseRun{
		engine: e, plan: p.Plan, attempt: p.Attempt + 1, by: by, started: time.Now(), facts: newFacts(e.state, id),
		decision: make(chan string, 1), done: make(chan struct{}),
	}
	// Not the program's context: how a phase ends is decided by leave, which
	// cancels it with a reason.
	ctx, cancel := context.WithCancelCause(context.Background())
	run.cancel = cancel
	e.phase, e.begun[id] = run, true
	if err := e.recordLocked(phases.PhaseStarted{Phase: id, Attempt: run.attempt, By: by}); err != nil {
		e.phase = nil
		cancel(err)
		return err
	}
	e.work.Go(func() { run.run(ctx) })           // ends with the phase
	e.work.Go(func() { run.watchActivity(ctx) }) // ends with the phase
	return nil
}

// run takes the phase to its end and records what became of it.
func (r *phaseRun) run(ctx context.Context) {
	defer r.cancel(nil)
	if r.plan.Limit > 0 {
		timer := time.AfterFunc(r.plan.Limit, r.overLimit)
		defer timer.Stop()
	}
	var err error
	if r.plan.Writes() {
		err = r.write(ctx)
	} else {
		err = r.read(ctx)
	}
	r.end(ctx, err)
}

// overLimit cancels a phase that runs too long, unless COMMIT has been sent:
// from then on there is nothing left to roll back.
func (r *phaseRun) overLimit() {
	e := r.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if st := e.state.Phase(r.plan.ID).Status; st != phases.PhaseCommitting && st != phases.PhaseInDoubt {
		r.cancel(&stop{reason: "the phase ran over its limit of " + phases.Span(r.plan.Limit)})
	}
}

// end records a failed phase, and an abort that waited for its end.
func (r *phaseRun) end(ctx context.Context, err error) {
	e := r.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	defer close(r.done)
	if e.phase == r { // the next phase may have started since this one's outcome was recorded
		e.phase = nil
	}
	if e.broken != nil || errors.Is(err, errUnsettled) {
		return
	}
	why := &stop{}
	errors.As(context.Cause(ctx), &why)
	var events []phases.Event
	if err != nil {
		events = append(events, r.failure(err, why))
	}
	if r.aborted != nil {
		events = append(events, *r.aborted)
	}
	if err := e.recordLocked(events...); err != nil {
		return // recordLocked has stopped the run
	}
	if err := e.windUp(); err != nil {
		return // it has stopped the run
	}
	e.maintain(r)
	if errors.Is(err, phases.ErrOtherHistory) { // nothing may go on from here
		e.parted = err
		e.finish()
	}
}

func (r *phaseRun) failure(err error, why *stop) phases.Event {
	reason := phases.Clean(cmp.Or(why.reason, err.Error()))
	if !r.plan.Writes() {
		return phases.PhaseFailed{Phase: r.plan.ID, Reason: reason, Took: time.Since(r.started)}
	}
	return phases.PhaseRolledBack{Phase: r.plan.ID, Reason: reason, By: why.by, Took: time.Since(r.started)}
}

// write is a phase that deletes: baseline if there is none, then one transaction.
func (r *phaseRun) write(ctx context.Context) (err error) {
	e := r.engine
	identity, err := r.sameTarget(ctx)
	if err != nil {
		return err
	}
	if err := r.baseline(ctx); err != nil {
		return err
	}
	if err := r.lookAtIndexes(ctx); err != nil {
		return err
	}
	tx, err := r.begin(ctx, r.spec())
	if err != nil {
		return err
	}
	defer func() { err = r.dropCapsule(r.rollback(ctx, tx, err)) }()
	began := time.Now()
	if err := tx.Lock(ctx, r.waiting); err != nil {
		return err
	}
	if err := e.record(phases.TablesLocked{Phase: r.plan.ID, Tx: tx.ID(), Tables: r.lockTables(), Waited: time.Since(began)}); err != nil {
		return err
	}
	rows, err := r.steps(ctx, tx)
	if err != nil {
		return err
	}
	did, err := r.verify(ctx, tx, rows)
	if err != nil {
		return err
	}
	kept, err := r.keep(ctx, tx, did)
	if err != nil {
		return err
	}
	intent := phases.CommitIntent{
		RunID: r.facts.runID, Phase: r.plan.ID, Attempt: r.attempt, Nonce: nonce(), Tx: tx.ID(),
		Identity: identity, Operator: r.facts.operator, Runbook: r.facts.sha256, Ledger: r.facts.book.Ledger,
		Capsule: kept.SHA256,
	}
	if err := r.prove(ctx, tx, intent, did); err != nil {
		return err
	}
	if err := r.raiseUnexpected(); err != nil {
		return err
	}
	by, err := r.hold(ctx, tx)
	if err == nil {
		err = r.wholeCapsule(intent)
	}
	if err == nil {
		err = r.dropIndexes(ctx, tx, did)
	}
	if err != nil {
		return err
	}
	return r.commit(ctx, tx, intent, by)
}

// rollback ends a transaction that was not committed. What went wrong first
// stays the error.
func (r *phaseRun) rollback(ctx context.Context, tx Tx, err error) error {
	if err == nil || errors.Is(err, errUnsettled) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if rbErr := tx.Rollback(ctx); rbErr != nil {
		return fmt.Errorf("%w (the session was cut, and the server rolls back by itself: %w)", err, rbErr)
	}
	return err
}

// sameTarget asks the server who it is, and makes sure of the operator lock: a
// failover or a restore in the middle of a run is not the database that was
// verified, and a lock that was lost may be another operator's by now.
func (r *phaseRun) sameTarget(ctx context.Context) (phases.Identity, error) {
	wait := r.engine.await(r.plan.ID, "make sure of the operator lock")
	defer wait.over()
	if err := r.engine.target.Lock(ctx); err != nil {
		return phases.Identity{}, err
	}
	wait.next("ask the server who it is")
	got, err := r.engine.target.Identity(ctx)
	if err != nil {
		return got, err
	}
	if want := r.facts.target; !want.Same(got) {
		return got, &phases.OtherTargetError{Want: want, Got: got}
	}
	wait.next("read the ledger")
	return got, r.engine.sameHistory(ctx, got)
}

// begin opens the phase's transaction.
func (r *phaseRun) begin(ctx context.Context, spec TxSpec) (Tx, error) {
	wait := r.engine.await(r.plan.ID, "begin the transaction")
	defer wait.over()
	tx, err := r.engine.target.Begin(ctx, spec)
	if err == nil {
		r.pid.Store(tx.ID().PID)
	}
	return tx, err
}

// prove writes the row that will prove the COMMIT, and makes sure that this was
// all that was done since the verification.
func (r *phaseRun) prove(ctx context.Context, tx Tx, intent phases.CommitIntent, verified phases.Effects) error {
	wait := r.engine.await(r.plan.ID, "write the ledger's row")
	defer wait.over()
	if err := tx.WriteLedger(ctx, intent); err != nil {
		return err
	}
	// A trigger may have deferred constraints again: what they do is done here,
	// and not in COMMIT.
	if err := tx.SettleConstraints(ctx); err != nil {
		return err
	}
	return r.sealed(ctx, tx, verified)
}

// lockTables are the tables that the steps themselves change, those that have to be
// empty, and those of its ways: what was verified stays so until COMMIT, however
// long a human thinks.
func (r *phaseRun) lockTables() []string {
	out := r.plan.Locks()
	for _, t := range slices.Concat(r.plan.Zero, r.ways().Locks()) {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// lockWait is how long the phase may wait for what others hold.
func (r *phaseRun) lockWait() time.Duration {
	return cmp.Or(r.plan.LockWait, r.engine.settings.LockDeadline)
}

// waiting records a wait for locks. A record that fails cancels the phase.
func (r *phaseRun) waiting(w phases.LockWait) {
	if over := r.started.Add(r.plan.Limit).UTC(); r.plan.Limit > 0 && over.Before(w.Until) {
		w.Until = over // the limit comes first
	}
	if err := r.engine.record(phases.LockWaited{Phase: r.plan.ID, LockWait: w}); err != nil {
		return // recordLocked has cancelled the phase
	}
}

// errHoldOver rolls a phase back that nobody decided on.
var errHoldOver = errors.New("nobody chose COMMIT within the hold's limit")

// hold waits for the operator's decision, for a limited time, and gives who took it.
func (r *phaseRun) hold(ctx context.Context, tx Tx) (string, error) {
	limit := r.engine.settings.Hold
	wait := r.engine.await(r.plan.ID, "limit the hold")
	err := tx.Hold(ctx, limit)
	wait.over()
	if err != nil {
		return "", err
	}
	if err := r.engine.record(phases.HoldOpened{Phase: r.plan.ID, Until: time.Now().Add(limit).UTC()}); err != nil {
		return "", err
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	return r.decided(ctx, timer.C)
}

// decided gives who chose COMMIT before over.
func (r *phaseRun) decided(ctx context.Context, over <-chan time.Time) (string, error) {
	select {
	case by := <-r.decision:
		return by, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-over:
	}
	select { // of two that are there, select takes either: COMMIT was chosen in time
	case by := <-r.decision:
		return by, nil
	default:
		return "", errHoldOver
	}
}

// commit puts the intent on disk, sends COMMIT and records what came of it.
// From the intent on, nothing cancels it.
func (r *phaseRun) commit(ctx context.Context, tx Tx, intent phases.CommitIntent, by string) error {
	e := r.engine
	e.mu.Lock()
	err := context.Cause(ctx) // a rollback that came first wins
	if err == nil {
		err = e.holdJournal()
	}
	if err == nil {
		err = e.recordLocked(phases.CommitIntended{CommitIntent: intent, By: by})
	}
	e.mu.Unlock()
	if err != nil {
		return err
	}
	switch res := tx.Commit(context.WithoutCancel(ctx)); res.Outcome {
	case Committed:
		took := time.Since(r.started)
		return e.unlessLost(e.record(phases.PhaseCommitted{Phase: r.plan.ID, Took: took, WAL: e.onDisk(ctx), Warned: res.Warnings}))
	case NotCommitted:
		return fmt.Errorf("the server refused COMMIT: %w", res.Err)
	default:
		if err := e.record(phases.CommitDoubted{Phase: r.plan.ID, Error: phases.Clean(res.Err.Error())}); err != nil {
			return e.unlessLost(err)
		}
		if err := e.settle(ctx, intent, r.started); err != nil {
			return err
		}
		return e.dropCapsules()
	}
}

// errUnsettled means that a COMMIT was sent and its outcome is not in the
// journal: nothing more may be said about the phase than the intent says.
var errUnsettled = errors.New("the outcome of COMMIT is not recorded")

// unlessLost marks a failure to record an outcome.
func (e *Engine) unlessLost(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errUnsettled, err)
}

// nonce tells this attempt's ledger row from every other.
func nonce() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: it ends the program instead
	return hex.EncodeToString(b[:])
}
