package engine_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// twoBook commits two phases, so that a run can be left between them.
const twoBook = `
tminus: 1
title: two
protected: [keep]
phases:
  - {id: one, title: First, risk: high, planned: 1m, delete: [child]}
  - {id: two, title: Second, risk: high, planned: 1m, delete: [parent]}
`

// commitFirst takes a run of twoBook through its first COMMIT, and leaves it.
func (r *rig) commitFirst() {
	r.t.Helper()
	r.passGate()
	r.commit("one")
	if err := r.leave(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) keep() string {
	r.t.Helper()
	copied := r.path + ".copy"
	data, err := os.ReadFile(r.path)
	if err == nil {
		err = os.WriteFile(copied, data, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return copied
}

func TestAPlainResumeConfirmsWhatWasCommitted(t *testing.T) {
	r := newRig(t, smallSchema, twoBook)
	r.open(engine.Settings{})
	r.commitFirst()
	r.resume(engine.Settings{})
	r.untilReady()
	if p := r.phaseOf(r.state(), "one"); p.Status != phases.PhaseIsCommitted {
		t.Fatalf("one is %s: %s", p.Status, p.Reason)
	}
	r.commit("two")
}

func TestAStaleJournalIsRefused(t *testing.T) {
	r := newRig(t, smallSchema, twoBook)
	r.open(engine.Settings{})
	r.passGate()
	r.do(phases.StartPhase{Phase: "one"})
	r.untilStatus("one", phases.PhaseHolding)
	stale := r.keep()
	r.do(phases.Commit{Phase: "one"})
	r.untilStatus("one", phases.PhaseIsCommitted)
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	right := r.path
	r.path = stale
	r.resume(engine.Settings{})
	err := r.wait()
	var stands *phases.StaleJournalError
	if !errors.As(err, &stands) || !errors.Is(err, phases.ErrOtherHistory) || len(stands.Rows) != 1 || stands.Rows[0].Phase != "one" {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(r.log(), "ROLLED BACK") {
		t.Errorf("a copy of the journal calls the committed phase rolled back:\n%s", r.log())
	}
	r.path = right
	r.resume(engine.Settings{})
	r.untilReady()
}

func TestRowsThatWerePutBackAreSeen(t *testing.T) {
	r := newRig(t, smallSchema, twoBook)
	r.open(engine.Settings{})
	r.commitFirst()
	r.exec(`INSERT INTO child SELECT i, 1 + i % 5000 FROM generate_series(1, 20000) i`)
	r.resume(engine.Settings{})
	r.untilReady()
	p := r.phaseOf(r.state(), "one")
	if p.Status != phases.PhaseIsUndone || !p.Ledger || !strings.Contains(p.Reason, "child holds 20,000 rows") {
		t.Fatalf("one is %s, ledger %v: %s", p.Status, p.Ledger, p.Reason)
	}
	r.refused(phases.StartPhase{Phase: "two"}, "the next phase is")
	r.refused(phases.StartPhase{Phase: "one"}, "a human must look")
	if code := r.state().ExitCode(); code != 5 {
		t.Errorf("exit code %d", code)
	}
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	r.exec(`DELETE FROM child`)
	r.resume(engine.Settings{})
	r.untilReady()
	if p := r.phaseOf(r.state(), "one"); p.Status != phases.PhaseIsCommitted {
		t.Errorf("one is %s: %s", p.Status, p.Reason)
	}
}

func TestACommitWhoseLedgerRowIsGoneIsUndone(t *testing.T) {
	r := newRig(t, smallSchema, twoBook)
	r.open(engine.Settings{})
	r.commitFirst()
	r.exec(`DELETE FROM tminus.ledger`)
	r.resume(engine.Settings{})
	r.untilReady()
	if p := r.phaseOf(r.state(), "one"); p.Status != phases.PhaseIsUndone || p.Ledger {
		t.Fatalf("one is %s, ledger %v: %s", p.Status, p.Ledger, p.Reason)
	}
}

// far is a position that no test's server reaches.
const far = phases.LSN(1) << 60

func TestAServerFromBeforeIsAnotherHistory(t *testing.T) {
	r := newRig(t, smallSchema, twoBook)
	r.open(engine.Settings{})
	r.commitFirst()
	r.forge(func(e phases.Event) phases.Event {
		if c, ok := e.(phases.PhaseCommitted); ok {
			c.WAL = far
			return c
		}
		return e
	})
	r.resume(engine.Settings{})
	// The ledger has the phase's row: the server went back to after its COMMIT.
	var other *phases.HistoryError
	if err := r.wait(); !errors.As(err, &other) || other.Known != far {
		t.Fatalf("got %v", err)
	}
	if p := r.phaseOf(r.state(), "one"); p.Status != phases.PhaseIsCommitted {
		t.Fatalf("one is %s: %s", p.Status, p.Reason)
	}
	r.exec(`DELETE FROM tminus.ledger`)
	r.resume(engine.Settings{})
	r.untilReady()
	if p := r.phaseOf(r.state(), "one"); p.Status != phases.PhaseIsUndone || !strings.Contains(p.Reason, far.String()) {
		t.Fatalf("one is %s: %s", p.Status, p.Reason)
	}
	r.refused(phases.StartPhase{Phase: "two"}, "the next phase is")
}

func TestAnotherHistoryIsRefusedBeforeAnythingIsCommitted(t *testing.T) {
	r := newRig(t, smallSchema, twoBook)
	r.open(engine.Settings{})
	r.untilReady()
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	r.forge(func(e phases.Event) phases.Event {
		if o, ok := e.(phases.RunOpened); ok {
			o.Target.WAL = far
			return o
		}
		return e
	})
	r.resume(engine.Settings{})
	var other *phases.HistoryError
	if err := r.wait(); !errors.As(err, &other) || other.Known != far {
		t.Fatalf("got %v", err)
	}
}

// forge writes the run's journal anew, with its events changed.
func (r *rig) forge(change func(phases.Event) phases.Event) {
	r.t.Helper()
	recs, err := journal.Read(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.path += ".forged"
	w, err := journal.Create(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer w.Close()
	for _, rec := range recs {
		e, err := phases.Decode(rec)
		if err != nil {
			r.t.Fatal(err)
		}
		e = change(e)
		if _, err := w.Append(rec.At, e.Kind(), e, journal.Buffered); err != nil {
			r.t.Fatal(err)
		}
	}
}
