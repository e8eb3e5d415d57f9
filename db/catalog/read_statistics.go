package catalog

import (
	"context"

	"tminus/phases/schema"
)

func readModified(ctx context.Context, q Querier, s *schema.Schema) error {
	at := map[uint32]*schema.Relation{}
	for i := range s.Relations {
		at[s.Relations[i].OID] = &s.Relations[i]
	}
	var oid uint32
	var modified int64
	var analyzed float64
	return each(ctx, q, `SELECT t.relid, coalesce(t.n_mod_since_analyze, 0), CASE WHEN c.relpages = 0 AND c.reltuples <= 0 THEN -1 ELSE c.reltuples END::float8
		FROM pg_stat_user_tables t JOIN pg_class c ON c.oid = t.relid`, []any{&oid, &modified, &analyzed}, func() {
		if r := at[oid]; r != nil {
			r.Modified, r.Analyzed = modified, analyzed
		}
	})
}
