package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// undoTrial is the undo at a rehearsal's end. Its goroutine alone talks to the
// server about it; the engine reaches it by cancel.
type undoTrial struct {
	engine *Engine
	plan   []trialPhase
	before []phases.Fingerprint
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// trialPhase is one phase that is put back.
type trialPhase struct {
	id   string
	name string // as texts have it
	rows int64
	step runbook.Step
}

// tryUndo puts back what the run's phases took, and closes the run. The caller
// holds the lock and has asked Can. One that was cut off is begun anew: what is
// back already is found to be so.
func (e *Engine) tryUndo(by string) error {
	s := e.state
	t := &undoTrial{engine: e, done: make(chan struct{})}
	for _, p := range s.Kept() {
		step := runbook.Step{PutBack: filepath.Join(s.Opened.Capsule.Folder, p.Capsule.Folder), SHA256: p.Capsule.SHA256}
		for _, table := range p.Capsule.Tables {
			step.Touch = append(step.Touch, table.Table)
		}
		t.plan = append(t.plan, trialPhase{p.Plan.ID, s.PhaseName(p.Plan.ID), p.Capsule.Rows(), step})
	}
	if s.Baseline != nil {
		t.before = slices.Concat(s.Baseline.Protected, s.Baseline.Undo)
	}
	// Not the program's context: leave cancels it with a reason.
	ctx, cancel := context.WithCancelCause(context.Background())
	t.cancel, e.trial = cancel, t
	if err := e.recordLocked(phases.UndoTrialStarted{By: by}); err != nil {
		e.trial = nil
		cancel(err)
		return err
	}
	e.work.Go(func() { t.run(ctx) }) // ends with the last phase, or with leave
	return nil
}

// endUndoTrial cancels it, and waits for its end.
func (e *Engine) endUndoTrial(reason error) {
	e.mu.Lock()
	t := e.trial
	e.mu.Unlock()
	if t != nil {
		t.cancel(&stop{reason: reason.Error()})
		<-t.done
	}
}

// run tries it, records what came of it, and closes the run. A trial that was
// cancelled leaves the run to be resumed.
func (t *undoTrial) run(ctx context.Context) {
	defer t.cancel(nil)
	tried := t.try(ctx)
	e := t.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	defer close(t.done)
	e.trial = nil
	if context.Cause(ctx) != nil || e.broken != nil {
		return
	}
	// A failure has stopped the run by itself.
	_ = e.recordLocked(tried, phases.RunClosed{Outcome: phases.Completed})
}

func (t *undoTrial) try(ctx context.Context) (out phases.UndoTried) {
	began := time.Now()
	for _, p := range t.plan {
		start, reported := time.Now(), time.Time{}
		rows, err := t.engine.target.PutBack(ctx, p.step, func(rows int64) {
			if time.Since(reported) < t.engine.settings.Progress {
				return
			}
			reported = time.Now()
			if err := t.engine.record(phases.UndoTrialProgressed{Phase: p.id, Rows: rows, Total: p.rows}); err != nil {
				return // recordLocked has cancelled it
			}
		})
		if err != nil {
			out.Error, out.Took = phases.Clean(fmt.Sprintf("%s could not be put back: %v", p.name, err)), time.Since(began)
			return out
		}
		out.Phases = append(out.Phases, phases.UndoneTrial{Phase: p.id, Rows: rows, Took: time.Since(start)})
	}
	out.Took = time.Since(began)
	out.Compared, out.Differences, out.Error = t.compare(ctx)
	return out
}

// compare holds count and content of all tables against those before the first
// phase.
func (t *undoTrial) compare(ctx context.Context) (compared int, differences []string, problem string) {
	var names []string
	for _, f := range t.before {
		names = append(names, f.Table)
	}
	now, err := t.engine.fingerprints(ctx, "", names)
	if err != nil {
		return 0, nil, phases.Clean(fmt.Sprintf("what came back could not be compared: %v", err))
	}
	for i, was := range t.before {
		switch is := now[i]; {
		case is.Rows != was.Rows:
			differences = append(differences, fmt.Sprintf("%s has %s, and had %s", was.Table, phases.Rows(is.Rows), phases.Rows(was.Rows)))
		case is.Hash != was.Hash:
			differences = append(differences, was.Table+" has another content")
		}
	}
	return len(now), differences, ""
}

// beforeUndo fingerprints what an undo at the run's end is compared with, beside
// the protected tables.
func (r *phaseRun) beforeUndo(ctx context.Context, counted []phases.Counted) ([]phases.Fingerprint, error) {
	if !r.facts.tryUndo {
		return nil, nil
	}
	var names []string
	for _, c := range counted {
		if c.Where == "" {
			names = append(names, c.Table)
		}
	}
	return r.engine.fingerprints(ctx, r.plan.ID, names)
}

// fingerprints says on every screen what it waits for.
func (e *Engine) fingerprints(ctx context.Context, phase string, tables []string) ([]phases.Fingerprint, error) {
	var asked []string
	for _, t := range tables {
		asked = append(asked, "fingerprint "+t)
	}
	wait := e.await(phase, left(asked))
	defer wait.over()
	return e.target.Fingerprints(ctx, tables, func(table string) {
		asked = without(asked, "fingerprint "+table)
		wait.next(left(asked))
	})
}
