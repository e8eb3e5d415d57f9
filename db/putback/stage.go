package putback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/capsule"
)

// chooseWay decides whether a leaf's rows go straight into it.
func (w *work) chooseWay(ctx context.Context, l *leaf) error {
	if l.t.Streams == nil || w.grouped(l) || len(l.later) > 0 || l.rows(capsule.Old)+l.rows(capsule.Added) > 0 {
		return nil
	}
	if l.rows(capsule.Gone) == 0 {
		return nil
	}
	empty, err := one[bool](ctx, w, "SELECT NOT EXISTS (SELECT FROM "+l.target()+" t)")
	if err != nil {
		return err
	}
	if l.plan.Straight = empty; empty {
		l.plan.Back = l.rows(capsule.Gone)
		l.expected = expected{inserted: l.plan.Back}
	}
	return nil
}

// temporary is the name of one of a leaf's temporary tables.
func (l *leaf) temporary(what string) string {
	return name("pg_temp", fmt.Sprintf("tminus_%d_%s", l.n, what))
}

// stage brings a stream into a temporary table.
func (w *work) stage(ctx context.Context, l *leaf, part capsule.Part) error {
	defer l.spent(time.Now())
	table := l.temporary(string(part))
	err := w.exec(ctx, "CREATE TEMPORARY TABLE "+table+" ON COMMIT DROP AS SELECT "+columns("", l.columns)+" FROM "+l.from+" LIMIT 0")
	if err != nil {
		return err
	}
	if err := w.copyIn(ctx, l, part, table, "read"); err != nil {
		return err
	}
	return w.exec(ctx, "ANALYZE "+table)
}

// copyIn sends a stream to a table. The capsule ends it with an error where it
// is not what its manifest says, and then the server keeps none of it.
func (w *work) copyIn(ctx context.Context, l *leaf, part capsule.Part, table, step string) (err error) {
	r, err := w.capsule.Read(l.t, part)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p := Progress{Step: step, Table: l.plan.Called, Of: l.rows(part)}
	counted := &counting{r: r, seen: func(rows int64) { p.Rows += rows; w.opt.Progress(p) }}
	tag, err := w.conn.CopyFrom(ctx, counted, "COPY "+table+" ("+columns("", l.columns)+") FROM STDIN "+w.format())
	if err == nil && tag.RowsAffected() != l.rows(part) {
		err = fmt.Errorf("%w: the server took %d of %d rows", ErrProof, tag.RowsAffected(), l.rows(part))
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		pg.Detail, pg.Where = "", "" // the line that it came to, in the words of any language
	}
	return err
}

// format is how rows are written, both ways.
func (w *work) format() string { return "WITH (FORMAT text, ENCODING " + literal(w.m.Encoding) + ")" }

// counting counts the rows that pass.
type counting struct {
	r    io.Reader
	seen func(rows int64)
}

// Read passes on what r gives.
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if n > 0 {
		c.seen(int64(bytes.Count(p[:n], []byte{'\n'})))
	}
	return n, err
}

// source is a staged stream for a join, with the columns that are generated.
func (l *leaf) source(part capsule.Part) string {
	sql := "(SELECT tminus_s.ctid AS tminus_row, 0::pg_catalog.oid AS tminus_rel, tminus_s.*"
	for _, g := range l.generated {
		sql += ", (" + g.expr + ") AS " + quoted(g.name)
	}
	return sql + " FROM " + l.temporary(string(part)) + " tminus_s)"
}

// joins tells the planner how a number of rows is best looked up in a relation.
// Its statistics are those of a table that was emptied, or is being filled: few
// rows, it thinks, and compares each with each. That one is much larger than what
// is looked up in it is believed.
func (w *work) joins(ctx context.Context, relation uint32, rows int64) error {
	much, err := one[bool](ctx, w, fmt.Sprintf("SELECT coalesce((SELECT reltuples > 50 * %d FROM pg_catalog.pg_class WHERE oid = %d), false)", rows, relation))
	if err != nil {
		return err
	}
	// As much memory as the server gives itself for checking a key; and compiling
	// takes longer than what it is for.
	return w.exec(ctx, fmt.Sprintf("SET LOCAL enable_nestloop = %t", much), "SET LOCAL jit = off",
		"SELECT pg_catalog.set_config('work_mem', pg_catalog.current_setting('maintenance_work_mem'), true)")
}

// all is how many rows a leaf's streams have.
func (l *leaf) all() (n int64) {
	for _, s := range l.t.Streams {
		n += s.Rows
	}
	return n
}
