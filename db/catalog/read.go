package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases/schema"
)

// Querier is a session.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Read reads all of a schema, and makes it ready for questions. The caller's
// transaction has PostgreSQL's own catalogs alone on its search path;
// searchPath is what the role's own was before.
func Read(ctx context.Context, q Querier, searchPath string) (*schema.Schema, error) {
	return read(ctx, q, searchPath, readCosts)
}

// ReadAgain reads all of it but for what the server takes, inside a phase's
// transaction: nothing is measured under its locks.
func ReadAgain(ctx context.Context, q Querier) (*schema.Schema, error) {
	return read(ctx, q, "", func(_ context.Context, _ Querier, s *schema.Schema) error {
		s.Costs = schema.UsualCosts()
		return nil
	})
}

func read(ctx context.Context, q Querier, searchPath string, costs func(context.Context, Querier, *schema.Schema) error) (*schema.Schema, error) {
	s := &schema.Schema{}
	// Compiling these queries takes longer than running them does.
	if _, err := q.Exec(ctx, `SET LOCAL jit = off`); err != nil {
		return nil, fmt.Errorf("prepare to read the catalog: %w", err)
	}
	for _, p := range []part{
		{"the server", readServer},
		{"the tables", readRelations},
		{"which tables are parts of others", readParts},
		{"the foreign keys", readKeys},
		{"the triggers", readTriggers},
		{"the rules", readRules},
		{"what the server takes", costs},
		{"rights and owners", readRights},
	} {
		if err := p.read(ctx, q, s); err != nil {
			return nil, fmt.Errorf("read %s from the catalog: %w", p.what, err)
		}
	}
	for _, p := range beside {
		if err := readBeside(ctx, q, s, p); err != nil {
			return nil, fmt.Errorf("read %s from the catalog: %w", p.what, err)
		}
	}
	s.Server.SearchPath = searchPath
	s.Index()
	return s, nil
}

// part is one kind of thing, and how it is read.
type part struct {
	what string
	read func(context.Context, Querier, *schema.Schema) error
}

// beside is what warnings rest on, and no run. Where the role may not look at it,
// or the server has it no more, it is unknown, and the rest is read all the same.
var beside = []part{
	{"columns without a key", readLoose},
	{"the event triggers", readWatches},
	{"the constraints on what keys set", readGuards},
	{"what views read", readReaders},
	{"how old the statistics are", readModified},
	{"the publications", readPublications},
	{"the replication slots", readSlots},
	{"the standbys", readStandbys},
	{"the archiver", readArchiver},
}

// readBeside reads such a part, or notes that it was refused.
func readBeside(ctx context.Context, q Querier, s *schema.Schema, p part) error {
	if _, err := q.Exec(ctx, `SAVEPOINT beside`); err != nil {
		return err
	}
	err := p.read(ctx, q, s)
	after := `RELEASE SAVEPOINT beside`
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && ctx.Err() == nil {
		s.Unread = append(s.Unread, schema.Unread{What: p.what, Why: pg.Message})
		after = `ROLLBACK TO SAVEPOINT beside`
	} else if err != nil {
		return err
	}
	_, err = q.Exec(ctx, after)
	return err
}

// ReadTables reads the relations alone, with their names and parts: without
// sizes and rights, it waits for nobody's lock.
func ReadTables(ctx context.Context, q Querier) (*schema.Schema, error) {
	s := &schema.Schema{}
	var r schema.Relation
	var kind string
	err := each(ctx, q, `SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, coalesce(am.amname::text, ''), c.relispartition
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam
		WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND `+user+` AND c.relpersistence <> 't'`,
		[]any{&r.OID, &r.Schema, &r.Name, &kind, &r.Method, &r.Partition}, func() {
			found := r
			found.Kind = schema.Kind(kind)
			s.Relations = append(s.Relations, found)
		})
	if err == nil {
		err = readParts(ctx, q, s)
	}
	if err != nil {
		return nil, fmt.Errorf("read the tables from the catalog: %w", err)
	}
	s.Index()
	return s, nil
}

// each calls f for every row, scanned into the variables.
func each(ctx context.Context, q Querier, sql string, into []any, f func()) error {
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		f()
		return nil
	})
	return err
}

// user picks what is not PostgreSQL's own.
const user = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'`

