package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// What comes after the first cause of a phase's end must not be lost.
func TestAbortAfterRollbackAborts(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.toHold()
	r.do(phases.Rollback{Phase: "clear", Reason: "odd"})
	r.do(phases.Abort{Reason: "and enough"})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if p := r.phaseOf(s, "clear"); s.Outcome != phases.Aborted || s.Reason != "and enough" || p.Reason != "odd" {
		t.Errorf("outcome %q (%q), phase %q", s.Outcome, s.Reason, p.Reason)
	}
	if err := r.engine.Do(phases.Note{Text: "late"}); !errors.Is(err, phases.ErrEnded) {
		t.Errorf("a note after the end: %v", err)
	}
	sum, err := journal.Verify(r.path, phases.RunClosed{}.Kind())
	if err != nil || !sum.Closed {
		t.Errorf("the journal: %+v, %v", sum, err)
	}
}

// A signal interrupts an unattended run; it does not abort it.
func TestInterruptedUnattendedRunCanBeResumed(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.opened.Unattended = true
	r.exec(`BEGIN; LOCK TABLE parent IN ROW EXCLUSIVE MODE`)
	r.open(engine.Settings{})
	r.until("the wait for a lock", func(s *phases.State) bool { p := s.OpenPhase(); return p != nil && p.Lock != nil })
	signal := fmt.Errorf("%w: terminated", engine.ErrSignal)
	r.stop(signal)
	if err := r.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	s := r.state()
	if s.ExitCode() != 6 || s.Interrupted != signal.Error() || r.phaseOf(s, "clear").Status != phases.PhaseIsRolledBack {
		t.Fatalf("outcome %q, interrupted by %q:\n%s", s.Outcome, s.Interrupted, r.log())
	}
	r.exec(`ROLLBACK`)
	r.resume(engine.Settings{})
	if err := r.wait(); err != nil || r.rows("parent") != 0 {
		t.Fatalf("%v, %d rows:\n%s", err, r.rows("parent"), r.log())
	}
}

func TestNothingStartsWhileTheProgramLeaves(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.toClear()
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	r.refused(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database}, "leaving")
	if s := r.state(); s.OpenPhase() != nil || s.Interrupted == "" {
		t.Errorf("left as %q", s.Interrupted)
	}
}

// A run that ends before its last stage must not leave triggers off unsaid.
func TestEndedRunSaysWhichTriggersAreOff(t *testing.T) {
	r := newRig(t, smallSchema+guardTrigger, strings.ReplaceAll(checkedBook, "FILE", "/nowhere"))
	r.open(engine.Settings{})
	r.untilReady()
	r.refused(phases.Act{Item: "restore"}, "nothing to restore")
	r.do(phases.Act{Item: "off"})
	r.until("the trigger is off", func(s *phases.State) bool { a := s.Item("off").Action; return a != nil && !a.Running && s.TriggersOff })
	r.do(phases.Act{Item: "restore"}) // long before its stage
	r.until("the trigger is back", func(s *phases.State) bool { return !s.TriggersOff })
	r.do(phases.Act{Item: "off"})
	r.until("the trigger is off again", func(s *phases.State) bool { return s.TriggersOff && !s.Item("off").Action.Running })
	r.do(phases.DeclareNoGo{Reason: "no backup"})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	const bring = `ALTER TABLE ONLY "public"."parent" ENABLE REPLICA TRIGGER "guard";`
	if got := r.state().Summary(r.path); !strings.Contains(got, bring) || !strings.Contains(r.log(), bring) {
		t.Errorf("neither says how to bring the trigger back:\n%s\n%s", got, r.log())
	}

	// The next run must not take "off" for the state to bring back.
	r.path += "-2"
	r.opened.RunID = engine.NewRunID(time.Now())
	r.open(engine.Settings{})
	r.untilReady()
	r.do(phases.Act{Item: "off"})
	r.until("the action's end", func(s *phases.State) bool { a := s.Item("off").Action; return a != nil && !a.Running })
	if s := r.state(); !strings.Contains(s.Item("off").Action.Error, "disabled already") || s.Triggers != nil {
		t.Errorf("got %+v, recorded %v", s.Item("off").Action, s.Triggers)
	}
}

// A cascade reaches a table that is not locked, and a row of it is: the
// operator sees who holds it, and may end that session.
func TestBlockedStatementShowsItsBlockerAndCanBeFreed(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.toClear()
	r.exec(`BEGIN; SELECT FROM child WHERE id = 1 FOR UPDATE`)
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	var pid uint32
	r.until("the blocker", func(s *phases.State) bool {
		p := s.OpenPhase()
		if p == nil || p.LockedAt.IsZero() || p.Lock == nil || len(p.Lock.Blockers) == 0 {
			return false
		}
		pid = p.Lock.Blockers[0].PID
		return true
	})
	if pid != r.conn.PgConn().PID() {
		t.Fatalf("blocked by %d, and the bystander is %d", pid, r.conn.PgConn().PID())
	}
	r.until("the activity", func(s *phases.State) bool {
		if s.Activity == nil || s.Activity.Phase != "clear" || len(s.Activity.Sessions) < 2 {
			return false
		}
		own, other := s.Activity.Sessions[0], s.Activity.Sessions[1]
		return own.Own && own.PID == r.phaseOf(s, "clear").Tx.PID && own.Waits() && other.PID == pid && other.State == "idle in transaction"
	})
	r.do(phases.EndBackend{PID: pid, Terminate: true})
	r.untilStatus("clear", phases.PhaseHolding)
	if s := r.state(); r.phaseOf(s, "clear").Lock != nil || !strings.Contains(r.log(), "terminated") {
		t.Errorf("the wait is still shown:\n%s", r.log())
	}
	r.do(phases.Abort{Reason: "seen enough"})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}

// What was verified to be empty stays empty until COMMIT.
func TestNobodyFillsAnEmptyTableDuringTheHold(t *testing.T) {
	r := newRig(t, smallSchema+`CREATE TABLE loose (id int);`, strings.Replace(smallBook, "zero: [child]", "zero: [child, loose]", 1))
	r.open(engine.Settings{})
	r.toHold()
	if _, err := r.conn.Exec(t.Context(), `SET lock_timeout = '50ms'; INSERT INTO loose VALUES (1)`, pgx.QueryExecModeSimpleProtocol); err == nil {
		t.Error("a table that was verified to be empty takes a row before COMMIT")
	}
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
}
