package putback

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// worthBuilding is how many rows make it worth while to build a table's indexes
// anew: four fifths of putting rows back are their indexes, row by row.
const worthBuilding = 10_000

// index is one that only makes queries fast: nothing rests on it.
type index struct{ name, definition string }

// plainIndexes gives the indexes of a relation that come back exactly when they
// are dropped and made again: of columns alone, with nothing set that their
// definition does not say. There are none where somebody else holds a lock on the
// table, who would have to be waited for, or where the role may not make them.
func (w *work) plainIndexes(ctx context.Context, l *leaf) (out []index, err error) {
	var i index
	err = each(ctx, w, fmt.Sprintf(`SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.pg_get_indexdef(i.indexrelid)
		FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE i.indrelid = %d AND NOT (i.indisunique OR i.indisexclusion OR i.indisclustered OR i.indisreplident OR i.indcheckxmin OR c.relispartition)
		AND i.indisvalid AND i.indisready AND i.indislive AND i.indexprs IS NULL AND i.indpred IS NULL AND c.reltablespace = 0
		AND pg_catalog.has_schema_privilege(n.oid, 'CREATE') AND pg_catalog.obj_description(c.oid, 'pg_class') IS NULL
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND coalesce(a.attstattarget, -1) >= 0)
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype NOT IN ('a', 'n'))
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid)
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks k WHERE k.relation = i.indrelid AND k.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
			AND k.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
		ORDER BY c.relname`, l.oid), []any{&i.name, &i.definition}, func() error {
		out = append(out, i)
		return nil
	})
	if err != nil {
		err = fmt.Errorf("read the indexes: %w", err)
	}
	return out, err
}

// describeIndexes is all indexes of a leaf, as they are defined.
func (w *work) describeIndexes(ctx context.Context, l *leaf) ([]string, error) {
	out, err := all[string](ctx, w, fmt.Sprintf(`SELECT pg_catalog.pg_get_indexdef(indexrelid) || ' ' || indisvalid || indisready FROM pg_catalog.pg_index WHERE indrelid = %d ORDER BY 1`, l.oid))
	if err != nil {
		err = fmt.Errorf("read the indexes: %w", err)
	}
	return out, err
}

// withoutIndexes fills a leaf while its plain indexes are not there, and makes
// them again of all rows at once.
func (w *work) withoutIndexes(ctx context.Context, l *leaf, fill func() error) error {
	if w.mode == RowByRow || !l.owned || l.kind != "r" || l.plan.Back < worthBuilding {
		return fill()
	}
	indexes, err := w.plainIndexes(ctx, l)
	if err != nil {
		return err
	}
	if len(indexes) == 0 {
		return fill()
	}
	before, err := w.describeIndexes(ctx, l)
	if err != nil {
		return err
	}
	var names []string
	for _, i := range indexes {
		names = append(names, i.name)
	}
	if err := w.exec(ctx, "DROP INDEX "+strings.Join(names, ", ")); err != nil {
		return err
	}
	if err := fill(); err != nil {
		return err
	}
	if err := w.exec(ctx, "SET LOCAL default_tablespace = ''"); err != nil {
		return err
	}
	for _, i := range indexes {
		if err := w.exec(ctx, i.definition); err != nil {
			return fail("make again", i.name, err)
		}
	}
	after, err := w.describeIndexes(ctx, l)
	if err == nil && !slices.Equal(before, after) {
		err = fmt.Errorf("%w: its indexes are not as they were", ErrProof)
	}
	return err
}
