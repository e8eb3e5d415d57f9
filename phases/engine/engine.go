package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tminus/phases"
	"tminus/phases/engine/tell"
	"tminus/phases/journal"
)

// Settings are an engine's limits. A zero value means the default.
type Settings struct {
	Hold         time.Duration // how long a verified transaction waits for COMMIT or ROLLBACK; default 2m
	LockDeadline time.Duration // how long a phase tries to get its locks; default 30s
	Progress     time.Duration // the least time between two progress events; default 75ms
	EndBackend   time.Duration // how long a session that holds a COMMIT in doubt is left alone; default 10s
	Doubt        time.Duration // how long a COMMIT in doubt is looked into before a human is asked; default 10m
	Patience     time.Duration // how long an unattended run waits for a failing check; default 1m
	LookAgain    time.Duration // how often a run in production looks for a rehearsal that it lacks, and whether the tables are still like its own; default 10s

	// Rehearsals is the directory where such a run looks, unless its operator named
	// a journal; empty: nowhere.
	Rehearsals string

	Tell     tell.Limits   // of what people are told
	Farewell time.Duration // how long the program's end waits for what is being sent; default 5s
}

func (s Settings) withDefaults() Settings {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	set(&s.Hold, 2*time.Minute)
	set(&s.LockDeadline, 30*time.Second)
	set(&s.Progress, 75*time.Millisecond)
	set(&s.EndBackend, 10*time.Second)
	set(&s.Doubt, 10*time.Minute)
	set(&s.Patience, time.Minute)
	set(&s.LookAgain, 10*time.Second)
	set(&s.Farewell, farewell)
	return s
}

// Engine turns an operator's commands and a database's answers into events.
// It is the only writer of its journal. Do may be called from any goroutine;
// Run is called once.
type Engine struct {
	target   Target
	settings Settings
	resumed  bool  // another program has begun the run
	noTarget error // why there is no target, where what is off is brought back without one
	parted   error // why the database is not the run's any more; nil while it is; guarded by mu

	mu      sync.Mutex // guards all below; held while an event reaches the disk
	journal *journal.Writer
	state   *phases.State
	ready   bool            // the database is surveyed, and what an earlier program left open is settled
	broken  error           // the journal's failure; nothing is done after it
	leaving bool            // the program brings the run to a safe end; nothing new begins
	changed chan struct{}   // closed at each event, and replaced
	phase   *phaseRun       // the open phase; nil when none is
	upkeep  *upkeep         // what runs after its COMMIT; nil when nothing does
	trial   *undoTrial      // the undo at a rehearsal's end; nil when none is under way
	acting  *acting         // an item's action under way; nil when none is
	lifter  *lifter         // what brings fences back at the run's end; nil when nothing does
	telling telling         // what people are being told
	begun   map[string]bool // phases that this program has started
	due     map[string]time.Time
	asking  map[string]bool
	pending []phases.AskedAgain // answers like the last, not recorded yet

	ended chan struct{} // closed when the run's last event is written, or the journal failed
	once  sync.Once
	work  sync.WaitGroup // phase, checks, actions
}

// ErrUnattended refuses an unattended run in production.
var ErrUnattended = errors.New("an unattended run is for demo and rehearsal only: in production a human ticks, decides and commits")

// Open starts a new run: run_opened is its journal's first event.
func Open(target Target, w *journal.Writer, opened phases.RunOpened, settings Settings) (*Engine, error) {
	if opened.Unattended && opened.Environment == phases.Production {
		return nil, ErrUnattended
	}
	if opened.Environment == phases.Production && opened.Rehearsed == nil {
		opened.Rehearsed = &phases.Rehearsed{} // nobody looked for one, which is none
	}
	e := newEngine(target, w, &phases.State{}, settings)
	if err := e.record(opened); err != nil {
		return nil, err
	}
	return e, nil
}

// Resume takes up the run whose records are recs. The caller has checked that
// the target is the same database.
func Resume(target Target, w *journal.Writer, recs []journal.Record, resumed phases.RunResumed, settings Settings) (*Engine, error) {
	state, err := phases.Fold(recs)
	if err != nil {
		return nil, err
	}
	if !state.ClosedAt.IsZero() {
		return nil, fmt.Errorf("%w: %s; its report is what is left to read", phases.ErrEnded, state.Outcome)
	}
	if !state.Target.Same(resumed.Target) {
		return nil, &phases.OtherTargetError{Want: state.Target, Got: resumed.Target}
	}
	resumed.GateAgain = state.GateAgain(time.Now())
	e := newEngine(target, w, state, settings)
	e.resumed = true
	if err := e.record(resumed); err != nil {
		return nil, err
	}
	return e, nil
}

func newEngine(target Target, w *journal.Writer, state *phases.State, settings Settings) *Engine {
	return &Engine{
		target: target, journal: w, state: state, settings: settings.withDefaults(),
		changed: make(chan struct{}), ended: make(chan struct{}), telling: newTelling(),
		due: map[string]time.Time{}, asking: map[string]bool{}, begun: map[string]bool{},
	}
}

