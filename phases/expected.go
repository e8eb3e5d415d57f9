package phases

import (
	"strings"
)

// raiseUnexpected raises a condition when the phase's deletes found far fewer or
// far more rows than were counted: nothing of it is wrong, and a human should
// know before COMMIT that this may not be the table that was counted.
func (r *phaseRun) raiseUnexpected() error {
	var odd []string
	r.engine.View(func(s *State) { odd = s.phase(r.plan.ID).Unexpected() })
	if len(odd) == 0 {
		return nil
	}
	return r.engine.record(ConditionRaised{
		Condition: ConditionRows, Strength: HoldStrength, Phase: r.plan.ID, Detail: strings.Join(odd, "; "),
	})
}
