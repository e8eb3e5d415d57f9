package putback

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// unique is what no two rows of a table may have in common: a unique or
// exclusion constraint, or a unique index, of expressions and partial as it may be.
type unique struct {
	name      string
	parts     []string // column or expression, with its collation
	columns   []string // their names; empty for an expression
	operators []string // with which two rows must not both compare
	where     string   // of a partial one
	nulls     bool     // NULLs are equal
	exclusion bool
}

// readUniques reads them for all leaves.
func (w *work) readUniques(ctx context.Context) error {
	byOID := map[uint32][]*leaf{}
	var list []uint32
	for _, l := range w.leaves {
		byOID[l.oid] = append(byOID[l.oid], l)
		list = append(list, l.oid)
	}
	var relid uint32
	var u unique
	err := each(ctx, w, `SELECT i.indrelid, coalesce(con.conname, ic.relname)::text,
			ARRAY(SELECT '(' || pg_catalog.pg_get_indexdef(i.indexrelid, k, false) || ')' || coalesce((SELECT pg_catalog.format(' COLLATE %I.%I', n.nspname, co.collname)
				FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace n ON n.oid = co.collnamespace WHERE co.oid = i.indcollation[k - 1]), '')
				FROM pg_catalog.generate_series(1, i.indnkeyatts) k ORDER BY k),
			ARRAY(SELECT coalesce((SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1] AND a.attnum <> 0), '')
				FROM pg_catalog.generate_series(1, i.indnkeyatts) k ORDER BY k),
			ARRAY(SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname) FROM pg_catalog.generate_series(1, i.indnkeyatts) k
				JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[k - 1]
				JOIN pg_catalog.pg_operator o ON o.oid = coalesce(con.conexclop[k], (SELECT ao.amopopr FROM pg_catalog.pg_amop ao
					WHERE ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy = 3))
				JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace ORDER BY k),
			coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''),
			coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false), con.conexclop IS NOT NULL
		FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
		LEFT JOIN pg_catalog.pg_constraint con ON con.conindid = i.indexrelid AND con.conrelid = i.indrelid AND con.contype IN ('p', 'u', 'x')
		WHERE i.indrelid = ANY(`+oids(list)+`) AND (i.indisunique OR i.indisexclusion) AND i.indislive ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid`,
		[]any{&relid, &u.name, &u.parts, &u.columns, &u.operators, &u.where, &u.nulls, &u.exclusion}, func() error {
			if len(u.operators) != len(u.parts) {
				return fmt.Errorf("the index %s compares in a way that is not known", clean(u.name))
			}
			for _, l := range byOID[relid] {
				l.uniques = append(l.uniques, &unique{u.name, slices.Clone(u.parts), slices.Clone(u.columns), slices.Clone(u.operators), u.where, u.nulls, u.exclusion})
			}
			return nil
		})
	if err != nil {
		return fmt.Errorf("read what is unique: %w", err)
	}
	for _, l := range w.leaves {
		l.pair()
	}
	return nil
}

// pair finds the index that the capsule's key rests on.
func (l *leaf) pair() {
	if len(l.t.Key) == 0 {
		return
	}
	want := slices.Sorted(slices.Values(l.t.Key))
	for _, u := range l.uniques {
		if !u.exclusion && u.where == "" && slices.Equal(slices.Sorted(slices.Values(u.columns)), want) {
			l.pairing = u
			return
		}
	}
	l.note("nothing makes (%s) unique any more", clean(strings.Join(l.t.Key, ", ")))
}

// side is the rows of a source with what the index compares, for a join.
func (u *unique) side(source string) string {
	out := make([]string, len(u.parts))
	for i, p := range u.parts {
		out[i] = fmt.Sprintf("%s AS tminus_%d", p, i+1)
	}
	sql := "(SELECT tminus_row, tminus_rel, " + strings.Join(out, ", ") + " FROM " + source + " tminus_side"
	if u.where != "" {
		sql += " WHERE " + u.where
	}
	return sql + ")"
}

// clash is the condition that two such sides are in each other's way.
func (u *unique) clash(a, b string) string {
	out := make([]string, len(u.parts))
	for i, op := range u.operators {
		x, y := fmt.Sprintf("%s.tminus_%d", a, i+1), fmt.Sprintf("%s.tminus_%d", b, i+1)
		if out[i] = x + " " + op + " " + y; u.nulls {
			out[i] = "(" + out[i] + " OR " + x + " IS NULL AND " + y + " IS NULL)"
		}
	}
	return strings.Join(out, " AND ")
}

// sameKey is the condition that rows of two sources have the capsule's key in common.
func (l *leaf) sameKey(a, b string) string {
	if l.pairing == nil {
		return record(a, l.t.Key) + "::text = " + record(b, l.t.Key) + "::text"
	}
	out := make([]string, len(l.pairing.columns))
	for i, c := range l.pairing.columns {
		out[i] = a + "." + quoted(c) + " " + l.pairing.operators[i] + " " + b + "." + quoted(c)
	}
	return strings.Join(out, " AND ")
}

// record is columns of a source as one value.
func record(alias string, names []string) string {
	return "ROW(" + columns(alias, names) + ")::pg_catalog.record"
}

// same is the condition that a row t and one of another source are the same in
// all columns. The text decides; bytes that are the same need not be written out
// for it.
func (l *leaf) same(other string) string {
	x, y := record("t", l.columns), record(other, l.columns)
	return "(" + x + " OPERATOR(pg_catalog.*=) " + y + " OR " + x + "::text = " + y + "::text)"
}

// target is the leaf's rows as they are now, for a join.
func (l *leaf) target() string {
	if l.over != nil {
		return l.over.target(l)
	}
	return "(SELECT tminus_t.ctid AS tminus_row, tminus_t.tableoid AS tminus_rel, tminus_t.xmin AS tminus_by, tminus_t.* FROM " + l.from + " tminus_t)"
}
