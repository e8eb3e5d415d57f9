package putback

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"tminus/db/capsule"
)

// counted is what the server counted in a relation.
type counted struct{ inserted, updated, deleted int64 }

// expected is what is to be done to a leaf's rows.
type expected struct {
	inserted, updated, deleted int64
	skipped                    int64 // gone rows that are not inserted
	again                      int64 // of inserted: changed rows that others removed since
	later                      int64 // of updated: rows of a circle, which got their references
}

// found is what was read back.
type found struct {
	rows int64
	sum  uint64
}

// counters reads what the session has written to each table, by the server's
// count. The temporary tables are its own business.
func (w *work) counters(ctx context.Context) (map[uint32]counted, error) {
	out := map[uint32]counted{}
	var relid uint32
	var c counted
	err := each(ctx, w, `SELECT s.relid::pg_catalog.oid, s.n_tup_ins, s.n_tup_upd, s.n_tup_del FROM pg_catalog.pg_stat_xact_user_tables s
		JOIN pg_catalog.pg_class c ON c.oid = s.relid WHERE c.relnamespace <> pg_catalog.pg_my_temp_schema() AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0`,
		[]any{&relid, &c.inserted, &c.updated, &c.deleted}, func() error {
			out[relid] = c
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read what the server counted: %w", err)
	}
	return out, nil
}

// readCounters finds what was written since the start.
func (w *work) readCounters(ctx context.Context) error {
	now, err := w.counters(ctx)
	if err != nil {
		return err
	}
	w.after = map[uint32]counted{}
	for relid, c := range now {
		b := w.before[relid]
		c = counted{c.inserted - b.inserted, c.updated - b.updated, c.deleted - b.deleted}
		if c != (counted{}) {
			w.after[relid] = c
		}
	}
	return nil
}

// group is leaves that are proven together, since rows of one may have gone to another.
type group struct {
	leaves  []*leaf
	relids  []uint32
	from    string
	columns []string
}

// groups gives each leaf's group: itself, or all that stand below the root that
// takes the rows of one of them.
func (w *work) groups() []*group {
	var out []*group
	byHead := map[*leaf]*group{}
	for _, l := range w.leaves {
		head := w.head(l)
		g := byHead[head]
		if g == nil {
			g = &group{relids: head.tree, from: head.from, columns: head.columns}
			byHead[head] = g
			out = append(out, g)
		}
		g.leaves = append(g.leaves, l)
	}
	return out
}

// head is the leaf whose relation holds all that a leaf's rows may have gone to:
// itself, or one whose rows go through a root above it.
func (w *work) head(l *leaf) *leaf {
	head := l
	for _, other := range w.leaves {
		if other.through && slices.Contains(other.tree, l.oid) && (len(other.tree) > len(head.tree) || !head.through) {
			head = other
		}
	}
	return head
}

// grouped reports whether rows of other partitions may come to a leaf.
func (w *work) grouped(l *leaf) bool { return w.head(l).through }

// prove reads back all that was written, and holds it against what was meant.
func (w *work) prove(ctx context.Context) error {
	known := map[uint32]bool{}
	for _, g := range w.groups() {
		var meant, got counted
		for _, relid := range g.relids {
			c := w.after[relid]
			got.inserted, got.updated, got.deleted = got.inserted+c.inserted, got.updated+c.updated, got.deleted+c.deleted
			known[relid] = true
		}
		for _, l := range g.leaves {
			e := l.expected
			meant.inserted, meant.updated, meant.deleted = meant.inserted+e.inserted, meant.updated+e.updated, meant.deleted+e.deleted
		}
		if got != meant {
			return fmt.Errorf("%w: %s: %d rows inserted, %d updated, %d deleted, and meant were %d, %d, %d", ErrProof, g.leaves[0],
				got.inserted, got.updated, got.deleted, meant.inserted, meant.updated, meant.deleted)
		}
		if err := w.proveRows(ctx, g); err != nil {
			return fail("prove", g.leaves[0].String(), err)
		}
	}
	for relid, c := range w.after {
		if known[relid] {
			continue
		}
		other, err := one[string](ctx, w, fmt.Sprintf("SELECT %d::pg_catalog.regclass::text", relid))
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: table %s is none of the capsule's, and %d rows of it were inserted, %d updated, %d deleted: a trigger or a cascade did that", ErrProof,
			clean(other), c.inserted, c.updated, c.deleted)
	}
	return nil
}

// proveRows compares the rows' sum with what the capsule says of them.
func (w *work) proveRows(ctx context.Context, g *group) error {
	var want found
	for _, l := range g.leaves {
		f, err := w.meantRows(ctx, l, g.columns)
		if err != nil {
			return err
		}
		want.rows, want.sum = want.rows+f.rows, want.sum+f.sum
	}
	if want.rows == 0 {
		return nil // the server counted none
	}
	w.opt.Progress(Progress{Step: "prove", Table: g.leaves[0].plan.Called, Of: want.rows})
	got, err := w.copyOut(ctx, "SELECT "+columns("", g.columns)+" FROM "+g.from+" t WHERE t.xmin = "+w.xid)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: %d rows of sum %016x were read back, and %d of sum %016x were to be there", ErrProof, got.rows, got.sum, want.rows, want.sum)
	}
	for _, l := range g.leaves {
		l.found = got
	}
	return nil
}

// meantRows is what a leaf's rows that were written must sum up to. It is the
// manifest's word where all of a stream came back, and read where not.
func (w *work) meantRows(ctx context.Context, l *leaf, columnsNow []string) (found, error) {
	asTaken := slices.Equal(columnsNow, l.columns)
	list := columns("s", columnsNow)
	var out found
	add := func(part capsule.Part, whole bool, where string) error {
		f, err := found{}, error(nil)
		if s := l.t.Streams[part]; whole && asTaken {
			f.rows = s.Rows
			f.sum, err = strconv.ParseUint(s.Sum, 16, 64)
		} else {
			f, err = w.copyOut(ctx, "SELECT "+list+" FROM "+l.temporary(string(part))+" s"+where)
		}
		out.rows, out.sum = out.rows+f.rows, out.sum+f.sum
		return err
	}
	if l.plan.Straight {
		return out, add(capsule.Gone, true, "")
	}
	if l.expected.inserted > 0 {
		for part, where := range l.returning() {
			if err := add(part, where == "", where); err != nil {
				return out, err
			}
		}
	}
	if l.expected.updated == 0 || l.plan.Set == 0 { // they are among those inserted
		return out, nil
	}
	where := " WHERE EXISTS (SELECT FROM " + l.temporary("pair") + " p WHERE p.r = s.ctid AND p.what IN ('set', 'over'))"
	return out, add(capsule.Old, l.plan.Set == l.rows(capsule.Old), where)
}

// copyOut sums rows up as a capsule does.
func (w *work) copyOut(ctx context.Context, query string) (found, error) {
	var sum capsule.RowSum
	_, err := w.conn.CopyTo(ctx, &sum, "COPY ("+query+") TO STDOUT "+w.format())
	return found{sum.Rows, sum.Total}, err
}

// done is what was done to a leaf.
func (l *leaf) done() Done {
	out := Done{Table: l.plan, Took: l.took, Inserted: l.expected.inserted, Updated: l.expected.updated, Deleted: l.expected.deleted, Rows: l.found.rows}
	if out.Rows > 0 {
		out.Sum = fmt.Sprintf("%016x", l.found.sum)
	}
	return out
}
