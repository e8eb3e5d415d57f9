package phases

import "time"

// The abort conditions that the engine raises by itself. All others end in the
// phase's own rollback.
const (
	ConditionWindow = "window_over"
	ConditionSlow   = "phase_slow"
	ConditionRows   = "rows_unexpected" // deletes found far fewer or more rows than were counted
)

// Raised reports whether a condition was raised at or after since.
func (s *State) Raised(condition string, since time.Time) bool {
	for _, c := range s.Conditions {
		if c.Condition == condition && !c.At.Before(since) {
			return true
		}
	}
	return false
}
