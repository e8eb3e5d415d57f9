package phases

import (
	"fmt"
	"time"
)

// Way is on which side a run leaves its schedule.
type Way string

// The ways.
const (
	Early Way = "early"
	Late  Way = "late"
)

// NoGoBefore is the newest run in production of the same runbook against the
// same database that ended as NO-GO, when that was less than the window's length
// before this one opened: the time for its checklist begins anew.
type NoGoBefore struct {
	RunID   string    `json:"run_id"`
	Journal string    `json:"journal"` // the file's name, without its folder
	At      time.Time `json:"at"`      // of the NO-GO
	Reason  string    `json:"reason"`
}

// Schedule is when the gate and the first phase have their time. Where it is
// kept, neither goes before its time, nor too long after it; elsewhere it is
// shown, and nothing waits for it.
type Schedule struct {
	Gate, T0 time.Time
	Kept     bool
	NoGo     *NoGoBefore // that sets these times; nil where the plan does
}

// leastGate is how long the gate and the first phase have at least before they
// are late, however short the runbook's gate is.
const leastGate = 5 * time.Minute

// KeepsTimes reports whether the planned times are kept, and not only shown: in
// production, where somebody has planned them. Old journals don't say that
// anybody has.
func (s *State) KeepsTimes() bool {
	return s.Opened.Environment == Production && s.Opened.Planned
}

// Schedule derives the run's times from the plan, and in production from a NO-GO
// shortly before: whichever comes later. T0 is zero where nothing was planned.
func (s *State) Schedule() Schedule {
	w := s.Runbook.Window
	out := Schedule{T0: s.Opened.PlannedT0, Kept: s.KeepsTimes()}
	if n := s.Opened.NoGo; n != nil && s.Opened.Environment == Production {
		again := n.At.Add(w.Opens)
		if !out.Kept || again.After(out.T0) {
			out.T0, out.NoGo = again, n
		}
		out.Kept = true
	}
	out.Gate = out.T0.Add(-w.Gate)
	return out
}

// earliest is T-0 where the first phase waits for it; zero where it may start as
// soon as nothing else holds it.
func (s *State) earliest() time.Time {
	if s.keeping() && s.departed(Early) == nil {
		return s.Schedule().T0
	}
	return time.Time{}
}

// TimeHolds is what the schedule alone holds now: the gate, or after the GO the
// first phase. Once a phase has begun, or the run has ended, its times are over.
func (s *State) TimeHolds(now time.Time) []Hold {
	if s.Gate.Decision == Go {
		return s.startTimes(now)
	}
	return s.gateTimes(now)
}

// gateTimes is what keeps the gate from being passed now. A GO that was given is
// not taken back by it: it was in time, or on somebody's decision.
func (s *State) gateTimes(now time.Time) []Hold {
	if s.Gate.Decision != "" || !s.keeping() {
		return nil
	}
	sched := s.Schedule()
	text := "the gate's time is " + TClock(-s.Runbook.Window.Gate) + ", " + InUTC(sched.Gate, now)
	if sched.NoGo != nil {
		text = s.anew(sched.NoGo, now) + "the gate opens at " + InUTC(sched.Gate, now)
	}
	return append(s.early(sched.Gate, text, now), s.late(now)...)
}

// startTimes is what keeps the first phase from starting now, after the GO.
func (s *State) startTimes(now time.Time) []Hold {
	if s.Gate.Decision != Go || !s.keeping() {
		return nil
	}
	sched := s.Schedule()
	text := "the first phase's time is T-0, " + InUTC(sched.T0, now)
	if sched.NoGo != nil {
		text = s.anew(sched.NoGo, now) + "T-0 is at " + InUTC(sched.T0, now) + " at the earliest"
	}
	return append(s.early(sched.T0, text, now), s.late(now)...)
}

// keeping reports whether times still count: until the first phase has begun.
func (s *State) keeping() bool {
	return s.T0.IsZero() && s.Outcome == "" && s.Runbook != nil && s.Schedule().Kept
}

func (s *State) early(until time.Time, text string, now time.Time) []Hold {
	if !now.Before(until) || s.departed(Early) != nil {
		return nil
	}
	return []Hold{{Off: Early, Until: until, Text: text + ", in " + Span(until.Sub(now))}}
}

