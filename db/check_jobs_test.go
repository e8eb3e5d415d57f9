package db

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// pgCron is what pg_cron keeps its jobs in.
const pgCron = `CREATE SCHEMA cron; GRANT USAGE ON SCHEMA cron TO public;
	CREATE TABLE cron.job (jobid bigserial PRIMARY KEY, schedule text NOT NULL, command text NOT NULL,
		nodename text NOT NULL DEFAULT 'localhost', nodeport int NOT NULL DEFAULT 5432,
		database text NOT NULL DEFAULT current_database(), username text NOT NULL DEFAULT current_user,
		active boolean NOT NULL DEFAULT true, jobname text);
	GRANT SELECT ON cron.job TO public;
	ALTER TABLE cron.job ENABLE ROW LEVEL SECURITY;
	CREATE POLICY cron_job_policy ON cron.job USING (username = current_user);`

func TestJobsDueInTheWindow(t *testing.T) {
	dsn := database(t, pgCron+`
		INSERT INTO cron.job (schedule, command, jobname, active, database) VALUES
			('5 2 * * *', 'DELETE FROM secrets', E'night\nly', true, current_database()),
			('40 2 * * *', 'SELECT 1', 'later', true, current_database()),
			('* * * * *', 'SELECT 1', 'off', false, current_database()),
			('* * * * *', 'SELECT 1', 'elsewhere', true, 'postgres'),
			('30 seconds', 'SELECT 1', NULL, true, current_database());
		CREATE ROLE sees_all LOGIN BYPASSRLS`)
	dropRole(t, dsn, "sees_all")
	b := book()
	b.Window.Abort = 25 * time.Minute
	target, admin := open(t, asUser(t, dsn, "sees_all"), b), connect(t, dsn)
	jobs, facts := runbook.Check{Name: "jobs.due"}, phases.Facts{PlannedT0: time.Date(2099, 3, 14, 2, 0, 0, 0, time.UTC)}
	check(t, target, jobs, facts, false, "2 of 3 active jobs due in the window: 1 night ly at 2099-03-14 02:05:00 UTC, 5 no name at 2099-03-14 02:00:00 UTC")
	exec(t, admin, `UPDATE cron.job SET active = false WHERE jobid = 5`)
	facts.PlannedT0 = facts.PlannedT0.Add(6 * time.Minute)
	check(t, target, jobs, facts, true, "0 of 2 active jobs due in the window")
	// After T-0 the window is over when no phase may start any more.
	facts.AbortAt = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	check(t, target, jobs, facts, true, "0 of 2 active jobs due in the window")
	exec(t, admin, `UPDATE cron.job SET active = true WHERE jobid = 5`)
	check(t, target, jobs, facts, true, "0 of 3 active jobs due in the window")
	facts.AbortAt = time.Now().Add(time.Hour)
	a, err := target.Check(limited(t), &jobs, facts)
	if err != nil || a.Pass || !strings.Contains(a.Value, "5 no name at ") {
		t.Errorf("after T-0: %+v, %v", a, err)
	}

	exec(t, admin, `UPDATE cron.job SET schedule = 'now and then' WHERE jobid = 2`)
	_, err = target.Check(limited(t), &jobs, facts)
	wantError(t, err, `look at job 2: the schedule "now and then" is none of five fields; see when it is due, or set it inactive`)
}

// By the clock of cron.timezone, 02:05 is at 01:05 UTC.
func TestJobsAreDueByTheirZone(t *testing.T) {
	dsn := database(t, pgCron+`INSERT INTO cron.job (schedule, command) VALUES ('5 2 * * *', 'SELECT 1')`)
	exec(t, connect(t, dsn), `ALTER DATABASE `+databaseName(t, dsn)+` SET cron.timezone = 'Europe/Berlin'`)
	b := book()
	b.Window.Abort = 25 * time.Minute
	facts := phases.Facts{PlannedT0: time.Date(2099, 1, 14, 1, 0, 0, 0, time.UTC)}
	check(t, open(t, dsn, b), runbook.Check{Name: "jobs.due"}, facts, false, "1 of 1 active job due in the window: 1 no name at 2099-01-14 01:05:00 UTC")
	exec(t, connect(t, dsn), `ALTER DATABASE `+databaseName(t, dsn)+` SET cron.timezone = 'Middle/Earth'`)
	_, err := open(t, dsn, b).Check(limited(t), &runbook.Check{Name: "jobs.due"}, facts)
	wantError(t, err, "look at cron.timezone: unknown time zone Middle/Earth; install the time zones on this machine")
}

func TestJobsThatCannotBeSeenAreNotAPass(t *testing.T) {
	dsn := database(t, pgCron+`INSERT INTO cron.job (schedule, command) VALUES ('* * * * *', 'SELECT 1'); CREATE ROLE sees_own LOGIN`)
	dropRole(t, dsn, "sees_own")
	jobs := runbook.Check{Name: "jobs.due"}
	target := open(t, asUser(t, dsn, "sees_own"), book())
	a, err := target.Check(limited(t), &jobs, phases.Facts{})
	if a.Pass {
		t.Errorf("%+v", a)
	}
	wantError(t, err, "the role has to see every user's jobs: grant SELECT on cron.job and USAGE on schema cron to it, and make it BYPASSRLS")

	err = target.checks.with(limited(t), func(s *session) error {
		_, err := setting(limited(t), s, "data_directory") // seen by as few as cron.timezone
		return err
	})
	wantError(t, err, "grant pg_read_all_settings to the role")

	// Another database has the jobs.
	dsn = database(t, `SELECT 1`)
	check(t, open(t, dsn, book()), jobs, phases.Facts{}, true, "pg_cron is not installed")
	for keeps, want := range map[string]string{databaseName(t, dsn): "", "postgres": "pg_cron keeps its jobs in the database postgres, which cannot be seen from this one; ask there"} {
		exec(t, connect(t, dsn), `ALTER DATABASE `+databaseName(t, dsn)+` SET cron.database_name = '`+keeps+`'`)
		target := open(t, dsn, book())
		if want == "" {
			check(t, target, jobs, phases.Facts{}, true, "pg_cron is not installed")
			continue
		}
		a, err := target.Check(limited(t), &jobs, phases.Facts{})
		if a.Pass {
			t.Errorf("%+v", a)
		}
		wantError(t, err, want)
	}
}

// Early versions of pg_cron have neither names nor a switch.
func TestJobsOfAnEarlyVersion(t *testing.T) {
	dsn := database(t, pgCron+`ALTER TABLE cron.job DROP COLUMN active, DROP COLUMN jobname;
		INSERT INTO cron.job (schedule, command) VALUES ('* * * * *', 'SELECT 1')`)
	facts := phases.Facts{PlannedT0: time.Date(2099, 3, 14, 2, 0, 0, 0, time.UTC)}
	check(t, open(t, dsn, book()), runbook.Check{Name: "jobs.due"}, facts, false, "1 of 1 active job due in the window: 1 no name at 2099-03-14 02:00:00 UTC")
}
