package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

func (t *Target) checkArchiver(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	var mode, failed string
	var recovering, sees bool
	var archivedAt, failedAt *time.Time
	var now time.Time
	err := s.QueryRow(ctx, `SELECT current_setting('archive_mode'), pg_is_in_recovery(), last_archived_time,
			coalesce(last_failed_wal, ''), last_failed_time, clock_timestamp(),
			has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') FROM pg_stat_archiver`).
		Scan(&mode, &recovering, &archivedAt, &failed, &failedAt, &now, &sees)
	if err != nil {
		return phases.Answer{}, err
	}
	last := "nothing was archived yet"
	if archivedAt != nil {
		last = "last archived at " + moment(*archivedAt, now)
	}
	switch {
	case mode == "off":
		return phases.Answer{Value: "archive_mode is off"}, nil
	case mode == "on" && recovering:
		return phases.Answer{Value: "in recovery, where nothing is archived unless archive_mode is always"}, nil
	case failedAt != nil && (archivedAt == nil || !archivedAt.After(*failedAt)):
		return phases.Answer{Value: fmt.Sprintf("%s failed at %s, %s", clean(failed), moment(*failedAt, now), last)}, nil
	case archivedAt != nil && now.Sub(*archivedAt) <= check.MaxAge:
		return phases.Answer{Pass: true, Value: last}, nil
	case !sees:
		return phases.Answer{}, failf("look at", "pg_ls_archive_statusdir", "grant pg_monitor to the role",
			errors.New(last+", and the role may not see whether anything waits"))
	}
	var waiting int
	err = s.QueryRow(ctx, `SELECT count(*) FROM pg_ls_archive_statusdir()
		WHERE name LIKE '%.ready' AND modification <= clock_timestamp() - $1::interval`, check.MaxAge).Scan(&waiting)
	if err != nil {
		return phases.Answer{}, err
	}
	if waiting > 0 {
		return phases.Answer{Value: fmt.Sprintf("%s, waiting for more than %s: %s", last, phases.Span(check.MaxAge), count(waiting, "file"))}, nil
	}
	return phases.Answer{Pass: true, Value: last + ", nothing waits"}, nil
}
