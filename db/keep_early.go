package db

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"tminus/db/capsule"
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
	for _, name := range append(names, x.spec.Phase.Zero...) {
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

// settleEarly waits for what is written early, and takes over what holds.
func (k *keeping) settleEarly() error {
	e := k.early
	if e == nil {
		return nil
	}
	<-e.done
	if e.err != nil {
		return e.err
	}
	for oid, had := range e.tables {
		i := slices.IndexFunc(k.tables, func(t *keptTable) bool { return t.oid == oid })
		stream := had.Streams[capsule.Gone]
		if i >= 0 && k.tables[i].did.Updated+k.tables[i].did.Inserted == 0 && k.tables[i].did.Deleted == stream.Rows {
			k.tables[i].Streams, k.tables[i].whole = had.Streams, true
			continue
		}
		if err := k.w.Discard(stream); err != nil {
			return err
		}
	}
	return nil
}

// stopEarly ends what is under way, and waits for its end.
func (k *keeping) stopEarly() {
	if k.early != nil {
		k.early.cancel()
		<-k.early.done
	}
}
