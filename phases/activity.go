package phases

import (
	"slices"
	"time"
)

// MostSessions is how many sessions a look at the activity names: those that wait
// and block first. The others are counted.
const MostSessions = 40

// Session is another session in the database, or a phase's own, as the server
// showed it. What it runs is not said: its text may hold what is nobody's business.
type Session struct {
	PID         uint32    `json:"pid"` // 0: a prepared transaction
	User        string    `json:"user,omitempty"`
	Application string    `json:"application,omitempty"`
	State       string    `json:"state,omitempty"` // empty: not allowed to see
	Wait        string    `json:"wait,omitempty"`  // the server's wait event, "Lock: relation"; empty when it does not wait
	Since       time.Time `json:"since,omitzero"`  // start of its transaction; zero when none is open, and when unseen
	Own         bool      `json:"own,omitempty"`   // the phase's own

	Wants     string   `json:"wants,omitempty"`      // the lock that it waits for: "ShareLock on bookings"
	BlockedBy []uint32 `json:"blocked_by,omitempty"` // by whom
	Holds     string   `json:"holds,omitempty"`      // what others wait for: "RowExclusiveLock on bookings"
}

// alike reports whether a session is as another look saw it. What it waits for
// inside of the server changes with every look, and says nothing; a lock is Wants.
func (a Session) alike(b Session) bool {
	return a.PID == b.PID && a.User == b.User && a.Application == b.Application && a.State == b.State && a.Since.Equal(b.Since) &&
		a.Own == b.Own && a.Wants == b.Wants && a.Holds == b.Holds && slices.Equal(a.BlockedBy, b.BlockedBy)
}

// Waits reports whether the session waits for another's lock.
func (a Session) Waits() bool { return a.Wants != "" || len(a.BlockedBy) > 0 }

// Activity is who is in the database and who waits for whom, as of one look.
type Activity struct {
	Sessions []Session `json:"sessions,omitempty"` // at most MostSessions: who waits, who blocks, then the oldest transactions
	More     int       `json:"more,omitempty"`     // sessions that are not named
	Waiting  int       `json:"waiting,omitempty"`  // sessions that wait for a lock, named or not
	Masked   int       `json:"masked,omitempty"`   // sessions of whom the role may not see what they do
}

// Alike reports whether two looks saw the same.
func (a Activity) Alike(b Activity) bool {
	return a.More == b.More && a.Waiting == b.Waiting && a.Masked == b.Masked && slices.EqualFunc(a.Sessions, b.Sessions, Session.alike)
}

// SameLocks reports whether two looks saw the phase wait for the same, and the same
// wait for it. Others wait for each other all the time.
func (a Activity) SameLocks(b Activity) bool {
	locks := func(of Activity) []Session {
		var own []uint32
		for _, s := range of.Sessions {
			if s.Own {
				own = append(own, s.PID)
			}
		}
		return slices.DeleteFunc(slices.Clone(of.Sessions), func(s Session) bool {
			byPhase := slices.ContainsFunc(s.BlockedBy, func(pid uint32) bool { return slices.Contains(own, pid) })
			return !s.Waits() || !s.Own && !byPhase
		})
	}
	return slices.EqualFunc(locks(a), locks(b), Session.alike)
}

// ActivitySeen occurs while a phase is open, when a look at the database's sessions
// found what is news, and now and then when it did not.
type ActivitySeen struct {
	Phase string    `json:"phase"`
	Seen  *Activity `json:"seen,omitempty"`  // nil: the same as last, or it could not be seen
	Error string    `json:"error,omitempty"` // why it could not
}

// Kind implements Event.
func (ActivitySeen) Kind() string { return "activity_seen" }

func (ActivitySeen) weight(*State) Weight { return Fleeting }

func (e ActivitySeen) apply(s *State) error {
	now := ActivityState{Phase: e.Phase, Error: e.Error, At: s.At, LookedAt: s.At}
	switch {
	case e.Seen != nil:
		now.Activity = *e.Seen
		now.Sessions = now.Sessions[:min(len(now.Sessions), MostSessions)]
		now.More += len(e.Seen.Sessions) - len(now.Sessions)
	case s.Activity != nil:
		// What was seen last is as old as it is.
		now.Activity, now.At = s.Activity.Activity, s.Activity.At
		if e.Error == "" {
			now.At = s.At
		}
	case e.Error != "":
		now.At = time.Time{}
	}
	s.Activity = &now
	return nil
}

func (ActivitySeen) words(*State) (Level, string) { return LevelInfo, "" }

// ActivityState is the last look at the database's sessions.
type ActivityState struct {
	Activity
	Phase    string    // during which
	At       time.Time // of what was seen; zero when nothing ever was
	LookedAt time.Time
	Error    string // why the last look saw nothing; empty when it did
}

// Session is a session by its pid; ok is false for one that was not named.
func (a *ActivityState) Session(pid uint32) (Session, bool) {
	for _, s := range a.Sessions {
		if s.PID == pid {
			return s, true
		}
	}
	return Session{}, false
}

// How old the last record of the activity may be before an equal look is recorded
// again, and before one that differs in no lock is.
const (
	ActivityAgain = 10 * time.Second
	ActivityThin  = 5 * time.Second
)

// ActivityNews gives the event for a look at the activity; ok is false where it is
// no news. A lock of the phase's that changed always is, and the rest now and then: an hour's looks at
// a busy server must not fill the journal.
func (s *State) ActivityNews(phase string, seen Activity, failed error, now time.Time) (e ActivitySeen, ok bool) {
	e = ActivitySeen{Phase: phase}
	last := s.Activity
	old := time.Duration(0)
	if last != nil {
		old = now.Sub(last.LookedAt)
	}
	switch {
	case failed != nil:
		e.Error = Clean(failed.Error())
		return e, last == nil || last.Error != e.Error || old >= ActivityAgain
	case last == nil || last.At.IsZero() || last.Error != "" || last.Phase != phase || !seen.SameLocks(last.Activity):
		e.Seen = &seen
		return e, true
	case !seen.Alike(last.Activity):
		e.Seen = &seen
		return e, old >= ActivityThin
	}
	return e, old >= ActivityAgain
}
