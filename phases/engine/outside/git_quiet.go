package outside

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// slack is by how much another machine's clock may be ahead of this one's.
const slack = time.Minute

// stamped is a commit's time in seconds, and its short hash.
var stamped = regexp.MustCompile(`(?m)^(\d+) ([0-9a-f]{4,64})$`)

// checkQuiet answers with moments: an age would be another answer each time. A
// commit that switches a fence is a run's own, and not looked at.
// It tells neither who committed nor what.
func checkQuiet(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
	g, err := openCheckout(ctx, c.Dir)
	if err != nil {
		return phases.Answer{}, err
	}
	hash, err := g.tip(ctx, c.Remote, c.Branch)
	if err != nil {
		return phases.Answer{}, err
	}
	out, err := g.git(ctx, "log", "-1", "--invert-grep", "--grep=^"+fenceTrailer, "--no-color", "--no-show-signature", "--format=%ct %h", hash, "--")
	if err != nil {
		return phases.Answer{}, err
	}
	found := stamped.FindStringSubmatch(out)
	if found == nil {
		return phases.Answer{}, fmt.Errorf("git does not tell when %.12s was committed: %s", hash, FirstLine(bare(out)))
	}
	seconds, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		return phases.Answer{}, fmt.Errorf("git does not tell when %.12s was committed: %s", hash, found[1])
	}
	return quiet(found[2], time.Unix(seconds, 0), c.MinAge, time.Now()), nil
}

// quiet passes a last commit that at now is at least as old as wanted.
func quiet(hash string, at time.Time, wanted time.Duration, now time.Time) phases.Answer {
	from := at.Add(wanted)
	value := fmt.Sprintf("the last commit, %s, is of %s UTC", hash, at.UTC().Format(time.DateTime))
	switch {
	case at.After(now.Add(slack)):
		return phases.Answer{Value: value + ", which is still to come: look at the clocks"}
	case from.After(now):
		return phases.Answer{Value: fmt.Sprintf("%s; %s without one are wanted, which is %s UTC", value, phases.Span(wanted), from.UTC().Format(time.TimeOnly))}
	}
	return phases.Answer{Pass: true, Value: fmt.Sprintf("%s, more than %s ago", value, phases.Span(wanted))}
}
