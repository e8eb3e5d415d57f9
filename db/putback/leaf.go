package putback

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/db/capsule"
	"tminus/phases/runbook"
)

// leaf is a table with rows of its own, as the capsule has it and as it is now.
type leaf struct {
	t    capsule.Table
	n    int // from 1, in the names of temporary tables
	plan Table
	took time.Duration

	oid       uint32 // of the relation that takes the rows
	kind      string // its relkind
	ancestors []uint32
	from      string // where its rows are looked for: ONLY the leaf, or the root of its partitions
	into      string // where they are put
	through   bool   // into is a root: the rows may belong to other partitions by now
	passed    bool   // nothing is put back into it
	owned     bool   // by the role, or one that it is a member of

	columns   []string    // of the streams
	plain     []string    // that there are now and that are not generated
	always    []string    // identity columns that take no value from an UPDATE
	generated []generated // what unique indexes may rest on and streams lack
	uniques   []*unique
	pairing   *unique // the unique index of the capsule's key; nil: there is none now

	over     *overlay      // what newer capsules do to its rows; nil: nothing
	added    bool          // it has columns that streams lack, and that hold what others wrote
	others   bool          // what others made of changed rows goes, or such rows come back
	swaps    bool          // changed rows passed unique values among themselves
	later    []*foreignKey // whose columns are set only when all rows are there: RowByRow alone
	setting  []string      // columns that are set back
	tree     []uint32      // the relations that its rows may go to
	went     bool          // rows that go, and to which others may refer, are kept in a temporary table
	expected expected
	found    found
}

type generated struct{ name, expr string }

// String is the leaf's name, for sentences.
func (l *leaf) String() string { return l.t.String() }

// rows is how many rows a stream has.
func (l *leaf) rows(p capsule.Part) int64 { return l.t.Streams[p].Rows }

// relation is a table as the catalog has it.
type relation struct {
	oid                     uint32
	kind                    string
	partition, owned, fresh bool // fresh: attached as a partition, or made as a materialized view, since the phase
	root                    uint32
	rootSchema, rootName    string
	hidden                  bool // row security applies to the role
	ancestors               []uint32
}

