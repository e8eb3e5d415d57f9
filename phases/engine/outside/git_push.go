package outside

import (
	"context"
	"fmt"
	"regexp"

	"tminus/phases"
	"tminus/phases/runbook"
)

// refused is git push's line of a branch that the remote would not take.
var refused = regexp.MustCompile(`(?m)^!\t[^\t\n]*\t(.+)$`)

// checkPush pushes all but the commits. The checkout's hooks are left alone: one
// may act as if the push were real.
func checkPush(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
	g, err := openCheckout(ctx, c.Dir)
	if err != nil {
		return phases.Answer{}, err
	}
	far, err := g.silent(ctx)
	if err != nil {
		return phases.Answer{}, err
	}
	branch := "refs/heads/" + c.Branch
	if c.Branch == "HEAD" {
		branch = c.Branch
	}
	done, err := far.run(ctx, "push", "--dry-run", "--porcelain", "--no-verify", "--no-signed", "--recurse-submodules=no", "--", c.Remote, branch)
	if err != nil {
		return phases.Answer{}, err
	}
	if no := refused.FindStringSubmatch(done.Output); no != nil {
		return phases.Answer{Value: fmt.Sprintf("%s would not take %s: %s", c.Remote, c.Branch, FirstLine(bare(no[1])))}, nil
	}
	if done.Exit != 0 {
		return phases.Answer{}, fmt.Errorf("%w: %s", errExit, reason(done))
	}
	return phases.Answer{Pass: true, Value: fmt.Sprintf("%s would take %s", c.Remote, c.Branch)}, nil
}
