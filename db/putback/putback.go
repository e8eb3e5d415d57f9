package putback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/capsule"
)

// Conn is the session whose transaction it is.
type Conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	CopyFrom(ctx context.Context, r io.Reader, sql string) (pgconn.CommandTag, error)
	CopyTo(ctx context.Context, w io.Writer, sql string) (pgconn.CommandTag, error)
}

// Choice is what is done where what others wrote since is in the way.
type Choice string

// The choices.
const (
	Stop    Choice = ""        // nothing is put back at all
	Keep    Choice = "keep"    // what is there now stays
	Replace Choice = "replace" // what was there before the phase takes its place
)

// Options say how to put back.
type Options struct {
	Choices  map[string]Choice // by the name that the runbook has for the table
	Progress func(Progress)    // called often while rows are under way; may be nil

	// Before are the capsules that are put back before this one, in that order. Look
	// judges what will be there when they are back. Run, when they are, takes from
	// them which rows of a table without a key are theirs, and nothing else.
	Before []*capsule.Capsule
}

// Progress is how far it is.
type Progress struct {
	Step     string // "read", "compare", "remove", "set back", "put back", "check keys of", "prove"
	Table    string
	Rows, Of int64 // Of is 0 where it is not known
}

// Mode is how the server's own guards are kept from acting.
type Mode string

// The modes, from the fastest.
const (
	AsReplica   Mode = "replica" // session_replication_role: neither keys nor triggers act; keys are checked once, afterwards
	WithoutKeys Mode = "keys"    // foreign keys are dropped and made again, which checks them; triggers are switched off
	RowByRow    Mode = "rows"    // parents before children, and each row is checked
)

// Kind is what is in the way.
type Kind string

// The kinds of conflict.
const (
	KeyTaken     Kind = "key taken"         // another row has what must be unique
	ChangedSince Kind = "changed since"     // a row is not as the phase left it
	GoneSince    Kind = "gone since"        // a row that the phase changed, or added to a table without a key, is not there
	AddedChanged Kind = "added row changed" // a row that the phase added is not as it added it
)

// Conflict is what is in the way of rows of one table.
type Conflict struct {
	Kind   Kind
	By     string   // the constraint, the index, or the columns of the key
	Rows   int64    // that cannot come back as they were
	Keys   []string // of a few of them, for the terminal of who may see rows: never for a log
	Choice Choice   // what was chosen for it
}

// Table is what is done to one table with rows of its own.
type Table struct {
	Called       string // as the runbook calls it
	Schema, Name string // the partition, or the table itself
	Back         int64  // rows that come back
	Set          int64  // rows whose old values come back
	Go           int64  // added rows that go
	There        int64  // rows with which nothing is to be done: they are as they were
	Kept         int64  // rows that stay as they are now, by choice
	Replaced     int64  // rows of others that go, by choice
	Straight     bool   // by COPY into a table that is empty
	Conflicts    []Conflict
	Notes        []string // what is not as it was, and does not matter
}

// Refusal is why a table cannot be put back, with the way out.
type Refusal struct{ Table, Why string }

// Plan is what Run would do.
type Plan struct {
	Mode     Mode
	Tables   []Table
	Refusals []Refusal
	Done     bool // all is back: there is nothing to do
}

// Done is what was done to a table, and what proves it.
type Done struct {
	Table
	Took                       time.Duration
	Inserted, Updated, Deleted int64  // as the server counted
	Rows                       int64  // read back
	Sum                        string // of the rows read back; it is the capsule's, less what was not to be written
}

// Result is what Run did.
type Result struct {
	Mode    Mode
	Tables  []Done
	Keys    int           // foreign keys that were checked, each for all rows
	Checked time.Duration // that this took
	Proof   time.Duration // that reading back took
	Done    bool          // all was back already: nothing was written
}

// Errors that callers tell apart.
var (
	// ErrRefused says that a table is not one to which its rows can be given back.
	ErrRefused = errors.New("it cannot be put back")
	// ErrConflict says that what others wrote since is in the way, and nothing was chosen for it.
	ErrConflict = errors.New("rows of others are in the way")
	// ErrKeys says that rows would refer to rows that are not there.
	ErrKeys = errors.New("a foreign key does not hold")
	// ErrProof says that what was written is not what was meant.
	ErrProof = errors.New("what was written is not what was to be written")
)

