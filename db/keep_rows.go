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
//
// Where rows were only deleted, or only inserted, and the server counted as many as
// bear the transaction's number, that is all of them: what an exception block of a
// function did bears a number of its own, and what it took back is counted too, so
// that either is missing. What was merely locked bears the number as well, and has
// to be nothing. Everywhere else counts may agree by chance: an update in such a
// block leaves as many rows as it found. There, all numbers are found out first.
func (k *keeping) table(ctx context.Context, t *keptTable) error {
	if t.whole {
		return nil
	}
	xid, err := k.xid()
	if err != nil {
		return err
	}
	did := t.did
	if did.Updated == 0 && (did.Inserted == 0 || did.Deleted == 0) {
		all, err := k.byNumber(ctx, t, xid)
		if all || err != nil {
			return err
		}
	}
	// Others may write to a table that is not locked, between two looks at it.
	for try := 1; ; try++ {
		all, err := k.byNumbers(ctx, t, xid)
		switch {
		case all || err != nil:
			return err
		case try == keepTries:
			return failf("keep the rows of", t.Called, "see who writes to it or holds locks on its rows (pg_locks, SELECT FOR SHARE), then start the phase again; or write `capsule: off` into the phase",
				errors.New("beside the rows that bear the transaction's number, others were changed"))
		}
		rollback(ctx, k.others)
		if err := k.snapshot(ctx); err != nil {
			return err
		}
	}
}

// keepTries is how often a table is looked at that others write to.
const keepTries = 3

// byNumbers writes the rows that bear any number of the transaction's, and reports
// whether those are all. If not, nothing of them stays.
func (k *keeping) byNumbers(ctx context.Context, t *keptTable, xid string) (bool, error) {
	was, is, err := k.numbers(ctx, t, xid)
	if err != nil {
		return false, err
	}
	if err := k.write(ctx, t, was, is); err != nil {
		return false, err
	}
	all := t.did.Deleted == 0 && t.did.Inserted == 0 && t.less() == 0 // updated alone, and each row that was is one that is
	if !all {
		all, err = k.restIsSame(ctx, t, was, is, xid)
	}
	if all || err != nil {
		return all, err
	}
	return false, k.discard(t)
}

// byNumber writes the rows that bear the transaction's own number, and reports
// whether those are all. If not, nothing of them stays.
func (k *keeping) byNumber(ctx context.Context, t *keptTable, xid string) (bool, error) {
	if err := k.write(ctx, t, "xmax = '"+xid+"'::xid", "xmin = '"+xid+"'::xid"); err != nil {
		return false, err
	}
	all := t.less() == t.did.Deleted-t.did.Inserted
	if all && t.did.Deleted > 0 {
		err := k.x.t.long(ctx, k.x.s, func(ctx context.Context, l long) error {
			return l.scan(ctx, "SELECT NOT EXISTS (SELECT"+t.rows("xmax = '"+xid+"'::xid")+")", &all)
		})
		if err != nil {
			return false, err
		}
	}
	if all {
		return true, nil
	}
	return false, k.discard(t)
}

// less is how many rows fewer there are than before, as they were written out.
func (t *keptTable) less() int64 {
	rows := func(p capsule.Part) int64 { return t.Streams[p].Rows }
	return rows(capsule.Gone) + rows(capsule.Old) - rows(capsule.New) - rows(capsule.Added)
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

// restIsSame holds all rows that were not written out against each other, by
// number and content: as the others see them, and as the phase does. What others
// have written since the phase began is not of them.
func (k *keeping) restIsSame(ctx context.Context, t *keptTable, was, is, xid string) (bool, error) {
	var rests [2]string
	for i, look := range []struct {
		s     *session
		where string
	}{{k.others, was}, {k.x.s, is}} {
		query := `SELECT concat_ws(' ', count(*), sum(hashtextextended(content, 0)), sum(hashtextextended(content, 6148914691236517205)))
			FROM (SELECT (tminus_row.*)::text COLLATE "C" AS content` + t.rows("NOT ("+look.where+") AND age(xmin) > age('"+xid+"'::xid)") + ` OFFSET '0') AS tminus_rows`
		err := k.x.t.long(ctx, look.s, func(ctx context.Context, l long) error { return l.scan(ctx, query, &rests[i]) })
		if err != nil {
			return false, err
		}
	}
	return rests[0] == rests[1], nil
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
