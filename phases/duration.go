package phases

import (
	"fmt"
	"time"
)

// Durations are said in two ways: in words inside of a sentence ("24 min 09 s"),
// and as a clock in a column or beside a label ("24:09").

// Span is a duration in words: tenths below ten seconds, then whole seconds, from
// an hour on whole minutes: "0.4 s", "12 s", "24 min 09 s", "1 h 02 min".
func Span(d time.Duration) string {
	if d < 0 {
		return "-" + Span(d.Abs()) // -d of the least duration is itself
	}
	if d < 9950*time.Millisecond {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	h, m, s := int(d/time.Hour), int(d/time.Minute)%60, int(d/time.Second)%60
	switch {
	case h > 0 && m == 0:
		return fmt.Sprintf("%d h", h)
	case h > 0:
		return fmt.Sprintf("%d h %02d min", h, m)
	case m > 0 && s == 0:
		return fmt.Sprintf("%d min", m)
	case m > 0:
		return fmt.Sprintf("%d min %02d s", m, s)
	}
	return fmt.Sprintf("%d s", s)
}

// Minutes is a duration as a clock: "03:10", "1:03:10"; a negative one counts as none.
func Minutes(d time.Duration) string {
	s := int64(max(0, d) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// TClock is a time from T-0: "T-58:12", "T+03:10", "T+1:03:10". Before T-0 the
// second that has begun counts: it is T-00:01 until T-0 is there.
func TClock(d time.Duration) string {
	if d < 0 {
		return "T-" + Minutes(-d+time.Second-1)
	}
	return "T+" + Minutes(d)
}

// Age is how long ago something was, for a glance: "now", "12 s ago", "3 min ago".
func Age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d d ago", d/(24*time.Hour))
}

// overdue reports whether T-0 has come by the plan, and the first phase has not.
func (s *State) overdue(now time.Time) bool { return s.T0.IsZero() && s.Clock(now) >= time.Second }

// ClockWords is the T-clock as a headline says it. It does not run on into T+ for
// a run that has not begun: that is due, or has ended without a T-0.
func (s *State) ClockWords(now time.Time) string {
	switch d := s.Clock(now); {
	case !s.overdue(now):
		return TClock(d)
	case s.Outcome != "":
		return "no T-0"
	default:
		return "due " + Age(d)
	}
}

// ClockCell is the T-clock of a line in a list. What was before a T-0 that came
// late is "due+03:10" as long as it has not come.
func (s *State) ClockCell(at time.Time) string {
	if s.overdue(at) {
		return "due+" + Minutes(s.Clock(at))
	}
	return TClock(s.Clock(at))
}
