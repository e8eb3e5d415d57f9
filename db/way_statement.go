package db

import (
	"context"

	"tminus/phases/schema"
)

// deleteAtOnce is one DELETE: rows and time, but no share.
func deleteAtOnce(ctx context.Context, d *deletion, r *schema.Relation) error {
	return d.x.long(ctx, func(ctx context.Context, l long) error {
		d.l = l
		return d.plain(ctx, r)
	})
}

// plain is one DELETE: rows and time, but no share.
func (d *deletion) plain(ctx context.Context, r *schema.Relation) error {
	sql := `DELETE FROM ` + sqlName(r)
	if d.where != "" {
		sql += "\nWHERE (" + d.where + "\n)"
	}
	result, err := d.l.one(ctx, sql)
	if err != nil {
		return err
	}
	d.state.Deleted = result.CommandTag.RowsAffected()
	return d.report(ctx)
}
