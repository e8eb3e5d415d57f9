package phases_test

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// What an undone phase may be taken for is the operator's to say, and only
// where the ledger proves that this database had its COMMIT.
func TestUndoneIsAcceptedWithTheLedgerAndAReason(t *testing.T) {
	plans := []runbook.Phase{{ID: "first", Title: "First", Steps: []runbook.Step{{Delete: "t"}}}, {ID: "second", Title: "Second"}}
	for _, c := range []struct {
		name          string
		status        phases.PhaseStatus
		ledger        bool
		phase, reason string
		want          string
	}{
		{"with both", phases.PhaseIsUndone, true, "first", "put back by the application, removed again", ""},
		{"without a reason", phases.PhaseIsUndone, true, "first", " ", "what was found is needed"},
		{"without the ledger", phases.PhaseIsUndone, false, "first", "it is fine", "the ledger does not prove that First was committed"},
		{"unknown", phases.PhaseUnknown, true, "first", "it is fine", "First is held as it was committed"},
		{"committed", phases.PhaseIsCommitted, true, "first", "it is fine", "First is held as it was committed"},
		{"another phase", phases.PhaseIsUndone, true, "second", "it is fine", "Second is held as it was committed"},
		{"no phase", phases.PhaseIsUndone, true, "third", "it is fine", "every phase is held as it was committed"},
	} {
		s := &phases.State{
			Runbook: &runbook.Runbook{Phases: plans}, Gate: phases.GateState{Decision: phases.Go},
			Phases: []phases.PhaseState{{Plan: &plans[0], Status: c.status, Ledger: c.ledger}, {Plan: &plans[1], Status: phases.PhasePending}},
		}
		refused(t, c.name, s.Can(phases.AcceptUndone{Phase: c.phase, Reason: c.reason}, time.Time{}), c.want)
		if c.status == phases.PhaseIsUndone {
			refused(t, c.name, s.Can(phases.StartPhase{Phase: "first"}, time.Time{}), "a human must look at the database first")
			refused(t, c.name, s.Can(phases.StartPhase{Phase: "second"}, time.Time{}), "the next phase is")
		}
	}
}

// A command that comes too late is told what became of its phase.
func TestACommandThatIsTooLateIsToldWhy(t *testing.T) {
	plan := runbook.Phase{ID: "first", Title: "First", Steps: []runbook.Step{{Delete: "t"}}}
	for status, want := range map[phases.PhaseStatus]string{
		phases.PhasePending:      "no phase waits for COMMIT",
		phases.PhaseRunning:      "no phase waits for COMMIT",
		phases.PhaseIsRolledBack: "First was rolled back: nobody chose",
		phases.PhaseIsCommitted:  "First is committed",
		phases.PhaseInDoubt:      "COMMIT has been sent",
		phases.PhaseUnknown:      "the outcome of First is unknown",
	} {
		s := &phases.State{
			Runbook: &runbook.Runbook{Phases: []runbook.Phase{plan}},
			Phases:  []phases.PhaseState{{Plan: &plan, Status: status, Reason: "nobody chose"}},
		}
		refused(t, string(status), s.Can(phases.Commit{Phase: "first"}, time.Time{}), want)
	}
}

func refused(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}
