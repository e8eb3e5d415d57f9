package db

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tminus/db/capsule"
	"tminus/phases"
	"tminus/phases/engine"
)

// A capsule is written while the phase's transaction is open, by two sessions.
// What the transaction deleted or updated is still there for another one, as it
// was: the rows whose xmax is the transaction. What it inserted, or left of what
// it updated, its own session sees: the rows whose xmin it is. So nothing is
// foreseen, and nothing followed: foreign keys, triggers and rules have done what
// they did, and all of it bears the transaction's number. Whether that was all,
// the server's own counts tell.

// keeping is a capsule under way.
type keeping struct {
	x        *tx
	others   *session // sees the rows as they were
	w        *capsule.Writer
	early    *early // nil when nothing is written early
	sealed   bool
	tables   []*keptTable
	state    phases.CapsuleProgress
	progress func(phases.CapsuleProgress)
	encoding string
	ahead    []*keptTable // written before the transaction locked them against all others
	last     uint64       // the greatest number that rows bear which are there now; 0: no other than the transaction's
}

// noKeep is the way out where a capsule cannot hold what a phase did.
const noKeep = "write `capsule: off` into the phase, and nobody can put back what it takes, or take this out of the phase"

// Keep implements engine.Tx.
func (x *tx) Keep(ctx context.Context, did phases.Effects, progress func(phases.CapsuleProgress)) (phases.Capsule, error) {
	if err := x.alive(); err != nil {
		return phases.Capsule{}, err
	}
	began := time.Now()
	var out phases.Capsule
	var beside []string
	var err error
	if x.k == nil {
		err = errors.New("nothing was to be kept: the transaction has no folder for it, or its tables were not locked")
	} else if beside, err = x.k.besideRows(ctx, did.Changes); err == nil {
		out, err = x.k.keep(ctx, progress)
	}
	if err != nil {
		return out, fail(ctx, "write the capsule of phase", phaseID(x.spec), err)
	}
	out.Beside, out.Took = beside, time.Since(began)
	return out, nil
}

// rowless are the types of what has a file and no rows of its own.
var rowless = []string{phases.TypeSequence, phases.TypeIndex, phases.TypeMaterializedView}

// besideRows says what of the changes no capsule holds, and refuses those that
// took rows away which nobody has written out before.
func (k *keeping) besideRows(ctx context.Context, changes []phases.Change) (beside []string, err error) {
	for _, c := range changes {
		early := false
		if c.Kind == phases.ChangeTruncated {
			if early, err = k.hasEarly(ctx, c); err != nil {
				return nil, err
			}
		}
		switch {
		case c.Kind == phases.ChangeLocked || c.Same || early:
			continue
		case c.Kind == phases.ChangeTruncated && slices.Contains(rowless, c.Type):
		case c.Kind == phases.ChangeTruncated, c.Kind == phases.ChangeUnseen, c.Kind == phases.ChangeDropped && c.Type == phases.TypeTable:
			return nil, failf("keep", c.Object, noKeep, fmt.Errorf("%s, and its rows cannot be read any more as they were", c))
		}
		beside = append(beside, c.String())
	}
	return beside, nil
}

// create makes the capsule's folder.
func (k *keeping) create() (err error) {
	k.w, err = capsule.Create(k.x.spec.Capsule, k.x.t.book.Capsule.Recipients)
	return err
}

// abandon ends a capsule that is not to be, and removes what there is of it.
func (k *keeping) abandon() error {
	k.stopEarly()
	if k.w == nil || k.sealed {
		return nil
	}
	return k.w.Abandon()
}

