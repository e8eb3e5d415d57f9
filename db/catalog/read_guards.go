package catalog

import (
	"context"

	"tminus/phases/schema"
)

// readGuards reads the constraints of the tables whose columns a key sets to
// NULL or to their default.
func readGuards(ctx context.Context, q Querier, s *schema.Schema) error {
	var g schema.Guard
	return each(ctx, q, `WITH changed AS (SELECT DISTINCT conrelid FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('n', 'd'))
		SELECT con.conrelid, con.conname::text, true, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = con.conrelid AND attnum = ANY (con.conkey) ORDER BY 1),
			'{}'::text[], false, false, pg_get_constraintdef(con.oid)
		FROM pg_constraint con JOIN changed USING (conrelid) WHERE con.contype = 'c' AND to_jsonb(con) -> 'conenforced' IS DISTINCT FROM 'false'
		UNION ALL
		SELECT i.indrelid, c.relname::text, false, ARRAY(SELECT attname::text FROM pg_attribute
				WHERE attrelid = i.indrelid AND attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) ORDER BY 1),
			ARRAY(SELECT DISTINCT a.attname::text FROM regexp_matches(coalesce(i.indexprs::text, '') || coalesce(i.indpred::text, ''), ':varattno (\d+)', 'g') AS m
				JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = m[1]::int2 ORDER BY 1),
			coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false), coalesce(con.condeferred, false), pg_get_indexdef(i.indexrelid)
		FROM pg_index i JOIN changed ON changed.conrelid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
			LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.contype IN ('p', 'u', 'x')
		WHERE i.indisunique OR i.indisexclusion ORDER BY 1, 2`,
		[]any{&g.Relation, &g.Name, &g.Check, &g.Columns, &g.Through, &g.NullsEqual, &g.Deferred, &g.Definition},
		func() { s.Guards = append(s.Guards, g) })
}
