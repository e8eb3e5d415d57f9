package db

import (
	"context"
	"errors"
	"maps"
	"slices"

	"tminus/phases"
)

// writeAhead writes what the transaction did by now to tables that it is about to lock
// against all others: from then on the other session cannot read them. Nothing may be
// done to their rows after that; those that were written ahead before are not read again.
func (k *keeping) writeAhead(ctx context.Context, oids []uint32) error {
	counts, err := k.x.readCounted(ctx)
	if err != nil {
		return err
	}
	did := map[uint32]phases.Touched{}
	for _, n := range counts {
		if slices.Contains(oids, n.oid) && !slices.ContainsFunc(k.ahead, func(had *keptTable) bool { return had.oid == n.oid }) {
			did[n.oid] = n.Touched
		}
	}
	if len(did) == 0 {
		return nil
	}
	if k.early != nil {
		<-k.early.done // it has the other session until then
		if k.early.err != nil {
			return k.early.err
		}
	}
	if err := k.snapshot(ctx); err != nil {
		return err
	}
	defer rollback(ctx, k.others) // whoever has read a table is in the way of such a lock
	found, err := k.describe(ctx, slices.Sorted(maps.Keys(did)))
	if err != nil {
		return err
	}
	if err := k.x.s.surround(ctx, programs); err != nil {
		return err
	}
	for _, t := range found {
		t.did = did[t.oid]
		if err := k.table(ctx, t); err != nil {
			return fail(ctx, "keep the rows of", t.Called, err)
		}
		k.ahead = append(k.ahead, t)
	}
	return k.x.s.surround(ctx, k.x.s.runbooks(k.x.t.book))
}

// settleAhead takes over what was written ahead.
func (k *keeping) settleAhead() error {
	for _, had := range k.ahead {
		i := slices.IndexFunc(k.tables, func(t *keptTable) bool { return t.oid == had.oid })
		if i < 0 || k.tables[i].did != had.did {
			return failf("keep the rows of", had.Called, noKeep, errors.New("they were changed after they were written out, and cannot be read any more as they were"))
		}
		k.tables[i].Streams, k.tables[i].whole = had.Streams, true
	}
	return nil
}
