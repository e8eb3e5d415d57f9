package putback

import (
	"context"
	"slices"
	"strings"

	"tminus/db/capsule"
)

// overlay is what stands between a leaf's rows and those that are looked at: what
// putting newer capsules back does to them. shown are rows that will be there;
// hidden are places of rows that will not be; back are places of rows that newer
// capsules have brought back by now.
type overlay struct {
	shown, hidden, back string   // temporary tables
	plain               []string // the columns that a row can be given
	empty               bool     // nothing is hidden
}

// heedNewer looks what the capsules that are put back before this one make of its
// tables. As a forecast they are put back on paper; otherwise they are back, and
// of a table without a key it must be known which rows are theirs: they look as if
// somebody had written them since.
func (w *work) heedNewer(ctx context.Context, forecast bool) error {
	w.temporaries = len(w.m.Tables)
	for _, c := range w.opt.Before {
		err := w.heed(ctx, c, forecast)
		if err != nil {
			return fail("look what is put back before, of", c.Manifest().Phase, err)
		}
	}
	return nil
}

func (w *work) heed(ctx context.Context, c *capsule.Capsule, forecast bool) error {
	n, err := w.newer(ctx, c)
	if err != nil {
		return err
	}
	for _, l := range w.leaves {
		if !forecast && len(l.t.Key) > 0 {
			continue
		}
		for _, b := range n.leaves {
			if !slices.Contains(l.tree, b.oid) {
				continue
			}
			if err := w.lay(ctx, l); err != nil {
				return err
			}
			b := *b
			w.temporaries++
			b.n, b.from, b.over = w.temporaries, l.from, l.over
			if err := n.heedLeaf(ctx, &b, forecast); err != nil {
				return fail("compare", l.String(), err)
			}
		}
	}
	return nil
}

// newer is a newer capsule, as far as it has tables of this one. What refuses it
// is told where it is looked at itself; and what is in its way is, too, so that
// here it has its way.
func (w *work) newer(ctx context.Context, c *capsule.Capsule) (*work, error) {
	opt := Options{Choices: map[string]Choice{}, Progress: w.opt.Progress}
	n, err := begin(ctx, w.conn, c, opt)
	if err != nil {
		return nil, err
	}
	n.refusals = nil
	n.leaves = slices.DeleteFunc(n.leaves, func(b *leaf) bool {
		return len(b.t.Columns) == 0 || !slices.ContainsFunc(w.leaves, func(l *leaf) bool {
			return l.plan.Called == b.plan.Called || l.t.Schema == b.t.Schema && l.t.Name == b.t.Name
		})
	})
	for _, b := range n.leaves {
		if opt.Choices[b.plan.Called] = w.choice(b); w.choice(b) == Stop {
			opt.Choices[b.plan.Called] = Replace
		}
	}
	n.mode = w.mode
	if err := n.readRelations(ctx); err != nil {
		return nil, err
	}
	if len(n.refusals) > 0 {
		n.leaves = nil
		return n, nil
	}
	return n, n.readUniques(ctx)
}

// lay puts an overlay over a leaf that has none.
func (w *work) lay(ctx context.Context, l *leaf) error {
	if l.over != nil {
		return nil
	}
	o := &overlay{shown: l.temporary("shown"), hidden: l.temporary("hidden"), back: l.temporary("back"), plain: l.plain, empty: true}
	err := w.exec(ctx, "CREATE TEMPORARY TABLE "+o.shown+" ON COMMIT DROP AS SELECT "+columns("", o.plain)+" FROM "+l.from+" LIMIT 0",
		"CREATE TEMPORARY TABLE "+o.hidden+" (o oid, t tid) ON COMMIT DROP", "CREATE TEMPORARY TABLE "+o.back+" (o oid, t tid) ON COMMIT DROP")
	l.over = o
	return err
}

