package action

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
)

func restoreTriggers(ctx context.Context, r Run) error {
	return r.Target.RestoreTriggers(ctx, r.Recorded)
}

func disableTriggers(ctx context.Context, r Run) error {
	triggers, err := r.Target.ReadTriggers(ctx, r.Action.Triggers)
	if err != nil {
		return err
	}
	if off := offBefore(triggers, r.Recorded); len(off) > 0 {
		return fmt.Errorf("disabled already, before this run recorded a state to bring back: %s; enable them first (an earlier run may have left them, its execution log has their states), or take those that are to stay disabled out of the runbook", strings.Join(off, ", "))
	}
	// What brings the triggers back is on disk before any is disabled.
	if err := r.Record(phases.TriggersRecorded{Triggers: triggers}); err != nil {
		return err
	}
	return r.Target.DisableTriggers(ctx, triggers)
}

// offBefore names the triggers that are disabled and that this run has no
// record of: to bring them "back" would leave them off for good, in silence.
func offBefore(now, recorded []phases.Trigger) []string {
	var out []string
	for _, t := range now {
		known := slices.ContainsFunc(recorded, func(r phases.Trigger) bool {
			return r.Schema == t.Schema && r.Table == t.Table && r.Name == t.Name
		})
		if t.Enabled == "D" && !known {
			out = append(out, t.Name+" on "+t.Table)
		}
	}
	return out
}
