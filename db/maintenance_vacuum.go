package db

import (
	"context"

	"tminus/phases/runbook"
)

// vacuum vacuums tables one by one, so that what is done is done when it is cut
// off. A table that somebody else has locked is waited for, up to the limit.
func vacuum(ctx context.Context, t *Target, l long, m runbook.Maintenance) error {
	for _, table := range m.Tables {
		r, err := resolve(ctx, l.s, t.book, table)
		if err != nil {
			return err
		}
		if _, err := l.one(ctx, `VACUUM (ANALYZE) `+sqlName(r)); err != nil {
			return err
		}
	}
	return nil
}
