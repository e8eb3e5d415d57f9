package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
	"tminus/phases/runbook"
)

// job is one of pg_cron's. Its command is not asked for: it may hold anything.
type job struct {
	ID       int64
	Name     string
	Schedule string
}

func (t *Target) checkJobs(ctx context.Context, s *session, _ *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	var here bool
	var database string
	var now time.Time
	err := s.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'cron' AND c.relname = 'job'), current_database(), clock_timestamp()`).Scan(&here, &database, &now)
	if err != nil {
		return phases.Answer{}, err
	}
	if !here {
		keeps, err := setting(ctx, s, "cron.database_name")
		if err == nil && keeps != "" && keeps != database {
			err = failf("look at", "cron.job", "ask there, by a check with a command",
				fmt.Errorf("pg_cron keeps its jobs in the database %s, which cannot be seen from this one", clean(keeps)))
		}
		return phases.Answer{Pass: err == nil, Value: "pg_cron is not installed"}, err
	}
	jobs, err := activeJobs(ctx, s)
	if err != nil {
		return phases.Answer{}, err
	}
	zone, err := jobZone(ctx, s)
	if err != nil {
		return phases.Answer{}, err
	}
	from, until := t.windowFrom(now, facts)
	var due []string
	for _, j := range jobs {
		is, err := parseSchedule(j.Schedule)
		if err != nil {
			return phases.Answer{}, failf("look at", fmt.Sprintf("job %d", j.ID), "see when it is due, or set it inactive", err)
		}
		if at, ok := is.due(from.In(zone), until.In(zone)); ok {
			due = append(due, fmt.Sprintf("%d %s at %s", j.ID, cut(clean(j.Name), 40), moment(at, now)))
		}
	}
	found := fmt.Sprintf("%d of %s due in the window", len(due), count(len(jobs), "active job"))
	return phases.Answer{Pass: len(due) == 0, Value: listed(found, due, 3)}, nil
}

// windowFrom is what is left of the window at now: all of it before a T-0 that is
// kept. Where none is, the first phase may start at once.
func (t *Target) windowFrom(now time.Time, facts phases.Facts) (from, until time.Time) {
	if !facts.AbortAt.IsZero() {
		return now, facts.AbortAt
	}
	if from = facts.PlannedT0; from.Before(now) {
		from = now
	}
	return from, from.Add(t.book.Window.Abort)
}

// activeJobs are the jobs in this database that are not switched off, of all
// users: a policy that would hide some is an error.
func activeJobs(ctx context.Context, s *session) ([]job, error) {
	// Versions before 1.3 have no names, and earlier ones no switch.
	rows, err := s.Query(ctx, `SELECT jobid AS id, coalesce(to_jsonb(j) ->> 'jobname', 'no name') AS name, schedule FROM cron.job j
		WHERE database = current_database() AND coalesce((to_jsonb(j) ->> 'active')::bool, true) ORDER BY jobid`)
	var jobs []job
	if err == nil {
		jobs, err = pgx.CollectRows(rows, pgx.RowToStructByName[job])
	}
	if denied(err) {
		return nil, failf("look at", "cron.job", "the role has to see every user's jobs: grant SELECT on cron.job and USAGE on schema cron to it, and make it BYPASSRLS", err)
	}
	return jobs, err
}

// jobZone is where the clock is by which jobs are due.
func jobZone(ctx context.Context, s *session) (*time.Location, error) {
	name, err := setting(ctx, s, "cron.timezone")
	if err != nil || name == "" || name == "GMT" { // versions before 1.5 know no other
		return time.UTC, err
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, failf("look at", "cron.timezone", "install the time zones on this machine", err)
	}
	return zone, nil
}

// setting is one of the server's that not every role may see; empty where the
// server does not know it.
func setting(ctx context.Context, s *session, name string) (string, error) {
	var is string
	err := s.QueryRow(ctx, `SELECT coalesce(current_setting($1, true), '')`, name).Scan(&is)
	if denied(err) {
		err = failf("look at", name, "grant pg_read_all_settings to the role", err)
	}
	return is, err
}

// denied reports whether the role lacks a privilege.
func denied(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "42501"
}
