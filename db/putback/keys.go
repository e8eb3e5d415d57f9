package putback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tminus/db/capsule"
)

// end is one end of a foreign key.
type end struct {
	oid     uint32
	name    string // for a statement
	kind    string
	columns []string
}

// rows is where an end's rows are read.
func (e end) rows() string {
	if e.kind == "p" {
		return e.name
	}
	return "ONLY " + e.name
}

// foreignKey is one that concerns a leaf: its own, one of what it is a partition of,
// or one that refers to it.
type foreignKey struct {
	oid, top     uint32 // top is the constraint that it was inherited from, at the root
	name         string
	from, to     end
	full         bool     // MATCH FULL
	equal        []string // operators, referred to on the left
	nullable     []bool   // of the columns of from
	holds        bool     // it is validated and enforced
	deferrable   bool
	clone        bool // the server's own, for one partition of what it refers to
	fromLeaf     bool // from is what takes rows
	toLeaf       bool // to is, or has it as a partition
	owned        bool // the table of top is
	references   bool // the role may make a key that refers to to
	def, comment string
	topTable     string // for a statement
	topName      string
}

// String is the key's name, for sentences.
func (k *foreignKey) String() string {
	return fmt.Sprintf("foreign key %s of %s", clean(k.name), clean(k.from.name))
}

const keysSQL = `WITH RECURSIVE up AS (
		SELECT oid, oid AS top, conparentid FROM pg_catalog.pg_constraint WHERE contype = 'f' AND (conrelid = ANY(%[1]s) OR confrelid = ANY(%[1]s))
		UNION ALL SELECT up.oid, p.oid, p.conparentid FROM up JOIN pg_catalog.pg_constraint p ON p.oid = up.conparentid)
	SELECT con.oid, up.top, con.conname::text, con.conrelid::pg_catalog.oid, pg_catalog.format('%%I.%%I', cn.nspname, c.relname), c.relkind::text,
		con.confrelid::pg_catalog.oid, pg_catalog.format('%%I.%%I', fn.nspname, f.relname), f.relkind::text, con.confmatchtype = 'f',
		ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(con.conkey) WITH ORDINALITY k(n, i) JOIN pg_catalog.pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.n ORDER BY k.i),
		ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(con.confkey) WITH ORDINALITY k(n, i) JOIN pg_catalog.pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = k.n ORDER BY k.i),
		ARRAY(SELECT NOT a.attnotnull FROM pg_catalog.unnest(con.conkey) WITH ORDINALITY k(n, i) JOIN pg_catalog.pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.n ORDER BY k.i),
		ARRAY(SELECT pg_catalog.format('OPERATOR(%%I.%%s)', n.nspname, o.oprname) FROM pg_catalog.unnest(con.conpfeqop) WITH ORDINALITY k(n, i)
			JOIN pg_catalog.pg_operator o ON o.oid = k.n JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace ORDER BY k.i),
		con.convalidated AND coalesce((pg_catalog.to_jsonb(con) ->> 'conenforced')::bool, true), con.condeferrable,
		coalesce(parent.conrelid = con.conrelid, false), pg_catalog.pg_has_role(tc.relowner, 'USAGE'),
		pg_catalog.has_table_privilege(tf.oid, 'REFERENCES'), pg_catalog.pg_get_constraintdef(up.top),
		coalesce(pg_catalog.obj_description(up.top, 'pg_constraint'), ''), pg_catalog.format('%%I.%%I', tn.nspname, tc.relname), t.conname::text
	FROM up JOIN pg_catalog.pg_constraint con ON con.oid = up.oid JOIN pg_catalog.pg_constraint t ON t.oid = up.top
	JOIN pg_catalog.pg_class c ON c.oid = con.conrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
	JOIN pg_catalog.pg_class f ON f.oid = con.confrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
	JOIN pg_catalog.pg_class tc ON tc.oid = t.conrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
	JOIN pg_catalog.pg_class tf ON tf.oid = t.confrelid
	LEFT JOIN pg_catalog.pg_constraint parent ON parent.oid = con.conparentid
	WHERE up.conparentid = 0 ORDER BY cn.nspname, c.relname, con.conname, con.oid`

