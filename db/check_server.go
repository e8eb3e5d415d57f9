package db

import (
	"context"
	"fmt"

	"tminus/phases"
	"tminus/phases/runbook"
)

func (t *Target) checkConnects(ctx context.Context) (phases.Answer, error) {
	var version string
	err := t.visit(ctx, func(s *session) error {
		return s.QueryRow(ctx, `SELECT current_setting('server_version')`).Scan(&version)
	})
	if err != nil {
		return phases.Answer{}, fail(ctx, "check", "database.connects", err)
	}
	return phases.Answer{Pass: true, Value: "PostgreSQL " + clean(version)}, nil
}

func (t *Target) checkWritable(ctx context.Context, s *session, _ *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	var recovering, readOnly bool
	// This transaction is read-only whatever the default is: ask the default.
	err := s.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::bool`).Scan(&recovering, &readOnly)
	switch {
	case err != nil:
		return phases.Answer{}, err
	case recovering:
		return phases.Answer{Value: "in recovery"}, nil
	case readOnly:
		return phases.Answer{Value: "default_transaction_read_only is on"}, nil
	}
	return phases.Answer{Pass: true, Value: "writable"}, nil
}

// between compares with min and max where they are given.
func between(n int64, check *runbook.Check) bool {
	return (check.Min == nil || n >= *check.Min) && (check.Max == nil || n <= *check.Max)
}

func (t *Target) checkTables(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	var n int64
	err := s.QueryRow(ctx, `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition`, t.book.Schema).Scan(&n)
	return phases.Answer{Pass: err == nil && between(n, check), Value: count(int(n), "table")}, err
}

func (t *Target) checkSize(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	var megabytes int64
	err := s.QueryRow(ctx, `SELECT pg_database_size(current_database()) / 1048576`).Scan(&megabytes)
	return phases.Answer{Pass: err == nil && between(megabytes, check), Value: fmt.Sprintf("%d MB", megabytes)}, err
}
