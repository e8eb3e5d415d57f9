package db

import (
	"context"

	"github.com/jackc/pgx/v5"

	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// sqlName is a relation's name for a statement.
func sqlName(r *schema.Relation) string { return pgx.Identifier{r.Schema, r.Name}.Sanitize() }

// resolveAll gives the tables of names, in their order.
func resolveAll(ctx context.Context, s *session, book *runbook.Runbook, tables []string) ([]*schema.Relation, error) {
	var schemas, names []string
	out := make([]*schema.Relation, len(tables))
	for i, t := range tables {
		out[i] = &schema.Relation{}
		out[i].Schema, out[i].Name = book.SplitTable(t)
		schemas, names = append(schemas, out[i].Schema), append(names, out[i].Name)
	}
	rows, err := s.Query(ctx, `SELECT of.place, c.oid, c.relkind::text FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS of (schema, name, place)
		JOIN pg_namespace n ON n.nspname = of.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = of.name
		WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')`, schemas, names)
	if err != nil {
		return nil, err
	}
	var place int
	var oid uint32
	var kind schema.Kind
	_, err = pgx.ForEachRow(rows, []any{&place, &oid, (*string)(&kind)}, func() error {
		out[place-1].OID, out[place-1].Kind = oid, kind
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, r := range out {
		if r.OID == 0 {
			return nil, failf("look up table", tables[i], hints["42P01"], errMissing)
		}
	}
	return out, nil
}

// resolve gives the table of a name, for a method that was handed one.
func resolve(ctx context.Context, s *session, book *runbook.Runbook, table string) (*schema.Relation, error) {
	out, err := resolveAll(ctx, s, book, []string{table})
	if err != nil {
		return nil, fail(ctx, "look up table", table, err)
	}
	return out[0], nil
}
