package engine_test

import (
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
)

// refusedSchema has a table that refuses what smallBook deletes, and that the
// runbook does not name.
const refusedSchema = smallSchema + `
CREATE TABLE refuses (parent_id int NOT NULL REFERENCES parent);
INSERT INTO refuses VALUES (1);
ANALYZE refuses;
`

// A grave finding holds the gate against everybody until somebody takes it on;
// an unattended run assumes that, says so, and runs into what was found.
func TestAGraveFindingIsTakenOnByName(t *testing.T) {
	t.Parallel()
	r := newRig(t, refusedSchema, smallBook)
	r.open(engine.Settings{})
	r.until("the survey", func(s *phases.State) bool { return s.Survey != nil })
	r.do(phases.Record{Item: "told", Field: "who", Value: "all"})
	r.do(phases.Tick{Item: "told"})
	r.refused(phases.PassGate{Approver: "B. Boss", Typed: r.opened.Target.Database}, "not acknowledged: key-refuses")
	r.refused(phases.Acknowledge{Code: "key-refuses", Who: "B. Boss", Typed: "yes"}, "type key-refuses")
	r.do(phases.Acknowledge{Code: "key-refuses", Who: "B. Boss", Typed: "key-refuses"})
	r.do(phases.PassGate{Approver: "B. Boss", Typed: r.opened.Target.Database})
	_ = r.leave()
	r.resume(engine.Settings{}) // its new survey finds the same
	r.until("the survey", func(s *phases.State) bool { return s.Interrupted == "" && len(s.Unacknowledged()) == 0 })
}

func TestUnattendedAssumesThatFindingsAreTakenOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, refusedSchema, smallBook)
	r.opened.Unattended = true
	r.open(engine.Settings{})
	_ = r.wait()
	end := r.state()
	if end.Outcome != phases.Aborted || !strings.Contains(end.Reason, "Clear did not hold") || r.rows("parent") != 5000 {
		t.Errorf("the run is %q: %s, and parent holds %d rows", end.Outcome, end.Reason, r.rows("parent"))
	}
	if !strings.Contains(r.log(), "1 finding of key-refuses assumed to be acknowledged: nobody did") {
		t.Errorf("the log does not say so:\n%s", r.log())
	}
}
