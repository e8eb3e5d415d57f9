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

// raiseFewer raises a condition when the baseline counted far fewer rows than the
// rehearsal's: the next phase waits for somebody who takes that on.
func (r *phaseRun) raiseFewer() error {
	var low []string
	r.engine.View(func(s *phases.State) {
		for _, c := range s.Compared() {
			if c.Low() {
				low = append(low, c.String())
			}
		}
	})
	if len(low) == 0 {
		return nil
	}
	return r.engine.record(phases.ConditionRaised{
		Condition: phases.ConditionCounts, Strength: phases.HoldStrength, Phase: r.plan.ID, Detail: strings.Join(low, "; "),
	})
}
