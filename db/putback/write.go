package putback

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/db/capsule"
)

// write changes rows, and nothing else.
func (w *work) write(ctx context.Context) error {
	// Children first: what refers to a row goes before it.
	for _, l := range slices.Backward(w.leaves) {
		if err := w.remove(ctx, l); err != nil {
			return fail("remove what the phase added to", l.String(), err)
		}
	}
	// Old values first, for they make room for what comes back; but row by row
	// they may refer to what comes back.
	steps := []func(context.Context, *leaf) error{w.setBack, w.putBack}
	if w.mode == RowByRow {
		steps[0], steps[1] = steps[1], steps[0]
	}
	for _, l := range w.leaves {
		for _, step := range steps {
			if err := step(ctx, l); err != nil {
				return fail("put back the rows of", l.String(), err)
			}
		}
	}
	for _, l := range w.leaves {
		if err := w.setLater(ctx, l); err != nil {
			return fail("put back the references of", l.String(), err)
		}
	}
	return nil
}

// hits is the join of a leaf's rows with those to be changed.
const hits = "t.ctid = h.t AND t.tableoid = h.o"

// remove takes away what the phase added, and by choice what is in the way.
func (w *work) remove(ctx context.Context, l *leaf) error {
	if err := w.keepWent(ctx, l); err != nil || l.expected.deleted == 0 {
		return err
	}
	defer l.spent(time.Now())
	w.opt.Progress(Progress{Step: "remove", Table: l.plan.Called, Of: l.expected.deleted})
	if err := w.joins(ctx, l.oid, l.all()); err != nil {
		return err
	}
	n, err := w.changed(ctx, "DELETE FROM "+l.from+" AS t USING "+l.temporary("hit")+" h WHERE "+hits+l.leaving())
	return meant(n, l.expected.deleted, err)
}

// leaving is which of the hits are deleted.
func (l *leaf) leaving() string {
	if l.swaps {
		return ""
	}
	return " AND h.why <> 'set'"
}

// setBack gives rows that the phase changed their old values.
func (w *work) setBack(ctx context.Context, l *leaf) error {
	if l.expected.updated == 0 {
		return nil
	}
	defer l.spent(time.Now())
	w.opt.Progress(Progress{Step: "set back", Table: l.plan.Called, Of: l.expected.updated})
	if err := w.joins(ctx, l.oid, l.all()); err != nil {
		return err
	}
	set := make([]string, len(l.setting))
	for i, c := range l.setting {
		set[i] = quoted(c) + " = o." + quoted(c)
	}
	n, err := w.changed(ctx, "UPDATE "+l.from+" AS t SET "+strings.Join(set, ", ")+" FROM "+l.temporary("pair")+" h JOIN "+l.temporary("old")+
		" o ON o.ctid = h.r WHERE "+hits+" AND h.what IN ('set', 'over')")
	return meant(n, l.expected.updated, err)
}

// putBack brings rows back that are gone.
func (w *work) putBack(ctx context.Context, l *leaf) error {
	if l.expected.inserted == 0 {
		return nil
	}
	defer l.spent(time.Now())
	if l.plan.Straight {
		return w.withoutIndexes(ctx, l, func() error { return w.copyIn(ctx, l, capsule.Gone, l.into, "put back") })
	}
	w.opt.Progress(Progress{Step: "put back", Table: l.plan.Called, Of: l.expected.inserted})
	if err := w.joins(ctx, l.oid, l.all()); err != nil {
		return err
	}
	values := make([]string, len(l.columns))
	for i, c := range l.columns {
		if values[i] = "s." + quoted(c); l.isLater(c) {
			values[i] = "NULL"
		}
	}
	into := "INSERT INTO " + l.into + " (" + columns("", l.columns) + ") OVERRIDING SYSTEM VALUE SELECT " + strings.Join(values, ", ") + " FROM "
	var total int64
	for part, where := range l.returning() {
		n, err := w.changed(ctx, into+l.temporary(string(part))+" s"+where)
		if err != nil {
			return err
		}
		total += n
	}
	return meant(total, l.expected.inserted, nil)
}

// returning is which rows of which streams are inserted.
func (l *leaf) returning() map[capsule.Part]string {
	out := map[capsule.Part]string{}
	if l.rows(capsule.Gone) > 0 {
		out[capsule.Gone] = ""
		if l.expected.skipped > 0 {
			out[capsule.Gone] = " WHERE NOT EXISTS (SELECT FROM " + l.temporary("skip") + " k WHERE k.r = s.ctid)"
		}
	}
	what := "'again'"
	if l.swaps {
		what = "'again', 'set', 'over'"
	}
	if l.expected.again > 0 || l.swaps {
		out[capsule.Old] = " WHERE EXISTS (SELECT FROM " + l.temporary("pair") + " p WHERE p.r = s.ctid AND p.what IN (" + what + "))"
	}
	return out
}

// isLater reports whether a column is set when all rows are there.
func (l *leaf) isLater(column string) bool {
	return slices.ContainsFunc(l.later, func(k *foreignKey) bool {
		i := slices.Index(k.from.columns, column)
		return i >= 0 && k.nullable[i]
	})
}

// setLater sets the columns of a circle's keys.
func (w *work) setLater(ctx context.Context, l *leaf) error {
	var set []string
	for _, c := range l.columns {
		if l.isLater(c) {
			set = append(set, quoted(c)+" = s."+quoted(c))
		}
	}
	if len(set) == 0 || l.expected.inserted == 0 {
		return nil
	}
	defer l.spent(time.Now())
	if err := w.joins(ctx, l.oid, l.all()); err != nil {
		return err
	}
	for part, where := range l.returning() {
		if where == "" {
			where = " WHERE true"
		}
		n, err := w.changed(ctx, "UPDATE "+l.from+" AS t SET "+strings.Join(set, ", ")+" FROM "+l.temporary(string(part))+" s"+where+" AND "+l.sameKey("t", "s"))
		if err != nil {
			return err
		}
		l.expected.updated += n
		l.expected.later += n
	}
	return meant(l.expected.later, l.expected.inserted, nil)
}

// meant is an error where a statement changed another number of rows.
func meant(got, want int64, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("%w: %d rows instead of %d", ErrProof, got, want)
	}
	return err
}