// readKeys reads the foreign keys from and to the leaves.
func (w *work) readKeys(ctx context.Context) error {
	var k foreignKey
	err := each(ctx, w, fmt.Sprintf(keysSQL, oids(slices.Concat(w.takes, w.above))), []any{
		&k.oid, &k.top, &k.name, &k.from.oid, &k.from.name, &k.from.kind, &k.to.oid, &k.to.name, &k.to.kind, &k.full,
		&k.from.columns, &k.to.columns, &k.nullable, &k.equal, &k.holds, &k.deferrable, &k.clone, &k.owned, &k.references, &k.def, &k.comment, &k.topTable, &k.topName,
	}, func() error {
		found := k
		for _, s := range []*[]string{&found.from.columns, &found.to.columns, &found.equal} {
			*s = slices.Clone(*s)
		}
		found.nullable = slices.Clone(found.nullable)
		found.fromLeaf = slices.Contains(w.takes, k.from.oid)
		found.toLeaf = slices.Contains(w.takes, k.to.oid) || slices.Contains(w.above, k.to.oid)
		w.keys = append(w.keys, &found)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the foreign keys: %w", err)
	}
	return nil
}

// checkKeys checks, once for all rows, the keys that the server did not check.
func (w *work) checkKeys(ctx context.Context) (int, error) {
	if w.mode != AsReplica {
		return 0, nil
	}
	checked := 0
	var broken []error
	for _, k := range w.keys {
		if !k.holds {
			continue
		}
		did, n, err := w.checkKey(ctx, k)
		if err != nil {
			return checked, fail("check", k.String(), err)
		}
		if did {
			checked++
		}
		if n > 0 {
			broken = append(broken, fmt.Errorf("%w: %s: %d rows would refer to rows of %s that are not there; undo the phases that came after this one as well, or bring those rows back",
				ErrKeys, k, n, clean(k.to.name)))
		}
	}
	return checked, errors.Join(broken...)
}

// checkKey counts the rows that refer to nothing.
func (w *work) checkKey(ctx context.Context, k *foreignKey) (did bool, broken int64, err error) {
	now := w.after[k.from.oid]
	if k.fromLeaf && !k.clone && k.from.kind == "r" && (now.inserted > 0 || now.updated > 0 && w.sets(k.from)) {
		did = true
		w.opt.Progress(Progress{Step: "check keys of", Table: k.from.name})
		if err := w.joins(ctx, k.to.oid, now.inserted+now.updated); err != nil {
			return did, 0, err
		}
		if broken, err = one[int64](ctx, w, k.danglingSQL(w.fresh(k.from.oid, "c."))); err != nil || broken > 0 {
			return did, broken, err
		}
	}
	if !k.toLeaf || k.top != k.oid {
		return did, 0, nil
	}
	for _, l := range w.leaves {
		if !l.went || !l.isOrIsPartOf(k.to.oid) {
			continue
		}
		did = true
		if err := w.joins(ctx, k.from.oid, l.expected.deleted+l.expected.updated); err != nil {
			return did, 0, err
		}
		n, err := one[int64](ctx, w, k.orphansSQL(l.temporary("went")))
		if err != nil {
			return did, 0, err
		}
		broken += n
	}
	return did, broken, nil
}

// sets reports whether rows that are set back get other values in these columns.
func (w *work) sets(e end) bool {
	return slices.ContainsFunc(w.leaves, func(l *leaf) bool {
		return slices.Contains(l.tree, e.oid) && l.plan.Set > 0 && slices.ContainsFunc(e.columns, func(c string) bool { return slices.Contains(l.setting, c) })
	})
}

// fresh is the condition that a row is of this transaction; nothing where all are.
func (w *work) fresh(oid uint32, alias string) string {
	for _, l := range w.leaves {
		if l.oid == oid && l.plan.Straight {
			return ""
		}
	}
	return alias + "xmin = " + w.xid + " AND "
}

// danglingSQL counts rows whose key is complete and is nobody's; for MATCH FULL
// also those whose key is there by half.
func (k *foreignKey) danglingSQL(fresh string) string {
	var given, equal []string
	for i, c := range k.from.columns {
		given = append(given, "c."+quoted(c)+" IS NOT NULL")
		equal = append(equal, "p."+quoted(k.to.columns[i])+" "+k.equal[i]+" c."+quoted(c))
	}
	sql := "SELECT (SELECT count(*) FROM " + k.from.rows() + " c WHERE " + fresh + strings.Join(given, " AND ") +
		" AND NOT EXISTS (SELECT FROM " + k.to.rows() + " p WHERE " + strings.Join(equal, " AND ") + "))"
	if k.full && len(given) > 1 {
		sql += " + (SELECT count(*) FROM " + k.from.rows() + " c WHERE " + fresh + "(" + strings.Join(given, " OR ") + ") AND NOT (" + strings.Join(given, " AND ") + "))"
	}
	return sql
}

// orphansSQL counts rows that refer to what went away, where nothing took its place.
func (k *foreignKey) orphansSQL(went string) string {
	var gone, there []string
	for i, c := range k.from.columns {
		to := quoted(k.to.columns[i])
		gone = append(gone, "g."+to+" "+k.equal[i]+" c."+quoted(c))
		there = append(there, "p."+to+" "+k.equal[i]+" c."+quoted(c))
	}
	return "SELECT count(*) FROM " + k.from.rows() + " c WHERE EXISTS (SELECT FROM " + went + " g WHERE " + strings.Join(gone, " AND ") +
		") AND NOT EXISTS (SELECT FROM " + k.to.rows() + " p WHERE " + strings.Join(there, " AND ") + ")"
}

// keepWent remembers the rows that will go or be set back, as far as others may
// refer to them.
func (w *work) keepWent(ctx context.Context, l *leaf) error {
	if w.mode != AsReplica || !slices.ContainsFunc(w.keys, func(k *foreignKey) bool {
		if !k.toLeaf || !k.holds || !l.isOrIsPartOf(k.to.oid) {
			return false
		}
		return l.expected.deleted > 0 || l.expected.updated > 0 && slices.ContainsFunc(k.to.columns, func(c string) bool { return slices.Contains(l.setting, c) })
	}) {
		return nil
	}
	l.went = true
	return w.exec(ctx, "CREATE TEMPORARY TABLE "+l.temporary("went")+" ON COMMIT DROP AS SELECT t.* FROM "+l.target()+" t JOIN "+l.temporary("hit")+
		" h ON h.t = t.tminus_row AND h.o = t.tminus_rel")
}

// takesAway reports whether rows of a leaf may go or change.
func (w *work) takesAway(l *leaf) bool {
	return l.rows(capsule.Added)+l.rows(capsule.Old) > 0 || w.choice(l) == Replace
}