// late is the hold of a gate that is passed after T-0, and of a first phase that
// starts more than the gate's length after it. One that closed again after its
// GO has as long as the first phase.
//
// The time that counts is the latest that the journal has seen: setting the clock
// back makes nothing timely. A decision to go late counts as if the gate had
// its time when it was taken.
func (s *State) late(now time.Time) []Hold {
	if !s.KeepsTimes() {
		return nil
	}
	sched, length := s.Schedule(), max(s.Runbook.Window.Gate, leastGate)
	start := s.Gate.Decision == Go || s.Gate.Closed != nil
	limit := sched.Gate.Add(length)
	if start {
		limit = sched.T0.Add(length)
	}
	d := s.departed(Late)
	if d != nil {
		limit = d.from.Add(length)
		if start {
			limit = limit.Add(length)
		}
	}
	at := latest(now, s.Latest)
	if !at.After(limit) {
		return nil
	}
	text := fmt.Sprintf("late: T-0 was at %s, %s ago", InUTC(sched.T0, now), Span(at.Sub(sched.T0)))
	if d != nil {
		text = fmt.Sprintf("late again: the decision of %s to go late counted until %s", Clean(d.By), InUTC(limit, now))
	}
	return []Hold{{Off: Late, Text: text + "; somebody has to decide to go late, or not to go"}}
}

// anew says why the time for the checklist began again.
func (s *State) anew(n *NoGoBefore, now time.Time) string {
	return fmt.Sprintf("the run before ended as NO-GO at %s (%s): its %s begin anew, ", InUTC(n.At, now), Clean(n.Reason), wholeMinutes(s.Runbook.Window.Opens))
}

// Opening is what whoever opens a run at now should know: what earlier runs have
// left off, and its times where they are kept.
func (s *State) Opening(now time.Time) []string {
	var out []string
	for _, l := range s.Opened.LeftOff {
		out = append(out, l.words(s.Opened.Operator.Host))
	}
	return append(out, s.openingTimes(now)...)
}

func (s *State) openingTimes(now time.Time) []string {
	sched := s.Schedule()
	if !sched.Kept {
		return nil
	}
	if sched.NoGo == nil {
		return []string{fmt.Sprintf("T-0 is planned for %s, in %s; the gate may be passed from %s on, and these times are kept", InUTC(sched.T0, now), Span(sched.T0.Sub(now)), InUTC(sched.Gate, now))}
	}
	out := []string{s.anew(sched.NoGo, now) + "the gate opens at " + InUTC(sched.Gate, now) + ", and T-0 is at " + InUTC(sched.T0, now) + " at the earliest"}
	if planned := s.Opened.PlannedT0; s.KeepsTimes() {
		out = append(out, fmt.Sprintf("the planned T-0, %s, is sooner than that, and will not be kept", InUTC(planned, now)))
	}
	return out
}

// onlyTime reports whether holds are the schedule's alone, and whether one of
// them is lateness, which no waiting ends.
func onlyTime(holds []Hold) (only, late bool) {
	for _, h := range holds {
		if h.Off == "" {
			return false, false
		}
		late = late || h.Off == Late
	}
	return len(holds) > 0, late
}

// waitFor is what holds make a run wait for: the time where nothing else holds it.
func waitFor(holds []Hold, other Wait) Wait {
	only, late := onlyTime(holds)
	switch {
	case late:
		return WaitLate
	case only:
		return WaitTime
	}
	return other
}

// InUTC is a moment as a sentence has it: "01:45 UTC", with its date on another
// day than now's.
func InUTC(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	layout := "15:04"
	if t.Second() != 0 {
		layout = "15:04:05"
	}
	if t.Format(time.DateOnly) != now.Format(time.DateOnly) {
		layout = time.DateOnly + " " + layout
	}
	return t.Format(layout) + " UTC"
}

// wholeMinutes is a length as people speak of it: "60 minutes".
func wholeMinutes(d time.Duration) string {
	if d%time.Minute != 0 {
		return Span(d)
	}
	return Plural(int64(d/time.Minute), "minute")
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Untimed are the holds that are not the schedule's.
func Untimed(holds []Hold) []Hold {
	var out []Hold
	for _, h := range holds {
		if h.Off == "" {
			out = append(out, h)
		}
	}
	return out
}
