package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/backup"
	"tminus/db/gym"
	"tminus/db/gym/services"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

func TestGuideRunsUnattended(t *testing.T) {
	site, err := gym.MakeSite(t.Context(), t.TempDir(), backup.Major(sandbox.ForTest(t).Version()))
	if err != nil {
		t.Fatal(err)
	}
	around := application(t)
	site.Services, site.Log, site.Measure = around.URL(), around.Log(), time.Second
	r := newRig(t, "", string(runbook.Guide(site)))
	r.opened.Unattended = true
	r.conn.Close(t.Context()) // before phase 5 nobody may be connected
	r.open(engine.Settings{})
	if err := r.wait(); err != nil {
		t.Fatalf("run: %v\n%s", err, r.log())
	}
	r.connect()
	s := r.state()
	if s.Outcome != phases.Completed || s.ExitCode() != 0 {
		t.Fatalf("outcome %q, exit code %d\n%s", s.Outcome, s.ExitCode(), r.log())
	}
	for _, p := range s.Phases {
		if !p.Status.Done() {
			t.Errorf("%s is %s", p.Plan.ID, p.Status)
		}
		for _, table := range p.Plan.Deletes() {
			if n := r.rows(table); n != 0 {
				t.Errorf("%s still holds %d rows", table, n)
			}
		}
		for _, v := range p.Verified {
			if !v.Pass {
				t.Errorf("%s: %s %s failed", p.Plan.ID, v.Kind, v.Name)
			}
		}
	}
	for _, f := range s.Baseline.Protected {
		if n := r.rows(f.Table); n != f.Rows || n == 0 {
			t.Errorf("protected %s held %d rows, and holds %d", f.Table, f.Rows, n)
		}
	}
	if len(s.Tellings) != 4 || s.Untold() != nil {
		t.Errorf("people were told %+v", s.Tellings)
	}
	for id, it := range s.Items {
		if it.Ticked && !it.Assumed {
			t.Errorf("item %s counts as ticked by a human", id)
		}
	}
	sum, err := journal.Verify(r.path, phases.RunClosed{}.Kind())
	if err != nil || !sum.Closed {
		t.Errorf("verify: %+v, %v", sum, err)
	}
}

// application is the demo's, as it is after a reset: nobody is a member.
func application(tb testing.TB) *services.Services {
	tb.Helper()
	dsn := sandbox.ForTest(tb).NewDatabase(tb)
	conn, err := pgx.Connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(tb.Context(), `CREATE TABLE memberships (id int, user_id int, package_id int, status text, end_date date, is_active bool)`); err != nil {
		tb.Fatal(err)
	}
	around, err := services.Start(tb.TempDir(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = around.Close() })
	return around
}

