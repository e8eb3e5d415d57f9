package phases

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tminus/phases/check"
)

// MostInTheWay is how many of the sessions for which a check does not pass are named,
// the oldest transactions first. How many there are, its answer says.
const MostInTheWay = 10

// BackendEnded occurs when another session was cancelled or terminated on the operator's command.
type BackendEnded struct {
	PID        uint32 `json:"pid"`
	Terminated bool   `json:"terminated"` // false: only its statement was cancelled
	By         string `json:"by"`
	Error      string `json:"error,omitempty"`
}

// Kind implements Event.
func (BackendEnded) Kind() string { return "backend_ended" }

func (BackendEnded) stirs(*State) check.Fact { return check.Sessions }

// apply marks what the checks know of the session as of before.
func (e BackendEnded) apply(s *State) error {
	for _, it := range s.Items {
		if it.Check != nil && slices.ContainsFunc(it.Check.InTheWay, func(b Blocker) bool { return b.PID == e.PID }) {
			it.Check.Ended = true
		}
	}
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

// EndBackend cancels or terminates a session that is in the way: of the phase, or of
// a check.
type EndBackend struct {
	PID          uint32
	BackendStart time.Time // of the session that somebody was shown; zero: whichever has the pid
	Terminate    bool
}

func (c EndBackend) can(s *State, _ time.Time) error {
	b, ok := s.InTheWay(c.PID, c.BackendStart)
	if !ok {
		return fmt.Errorf("session %d is in the way of no phase and of no check", c.PID)
	}
	return b.Endable()
}

// Blocked reports whether sessions are in the open phase's way.
func (s *State) Blocked() bool {
	p := s.OpenPhase()
	return p != nil && p.Lock != nil && len(p.Lock.Blockers) > 0
}

// InTheWay is a session that blocks the phase, or for which a check that is asked now
// does not pass; ok is false where it does neither. The pid alone is another's once
// the server has given it out again: start says which, where that is known.
func (s *State) InTheWay(pid uint32, start time.Time) (b Blocker, ok bool) {
	var all []Blocker
	if s.Blocked() {
		all = s.OpenPhase().Lock.Blockers
	}
	for _, it := range s.Asked() {
		if c := s.Item(it.ID).Check; c != nil {
			all = slices.Concat(all, c.InTheWay)
		}
	}
	for _, b := range all {
		if b.PID == pid && (start.IsZero() || start.Equal(b.BackendStart)) {
			return b, true
		}
	}
	return Blocker{}, false
}

// Endable says why the program cannot end a session; nil where it may try.
func (b Blocker) Endable() error {
	switch {
	case b.PID == 0:
		return errors.New("a prepared transaction has no session: COMMIT PREPARED or ROLLBACK PREPARED ends it")
	case b.State == "" && b.BackendStart.IsZero():
		return fmt.Errorf("session %d is masked for this role: grant pg_read_all_stats and pg_signal_backend to it, or ask an administrator", b.PID)
	case b.Needs != "":
		return fmt.Errorf("session %d of %s can be ended by %s, and not by this role", b.PID, b.User, b.Needs)
	}
	return nil
}

// Same reports whether it is the same session, whatever it does by now.
func (b Blocker) Same(o Blocker) bool {
	return b.PID == o.PID && b.BackendStart.Equal(o.BackendStart) && b.Needs == o.Needs
}
