package db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases/schema"
)

// ranged gives the leaves to delete from by ranges; nil when only one DELETE
// has the meaning that the runbook asks for.
func (d *deletion) ranged(ctx context.Context, r *schema.Relation) ([]leaf, error) {
	x := d.x
	d.table = r
	if x.t.version < tidRangeVersion {
		return nil, nil
	}
	if err := x.measure(ctx); err != nil {
		return nil, err
	}
	out := []leaf{} // none for a partitioned table without partitions
	var oids []uint32
	var blocks int64
	for _, part := range x.cat.Schema.Tree(r) {
		oids = append(oids, part.OID)
		if part.Kind == schema.Partitioned {
			continue
		}
		if part.Kind != schema.Ordinary || part.Method != "heap" {
			return nil, nil
		}
		out = append(out, leaf{Relation: part, blocks: x.blocks[part.OID]})
		blocks += x.blocks[part.OID]
	}
	if blocks <= fewBlocks {
		return nil, nil // one range would have all of it
	}
	if !d.stable && callsOthers(d.where) {
		return nil, nil // a function may look at what earlier ranges did
	}
	whole, err := d.needsOneStatement(ctx, oids)
	if err != nil || whole {
		return nil, err
	}
	for _, l := range out {
		ok, err := d.scansRange(ctx, l.Relation)
		if err != nil || !ok {
			return nil, err
		}
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

// reachedQuery is what a delete from tables $1 reaches by foreign keys: gone are those
// whose rows it deletes, the others those of which it changes rows. r is for joining.
const reachedQuery = `WITH RECURSIVE reached(oid, gone) AS (
	SELECT oid, true FROM unnest($1::oid[]) AS oid
	UNION SELECT k.conrelid, r.gone AND k.confdeltype = 'c' FROM reached r JOIN pg_constraint k ON k.confrelid = r.oid AND k.contype = 'f'
	WHERE CASE WHEN r.gone THEN k.confdeltype ELSE k.confupdtype END IN ('c', 'n', 'd'))
`

// sharedQuery looks for a key whose action changes columns that another key of the
// same table has, or that others refer to: which of them acts first tells. Two that
// set one column each to the same do not; nor does a key with those that it has for
// parts.
const sharedQuery = `SELECT FROM reached r JOIN pg_constraint a ON a.confrelid = r.oid AND a.contype = 'f' AND a.confdeltype IN ('n', 'd') AND r.gone
	JOIN pg_constraint b ON b.contype = 'f' AND b.oid <> a.oid
		AND b.conparentid <> a.oid AND a.conparentid <> b.oid AND (a.conparentid = 0 OR a.conparentid <> b.conparentid)
	WHERE b.confrelid = a.conrelid AND b.confkey && a.conkey
		OR b.conrelid = a.conrelid AND b.conkey && a.conkey AND b.confrelid IN (SELECT oid FROM reached WHERE gone)
			AND NOT (a.confdeltype = 'n' AND b.confdeltype = 'n' AND cardinality(a.conkey) = 1 AND cardinality(b.conkey) = 1)`

// needsOneStatement reports what tells many statements from one. That is what acts
// beside foreign keys, on any table that the delete reaches: rules, and triggers that
// may look at more than their row. It is a key between two tables that both go, and
// that does not cascade: it may hold only when all rows are gone. And a key that
// changes rows of the table itself, or columns that another key has. And parts that
// the role may not touch by their own names, or whose own row-level security would
// hide rows: for the table's statement, the table's rights count alone.
func (d *deletion) needsOneStatement(ctx context.Context, oids []uint32) (bool, error) {
	var needs bool
	err := d.x.s.QueryRow(ctx, reachedQuery+`SELECT
		EXISTS (SELECT FROM reached r WHERE NOT r.gone AND r.oid = ANY($1::oid[]))
		OR EXISTS (`+sharedQuery+`)
		OR EXISTS (SELECT FROM reached r JOIN pg_rewrite ON ev_class = r.oid WHERE ev_type = CASE WHEN r.gone THEN '4' ELSE '2' END)
		OR EXISTS (SELECT FROM pg_class c WHERE c.oid = ANY($1::oid[]) AND c.relkind = 'r'
			AND (NOT has_schema_privilege(c.relnamespace, 'USAGE') OR NOT has_table_privilege(c.oid, 'SELECT')
				OR NOT has_table_privilege(c.oid, 'DELETE') OR row_security_active(c.oid))),
		EXISTS (SELECT FROM reached r JOIN pg_constraint k ON k.confrelid = r.oid WHERE r.gone AND k.contype = 'f' AND k.confdeltype = 'c' AND k.conrelid = ANY($1::oid[]))`,
		oids).Scan(&needs, &d.itself)
	if d.itself && d.where != "" { // of what its own key takes, one DELETE counts those that match
		needs = true
	}
	for _, look := range []func(context.Context, []uint32) (bool, error){d.looksAround, d.refusesBetween} {
		if err != nil || needs {
			break
		}
		needs, err = look(ctx, oids)
	}
	return needs, err
}

// refusesBetween looks for a key between two tables that both go, by which a row
// refers: it refuses, or sets what another key refers by.
func (d *deletion) refusesBetween(ctx context.Context, oids []uint32) (bool, error) {
	rows, err := d.x.s.Query(ctx, reachedQuery+`SELECT k.conrelid, format('%I.%I', n.nspname, c.relname),
			string_agg((SELECT string_agg(format('%I IS NOT NULL', a.attname), ' AND ') FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)), ' OR '),
			bool_and(has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(c.relnamespace, 'USAGE') AND NOT row_security_active(c.oid))
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE k.contype = 'f' AND k.confdeltype <> 'c' AND k.conrelid IN (SELECT oid FROM reached WHERE gone) AND k.confrelid IN (SELECT oid FROM reached WHERE gone)
		GROUP BY 1, 2`, oids)
	if err != nil {
		return false, err
	}
	var between []string
	var known bool
	var oid uint32
	var name, refers string
	whole := false
	_, err = pgx.ForEachRow(rows, []any{&oid, &name, &refers, &known}, func() error {
		whole = whole || !known || slices.Contains(oids, oid)
		between = append(between, `SELECT EXISTS (SELECT FROM ONLY `+name+` WHERE `+refers+`)`)
		return nil
	})
	for _, sql := range between {
		if err != nil || whole {
			break
		}
		// An earlier step may have left nothing but dead rows in it: that takes long.
		err = d.x.t.long(ctx, d.x.s, func(ctx context.Context, l long) error { return l.scan(ctx, sql, &whole) })
	}
	return whole, err
}

// looksAround looks for a trigger that the delete fires, on any table that it reaches,
// and that may look at more than the row that it is fired for: what it finds depends
// on how many rows one statement takes.
func (d *deletion) looksAround(ctx context.Context, oids []uint32) (bool, error) {
	rows, err := d.x.s.Query(ctx, reachedQuery+`, kin(oid, other) AS (SELECT inhrelid, inhparent FROM pg_inherits UNION ALL SELECT inhparent, inhrelid FROM pg_inherits),
			family(oid) AS (SELECT oid FROM reached UNION SELECT kin.other FROM family JOIN kin USING (oid))
		SELECT t.tgtype & $2::int <> 0 AND t.tgoldtable IS NULL AND t.tgnewtable IS NULL AND l.lanname = 'plpgsql', p.prosrc,
			(SELECT array_agg(lower(c.relname::text)) FROM family JOIN pg_class c USING (oid))
		FROM reached r JOIN pg_trigger t ON t.tgrelid = r.oid JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
		WHERE `+userTrigger+` AND t.tgenabled IN ('O', 'A') AND t.tgtype & CASE WHEN r.gone THEN $3::int ELSE $4::int END <> 0`, oids, forEachRow, onDelete, onUpdate)
	if err != nil {
		return false, err
	}
	var plain, looks bool
	var body string
	var names, into []string
	_, err = pgx.ForEachRow(rows, []any{&plain, &body, &names}, func() error {
		targets, only := onlyInserts(body, names)
		looks = looks || !plain || !only
		into = append(into, targets...)
		return nil
	})
	if err != nil || looks || len(into) == 0 {
		return looks, err
	}
	// A name is looked for in every schema: which of them the function finds, nobody
	// knows. Its rows may go into any part of it.
	err = d.x.s.QueryRow(ctx, `WITH RECURSIVE targets(oid) AS (SELECT oid FROM pg_class WHERE lower(relname::text) = ANY($1::text[]) AND relkind IN ('r', 'p', 'v', 'f', 'm')
			UNION SELECT i.inhrelid FROM targets JOIN pg_inherits i ON i.inhparent = targets.oid)
		SELECT EXISTS (SELECT FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_class c WHERE lower(c.relname::text) = name AND c.relkind IN ('r', 'p')))
		OR EXISTS (SELECT FROM targets JOIN pg_class c USING (oid) WHERE c.relkind IN ('v', 'f', 'm') OR c.relhasrules
			OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & $2::int <> 0))`, into, onInsert).Scan(&looks)
	return looks, err
}

// looking are words without which a function reads no table, and changes no row that
// is there.
var looking = strings.Fields("select perform execute from update delete merge call copy truncate with table lock listen query fetch open cursor")

// telling are functions that a trigger which keeps a record calls, beside knownCalls.
var telling = strings.Fields("json_build_object jsonb_build_object to_json to_jsonb row_to_json format concat_ws clock_timestamp statement_timestamp transaction_timestamp current_setting gen_random_uuid txid_current if elsif")

var (
	word     = regexp.MustCompile(`[a-z_\x80-\x{10FFFF}][a-z_0-9$\x80-\x{10FFFF}]*`)
	inserted = regexp.MustCompile(`(?i)insert\s+into\s+([\w$."]+)`)
	quiet    = regexp.MustCompile(`(?s)"[^"]*"|'[^']*'|--[^\n]*|/\*.*?\*/`)
)

// onlyInserts reports whether a trigger's function does no more than insert into
// tables other than those names, as one does that keeps a record of what goes, and
// into which. What is not understood may do more.
func onlyInserts(body string, names []string) (into []string, only bool) {
	if !strings.ContainsAny(body, `\$`) { // where neither stands, a string and a comment end where they seem to
		body = quiet.ReplaceAllStringFunc(body, func(s string) string {
			if s[0] == '"' {
				return s
			}
			return " '' "
		})
	}
	for _, w := range word.FindAllString(strings.ToLower(body), -1) {
		if slices.Contains(looking, w) || slices.Contains(names, w) {
			return nil, false
		}
	}
	for _, m := range inserted.FindAllStringSubmatch(body, -1) {
		parts := strings.Split(strings.ToLower(strings.ReplaceAll(m[1], `"`, "")), ".")
		into = append(into, parts[len(parts)-1])
	}
	return into, !callsOther(inserted.ReplaceAllString(body, ";"), slices.Concat(knownCalls, telling))
}

// callable finds what may be the name of a function, or a word that stands before a
// parenthesis.
var callable = regexp.MustCompile(`([A-Za-z_\x80-\x{10FFFF}][\w$\x80-\x{10FFFF}]*|")\s*\(`)

// knownCalls are words before a parenthesis behind which nothing reads a table.
var knownCalls = strings.Fields("and or not in any all some between case when then else is like ilike similar values row array cast interval now age date_trunc date_part extract make_interval make_date coalesce nullif greatest least lower upper length char_length btrim trim ltrim rtrim left right substr substring position replace concat abs floor ceil round mod to_char to_date to_timestamp timestamp timestamptz date time varchar char numeric decimal bit")

// callsOthers reports whether a condition calls, or may call, a function that is not
// one of those.
func callsOthers(where string) bool { return callsOther(where, knownCalls) }

func callsOther(text string, known []string) bool {
	for _, m := range callable.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(known, strings.ToLower(m[1])) {
			return true
		}
	}
	return false
}

// scansRange looks at the plan of a step. A condition can turn the range scan
// into an index scan, which would read the table's index anew for each range;
// and a subquery in it would see what earlier ranges deleted. One that cannot be
// asked of a part of the table, but perhaps of the table, is no error here.
func (d *deletion) scansRange(ctx context.Context, r *schema.Relation) (ok bool, err error) {
	x := d.x
	if r == d.table {
		return d.plansRange(ctx, r)
	}
	if _, err := x.s.Exec(ctx, `SAVEPOINT tminus_plan`); err != nil {
		return false, err
	}
	ok, err = d.plansRange(ctx, r)
	if pg, answered := errors.AsType[*pgconn.PgError](err); answered && strings.HasPrefix(pg.Code, "42") {
		ok, err = false, nil
		if _, err := x.s.Exec(ctx, `ROLLBACK TO SAVEPOINT tminus_plan`); err != nil {
			return false, err
		}
	}
	if err == nil {
		_, err = x.s.Exec(ctx, `RELEASE SAVEPOINT tminus_plan`)
	}
	return ok, err
}

func (d *deletion) plansRange(ctx context.Context, r *schema.Relation) (bool, error) {
	result, err := d.x.s.one(ctx, `EXPLAIN (FORMAT JSON) `+d.rangeSQL(r, `'(0,0)'::tid`, `'(1024,0)'::tid`, true))
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