func TestUnattendedIsRefusedInProduction(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.openTarget()
	w, err := journal.Create(r.path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.opened.Unattended, r.opened.Environment = true, phases.Production
	if _, err := engine.Open(r.target, w, r.opened, engine.Settings{}); !errors.Is(err, engine.ErrUnattended) {
		t.Fatalf("got %v", err)
	}
}

func TestOrderCannotBeLeft(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	name := r.opened.Target.Database
	r.untilReady()
	r.refused(phases.PassGate{Approver: "x", Typed: name}, "held")
	r.refused(phases.StartPhase{Phase: "count"}, "gate has not been passed")
	r.refused(phases.Tick{Item: "told"}, "needs Who")
	r.refused(phases.Tick{Item: "sure"}, "gate has not been passed")
	r.refused(phases.Tick{Item: "said"}, "after the last phase")
	r.refused(phases.Commit{Phase: "count"}, "no phase waits")
	r.refused(phases.CloseRun{}, "phases are still to be done")
	r.do(phases.Record{Item: "told", Field: "who", Value: "all"})
	r.do(phases.Tick{Item: "told"})
	r.refused(phases.PassGate{Approver: " ", Typed: name}, "approver")
	r.refused(phases.PassGate{Approver: "x", Typed: "postgres"}, "type the database's name")
	r.do(phases.PassGate{Approver: "x", Typed: name})
	r.refused(phases.StartPhase{Phase: "clear", Typed: name}, "the next phase is")
	r.do(phases.StartPhase{Phase: "count"})
	r.untilStatus("count", phases.PhaseIsPassed)
	r.refused(phases.StartPhase{Phase: "count"}, "the next phase is")
	r.refused(phases.Untick{Item: "told"}, "closed")
	r.refused(phases.DeclareNoGo{Reason: "late"}, "abort the run instead")
	r.refused(phases.StartPhase{Phase: "clear", Typed: name}, "Sure")
	r.do(phases.Tick{Item: "sure"})
	r.refused(phases.StartPhase{Phase: "clear"}, "type the database's name")
	r.do(phases.StartPhase{Phase: "clear", Typed: name})
	r.untilStatus("clear", phases.PhaseHolding)
	if n := r.rows("parent"); n != 5000 {
		t.Fatalf("%d rows are visible before COMMIT, want 5000", n)
	}
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
	r.refused(phases.StartPhase{Phase: "clear", Typed: name}, "all phases are done")
	r.refused(phases.CloseRun{}, "not done")
	r.do(phases.Tick{Item: "said"})
	r.do(phases.CloseRun{})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	p := r.phaseOf(r.state(), "clear")
	for _, want := range []phases.TableState{{Name: "parent", Deleted: 5000, Left: 0}, {Name: "child", Cascaded: 20000, Left: 0}} {
		got := findTable(t, p, want.Name)
		if got.Deleted != want.Deleted || got.Cascaded != want.Cascaded || got.Left != want.Left {
			t.Errorf("%s: deleted %d, cascaded %d, left %d", want.Name, got.Deleted, got.Cascaded, got.Left)
		}
	}
	if r.rows("parent")+r.rows("child") != 0 || r.rows("keep") != 50 {
		t.Error("the tables are not what the journal says")
	}
}

func findTable(t *testing.T, p phases.PhaseState, name string) phases.TableState {
	t.Helper()
	for _, ts := range p.Tables {
		if ts.Name == name {
			return ts
		}
	}
	t.Fatalf("%s has no table %s", p.Plan.ID, name)
	return phases.TableState{}
}

func TestNoGoEndsTheRun(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.untilReady()
	r.refused(phases.DeclareNoGo{}, "reason")
	r.do(phases.DeclareNoGo{Reason: "the backup is missing"})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if s := r.state(); s.Outcome != phases.NoGo || s.ExitCode() != 3 || s.Reason != "the backup is missing" {
		t.Fatalf("outcome %q, %d, %q", s.Outcome, s.ExitCode(), s.Reason)
	}
}

// A phase of which one verification does not hold never offers COMMIT.
func TestFailedVerificationRollsBack(t *testing.T) {
	for name, c := range map[string]struct{ plant, wants string }{
		"a row comes back in a table that must be empty": {
			`CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.parent VALUES (1, 1); RETURN NULL; END $$;
			 CREATE TRIGGER again AFTER DELETE ON parent FOR EACH STATEMENT EXECUTE FUNCTION again()`, "zero parent",
		},
		"a protected row is changed by SET NULL": {
			`ALTER TABLE keep ADD favourite int REFERENCES parent ON DELETE SET NULL; UPDATE keep SET favourite = id`, "protected keep",
		},
		"a table is touched that nothing accounts for": {
			`CREATE TABLE audit (n int);
			 CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.audit VALUES (1); RETURN NULL; END $$;
			 CREATE TRIGGER audit AFTER DELETE ON child FOR EACH STATEMENT EXECUTE FUNCTION audit()`, "touched tables touched",
		},
		"a deferred constraint does not hold": {
			`CREATE TABLE late (id int PRIMARY KEY, parent_id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED); INSERT INTO late VALUES (1, 7)`, "constraints",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, smallSchema+c.plant, smallBook)
			r.open(engine.Settings{})
			r.toClear()
			r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
			r.untilStatus("clear", phases.PhaseIsRolledBack)
			r.refused(phases.Commit{Phase: "clear"}, "Clear was rolled back")
			if err := r.leave(); err != nil {
				t.Fatal(err)
			}
			p := r.phaseOf(r.state(), "clear")
			if !strings.Contains(p.Reason, c.wants) {
				t.Errorf("reason %q, want %q in it", p.Reason, c.wants)
			}
			if strings.Contains(r.log(), "HOLD") || r.rows("parent") != 5000 || r.rows("child") != 20000 {
				t.Errorf("something was offered, or lost:\n%s", r.log())
			}
		})
	}
}

