package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"tminus/phases"
)

// spec is what the phase's transaction needs to know.
func (r *phaseRun) spec() TxSpec {
	spec := TxSpec{
		RunID: r.facts.runID, Phase: r.plan, Attempt: r.attempt,
		LockTables: r.lockTables(), LockDeadline: r.lockWait(), Ways: r.ways(),
	}
	if r.facts.capsules != "" && r.facts.book.Keeps(r.plan) {
		spec.Capsule = filepath.Join(r.facts.capsules, phases.CapsuleFolder(r.plan.ID, r.attempt))
	}
	return spec
}

// keep writes the phase's capsule, where it has one: behind the verification, so
// that it is of what COMMIT makes true, and before anything that could lead
// there. There is no way from here to COMMIT but with all of it on disk.
func (r *phaseRun) keep(ctx context.Context, tx Tx, did phases.Effects) (phases.Capsule, error) {
	if r.spec().Capsule == "" {
		return phases.Capsule{}, nil
	}
	wait := r.engine.await(r.plan.ID, "write the capsule")
	defer wait.over()
	// What the program itself made or took out is gone, or there again, at COMMIT.
	did.Changes = slices.DeleteFunc(slices.Clone(did.Changes), func(c phases.Change) bool { return r.isBuilt(c) || r.takenOut(c) })
	kept, err := tx.Keep(ctx, did, r.keeping)
	if err != nil {
		return kept, err
	}
	if err := r.engine.record(phases.CapsuleKept{Phase: r.plan.ID, Capsule: kept}); err != nil {
		return kept, err
	}
	return kept, context.Cause(ctx)
}

// keeping records how far a capsule is, a few times a second.
func (r *phaseRun) keeping(p phases.CapsuleProgress) {
	now := time.Now()
	if now.Sub(r.reported) < r.engine.settings.Progress {
		return
	}
	r.reported = now
	if err := r.engine.record(phases.CapsuleProgressed{Phase: r.plan.ID, CapsuleProgress: p}); err != nil {
		return // recordLocked has cancelled the phase
	}
}

// wholeCapsule looks once more that the capsule is there, right before COMMIT:
// somebody may have thought for minutes.
func (r *phaseRun) wholeCapsule(intent phases.CommitIntent) error {
	if intent.Capsule == "" {
		return nil
	}
	if err := r.engine.target.Whole(r.spec().Capsule, intent.Capsule); err != nil {
		return fmt.Errorf("the phase's capsule is not what was written, and without it nothing can be put back: %w", err)
	}
	return nil
}

// dropCapsule removes the capsule of an attempt that came to nothing: err is why.
func (r *phaseRun) dropCapsule(err error) error {
	folder := r.spec().Capsule
	if err == nil || errors.Is(err, errUnsettled) || folder == "" {
		return err
	}
	return cmp.Or(r.engine.drop(phases.CapsuleLeft{Phase: r.plan.ID, Folder: folder}), err)
}

// drop removes one, and records where that cannot be done.
func (e *Engine) drop(spare phases.CapsuleLeft) error {
	id := ""
	e.View(func(s *phases.State) { id = s.Opened.RunID })
	err := e.target.Drop(spare.Folder, id)
	if err == nil {
		return nil
	}
	spare.Error = phases.Clean(err.Error())
	return e.record(spare)
}

// dropCapsules removes what attempts that came to nothing left: their rows are
// in the database, and personal data must lie nowhere else for no reason.
func (e *Engine) dropCapsules() error {
	var folders []phases.CapsuleLeft
	e.View(func(s *phases.State) { folders = s.SpareCapsules() })
	for _, left := range folders {
		if err := e.drop(left); err != nil {
			return err
		}
	}
	return nil
}
