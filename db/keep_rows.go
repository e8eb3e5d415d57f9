package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"

	"tminus/db/capsule"
)

// table writes what there is of one table, and makes sure that it is all.
func (k *keeping) table(ctx context.Context, t *keptTable) error {
	if t.whole {
		return nil
	}
	xid, err := k.xid()
	if err != nil {
		return err
	}
	if err := k.write(ctx, t, "xmax = '"+xid+"'::xid", "xmin = '"+xid+"'::xid"); err != nil {
		return err
	}
	if t.complete() {
		return nil
	}
	// Rows that somebody merely locked bear a number too, and what was done
	// within an exception block of a function bears one of its own.
	if err := k.discard(t); err != nil {
		return err
	}
	was, is, err := k.numbers(ctx, t, xid)
	if err != nil {
		return err
	}
	if err := k.write(ctx, t, was, is); err != nil {
		return err
	}
	return k.restIsSame(ctx, t, was, is)
}

func (k *keeping) write(ctx context.Context, t *keptTable, was, is string) error {
	var err error
	switch did := t.did; {
	case did.Updated == 0 && did.Inserted == 0:
		err = k.copy(ctx, t, k.others, capsule.Gone, was)
	case did.Updated == 0 && did.Deleted == 0:
		err = k.copy(ctx, t, k.x.s, capsule.Added, is)
	case did.Deleted == 0 && did.Inserted == 0 && len(t.Key) > 0: // each row that was is one that is
		err = k.updated(ctx, t, was, is)
	case len(t.Key) == 0: // nothing tells which row has become which
		if err = k.copy(ctx, t, k.others, capsule.Gone, was); err == nil {
			err = k.copy(ctx, t, k.x.s, capsule.Added, is)
		}
	default:
		err = k.pair(ctx, t, was, is)
	}
	return err
}

// updated writes the rows of a table that were updated, and whose keys were not.
func (k *keeping) updated(ctx context.Context, t *keptTable, was, is string) error {
	before, err := k.keySum(ctx, t, k.others, was)
	if err != nil {
		return err
	}
	after, err := k.keySum(ctx, t, k.x.s, is)
	switch {
	case err != nil:
		return err
	case before != after:
		return k.pair(ctx, t, was, is)
	}
	if err := k.copy(ctx, t, k.others, capsule.Old, was); err != nil {
		return err
	}
	return k.copy(ctx, t, k.x.s, capsule.New, is)
}

// complete holds the rows against the server's counts. An update leaves as many
// rows as it found, however often it was done to one. Only the counts of what an
// exception block took back are too high.
func (t *keptTable) complete() bool {
	gone, old := t.Streams[capsule.Gone].Rows, t.Streams[capsule.Old].Rows
	left, added := t.Streams[capsule.New].Rows, t.Streams[capsule.Added].Rows
	did := t.did
	if did.Updated == 0 && did.Inserted == 0 {
		return gone == did.Deleted
	}
	return left+added-old-gone == did.Inserted-did.Deleted && gone <= did.Deleted+did.Updated && added <= did.Inserted+did.Updated
}

// restIsSame holds all rows that were not written out against each other, by
// number and content: as the others see them, and as the phase does.
func (k *keeping) restIsSame(ctx context.Context, t *keptTable, was, is string) error {
	var rests [2]string
	for i, look := range []struct {
		s     *session
		where string
	}{{k.others, was}, {k.x.s, is}} {
		query := `SELECT concat_ws(' ', count(*), sum(hashtextextended((tminus_row.*)::text COLLATE "C", 0)::numeric),
			sum(hashtextextended((tminus_row.*)::text COLLATE "C", 6148914691236517205)::numeric))` + t.rows("NOT ("+look.where+")")
		err := k.x.t.long(ctx, look.s, func(ctx context.Context, l long) error { return l.scan(ctx, query, &rests[i]) })
		if err != nil {
			return err
		}
	}
	if rests[0] == rests[1] {
		return nil
	}
	return failf("keep the rows of", t.Called, "see who holds locks on its rows (pg_locks, SELECT FOR SHARE), then start the phase again; or write `capsule: off` into the phase",
		errors.New("beside the rows that bear the transaction's number, others were changed by it"))
}

// discard takes back what was written of a table.
func (k *keeping) discard(t *keptTable) error {
	for part, s := range t.Streams {
		if err := k.w.Discard(s); err != nil {
			return err
		}
		k.state.Rows -= s.Rows
		delete(t.Streams, part)
	}
	return nil
}

// columns are the table's, for a select list.
func (t *keptTable) columns() string {
	var out []string
	for _, c := range t.Columns {
		out = append(out, pgx.Identifier{c.Name}.Sanitize())
	}
	return strings.Join(out, ", ")
}

// rows are the table's for which a condition holds, as the end of a query.
func (t *keptTable) rows(where string) string {
	if t.through != "" {
		return fmt.Sprintf(" FROM %s AS tminus_row WHERE tableoid = %d AND (%s)", t.through, t.oid, where)
	}
	return " FROM ONLY " + pgx.Identifier{t.Schema, t.Name}.Sanitize() + " AS tminus_row WHERE " + where
}

func (k *keeping) toStdout(query string) string {
	return "COPY (" + query + ") TO STDOUT WITH (ENCODING '" + strings.ReplaceAll(k.encoding, "'", "''") + "')"
}

// copy writes the rows for which a condition holds, as a session sees them.
func (k *keeping) copy(ctx context.Context, t *keptTable, s *session, part capsule.Part, where string) error {
	w, err := k.w.Stream(part)
	if err != nil {
		return err
	}
	err = k.x.t.long(ctx, s, func(ctx context.Context, l long) error {
		return l.copyTo(ctx, &metered{w: w, k: k}, k.toStdout("SELECT "+t.columns()+t.rows(where)))
	})
	return k.end(t, part, w, err)
}

// end closes a stream, and takes it for the table where it has rows.
func (k *keeping) end(t *keptTable, part capsule.Part, w *capsule.StreamWriter, err error) error {
	stream, closeErr := w.Close()
	if err = errors.Join(err, closeErr); err != nil {
		return err
	}
	if stream.Rows > 0 {
		t.Streams[part] = stream
		k.state.Rows += stream.Rows
	}
	k.tell()
	return nil
}

// tell says how far the capsule is, when somebody wants to know.
func (k *keeping) tell() {
	if k.progress != nil {
		k.progress(k.state)
	}
}

// metered tells how far a stream is.
type metered struct {
	w      io.Writer
	k      *keeping
	unsaid int
}

// tellEvery is after how many bytes a stream says how far it is.
const tellEvery = 1 << 20

func (c *metered) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.k.state.Bytes += int64(n)
	if c.unsaid += n; c.unsaid >= tellEvery {
		c.unsaid = 0
		c.k.tell()
	}
	return n, err
}
