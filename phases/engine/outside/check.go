package outside

import (
	"context"
	"fmt"

	"tminus/phases"
	"tminus/phases/runbook"
)

// checks answer what package check declares of what is outside of the
// database, each in a file with its like.
var checks = map[string]func(context.Context, *runbook.Check) (phases.Answer, error){
	"git.file_absent": checkFileAbsent,
	"git.push":        checkPush,
	"git.quiet":       checkQuiet,
	"space.free":      checkSpace,
	"ssh.reachable":   checkSSH,
}

// Check answers a check of what is outside of the database, by its name. An
// error says why there is no answer, which is never a pass; it wraps
// context.Cause when ctx ended the asking.
func Check(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
	ask, ok := checks[c.Name]
	if !ok {
		return phases.Answer{}, fmt.Errorf("there is no check %q: correct the runbook", c.Name)
	}
	a, err := ask(ctx, c)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%s: %w", c.Name, err)
	}
	return a, err
}
