package db

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
)

// countedQuery gives the rows that the session has written of late, by
// relation: those of the system's catalogs as well, and none of temporary
// tables, which are the session's own.
const countedQuery = `SELECT c.oid, n.nspname::text, c.relname::text, n.nspname = 'pg_catalog', c.relkind = 'm',
	pg_stat_get_xact_tuples_inserted(c.oid), pg_stat_get_xact_tuples_updated(c.oid), pg_stat_get_xact_tuples_deleted(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
	AND (pg_stat_get_xact_tuples_inserted(c.oid) > 0 OR pg_stat_get_xact_tuples_updated(c.oid) > 0 OR pg_stat_get_xact_tuples_deleted(c.oid) > 0)`

// counted is what the server counted of one relation.
type counted struct {
	oid          uint32
	schema, name string
	catalog      bool // one of the system's own
	view         bool // a materialized view: a REFRESH counts as rows
	phases.Touched
}

// readCounted gives what the transaction wrote, relation by relation. At its
// start that is what the session did earlier: the server counts that as well
// until it has handed its counts in, rolled-back work included.
func (x *tx) readCounted(ctx context.Context) ([]counted, error) {
	rows, err := x.s.Query(ctx, countedQuery)
	if err != nil {
		return nil, err
	}
	return x.count(rows)
}

// count reads the rows of countedQuery, without what the session did before.
func (x *tx) count(rows pgx.Rows) ([]counted, error) {
	var out []counted
	var c counted
	_, err := pgx.ForEachRow(rows, []any{&c.oid, &c.schema, &c.name, &c.catalog, &c.view, &c.Inserted, &c.Updated, &c.Deleted}, func() error {
		n, b := c, x.before[c.oid]
		n.Touched = phases.Touched{Inserted: n.Inserted - b.Inserted, Updated: n.Updated - b.Updated, Deleted: n.Deleted - b.Deleted}
		if n.Touched != (phases.Touched{}) {
			out = append(out, n)
		}
		return nil
	})
	return out, err
}

// touched is what the transaction did to each table so far.
func (x *tx) touched(ctx context.Context) (map[string]phases.Touched, error) {
	all, err := x.readCounted(ctx)
	return x.byTable(all), fail(ctx, "read what was touched in phase", phaseID(x.spec), err)
}

// byTable adds up what was counted, table by table, the ledger's one row that
// the transaction wrote itself and the system's catalogs left out. Partitions
// are added to their table.
func (x *tx) byTable(all []counted) map[string]phases.Touched {
	out := map[string]phases.Touched{}
	for _, n := range slices.Concat(all, x.taken) {
		if n.catalog {
			continue
		}
		if n.schema == ledgerSchema && n.name == ledgerTable && x.proven {
			if n.Inserted--; n.Touched == (phases.Touched{}) {
				continue
			}
		}
		table := x.cat.Name(n.oid)
		if table == "" { // made by this transaction
			table = x.t.book.TableName(n.schema, n.name)
		}
		sum := out[table]
		sum.Inserted, sum.Updated, sum.Deleted = sum.Inserted+n.Inserted, sum.Updated+n.Updated, sum.Deleted+n.Deleted
		out[table] = sum
	}
	return out
}
