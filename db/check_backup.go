package db

import (
	"context"
	"fmt"
	"time"

	"tminus/db/backup"
	"tminus/phases"
	"tminus/phases/runbook"
)

// touched says that the files of a backup are not those that were looked at;
// empty where they are, and where they never were here.
func touched(b phases.Backup, files, done string) string {
	if files == "" {
		return ""
	}
	switch now, err := backup.Files(b.Location); {
	case err != nil:
		return fmt.Sprintf("its files cannot be looked at any more since they were %s: %v", done, err)
	case now != files:
		return fmt.Sprintf("somebody has touched its files since they were %s, at %s", done, b.Location)
	}
	return ""
}

func (t *Target) checkBackupReadable(_ context.Context, _ *session, check *runbook.Check, f phases.Facts) (phases.Answer, error) {
	a := phases.ReadableAnswer(check, f, time.Now())
	if a.Pass {
		if changed := touched(f.Verified.Backup, f.Verified.Files, "read"); changed != "" {
			return phases.Answer{Value: changed}, nil
		}
	}
	return a, nil
}

func (t *Target) checkBackupRestored(ctx context.Context, s *session, check *runbook.Check, f phases.Facts) (phases.Answer, error) {
	a := phases.RestoredAnswer(check, f, time.Now())
	if !a.Pass {
		return a, nil
	}
	if changed := touched(f.Proven.Backup, f.Proven.Files, "restored"); changed != "" {
		return phases.Answer{Value: changed}, nil
	}
	now, err := t.printedNow(ctx, s, f.Triggers)
	if err != nil {
		return phases.Answer{}, err
	}
	if changed := f.Proven.Unlike(now.backup); changed != "" {
		return phases.Answer{Value: changed}, nil
	}
	return a, nil
}