func TestHoldIsLimited(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{Hold: 50 * time.Millisecond})
	r.toClear()
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	r.untilStatus("clear", phases.PhaseIsRolledBack)
	if n := r.rows("parent"); n != 5000 {
		t.Errorf("%d rows left", n)
	}
}

func TestOperatorRollsBackAndTriesAgain(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.toHold()
	r.do(phases.Rollback{Phase: "clear", Reason: "counts look odd"})
	r.untilStatus("clear", phases.PhaseIsRolledBack)
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	r.untilStatus("clear", phases.PhaseHolding)
	r.do(phases.Abort{Reason: "out of time"})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if p := r.phaseOf(s, "clear"); s.Outcome != phases.Aborted || s.ExitCode() != 4 || p.Attempt != 2 || p.Status != phases.PhaseIsRolledBack {
		t.Errorf("outcome %q, attempt %d, %s", s.Outcome, p.Attempt, p.Status)
	}
	if n := r.rows("parent"); n != 5000 {
		t.Errorf("%d rows left", n)
	}
}

func TestLeavingRollsBackAndResumeGoesOn(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.toHold()
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	if s := r.state(); s.ExitCode() != 6 || r.phaseOf(s, "clear").Status != phases.PhaseIsRolledBack || s.Interrupted == "" {
		t.Fatalf("left as %d, %q", s.ExitCode(), s.Interrupted)
	}
	r.resume(engine.Settings{})
	r.untilReady()
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	r.untilStatus("clear", phases.PhaseHolding)
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
	r.do(phases.Tick{Item: "said"})
	r.do(phases.CloseRun{})
	if err := r.wait(); err != nil || r.rows("parent") != 0 {
		t.Fatalf("%v, %d rows", err, r.rows("parent"))
	}
}

const checkedBook = `
tminus: 1
title: checked
checklist:
  - id: before
    title: Before
    items:
      - id: backup
        text: The backup runs
        check: {command: [test, -f, FILE], every: 50ms, remedy: Start the backup.}
      - id: off
        text: The trigger is off
        action: {name: triggers.disable, triggers: [guard], text: disable it}
        check: {database: triggers.disabled, triggers: [guard], every: 50ms, remedy: Disable it., through: phases}
phases:
  - {id: clear, title: Clear, risk: high, planned: 1m, steps: [{delete: parent}]}
after:
  - id: back
    title: Back
    items:
      - id: restore
        text: Triggers are back
        action: {name: triggers.restore, text: restore them}
        check: {database: triggers.restored, every: 50ms, remedy: Restore them.}
`

const guardTrigger = `
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'guarded'; END $$;
CREATE TRIGGER guard BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION guard();
ALTER TABLE parent ENABLE REPLICA TRIGGER guard;
`

// A check that stops holding un-ticks its item and closes the gate again.
func TestChecksCloseTheGateAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, smallSchema+guardTrigger, strings.ReplaceAll(checkedBook, "FILE", file))
	r.open(engine.Settings{})
	name := r.opened.Target.Database
	done := func(id string) func(*phases.State) bool {
		return func(s *phases.State) bool { it, _, _ := s.Runbook.Item(id); return s.ItemDone(it) }
	}
	not := func(f func(*phases.State) bool) func(*phases.State) bool {
		return func(s *phases.State) bool { return !f(s) }
	}
	r.untilReady()
	r.until("the backup is seen", done("backup"))
	r.refused(phases.Tick{Item: "backup"}, "its check answers")
	r.refused(phases.PassGate{Approver: "x", Typed: name}, "The trigger is off")
	r.until("the trigger is seen", func(s *phases.State) bool { return s.Item("off").Check != nil })
	r.do(phases.Act{Item: "off"})
	r.until("the trigger is off", done("off"))
	r.do(phases.PassGate{Approver: "x", Typed: name})

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	r.until("the gate closes", func(s *phases.State) bool { return s.Gate.Decision == "" && s.Gate.Closed != nil })
	r.refused(phases.StartPhase{Phase: "clear"}, "gate has not been passed")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.until("the backup is seen again", done("backup"))
	r.do(phases.PassGate{Approver: "x", Typed: name})

	if err := gym.ReenableTrigger(t.Context(), r.conn, "guard"); err != nil {
		t.Fatal(err)
	}
	r.until("the trigger's item is open", not(done("off")))
	r.refused(phases.StartPhase{Phase: "clear"}, "gate")
	r.exec(`ALTER TABLE parent DISABLE TRIGGER guard`)
	r.until("the trigger is off again", done("off"))
	r.do(phases.PassGate{Approver: "x", Typed: name})
	r.commit("clear")

	r.refused(phases.CloseRun{}, "not done")
	r.do(phases.Act{Item: "restore"})
	r.until("the triggers are back", done("restore"))
	var enabled string
	if err := r.conn.QueryRow(t.Context(), `SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'guard'`).Scan(&enabled); err != nil || enabled != "R" {
		t.Fatalf("the trigger came back as %q (%v), and was R", enabled, err)
	}
	r.do(phases.CloseRun{})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}

