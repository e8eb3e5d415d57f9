package db

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"tminus/phases/runbook"
)

// relation is one table, view or the like.
type relation struct {
	oid       uint32
	schema    string
	name      string
	kind      string  // pg_class.relkind
	method    string  // table access method; empty for partitioned and foreign tables
	rows      float64 // planner's estimate, -1 when never analyzed
	partition bool
	parents   []uint32
	children  []uint32
}

// sql is the relation's name for a statement.
func (r *relation) sql() string { return pgx.Identifier{r.schema, r.name}.Sanitize() }

// kinds are pg_class.relkind in words.
var relationKinds = map[string]string{
	"r": "a table", "p": "a partitioned table", "f": "a foreign table", "v": "a view",
	"m": "a materialized view", "S": "a sequence", "c": "a composite type", "i": "an index", "I": "a partitioned index", "t": "a TOAST table",
}

// foreignKey is one row of pg_constraint. A partitioned table's key has a row
// for each partition besides its own.
type foreignKey struct {
	oid, parent uint32
	name        string
	from, to    uint32 // referencing and referenced relation
	action      string // confdeltype: a, r, c, n, d
	indexed     bool   // by a usable index with its columns first
	deferred    bool   // whether it can be deferred
}

// catalog is what the database says of its tables, read at one moment.
type catalog struct {
	book  *runbook.Runbook
	byOID map[uint32]*relation
	byKey map[[2]string]*relation
	acted map[uint32]bool // relations that the runbook deletes from or touches
	named map[uint32]bool // relations that it names at all
}

const relationQuery = `SELECT c.oid, n.nspname, c.relname, c.relkind::text, coalesce(am.amname, ''),
	CASE WHEN c.reltuples <= 0 AND c.relpages = 0 AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0 THEN -1 ELSE c.reltuples END::float8,
	c.relispartition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam AND c.relkind = 'r'
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
	AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'`

// readCatalog reads all user tables and how they descend from each other.
func readCatalog(ctx context.Context, s *session, book *runbook.Runbook) (*catalog, error) {
	c := &catalog{book: book, byOID: map[uint32]*relation{}, byKey: map[[2]string]*relation{}, acted: map[uint32]bool{}, named: map[uint32]bool{}}
	rows, err := s.Query(ctx, relationQuery)
	if err != nil {
		return nil, err
	}
	r := &relation{}
	_, err = pgx.ForEachRow(rows, []any{&r.oid, &r.schema, &r.name, &r.kind, &r.method, &r.rows, &r.partition}, func() error {
		found := *r
		c.byOID[r.oid] = &found
		c.byKey[[2]string{r.schema, r.name}] = &found
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows, err = s.Query(ctx, `SELECT inhrelid, inhparent FROM pg_inherits ORDER BY inhparent, inhrelid`)
	if err != nil {
		return nil, err
	}
	var child, parent uint32
	_, err = pgx.ForEachRow(rows, []any{&child, &parent}, func() error {
		c1, p1 := c.byOID[child], c.byOID[parent]
		if c1 != nil && p1 != nil {
			c1.parents = append(c1.parents, parent)
			p1.children = append(p1.children, child)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, table := range book.Tables() {
		if r := c.find(table); r != nil {
			c.named[r.oid] = true
		}
	}
	for _, table := range actedTables(book) {
		if r := c.find(table); r != nil {
			c.acted[r.oid] = true
		}
	}
	return c, nil
}

// find resolves a name as the runbook writes it, with its case.
func (c *catalog) find(table string) *relation {
	schema, name := c.book.SplitTable(table)
	return c.byKey[[2]string{schema, name}]
}

func (c *catalog) plainName(r *relation) string { return c.book.TableName(r.schema, r.name) }

// name is the table that a relation is accounted to. Of itself and those it is
// a partition or an only child of, that is the nearest one which the runbook
// deletes from or touches, else the nearest one which it names, else the root.
func (c *catalog) name(oid uint32) string {
	r := c.byOID[oid]
	if r == nil {
		return ""
	}
	line := []*relation{r}
	for len(r.parents) == 1 && len(line) < len(c.byOID) {
		r = c.byOID[r.parents[0]]
		line = append(line, r)
	}
	for _, set := range []map[uint32]bool{c.acted, c.named} {
		for _, r := range line {
			if set[r.oid] {
				return c.plainName(r)
			}
		}
	}
	return c.plainName(r)
}

// tree is a relation and all that descend from it, itself first.
func (c *catalog) tree(r *relation) []*relation {
	out := []*relation{r}
	seen := map[uint32]bool{r.oid: true}
	for i := 0; i < len(out); i++ {
		for _, oid := range out[i].children {
			if !seen[oid] {
				seen[oid] = true
				out = append(out, c.byOID[oid])
			}
		}
	}
	return out
}

// readForeignKeys reads every foreign key, with whether a usable index carries
// it: valid, without a predicate, the key's columns as its leading ones.
func readForeignKeys(ctx context.Context, s *session) ([]foreignKey, error) {
	rows, err := s.Query(ctx, `SELECT con.oid, con.conparentid, con.conname, con.conrelid, con.confrelid,
			con.confdeltype::text, con.condeferrable, EXISTS (SELECT FROM pg_index i
				JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
				WHERE i.indrelid = con.conrelid AND i.indisvalid AND i.indisready AND i.indpred IS NULL
				AND am.amname IN ('btree', 'hash') AND i.indnkeyatts >= cardinality(con.conkey)
				AND (i.indkey::int2[])[0:cardinality(con.conkey) - 1] @> con.conkey)
		FROM pg_constraint con WHERE con.contype = 'f' ORDER BY con.conname, con.oid`)
	if err != nil {
		return nil, err
	}
	var out []foreignKey
	var k foreignKey
	_, err = pgx.ForEachRow(rows, []any{&k.oid, &k.parent, &k.name, &k.from, &k.to, &k.action, &k.deferred, &k.indexed}, func() error {
		out = append(out, k)
		return nil
	})
	return out, err
}

// actedTables are the tables that the phases delete from or touch.
func actedTables(book *runbook.Runbook) []string {
	out := deletedTables(book)
	for i := range book.Phases {
		for _, s := range book.Phases[i].Steps {
			out = append(out, s.Touch...)
		}
	}
	return out
}

// deletedTables are all tables that the phases delete from, each once, in order.
func deletedTables(book *runbook.Runbook) []string {
	var out []string
	for i := range book.Phases {
		for _, d := range book.Phases[i].Deletes() {
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out
}

// resolve gives the table of a name, for a method that was handed one.
func resolve(ctx context.Context, s *session, book *runbook.Runbook, table string) (*relation, error) {
	schema, name := book.SplitTable(table)
	r := &relation{schema: schema, name: name}
	err := s.QueryRow(ctx, `SELECT c.oid, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'f', 'v', 'm')`, schema, name).Scan(&r.oid, &r.kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, failf("look up table", table, hints["42P01"], errMissing)
	}
	return r, fail(ctx, "look up table", table, err)
}
