package db

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/catalog"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/schema"
)

// lockPatience is the deadline for a phase's locks when the spec has none.
const lockPatience = 30 * time.Second

// tx is one phase's transaction.
type tx struct {
	t      *Target
	s      *session
	spec   engine.TxSpec
	id     phases.TxID
	cat    *schema.Named
	before map[uint32]phases.Touched // what the session wrote before, by relation
	left   surroundings              // that the last statement left; nil: the runbook's
	proven bool                      // the ledger's row has been written
	done   bool
	k      *keeping         // its capsule; nil before the locks, and when nothing is kept
	others *session         // sees the rows as others do, for the capsule; nil when nothing is kept
	blocks map[uint32]int64 // of the relations that the phase deletes from; nil when not measured

	first map[int][]*schema.Key // by step: the keys whose rows go before its own; nil before that was proven

	ran     int          // steps that were begun
	indexed bool         // the indexes for its foreign keys were made, where there are any
	indexes []phaseIndex // those that are there
	swept   swept        // what the last TRUNCATE in the place of deletes took
	taken   []counted    // by all of them: rows that the server does not count
	again   []takenKey   // foreign keys that were taken out for them and put back
}

var _ engine.Tx = (*tx)(nil)

// Begin opens a phase's transaction, looks that its session is the armoured
// one, and takes the lock that keeps a second run's phases out. The session
// stays open between phases: a connection limit of 0 may be set by then.
func (t *Target) Begin(ctx context.Context, spec engine.TxSpec) (engine.Tx, error) {
	if spec.LockDeadline <= 0 {
		spec.LockDeadline = lockPatience
	}
	s, err := t.phase.take(ctx)
	if err != nil {
		return nil, fail(ctx, "begin phase", phaseID(spec), err)
	}
	x := &tx{t: t, s: s, spec: spec, before: map[uint32]phases.Touched{}}
	if spec.Capsule != "" { // now, while one is to be had
		x.others, err = t.checks.take(ctx)
	}
	if err == nil {
		err = x.begin(ctx)
	}
	if err != nil {
		_ = x.Rollback(ctx)
		return nil, fail(ctx, "begin phase", phaseID(spec), err)
	}
	return x, nil
}

func phaseID(spec engine.TxSpec) string {
	if spec.Phase == nil {
		return ""
	}
	return spec.Phase.ID
}

