package db

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// JobActive tells whether the job of pg_cron of a name is active. None of that
// name that the role may see, or several, is an error.
func (t *Target) JobActive(ctx context.Context, name string) (bool, error) {
	var active bool
	err := t.control.with(ctx, func(s *session) error {
		_, is, err := cronJob(ctx, s, name)
		active = is
		return err
	})
	return active, fail(ctx, "read the job of pg_cron", clean(name), err)
}

// SetJobActive makes a job of pg_cron active, or not.
func (t *Target) SetJobActive(ctx context.Context, name string, active bool) error {
	return t.alter(ctx, "alter a job of pg_cron in", func(s *session) error {
		id, _, err := cronJob(ctx, s, name)
		if err != nil {
			return err
		}
		if _, err := s.Exec(ctx, `SELECT cron.alter_job(job_id := $1, active := $2)`, id, active); err != nil {
			return err
		}
		_, is, err := cronJob(ctx, s, name)
		if err == nil && is != active {
			err = fmt.Errorf("cron.alter_job has not changed it: active is %t", is)
		}
		return err
	})
}

func cronJob(ctx context.Context, s *session, name string) (id int64, active bool, err error) {
	var here bool
	if err := s.QueryRow(ctx, `SELECT to_regclass('cron.job') IS NOT NULL`).Scan(&here); err != nil {
		return 0, false, err
	}
	if !here {
		return 0, false, failf("look for", "cron.job", "correct the runbook, or connect to the database where pg_cron keeps its jobs", errors.New("this database has none"))
	}
	rows, err := s.Query(ctx, `SELECT jobid, active FROM cron.job WHERE jobname = $1`, name)
	if err != nil {
		return 0, false, err
	}
	type row struct {
		ID     int64
		Active bool
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	switch {
	case err != nil:
		return 0, false, err
	case len(jobs) == 0:
		return 0, false, failf("look for", clean(name), "correct its name, or have the role see it: pg_cron shows each role its own jobs", errors.New("cron.job has no such job"))
	case len(jobs) > 1:
		return 0, false, failf("look for", clean(name), "give one of them another name", fmt.Errorf("cron.job has %d jobs of that name", len(jobs)))
	}
	return jobs[0].ID, jobs[0].Active, nil
}
