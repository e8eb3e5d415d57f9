package phases

import (
	"testing"
	"time"

	"tminus/phases/runbook"
)

// A run that has not begun has no time after T-0: it is due, or there was none.
func TestClockOfARunThatHasNotBegun(t *testing.T) {
	t0 := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		begun   time.Time
		outcome Outcome
		after   time.Duration
		words   string
		cell    string
	}{
		{after: -13 * time.Minute, words: "T-13:00", cell: "T-13:00"},
		{after: 0, words: "T+00:00", cell: "T+00:00"},
		{after: 999 * time.Millisecond, words: "T+00:00", cell: "T+00:00"},
		{after: time.Second, words: "due 1 s ago", cell: "due+00:01"},
		{after: 13 * time.Minute, words: "due 13 min ago", cell: "due+13:00"},
		{outcome: NoGo, after: -13 * time.Minute, words: "T-13:00", cell: "T-13:00"},
		{outcome: NoGo, after: 13 * time.Minute, words: "no T-0", cell: "due+13:00"},
		{begun: t0.Add(10 * time.Minute), after: 13 * time.Minute, words: "T+03:00", cell: "T+03:00"},
		{begun: t0.Add(10 * time.Minute), after: 2 * time.Minute, words: "T-08:00", cell: "T-08:00"},
	} {
		s := &State{T0: c.begun, Outcome: c.outcome, Opened: RunOpened{PlannedT0: t0}, Runbook: &runbook.Runbook{}}
		at := t0.Add(c.after)
		if words, cell := s.ClockWords(at), s.ClockCell(at); words != c.words || cell != c.cell {
			t.Errorf("begun %s, %q, %s after the plan: %q and %q, want %q and %q", c.begun.Format(time.TimeOnly), c.outcome, c.after, words, cell, c.words, c.cell)
		}
	}
}

func TestClocks(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "T+00:00", time.Millisecond: "T+00:00", -time.Millisecond: "T-00:01", -time.Second: "T-00:01", -58*time.Minute - 12*time.Second: "T-58:12",
		3*time.Minute + 10*time.Second: "T+03:10", time.Hour + 3*time.Minute + 10*time.Second: "T+1:03:10", -90 * time.Minute: "T-1:30:00",
	} {
		if got := TClock(d); got != want {
			t.Errorf("TClock(%s) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "now", 12 * time.Second: "12 s ago", 200 * time.Second: "3 min ago", 2 * time.Hour: "2 h ago", 121 * time.Hour: "5 d ago"} {
		if got := Age(d); got != want {
			t.Errorf("Age(%s) = %q, want %q", d, got, want)
		}
	}
}
