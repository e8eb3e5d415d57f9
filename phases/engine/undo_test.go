package engine_test

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// An undo of many rows is a run like any other, although it makes indexes anew and
// switches off what would act on the rows.
func TestUndoOfManyRows(t *testing.T) {
	for _, as := range []string{"superuser", "owner"} {
		t.Run(as, func(t *testing.T) {
			t.Parallel()
			undoesMany(t, as == "owner")
		})
	}
}

func undoesMany(t *testing.T, owner bool) {
	r := newRig(t, smallSchema+`CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'fired'; END $$;
		CREATE TRIGGER never BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION never();
		ALTER TABLE child ENABLE ALWAYS TRIGGER never;`, smallBook)
	if owner {
		r.asOwner("keep", "parent", "child")
	}
	r.runAndUndo("")
	var enabled string
	var keys int
	if err := r.conn.QueryRow(t.Context(), `SELECT (SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'never'),
		(SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated)`).Scan(&enabled, &keys); err != nil || enabled != "A" || keys != 2 {
		t.Errorf("the trigger is in state %s, and %d keys hold (%v)", enabled, keys, err)
	}
}

// A phase that refreshed a view comes back like any other: the view itself is
// refreshed by hand.
func TestUndoOfAPhaseThatRefreshedAView(t *testing.T) {
	t.Parallel()
	r := newRig(t, smallSchema+`CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM child`,
		strings.Replace(twoBook, "delete: [child]}", "steps: [{delete: child}, {sql: REFRESH MATERIALIZED VIEW totals, rows: any}]}", 1)+
			`  - {id: three, title: Third, risk: medium, planned: 1m, steps: [{sql: REFRESH MATERIALIZED VIEW totals, rows: any}]}`)
	r.runAndUndo("")
}

// runAndUndo runs the runbook with its capsule, which empties child and says so much,
// undoes all of it, and holds that each table is as it was.
func (r *rig) runAndUndo(says string) {
	r.t.Helper()
	r.opened.Unattended, r.opened.Capsule = true, &phases.CapsulePlace{Folder: r.path + ".capsule"}
	before := r.contents()
	r.open(engine.Settings{})
	if err := r.wait(); err != nil {
		r.t.Fatal(err)
	}
	done := r.state()
	if done.Outcome != phases.Completed || r.rows("child") != 0 || !strings.Contains(r.log(), says) {
		r.t.Fatalf("the run is %s\n%s", done.Outcome, r.log())
	}
	r.undo(done)
	for table, now := range r.contents() {
		if now != before[table] {
			r.t.Errorf("%s is not as it was", table)
		}
	}
}

// undo undoes a run that has ended, by a run of its own.
func (r *rig) undo(done *phases.State) {
	r.t.Helper()
	plan, ids, err := done.UndoPlan(nil, done.Opened.Capsule.Folder, nil, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	undo := *r
	undo.source, undo.path = string(plan.Source()), r.path+".undo"
	if undo.book, err = runbook.Parse("undo.yaml", plan.Source()); err != nil {
		r.t.Fatal(err)
	}
	undo.opened = phases.RunOpened{
		RunID: engine.NewRunID(time.Now()), File: "undo.yaml", Source: undo.source, SHA256: engine.SHA256(plan.Source()), Environment: phases.Demo,
		Operator: r.opened.Operator, PlannedT0: time.Now(), Unattended: true, Undoes: &phases.Undoes{RunID: done.Opened.RunID, Phases: ids},
	}
	undo.open(engine.Settings{})
	if err := undo.wait(); err != nil {
		r.t.Fatal(err)
	}
	if s := undo.state(); s.Outcome != phases.Completed {
		r.t.Fatalf("the undo is %s\n%s", s.Outcome, undo.log())
	}
}
