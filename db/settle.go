package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
	"tminus/phases/engine"
)

// settlePatience bounds one look at a COMMIT in doubt, connecting included.
const settlePatience = 10 * time.Second

// Settle looks once whether an intended COMMIT happened, on a new connection.
//
// The order of the questions matters. The backend is looked at before the
// ledger is read for the last time: once it no longer holds the transaction,
// whatever it did is visible, so a COMMIT cannot slip in between.
func (t *Target) Settle(ctx context.Context, intent phases.CommitIntent) (engine.Settlement, error) {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	var out engine.Settlement
	err := t.visit(ctx, func(s *session) (err error) {
		out, err = t.settle(ctx, s, intent)
		return err
	})
	return out, fail(ctx, "settle the COMMIT of phase", intent.Phase, err)
}

func (t *Target) settle(ctx context.Context, s *session, intent phases.CommitIntent) (engine.Settlement, error) {
	now, err := t.identify(ctx, s)
	if err != nil {
		return engine.Settlement{}, err
	}
	differs, known := compareIdentity(intent.Identity, now)
	if differs != "" {
		return unknowable("the server that answers is not the one that was asked to COMMIT: %s", differs), nil
	}
	var recovering bool
	if err := s.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&recovering); err != nil {
		return engine.Settlement{}, err
	}
	if recovering {
		return unknowable("the server that answers is in recovery, and may not have the COMMIT yet"), nil
	}
	running, err := stillRuns(ctx, s, intent.Tx)
	if err != nil {
		return engine.Settlement{}, err
	}
	if running {
		return engine.Settlement{
			Outcome: engine.SettleInProgress,
			Detail:  fmt.Sprintf("session %d still holds transaction %s: its outcome is open", intent.Tx.PID, clean(intent.Tx.Xid)),
		}, nil
	}
	if !intent.Ledger {
		return unknowable("the transaction has ended, and without a ledger nothing proves how: compare the tables' counts with the execution log"), nil
	}
	row, err := readLedger(ctx, s, intent.RunID, intent.Phase)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.Code == "42P01" || pg.Code == "3F000" || pg.Code == "42501" || pg.Code == "42703") {
		return unknowable("the ledger cannot be read (%s): compare the tables' counts with the execution log", clean(pg.Message)), nil
	}
	switch {
	case err != nil:
		return engine.Settlement{}, err
	case row.found && row.nonce == intent.Nonce:
		return engine.Settlement{Outcome: engine.SettledCommitted, Detail: "the ledger has the phase's row" + known}, nil
	case row.found:
		return unknowable("the ledger has a row of this phase, but of attempt %d, transaction %s: another attempt was committed", row.attempt, clean(row.xid)), nil
	case intent.Identity.LedgerOID != 0 && intent.Identity.LedgerOID != now.LedgerOID:
		// An empty ledger that was made since then proves nothing.
		return unknowable("the ledger is not the one that the transaction wrote to (OID %d, was %d): it was dropped, renamed or made anew; compare the tables' counts with the execution log", now.LedgerOID, intent.Identity.LedgerOID), nil
	case copied(intent.Identity, now):
		return unknowable("the ledger has no row of it, but this may be a copy of the server: it was started at %s, after COMMIT was sent, and is reached at %s:%d, which was %s:%d; ask at the address of then",
			now.ServerStart.UTC().Format(time.DateTime)+" UTC", now.Host, now.Port, clean(intent.Identity.Host), intent.Identity.Port), nil
	}
	return engine.Settlement{
		Outcome: engine.SettledNotCommitted,
		Detail:  "the transaction has ended, and the ledger has no row of it" + known,
	}, nil
}

func unknowable(format string, args ...any) engine.Settlement {
	return engine.Settlement{Outcome: engine.SettleUnknowable, Detail: fmt.Sprintf(format, args...)}
}

// compareIdentity says how two servers differ, and, when they don't, what
// could not be compared.
func compareIdentity(was, now phases.Identity) (differs, unknown string) {
	switch {
	case was.SystemIdentifier != "" && now.SystemIdentifier != "" && was.SystemIdentifier != now.SystemIdentifier:
		return fmt.Sprintf("system identifier %s, was %s", now.SystemIdentifier, was.SystemIdentifier), ""
	case was.Timeline != 0 && now.Timeline != 0 && was.Timeline != now.Timeline:
		return fmt.Sprintf("timeline %d, was %d: a standby was promoted, or a backup restored", now.Timeline, was.Timeline), ""
	case was.Database != now.Database || was.DatabaseOID != now.DatabaseOID:
		return fmt.Sprintf("database %s (OID %d), was %s (OID %d)", clean(now.Database), now.DatabaseOID, clean(was.Database), was.DatabaseOID), ""
	case now.Behind(was.WAL):
		return fmt.Sprintf("its WAL ends at %s, and the run saw it at %s: a restore, or a copy from before", now.WAL, was.WAL), ""
	}
	var missing []string
	if was.SystemIdentifier == "" || now.SystemIdentifier == "" {
		missing = append(missing, "system identifier")
	}
	if was.Timeline == 0 || now.Timeline == 0 {
		missing = append(missing, "timeline")
	}
	if len(missing) == 0 {
		return "", ""
	}
	return "", " (the role may not read the server's " + strings.Join(missing, " and ") + ": only database and OID were compared)"
}

// copied reports whether what answers may be a copy of the server that was
// asked: a server that was merely restarted is found where it was.
func copied(was, now phases.Identity) bool {
	return now.ServerStart.After(was.ServerStart) && (now.Host != was.Host || now.Port != was.Port)
}

// stillRuns reports whether the transaction is still open in its backend. A
// backend holds a lock on its own transaction's ID for as long as it runs, and
// every role sees that in pg_locks; a pid alone may be somebody else's by now,
// or idle in a pool.
func stillRuns(ctx context.Context, s *session, id phases.TxID) (bool, error) {
	xid, err := strconv.ParseUint(id.Xid, 10, 64)
	if err != nil {
		return false, fmt.Errorf("transaction ID %q: %w", clean(id.Xid), err)
	}
	var running bool
	// pg_locks has the low half of the 64 bits. After a crash the ID is given
	// out again, to a backend that started later.
	err = s.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
		AND l.transactionid::text = $1 AND l.pid = $2::int
		AND (a.backend_start IS NULL OR $3::timestamptz <= 'epoch' OR a.backend_start = $3::timestamptz))`,
		strconv.FormatUint(xid&0xffffffff, 10), int32(id.PID), id.BackendStart).Scan(&running)
	return running, err
}
