package phases

import (
	"errors"
	"fmt"
	"time"

	"tminus/phases/check"
)

// ScheduleLeft occurs when somebody takes responsibility for going before the
// gate's time or T-0, or after it was too late.
type ScheduleLeft struct {
	Way    Way    `json:"way"`
	By     string `json:"by"` // the name that was typed
	Reason string `json:"reason"`
}

// Kind implements Event.
func (ScheduleLeft) Kind() string { return "schedule_left" }

// stirs: the window begins at another time.
func (ScheduleLeft) stirs(*State) check.Fact { return check.Window }

func (e ScheduleLeft) apply(s *State) error {
	s.Departures = append(s.Departures, Departure{ScheduleLeft: e, At: s.At, from: latest(s.At, s.Latest)})
	return nil
}

func (e ScheduleLeft) words(s *State) (Level, string) {
	where := Span(s.Schedule().T0.Sub(s.At)) + " before T-0"
	if e.Way == Late {
		where = Span(s.At.Sub(s.Schedule().T0)) + " after T-0"
	}
	return LevelWarn, fmt.Sprintf("off schedule: the run goes %s, %s, on the decision of %s: %s", e.Way, where, e.By, e.Reason)
}

// Departure is a decision to leave the schedule.
type Departure struct {
	ScheduleLeft
	At   time.Time
	Over bool // the gate was asked again since: it counts no more

	from time.Time // when it was taken, by the latest that the journal had seen
}

// departed is the decision to go early, or late, that counts now; nil for none.
func (s *State) departed(way Way) *Departure {
	for i := len(s.Departures) - 1; i >= 0; i-- {
		if d := &s.Departures[i]; d.Way == way && !d.Over {
			return d
		}
	}
	return nil
}

// endDepartures ends what was decided of the schedule: whoever has to pass the
// gate again after an interruption decides about that again too.
func (s *State) endDepartures() {
	for i := range s.Departures {
		s.Departures[i].Over = true
	}
}

// LeaveSchedule lets the run go although it is too early for it, or too late: one
// of both, never the other. By is a typed name.
type LeaveSchedule struct {
	Way        Way
	By, Reason string
}

func (c LeaveSchedule) can(s *State, now time.Time) error {
	holds := s.TimeHolds(now)
	switch {
	case c.Way != Early && c.Way != Late:
		return errors.New("say whether the run is to go early, or late")
	case !s.T0.IsZero():
		return errors.New("phases have started: no time holds them any more")
	case !s.Schedule().Kept:
		return errors.New("the planned times are only shown: nothing waits for them")
	case len(holds) == 0:
		return errors.New("no time holds the run now")
	case !heldFor(holds, c.Way):
		return fmt.Errorf("the run is not too %s now, it is too %s", c.Way, holds[0].Off)
	}
	if err := needs("the name of who takes the decision", c.By); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

// Events implements Recorded.
func (c LeaveSchedule) Events(*State, string, time.Time) ([]Event, error) {
	return []Event{ScheduleLeft{Way: c.Way, By: Clean(c.By), Reason: Clean(c.Reason)}}, nil
}

func heldFor(holds []Hold, way Way) bool {
	for _, h := range holds {
		if h.Off == way {
			return true
		}
	}
	return false
}

// OffSchedule is the way in which the schedule would have to be left now; empty
// where no time holds the run.
func (s *State) OffSchedule(now time.Time) Way {
	if s.Runbook == nil {
		return ""
	}
	holds := s.TimeHolds(now)
	if len(holds) == 0 {
		return ""
	}
	return holds[0].Off
}