// Err is why Run would not write anything, nil when it would.
func (p Plan) Err() error {
	var refused []string
	for _, r := range p.Refusals {
		refused = append(refused, clean(r.Table)+": "+r.Why)
	}
	if len(refused) > 0 {
		return fmt.Errorf("%w: %s", ErrRefused, strings.Join(refused, "; "))
	}
	var stopped []string
	for _, t := range p.Tables {
		for _, c := range t.Conflicts {
			if c.Choice == Stop {
				stopped = append(stopped, fmt.Sprintf("%s: %d rows, %s (%s)", clean(t.Called), c.Rows, c.Kind, clean(c.By)))
			}
		}
	}
	if len(stopped) > 0 {
		return fmt.Errorf("%w: %s; where a later phase of the run wrote to them, undo it as well; or choose for each table whether what is there now is kept or replaced", ErrConflict, strings.Join(stopped, "; "))
	}
	return nil
}

// Look tells what Run would do. It needs a transaction that the caller rolls
// back. Foreign keys are not looked at: a Run that is rolled back tells of them.
func Look(ctx context.Context, conn Conn, c *capsule.Capsule, opt Options) (Plan, error) {
	w, err := begin(ctx, conn, c, opt)
	if err == nil {
		err = w.look(ctx, false)
	}
	if err != nil {
		return Plan{}, fail("look what undoing would do to", c.Manifest().Phase, err)
	}
	return w.plan(), nil
}

// Run puts the capsule back, and proves it. After an error the transaction is
// to be rolled back.
func Run(ctx context.Context, conn Conn, c *capsule.Capsule, opt Options) (Result, error) {
	w, err := begin(ctx, conn, c, opt)
	var out Result
	if err == nil {
		out, err = w.run(ctx)
	}
	if err != nil {
		return Result{}, fail("put back", c.Manifest().Phase, err)
	}
	return out, nil
}

// plan gives what was found.
func (w *work) plan() Plan {
	out := Plan{Mode: w.mode, Refusals: w.refusals, Done: len(w.refusals) == 0}
	for _, l := range w.leaves {
		out.Tables = append(out.Tables, l.plan)
		p := l.plan
		out.Done = out.Done && p.Back+p.Set+p.Go+p.Replaced == 0 && len(p.Conflicts) == 0
	}
	out.Tables = append(out.Tables, w.passed...)
	return out
}

// look finds out all that must be known before anything is written.
func (w *work) look(ctx context.Context, lock bool) error {
	if err := w.readRelations(ctx); err != nil {
		return err
	}
	if len(w.refusals) > 0 {
		return nil
	}
	for _, read := range []func(context.Context) error{w.readKeys, w.readTriggers, w.readUniques, w.findMode} {
		if err := read(ctx); err != nil {
			return err
		}
	}
	if w.chooseMode(); len(w.refusals) > 0 {
		return nil
	}
	if lock {
		if err := w.lock(ctx); err != nil {
			return err
		}
	}
	if err := w.heedNewer(ctx, !lock); err != nil {
		return err
	}
	for _, l := range w.leaves {
		if err := w.chooseWay(ctx, l); err != nil {
			return fail("look at", l.String(), err)
		}
	}
	for _, l := range w.leaves {
		if l.plan.Straight {
			continue
		}
		if err := w.sift(ctx, l); err != nil {
			return fail("compare", l.String(), err)
		}
	}
	return w.refuseRules(ctx)
}

func (w *work) run(ctx context.Context) (Result, error) {
	var out Result
	if err := w.look(ctx, true); err != nil {
		return out, err
	}
	plan := w.plan()
	if err := plan.Err(); err != nil {
		return out, err
	}
	out.Mode, out.Done = plan.Mode, plan.Done
	before, err := w.counters(ctx)
	if err != nil {
		return out, err
	}
	if err := w.guarded(ctx, w.write); err != nil {
		return out, err
	}
	w.before = before
	if err := w.readCounters(ctx); err != nil {
		return out, err
	}
	began := time.Now()
	if out.Keys, err = w.checkKeys(ctx); err != nil {
		return out, err
	}
	out.Checked = time.Since(began)
	began = time.Now()
	if err := w.prove(ctx); err != nil {
		return out, err
	}
	out.Proof = time.Since(began)
	for _, l := range w.leaves {
		out.Tables = append(out.Tables, l.done())
	}
	return out, nil
}
