package action

import (
	"context"
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/engine/fence"
	"tminus/phases/runbook"
)

// Target is what actions need from the database.
type Target interface {
	fence.Target
	Backups
	Prober
}

// Run is one action under way.
type Run struct {
	Target   Target
	Item     string
	Action   *runbook.Action
	Recorded []phases.Trigger // what the run has recorded before
	// Environment and RunID are the run's; Off are the triggers that it has
	// switched off and not back on, as they were before.
	Environment phases.Environment
	RunID       string
	Off         []phases.Trigger
	// Backup is what the runbook says of it; Changes and Protected are the tables
	// that it is looked at for.
	Backup             runbook.Backup
	Server             phases.Identity     // the run's
	Stands             phases.Backup       // the one that is recorded; its zero value for none
	StandsSchema       *phases.SchemaPrint // what the tables were like when that was taken; nil when nobody knows
	Changes, Protected []string
	Opened             time.Time // of the run
	// Fence is what a fence's item switches; nil for any other action.
	Fence *fence.Job
	// Progress says how far a long action is; it may be called as often as one
	// likes, from one goroutine. Taken records a backup.
	Progress func(phases.ActionProgress)
	Fields   map[string]string // what was recorded, by field id
	Taken    func(phases.BackupTaken) error
	// Result takes what came of a command, a request or statements; it is called
	// once, before Perform returns, also where that fails.
	Result func(phases.ActionResult)
	// Record puts what brings the change back on disk, before it is made.
	Record func(...phases.Event) error
}

// actions are all there are, by the name that the runbook gives them.
var actions = map[string]func(context.Context, Run) error{
	runbook.DisableTriggers: disableTriggers,
	runbook.RestoreTriggers: restoreTriggers,
	runbook.TakeBackup:      takeBackup,
	runbook.VerifyBackup:    verifyBackup,
	runbook.TryBackup:       tryBackup,
	runbook.RunCommand:      runCommand,
	runbook.MakeCall:        makeCall,
	runbook.RunSQL:          runSQL,
	runbook.TakeFence:       func(ctx context.Context, r Run) error { return r.Fence.Take(ctx) },
	runbook.LiftFence:       func(ctx context.Context, r Run) error { return r.Fence.Lift(ctx) },
}

// Limit is how long the action may take as the runbook has it; 0 where it does
// not say.
func (r Run) Limit() time.Duration {
	switch r.Action.Name {
	case runbook.TakeBackup:
		return r.Backup.Take.Limit
	case runbook.VerifyBackup:
		return r.Backup.Verify.Limit
	case runbook.TryBackup:
		return r.Backup.Try.Limit
	case runbook.MakeCall:
		return callLimit(r.Action)
	case runbook.TakeFence, runbook.LiftFence:
		return r.Fence.State.Plan.Limit
	}
	return r.Action.Timeout
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
