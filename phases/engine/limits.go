package engine

import (
	"fmt"
	"time"

	"tminus/phases"
)

// watchLimits raises what only time brings about.
func (e *Engine) watchLimits() {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, now := e.state, time.Now()
	if s.Outcome != "" || e.broken != nil {
		return
	}
	e.closeGate() // evidence goes stale without an event
	if at := s.AbortAt(); !at.IsZero() && now.After(at) && s.Current() >= 0 && !s.Raised(phases.ConditionWindow, at) {
		if err := e.recordLocked(phases.ConditionRaised{
			Condition: phases.ConditionWindow, Strength: phases.HoldStrength,
			Detail: "the abort limit has passed: no further phase starts unless the window is extended",
		}); err != nil {
			return // recordLocked has stopped the run
		}
	}
	if p := s.OpenPhase(); p != nil && p.Plan.WarnAfter > 0 && now.Sub(p.StartedAt) > p.Plan.WarnAfter && !s.Raised(phases.ConditionSlow, p.StartedAt) {
		e.raiseSlow(p)
	}
}

func (e *Engine) raiseSlow(p *phases.PhaseState) {
	detail := fmt.Sprintf("%s runs for longer than %s", p.Plan.Title, p.Plan.WarnAfter)
	if p.Lock != nil {
		for _, b := range p.Lock.Blockers {
			detail += fmt.Sprintf("; blocked by session %d (%s, %s, %s)", b.PID, b.Application, b.User, b.State)
		}
	}
	if err := e.recordLocked(phases.ConditionRaised{Condition: phases.ConditionSlow, Strength: phases.HoldStrength, Phase: p.Plan.ID, Detail: detail}); err != nil {
		return // recordLocked has stopped the run
	}
}
