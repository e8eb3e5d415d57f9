package phases

import (
	"fmt"
	"time"
)

// BackendEnded occurs when another session was cancelled or terminated on the operator's command.
type BackendEnded struct {
	PID        uint32 `json:"pid"`
	Terminated bool   `json:"terminated"` // false: only its statement was cancelled
	By         string `json:"by"`
	Error      string `json:"error,omitempty"`
}

// Kind implements Event.
func (BackendEnded) Kind() string { return "backend_ended" }

func (BackendEnded) apply(s *State) error {
	return nil
}

func (e BackendEnded) words(*State) (Level, string) {
	done, failed := "statement cancelled", "its statement could not be cancelled"
	if e.Terminated {
		done, failed = "terminated", "could not be terminated"
	}
	if e.Error != "" {
		return LevelWarn, fmt.Sprintf("session %d: %s: %s", e.PID, failed, e.Error)
	}
	return LevelWarn, fmt.Sprintf("session %d: %s", e.PID, done) + by(e.By)
}

// EndBackend cancels or terminates a session that blocks the phase.
type EndBackend struct {
	PID       uint32
	Terminate bool
}

func (c EndBackend) can(s *State, _ time.Time) error {
	if p := s.OpenPhase(); p != nil && p.Lock != nil {
		for _, b := range p.Lock.Blockers {
			if b.PID == c.PID {
				return nil
			}
		}
	}
	return fmt.Errorf("session %d does not block the phase", c.PID)
}
