package db

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tminus/phases/schema"
)

// fewBlocks is what goes by one statement: there is no share of it to tell.
const fewBlocks = 16

// deleteByRanges deletes by block ranges where that gives the same result as
// one DELETE, else by one DELETE.
func deleteByRanges(ctx context.Context, d *deletion, r *schema.Relation) error {
	leaves, err := d.x.ranged(ctx, r, d.where, d.stable)
	if err != nil {
		return err
	}
	if leaves == nil {
		return deleteAtOnce(ctx, d, r)
	}
	// One watch for all of a step: its ranges are many and short.
	return d.x.long(ctx, func(ctx context.Context, l long) error {
		d.l = l
		return d.byRanges(ctx, leaves)
	})
}

// leaf is a relation that holds rows, with its size.
type leaf struct {
	*schema.Relation
	blocks int64
}

// byRanges deletes leaf by leaf, range by range, and sweeps in the end: a
// cascade or a trigger of the delete itself may have moved rows back.
func (d *deletion) byRanges(ctx context.Context, leaves []leaf) error {
	for _, l := range leaves {
		d.state.BlocksTotal += l.blocks
	}
	if err := d.report(ctx); err != nil {
		return err
	}
	for i := range leaves {
		if err := d.leaf(ctx, &leaves[i]); err != nil {
			return err
		}
	}
	for i := range leaves {
		if err := d.sweep(ctx, &leaves[i]); err != nil {
			return err
		}
	}
	return d.report(ctx)
}

// leaf deletes from a relation to its end, and once more to what that is by then:
// what the delete itself moved, it moved there.
func (d *deletion) leaf(ctx context.Context, l *leaf) error {
	var p pace
	from := int64(0)
	for range 2 {
		for from < l.blocks {
			to := min(from+p.next(), l.blocks)
			n, err := d.stepOf(ctx, &p, l, from, to, true)
			if err != nil {
				return err
			}
			d.state.Deleted += n
			d.state.BlocksDone += to - from
			from = to
			if err := d.report(ctx); err != nil {
				return err
			}
		}
		if err := d.grown(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// sweep looks for rows that are there still, by ranges too: there may be none in a
// million blocks. Where it finds any, what took them may have moved others: one
// statement is the last word.
func (d *deletion) sweep(ctx context.Context, l *leaf) error {
	var found int64
	p := pace{empty: true}
	for from := int64(0); from < l.blocks || from == 0; {
		to := from + p.next()
		n, err := d.stepOf(ctx, &p, l, from, to, to < l.blocks)
		if err != nil {
			return err
		}
		found, from = found+n, to
		d.state.Deleted += n
		if err := d.report(ctx); err != nil {
			return err
		}
	}
	if found == 0 {
		return nil
	}
	sql := `DELETE FROM ONLY ` + sqlName(l.Relation)
	if d.where != "" {
		sql += "\nWHERE (" + d.where + "\n)"
	}
	result, err := d.l.one(ctx, sql)
	if err != nil {
		return err
	}
	d.state.Deleted += result.CommandTag.RowsAffected()
	return nil
}

// grown asks how large a relation is by now.
func (d *deletion) grown(ctx context.Context, l *leaf) error {
	var now int64
	sql := fmt.Sprintf(`SELECT pg_catalog.pg_relation_size('%d'::pg_catalog.oid::pg_catalog.regclass) OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::pg_catalog.int8`, l.OID)
	if err := d.l.scan(ctx, sql, &now); err != nil {
		return err
	}
	d.state.BlocksTotal += max(0, now-l.blocks)
	l.blocks = max(l.blocks, now)
	return nil
}

// stepOf deletes one range, and tells the pace.
func (d *deletion) stepOf(ctx context.Context, p *pace, l *leaf, from, to int64, bounded bool) (int64, error) {
	began := time.Now()
	n, err := d.blocks(ctx, l, from, to, bounded)
	p.took(to-from, n, time.Since(began))
	return n, err
}

// blocks deletes the rows of blocks [from, to), or of all from there on.
func (d *deletion) blocks(ctx context.Context, l *leaf, from, to int64, bounded bool) (int64, error) {
	args := []any{pgtype.TID{BlockNumber: uint32(from), Valid: true}}
	if bounded {
		args = append(args, pgtype.TID{BlockNumber: uint32(to), Valid: true})
	}
	tag, err := d.l.exec(ctx, rangeSQL(l.Relation, d.where, "$1::tid", "$2::tid", bounded), args...)
	return tag.RowsAffected(), err
}

func rangeSQL(r *schema.Relation, where, low, high string, bounded bool) string {
	sql := `DELETE FROM ONLY ` + sqlName(r) + ` WHERE ctid >= ` + low
	if bounded {
		sql += ` AND ctid < ` + high
	}
	if where != "" {
		sql += " AND (" + where + "\n)"
	}
	return sql
}

// ranged gives the leaves to delete from by ranges; nil when only one DELETE
// has the meaning that the runbook asks for.
func (x *tx) ranged(ctx context.Context, r *schema.Relation, where string, stable bool) ([]leaf, error) {
	if x.t.version < tidRangeVersion {
		return nil, nil
	}
	if err := x.measure(ctx); err != nil {
		return nil, err
	}
	var out []leaf
	var oids []uint32
	var blocks int64
	for _, d := range x.cat.Schema.Tree(r) {
		oids = append(oids, d.OID)
		if d.Kind == schema.Partitioned {
			continue
		}
		if d.Kind != schema.Ordinary || d.Method != "heap" {
			return nil, nil
		}
		out = append(out, leaf{Relation: d, blocks: x.blocks[d.OID]})
		blocks += x.blocks[d.OID]
	}
	if blocks <= fewBlocks {
		return nil, nil // one range would have all of it
	}
	whole, err := x.needsOneStatement(ctx, oids)
	if err == nil && !whole && where != "" && !stable {
		whole, err = x.changesCondition(ctx, oids, where)
	}
	if err != nil || whole {
		return nil, err
	}
	for _, l := range out {
		ok, err := x.scansRange(ctx, l.Relation, where)
		if err != nil || !ok {
			return nil, err
		}
	}
	if out == nil {
		out = []leaf{} // a partitioned table without partitions
	}
	return out, nil
}

// measure reads how large the phase's tables are, after the lock: no writer can
// add a block any more, but for the phase itself.
func (x *tx) measure(ctx context.Context) error {
	if x.blocks != nil {
		return nil
	}
	var oids []uint32
	tables := x.spec.Phase.Deletes()
	if x.spec.Ways != nil {
		for _, a := range x.spec.Ways.Ahead {
			tables = append(tables[:len(tables):len(tables)], a.Table)
		}
	}
	for _, t := range tables {
		if r := x.cat.Find(t); r != nil {
			for _, d := range x.cat.Schema.Tree(r) {
				oids = append(oids, d.OID)
			}
		}
	}
	found := map[uint32]int64{}
	var oid uint32
	var blocks int64
	rows, err := x.s.Query(ctx, `SELECT oid, pg_relation_size(oid::regclass) / current_setting('block_size')::int FROM unnest($1::oid[]) AS oid`, oids)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&oid, &blocks}, func() error {
			found[oid] = blocks
			return nil
		})
	}
	if err == nil {
		x.blocks = found
	}
	return err
}

