package engine

import (
	"strings"

	"tminus/phases"
)

// raiseUnexpected raises a condition when the phase's deletes found far fewer or
// far more rows than were counted: nothing of it is wrong, and a human should
// know before COMMIT that this may not be the table that was counted.
func (r *phaseRun) raiseUnexpected() error {
	var odd []string
	r.engine.View(func(s *phases.State) { odd = s.Phase(r.plan.ID).Unexpected() })
	if len(odd) == 0 {
		return nil
	}
	return r.engine.record(phases.ConditionRaised{
		Condition: phases.ConditionRows, Strength: phases.HoldStrength, Phase: r.plan.ID, Detail: strings.Join(odd, "; "),
	})
}
