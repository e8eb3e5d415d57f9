package db

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
	"tminus/phases/schema"
	"tminus/phases/step"
)

// ways are how the rows of a delete step go, by the names of package step: each
// in a file of its own.
var ways = map[string]func(context.Context, *deletion, *schema.Relation) error{
	"delete":    deleteByRanges,
	"statement": deleteAtOnce,
	"truncate":  onlySwept,
	"auto":      deleteByRanges, // where it is not swept
}

// touchedEvery is how often what was touched is read while a delete runs.
const touchedEvery = 250 * time.Millisecond

// grownAfter is what a step takes that may have changed the size of other tables by
// enough to matter. Many small ones are measured together.
const grownAfter = 20 * time.Millisecond

// Run runs a step: a delete in its way, or its one SQL statement.
func (x *tx) Run(ctx context.Context, do runbook.Step, progress func(engine.Progress)) (phases.Statement, error) {
	if err := x.alive(); err != nil {
		return phases.Statement{}, err
	}
	if progress == nil {
		progress = func(engine.Progress) {}
	}
	at := x.ran
	x.ran++
	switch {
	case do.PutBack != "":
		x.blocks, x.first = nil, nil
		return x.putBack(ctx, do, progress)
	case do.Delete == "":
		x.blocks, x.first = nil, nil // it may fill what a later step deletes, or switch its keys
		if err := x.makeIndexes(ctx, progress); err != nil {
			return phases.Statement{}, err
		}
		if x.k != nil && do.Truncates() {
			if err := x.k.beforeTruncate(ctx, do.Touch); err != nil {
				return phases.Statement{}, fail(ctx, "write the capsule of phase", phaseID(x.spec), err)
			}
		}
		return x.statement(ctx, do)
	}
	way, known := step.FindWay(do.Way)
	r := x.cat.Find(do.Delete)
	switch {
	case !known:
		return phases.Statement{}, failf("delete from", do.Delete, "take one that docs/runbook.md has", fmt.Errorf("this program knows no way %q", do.Way))
	case r == nil:
		return phases.Statement{}, failf("delete from", do.Delete, hints["42P01"], errMissing)
	}
	if do.Sweeps() {
		did, gone, err := x.sweep(ctx, at, do, r, progress)
		if gone || err != nil {
			return did, fail(ctx, "truncate", do.Delete, err)
		}
	}
	if err := x.makeIndexes(ctx, progress); err != nil {
		return phases.Statement{}, err
	}
	d := &deletion{x: x, where: do.Where, progress: progress, read: time.Now()}
	began := time.Now()
	err := x.ahead(ctx, at, d)
	if err == nil {
		err = ways[way.Name](ctx, d, r)
	}
	if time.Since(began) > grownAfter {
		x.blocks = nil // its keys may have moved rows of a later step's table
	}
	return phases.Statement{Command: way.Command, Rows: d.state.Deleted}, fail(ctx, "delete from", do.Delete, err)
}

// statement runs a step's one statement, by the extended protocol: that takes
// no second one.
func (x *tx) statement(ctx context.Context, do runbook.Step) (phases.Statement, error) {
	var result *pgconn.Result
	err := x.long(ctx, func(ctx context.Context, l long) (err error) {
		result, err = l.one(ctx, do.SQL)
		return err
	})
	if err != nil {
		return phases.Statement{}, fail(ctx, "run step", do.Name(), err)
	}
	tag := result.CommandTag
	return phases.Statement{Command: strings.TrimRight(tag.String(), " 0123456789"), Rows: tag.RowsAffected()}, nil
}

// long runs the runbook's statements under one watch, with the surroundings
// that the last of them left.
func (x *tx) long(ctx context.Context, f func(context.Context, long) error) error {
	if err := x.leaveSurroundings(ctx); err != nil {
		return err
	}
	return x.t.long(ctx, x.s, f)
}

// deletion is a delete step under way.
type deletion struct {
	x        *tx
	l        long
	where    string
	stable   bool             // nothing that goes can make other rows match where
	table    *schema.Relation // the step's
	itself   bool             // its own keys take rows of it, which no statement counts
	swept    bool             // rows were found where ranges had deleted
	state    engine.Progress
	progress func(engine.Progress)
	read     time.Time // when Touched was read last
}

// report gives the progress, with what was touched when that is due. At a step's
// end the engine asks for all of it anyway: a short one is not asked twice.
func (d *deletion) report(ctx context.Context) error {
	p := d.state
	if time.Since(d.read) >= touchedEvery {
		touched, err := d.x.touched(ctx)
		if err != nil {
			return err
		}
		p.Touched = touched
		d.read = time.Now()
	}
	d.progress(p)
	return nil
}