func readRelations(ctx context.Context, q Querier, s *schema.Schema) error {
	var r schema.Relation
	var kind string
	var heap, bytes *int64 // NULL: dropped meanwhile
	// The size of a table that somebody else has locked is waited for: of such a
	// one, what the planner knows has to do.
	return each(ctx, q, `WITH locked AS (SELECT relation FROM pg_locks
			WHERE locktype = 'relation' AND granted AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid() AND relation IS NOT NULL)
		SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, coalesce(am.amname::text, ''), c.relispartition, c.relpersistence = 't',
			CASE WHEN c.relkind = 'r' AND free AND pg_relation_size(c.oid) = 0 THEN 0 WHEN c.reltuples <= 0 AND c.relpages = 0 THEN -1
				WHEN c.relkind = 'r' AND free AND c.relpages > 0 THEN round(c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::bigint))
				ELSE c.reltuples END::float8,
			CASE WHEN c.relkind NOT IN ('r', 'm') THEN 0 WHEN free THEN pg_relation_size(c.oid) ELSE greatest(c.relpages, 1) * current_setting('block_size')::bigint END,
			CASE WHEN c.relkind NOT IN ('r', 'm') THEN 0 WHEN free THEN pg_total_relation_size(c.oid) ELSE greatest(c.relpages, 1) * current_setting('block_size')::bigint END,
			has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'INSERT'),
			has_table_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'DELETE'), has_table_privilege(c.oid, 'TRUNCATE'),
			row_security_active(c.oid),
			(SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid),
			(SELECT 28 + coalesce(sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END), 0) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam
			CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM locked WHERE locked.relation = c.oid) AS free) others
		WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND `+user+` AND (c.relpersistence <> 't' OR pg_my_temp_schema() = n.oid)
		ORDER BY 2, 3`,
		[]any{
			&r.OID, &r.Schema, &r.Name, &kind, &r.Method, &r.Partition, &r.Temporary, &r.Rows, &heap, &bytes,
			&r.Rights.Usage, &r.Rights.Select, &r.Rights.Insert, &r.Rights.Update, &r.Rights.Delete, &r.Rights.Truncate, &r.Filtered,
			&r.Indexes, &r.Width,
		},
		func() {
			found := r
			found.Kind = schema.Kind(kind)
			if heap != nil && bytes != nil {
				found.Heap, found.Bytes = *heap, *bytes
			}
			s.Relations = append(s.Relations, found)
		})
}

func readParts(ctx context.Context, q Querier, s *schema.Schema) error {
	at := map[uint32]int{}
	for i := range s.Relations {
		at[s.Relations[i].OID] = i
	}
	var child, parent uint32
	return each(ctx, q, `SELECT inhrelid, inhparent FROM pg_inherits ORDER BY inhparent, inhrelid`, []any{&child, &parent}, func() {
		c, isChild := at[child]
		p, isParent := at[parent]
		if isChild && isParent {
			s.Relations[c].Parents = append(s.Relations[c].Parents, parent)
			s.Relations[p].Children = append(s.Relations[p].Children, child)
		}
	})
}

// OwnIndex is how the names of indexes are that a run makes and takes away again:
// the end of its id, and a number. No key counts as having an index for one: what
// was reckoned and rehearsed without it holds while it is there.
const OwnIndex = `^tminus_[0-9a-z]{1,8}_[0-9]{1,4}$`

// carried tells whether a usable index carries a foreign key: valid, a btree or
// a hash, the key's columns its first, with operator classes that know the
// key's equality. A condition that asks for no more than that key columns are
// not NULL is implied by the key's own query.
const carried = `EXISTS (SELECT FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
	WHERE i.indrelid = con.conrelid AND i.indisvalid AND i.indisready AND am.amname IN ('btree', 'hash') AND ic.relname !~ '` + OwnIndex + `'
	AND i.indnkeyatts >= cardinality(con.conkey)
	AND (i.indkey::int2[])[0:cardinality(con.conkey) - 1] @> con.conkey
	AND NOT EXISTS (SELECT FROM unnest(con.conkey, con.conpfeqop) WITH ORDINALITY AS k (att, op, place)
		WHERE NOT EXISTS (SELECT FROM pg_opclass oc JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily
			WHERE oc.oid = (i.indclass::oid[])[array_position((i.indkey::int2[])[0:cardinality(con.conkey) - 1], k.att) - 1] AND ao.amopopr = k.op))
	AND (i.indpred IS NULL OR NOT EXISTS (
		SELECT FROM regexp_split_to_table(translate(pg_get_expr(i.indpred, i.indrelid), '()', ''), ' AND ') AS part
		WHERE part NOT IN (SELECT format('%I IS NOT NULL', a.attname) FROM pg_attribute a WHERE a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey)))))`

// takesNoNull tells whether a column a can not be set to NULL, whatever the row.
const takesNoNull = `(a.attnotnull OR a.attgenerated <> '' OR (SELECT t.typnotnull FROM pg_type t WHERE t.oid = a.atttypid)
	OR EXISTS (SELECT FROM pg_constraint ch WHERE ch.conrelid = a.attrelid AND ch.contype = 'c' AND ch.conkey = ARRAY[a.attnum]
		AND pg_get_expr(ch.conbin, ch.conrelid) = format('(%I IS NOT NULL)', a.attname)))`

// mayRefuse are the CHECK constraints of a column a, or of its domain, that a NULL
// in it may fail: those that ask for NULL, call a function or decide by CASE. What
// only compares is not false for a NULL.
const mayRefuse = `SELECT said FROM (SELECT ch.oid, ch.conname FROM pg_constraint ch WHERE ch.conrelid = a.attrelid AND ch.contype = 'c' AND a.attnum = ANY (ch.conkey)
		UNION ALL SELECT ch.oid, ch.conname FROM pg_constraint ch WHERE ch.contypid = a.atttypid AND ch.contype = 'c') ch
	CROSS JOIN LATERAL format('%I %s', ch.conname, pg_get_constraintdef(ch.oid)) AS said
	WHERE pg_get_constraintdef(ch.oid) ~ '\mIS |\mCASE\M|[[:alnum:]_"]\(' ORDER BY ch.conname, said`

