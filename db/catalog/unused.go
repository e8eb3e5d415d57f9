package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases/schema"
)

// How long a question for rows may take the server, and all of them together:
// what is not answered by then stays unknown.
const (
	unusedPatience = "200ms"
	unusedWait     = "50ms" // for a lock: who waits keeps others waiting
	unusedBudget   = 2 * time.Second
)

// ReadUnused asks of keys whether a row refers by them, and marks those by which
// none does. It looks at rows, in the snapshot's transaction: a key whose table
// may not be read, is locked or takes too long is left as it is. The locks that
// it takes it gives back.
func ReadUnused(ctx context.Context, q Querier, s *schema.Schema, keys []*schema.Key) error {
	if len(keys) == 0 {
		return nil
	}
	err := asking(ctx, q, func() error {
		began := time.Now()
		for _, k := range keys {
			if time.Since(began) > unusedBudget {
				return nil
			}
			if err := askUnused(ctx, q, s, k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask which foreign keys are used: %w", err)
	}
	return nil
}

// asking runs f within limits of its own: what it sets and locks is gone
// afterwards, and a statement that fails there ends nothing.
func asking(ctx context.Context, q Querier, f func() error) error {
	for _, sql := range []string{
		`SAVEPOINT asking`, `SET LOCAL statement_timeout = '` + unusedPatience + `'`, `SET LOCAL lock_timeout = '` + unusedWait + `'`, `SAVEPOINT asked`,
	} {
		if _, err := q.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	_, err := q.Exec(ctx, `ROLLBACK TO SAVEPOINT asking`)
	return err
}

// askUnused asks of one key. Only the loss of the session is an error.
func askUnused(ctx context.Context, q Querier, s *schema.Schema, k *schema.Key) error {
	from := s.Relation(k.From)
	if from == nil {
		return nil
	}
	var refers []string
	for _, column := range k.Referring {
		refers = append(refers, pgx.Identifier{column}.Sanitize()+" IS NOT NULL")
	}
	only := "ONLY " // a key does not reach inheritance children
	if from.Kind == schema.Partitioned {
		only = ""
	}
	var used bool
	err := q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+only+pgx.Identifier{from.Schema, from.Name}.Sanitize()+` WHERE `+strings.Join(refers, " AND ")+`)`).Scan(&used)
	if _, refused := errors.AsType[*pgconn.PgError](err); err != nil && !refused {
		return err
	}
	k.Unused = err == nil && !used
	_, err = q.Exec(ctx, `ROLLBACK TO SAVEPOINT asked`)
	return err
}
