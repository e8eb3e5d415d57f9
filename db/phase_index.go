package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/schema"
)

// phaseIndex is an index that the transaction made for a foreign key.
type phaseIndex struct {
	phases.PhaseIndex
	on   *schema.Relation
	name string
}

// noIndex is the way out where an index for a phase cannot be made or dropped.
const noIndex = "put that right and start the phase again, or write `indexes: off` into the phase"

// makeIndexes makes the indexes for the phase's foreign keys, before its first step
// that is no TRUNCATE. Their tables are locked against writers. The keys' queries
// use them at once, unless rows of the table were updated just before without one:
// so a statement of the runbook's does not come first.
func (x *tx) makeIndexes(ctx context.Context, progress func(engine.Progress)) error {
	if x.indexed || x.spec.Ways == nil {
		return nil
	}
	x.indexed = true
	if len(x.spec.Ways.Indexes) == 0 {
		return nil
	}
	if err := x.takeSurroundings(ctx); err != nil {
		return fail(ctx, "make the indexes of phase", phaseID(x.spec), err)
	}
	for _, want := range x.spec.Ways.Indexes {
		r := x.cat.Find(want.Table)
		if r == nil {
			return failf("make an index on", want.Table, hints["42P01"], errMissing)
		}
		progress(engine.Progress{Doing: "make " + want.String()})
		began := time.Now()
		name, err := x.freeName(ctx, r)
		if err == nil {
			err = x.makeIndex(ctx, r, name, want.Columns)
		}
		if err != nil {
			if ctx.Err() != nil {
				return fail(ctx, "make an index on", want.Table, err)
			}
			return failf("make an index on", want.Table, noIndex, errors.New(describe(err)))
		}
		x.indexes = append(x.indexes, phaseIndex{want, r, name})
		progress(engine.Progress{Built: &phases.IndexBuilt{Name: name, Took: time.Since(began), PhaseIndex: want}})
	}
	return nil
}

func (x *tx) makeIndex(ctx context.Context, on *schema.Relation, name string, columns []string) error {
	var names []string
	for _, c := range columns {
		names = append(names, pgx.Identifier{c}.Sanitize())
	}
	return x.t.long(ctx, x.s, func(ctx context.Context, l long) error {
		_, err := l.one(ctx, "CREATE INDEX "+pgx.Identifier{name}.Sanitize()+" ON "+sqlName(on)+" ("+strings.Join(names, ", ")+")")
		return err
	})
}

// mostNames is how many names for an index are tried.
const mostNames = 1000

// freeName is a name for an index that nothing in the table's schema has: of the
// run, and numbered.
func (x *tx) freeName(ctx context.Context, on *schema.Relation) (string, error) {
	for n := 1; n <= mostNames; n++ {
		name := indexName(x.spec.RunID, n)
		var taken bool
		err := x.s.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND c.relname = $2)`, on.Schema, name).Scan(&taken)
		if err != nil || !taken {
			return name, err
		}
	}
	return "", fmt.Errorf("%d names from %s on are taken", mostNames, indexName(x.spec.RunID, 1))
}

// indexName is a name for an index of a run, as catalog.OwnIndex has it.
func indexName(runID string, n int) string {
	run := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, strings.ToLower(runID))
	return fmt.Sprintf("tminus_%s_%d", run[max(0, len(run)-8):], n)
}

// DropIndexes implements engine.Tx.
func (x *tx) DropIndexes(ctx context.Context, waiting func(phases.LockWait)) ([]string, error) {
	if err := x.alive(); err != nil {
		return nil, err
	}
	var tables, called, drop, names []string
	for _, i := range x.indexes {
		tables, called = append(tables, sqlName(i.on)), append(called, i.Table)
		drop, names = append(drop, pgx.Identifier{i.on.Schema, i.name}.Sanitize()), append(names, i.name)
	}
	if names == nil {
		return nil, nil
	}
	// The server would wait for readers, with all others behind it.
	if err := x.t.lockTables(ctx, x.s, againstAll, tables, called, x.spec.LockDeadline, waiting); err != nil {
		return nil, fail(ctx, "drop the indexes of phase", phaseID(x.spec), err)
	}
	if _, err := x.s.Exec(ctx, "DROP INDEX "+strings.Join(drop, ", ")); err != nil {
		return nil, fail(ctx, "drop the indexes of phase", phaseID(x.spec), err)
	}
	x.indexes = nil
	return names, nil
}
