package engine_test

import (
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
)

func TestASwappedTableHoldsWithTheDifference(t *testing.T) {
	r := newRig(t, smallSchema, twoBook)
	r.open(engine.Settings{})
	r.passGate()
	r.commit("one")
	r.exec(`ALTER TABLE child DROP CONSTRAINT child_parent_id_fkey; ALTER TABLE parent RENAME TO parent_before;
		CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1)`)
	r.do(phases.StartPhase{Phase: "two"})
	r.untilStatus("two", phases.PhaseHolding)
	s := r.state()
	if n := len(s.Conditions); n != 1 || s.Conditions[0].Condition != phases.ConditionRows || !strings.Contains(s.Conditions[0].Detail, "parent: 5,000 expected, 1 deleted") {
		t.Fatalf("conditions: %+v", s.Conditions)
	}
	r.do(phases.Commit{Phase: "two"})
	r.untilStatus("two", phases.PhaseIsCommitted)
}

func TestAFewRowsFewerAreNoDifference(t *testing.T) {
	r := newRig(t, smallSchema, smallBook)
	r.open(engine.Settings{})
	r.toClear()
	r.exec(`DELETE FROM parent WHERE id <= 100`)
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	r.untilStatus("clear", phases.PhaseHolding)
	if s := r.state(); len(s.Conditions) > 0 {
		t.Fatalf("conditions: %+v", s.Conditions)
	}
}

func TestNobodyCommitsUnexpectedRowsUnattended(t *testing.T) {
	book := strings.Replace(twoBook, "title: Second,", `title: Second, confirm: [{id: swapped, text: Swapped, check: {sql: SELECT count(*) FROM swapped, expect: "1", every: 1s, remedy: wait}}],`, 1)
	r := newRig(t, smallSchema+`CREATE TABLE swapped (id int);`, book)
	r.opened.Unattended = true
	r.open(engine.Settings{})
	r.untilStatus("one", phases.PhaseIsCommitted)
	r.exec(`ALTER TABLE child DROP CONSTRAINT child_parent_id_fkey; ALTER TABLE parent RENAME TO parent_before;
		CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1); INSERT INTO swapped VALUES (1)`)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if p := r.phaseOf(s, "two"); p.Status != phases.PhaseIsRolledBack || s.Outcome != phases.Aborted || r.rows("parent") != 1 {
		t.Fatalf("two is %s, the run %s\n%s", p.Status, s.Outcome, r.log())
	}
}
