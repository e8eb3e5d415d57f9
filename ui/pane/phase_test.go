package pane

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
)

// What was sent is not taken back: a phase over its limit is rolled back only as long
// as its COMMIT has not been sent.
func TestOverItsLimit(t *testing.T) {
	for status, rolls := range map[phases.PhaseStatus]bool{
		phases.PhaseLocking: true, phases.PhaseRunning: true, phases.PhaseVerifying: true, phases.PhaseHolding: true,
		phases.PhaseCommitting: false, phases.PhaseInDoubt: false, phases.PhaseUnknown: false, phases.PhaseIsCommitted: false,
		phases.PhaseIsUndone: false, phases.PhaseIsRolledBack: false, phases.PhaseIsFailed: false, phases.PhaseIsPassed: false,
	} {
		r := paneStates()["holding"]()
		ph := &r.Phases[1]
		ph.Status, ph.Plan.Limit = status, time.Minute
		p := r.pane(100, 30)
		p.Now = ph.StartedAt.Add(time.Hour)
		text := lineText(p.phaseTimes(ph))
		if !strings.Contains(text, "over its limit") || strings.Contains(text, "rolls back") != rolls {
			t.Errorf("%s: %s", status, text)
		}
	}
}
