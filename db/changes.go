package db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
)

// Effects implements engine.Tx. Everything that DDL does is rows of the
// system's catalogs, which the server counts like any others, and locks, which
// are held to the end. When neither shows anything, rows of tables are all
// there is. Else the catalogs are looked at closely: see catalogLook.
func (x *tx) Effects(ctx context.Context) (phases.Effects, error) {
	if err := x.alive(); err != nil {
		return phases.Effects{}, err
	}
	op, subject := "look at what was changed in phase", phaseID(x.spec)
	if x.s.PgConn().TxStatus() == 'I' {
		return phases.Effects{}, failf(op, subject, noTransactionControl, errors.New("a statement ended the transaction"))
	}
	e, err := x.readEvidence(ctx)
	if err != nil {
		return phases.Effects{}, fail(ctx, op, subject, err)
	}
	if err := x.keysHold(ctx); err != nil {
		return phases.Effects{}, fail(ctx, op, subject, err)
	}
	out := phases.Effects{Rows: x.byTable(e.rows)}
	if len(e.written)+len(e.locks) == 0 {
		return out, nil
	}
	err = x.t.control.with(ctx, func(others *session) error {
		l := &catalogLook{x: x, others: others, evidence: e}
		out.Changes, err = l.look(ctx)
		return err
	})
	if err != nil {
		return phases.Effects{}, fail(ctx, op, subject, err)
	}
	slices.SortFunc(out.Changes, func(a, b phases.Change) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Kind, b.Kind))
	})
	out.Changes = slices.Compact(out.Changes)
	return out, nil
}

const noTransactionControl = "take transaction control out of the runbook"

const armourQuery = `SELECT coalesce(pg_current_xact_id_if_assigned()::text, ''), current_setting('row_security'),
	current_setting('session_replication_role'), current_setting('track_counts'), current_setting('synchronous_commit')`

// armoured looks that the session still is in the phase's transaction, and
// that nothing took off what verification relies on. The row is armourQuery's.
func (x *tx) armoured(row pgx.Row) error {
	op, subject := "check the session of phase", phaseID(x.spec)
	var xid, rowSecurity, role, counts, durable string
	err := row.Scan(&xid, &rowSecurity, &role, &counts, &durable)
	switch {
	case err != nil:
		return err
	case x.id.Xid != "" && xid != x.id.Xid:
		return failf(op, subject, noTransactionControl, errors.New("a statement ended the transaction and began another"))
	case durable != "on" && durable != "remote_apply":
		return failf(op, subject, "take it out of the triggers and functions that the phase calls, or disable them",
			errors.New("a statement changed synchronous_commit: a crash could lose the COMMIT after it was answered"))
	case rowSecurity != "off" || role != "origin" || counts != "on":
		return failf(op, subject, "take the SET out of the runbook, and out of the triggers and functions that it calls",
			errors.New("a statement changed row_security or session_replication_role or track_counts"))
	}
	return nil
}

// heldLock is a lock of the transaction's own that DDL takes, or a write to a
// foreign table.
type heldLock struct {
	class, object uint32
	foreign       bool
}

// evidence is what shows, at little cost, whether the transaction did anything
// beside rows of tables.
type evidence struct {
	rows    []counted // tables
	written []counted // catalogs
	locks   []heldLock
}

// unread are catalogs with the planner's statistics: ANALYZE fills them, and
// they are neither content nor definition.
func unread(catalog string) bool {
	return catalog == "pg_statistic" || catalog == "pg_statistic_ext_data"
}

const heldLocksQuery = `SELECT DISTINCT coalesce(l.classid, 'pg_class'::regclass), coalesce(l.relation, l.objid), coalesce(c.relkind = 'f', false)
FROM pg_locks l LEFT JOIN pg_class c ON l.locktype = 'relation' AND c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND l.granted AND l.locktype IN ('relation', 'object')
	AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
	AND (l.mode = 'AccessExclusiveLock' AND coalesce(c.relpersistence <> 't', true)
		OR l.mode = 'RowExclusiveLock' AND c.relkind = 'f')
ORDER BY 1, 2`

// readEvidence asks for all of it in one exchange: it is on the way of every
// phase, several times.
func (x *tx) readEvidence(ctx context.Context) (evidence, error) {
	var e evidence
	var ask pgx.Batch
	ask.Queue(takeQuery, surroundingNames, []string(x.s.runbooks(x.t.book))).Query(x.took)
	ask.Queue(armourQuery).QueryRow(x.armoured)
	ask.Queue(countedQuery).Query(func(rows pgx.Rows) error {
		all, err := x.count(rows)
		for _, n := range all {
			switch {
			case !n.catalog:
				e.rows = append(e.rows, n)
			case !unread(n.name):
				e.written = append(e.written, n)
			}
		}
		return err
	})
	ask.Queue(heldLocksQuery).Query(func(rows pgx.Rows) error {
		var l heldLock
		_, err := pgx.ForEachRow(rows, []any{&l.class, &l.object, &l.foreign}, func() error {
			e.locks = append(e.locks, l)
			return nil
		})
		return err
	})
	return e, x.s.Batch(ctx, &ask)
}

// byCount is the change of a catalog whose rows are not looked at: the server
// counted what was written, and that is all there is to say.
func byCount(n counted) phases.Change {
	object := "system catalog " + n.name
	if n.name == "pg_largeobject" {
		object = "the content of large objects"
	}
	return phases.Change{
		Kind: phases.ChangeAltered, Object: object,
		Detail: fmt.Sprintf("%d inserted, %d updated, %d deleted of %s", n.Inserted, n.Updated, n.Deleted, n.name),
	}
}

// locked gives the locks that no finding explains. A relation that is locked
// and gone, of which no catalog tells, was made and dropped within.
func (l *catalogLook) locked(found []*finding) []phases.Change {
	told, toldTable := map[uint32]bool{}, map[string]bool{}
	tell := func(relation uint32) {
		told[relation], told[l.root(relation)] = true, true
		toldTable[l.table(relation)], toldTable[l.table(l.root(relation))] = true, true
	}
	for _, f := range found {
		if f.relation != 0 {
			tell(f.relation)
		}
	}
	// A table speaks for its indexes.
	locks := slices.Clone(l.locks)
	slices.SortStableFunc(locks, func(a, b heldLock) int {
		return cmp.Compare(l.root(a.object)^a.object, l.root(b.object)^b.object)
	})
	var out []phases.Change
	for _, lock := range locks {
		r := l.relations[lock.object]
		if lock.class != classRelation || r == nil || r.temporary {
			continue
		}
		c := l.names[address{class: classRelation, object: lock.object}]
		c.Kind, c.Table = phases.ChangeLocked, l.table(l.root(lock.object))
		switch {
		case lock.foreign:
			c.Kind = phases.ChangeUnseen
		case told[lock.object] || toldTable[c.Table]:
			continue
		}
		tell(lock.object)
		out = append(out, c)
	}
	return out
}
