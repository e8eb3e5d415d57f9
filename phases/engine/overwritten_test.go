package engine_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// overwrite puts one text of the journal in the place of another, as long, in
// the open file.
func (r *rig) overwrite(from, to string) {
	r.t.Helper()
	raw, err := os.ReadFile(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	at := bytes.Index(raw, []byte(from))
	if at < 0 || len(from) != len(to) {
		r.t.Fatalf("%q is not in the journal", from)
	}
	file, err := os.OpenFile(r.path, os.O_WRONLY, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte(to), int64(at)); err != nil {
		r.t.Fatal(err)
	}
}

// Nothing is committed on the ground of a journal that somebody wrote over.
func TestNothingIsCommittedOnAChangedJournal(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.toHold()
	r.overwrite(`"value":"everybody"`, `"value":"everyb0dy"`)
	r.do(phases.Commit{Phase: "clear"})
	if err := r.wait(); !errors.Is(err, journal.ErrDamaged) {
		t.Fatalf("the run ended with: %v", err)
	}
	if parent, child := r.rows("parent"), r.rows("child"); parent != 5000 || child != 20000 {
		t.Errorf("%d and %d rows are left", parent, child)
	}
	r.overwrite(`"value":"everyb0dy"`, `"value":"everybody"`)
	r.resume(engine.Settings{})
	r.untilReady()
	r.untilStatus("clear", phases.PhaseIsRolledBack)
}

func TestNoPhaseStartsOnAChangedJournal(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.toClear()
	r.overwrite(`"value":"everybody"`, `"value":"everyb0dy"`)
	if err := r.engine.Do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database}); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("got: %v", err)
	}
	if err := r.wait(); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("the run ended with: %v", err)
	}
	if n := r.rows("parent"); n != 5000 {
		t.Errorf("%d rows are left", n)
	}
}
