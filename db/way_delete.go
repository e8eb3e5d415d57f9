package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tminus/phases/schema"
)

// fewBlocks is what goes by one statement: there is no share of it to tell.
const fewBlocks = 16

// deleteByRanges deletes by block ranges where that gives the same result as
// one DELETE, else by one DELETE.
func deleteByRanges(ctx context.Context, d *deletion, r *schema.Relation) error {
	leaves, err := d.ranged(ctx, r)
	if err != nil {
		return err
	}
	if leaves == nil {
		return deleteAtOnce(ctx, d, r)
	}
	// One watch for all of a step: its ranges are many and short.
	return d.x.long(ctx, func(ctx context.Context, l long) error {
		d.l = l
		return d.byRanges(ctx, leaves)
	})
}

// leaf is a relation that holds rows, with its size.
type leaf struct {
	*schema.Relation
	blocks int64
}

// byRanges deletes leaf by leaf, range by range, and sweeps what the transaction wrote
// to meanwhile: a cascade or a trigger of the delete itself may have moved rows back.
// Nobody else could: the table is locked.
func (d *deletion) byRanges(ctx context.Context, leaves []leaf) error {
	for _, l := range leaves {
		d.state.BlocksTotal += l.blocks
	}
	before, err := d.written(ctx, leaves)
	if err != nil {
		return err
	}
	if err := d.report(ctx); err != nil {
		return err
	}
	for i := range leaves {
		if err := d.leaf(ctx, &leaves[i]); err != nil {
			return err
		}
	}
	after, err := d.written(ctx, leaves)
	if err != nil {
		return err
	}
	for i := range leaves {
		// One that was swept may have moved rows of those that come after it.
		if oid := leaves[i].OID; d.swept || after[oid].put != before[oid].put {
			if err := d.sweep(ctx, &leaves[i]); err != nil {
				return err
			}
		}
	}
	if d.itself {
		d.state.Deleted = 0
		if after, err = d.written(ctx, leaves); err != nil {
			return err
		}
		for oid, n := range after {
			d.state.Deleted += n.deleted - before[oid].deleted
		}
	}
	return d.report(ctx)
}

// written is what the transaction did to a leaf, as the server counts it.
type written struct{ put, deleted int64 } // row versions inserted or updated; rows deleted

// written asks what the transaction has done to each leaf so far.
func (d *deletion) written(ctx context.Context, leaves []leaf) (map[uint32]written, error) {
	var oids []uint32
	for _, l := range leaves {
		oids = append(oids, l.OID)
	}
	out := map[uint32]written{}
	var oid uint32
	var n written
	rows, err := d.x.s.Query(ctx, `SELECT oid, pg_catalog.pg_stat_get_xact_tuples_inserted(oid) OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(oid),
		pg_catalog.pg_stat_get_xact_tuples_deleted(oid) FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS oid`, oids)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&oid, &n.put, &n.deleted}, func() error {
			out[oid] = n
			return nil
		})
	}
	return out, err
}

// leaf deletes from a relation to its end, and once more to what that is by then:
// what the delete itself moved, it moved there.
func (d *deletion) leaf(ctx context.Context, l *leaf) error {
	var p pace
	from := int64(0)
	for range 2 {
		for from < l.blocks {
			to := min(from+p.next(), l.blocks)
			n, err := d.stepOf(ctx, &p, l, from, to, true)
			if err != nil {
				return err
			}
			d.state.Deleted += n
			d.state.BlocksDone += to - from
			from = to
			if err := d.report(ctx); err != nil {
				return err
			}
		}
		if err := d.grown(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// sweep looks for rows that are there still, by ranges too: there may be none in a
// million blocks. Where it finds any, what took them may have moved others: one
// statement is the last word.
func (d *deletion) sweep(ctx context.Context, l *leaf) error {
	var found int64
	p := pace{empty: true}
	for from := int64(0); from < l.blocks || from == 0; {
		to := from + p.next()
		n, err := d.stepOf(ctx, &p, l, from, to, to < l.blocks)
		if err != nil {
			return err
		}
		found, from = found+n, to
		d.state.Deleted += n
		if err := d.report(ctx); err != nil {
			return err
		}
	}
	if found == 0 {
		return nil
	}
	d.swept = true
	sql := `DELETE FROM ONLY ` + sqlName(l.Relation) + d.called(l.Relation)
	if d.where != "" {
		sql += "\nWHERE (" + d.where + "\n)"
	}
	result, err := d.l.one(ctx, sql)
	if err != nil {
		return err
	}
	d.state.Deleted += result.CommandTag.RowsAffected()
	return nil
}

// grown asks how large a relation is by now.
func (d *deletion) grown(ctx context.Context, l *leaf) error {
	var now int64
	sql := fmt.Sprintf(`SELECT pg_catalog.pg_relation_size('%d'::pg_catalog.oid::pg_catalog.regclass) OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::pg_catalog.int8`, l.OID)
	if err := d.l.scan(ctx, sql, &now); err != nil {
		return err
	}
	d.state.BlocksTotal += max(0, now-l.blocks)
	l.blocks = max(l.blocks, now)
	return nil
}

// stepOf deletes one range, and tells the pace.
func (d *deletion) stepOf(ctx context.Context, p *pace, l *leaf, from, to int64, bounded bool) (int64, error) {
	began := time.Now()
	n, err := d.blocks(ctx, l, from, to, bounded)
	p.took(to-from, n, time.Since(began))
	return n, err
}

// blocks deletes the rows of blocks [from, to), or of all from there on.
func (d *deletion) blocks(ctx context.Context, l *leaf, from, to int64, bounded bool) (int64, error) {
	args := []any{pgtype.TID{BlockNumber: uint32(from), Valid: true}}
	if bounded {
		args = append(args, pgtype.TID{BlockNumber: uint32(to), Valid: true})
	}
	tag, err := d.l.exec(ctx, d.rangeSQL(l.Relation, "$1::tid", "$2::tid", bounded), args...)
	return tag.RowsAffected(), err
}

func (d *deletion) rangeSQL(r *schema.Relation, low, high string, bounded bool) string {
	sql := `DELETE FROM ONLY ` + sqlName(r) + d.called(r) + ` WHERE ctid >= ` + low
	if bounded {
		sql += ` AND ctid < ` + high
	}
	if d.where != "" {
		sql += " AND (" + d.where + "\n)"
	}
	return sql
}

// called gives a part of a table the table's name: the condition may use it.
func (d *deletion) called(r *schema.Relation) string {
	if r == d.table || d.where == "" {
		return ""
	}
	return ` AS ` + pgx.Identifier{d.table.Name}.Sanitize()
}
