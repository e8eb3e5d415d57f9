package db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
)

var errMissing = errors.New("it does not exist")

// Survey resolves every name of the runbook, computes the reach of its
// deletes, and opens the sessions that the run will need. All that is missing or not allowed is in one error.
func (t *Target) Survey(ctx context.Context) (phases.Survey, error) {
	var out phases.Survey
	narrow, err := t.widen(ctx)
	if err != nil {
		return out, fail(ctx, "survey", t.host(), err)
	}
	err = t.control.with(ctx, func(s *session) error {
		// One transaction, so that all of it is the state of one moment.
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		var err error
		out, err = t.survey(ctx, s, narrow)
		return err
	})
	return out, fail(ctx, "survey", t.host(), err)
}

// survey looks in one transaction. narrow is what is missing in sessions.
func (t *Target) survey(ctx context.Context, s *session, narrow []string) (phases.Survey, error) {
	c, err := readCatalog(ctx, s, t.book)
	if err != nil {
		return phases.Survey{}, err
	}
	deletes, problems := t.resolveAll(c)
	keys, err := readForeignKeys(ctx, s)
	if err != nil {
		return phases.Survey{}, err
	}
	protected := map[uint32]bool{}
	for _, p := range t.book.Protected {
		if r := c.find(p); r != nil {
			for _, d := range c.tree(r) {
				protected[d.oid] = true
			}
		}
	}
	problems = append(problems, c.unsafeParts(deletes, protected)...)
	reached := computeReach(c, keys, deletes, protected)
	more, err := t.privileges(ctx, s, c, deletes, reached)
	if err != nil {
		return phases.Survey{}, err
	}
	var counts bool
	if err := s.QueryRow(ctx, `SELECT current_setting('track_counts')::bool`).Scan(&counts); err != nil {
		return phases.Survey{}, err
	}
	if !counts {
		more = append(more, "track_counts is off, so what a phase touches cannot be verified: set it on")
	}
	if problems = append(append(problems, more...), narrow...); len(problems) > 0 {
		return phases.Survey{}, &SurveyError{Problems: problems}
	}
	out := phases.Survey{Reach: reached.edges, Sessions: t.widest()}
	for _, r := range deletes {
		out.Deletes = append(out.Deletes, c.plainName(r))
	}
	oids := t.surveyed(c, reached)
	triggers, err := readTriggers(ctx, s, `c.oid = ANY($1::oid[])`, oids)
	if err != nil {
		return out, err
	}
	for _, tr := range triggers {
		out.Triggers = append(out.Triggers, tr.Trigger)
	}
	if out.Sizes, err = sizes(ctx, s, c, oids); err != nil {
		return out, err
	}
	out.Warnings, err = t.warnings(ctx, s, c, reached, triggers)
	return out, err
}

// unsafeParts names the partitions and inheriting tables that a delete from
// their table must not reach.
func (c *catalog) unsafeParts(deletes []*relation, protected map[uint32]bool) []string {
	var out []string
	for _, r := range deletes {
		for _, d := range c.tree(r) {
			if protected[d.oid] {
				out = append(out, fmt.Sprintf("deleting from %s deletes from the protected %s, which is a part of it", c.plainName(r), c.plainName(d)))
			}
			if d != r && d.kind == "f" {
				out = append(out, fmt.Sprintf("%s has the foreign table %s as a part: nobody counts its rows, and no transaction here protects them", c.plainName(r), c.plainName(d)))
			}
		}
	}
	return out
}

// SurveyError lists all that stands between the runbook and this database.
type SurveyError struct{ Problems []string }

// Error is one line; Problems has them one by one.
func (e *SurveyError) Error() string {
	return fmt.Sprintf("%s: %s; put the runbook or the database right", count(len(e.Problems), "problem"), strings.Join(e.Problems, "; "))
}

// resolveAll finds the runbook's tables, and says which are missing or no tables.
func (t *Target) resolveAll(c *catalog) (deletes []*relation, problems []string) {
	deleted := deletedTables(t.book)
	for _, table := range t.book.Tables() {
		r := c.find(table)
		schema, name := t.book.SplitTable(table)
		full := clean(schema + "." + name)
		writes := slices.Contains(deleted, table)
		switch {
		case schema == ledgerSchema:
			problems = append(problems, full+" is tminus's own: no runbook may name it")
		case r == nil:
			if near := c.nearest(name); near != "" {
				full += " (" + near + " exists)"
			}
			problems = append(problems, "table "+full+" does not exist")
		case r.kind == "v" || r.kind == "m":
			problems = append(problems, full+" is "+relationKinds[r.kind]+", not a table")
		case r.kind == "f":
			problems = append(problems, full+" is a foreign table: its rows are not in this database, and no transaction here protects them")
		case writes:
			deletes = append(deletes, r)
		}
	}
	// namedTables follows the phases, and so do the deletes.
	return deletes, problems
}

