package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
	"tminus/phases/engine"
)

const (
	ledgerSchema = "tminus"
	ledgerTable  = "ledger"

	withoutLedger = "grant the rights, have a superuser make schema tminus and table tminus.ledger, or write `ledger: none` in the runbook: a lost COMMIT can then be settled by counts only"
)

const createLedger = `CREATE TABLE IF NOT EXISTS tminus.ledger (
	run_id         text NOT NULL,
	phase          text NOT NULL,
	attempt        integer NOT NULL,
	nonce          text NOT NULL,
	xid            text NOT NULL,
	operator       text NOT NULL,
	runbook_sha256 text NOT NULL,
	written_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	PRIMARY KEY (run_id, phase)
)`

// Prepare makes the ledger when the runbook wants one, and refuses one that
// would not prove anything.
func (t *Target) Prepare(ctx context.Context) error {
	if !t.book.Ledger {
		return nil
	}
	return t.alter(ctx, "prepare the ledger in", func(s *session) error {
		if _, err := s.Exec(ctx, `SELECT pg_advisory_xact_lock($1::int, $2::int)`, lockSpace, ledgerLock); err != nil {
			return err
		}
		problem, err := examineLedger(ctx, s)
		if err != nil {
			return err
		}
		if problem == missing {
			for _, sql := range []string{
				`CREATE SCHEMA IF NOT EXISTS tminus`, createLedger,
				`COMMENT ON TABLE tminus.ledger IS 'A row here proves that a phase of a tminus run was committed.'`,
			} {
				if _, err := s.Exec(ctx, sql); err != nil {
					return failf("make", "tminus.ledger", withoutLedger, err)
				}
			}
			if problem, err = examineLedger(ctx, s); err != nil {
				return err
			}
		}
		if problem != "" {
			return failf("use", "tminus.ledger", withoutLedger, errors.New(problem))
		}
		return nil
	})
}

// ownTable is what a table of the program's own has to be.
type ownTable struct {
	name, key string
	columns   []string // with their types
	rights    string   // that the role needs, as has_table_privilege takes them, all of them
	lacks     string   // said where it has not
}

func ledgerWanted() ownTable {
	return ownTable{
		name: ledgerTable, key: "PRIMARY KEY (run_id, phase)", rights: "INSERT SELECT", lacks: "INSERT or SELECT",
		columns: []string{"run_id text", "phase text", "attempt integer", "nonce text", "xid text", "operator text", "runbook_sha256 text", "written_at timestamp with time zone"},
	}
}

// missing is what examine says of a table that is not there.
const missing = "missing"

// examineLedger says what is wrong with the ledger: missing, or a sentence.
func examineLedger(ctx context.Context, s *session) (string, error) {
	return ledgerWanted().examine(ctx, s)
}

// examine says what is wrong with the table: missing, or a sentence; empty for
// nothing. Whoever else could put a view, a rule or a trigger in its way would
// have the role run what they like.
func (w ownTable) examine(ctx context.Context, s *session) (string, error) {
	var schema bool
	err := s.QueryRow(ctx, `SELECT coalesce((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'tminus'), true)`).Scan(&schema)
	if err != nil {
		return "", err
	}
	if !schema {
		return "the role has no USAGE on schema tminus", nil
	}
	var kind, persistence, owner string
	var rls, odd, trusted, rights bool
	var key string
	var columns []string
	err = s.QueryRow(ctx, `SELECT c.relkind::text, c.relpersistence::text, c.relrowsecurity, pg_get_userbyid(c.relowner)::text,
			pg_has_role(c.relowner, 'USAGE') OR o.rolsuper OR c.relowner = (SELECT datdba FROM pg_database WHERE datname = current_database()),
			(SELECT bool_and(has_table_privilege(c.oid, r)) FROM unnest(string_to_array($2, ' ')) r),
			EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal) OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = c.oid),
			coalesce((SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p'), ''),
			ARRAY(SELECT attname::text || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute
				WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
		WHERE n.nspname = 'tminus' AND c.relname = $1`, w.name, w.rights).
		Scan(&kind, &persistence, &rls, &owner, &trusted, &rights, &odd, &key, &columns)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return missing, nil
	case err != nil:
		return "", err
	case kind != "r" || persistence != "p":
		return "it is not an ordinary, logged table: its rows would not outlive a crash", nil
	case rls || odd:
		return "it has row-level security, triggers or rules: a row in it proves nothing", nil
	case !trusted:
		return fmt.Sprintf("it belongs to %s, who is neither this role nor the database's owner nor a superuser", clean(owner)), nil
	case !rights:
		return "the role lacks " + w.lacks + " on it", nil
	case key != w.key:
		return "its primary key is not " + strings.TrimPrefix(w.key, "PRIMARY KEY "), nil
	}
	var lacking []string
	for _, column := range w.columns {
		if !slices.Contains(columns, column) {
			lacking = append(lacking, column)
		}
	}
	if len(lacking) > 0 {
		return "it lacks columns: " + strings.Join(lacking, ", "), nil
	}
	return "", nil
}

