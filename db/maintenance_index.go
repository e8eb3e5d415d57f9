package db

import (
	"context"

	"tminus/phases/runbook"
)

// index runs one statement about an index. Cut off, CREATE INDEX CONCURRENTLY
// leaves an index behind that is not valid: PostgreSQL says how to drop it.
func index(ctx context.Context, _ *Target, l long, m runbook.Maintenance) error {
	_, err := l.one(ctx, m.SQL)
	return err
}