// Run settles what an earlier program left open, surveys the database, and
// then asks checks and watches limits until the run ends or ctx does. When ctx
// ends first, the open phase is brought to a safe end and the run is left
// resumable; context.Cause(ctx) is the reason that is recorded.
func (e *Engine) Run(ctx context.Context) error {
	defer e.work.Wait()
	if err := e.prepare(ctx); err != nil {
		if ctx.Err() != nil { // whatever it broke off is not the reason
			err = context.Cause(ctx)
		}
		return e.leave(err)
	}
	unattended := false
	e.View(func(s *phases.State) { unattended = s.Opened.Unattended })
	if unattended {
		e.work.Go(func() { e.drive(ctx) }) // ends with ctx or the run
	}
	e.work.Go(func() { e.awaitRehearsal(ctx) }) // ends with ctx or the run
	e.work.Go(func() { e.watchSchema(ctx) })    // ends with ctx or the run
	e.work.Go(func() { e.watchRoom(ctx) })      // ends with ctx or the run
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-e.ended:
			e.leaveTold()
			if parted := e.otherHistory(); parted != nil {
				return e.leave(parted)
			}
			e.noteLeft(ctx)
			return e.end()
		case <-ctx.Done():
			return e.leave(context.Cause(ctx))
		case <-tick.C:
			e.askDue(ctx)
			e.beginDue()
			e.watchLimits()
		}
	}
}

// Conduct runs the engine beside a screen, until the run ends, or the screen
// returns: then the engine brings an open phase to a safe end. ctx's end ends
// both. It gives the screen's error and Run's.
func (e *Engine) Conduct(ctx context.Context, screen func(context.Context) error) (screenErr, runErr error) {
	runCtx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	ran := make(chan error, 1)
	go func() { ran <- e.Run(runCtx) }() // ends with the run, or with leave
	screenErr = screen(ctx)
	if screenErr != nil && ctx.Err() == nil {
		leave(fmt.Errorf("the screen ended: %w", screenErr))
	} else {
		leave(ErrLeft)
	}
	return screenErr, <-ran
}

// prepare settles what an earlier program left open, before anything is asked
// that could fail; then it makes the ledger and surveys the database.
func (e *Engine) prepare(ctx context.Context) error {
	if over, err := e.closeEnded(ctx); over || err != nil {
		return err
	}
	if err := e.takeUp(ctx); err != nil {
		return err
	}
	wait := e.await("", "survey the database")
	defer wait.over()
	// Where the runbook does not fit, nothing is made in the database.
	survey, err := e.target.Survey(ctx)
	if err != nil {
		return err
	}
	wait.next("prepare the ledger")
	if err := e.target.Prepare(ctx); err != nil {
		return err
	}
	if err := e.noteBegun(ctx, &survey); err != nil {
		return err
	}
	wait.over()
	room := e.findRoom(ctx)
	// Whoever has seen the survey may act on it at once.
	e.mu.Lock()
	defer e.mu.Unlock()
	survey.Findings = withWarnings(survey.Findings, e.lackingVariables())
	if err := e.recordLocked(phases.SurveyTaken{Survey: survey}); err != nil {
		return err
	}
	if err := e.noteRoom(room); err != nil {
		return err
	}
	if err := e.examineChannels(); err != nil {
		return err
	}
	e.ready = true
	return nil
}

// takeUp brings a resumed run and its database together: what was left open is
// settled, and what was committed is asked for again.
func (e *Engine) takeUp(ctx context.Context) error {
	if !e.resumed {
		return nil
	}
	if err := e.settleLeft(ctx); err != nil {
		return err
	}
	return e.confirm(ctx)
}

// leave ends the program's part in a run that has not ended.
func (e *Engine) leave(reason error) error {
	e.mu.Lock()
	e.leaving = true
	run := e.phase
	e.mu.Unlock()
	if run != nil {
		run.cancel(&stop{reason: reason.Error()})
		<-run.done
	}
	e.mu.Lock()
	beside := e.upkeep
	e.mu.Unlock()
	if beside != nil {
		beside.cancel(&stop{reason: reason.Error()})
		<-beside.done
	}
	e.endUndoTrial(reason)
	e.endAction(reason)
	e.endLifting(reason)
	e.leaveTold()
	e.noteLeft(context.Background()) // the caller's has ended, as a rule
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state.Outcome == "" && e.broken == nil {
		if err := e.recordLocked(phases.RunInterrupted{Reason: phases.Clean(reason.Error())}); err != nil {
			return err
		}
	}
	e.finish()
	if e.broken != nil {
		return e.broken
	}
	if errors.Is(reason, ErrLeft) || errors.Is(reason, ErrSignal) {
		return nil
	}
	return reason
}

// ErrNotReady refuses commands before the run may go on.
var ErrNotReady = errors.New("not yet: the database is being surveyed, and what an earlier program left open is being settled")

var errLeaving = errors.New("the program is leaving the run: take it up again with resume")

// ErrLeft is the cause with which an operator leaves a run that can be resumed.
var ErrLeft = errors.New("the operator left")

