package putback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// findMode decides how the server's guards are kept from acting, by what the role may.
func (w *work) findMode(ctx context.Context) error {
	may := "pg_catalog.current_setting('is_superuser')::bool"
	if w.version >= 150000 {
		may += " OR pg_catalog.has_parameter_privilege('session_replication_role', 'SET')"
	}
	replica, err := one[bool](ctx, w, "SELECT "+may)
	if err != nil {
		return fmt.Errorf("look what the role may: %w", err)
	}
	w.mode = WithoutKeys
	if replica {
		w.mode = AsReplica
	}
	owned := !slices.ContainsFunc(w.leaves, func(l *leaf) bool { return !l.owned })
	for _, k := range w.keys {
		owned = owned && (!k.fromLeaf || k.owned && k.references)
	}
	if w.mode == WithoutKeys && !owned {
		w.mode = RowByRow
	}
	return nil
}

// chooseMode looks what the mode cannot do, and in which order it must work.
func (w *work) chooseMode() {
	w.refuseTriggers()
	if w.mode == RowByRow {
		w.order()
	}
}

// guarded carries out do while neither keys nor triggers act, and has them act
// again, the same as before.
func (w *work) guarded(ctx context.Context, do func(context.Context) error) (err error) {
	off, err := w.silence(ctx)
	if err != nil {
		return err
	}
	switch w.mode {
	case AsReplica:
		err = w.asReplica(ctx, do)
	case WithoutKeys:
		err = w.withoutKeys(ctx, do)
	default:
		if err = w.exec(ctx, "SET CONSTRAINTS ALL DEFERRED"); err == nil {
			err = do(ctx)
		}
	}
	if err == nil && w.mode != AsReplica {
		// What is asked at COMMIT is asked here, where it can be told; and a table
		// with questions left cannot be altered.
		err = w.exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE")
	}
	if err == nil && off {
		err = w.unsilence(ctx)
	}
	return err
}

// asReplica has the session be origin again whatever happens, as far as the
// transaction can still do anything.
func (w *work) asReplica(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		back := w.exec(context.WithoutCancel(ctx), "SET LOCAL session_replication_role = origin")
		if pg, ok := errors.AsType[*pgconn.PgError](back); ok && pg.Code == "25P02" && err != nil {
			return // only ROLLBACK is left, which does the same
		}
		err = errors.Join(err, back)
	}()
	if err := w.exec(ctx, "SET LOCAL session_replication_role = replica"); err != nil {
		return err
	}
	return do(ctx)
}

// withoutKeys drops the keys of what is filled, and makes them again.
func (w *work) withoutKeys(ctx context.Context, do func(context.Context) error) error {
	var dropped []*foreignKey
	for _, k := range w.keys {
		// Those that refer to what loses rows would act on the others' rows.
		acts := k.toLeaf && k.owned && k.references && slices.ContainsFunc(w.leaves, func(l *leaf) bool {
			return l.expected.deleted+l.expected.updated > 0 && l.isOrIsPartOf(k.to.oid)
		})
		if (k.fromLeaf || acts) && !slices.ContainsFunc(dropped, func(d *foreignKey) bool { return d.top == k.top }) {
			dropped = append(dropped, k)
		}
	}
	before, err := w.describeKeys(ctx)
	if err != nil {
		return err
	}
	for _, k := range dropped {
		if err := w.exec(ctx, "ALTER TABLE "+k.topTable+" DROP CONSTRAINT "+quoted(k.topName)); err != nil {
			return fail("drop for the time", k.String(), err)
		}
	}
	if err := do(ctx); err != nil {
		return err
	}
	if err := w.exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return err
	}
	if err := w.exec(ctx, "SET LOCAL enable_nestloop = off"); err != nil { // as joins has it
		return err
	}
	for _, k := range dropped {
		if err := w.remake(ctx, k); err != nil {
			return err
		}
	}
	after, err := w.describeKeys(ctx)
	if err != nil {
		return err
	}
	for _, d := range before {
		if !slices.Contains(after, d) {
			return fmt.Errorf("%w: a foreign key is not as it was: %s", ErrProof, clean(d))
		}
	}
	if len(after) != len(before) {
		return fmt.Errorf("%w: there are %d foreign keys, and were %d", ErrProof, len(after), len(before))
	}
	return nil
}

