package engine_test

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// A phase whose rows came back goes on counting as committed once the operator
// says what was found, and the run goes on.
func TestUndoneIsAcceptedIntoTheJournal(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.toHold()
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	r.exec("INSERT INTO parent VALUES (1, 1)")
	w, recs, _, err := journal.OpenWriter(r.path)
	if err != nil {
		t.Fatal(err)
	}
	undone := phases.PhaseUndone{Phase: "clear", Reason: "parent holds 1 row", Ledger: true}
	if _, err := w.Append(recs[len(recs)-1].At, undone.Kind(), undone, journal.Synced); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r.resume(engine.Settings{})
	r.untilReady()
	r.refused(phases.AcceptUndone{Phase: "clear"}, "what was found is needed")
	r.refused(phases.CloseRun{}, "phases are still to be done")
	r.do(phases.AcceptUndone{Phase: "clear", Reason: "a row of\nthe\x1b[2J smoke test"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
	r.refused(phases.AcceptUndone{Phase: "clear", Reason: "again"}, "is held as it was committed")
	r.do(phases.Tick{Item: "said"})
	r.do(phases.CloseRun{})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if log := r.log(); !strings.Contains(log, "a row of the smoke test") || !strings.Contains(log, "dba@here") {
		t.Errorf("the log does not say what was found, and who said so:\n%s", log)
	}
}

// The runbook says how long a phase waits for its locks; the wait announces its
// end, and the rollback's reason is a sentence.
func TestLockWaitIsTheRunbooksOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, smallSchema, strings.Replace(smallBook, "    point_of_no_return: true\n", "    point_of_no_return: true\n    lock_wait: 4s\n", 1))
	r.open(engine.Settings{LockDeadline: time.Hour})
	r.toClear()
	r.exec("BEGIN; LOCK TABLE parent")
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	var until, began time.Time
	r.until("end of the wait announced", func(s *phases.State) bool {
		p := r.phaseOf(s, "clear")
		if p.Lock != nil {
			until, began = p.Lock.Until, p.StartedAt
		}
		return !until.IsZero()
	})
	if wait := until.Sub(began); wait < 4*time.Second || wait > 30*time.Second {
		t.Errorf("the wait is to end %s after the phase began", wait)
	}
	r.untilStatus("clear", phases.PhaseIsRolledBack)
	r.exec("ROLLBACK")
	reason := r.phaseOf(r.state(), "clear").Reason
	if !strings.HasPrefix(reason, "did not get its locks on parent, child within 4.0 s: session ") || strings.Contains(reason, "SQLSTATE") {
		t.Errorf("the reason is %q", reason)
	}
}

// Where the phase's limit comes before the end of its wait, that is announced.
func TestLockWaitEndsWithTheLimit(t *testing.T) {
	r := newRig(t, smallSchema, strings.Replace(smallBook, "    point_of_no_return: true\n", "    point_of_no_return: true\n    limit: 2s\n", 1))
	r.open(engine.Settings{LockDeadline: time.Hour})
	r.toClear()
	r.exec("BEGIN; LOCK TABLE parent")
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	r.until("end of the wait announced", func(s *phases.State) bool {
		p := r.phaseOf(s, "clear")
		return p.Lock != nil && !p.Lock.Until.IsZero() && p.Lock.Until.Before(p.StartedAt.Add(time.Minute))
	})
	r.untilStatus("clear", phases.PhaseIsRolledBack)
	r.exec("ROLLBACK")
	if reason := r.phaseOf(r.state(), "clear").Reason; !strings.Contains(reason, "limit") {
		t.Errorf("the reason is %q", reason)
	}
}
