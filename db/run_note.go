package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
)

const createRun = `CREATE TABLE IF NOT EXISTS tminus.run (
	run_id            text PRIMARY KEY,
	journal           text NOT NULL,
	host              text NOT NULL,
	operator          text NOT NULL,
	title             text NOT NULL,
	environment       text NOT NULL,
	runbook_sha256    text NOT NULL,
	system_identifier text NOT NULL,
	timeline          bigint NOT NULL,
	database_oid      bigint NOT NULL,
	opened_at         timestamptz NOT NULL,
	outcome           text NOT NULL,
	still_off         text NOT NULL,
	holder_pid        bigint NOT NULL,
	holder_since      timestamptz NOT NULL,
	noted_at          timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
)`

// runWanted is what tminus.run has to be, for reading or for writing.
func runWanted(rights, lacks string) ownTable {
	return ownTable{
		name: "run", key: "PRIMARY KEY (run_id)", rights: rights, lacks: lacks,
		columns: []string{
			"run_id text", "journal text", "host text", "operator text", "title text", "environment text", "runbook_sha256 text",
			"system_identifier text", "timeline bigint", "database_oid bigint", "opened_at timestamp with time zone", "outcome text",
			"still_off text", "holder_pid bigint", "holder_since timestamp with time zone", "noted_at timestamp with time zone",
		},
	}
}

// unnoted is the way out where a run cannot be noted.
const unnoted = "the run goes on without: whoever begins another one is told of this one only where its journal is"

// NoteRun writes what the database should know of a run, where its runbook wants
// a ledger. Nothing rests on it but what others are told, so each statement stands
// for itself: there is no COMMIT that could be in doubt. The operator lock keeps
// others from making the table at the same time.
func (t *Target) NoteRun(ctx context.Context, n phases.RunNote) error {
	if !t.book.Ledger {
		return nil
	}
	pid, since := t.holder()
	err := t.control.with(ctx, func(s *session) error {
		wanted := runWanted("INSERT SELECT UPDATE", "INSERT, SELECT or UPDATE")
		problem, err := wanted.examine(ctx, s)
		if err == nil && problem == missing {
			for _, sql := range []string{createRun, `COMMENT ON TABLE tminus.run IS 'Where the journals of tminus runs are, and which of the runs have ended.'`} {
				if _, err := s.Exec(ctx, sql); err != nil {
					return failf("make", "tminus.run", unnoted, err)
				}
			}
			problem, err = wanted.examine(ctx, s)
		}
		if err != nil {
			return err
		}
		if problem != "" {
			return failf("use", "tminus.run", unnoted, errors.New(problem))
		}
		_, err = s.Exec(ctx, `INSERT INTO tminus.run (run_id, journal, host, operator, title, environment, runbook_sha256,
				system_identifier, timeline, database_oid, opened_at, outcome, still_off, holder_pid, holder_since)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, coalesce($15::timestamptz, 'epoch'))
			ON CONFLICT (run_id) DO UPDATE SET journal = excluded.journal, host = excluded.host, operator = excluded.operator,
				outcome = excluded.outcome, still_off = excluded.still_off,
				holder_pid = excluded.holder_pid, holder_since = excluded.holder_since, noted_at = excluded.noted_at`,
			n.RunID, n.Journal, n.Host, n.Operator, n.Title, string(n.Environment), n.SHA256,
			n.Target.SystemIdentifier, n.Target.Timeline, int64(n.Target.DatabaseOID), n.OpenedAt, string(n.Outcome), n.StillOff, pid, since)
		return err
	})
	return fail(ctx, "note the run in", t.host(), err)
}

// holder is the session that has the operator lock; 0 and nil where none has.
func (t *Target) holder() (pid int64, since any) {
	t.lockMu.Lock()
	defer t.lockMu.Unlock()
	if t.lock == nil {
		return 0, nil
	}
	return int64(t.lock.pid), t.lock.started
}

const noteColumns = `run_id, journal, host, operator, title, environment, runbook_sha256,
	system_identifier, timeline, database_oid, opened_at, outcome, still_off`

func scanNote(row pgx.CollectableRow) (phases.RunNote, error) {
	var n phases.RunNote
	var oid int64
	err := row.Scan(&n.RunID, &n.Journal, &n.Host, &n.Operator, &n.Title, &n.Environment, &n.SHA256,
		&n.Target.SystemIdentifier, &n.Target.Timeline, &oid, &n.OpenedAt, &n.Outcome, &n.StillOff)
	n.Target.DatabaseOID = uint32(oid)
	n.Operator, n.Title, n.StillOff = clean(n.Operator), clean(n.Title), clean(n.StillOff)
	return n, err
}

// RunNotes are what the database knows of runs that had not ended, or had left
// something off, when they were noted; the oldest first. A copy of a database has
// its original's as well: Target tells them apart.
func (t *Target) RunNotes(ctx context.Context) ([]phases.RunNote, error) {
	if !t.book.Ledger {
		return nil, nil
	}
	var out []phases.RunNote
	err := t.control.with(ctx, func(s *session) error {
		problem, err := runWanted("SELECT", "SELECT").examine(ctx, s)
		switch {
		case err != nil || problem == missing:
			return err
		case problem != "":
			return failf("read", "tminus.run", "see who made it; as its owner, GRANT USAGE ON SCHEMA tminus and GRANT SELECT, INSERT, UPDATE ON tminus.run to the role; or start without looking, by --new", errors.New(problem))
		}
		rows, err := s.Query(ctx, `SELECT `+noteColumns+` FROM tminus.run WHERE outcome = '' OR still_off <> '' ORDER BY opened_at, run_id`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, scanNote)
		return err
	})
	for i := range out {
		out[i].Target.Database = clean(t.conn.Database)
	}
	return out, fail(ctx, "look for runs noted in", t.host(), err)
}

// noteOf is the run whose program holds a lock by a session; nil where nobody can
// tell.
func noteOf(ctx context.Context, s *session, holder phases.Blocker) (*phases.RunNote, error) {
	problem, err := runWanted("SELECT", "SELECT").examine(ctx, s)
	if err != nil || problem != "" {
		return nil, err
	}
	rows, err := s.Query(ctx, `SELECT `+noteColumns+` FROM tminus.run WHERE outcome = '' AND holder_pid = $1 AND holder_since = $2`,
		int64(holder.PID), holder.BackendStart)
	if err != nil {
		return nil, err
	}
	n, err := pgx.CollectExactlyOneRow(rows, scanNote)
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, pgx.ErrTooManyRows) {
		return nil, nil
	}
	return &n, err
}