func (k *keeping) keep(ctx context.Context, progress func(phases.CapsuleProgress)) (phases.Capsule, error) {
	var out phases.Capsule
	if k.early != nil {
		<-k.early.done // it has the other session until then
	}
	k.progress = progress
	rollback(ctx, k.others)
	if err := k.snapshot(ctx); err != nil {
		return out, err
	}
	// With one search path and style in both sessions, or the name of a type and a
	// time would be written in two ways.
	err := k.x.s.surround(ctx, programs)
	if err == nil {
		err = k.find(ctx)
	}
	if err == nil {
		err = k.settleEarly(ctx)
	}
	if err == nil {
		err = k.settleAhead()
	}
	if err == nil {
		err = k.order(ctx)
	}
	if err != nil {
		return out, err
	}
	for _, t := range k.tables {
		k.state.Table = t.Called
		if err := k.table(ctx, t); err != nil {
			return out, fail(ctx, "keep the rows of", t.Called, err)
		}
	}
	if err := k.x.s.surround(ctx, k.x.s.runbooks(k.x.t.book)); err != nil {
		return out, err
	}
	out, err = k.seal(ctx)
	rollback(ctx, k.others) // whoever has read a table is in the way of DROP INDEX
	return out, err
}

// snapshot begins the other session's transaction, which sees the rows as they
// were.
func (k *keeping) snapshot(ctx context.Context) error {
	if _, err := k.others.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
		return err
	}
	return k.others.QueryRow(ctx, `SELECT current_setting('server_encoding')`).Scan(&k.encoding)
}

// xid is the transaction's number as rows bear it: the lower half.
func (k *keeping) xid() (string, error) {
	n, err := strconv.ParseUint(k.x.id.Xid, 10, 64)
	if err != nil {
		return "", fmt.Errorf("the transaction's number is %q: %w", clean(k.x.id.Xid), err)
	}
	return strconv.FormatUint(n&0xffffffff, 10), nil
}

// seal writes what the capsule is, and sums up what it has.
func (k *keeping) seal(ctx context.Context) (phases.Capsule, error) {
	m := capsule.Manifest{
		Version: engine.Version(), RunID: k.x.spec.RunID, Phase: phaseID(k.x.spec), Attempt: k.x.spec.Attempt, Xid: k.x.id.Xid,
		Taken: time.Now().UTC(), Database: k.x.t.conn.Database, Server: k.x.t.version, Encoding: k.encoding,
		Recipients: k.x.t.book.Capsule.Recipients,
	}
	if k.last > 0 {
		m.LastXid = strconv.FormatUint(k.last, 10)
	}
	if keep := k.x.t.book.Capsule.Keep; keep > 0 {
		m.KeepUntil = m.Taken.Add(keep)
	}
	var err error
	if m.Sequences, err = k.sequences(ctx); err != nil {
		return phases.Capsule{}, fail(ctx, "record the sequences of", phaseID(k.x.spec), err)
	}
	id, err := k.x.t.Identity(ctx)
	if err != nil {
		return phases.Capsule{}, err
	}
	m.SystemID = id.SystemIdentifier
	out := phases.Capsule{Folder: filepath.Base(k.x.spec.Capsule), Closed: len(m.Recipients) > 0}
	for _, t := range k.tables {
		if len(t.Streams) > 0 {
			m.Tables = append(m.Tables, t.Table)
		}
		for _, s := range t.Streams {
			out.Bytes += s.Size
		}
		gone, changed, added := t.Streams[capsule.Gone].Rows, t.Streams[capsule.Old].Rows, t.Streams[capsule.Added].Rows
		out.Gone, out.Changed, out.Added = out.Gone+gone, out.Changed+changed, out.Added+added
		i := slices.IndexFunc(out.Tables, func(c phases.CapsuleTable) bool { return c.Table == t.Called })
		if i < 0 {
			i = len(out.Tables)
			out.Tables = append(out.Tables, phases.CapsuleTable{Table: t.Called})
		}
		c := &out.Tables[i]
		c.Gone, c.Changed, c.Added = c.Gone+gone, c.Changed+changed, c.Added+added
	}
	var size int64
	if out.SHA256, size, err = k.w.Close(m); err != nil {
		return out, err
	}
	out.Bytes, k.sealed = out.Bytes+size, true
	return out, nil
}