// Ended is closed when nothing more will be recorded.
func (e *Engine) Ended() <-chan struct{} { return e.ended }

func (e *Engine) finish() { e.once.Do(func() { close(e.ended) }) }

// View calls f with the state. f must not keep it, and must not call the engine.
func (e *Engine) View(f func(*phases.State)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(e.state)
}

// record appends events and applies them, all under one lock.
func (e *Engine) record(events ...phases.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.recordLocked(events...)
}

func (e *Engine) recordLocked(events ...phases.Event) error {
	for _, ev := range events {
		if e.waits(ev) {
			continue
		}
		if len(e.pending) > 0 && e.rests(ev) {
			if err := e.append(e.takePending()); err != nil {
				return err
			}
		}
		if err := e.append(ev); err != nil {
			return err
		}
	}
	// Behind all of them: what was possible when they were asked for is not
	// taken back halfway.
	e.closeGate()
	close(e.changed)
	e.changed = make(chan struct{})
	return nil
}

// append records one event and applies it.
func (e *Engine) append(ev phases.Event) error {
	switch {
	case e.broken != nil:
		return e.broken
	case !e.state.ClosedAt.IsZero() && !phases.AfterClose(ev):
		return phases.ErrEnded // run_closed is a run's last line
	}
	rec, err := e.journal.Append(time.Now(), ev.Kind(), ev, e.durability(ev))
	if err == nil {
		err = e.state.Apply(rec)
	}
	if err != nil {
		e.fail(fmt.Errorf("record %s: %w", ev.Kind(), err))
		return e.broken
	}
	e.askDependents(ev)
	e.happened(ev)
	if _, closed := ev.(phases.RunClosed); closed {
		e.finish()
	}
	return nil
}

// fail stops everything: without its journal a run does not go on.
func (e *Engine) fail(err error) {
	e.broken = err
	if e.phase != nil {
		e.phase.cancel(&stop{reason: err.Error()})
	}
	if e.upkeep != nil {
		e.upkeep.cancel(&stop{reason: err.Error()})
	}
	if e.acting != nil {
		e.acting.cancel(&stop{reason: err.Error()})
	}
	if e.trial != nil {
		e.trial.cancel(&stop{reason: err.Error()})
	}
	if e.lifter != nil {
		e.lifter.cancel(&stop{reason: err.Error()})
	}
	e.telling.cancel(&stop{reason: err.Error()})
	e.finish()
}

// holdJournal stops the run when its journal is not what was written: what
// permits a COMMIT rests on it. The caller holds the lock.
func (e *Engine) holdJournal() error {
	if e.broken == nil {
		if err := e.journal.Whole(); err != nil {
			e.fail(err)
		}
	}
	return e.broken
}

// durability is what an event's weight asks of the journal.
func (e *Engine) durability(ev phases.Event) journal.Durability {
	if phases.WeightOf(e.state, ev) == phases.Fleeting {
		return journal.Buffered
	}
	return journal.Synced
}

// Do implements Commander.
func (e *Engine) Do(c phases.Command) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.broken != nil:
		return e.broken
	case e.leaving:
		return errLeaving
	case !e.ready:
		return ErrNotReady
	case e.telling.closing != nil:
		return errClosing
	}
	if err := e.state.Can(c, time.Now()); err != nil {
		return err
	}
	return e.carryOut(c)
}

// carryOut records a command that is possible, or sets off what it asks for.
func (e *Engine) carryOut(c phases.Command) error {
	by := e.state.Operator.String()
	if _, closing := c.(phases.CloseRun); closing && e.state.WantsUndoTrial() {
		return e.tryUndo(by)
	}
	if _, signs := c.(phases.Sign); signs {
		// It is bound to the record before its own: the evidence as it stands
		// comes before that.
		if err := e.recordPending(); err != nil {
			return err
		}
	}
	if r, ok := c.(phases.Recorded); ok {
		events, err := r.Events(e.state, by, time.Now())
		if err != nil {
			return err
		}
		if err := e.recordLocked(events...); err != nil {
			return err
		}
		return e.windUp()
	}
	switch c := c.(type) {
	case phases.Recheck:
		e.recheck(c.Item)
		return nil
	case phases.Act:
		return e.act(c.Item, by)
	case phases.CancelAction:
		e.acting.cancel(&stop{reason: "cancelled by " + by, by: by})
		return nil
	case phases.StartPhase:
		return e.start(c.Phase, by)
	case phases.Commit:
		return e.phase.decide(by)
	case phases.Rollback:
		e.phase.cancel(&stop{reason: cmp.Or(phases.Clean(c.Reason), "the operator chose ROLLBACK"), by: by})
		return nil
	case phases.SkipMaintenance:
		e.upkeep.cancel(&stop{reason: "it was skipped", by: by})
		return nil
	case phases.Tell:
		return e.doTell(c, by)
	case phases.Abort:
		return e.abort(phases.RunAborted{Reason: phases.Clean(c.Reason), By: by, Lift: c.Lift})
	case phases.EndBackend:
		e.endBackend(c, by)
		return nil
	}
	return fmt.Errorf("unknown command %T", c)
}
