package putback_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/capsule"
	"tminus/db/putback"
	"tminus/db/sandbox"
)

func TestMain(m *testing.M) { os.Exit(sandbox.Main(m)) }

func exec(t testing.TB, s session, sql string) {
	t.Helper()
	if _, err := s.PgConn().Exec(limited(t), sql).ReadAll(); err != nil {
		t.Fatalf("%.500s: %v", sql, err)
	}
}

func query[T any](t testing.TB, s session, sql string) T {
	t.Helper()
	var v T
	if err := s.QueryRow(limited(t), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func list(t testing.TB, s session, sql string) []string {
	t.Helper()
	rows, err := s.Query(limited(t), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// public runs statements that name tables bare.
func public(t testing.TB, dsn, sql string) {
	t.Helper()
	s := connect(t, dsn, "")
	exec(t, s, "RESET search_path; RESET row_security; SET client_min_messages = warning")
	exec(t, s, sql)
	s.Close(limited(t))
}

// phase carries out statements in one transaction and captures what they took.
func phase(t testing.TB, dsn, sql string) *capsule.Capsule {
	t.Helper()
	s := connect(t, dsn, "")
	exec(t, s, "SET search_path = public")
	exec(t, s, "BEGIN")
	exec(t, s, sql)
	c := capture(t, dsn, s)
	exec(t, s, "COMMIT")
	s.Close(limited(t))
	return c
}

// capture writes what s's open transaction took as a capsule, as a run does: what
// it deleted or updated is what another session still sees, with its xid as xmax. As
// earlier versions did, it takes materialized views for tables.
func capture(t testing.TB, dsn string, s session) *capsule.Capsule {
	t.Helper()
	exec(t, s, "SET LOCAL search_path = pg_catalog, pg_temp")
	other := connect(t, dsn, "")
	exec(t, other, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	dir := filepath.Join(t.TempDir(), "capsule")
	w, err := capsule.Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := capsule.Manifest{
		Format: 1, Version: "test", RunID: "run", Phase: "phase", Attempt: 1, Taken: time.Now().UTC(),
		Xid: query[string](t, s, "SELECT pg_current_xact_id()::text"), Database: "test", SystemID: "1",
		Server: query[int](t, s, "SELECT current_setting('server_version_num')::int"), Encoding: query[string](t, s, "SHOW server_encoding"),
	}
	taker := taker{t, s, other, w, "'" + m.Xid + "'::xid8::xid"}
	rows, err := s.Query(limited(t), `SELECT n.nspname::text, c.relname::text, CASE WHEN rn.nspname = 'public' THEN '' ELSE quote_ident(rn.nspname) || '.' END || quote_ident(r.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_class r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid) JOIN pg_namespace rn ON rn.oid = r.relnamespace
		WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY c.oid`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (out capsule.Table, err error) {
		return out, row.Scan(&out.Schema, &out.Name, &out.Called)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if taker.take(&table); len(table.Streams) > 0 {
			m.Tables = append(m.Tables, table)
		}
	}
	if _, _, err := w.Close(m); err != nil {
		t.Fatal(err)
	}
	c, err := capsule.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	other.Close(limited(t))
	folders.Store(c, dir)
	return c
}

// folders are where capsules lie: one does not tell it.
var folders sync.Map

func folderOf(t *testing.T, c *capsule.Capsule) string {
	t.Helper()
	dir, ok := folders.Load(c)
	if !ok {
		t.Fatal("nobody knows where it lies")
	}
	return dir.(string)
}

type taker struct {
	t        testing.TB
	s, other session
	w        *capsule.Writer
	xid      string
}

func (k taker) take(table *capsule.Table) {
	k.t.Helper()
	name := pgx.Identifier{table.Schema, table.Name}.Sanitize()
	oid := fmt.Sprintf("'%s'::regclass", strings.ReplaceAll(name, "'", "''"))
	rows, err := k.s.Query(limited(k.t), `SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = `+oid+` AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`)
	if err != nil {
		k.t.Fatal(err)
	}
	table.Columns, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (out capsule.Column, err error) {
		return out, row.Scan(&out.Name, &out.Type)
	})
	if err != nil {
		k.t.Fatal(err)
	}
	var columns []string
	for _, c := range table.Columns {
		columns = append(columns, pgx.Identifier{c.Name}.Sanitize())
	}
	table.Key = list(k.t, k.s, `SELECT a.attname::text FROM pg_attribute a JOIN (SELECT indkey, indnkeyatts FROM pg_index i WHERE indrelid = `+oid+` AND indisunique AND indpred IS NULL AND indimmediate
		AND NOT EXISTS (SELECT FROM unnest(indkey[0:indnkeyatts-1]) k LEFT JOIN pg_attribute b ON b.attrelid = indrelid AND b.attnum = k WHERE b.attnotnull IS NOT TRUE OR b.attgenerated <> '')
		ORDER BY NOT indisprimary, indexrelid LIMIT 1) i ON a.attnum = ANY(i.indkey[0:i.indnkeyatts-1]) WHERE a.attrelid = `+oid+` ORDER BY array_position(i.indkey::int2[], a.attnum)`)
	from := "SELECT " + strings.Join(columns, ", ") + " FROM ONLY " + name + " WHERE "
	took, wrote := "xmax = "+k.xid, "xmin = "+k.xid
	if locked := list(k.t, k.s, "SELECT ctid::text FROM ONLY "+name+" WHERE xmax = "+k.xid+" AND xmin <> "+k.xid); len(locked) > 0 {
		took += " AND ctid NOT IN ('" + strings.Join(locked, "', '") + "')"
	}
	table.Streams = map[capsule.Part]capsule.Stream{}
	if len(table.Key) > 0 {
		var key []string
		for _, c := range table.Key {
			key = append(key, pgx.Identifier{c}.Sanitize())
		}
		text := "ROW(" + strings.Join(key, ", ") + ")::text"
		now := list(k.t, k.s, "SELECT "+text+" FROM ONLY "+name+" WHERE "+wrote)
		var both []string
		if len(now) > 0 {
			before := list(k.t, k.other, "SELECT "+text+" FROM ONLY "+name+" WHERE "+took)
			for _, each := range now {
				if slices.Contains(before, each) {
					both = append(both, "E'"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(each)+"'")
				}
			}
		}
		if len(both) > 0 {
			in := " AND " + text + " IN (" + strings.Join(both, ", ") + ")"
			k.stream(table, k.other, capsule.Old, from+took+in+" ORDER BY "+text)
			k.stream(table, k.s, capsule.New, from+wrote+in+" ORDER BY "+text)
			in = strings.Replace(in, " IN (", " NOT IN (", 1)
			took, wrote = took+in, wrote+in
		}
	}
	k.stream(table, k.other, capsule.Gone, from+took)
	k.stream(table, k.s, capsule.Added, from+wrote)
}

func (k taker) stream(table *capsule.Table, s session, part capsule.Part, sql string) {
	k.t.Helper()
	if s.QueryRow(limited(k.t), "SELECT EXISTS ("+sql+")").Scan(new(bool)) != nil || !query[bool](k.t, s, "SELECT EXISTS ("+sql+")") {
		return
	}
	to, err := k.w.Stream(part)
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := s.CopyTo(limited(k.t), to, "COPY ("+sql+") TO STDOUT"); err != nil {
		k.t.Fatal(err)
	}
	if table.Streams[part], err = to.Close(); err != nil {
		k.t.Fatal(err)
	}
}

// prints are count and content of every table with rows of its own.
func prints(t testing.TB, dsn string) map[string]string {
	t.Helper()
	s := connect(t, dsn, "")
	defer s.Close(limited(t))
	out := map[string]string{}
	for _, name := range list(t, s, `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`) {
		out[name] = query[string](t, s, "SELECT count(*) || ' ' || coalesce(sum(hashtextextended((x.*)::text, 0)::numeric), 0) FROM ONLY "+name+" x")
	}
	return out
}

// same fails where tables are not as they were.
func same(t testing.TB, dsn string, before map[string]string) {
	t.Helper()
	after := prints(t, dsn)
	for name, was := range before {
		if after[name] != was {
			t.Errorf("%s was %s, and is %s", name, was, after[name])
		}
	}
}

// run puts a capsule back, for good.
func run(t testing.TB, dsn, role string, c *capsule.Capsule, opt putback.Options) putback.Result {
	t.Helper()
	s := connect(t, dsn, role)
	defer s.Close(limited(t))
	exec(t, s, "BEGIN")
	r, err := putback.Run(limited(t), s, c, opt)
	if err != nil {
		t.Fatal(err)
	}
	if got := query[string](t, s, "SHOW session_replication_role"); got != "origin" {
		t.Errorf("the session is %s", got)
	}
	exec(t, s, "COMMIT")
	return r
}

// refused gives why a capsule cannot be put back.
func refused(t testing.TB, dsn, role string, c *capsule.Capsule, opt putback.Options) error {
	t.Helper()
	s := connect(t, dsn, role)
	defer s.Close(limited(t))
	exec(t, s, "BEGIN")
	r, err := putback.Run(limited(t), s, c, opt)
	if err == nil {
		t.Fatalf("it was put back: %+v", r)
	}
	if s.PgConn().TxStatus() == 'T' {
		if got := query[string](t, s, "SHOW session_replication_role"); got != "origin" {
			t.Errorf("the session is %s", got)
		}
	}
	exec(t, s, "ROLLBACK")
	return err
}

// look gives the plan.
func look(t testing.TB, dsn, role string, c *capsule.Capsule, opt putback.Options) putback.Plan {
	t.Helper()
	s := connect(t, dsn, role)
	defer s.Close(limited(t))
	exec(t, s, "BEGIN")
	p, err := putback.Look(limited(t), s, c, opt)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, s, "ROLLBACK")
	return p
}
