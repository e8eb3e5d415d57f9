package db

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"tminus/db/backup"
	"tminus/db/catalog"
	"tminus/phases"
	"tminus/phases/lint"
)

// SchemaPrint gives what the tables are like now that the runbook concerns.
func (t *Target) SchemaPrint(ctx context.Context, off []phases.Trigger) (phases.SchemaPrint, error) {
	now, err := t.printIn(ctx, func(s *session) (prints, error) { return t.print(ctx, s, off) })
	return now.backup, err
}

// SchemaNow is what a survey says that the tables are like which the runbook
// concerns, with the triggers among off that are disabled as they were before.
func (t *Target) SchemaNow(ctx context.Context, off []phases.Trigger) (phases.SchemaPrint, error) {
	now, err := t.printIn(ctx, func(s *session) (prints, error) { return t.printedNow(ctx, s, off) })
	return now.survey, err
}

// printIn has the tables read in a transaction of its own.
func (t *Target) printIn(ctx context.Context, read func(*session) (prints, error)) (prints, error) {
	var out prints
	err := t.control.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		var err error
		out, err = read(s)
		return err
	})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out, fail(ctx, "read what the tables are like in", t.host(), err)
}

// prints are the fingerprints of one look at the tables.
type prints struct{ survey, backup phases.SchemaPrint }

// print reads in the session's transaction what the tables are like that the
// runbook concerns; off are the triggers that the run itself has disabled.
func (t *Target) print(ctx context.Context, s *session, off []phases.Trigger) (prints, error) {
	snapshot, err := catalog.Read(ctx, s, "")
	if err != nil {
		return prints{}, err
	}
	view := lint.New(t.book, snapshot)
	if err := catalog.Define(ctx, s, snapshot, view.Concerned(), off); err != nil {
		return prints{}, err
	}
	return prints{view.Print(), view.BackupPrint()}, nil
}

// printed is what print gave last. It stands until a row of the catalog was
// written since: to read all of a large one every few seconds takes too much.
type printed struct {
	mu    sync.Mutex // guards what follows
	stamp string     // of the catalog, and of what was disabled; empty before the first
	print prints
}

// printedNow is print, from memory where the catalog is as it was. Functions of
// the server's see the catalog as it is now, which may be newer than the stamp:
// the next stamp tells.
func (t *Target) printedNow(ctx context.Context, s *session, off []phases.Trigger) (prints, error) {
	var stamp string
	if err := s.QueryRow(ctx, catalogStamp).Scan(&stamp); err != nil {
		return prints{}, err
	}
	stamp = fmt.Sprintf("%s %q", stamp, off)
	p := &t.printed
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stamp == stamp {
		return p.print, nil
	}
	now, err := t.print(ctx, s, off)
	if err == nil {
		p.stamp, p.print = stamp, now
	}
	return now, err
}

// catalogStamp changes with each row of the catalogs that a definition rests on: a
// row that comes is of a younger transaction than any that goes, so one of count
// and sum is another.
var catalogStamp = func() string {
	var parts []string
	for _, name := range []string{
		"attrdef", "attribute", "class", "collation", "constraint", "index", "inherits", "namespace",
		"partitioned_table", "policy", "proc", "rewrite", "trigger", "type",
	} {
		parts = append(parts, "(SELECT count(*) || ' ' || coalesce(sum(xmin::text::bigint), 0) FROM pg_"+name+")")
	}
	return "SELECT concat_ws(',', " + strings.Join(parts, ", ") + ")"
}()

// snapshotSchema is what the tables were like in a backup's snapshot. Of one whose
// runbook named other tables nobody knows: there it is what they are like now.
func (t *Target) snapshotSchema(ctx context.Context, m backup.Manifest, off []phases.Trigger) (*phases.SchemaPrint, error) {
	if m.Schema != nil && slices.Equal(m.Named, t.book.Tables()) {
		return m.Schema, nil
	}
	now, err := t.SchemaPrint(ctx, off)
	return &now, err
}
