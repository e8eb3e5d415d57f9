package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// sqlName is a relation's name for a statement.
func sqlName(r *schema.Relation) string { return pgx.Identifier{r.Schema, r.Name}.Sanitize() }

// resolve gives the table of a name, for a method that was handed one.
func resolve(ctx context.Context, s *session, book *runbook.Runbook, table string) (*schema.Relation, error) {
	r := &schema.Relation{}
	r.Schema, r.Name = book.SplitTable(table)
	err := s.QueryRow(ctx, `SELECT c.oid, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'f', 'v', 'm')`, r.Schema, r.Name).Scan(&r.OID, &r.Kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, failf("look up table", table, hints["42P01"], errMissing)
	}
	return r, fail(ctx, "look up table", table, err)
}