// find gives the relations of these names, in this order; oid 0 where there is none.
func (w *work) find(ctx context.Context, schemas, names []string) ([]relation, error) {
	rows, err := w.conn.Query(ctx, `SELECT coalesce(c.oid, 0)::pg_catalog.oid, coalesce(c.relkind, ' ')::text, coalesce(c.relispartition, false),
			coalesce(pg_catalog.pg_has_role(c.relowner, 'USAGE'), false),
			coalesce(EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.relid
				WHERE c.relispartition AND pg_catalog.age(i.xmin) <= pg_catalog.age($3::text::pg_catalog.xid8::pg_catalog.xid))
				OR c.relkind = 'm' AND EXISTS (SELECT FROM pg_catalog.pg_rewrite v WHERE v.ev_class = c.oid AND pg_catalog.age(v.xmin) <= pg_catalog.age($3::text::pg_catalog.xid8::pg_catalog.xid)), false),
			coalesce(r.oid, 0)::pg_catalog.oid, coalesce(rn.nspname, '')::text, coalesce(r.relname, '')::text,
			coalesce(pg_catalog.row_security_active(coalesce(r.oid, c.oid)), false) OR coalesce(pg_catalog.row_security_active(c.oid), false),
			ARRAY(SELECT a.relid::pg_catalog.oid FROM pg_catalog.pg_partition_ancestors(c.oid) a WHERE a.relid <> c.oid)
		FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) WITH ORDINALITY w(s, t, n)
		LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace ns ON ns.oid = c.relnamespace) ON ns.nspname = w.s AND c.relname = w.t
		LEFT JOIN pg_catalog.pg_class r ON c.relispartition AND r.oid = pg_catalog.pg_partition_root(c.oid)
		LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace ORDER BY w.n`, schemas, names, w.m.Xid)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []relation
	for rows.Next() {
		var r relation
		if err := rows.Scan(&r.oid, &r.kind, &r.partition, &r.owned, &r.fresh, &r.root, &r.rootSchema, &r.rootName, &r.hidden, &r.ancestors); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// readRelations finds each leaf's place, and what of its columns is not as it was.
func (w *work) readRelations(ctx context.Context) error {
	var schemas, names []string
	for _, l := range w.leaves {
		schemas, names = append(schemas, l.t.Schema), append(names, l.t.Name)
	}
	found, err := w.find(ctx, schemas, names)
	if err != nil {
		return err
	}
	for i, l := range w.leaves {
		if err := w.place(ctx, l, found[i]); err != nil {
			return fail("find", l.String(), err)
		}
	}
	w.leaves = slices.DeleteFunc(w.leaves, func(l *leaf) bool {
		if l.passed {
			w.passed = append(w.passed, l.plan)
		}
		return l.passed
	})
	if len(w.refusals) > 0 {
		return nil
	}
	if err := w.readFamily(ctx); err != nil {
		return err
	}
	return w.readColumns(ctx)
}

// readFamily finds the relations that may take rows, and what these are partitions of.
func (w *work) readFamily(ctx context.Context) error {
	for _, l := range w.leaves {
		l.tree = []uint32{l.oid}
		if l.through {
			tree, err := all[uint32](ctx, w, fmt.Sprintf("SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(%d)", l.oid))
			if err != nil {
				return fmt.Errorf("read the partitions of %s: %w", l, err)
			}
			l.tree = tree
		}
		w.takes, w.above = append(w.takes, l.tree...), append(w.above, l.ancestors...)
	}
	slices.Sort(w.takes)
	slices.Sort(w.above)
	w.takes, w.above = slices.Compact(w.takes), slices.Compact(w.above)
	return nil
}

// isOrIsPartOf reports whether a leaf is this relation, or a partition of it.
func (l *leaf) isOrIsPartOf(oid uint32) bool {
	return l.oid == oid || slices.Contains(l.ancestors, oid)
}

// place decides where a leaf's rows go.
func (w *work) place(ctx context.Context, l *leaf, r relation) error {
	own := name(l.t.Schema, l.t.Name)
	l.oid, l.kind, l.owned, l.ancestors = r.oid, r.kind, r.owned, r.ancestors
	l.from, l.into = "ONLY "+own, own
	var root relation
	var rootName string
	if !r.partition {
		var err error
		if root, rootName, err = w.called(ctx, l); err != nil {
			return err
		}
	}
	switch {
	case r.oid == 0 && root.kind == "p":
		l.oid, l.kind, l.owned, l.ancestors, l.through = root.oid, root.kind, root.owned, nil, true
		l.from, l.into = rootName, rootName
		r.hidden = root.hidden
		l.note("it is gone: its rows go to the partitions that %s has now", l.plan.Called)
	case r.oid == 0:
		w.refuse(l, "there is no such table: it was dropped or renamed since; give it its name back")
		return nil
	case r.kind == "p":
		l.from, l.through = own, true
		l.note("it has partitions now, which it had not: its rows go to them")
	case r.kind == "m" && !r.fresh: // a REFRESH counts as rows: earlier versions kept them
		l.passed = true
		l.note("it is a materialized view, and passed over: refresh it")
		return nil
	case r.kind != "r":
		w.refuse(l, "it is no table any more (relkind %s)", r.kind)
		return nil
	case r.fresh: // its bounds may be others
		l.oid, l.kind, l.ancestors, l.through = r.root, "p", nil, true
		l.into = name(r.rootSchema, r.rootName)
		l.from = l.into
		l.note("it was attached to %s since: rows that are not its own any more go to another partition", clean(r.rootSchema+"."+r.rootName))
	case !r.partition && root.kind == "p" && root.oid != r.oid:
		l.note("it is no partition of %s any more: its rows go to it alone", l.plan.Called)
	}
	if r.hidden {
		w.refuse(l, "row security hides rows of it from this role, or refuses them: connect as its owner, or as a role with BYPASSRLS")
	}
	return nil
}

func (l *leaf) note(format string, args ...any) {
	l.plan.Notes = append(l.plan.Notes, fmt.Sprintf(format, args...))
}

// called finds the table that the runbook calls a leaf's by name. A name without
// a schema is looked for beside the leaf, and beside the capsule's other tables.
func (w *work) called(ctx context.Context, l *leaf) (relation, string, error) {
	schema, table := (&runbook.Runbook{}).SplitTable(l.plan.Called)
	schemas := []string{schema}
	if schema == "" {
		schemas = []string{l.t.Schema, "public"}
		for _, other := range w.leaves {
			schemas = append(schemas, other.t.Schema)
		}
		slices.Sort(schemas[2:])
		schemas = slices.Compact(schemas)
	}
	names := slices.Repeat([]string{table}, len(schemas))
	found, err := w.find(ctx, schemas, names)
	if err != nil {
		return relation{}, "", err
	}
	for i, r := range found {
		if r.oid != 0 {
			return r, name(schemas[i], table), nil
		}
	}
	return relation{}, "", nil
}

// column is one that a table has now.
type column struct {
	name, kind               string
	needed                   bool // takes no NULL and has no default
	generated, identity, how string
}

// readColumns holds each leaf's columns against the capsule's.
func (w *work) readColumns(ctx context.Context) error {
	var list []uint32
	for _, l := range w.leaves {
		list = append(list, l.oid)
	}
	has := map[uint32][]column{}
	var relid uint32
	var c column
	err := each(ctx, w, `SELECT a.attrelid, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
			(a.attnotnull OR t.typnotnull) AND NOT a.atthasdef AND a.attidentity = '' AND t.typdefault IS NULL,
			a.attgenerated::text, a.attidentity::text, CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) ELSE '' END
		FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = ANY(`+oids(list)+`) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum`,
		[]any{&relid, &c.name, &c.kind, &c.needed, &c.generated, &c.identity, &c.how}, func() error {
			has[relid] = append(has[relid], c)
			return nil
		})
	if err != nil {
		return fmt.Errorf("read the columns: %w", err)
	}
	for _, l := range w.leaves {
		w.compareColumns(l, has[l.oid])
	}
	return nil
}

func (w *work) compareColumns(l *leaf, now []column) {
	for _, then := range l.t.Columns {
		i := slices.IndexFunc(now, func(c column) bool { return c.name == then.Name })
		switch {
		case i < 0:
			w.refuse(l, "its column %s is not there: it was dropped or renamed since; add it again as %s", clean(then.Name), clean(then.Type))
		case now[i].kind != then.Type:
			w.refuse(l, "its column %s was %s, and is %s: give it back its type", clean(then.Name), clean(then.Type), clean(now[i].kind))
		case now[i].generated != "":
			w.refuse(l, "its column %s is generated now, and was not", clean(then.Name))
		case now[i].identity == "a":
			l.always = append(l.always, then.Name)
		}
		l.columns = append(l.columns, then.Name)
	}
	var added []string
	for _, c := range now {
		if c.generated == "" {
			l.plain = append(l.plain, c.name)
		}
		switch known := slices.Contains(l.columns, c.name); {
		case known:
		case c.generated != "":
			l.generated = append(l.generated, generated{c.name, c.how})
		case c.needed:
			w.refuse(l, "its column %s was added since, takes no NULL and has no default: give it a default", clean(c.name))
		default:
			added = append(added, clean(c.name))
		}
	}
	if l.added = len(added) > 0; l.added {
		l.note("%s was added since: rows that come back have its default", strings.Join(added, ", "))
	}
}

// lock keeps others from writing while rows are compared and put back. Where the
// server does not look after keys, what rows refer to must not go meanwhile, and
// nothing new may refer to what goes.
func (w *work) lock(ctx context.Context) error {
	var names []string
	for _, l := range w.leaves {
		n := l.into
		if l.kind != "p" {
			n = "ONLY " + n
		}
		names = append(names, n)
	}
	for _, k := range w.keys {
		if w.mode != AsReplica || k.clone {
			continue
		}
		if k.fromLeaf {
			names = append(names, k.to.rows())
		}
		if k.toLeaf && slices.ContainsFunc(w.leaves, func(l *leaf) bool { return l.isOrIsPartOf(k.to.oid) && w.takesAway(l) }) {
			names = append(names, k.from.rows())
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return strings.Compare(strings.TrimPrefix(a, "ONLY "), strings.TrimPrefix(b, "ONLY "))
	})
	for _, n := range slices.Compact(names) {
		if err := w.exec(ctx, "LOCK TABLE "+n+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return fail("lock", n, err)
		}
	}
	return nil
}
