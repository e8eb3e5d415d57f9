package engine_test

import (
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
)

const mixedBook = `
tminus: 1
title: mixed
protected: [keep]
phases:
  - id: mixed
    title: Mixed
    risk: high
    planned: 1m
    steps:
      - {sql: UPDATE note SET n = 1 WHERE id <= 10, touch: [note], rows: 10}
      - {sql: SELECT count(*) FROM note, rows: 1}
      - {sql: INSERT INTO note VALUES (101), touch: [note], rows: 1}
      - {sql: TRUNCATE scratch, touch: [scratch], rows: any}
      - {delete: parent, where: id <= 40}
`

const mixedSchema = smallSchema + `
CREATE TABLE note (id int PRIMARY KEY, n int); INSERT INTO note SELECT generate_series(1, 100);
CREATE TABLE scratch (id int); INSERT INTO scratch VALUES (1), (2);
`

// What a phase of every kind of statement did is what the server counts, and
// nothing of it is left in the figures once it is rolled back.
func TestMixedStatementsSayWhatTheyDid(t *testing.T) {
	r := newRig(t, mixedSchema, mixedBook)
	r.open(engine.Settings{})
	name := r.opened.Target.Database
	r.untilReady()
	r.do(phases.PassGate{Approver: "the duty manager", Typed: name})
	want := phases.Effect{Deleted: 40, Cascaded: 160, Updated: 10, Inserted: 1}
	for _, end := range []phases.Command{phases.Rollback{Phase: "mixed", Reason: "once more"}, phases.Commit{Phase: "mixed"}} {
		r.do(phases.StartPhase{Phase: "mixed", Typed: name})
		r.untilStatus("mixed", phases.PhaseHolding)
		r.do(end)
		r.until("an end", func(s *phases.State) bool { return !r.phaseOf(s, "mixed").Status.Open() })
		p := r.phaseOf(r.state(), "mixed")
		did, undone := p.Did(), p.Undone()
		if p.Status == phases.PhaseIsRolledBack {
			did, undone = undone, did
		}
		if did != want || undone != (phases.Effect{}) {
			t.Errorf("%s: did %s, undone %s, want %s\n%s", p.Status, did, undone, want, r.log())
		}
	}
	if r.rows("parent") != 4960 || r.rows("child") != 19840 || r.rows("note") != 101 || r.rows("scratch") != 0 {
		t.Error("the tables are not what the phase did")
	}
	if signed := r.state().Signed()[1]; signed != want.String()+", 1 table truncated, its rows not counted" {
		t.Errorf("who signs is told: %s", signed)
	}
	log := r.log()
	for _, said := range []string{": 10 rows updated in", ": 1 row returned in", ": 1 row inserted in", ": truncated in", ": 40 rows deleted in", "40 rows deleted, 160 more by foreign keys and triggers, 10 updated, 1 inserted, scratch truncated"} {
		if !strings.Contains(log, said) {
			t.Errorf("the log does not say %q:\n%s", said, log)
		}
	}
	if strings.Contains(log, "10 rows deleted") {
		t.Errorf("an UPDATE is called a delete:\n%s", log)
	}
}