func readKeys(ctx context.Context, q Querier, s *schema.Schema) error {
	var k schema.Key
	var action string
	var names, referred, defaults []string
	var notNull, acts []bool
	var checks [][]string
	return each(ctx, q, `SELECT con.oid, con.conparentid, con.conname::text, con.conrelid, con.confrelid, con.confdeltype::text, con.condeferrable, con.condeferred,
			NOT con.convalidated, EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = con.oid AND t.tgenabled NOT IN ('O', 'A')), con.confmatchtype = 'f', `+carried+`, cols.names, cols.referred, cols.not_null, cols.checks, cols.defaults, cols.acts, cols.nulls
		FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL (
			SELECT array_agg(a.attname::text ORDER BY place) AS names, array_agg(f.attname::text ORDER BY place) AS referred, array_agg(`+takesNoNull+` ORDER BY place) AS not_null,
				jsonb_agg(ARRAY(`+mayRefuse+`) ORDER BY place) AS checks,
				array_agg(coalesce(pg_get_expr(d.adbin, d.adrelid), '') ORDER BY place) AS defaults,
				array_agg(coalesce(nullif(to_jsonb(con) -> 'confdelsetcols', 'null') @> to_jsonb(att), true) ORDER BY place) AS acts,
				coalesce(max((SELECT max(st.null_frac) FROM pg_stats st WHERE st.schemaname = n.nspname AND st.tablename = c.relname AND st.attname = a.attname AND NOT st.inherited)), 0)::float8 AS nulls
			FROM unnest(con.conkey, con.confkey) WITH ORDINALITY AS k (att, to_att, place)
			JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.att
			JOIN pg_attribute f ON f.attrelid = con.confrelid AND f.attnum = k.to_att
			LEFT JOIN pg_attrdef d ON d.adrelid = con.conrelid AND d.adnum = k.att) cols
		WHERE con.contype = 'f' AND to_jsonb(con) -> 'conenforced' IS DISTINCT FROM 'false' ORDER BY con.conname, con.oid`,
		[]any{&k.OID, &k.Parent, &k.Name, &k.From, &k.To, &action, &k.Deferrable, &k.Deferred, &k.NotValid, &k.Off, &k.Full, &k.Indexed, &names, &referred, &notNull, &checks, &defaults, &acts, &k.Nulls},
		func() {
			found := k
			found.Action, found.Referred = schema.Action(action), slices.Clone(referred)
			for i, name := range names {
				found.Referring = append(found.Referring, name)
				if acts[i] {
					found.Columns = append(found.Columns, schema.Column{Name: name, NotNull: notNull[i], Default: defaults[i], Checks: checks[i]})
				}
			}
			s.Keys = append(s.Keys, found)
		})
}

// userTrigger picks users' triggers of pg_trigger t. Before PostgreSQL 15 a
// partition's copy of one counts as internal, as a foreign key's triggers do.
const userTrigger = `(NOT t.tgisinternal OR t.tgparentid <> 0 AND (t.tgconstraint = 0
	OR EXISTS (SELECT FROM pg_constraint con WHERE con.oid = t.tgconstraint AND con.contype = 't')))`

func readTriggers(ctx context.Context, q Querier, s *schema.Schema) error {
	var t schema.Trigger
	var event int16
	return each(ctx, q, `SELECT t.oid, t.tgrelid, t.tgparentid, t.tgname::text, t.tgenabled::text, t.tgtype, t.tginitdeferred, format('%I.%I', pn.nspname, p.proname)
		FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace pn ON pn.oid = p.pronamespace
		WHERE `+userTrigger+` AND `+user+` ORDER BY n.nspname, c.relname, t.tgname, t.oid`,
		[]any{&t.OID, &t.Relation, &t.Parent, &t.Name, &t.Enabled, &event, &t.Deferred, &t.Function}, func() {
			found := t
			found.Event = schema.Event(event)
			s.Triggers = append(s.Triggers, found)
		})
}

func readRules(ctx context.Context, q Querier, s *schema.Schema) error {
	var r schema.Rule
	var on string
	events := map[string]schema.Event{"2": schema.OnUpdate, "3": schema.OnInsert, "4": schema.OnDelete}
	return each(ctx, q, `SELECT w.ev_class, w.rulename::text, w.ev_type::text, w.is_instead,
			w.is_instead AND w.ev_qual = '<>' AND w.ev_action = '<>'
		FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND w.ev_type <> '1' AND w.ev_enabled <> 'D' AND `+user+` ORDER BY n.nspname, c.relname, w.rulename`,
		[]any{&r.Relation, &r.Name, &on, &r.Instead, &r.Nothing}, func() {
			found := r
			found.On = events[on]
			s.Rules = append(s.Rules, found)
		})
}
