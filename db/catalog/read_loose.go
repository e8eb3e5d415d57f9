package catalog

import (
	"context"

	"tminus/phases/schema"
)

// loose picks columns that no foreign key has: named as one that a key has, or
// ending in the name of a primary key, and of its type.
const loose = `WITH primaries AS MATERIALIZED (SELECT DISTINCT a.attname, a.atttypid FROM pg_constraint con JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
		WHERE con.contype = 'p' AND cardinality(con.conkey) = 1),
	referring AS MATERIALIZED (SELECT con.conrelid, k.attnum FROM pg_constraint con CROSS JOIN LATERAL unnest(con.conkey) AS k (attnum) WHERE con.contype = 'f'),
	names AS MATERIALIZED (SELECT DISTINCT a.attname, a.atttypid FROM referring r JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = r.attnum)
	SELECT c.oid, a.attname::text, a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped AND ` + user + `
	AND ((a.attname, a.atttypid) IN (SELECT attname, atttypid FROM names)
		OR EXISTS (SELECT FROM primaries p WHERE p.atttypid = a.atttypid AND right(a.attname::text, length(p.attname::text) + 1) = '_' || p.attname::text))
	AND (a.attrelid, a.attnum) NOT IN (SELECT conrelid, attnum FROM referring) ORDER BY n.nspname, c.relname, a.attname`

func readLoose(ctx context.Context, q Querier, s *schema.Schema) error {
	s.Primaries = map[uint32]schema.Attribute{}
	var a schema.Attribute
	into := []any{&a.Relation, &a.Name, &a.Type}
	err := each(ctx, q, `SELECT con.conrelid, a.attname::text, a.atttypid FROM pg_constraint con JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
		WHERE con.contype = 'p' AND cardinality(con.conkey) = 1`, into, func() { s.Primaries[a.Relation] = a })
	if err != nil {
		return err
	}
	return each(ctx, q, loose, into, func() { s.Loose = append(s.Loose, a) })
}