// nearest is a table whose name differs in schema or case alone.
func (c *catalog) nearest(name string) string {
	var found []string
	for _, r := range c.byOID {
		if strings.EqualFold(r.name, name) && (r.kind == "r" || r.kind == "p") {
			found = append(found, clean(r.schema+"."+r.name))
		}
	}
	slices.Sort(found)
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// surveyed are all relations that the runbook names or the deletes reach.
func (t *Target) surveyed(c *catalog, reached reach) []uint32 {
	set := map[uint32]bool{}
	for oid := range reached.emptied {
		set[oid] = true
	}
	for oid := range reached.modified {
		set[oid] = true
	}
	for _, table := range t.book.Tables() {
		for _, d := range c.tree(c.find(table)) {
			set[d.oid] = true
		}
	}
	out := make([]uint32, 0, len(set))
	for oid := range set {
		out = append(out, oid)
	}
	slices.Sort(out)
	return out
}

// privileges lists what the role may not do and must.
func (t *Target) privileges(ctx context.Context, s *session, c *catalog, deletes []*relation, reached reach) ([]string, error) {
	var remove, change, lock, read []uint32
	for _, r := range deletes {
		remove = append(remove, r.oid)
	}
	for i := range t.book.Phases {
		if !t.book.Phases[i].Writes() {
			continue
		}
		for _, table := range t.book.Phases[i].Zero { // locked with the rest, so that they stay empty
			if r := c.find(table); r != nil {
				lock = append(lock, r.oid)
			}
		}
		for _, step := range t.book.Phases[i].Steps {
			for _, table := range step.Touch {
				if r := c.find(table); r != nil {
					change = append(change, r.oid)
				}
			}
		}
	}
	for _, table := range t.book.Tables() {
		if r := c.find(table); r != nil {
			read = append(read, r.oid)
		}
	}
	for oid := range reached.emptied {
		if !c.byOID[oid].partition {
			read = append(read, oid)
		}
	}
	rows, err := s.Query(ctx, `SELECT n.nspname, c.relname,
			CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'USAGE on its schema is missing'
				WHEN c.oid = ANY($1::oid[]) AND NOT has_table_privilege(c.oid, 'DELETE') THEN 'DELETE is missing'
				WHEN c.oid = ANY($2::oid[]) AND NOT has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') THEN 'INSERT, UPDATE and DELETE are missing'
				WHEN c.oid = ANY($4::oid[]) AND NOT has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') THEN 'DELETE is missing, which locking it takes'
				WHEN c.oid = ANY($3::oid[]) AND NOT has_table_privilege(c.oid, 'SELECT') THEN 'SELECT is missing'
				WHEN row_security_active(c.oid) THEN 'row-level security hides rows from the role: connect as the owner (without FORCE) or with BYPASSRLS'
			END AS problem
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = ANY($1::oid[] || $2::oid[] || $3::oid[] || $4::oid[]) AND c.relkind IN ('r', 'p')
		ORDER BY 1, 2`, remove, change, read, lock)
	if err != nil {
		return nil, err
	}
	var out []string
	var schema, name string
	var problem *string
	_, err = pgx.ForEachRow(rows, []any{&schema, &name, &problem}, func() error {
		if problem != nil {
			out = append(out, "table "+clean(schema+"."+name)+": "+*problem)
		}
		return nil
	})
	return out, err
}

// sizes are the planner's estimates, partitions added to their table.
func sizes(ctx context.Context, s *session, c *catalog, oids []uint32) ([]phases.TableSize, error) {
	rows, err := s.Query(ctx, `SELECT oid, pg_total_relation_size(oid) FROM pg_class WHERE oid = ANY($1::oid[]) AND relkind = 'r'`, oids)
	if err != nil {
		return nil, err
	}
	total := map[string]*phases.TableSize{}
	for _, oid := range oids {
		total[c.name(oid)] = &phases.TableSize{Table: c.name(oid)}
	}
	var oid uint32
	var bytes *int64
	_, err = pgx.ForEachRow(rows, []any{&oid, &bytes}, func() error {
		size := total[c.name(oid)]
		if bytes != nil {
			size.Bytes += *bytes
		}
		if n := c.byOID[oid].rows; n < 0 || size.Rows < 0 {
			size.Rows = -1
		} else {
			size.Rows += int64(n)
		}
		return nil
	})
	out := make([]phases.TableSize, 0, len(total))
	for _, size := range total {
		out = append(out, *size)
	}
	slices.SortFunc(out, func(a, b phases.TableSize) int { return cmp.Compare(a.Table, b.Table) })
	return out, err
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