// needsOneStatement reports what tells many statements from one: triggers per
// statement or with transition tables, rules, and foreign keys of the table to
// itself, which may hold only when all rows are gone. And parts that the role may
// not touch by their own names, or whose own row-level security would hide rows:
// for the table's statement, the table's rights count alone.
func (x *tx) needsOneStatement(ctx context.Context, oids []uint32) (bool, error) {
	var needs bool
	err := x.s.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ANY($1::oid[]) AND `+userTrigger+`
			AND t.tgtype & $2::int <> 0 AND t.tgenabled IN ('O', 'A') AND (t.tgtype & $3::int = 0 OR t.tgoldtable IS NOT NULL))
		OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = ANY($1::oid[]) AND ev_type = '4')
		OR EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confdeltype <> 'c'
			AND conrelid = ANY($1::oid[]) AND confrelid = ANY($1::oid[]))
		OR EXISTS (SELECT FROM pg_class c WHERE c.oid = ANY($1::oid[]) AND c.relkind = 'r'
			AND (NOT has_schema_privilege(c.relnamespace, 'USAGE') OR NOT has_table_privilege(c.oid, 'SELECT')
				OR NOT has_table_privilege(c.oid, 'DELETE') OR row_security_active(c.oid)))`, oids, onDelete, forEachRow).Scan(&needs)
	return needs, err
}

// changesCondition reports whether earlier ranges could make rows match that one
// DELETE would leave: a trigger may write the table, a key may set its columns when
// what they refer to goes, and a function may look anywhere.
func (x *tx) changesCondition(ctx context.Context, oids []uint32, where string) (bool, error) {
	if callsOthers(where) {
		return true, nil
	}
	var changes bool
	err := x.s.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ANY($1::oid[]) AND `+userTrigger+`
			AND t.tgtype & $2::int <> 0 AND t.tgenabled IN ('O', 'A'))
		OR EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('n', 'd') AND conrelid = ANY($1::oid[]))`, oids, onDelete).Scan(&changes)
	return changes, err
}

// callable finds what may be the name of a function, or a word that stands before a
// parenthesis.
var callable = regexp.MustCompile(`([A-Za-z_\x80-\x{10FFFF}][\w$\x80-\x{10FFFF}]*|")\s*\(`)

// knownCalls are words before a parenthesis behind which nothing reads a table.
var knownCalls = strings.Fields("and or not in any all some between case when then else is like ilike similar values row array cast interval now age date_trunc date_part extract make_interval make_date coalesce nullif greatest least lower upper length char_length btrim trim ltrim rtrim left right substr substring position replace concat abs floor ceil round mod to_char to_date to_timestamp timestamp timestamptz date time varchar char numeric decimal bit")

// callsOthers reports whether a condition calls, or may call, a function that is not
// one of those.
func callsOthers(where string) bool {
	for _, m := range callable.FindAllStringSubmatch(where, -1) {
		if !slices.Contains(knownCalls, strings.ToLower(m[1])) {
			return true
		}
	}
	return false
}

// scansRange looks at the plan of a step. A condition can turn the range scan
// into an index scan, which would read the table's index anew for each range;
// and a subquery in it would see what earlier ranges deleted.
func (x *tx) scansRange(ctx context.Context, r *schema.Relation, where string) (bool, error) {
	result, err := x.s.one(ctx, `EXPLAIN (FORMAT JSON) `+rangeSQL(r, where, `'(0,0)'::tid`, `'(1024,0)'::tid`, true))
	if err != nil {
		return false, err
	}
	if len(result.Rows) != 1 {
		return false, fmt.Errorf("EXPLAIN gave %d rows", len(result.Rows))
	}
	type node struct {
		Type  string `json:"Node Type"`
		Plans []node
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal(result.Rows[0][0], &plans); err != nil {
		return false, fmt.Errorf("read the plan: %w", err)
	}
	if len(plans) != 1 || len(plans[0].Plan.Plans) != 1 {
		return false, nil
	}
	scan := plans[0].Plan.Plans[0]
	return scan.Type == "Tid Range Scan" && len(scan.Plans) == 0, nil
}
