package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/runbook"
)

func (t *Target) checkDisabled(ctx context.Context, s *session, check *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	names := check.Triggers
	if len(names) == 0 {
		names = t.triggerNames()
	}
	if len(names) == 0 {
		return phases.Answer{}, errors.New("the runbook names no trigger")
	}
	found, missing, err := t.findTriggers(ctx, s, names)
	if err != nil {
		return phases.Answer{}, err
	}
	off := 0
	var wrong []string
	for _, tr := range found {
		if tr.Enabled == "D" {
			off++
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s on %s is %s", tr.Name, tr.Table, triggerState(tr.Enabled)))
	}
	// A trigger that was recorded and is gone on one of its tables counts too.
	for _, r := range facts.Triggers {
		if slices.Contains(names, r.Name) && !slices.ContainsFunc(found, func(f trigger) bool { return sameTrigger(f.Trigger, r) }) {
			missing = append(missing, r.Name+" on "+r.Table)
		}
	}
	for _, m := range missing {
		wrong = append(wrong, m+" is missing")
	}
	value := fmt.Sprintf("%d of %d disabled", off, len(found)+len(missing))
	if len(wrong) > 0 {
		value += ": " + strings.Join(wrong, ", ")
	}
	return phases.Answer{Pass: len(wrong) == 0 && off > 0, Value: value}, nil
}

func (t *Target) checkRestored(ctx context.Context, s *session, check *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	recorded := facts.Triggers
	if len(check.Triggers) > 0 {
		recorded = slices.DeleteFunc(slices.Clone(recorded), func(r phases.Trigger) bool { return !slices.Contains(check.Triggers, r.Name) })
	}
	if len(recorded) == 0 {
		return phases.Answer{Value: "no trigger was recorded in this run"}, nil
	}
	now, err := t.sameTables(ctx, s, recorded)
	if err != nil {
		return phases.Answer{}, err
	}
	wrong := compareTriggers(recorded, now)
	value := fmt.Sprintf("%d of %d as they were", len(recorded)-len(wrong), len(recorded))
	if len(wrong) > 0 {
		value += ": " + strings.Join(wrong, ", ")
	}
	return phases.Answer{Pass: len(wrong) == 0, Value: value}, nil
}
