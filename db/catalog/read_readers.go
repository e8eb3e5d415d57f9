package catalog

import (
	"context"

	"tminus/phases/schema"
)

func readReaders(ctx context.Context, q Querier, s *schema.Schema) error {
	var r schema.Reader
	return each(ctx, q, `SELECT c.oid, d.refobjid, c.relkind = 'm' AND c.relispopulated,
			EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_rewrite w ON w.ev_class = c.oid AND w.ev_type = '1'
			JOIN (SELECT DISTINCT objid, refobjid FROM pg_depend WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass) d ON d.objid = w.oid
		WHERE c.relkind IN ('v', 'm') AND d.refobjid <> c.oid AND `+user+` ORDER BY n.nspname, c.relname, d.refobjid`,
		[]any{&r.View, &r.Reads, &r.Filled, &r.Unique}, func() { s.Readers = append(s.Readers, r) })
}
