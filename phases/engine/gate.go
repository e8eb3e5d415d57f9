package engine

import (
	"time"

	"tminus/phases"
)

// closeGate takes the GO back when what it rested on no longer holds.
func (e *Engine) closeGate() {
	s := e.state
	if s.Gate.Decision != phases.Go || !s.T0.IsZero() || s.Outcome != "" || e.broken != nil {
		return
	}
	holds := s.GateHolds(time.Now())
	if len(holds) == 0 {
		return
	}
	var texts []string
	for _, h := range holds {
		texts = append(texts, h.Text)
	}
	if err := e.recordLocked(phases.GateClosed{Holds: texts}); err != nil {
		return // recordLocked has stopped the run
	}
}
