package action

import (
	"context"
	"fmt"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Target is what actions need from the database.
type Target interface {
	Triggers
}

// Run is one action under way.
type Run struct {
	Target   Target
	Action   *runbook.Action
	Recorded []phases.Trigger // what the run has recorded before
	// Record puts what brings the change back on disk, before it is made.
	Record func(...phases.Event) error
}

// actions are all there are, by the name that the runbook gives them.
var actions = map[string]func(context.Context, Run) error{
	runbook.DisableTriggers: disableTriggers,
	runbook.RestoreTriggers: restoreTriggers,
}

// Perform does it. It ends with ctx at the latest; an error says why it was not
// done, or not to its end.
func (r Run) Perform(ctx context.Context) error {
	do, ok := actions[r.Action.Name]
	if !ok {
		return fmt.Errorf("there is no action %q: correct the runbook", r.Action.Name)
	}
	return do(ctx, r)
}