// remake makes a key again, which checks all its rows.
func (w *work) remake(ctx context.Context, k *foreignKey) error {
	w.opt.Progress(Progress{Step: "check keys of", Table: k.topTable})
	err := w.exec(ctx, "ALTER TABLE "+k.topTable+" ADD CONSTRAINT "+quoted(k.topName)+" "+k.def)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "23503" {
		return fmt.Errorf("%w: %s: rows would refer to rows of %s that are not there; undo the phases that came after this one as well, or bring those rows back: %w",
			ErrKeys, k, clean(k.to.name), withoutRows(err))
	}
	if err == nil && k.comment != "" {
		err = w.exec(ctx, "COMMENT ON CONSTRAINT "+quoted(k.topName)+" ON "+k.topTable+" IS "+literal(k.comment))
	}
	return fail("make again", k.String(), err)
}

// describeKeys is all that can be told of the foreign keys that concern the leaves.
func (w *work) describeKeys(ctx context.Context) ([]string, error) {
	list := oids(slices.Concat(w.takes, w.above))
	out, err := all[string](ctx, w, `SELECT pg_catalog.format('%s %I %s validated=%s comment=%L', con.conrelid::pg_catalog.oid, con.conname,
			pg_catalog.pg_get_constraintdef(con.oid), con.convalidated, pg_catalog.obj_description(con.oid, 'pg_constraint'))
		FROM pg_catalog.pg_constraint con WHERE con.contype = 'f' AND (con.conrelid = ANY(`+list+`) OR con.confrelid = ANY(`+list+`))
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = con.conparentid AND p.conrelid = con.conrelid) ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("describe the foreign keys: %w", err)
	}
	return out, nil
}

// order puts parents before their children. What is asked at the end of the
// transaction does not count; of a cycle that takes NULL, the columns come later.
func (w *work) order() {
	var out []*leaf
	left := slices.Clone(w.leaves)
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(l *leaf) bool { return w.blocked(l, left) == nil })
		if i < 0 {
			i = slices.IndexFunc(left, func(l *leaf) bool { return w.postpone(l, left) })
		}
		if i < 0 {
			var names []string
			for _, l := range left {
				names = append(names, w.blocked(l, left).String())
			}
			w.refuse(left[0], "its rows and others refer to each other in a circle that is neither DEFERRABLE nor takes NULL (%s): connect as the tables' owner, or as a superuser", strings.Join(names, ", "))
			return
		}
		out = append(out, left[i])
		left = slices.Delete(left, i, i+1)
	}
	w.leaves = out
}

// blocked gives a key of l that waits for another leaf's rows.
func (w *work) blocked(l *leaf, left []*leaf) *foreignKey {
	for _, k := range w.keys {
		if k.deferrable || !k.fromLeaf || k.clone || k.from.oid != l.oid || slices.Contains(l.later, k) {
			continue
		}
		for _, other := range left {
			if other != l && other.isOrIsPartOf(k.to.oid) {
				return k
			}
		}
	}
	return nil
}

// postpone has the columns of the keys that l waits for be set when all rows are
// there, where that can be done.
func (w *work) postpone(l *leaf, left []*leaf) bool {
	before := l.later
	for k := w.blocked(l, left); k != nil; k = w.blocked(l, left) {
		if !slices.Contains(k.nullable, true) || k.full && slices.Contains(k.nullable, false) || l.pairing == nil {
			l.later = before
			return false
		}
		l.later = append(l.later, k)
	}
	return true
}
