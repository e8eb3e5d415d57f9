package db

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"tminus/db/capsule"
	"tminus/phases"
	"tminus/phases/schema"
)

// early writes out tables while the phase deletes from them: those that must be
// empty at its end, and that nobody else can write to since they are locked. The
// other session sees all of their rows all the while. What it has of a table
// counts when the server has counted exactly as many deleted rows of it, and
// nothing else; if not, the table is written again from what bears the
// transaction's number. So a second core does what the phase would wait for.
type early struct {
	cancel context.CancelFunc
	done   chan struct{}
	tables map[uint32]*keptTable // written; to be read after done is closed
	err    error                 // what keeps all of it from being written; the same
}

// keepEarly begins. The caller holds the locks.
func (x *tx) keepEarly(ctx context.Context) error {
	if x.others == nil {
		return nil
	}
	x.k = &keeping{x: x, others: x.others}
	if err := x.k.create(); err != nil {
		return fail(ctx, "write the capsule of phase", phaseID(x.spec), err)
	}
	var oids []uint32
	for _, r := range x.emptied() {
		oids = append(oids, r.OID)
	}
	if len(oids) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e := &early{cancel: cancel, done: make(chan struct{}), tables: map[uint32]*keptTable{}}
	x.k.early = e
	go func() { // ends with its tables, or with end, which waits for it
		defer close(e.done)
		e.err = x.k.writeEarly(ctx, e, oids)
	}()
	return nil
}

// emptied are the relations that the phase has to leave empty.
func (x *tx) emptied() []*schema.Relation {
	var names []string
	for _, s := range x.spec.Phase.Steps {
		if s.Delete != "" && s.Where == "" {
			names = append(names, s.Delete)
		}
	}
	var out []*schema.Relation
	names = append(names, x.spec.Phase.Zero...)
	if x.spec.Ways != nil {
		for _, s := range x.spec.Ways.Sweeps {
			names = append(names, s.Also...)
		}
	}
	for _, name := range names {
		r := x.cat.Find(name)
		if r == nil || !slices.Contains(x.spec.LockTables, name) {
			continue
		}
		for _, part := range x.cat.Schema.Tree(r) {
			if part.Kind == schema.Ordinary && part.Method == "heap" && !slices.Contains(out, part) {
				out = append(out, part)
			}
		}
	}
	return out
}

func (k *keeping) writeEarly(ctx context.Context, e *early, oids []uint32) error {
	if err := k.snapshot(ctx); err != nil {
		return err
	}
	// Whoever has read a table is in the way of a statement that gives it another
	// file.
	defer rollback(ctx, k.others)
	rows, err := k.others.Query(ctx, `SELECT oid FROM unnest($1::oid[]) WITH ORDINALITY AS t(oid, at) WHERE pg_relation_size(oid) > 0 ORDER BY at`, oids)
	if err == nil {
		oids, err = pgx.CollectRows(rows, pgx.RowTo[uint32])
	}
	if err != nil {
		return err
	}
	found, err := k.describe(ctx, oids)
	if err != nil {
		return err
	}
	for _, oid := range oids { // in the order in which they go
		i := slices.IndexFunc(found, func(t *keptTable) bool { return t.oid == oid })
		if i < 0 {
			continue
		}
		if err := k.copy(ctx, found[i], k.others, capsule.Gone, "true"); err != nil {
			return err
		}
		e.tables[oid] = found[i]
	}
	return nil
}

// beforeTruncate writes tables out that a statement is about to give another file:
// from then on nobody can read their rows any more.
func (k *keeping) beforeTruncate(ctx context.Context, tables []string) error {
	if k.early == nil {
		k.early = &early{cancel: func() {}, done: make(chan struct{}), tables: map[uint32]*keptTable{}}
		close(k.early.done)
	}
	<-k.early.done
	if k.early.err != nil {
		return k.early.err
	}
	// The rows are still those of before the phase: nobody else could write to them.
	if err := k.snapshot(ctx); err != nil {
		return err
	}
	defer rollback(ctx, k.others)
	var oids []uint32
	for _, name := range tables {
		r := k.x.cat.Find(name)
		if r == nil {
			continue
		}
		for _, part := range k.x.cat.Schema.Tree(r) {
			// describe refuses those whose rows cannot be told apart.
			if k.early.tables[part.OID] == nil && part.Kind == schema.Ordinary {
				oids = append(oids, part.OID)
			}
		}
	}
	found, err := k.describe(ctx, oids)
	if err != nil {
		return err
	}
	for _, t := range found {
		if err := k.copy(ctx, t, k.others, capsule.Gone, "true"); err != nil {
			return err
		}
		k.early.tables[t.oid] = t
	}
	return nil
}

// hasEarly reports whether a table was written out early: the very one that a change
// names, since partitions have one name in the runbook. It is asked of the session that
// gave the name: the phase may have renamed it.
func (k *keeping) hasEarly(ctx context.Context, c phases.Change) (bool, error) {
	if k.early == nil || c.Type != phases.TypeTable {
		return false, nil
	}
	<-k.early.done // it has the other session until then
	var oid uint32
	err := k.x.s.QueryRow(ctx, `SELECT coalesce(to_regclass($1)::oid, 0)`, c.Identity).Scan(&oid)
	return err == nil && k.early.tables[oid] != nil, err
}

// settleEarly takes over what holds of what was written early.
func (k *keeping) settleEarly(ctx context.Context) error {
	e := k.early
	if e == nil {
		return nil
	}
	if e.err != nil {
		return e.err
	}
	for _, oid := range slices.Sorted(maps.Keys(e.tables)) {
		had := e.tables[oid]
		emptied, err := k.truncated(ctx, oid)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(k.tables, func(t *keptTable) bool { return t.oid == oid })
		if emptied {
			if i >= 0 {
				k.tables = slices.Delete(k.tables, i, i+1)
			}
			had.whole = true
			k.tables = append(k.tables, had)
			if err := k.copy(ctx, had, k.x.s, capsule.Added, "true"); err != nil {
				return err
			}
			continue
		}
		stream := had.Streams[capsule.Gone]
		if i >= 0 && k.tables[i].did.Updated+k.tables[i].did.Inserted == 0 && k.tables[i].did.Deleted == stream.Rows {
			k.tables[i].Streams, k.tables[i].whole = had.Streams, true
			continue
		}
		if err := k.w.Discard(stream); err != nil {
			return err
		}
		k.state.Rows -= stream.Rows
	}
	return nil
}

// truncated reports whether a table has another file for the phase than for the
// others.
func (k *keeping) truncated(ctx context.Context, oid uint32) (bool, error) {
	var files [2]uint32
	for i, s := range []*session{k.others, k.x.s} {
		if err := s.QueryRow(ctx, `SELECT coalesce(pg_relation_filenode($1::oid::regclass), 0)`, oid).Scan(&files[i]); err != nil {
			return false, err
		}
	}
	return files[0] != files[1], nil
}

// stopEarly ends what is under way, and waits for its end.
func (k *keeping) stopEarly() {
	if k.early != nil {
		k.early.cancel()
		<-k.early.done
	}
}

// gone is how many rows of a table were written out as gone.
func (t *keptTable) gone() int64 { return t.Streams[capsule.Gone].Rows }