// heedLeaf does to a leaf's overlay what putting a newer capsule back does to its
// rows.
func (w *work) heedLeaf(ctx context.Context, b *leaf, forecast bool) error {
	if forecast {
		if err := w.sift(ctx, b); err != nil {
			return err
		}
	} else if b.rows(capsule.Gone) > 0 {
		if err := w.stage(ctx, b, capsule.Gone); err != nil {
			return err
		}
		if err := w.exec(ctx, "CREATE TEMPORARY TABLE "+b.temporary("skip")+" (r tid, o oid, t tid, why text) ON COMMIT DROP"); err != nil {
			return err
		}
		if err := w.siftGone(ctx, b); err != nil {
			return err
		}
	}
	var steps []string
	if b.rows(capsule.Gone) > 0 && len(b.t.Key) == 0 {
		steps = append(steps, "INSERT INTO "+b.over.back+" SELECT o, t FROM "+b.temporary("skip")+" WHERE why = 'there' AND o <> 0")
	}
	if forecast {
		steps = append(steps, b.showSQL()...)
	}
	steps = append(steps, "ANALYZE "+b.over.shown, "ANALYZE "+b.over.hidden, "ANALYZE "+b.over.back)
	if err := w.exec(ctx, steps...); err != nil {
		return err
	}
	hides, err := one[bool](ctx, w, "SELECT EXISTS (SELECT FROM "+b.over.hidden+")")
	b.over.empty = !hides
	return err
}

// showSQL brings what a newer capsule's leaf was found to do into the overlay. New
// rows come before those in whose place they are go, which they may be made of.
func (l *leaf) showSQL() []string {
	o := l.over
	show := "INSERT INTO " + o.shown + " (" + columns("", l.columns) + ") SELECT " + columns("s", l.columns) + " FROM "
	var out, drop []string
	if l.rows(capsule.Gone) > 0 {
		out = append(out, show+l.temporary("gone")+" s WHERE NOT EXISTS (SELECT FROM "+l.temporary("skip")+" k WHERE k.r = s.ctid)")
	}
	if l.rows(capsule.Old) > 0 {
		values := make([]string, len(o.plain))
		for i, c := range o.plain {
			if values[i] = "t." + quoted(c); slices.Contains(l.columns, c) {
				values[i] = "s." + quoted(c)
			}
		}
		out = append(out, show+l.temporary("old")+" s JOIN "+l.temporary("pair")+" p ON p.r = s.ctid WHERE p.what = 'again'",
			"INSERT INTO "+o.shown+" ("+columns("", o.plain)+") SELECT "+strings.Join(values, ", ")+" FROM "+l.temporary("old")+" s JOIN "+l.temporary("pair")+" p ON p.r = s.ctid JOIN "+
				l.target()+" t ON t.tminus_row = p.t AND t.tminus_rel = p.o WHERE p.what IN ('set', 'over')")
	}
	out = append(out, "DELETE FROM "+o.shown+" s USING "+l.temporary("hit")+" h WHERE h.o = 0 AND h.t = s.ctid",
		"INSERT INTO "+o.hidden+" SELECT DISTINCT o, t FROM "+l.temporary("hit")+" WHERE o <> 0")
	for _, p := range capsule.Parts() {
		if l.rows(p) > 0 {
			drop = append(drop, l.temporary(string(p)))
		}
	}
	for _, what := range []string{"skip", "sent", "pair", "hit", "clash"} {
		drop = append(drop, l.temporary(what))
	}
	return append(out, "DROP TABLE "+strings.Join(drop, ", "))
}

// target is a leaf's rows under the overlay, for a join.
func (o *overlay) target(l *leaf) string {
	names, shown := slices.Clone(o.plain), columns("tminus_s", o.plain)
	for _, g := range l.generated {
		names = append(names, g.name)
		shown += ", (" + g.expr + ")"
	}
	back := "false" // with a key, nobody asks
	if len(l.t.Key) == 0 {
		back = "EXISTS (SELECT FROM " + o.back + " m WHERE m.t = tminus_t.ctid AND m.o = tminus_t.tableoid)"
	}
	sql := "(SELECT tminus_t.ctid AS tminus_row, tminus_t.tableoid AS tminus_rel, tminus_t.xmin AS tminus_by, " + back + " AS tminus_back, " + columns("tminus_t", names) + " FROM " + l.from + " tminus_t"
	if !o.empty {
		sql += " WHERE NOT EXISTS (SELECT FROM " + o.hidden + " m WHERE m.t = tminus_t.ctid AND m.o = tminus_t.tableoid)"
	}
	return sql + " UNION ALL SELECT tminus_s.ctid, 0::pg_catalog.oid, pg_catalog.pg_current_xact_id()::pg_catalog.xid, true, " + shown + " FROM " + o.shown + " tminus_s)"
}
