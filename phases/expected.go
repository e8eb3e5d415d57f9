package phases

import (
	"fmt"
	"strings"
)

// farOff is from which share of what was expected, as one in so many, a
// difference is no longer what a few late writers leave.
const farOff = 10

// raiseUnexpected raises a condition when the phase's deletes found far fewer or
// far more rows than were counted: nothing of it is wrong, and a human should
// know before COMMIT that this may not be the table that was counted.
func (r *phaseRun) raiseUnexpected() error {
	var odd []string
	r.engine.View(func(s *State) { odd = s.phase(r.plan.ID).unexpected() })
	if len(odd) == 0 {
		return nil
	}
	return r.engine.record(ConditionRaised{
		Condition: ConditionRows, Strength: HoldStrength, Phase: r.plan.ID, Detail: strings.Join(odd, "; "),
	})
}

// unexpected names the tables whose deletes are far from what was counted.
func (p *PhaseState) unexpected() []string {
	var odd []string
	for _, t := range p.Tables {
		if t.Role != RoleDelete || t.Expected < 0 {
			continue
		}
		if p.conditional(t.Name) && t.Updated+t.Inserted > 0 {
			continue // the phase itself made rows that the condition holds for, or no longer does
		}
		found, want := t.Deleted+t.Cascaded, t.Expected+t.Inserted
		off := found - want
		if off > 0 && p.conditional(t.Name) {
			off = t.Deleted - want // cascades take what the condition leaves, too
		}
		if max(off, -off)*farOff > want {
			odd = append(odd, fmt.Sprintf("%s: %s expected, %s found", t.Name, Digits(want), Digits(found)))
		}
	}
	return odd
}

// conditional reports whether a table is deleted from by conditions alone.
func (p *PhaseState) conditional(table string) bool {
	for _, s := range p.Plan.Steps {
		if s.Delete == table && s.Where == "" {
			return false
		}
	}
	return true
}
