package db

import (
	"context"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

func (t *Target) checkBackupRestored(ctx context.Context, s *session, check *runbook.Check, f phases.Facts) (phases.Answer, error) {
	a := phases.RestoredAnswer(check, f, time.Now())
	if !a.Pass {
		return a, nil
	}
	now, err := t.printedNow(ctx, s, f.Triggers)
	if err != nil {
		return phases.Answer{}, err
	}
	if changed := f.Proven.Unlike(now); changed != "" {
		return phases.Answer{Value: changed}, nil
	}
	return a, nil
}