// ledgerPatience is how long the ledger's lock is waited for: by now somebody
// who alters the ledger is in the way of every phase.
const ledgerPatience = 5 * time.Second

// unproven is the way out when the ledger would not prove a COMMIT.
const unproven = "the phase is rolled back, nothing of it happened: undo what was done to the ledger, then start the phase again"

// WriteLedger writes the row that proves the COMMIT, and reads it back. A
// second row of the same run and phase is refused by the primary key: no phase
// commits twice.
func (x *tx) WriteLedger(ctx context.Context, intent phases.CommitIntent) error {
	if err := x.alive(); err != nil {
		return err
	}
	if !intent.Ledger {
		return nil
	}
	err := x.holdLedger(ctx)
	if err == nil {
		err = x.insertLedger(ctx, intent)
	}
	x.proven = err == nil
	return fail(ctx, "write the ledger row of phase", intent.Phase, err)
}

// holdLedger makes sure that the ledger is still one that proves something: it
// may have been changed since Prepare. From here on its lock keeps it so.
func (x *tx) holdLedger(ctx context.Context) error {
	_, err := x.s.Exec(ctx, `SET LOCAL lock_timeout = '`+milliseconds(ledgerPatience)+`';
		LOCK TABLE tminus.ledger IN ROW EXCLUSIVE MODE;
		SET LOCAL lock_timeout = '`+milliseconds(x.spec.LockDeadline)+`'`)
	switch {
	case noLedger(err):
		return failf("use", "tminus.ledger", unproven, engine.ErrNoLedger)
	case err != nil:
		return err
	}
	problem, err := examineLedger(ctx, x.s)
	if err == nil && problem != "" {
		err = failf("use", "tminus.ledger", unproven, errors.New(problem))
	}
	return err
}

// insertLedger writes the row and reads it back: an INSERT that a trigger, a
// rule or row security swallowed or changed ends without an error.
func (x *tx) insertLedger(ctx context.Context, intent phases.CommitIntent) error {
	tag, err := x.s.Exec(ctx, `INSERT INTO tminus.ledger (run_id, phase, attempt, nonce, xid, operator, runbook_sha256)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		intent.RunID, intent.Phase, intent.Attempt, intent.Nonce, intent.Tx.Xid, intent.Operator, intent.Runbook)
	if err != nil {
		return err
	}
	if got := tag.String(); got != "INSERT 0 1" {
		return failf("insert into", "tminus.ledger", unproven,
			fmt.Errorf("the server answered %q instead of INSERT 0 1: the row was swallowed, and its COMMIT could not be proved", clean(got)))
	}
	row, err := readLedger(ctx, x.s, intent.RunID, intent.Phase)
	want := ledgerRow{found: true, nonce: intent.Nonce, xid: intent.Tx.Xid, attempt: intent.Attempt}
	switch {
	case err != nil:
		return err
	case !row.found:
		return failf("read back from", "tminus.ledger", unproven, errors.New("the row that was inserted is not there: its COMMIT could not be proved"))
	case row != want:
		return failf("read back from", "tminus.ledger", unproven,
			fmt.Errorf("the row is not the one that was inserted (attempt %d of transaction %s, was attempt %d of transaction %s, or another nonce): its COMMIT could not be proved",
				row.attempt, clean(row.xid), want.attempt, want.xid))
	}
	return nil
}

// noLedger reports whether the server says that there is none.
func noLedger(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "42P01" || pg.Code == "3F000")
}

// ledgerRow is what the ledger says of a phase.
type ledgerRow struct {
	found   bool
	nonce   string
	xid     string
	attempt int
}

func readLedger(ctx context.Context, s *session, run, phase string) (ledgerRow, error) {
	r := ledgerRow{found: true}
	err := s.QueryRow(ctx, `SELECT nonce, xid, attempt FROM tminus.ledger WHERE run_id = $1 AND phase = $2`, run, phase).
		Scan(&r.nonce, &r.xid, &r.attempt)
	if errors.Is(err, pgx.ErrNoRows) {
		return ledgerRow{}, nil
	}
	return r, err
}

// LedgerRows are what the ledger holds of a run.
func (t *Target) LedgerRows(ctx context.Context, runID string) ([]phases.LedgerRow, error) {
	if !t.book.Ledger {
		return nil, nil
	}
	var out []phases.LedgerRow
	err := t.control.with(ctx, func(s *session) error {
		rows, err := s.Query(ctx, `SELECT phase, attempt, nonce, xid, written_at FROM tminus.ledger WHERE run_id = $1`, runID)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[phases.LedgerRow])
		return err
	})
	if noLedger(err) {
		return nil, failf("read", "tminus.ledger", "see who dropped or renamed it", engine.ErrNoLedger)
	}
	return out, fail(ctx, "read the ledger of run", runID, err)
}
