package engine_test

import (
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
)

const sweptBook = `
tminus: 1
title: swept
way: WAY
protected: [keep]
phases:
  - id: clear
    title: Clear
    risk: high
    planned: 1m
    delete: [parent]
    zero: [child]
  - id: rest
    title: Rest
    planned: 1m
    count: [parent]
`

// A TRUNCATE in the place of deletes goes the whole way of a run: it is told before,
// counted, kept, committed, and put back by the rehearsal's undo.
func TestATruncateIsARunOfItsOwn(t *testing.T) {
	r := newRig(t, smallSchema+`CREATE TABLE visits (id int PRIMARY KEY, parent_id int CONSTRAINT seen REFERENCES parent ON DELETE SET NULL);
		INSERT INTO visits SELECT i, i FROM generate_series(1, 300) i; ANALYZE visits`, strings.ReplaceAll(sweptBook, "WAY", "truncate"))
	folder := r.path + ".capsule"
	r.opened.Environment, r.opened.Capsule, r.opened.TryUndo = phases.Rehearsal, &phases.CapsulePlace{Folder: folder}, true
	r.open(engine.Settings{})
	r.passGate()
	r.do(phases.StartPhase{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseHolding)
	p := r.phaseOf(r.state(), "clear")
	if did := p.DidWords(); did != "5,000 rows deleted, 20,000 more by foreign keys and triggers, 300 updated" {
		t.Errorf("it did: %s", did)
	}
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
	if p := r.phaseOf(r.state(), "clear"); len(p.Maintenance) != 0 {
		t.Errorf("a TRUNCATE left something to vacuum: %+v", p.Maintenance)
	}
	if n := r.rows("parent") + r.rows("child"); n != 0 || r.rows("visits") != 300 {
		t.Errorf("%d rows are left, and %d visits", n, r.rows("visits"))
	}
	r.do(phases.StartPhase{Phase: "rest"})
	r.untilStatus("rest", phases.PhaseIsPassed)
	r.do(phases.CloseRun{})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if u := s.UndoTrial; u == nil || u.Result == nil || u.Result.Lacks() != "" || len(u.Result.Phases) != 1 {
		t.Errorf("the undo: %+v", u)
	}
	if n := r.rows("parent"); n != 5000 {
		t.Errorf("%d rows came back", n)
	}
	var again int
	if err := r.conn.QueryRow(t.Context(), `SELECT count(*) FROM visits v JOIN pg_constraint k ON k.conname = 'seen' AND k.convalidated WHERE v.parent_id = v.id`).Scan(&again); err != nil || again != 300 {
		t.Errorf("%d references came back, %v", again, err)
	}
}

// What a phase empties is vacuumed where nothing else was said.
func TestVacuumFollowsByItself(t *testing.T) {
	for _, off := range []string{"", "vacuum: off\n"} {
		r := newRig(t, smallSchema+`UPDATE pg_class SET reltuples = 100000 WHERE relname = 'child'`, strings.Replace(strings.ReplaceAll(sweptBook, "WAY", "delete"), "protected:", off+"protected:", 1))
		r.open(engine.Settings{})
		r.clear()
		m := r.phaseOf(r.state(), "clear").Maintenance
		if off != "" {
			if len(m) != 0 {
				t.Errorf("vacuumed in spite of it: %+v", m)
			}
			continue
		}
		if len(m) != 1 || m[0].Plan.Name() != "VACUUM child" { // the other is small
			t.Fatalf("%+v", m)
		}
		r.untilMaintained()
		if m := r.phaseOf(r.state(), "clear").Maintenance[0]; m.Error != "" {
			t.Error(m.Error)
		}
	}
}

// An index for a phase is dropped before COMMIT, when the operator has decided. What
// comes with the decision is rolled back with the rest.
func TestAnIndexForAPhaseGoesBeforeCommit(t *testing.T) {
	r := newRig(t, smallSchema+`DROP INDEX child_parent_id_idx; UPDATE pg_class SET reltuples = 3000000 WHERE relname IN ('parent', 'child')`, strings.ReplaceAll(sweptBook, "WAY", "delete"))
	r.open(engine.Settings{})
	r.passGate()
	r.do(phases.StartPhase{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseHolding)
	r.exec(`SET lock_timeout = '3s'; SELECT count(*) FROM child`) // readers are not kept waiting while somebody thinks
	var built, dropped bool
	logged := func() {
		for _, l := range r.state().Log {
			built = built || strings.Contains(l.Text, "made an index on child (parent_id) for the foreign key child_parent_id_fkey")
			dropped = dropped || strings.Contains(l.Text, "dropped what it had made")
		}
	}
	if logged(); !built || dropped {
		t.Errorf("made %v, dropped %v", built, dropped)
	}
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
	if logged(); !dropped {
		t.Error("nothing tells that it was dropped")
	}
	var left int
	if err := r.conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_class WHERE relname LIKE 'tminus\_%'`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d indexes are left, %v", left, err)
	}
}

// A way accounts for what it does itself, by name, and for nothing else.
func TestAWayAccountsForItselfAlone(t *testing.T) {
	const visits = `CREATE TABLE visits (id int PRIMARY KEY, parent_id int CONSTRAINT seen REFERENCES parent ON DELETE SET NULL, keep_id int CONSTRAINT kept REFERENCES keep);
		INSERT INTO visits SELECT i, i, 1 FROM generate_series(1, 300) i; CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1); ANALYZE;`
	for name, c := range map[string]struct{ does, want string }{
		"nothing":                       {`PERFORM 1`, ""},
		"truncates another table":       {`TRUNCATE other`, "table other"},
		"rows of another":               {`DELETE FROM other`, "other (0 inserted, 0 updated, 1 deleted)"},
		"the key, made another":         {`ALTER TABLE visits DROP CONSTRAINT seen; ALTER TABLE visits ADD CONSTRAINT seen FOREIGN KEY (parent_id) REFERENCES parent ON DELETE CASCADE`, "foreign key seen of visits is not what it was"},
		"the key, gone":                 {`ALTER TABLE visits DROP CONSTRAINT seen`, "foreign key seen of visits is not what it was"},
		"another key of the same table": {`ALTER TABLE visits DROP CONSTRAINT kept; ALTER TABLE visits ADD CONSTRAINT kept FOREIGN KEY (keep_id) REFERENCES keep`, "constraint kept"},
		"an index":                      {`CREATE INDEX tminus_of_somebody ON visits (parent_id)`, "index tminus_of_somebody was created"},
	} {
		r := newRig(t, smallSchema+visits+`CREATE FUNCTION does() RETURNS int LANGUAGE plpgsql AS $$ BEGIN `+c.does+`; RETURN 1; END $$`,
			strings.Replace(strings.ReplaceAll(sweptBook, "WAY", "truncate"), "delete: [parent]", `steps: [{delete: parent}, {sql: "SELECT does()", rows: 1}]`, 1))
		r.open(engine.Settings{})
		r.passGate()
		r.do(phases.StartPhase{Phase: "clear"})
		if c.want == "" {
			r.untilStatus("clear", phases.PhaseHolding)
			continue
		}
		r.untilStatus("clear", phases.PhaseIsRolledBack)
		if p := r.phaseOf(r.state(), "clear"); !strings.Contains(p.Reason, c.want) {
			t.Errorf("%s: rolled back: %s", name, p.Reason)
		}
	}
}
