package db

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// Query runs one query of the runbook's, read-only, in the surroundings of the
// runbook's statements.
func (t *Target) Query(ctx context.Context, sql string) (string, error) {
	var out string
	err := t.checks.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, `BEGIN READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		if err := s.surround(ctx, s.runbooks(t.book)); err != nil {
			return err
		}
		var result *pgconn.Result
		err := t.long(ctx, s, func(ctx context.Context, l long) (err error) {
			result, err = l.one(ctx, sql)
			return err
		})
		switch {
		case err != nil:
			return err
		case len(result.Rows) != 1:
			return fmt.Errorf("it gives %s, and must give one", count(len(result.Rows), "row"))
		case result.Rows[0][0] == nil:
			return errors.New("it gives NULL")
		}
		out = clean(string(result.Rows[0][0]))
		return nil
	})
	return out, fail(ctx, "query", "", err)
}
