package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// stale commits a phase that keeps a capsule, gives the path of a copy of the
// journal from before the COMMIT, and the capsule's folder.
func (r *rig) stale() (copied, capsule string) {
	r.t.Helper()
	r.opened.Capsule = &phases.CapsulePlace{Folder: r.path + ".capsule"}
	r.open(engine.Settings{})
	r.passGate()
	r.do(phases.StartPhase{Phase: "one"})
	r.untilStatus("one", phases.PhaseHolding)
	copied = r.keep()
	r.do(phases.Commit{Phase: "one"})
	r.untilStatus("one", phases.PhaseIsCommitted)
	if err := r.leave(); err != nil {
		r.t.Fatal(err)
	}
	capsule = filepath.Join(r.opened.Capsule.Folder, phases.CapsuleFolder("one", 1))
	r.whole(capsule)
	return copied, capsule
}

func (r *rig) whole(capsule string) {
	r.t.Helper()
	if _, err := os.Stat(filepath.Join(capsule, "manifest.json")); err != nil {
		r.t.Errorf("the committed phase's capsule: %v", err)
	}
}

// An older copy of the journal is not restored by: what it calls open is committed.
func TestAStaleJournalRestoresNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, smallSchema, twoBook)
	copied, capsule := r.stale()
	r.path = copied
	r.openTarget()
	w, recs, torn, err := journal.OpenWriter(r.path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	_, err = engine.Restore(context.Background(), r.target, w, recs, engine.Restoring{Operator: r.opened.Operator, Torn: torn})
	if stands := (*phases.StaleJournalError)(nil); !errors.As(err, &stands) || len(stands.Rows) != 1 {
		t.Errorf("got %v", err)
	}
	if log := r.log(); strings.Contains(log, "ROLLED BACK") || !r.state().ClosedAt.IsZero() {
		t.Errorf("a copy of the journal calls the committed phase rolled back:\n%s", log)
	}
	r.whole(capsule)
}

// As long as the ledger cannot be read, nobody knows whether the journal is such a
// copy, and whose the capsule is.
func TestNoCapsuleGoesBeforeTheLedgerIsRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, smallSchema, twoBook)
	copied, capsule := r.stale()
	r.path = copied
	r.exec(`ALTER TABLE tminus.ledger RENAME COLUMN nonce TO other`)
	r.resume(engine.Settings{})
	if err := r.wait(); err == nil || !strings.Contains(err.Error(), "nonce") {
		t.Errorf("got %v", err)
	}
	r.whole(capsule)
}

// A folder that has another run's capsule is in the way of a phase, which takes
// nothing of it along when it is rolled back, nor when its run is taken up again.
func TestAnotherRunsCapsuleStays(t *testing.T) {
	t.Parallel()
	first := newRig(t, smallSchema, twoBook)
	_, capsule := first.stale()
	r := newRig(t, smallSchema, twoBook)
	r.opened.Capsule = first.opened.Capsule
	r.open(engine.Settings{})
	r.passGate()
	r.do(phases.StartPhase{Phase: "one"})
	r.untilStatus("one", phases.PhaseIsRolledBack)
	if reason := r.phaseOf(r.state(), "one").Reason; !strings.Contains(reason, "it is another attempt's") {
		t.Errorf("rolled back: %s", reason)
	}
	r.whole(capsule)
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	r.resume(engine.Settings{})
	r.untilReady()
	r.whole(capsule)
}
