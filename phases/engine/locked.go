package engine

import (
	"fmt"
	"time"

	"tminus/phases"
)

// LockedError says that another session holds the operator lock, or the lock
// that a phase takes inside its transaction.
type LockedError struct {
	Holder phases.Blocker // PID 0: it went away while it was asked for, try again
	What   string         // which lock: "the operator lock" or "the phase lock"

	// Run is the run whose program holds the operator lock, as the database knows
	// it; nil when it does not say.
	Run *phases.RunNote
}

// Error names the holder and the ways out.
func (e *LockedError) Error() string {
	h := e.Holder
	if h.PID == 0 {
		return fmt.Sprintf("%s is held by another session, which could not be seen: try again", e.What)
	}
	state := h.State
	if state == "" {
		state = "state not visible"
	}
	since := "an unknown time"
	if !h.BackendStart.IsZero() {
		since = h.BackendStart.UTC().Format(time.RFC3339)
	}
	run := ""
	if r := e.Run; r != nil {
		run = phases.Clean(fmt.Sprintf("; it drives the run of %s, whose journal is %s on %s", r.Title, r.Journal, r.Host))
	}
	return fmt.Sprintf("%s is held by session %d: user %s, application %q, connected since %s, %s%s; "+
		"let that run end, or end the session when its program is dead", e.What, h.PID, h.User, h.Application, since, state, run)
}
