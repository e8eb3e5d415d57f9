package db

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"tminus/db/capsule"
	"tminus/phases"
)

// keptTable is a table whose rows the transaction wrote.
type keptTable struct {
	capsule.Table
	oid uint32
	did phases.Touched // as the server counted

	whole   bool   // written early, and all of it
	through string // the table through which it is read, where the role may not by its own name; sanitized
}

// findQuery gives what a capsule has to know of tables: their columns, but those
// that are computed, and a key that tells rows apart.
const findQuery = `SELECT c.oid, n.nspname::text, c.relname::text, coalesce(am.amname, '')::text, has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'),
	ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum),
	ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum),
	coalesce((SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, at)
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum ORDER BY k.at)
		FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indisready AND i.indpred IS NULL AND i.indexprs IS NULL
			AND NOT EXISTS (SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) AS k(attnum)
				JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum WHERE NOT a.attnotnull OR a.attgenerated <> '')
		ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1), '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam
WHERE c.oid = ANY($1::oid[])`

// find fills in the tables that the transaction wrote. Materialized views are none:
// their rows are other tables', and come back by a REFRESH.
func (k *keeping) find(ctx context.Context) error {
	counts, err := k.x.readCounted(ctx)
	if err != nil {
		return err
	}
	did := map[uint32]counted{}
	var oids []uint32
	for _, n := range counts {
		if n.catalog || n.view || n.schema == ledgerSchema && n.name == ledgerTable {
			continue
		}
		did[n.oid] = n
		oids = append(oids, n.oid)
		k.state.Total += n.Deleted + n.Updated + n.Inserted
	}
	if k.tables, err = k.describe(ctx, oids); err != nil {
		return err
	}
	for _, t := range k.tables {
		t.did = did[t.oid].Touched
	}
	// What the transaction made itself, nobody else sees; nor was it there before.
	if missing := len(oids) - len(k.tables); missing > 0 {
		for _, oid := range oids {
			if n := did[oid]; !slices.ContainsFunc(k.tables, func(t *keptTable) bool { return t.oid == oid }) && n.Deleted+n.Updated > n.Inserted {
				return failf("keep the rows of", n.schema+"."+n.name, noKeep, errors.New("no other session sees it"))
			}
		}
	}
	return nil
}

// describe gives the tables with these OIDs that the other session sees.
func (k *keeping) describe(ctx context.Context, oids []uint32) ([]*keptTable, error) {
	rows, err := k.others.Query(ctx, findQuery, oids)
	if err != nil {
		return nil, err
	}
	var out, hidden []*keptTable
	var t keptTable
	var method string
	var readable bool
	var names, types []string
	_, err = pgx.ForEachRow(rows, []any{&t.oid, &t.Schema, &t.Name, &method, &readable, &names, &types, &t.Key}, func() error {
		if method != "heap" {
			return failf("keep the rows of", t.Schema+"."+t.Name, noKeep, fmt.Errorf("its access method is %s: only heap tells which transaction wrote a row", clean(method)))
		}
		found := keptTable{oid: t.oid}
		found.Schema, found.Name, found.Key, found.Streams = t.Schema, t.Name, slices.Clone(t.Key), map[capsule.Part]capsule.Stream{}
		for i := range names {
			found.Columns = append(found.Columns, capsule.Column{Name: names[i], Type: types[i]})
		}
		if found.Called = k.x.cat.Name(t.oid); found.Called == "" {
			found.Called = k.x.t.book.TableName(t.Schema, t.Name)
		}
		if !readable {
			hidden = append(hidden, &found)
		}
		out = append(out, &found)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, t := range hidden {
		if err := k.readThrough(ctx, t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readThrough finds the table that a part belongs to and that the role may read:
// its rights are those that count for a statement on it.
func (k *keeping) readThrough(ctx context.Context, t *keptTable) error {
	line := k.x.cat.Schema.Line(k.x.cat.Schema.Relation(t.oid))
	for _, r := range line[1:] {
		var may bool
		err := k.others.QueryRow(ctx, `SELECT has_table_privilege($1::oid, 'SELECT') AND has_schema_privilege($2, 'USAGE')`, r.OID, r.Schema).Scan(&may)
		if err != nil {
			return err
		}
		if may {
			t.through = sqlName(r)
			return nil
		}
	}
	return failf("keep the rows of", t.Schema+"."+t.Name, "grant SELECT on it to the role, or write `capsule: off` into the phase", errors.New("the role may not read it"))
}

// order puts tables before those whose foreign keys reference them; those of a
// circle stay as they are, by name.
func (k *keeping) order(ctx context.Context) error {
	var oids []uint32
	for _, t := range k.tables {
		oids = append(oids, t.oid)
	}
	waits := map[uint32][]uint32{}
	rows, err := k.others.Query(ctx, `SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid
		AND conrelid = ANY($1::oid[]) AND confrelid = ANY($1::oid[])`, oids)
	if err != nil {
		return err
	}
	var from, to uint32
	if _, err := pgx.ForEachRow(rows, []any{&from, &to}, func() error {
		waits[from] = append(waits[from], to)
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(k.tables, func(a, b *keptTable) int {
		return slices.Compare([]string{a.Schema, a.Name}, []string{b.Schema, b.Name})
	})
	var out []*keptTable
	placed := map[uint32]bool{}
	for rest := k.tables; len(rest) > 0; {
		var later []*keptTable
		for _, t := range rest {
			if slices.ContainsFunc(waits[t.oid], func(parent uint32) bool { return !placed[parent] }) {
				later = append(later, t)
				continue
			}
			placed[t.oid] = true
			out = append(out, t)
		}
		if len(later) == len(rest) { // a circle
			placed[later[0].oid] = true
			out = append(out, later[0])
			later = later[1:]
		}
		rest = later
	}
	k.tables = out
	return nil
}

// sequences are what the sequences of the kept tables' columns stand at, for the
// record: an undo does not set them back. Those that the role may not read are
// left out, and those that the phase itself began anew, which nobody else can read.
func (k *keeping) sequences(ctx context.Context) ([]capsule.Sequence, error) {
	var oids []uint32
	for _, t := range k.tables {
		oids = append(oids, t.oid)
	}
	rows, err := k.others.Query(ctx, `SELECT nspname::text, relname::text, coalesce(last, 0), last IS NOT NULL FROM (
		SELECT n.nspname, c.relname, locked, CASE WHEN NOT locked THEN pg_sequence_last_value(c.oid) END AS last
		FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace,
			LATERAL (SELECT EXISTS (SELECT FROM pg_locks l WHERE l.pid = $2::int AND l.locktype = 'relation' AND l.relation = c.oid
				AND l.mode IN ('ShareRowExclusiveLock', 'AccessExclusiveLock')) OR NOT has_sequence_privilege(c.oid, 'SELECT') AS locked) AS may
		WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY($1::oid[]) AND d.deptype IN ('a', 'i')) AS found
		WHERE NOT locked ORDER BY 1, 2`, oids, int32(k.x.s.pid))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[capsule.Sequence])
}