func TestWindowLimitHoldsThePhases(t *testing.T) {
	book := strings.Replace(smallBook, "protected: [keep]", "protected: [keep]\nwindow: {opens: 60m, gate: 15m, planned: 3s, abort: 3s}", 1)
	book = strings.ReplaceAll(book, "planned: 1m", "planned: 1s")
	r := newRig(t, smallSchema, book)
	r.open(engine.Settings{})
	r.toClear()
	r.until("the limit", func(s *phases.State) bool { return len(s.Conditions) > 0 })
	r.refused(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database}, "abort limit")
	r.refused(phases.ExtendWindow{By: "x", Extra: time.Hour}, "reason")
	r.do(phases.ExtendWindow{By: "the duty manager", Reason: "nearly done", Extra: time.Hour})
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	r.untilStatus("clear", phases.PhaseHolding)
}

func TestLockedOutBySecondOperator(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.openTarget()
	if err := r.target.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := r.target
	r.openTarget()
	var locked *engine.LockedError
	if err := r.target.Lock(t.Context()); !errors.As(err, &locked) {
		t.Fatalf("got %v", err)
	}
	first.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for r.target.Lock(ctx) != nil {
		if ctx.Err() != nil {
			t.Fatal("the lock outlived its holder")
		}
	}
}

// Evidence that is older than a backup may be opens the checklist again, in the
// middle of the phases too.
func TestLongInterruptionAsksForTheGateAgain(t *testing.T) {
	book := strings.Replace(smallBook, "protected: [keep]", "protected: [keep]\nbackup: {max_age: 1s}", 1)
	r := newRig(t, smallSchema, book)
	r.open(engine.Settings{})
	r.toClear()
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	for time.Since(r.state().At) <= time.Second { // the journal's own clock decides
		time.Sleep(10 * time.Millisecond)
	}
	r.resume(engine.Settings{})
	r.untilReady()
	name := r.opened.Target.Database
	r.refused(phases.StartPhase{Phase: "clear", Typed: name}, "gate has not been passed")
	r.do(phases.Untick{Item: "told"})
	r.refused(phases.PassGate{Approver: "x", Typed: name}, "not ticked")
	r.do(phases.Tick{Item: "told"})
	r.do(phases.PassGate{Approver: "x", Typed: name})
	r.do(phases.StartPhase{Phase: "clear", Typed: name})
	r.untilStatus("clear", phases.PhaseHolding)
	r.do(phases.Abort{Reason: "enough"})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}

// The rollback engineer's item is answered by a mirror session of their key,
// and un-ticks when they leave.
func TestMirrorAnswersForItsObserver(t *testing.T) {
	book := strings.Replace(smallBook, "    items:\n", `    items:
      - id: watched
        text: The rollback engineer watches
        check: {database: mirror.present, observer: rollback engineer, every: 20ms, remedy: Have them connect.}
`, 1)
	r := newRig(t, smallSchema, book)
	r.open(engine.Settings{})
	r.untilReady()
	done := func(want bool) func(*phases.State) bool {
		return func(s *phases.State) bool {
			it, _, _ := s.Runbook.Item("watched")
			return s.Item("watched").Check != nil && s.ItemDone(it) == want
		}
	}
	r.until("nobody is seen", done(false))
	r.engine.Joined("somebody else", "SHA256:a", "1")
	r.until("the other is told apart", func(s *phases.State) bool {
		return strings.Contains(s.Item("watched").Check.Value, "somebody else does")
	})
	r.engine.Joined("rollback engineer", "SHA256:b", "2")
	r.until("the engineer is seen", done(true))
	r.engine.Left("2")
	r.until("the engineer is missed", done(false))
}
