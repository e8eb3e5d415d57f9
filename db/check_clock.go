package db

import (
	"context"
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// clockLimit is how far the clocks may be apart when the runbook does not say.
const clockLimit = time.Second

func (t *Target) checkClock(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	limit := check.MaxAge
	if limit == 0 {
		limit = clockLimit
	}
	ahead, doubt, err := clockAhead(ctx, s, time.Now)
	if err != nil {
		return phases.Answer{}, err
	}
	return closeClocks(ahead, doubt, limit)
}

// clockAhead is how far the server's clock is ahead of now, give or take doubt:
// it was read at some moment of a round trip, the shortest of a few.
func clockAhead(ctx context.Context, s *session, now func() time.Time) (ahead, doubt time.Duration, err error) {
	for i := range 3 {
		var there time.Time
		sent := now()
		if err := s.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&there); err != nil {
			return 0, 0, err
		}
		half := now().Sub(sent) / 2
		if i == 0 || half < doubt {
			ahead, doubt = there.Sub(sent.Add(half)), half
		}
	}
	return ahead, doubt, nil
}

// closeClocks passes what is within the limit whatever the round trip hides. It
// says tenths of a second, no more: each answer would be another one.
func closeClocks(ahead, doubt, limit time.Duration) (phases.Answer, error) {
	const tenth = 100 * time.Millisecond
	least, greatest := ahead.Abs()-doubt, ahead.Abs()+doubt
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	switch {
	case greatest <= limit:
		return phases.Answer{Pass: true, Value: "at most " + phases.Span((greatest + tenth - 1).Truncate(tenth)) + " apart"}, nil
	case least > limit:
		return phases.Answer{Value: fmt.Sprintf("the server's clock is %s %s this machine's, at most %s wanted",
			phases.Span(ahead.Abs().Round(tenth)), direction, phases.Span(limit))}, nil
	}
	return phases.Answer{}, failf("compare", "the clocks", "ask from nearer to the server, or raise max_age",
		fmt.Errorf("an answer takes %s, which is too long to tell whether they are within %s", phases.Span(2*doubt), phases.Span(limit)))
}