func (x *tx) begin(ctx context.Context) error {
	start := `BEGIN ISOLATION LEVEL READ COMMITTED`
	if x.spec.ReadOnly {
		start = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	}
	if _, err := x.s.Exec(ctx, start); err != nil {
		return err
	}
	// First of all: what the session counted before this transaction.
	before, err := x.readCounted(ctx)
	if err != nil {
		return err
	}
	for _, c := range before {
		x.before[c.oid] = c.Touched
	}
	if !x.spec.ReadOnly {
		if err := writable(ctx, x.s); err != nil {
			return err
		}
	}
	if !x.spec.ReadOnly {
		var got bool
		err := x.s.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1::int, $2::int), pg_current_xact_id()::text`, lockSpace, phaseLock).
			Scan(&got, &x.id.Xid)
		if err != nil {
			return err
		}
		if !got {
			return lockedBy(ctx, x.s, phaseLock, "the phase lock")
		}
	}
	if err := x.pin(ctx); err != nil {
		return err
	}
	x.id.PID, x.id.BackendStart = x.s.pid, x.s.started
	tables, err := catalog.ReadTables(ctx, x.s)
	if err == nil {
		x.cat = schema.Name(tables, x.t.book)
	}
	return err
}

// pin sets what the transaction relies on, and looks that it holds in the very
// session that runs it. From here on it has the runbook's surroundings, for its SQL
// and for what that calls; no time may be read in them, which is written in any style.
func (x *tx) pin(ctx context.Context) error {
	var pid uint32
	var rowSecurity, counts, role string
	err := x.s.QueryRow(ctx, `SELECT set_config('row_security', 'off', true), pg_backend_pid(),
			set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)
			|| (SELECT count(set_config(name, setting, true)) FROM `+surroundingItems+`) || set_config('statement_timeout', '0', true)
			|| set_config('idle_in_transaction_session_timeout', '0', true) || set_config('lock_timeout', $3, true),
			current_setting('track_counts'), current_setting('session_replication_role')`,
		surroundingNames, []string(x.s.runbooks(x.t.book)), milliseconds(x.spec.LockDeadline)).Scan(&rowSecurity, &pid, nil, &counts, &role)
	switch {
	case err != nil:
		return err
	case pid != x.s.pid:
		return x.t.poolerError("the session changed under the connection")
	case rowSecurity != "off" || role != "origin":
		return errors.New("the session's settings do not hold: row_security must be off and session_replication_role origin")
	case counts != "on":
		return failf("look at", "track_counts", "set track_counts = on",
			errors.New("the server does not count rows, so what a phase touches cannot be verified"))
	}
	return nil
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%dms", max(d.Milliseconds(), 1)) }

// ID names the transaction.
func (x *tx) ID() phases.TxID { return x.id }

// Lock locks the phase's tables against writers, all or none.
func (x *tx) Lock(ctx context.Context, waiting func(phases.LockWait)) error {
	if err := x.alive(); err != nil {
		return err
	}
	var names []string
	for _, table := range x.spec.LockTables {
		r := x.cat.Find(table)
		if r == nil {
			return failf("lock table", table, hints["42P01"], errMissing)
		}
		names = append(names, sqlName(r))
	}
	if len(names) == 0 {
		return x.keepEarly(ctx)
	}
	if err := x.t.lockTables(ctx, x.s, againstWriters, names, x.spec.LockTables, x.spec.LockDeadline, waiting); err != nil {
		return err
	}
	// Rows that others hold are waited for as long, and no longer.
	_, err := x.s.Exec(ctx, `SELECT set_config('lock_timeout', $1, true)`, milliseconds(x.spec.LockDeadline))
	if err != nil {
		return fail(ctx, "lock the tables of phase", phaseID(x.spec), err)
	}
	return x.keepEarly(ctx)
}

func (x *tx) alive() error {
	if x.done {
		return failf("use the transaction of phase", phaseID(x.spec), "", ErrTxDone)
	}
	return nil
}

// oneStatement runs SQL of the runbook's. pgx sends a statement without
// arguments by the simple protocol, which takes several.
func oneStatement(ctx context.Context, s *session, sql string) (*pgconn.Result, error) {
	result := s.PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	return result, result.Err
}

// SettleConstraints makes deferred constraints fail here rather than in COMMIT.
func (x *tx) SettleConstraints(ctx context.Context) error {
	if err := x.alive(); err != nil {
		return err
	}
	op, subject := "check deferred constraints of phase", phaseID(x.spec)
	if err := x.leaveSurroundings(ctx); err != nil {
		return fail(ctx, op, subject, err)
	}
	err := x.t.long(ctx, x.s, func(ctx context.Context, l long) error {
		_, err := l.one(ctx, `SET CONSTRAINTS ALL IMMEDIATE`)
		return err
	})
	if err == nil {
		err = x.takeSurroundings(ctx)
	}
	return fail(ctx, op, subject, err)
}

// Fingerprint gives count and content as the transaction sees them.
func (x *tx) Fingerprint(ctx context.Context, table string) (phases.Fingerprint, error) {
	if err := x.alive(); err != nil {
		return phases.Fingerprint{}, err
	}
	r := x.cat.Find(table)
	if r == nil {
		return phases.Fingerprint{}, failf("fingerprint", table, hints["42P01"], errMissing)
	}
	// With the surroundings of the baseline, or the name of a type and a time would
	// be written in two ways.
	if err := x.s.surround(ctx, programs); err != nil {
		return phases.Fingerprint{}, fail(ctx, "fingerprint", table, err)
	}
	out, err := x.t.fingerprint(ctx, x.s, r, table)
	if err != nil {
		return phases.Fingerprint{}, err
	}
	return out, fail(ctx, "fingerprint", table, x.s.surround(ctx, x.s.runbooks(x.t.book)))
}

// holdSlack is how much longer than a hold its session may be idle: what comes
// between its end and COMMIT is done in it.
const holdSlack = time.Minute

// Hold implements engine.Tx. Before it, the session is idle for as long as the other
// one writes the capsule.
func (x *tx) Hold(ctx context.Context, limit time.Duration) error {
	if err := x.alive(); err != nil {
		return err
	}
	idle := min(limit+holdSlack, math.MaxInt32*time.Millisecond) // the setting's own limit
	_, err := x.s.Exec(ctx, `SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', $1, true)`, milliseconds(idle))
	return fail(ctx, "limit how long a hold may be idle, in phase", phaseID(x.spec), err)
}

// Commit sends COMMIT. The transaction is over then, whatever came of it.
func (x *tx) Commit(ctx context.Context) engine.CommitResult {
	if err := x.alive(); err != nil {
		return engine.CommitResult{Outcome: engine.NotCommitted, Err: err}
	}
	out := commit(ctx, x.s)
	x.end(ctx)
	return out
}

// Rollback ends the transaction without effect.
func (x *tx) Rollback(ctx context.Context) error {
	if x.done {
		return nil
	}
	if x.end(ctx) {
		x.t.endLost(ctx, x.s)
	}
	return nil
}

// end rolls back what is open and gives the session back. A session that does
// not answer is closed, which rolls back as well; it says so.
func (x *tx) end(ctx context.Context) (lost bool) {
	x.done = true
	rollback(ctx, x.s)
	lost = x.s.IsClosed()
	x.t.phase.give(x.s)
	if x.others != nil {
		if x.k != nil {
			_ = x.k.abandon() // Drop removes what it could not
		}
		rollback(ctx, x.others)
		x.t.checks.give(x.others)
	}
	return lost
}
