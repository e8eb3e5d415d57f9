package db

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// changed has one of each thing that a transaction can do something to beside
// rows, and three tables whose deletes call act().
const changed = `
	CREATE TABLE byrow (id int); INSERT INTO byrow VALUES (1), (2);
	CREATE TABLE bystatement (id int); INSERT INTO bystatement VALUES (1);
	CREATE TABLE byrule (id int); INSERT INTO byrule VALUES (1);
	CREATE TABLE other (id serial PRIMARY KEY, note text DEFAULT 'x', n int); INSERT INTO other (note) SELECT repeat('o', g) FROM generate_series(1, 50) g;
	CREATE INDEX other_note ON other (note);
	CREATE TABLE child (id int, other_id int REFERENCES other ON DELETE CASCADE); INSERT INTO child VALUES (1, 1);
	CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.far (id int); CREATE TABLE audit (id serial, what text);
	CREATE TABLE parts (id int) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10); CREATE TABLE parts_2 (id int); INSERT INTO parts VALUES (1);
	CREATE SEQUENCE counter; CREATE VIEW seen AS SELECT id FROM other;
	CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS n FROM other; CREATE UNIQUE INDEX ON summary (n);
	CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE FUNCTION helper() RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER watch AFTER UPDATE ON other FOR EACH ROW EXECUTE FUNCTION quiet();
	CREATE POLICY mine ON other USING (true); COMMENT ON TABLE other IS 'said'; GRANT SELECT ON child TO PUBLIC;
	CREATE FUNCTION act() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
	CREATE FUNCTION act_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF OLD.id = 1 THEN PERFORM act(); END IF; RETURN OLD; END';
	CREATE FUNCTION act_statement() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM act(); RETURN NULL; END';
	CREATE TRIGGER act BEFORE DELETE ON byrow FOR EACH ROW EXECUTE FUNCTION act_row();
	CREATE TRIGGER act AFTER DELETE ON bystatement EXECUTE FUNCTION act_statement();
	CREATE RULE act AS ON DELETE TO byrule DO ALSO SELECT act();
	CREATE FUNCTION act_caught() RETURNS void LANGUAGE plpgsql AS 'BEGIN BEGIN PERFORM act(); EXCEPTION WHEN division_by_zero THEN NULL; END; END';
	CREATE FUNCTION act_undone() RETURNS void LANGUAGE plpgsql AS 'BEGIN BEGIN PERFORM act(); PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN NULL; END; END';
	CREATE FUNCTION dropped() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; SELECT lo_create(4711);`

// acting makes act() do this.
func acting(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	exec(t, conn, `CREATE OR REPLACE FUNCTION act() RETURNS void LANGUAGE plpgsql SET search_path = public AS $act$ BEGIN `+sql+`; END $act$`)
}

// changesOf runs steps in a transaction of their own, and gives what it changed.
func changesOf(t *testing.T, target *Target, steps ...runbook.Step) []string {
	t.Helper()
	x := begin(t, target)
	defer x.Rollback(limited(t))
	for _, s := range steps {
		if s.Delete != "" {
			remove(t, x, s)
		} else if _, err := x.Run(limited(t), s, nil); err != nil {
			t.Fatal(err)
		}
	}
	return words(t, x)
}

// words are a transaction's changes, with their table in front.
func words(t *testing.T, x engine.Tx) []string {
	t.Helper()
	did, err := x.Effects(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, c := range did.Changes {
		out = append(out, c.Table+": "+c.String())
	}
	return out
}

// What a transaction does beside rows is told, whatever called it. Undone by an
// exception block it is not: nothing of it would be committed.
func TestChangesTellWhatWasDoneBesideRows(t *testing.T) {
	dsn := database(t, changed)
	conn := connect(t, dsn)
	target := open(t, dsn, book("byrow", "bystatement", "byrule"))
	number := regexp.MustCompile(`\d{4,}`)
	for sql, want := range beside {
		t.Run(sql, func(t *testing.T) {
			acting(t, conn, sql)
			got := number.ReplaceAllString(strings.Join(changesOf(t, target, runbook.Step{SQL: `SELECT act_caught()`}), "\n"), "N")
			if got != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
			if got := changesOf(t, target, runbook.Step{SQL: `SELECT act_undone()`}); len(got) > 0 && !strings.Contains(sql, "lo_put") {
				t.Errorf("undone: %q", got)
			}
		})
	}
}

const file = " was truncated (it has another file)"

// beside are statements with what they change, each with its table in front.
var beside = map[string][]string{
	`TRUNCATE child`:                                {"child: table child" + file},
	`TRUNCATE other CASCADE`:                        {"child: table child" + file, "other: table other" + file},
	`TRUNCATE other RESTART IDENTITY CASCADE`:       {"child: table child" + file, "other: table other" + file},
	`TRUNCATE parts`:                                {"parts: table parts_1" + file},
	`DROP TABLE child`:                              {"child: table child was dropped", "other: table other was locked against all others"},
	`DROP TABLE other CASCADE`:                      {"child: constraint child_other_id_fkey on table child was dropped", "other: table other was dropped", "seen: view seen was dropped", "summary: materialized view summary was dropped"},
	`DROP TABLE child; CREATE TABLE child (id int)`: {"child: table child was created", "child: table child was dropped", "other: table other was locked against all others"},
	`CREATE TABLE fresh (id serial PRIMARY KEY)`:    {"fresh: table fresh was created"},
	`CREATE TABLE fresh (id int); DROP TABLE fresh`: nil,

	`ALTER TABLE child ADD c text DEFAULT 'x'`:                                {"child: column c of table child was created"},
	`ALTER TABLE other DROP COLUMN n`:                                         {"other: column n of table other was dropped"},
	`ALTER TABLE other ALTER n TYPE bigint`:                                   {"other: column n of table other was altered (attalign, attlen, atttypid)", "other: table other" + file},
	`ALTER TABLE child RENAME TO kid`:                                         {"child: table kid was renamed (it was child)"},
	`ALTER TABLE other RENAME note TO remark`:                                 {"other: column remark of table other was renamed (it was note)"},
	`ALTER TABLE other SET SCHEMA elsewhere`:                                  {"other: table elsewhere.other was renamed (it was other)"},
	`ALTER TABLE elsewhere.far SET SCHEMA public`:                             {"elsewhere.far: table far was renamed (it was elsewhere.far)"},
	`ALTER TABLE other SET (fillfactor = 50)`:                                 {"other: table other was altered (reloptions)"},
	`ALTER TABLE child SET UNLOGGED`:                                          {"child: table child was altered (relpersistence)", "child: table child" + file},
	`ALTER TABLE other ALTER note SET DEFAULT 'y'`:                            {"other: column note of table other was altered (its default)"},
	`ALTER TABLE child ADD CHECK (id > 0)`:                                    {"child: constraint child_id_check on table child was created"},
	`ALTER TABLE child DROP CONSTRAINT child_other_id_fkey`:                   {"child: constraint child_other_id_fkey on table child was dropped", "other: table other was locked against all others"},
	`ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES other`:                 {"child: constraint child_id_fkey on table child was created"},
	`ALTER TABLE parts DETACH PARTITION parts_1`:                              {"parts: table parts_1 was altered (relispartition, relpartbound, its place as a partition or a child)"},
	`ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20)`: {"parts_2: table parts_2 was altered (relispartition, relpartbound, its place as a partition or a child)"},
	`CLUSTER other USING other_note`:                                          {"other: index other_note was altered (its properties)", "other: index other_note was rewritten (it has another file)", "other: table other" + file},

	`CREATE INDEX fresh ON child (id)`:                            {"child: index fresh was created"},
	`DROP INDEX other_note`:                                       {"other: index other_note was dropped"},
	`REINDEX INDEX other_note`:                                    {"other: index other_note was rewritten (it has another file)"},
	`CREATE STATISTICS fresh ON note, n FROM other`:               {"other: statistics object fresh was created"},
	`CREATE OR REPLACE VIEW seen AS SELECT id, 1 AS a FROM other`: {"seen: rule _RETURN on view seen was altered (ev_action)"},
	`DROP VIEW seen`:                                              {"seen: view seen was dropped"},
	`REFRESH MATERIALIZED VIEW summary`:                           {"summary: materialized view summary" + file},

	`CREATE OR REPLACE FUNCTION helper() RETURNS int LANGUAGE sql AS 'SELECT 2'`: {": function helper() was altered (prosrc)"},
	`DROP FUNCTION helper()`: {": function helper() was dropped"},
	`CREATE TRIGGER fresh AFTER DELETE ON child EXECUTE FUNCTION quiet()`: {"child: trigger fresh on table child was created"},
	`DROP TRIGGER watch ON other`:                                         {"other: trigger watch on table other was dropped"},
	`ALTER TABLE other DISABLE TRIGGER watch`:                             {"other: trigger watch on table other was altered (tgenabled)"},
	// The rows in between were deleted without it.
	`ALTER TABLE other DISABLE TRIGGER watch; ALTER TABLE other ENABLE TRIGGER watch`: {"other: trigger watch on table other was altered (and put back as it was)"},
	`ALTER TABLE child DISABLE TRIGGER ALL`:                                           {"child: trigger RI_ConstraintTrigger_c_N on table child was altered (tgenabled)", "child: trigger RI_ConstraintTrigger_c_N on table child was altered (tgenabled)"},
	`CREATE RULE fresh AS ON INSERT TO child DO ALSO NOTIFY x`:                        {"child: rule fresh on table child was created"},
	`CREATE EVENT TRIGGER fresh ON sql_drop EXECUTE FUNCTION dropped()`:               {": event trigger fresh was created"},

	`ALTER TABLE child ENABLE ROW LEVEL SECURITY`:   {"child: table child was altered (relrowsecurity)"},
	`CREATE POLICY fresh ON child USING (true)`:     {"child: policy fresh on table child was created"},
	`DROP POLICY mine ON other`:                     {"other: policy mine on table other was dropped"},
	`GRANT SELECT ON other TO PUBLIC`:               {"other: table other was altered (its privileges)"},
	`GRANT SELECT (note) ON other TO PUBLIC`:        {"other: column note of table other was altered (its privileges)"},
	`REVOKE SELECT ON child FROM PUBLIC`:            {"child: table child was altered (its privileges)"},
	`COMMENT ON TABLE other IS 'else'`:              {"other: table other was altered (its comment)"},
	`COMMENT ON TABLE other IS NULL`:                {"other: table other was altered (its comment)"},
	`CREATE ROLE tminus_fresh`:                      {": role tminus_fresh was created"},
	`ALTER ROLE CURRENT_USER SET work_mem = '10MB'`: {": role postgres was altered (its settings)"},

	`ALTER SEQUENCE counter RESTART`:      {"counter: sequence counter was rewritten (it has another file)"},
	`ALTER SEQUENCE other_id_seq RESTART`: {"other_id_seq: sequence other_id_seq was rewritten (it has another file)"},
	`ALTER SEQUENCE counter INCREMENT 2`:  {"counter: sequence counter was rewritten (it has another file, its definition)"},
	`DROP SEQUENCE counter`:               {"counter: sequence counter was dropped"},
	`PERFORM lo_create(4712)`:             {": large object N was created"},
	`PERFORM lo_unlink(4711)`:             {": large object N was dropped"},
	`PERFORM lo_put(4711, 0, 'abc')`:      {": the content of large objects was altered (1 inserted, 0 updated, 0 deleted of pg_largeobject)"},

	`CREATE TYPE color AS ENUM ('red')`:                         {": type color was created"},
	`CREATE TYPE pair AS (a int, b int)`:                        {": composite type pair was created"},
	`ALTER TYPE mood ADD VALUE 'so'`:                            {": type mood was altered (its values)"},
	`DROP TYPE mood`:                                            {": type mood was dropped"},
	`CREATE DOMAIN positive AS int CHECK (VALUE > 0)`:           {": type positive was created"},
	`CREATE SCHEMA fresh`:                                       {": schema fresh was created"},
	`DROP SCHEMA elsewhere CASCADE`:                             {": schema elsewhere was dropped", "elsewhere.far: table elsewhere.far was dropped"},
	`CREATE AGGREGATE fresh(int) (sfunc = int4pl, stype = int)`: {": function fresh(integer) was created", ": system catalog pg_aggregate was altered (its rows)"},

	`LOCK TABLE child IN ACCESS EXCLUSIVE MODE`:                {"child: table child was locked against all others"},
	`CREATE INDEX fresh ON child (id); DROP INDEX fresh`:       {"child: table child was locked against all others"},
	`UPDATE pg_proc SET prosrc = 'x' WHERE proname = 'helper'`: {": function helper() was altered (prosrc)"},
	`DELETE FROM pg_depend WHERE objid = 'child'::regclass`:    {"child: table child was altered (what it depends on)"},
	// Who switches counting off leaves the locks.
	`SET LOCAL track_counts = off; TRUNCATE child; SET LOCAL track_counts = on`:         {"child: table child" + file},
	`SET LOCAL track_counts = off; DROP FUNCTION helper(); SET LOCAL track_counts = on`: {": function helper() was dropped"},
}

// Honest neighbours: what triggers do every day is no change, and neither is
// what the session does for itself.
func TestChangesPassOverWhatIsHonest(t *testing.T) {
	dsn := database(t, changed)
	conn := connect(t, dsn)
	target := open(t, dsn, book("byrow", "bystatement", "byrule"))
	for _, sql := range []string{
		`INSERT INTO audit (what) VALUES ('x'); RAISE NOTICE 'hello'`,
		`DELETE FROM other; UPDATE audit SET what = ''; INSERT INTO parts VALUES (2)`,
		`PERFORM nextval('counter')`, `NOTIFY heard`, `LOCK TABLE child IN EXCLUSIVE MODE`, `ANALYZE other`,
		`PERFORM 1 FROM other FOR UPDATE`,
		`CREATE TEMP TABLE tmp (id serial PRIMARY KEY, t text CHECK (t <> '')) ON COMMIT DROP; INSERT INTO tmp VALUES (1, 'x');
			CREATE INDEX ON tmp (t); ANALYZE tmp; COMMENT ON TABLE tmp IS 'x'; CREATE TEMP VIEW v AS SELECT * FROM tmp;
			CREATE TYPE pg_temp.q AS (a int); CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
		`CREATE TEMP TABLE tmp (id serial PRIMARY KEY, t text); INSERT INTO tmp VALUES (1); TRUNCATE tmp; DROP TABLE tmp`,
	} {
		acting(t, conn, sql)
		for _, step := range []runbook.Step{{SQL: `SELECT act()`}, {SQL: `SELECT act_caught()`}, {Delete: "byrow"}, {Delete: "bystatement"}, {Delete: "byrule"}} {
			if got := changesOf(t, target, step); len(got) > 0 {
				t.Errorf("%s by %+v: %q", sql, step, got)
			}
		}
	}
}

// A temporary table that an earlier transaction left, dropped and made again,
// is the session's own as well, and its rows are in no count.
func TestChangesPassOverKeptTemporaryTables(t *testing.T) {
	dsn := database(t, changed)
	conn := connect(t, dsn)
	target := open(t, dsn, book("byrow"))
	acting(t, conn, `DROP TABLE IF EXISTS pg_temp.tmp; CREATE TEMP TABLE tmp (id int PRIMARY KEY, t text); INSERT INTO tmp VALUES (1, 'x')`)
	for range 2 {
		x := begin(t, target)
		remove(t, x, runbook.Step{Delete: "byrow", Where: "id = 1"})
		if got := words(t, x); len(got) > 0 {
			t.Errorf("%q", got)
		}
		if touched := touchedBy(t, x); len(touched) != 1 || touched["byrow"].Deleted != 1 {
			t.Errorf("touched %v", touched)
		}
		if err := x.(*tx).s.QueryRow(limited(t), `COMMIT`).Scan(); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatal(err)
		}
		exec(t, conn, `INSERT INTO byrow VALUES (1)`)
		if err := x.Rollback(limited(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// Deletes call as much as steps do.
func TestChangesAreSeenThroughTriggersAndRules(t *testing.T) {
	dsn := database(t, changed)
	conn := connect(t, dsn)
	target := open(t, dsn, book("byrow", "bystatement", "byrule"))
	acting(t, conn, `TRUNCATE child; DROP VIEW seen; COMMENT ON TABLE other IS NULL; CREATE TEMP TABLE tmp ON COMMIT DROP AS SELECT 1 AS a`)
	want := []string{"child: table child" + file, "other: table other was altered (its comment)", "seen: view seen was dropped"}
	for _, table := range []string{"byrow", "bystatement", "byrule"} {
		if got := changesOf(t, target, runbook.Step{Delete: table}); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", table, got, want)
		}
	}
	// An event trigger's doing, called by DDL of a temporary table.
	exec(t, conn, `CREATE FUNCTION evil() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN IF current_setting(''application_name'') LIKE ''tminus%'' THEN TRUNCATE public.child; END IF; END';
		CREATE EVENT TRIGGER evil ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION evil()`)
	acting(t, conn, `CREATE TEMP TABLE tmp (a int) ON COMMIT DROP`)
	if got := changesOf(t, target, runbook.Step{Delete: "byrow"}); !slices.Equal(got, want[:1]) {
		t.Errorf("event trigger: got %q, want %q", got, want[:1])
	}
}

// The ledger row is the program's own.
func TestChangesPassOverTheLedger(t *testing.T) {
	target := open(t, database(t, changed), book("byrow"))
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	x := begin(t, target)
	remove(t, x, runbook.Step{Delete: "byrow"})
	if err := x.WriteLedger(limited(t), intend(t, target, x)); err != nil {
		t.Fatal(err)
	}
	if got := words(t, x); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// A session that is no longer as it was armoured proves nothing any more.
func TestChangesLookAtTheArmour(t *testing.T) {
	dsn := database(t, changed)
	conn := connect(t, dsn)
	target := open(t, dsn, book("byrow"))
	for _, setting := range []string{`session_replication_role = replica`, `row_security = on`, `track_counts = off`} {
		acting(t, conn, `SET LOCAL `+setting)
		for _, step := range []runbook.Step{{Delete: "byrow"}, {SQL: `SELECT act()`}} {
			x := begin(t, target)
			if step.Delete != "" {
				remove(t, x, step)
			} else if _, err := x.Run(limited(t), step, nil); err != nil {
				t.Fatal(err)
			}
			_, err := x.Effects(limited(t))
			wantError(t, err, "changed row_security or session_replication_role or track_counts")
			if err := x.Rollback(limited(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A role that may not read a catalog knows that it was written, by count.
func TestChangesForAnOrdinaryRole(t *testing.T) {
	dsn := database(t, `CREATE ROLE tminus_plain LOGIN CREATEROLE; GRANT ALL ON SCHEMA public TO tminus_plain`)
	dropRole(t, dsn, "tminus_plain")
	exec(t, connect(t, dsn), `GRANT CREATE ON DATABASE `+databaseName(t, dsn)+` TO tminus_plain`)
	plain := asUser(t, dsn, "tminus_plain")
	conn := connect(t, plain)
	exec(t, conn, changed)
	target := open(t, plain, book("byrow"))
	for sql, want := range map[string][]string{
		`TRUNCATE child; DROP POLICY mine ON other`: {"child: table child" + file, "other: policy mine on table other was dropped"},
		`PERFORM lo_put(4711, 0, 'abc')`:            {": the content of large objects was altered (1 inserted, 0 updated, 0 deleted of pg_largeobject)"},
	} {
		acting(t, conn, sql)
		if got := changesOf(t, target, runbook.Step{Delete: "byrow"}); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
	acting(t, conn, `CREATE ROLE tminus_fresh`)
	if got := strings.Join(changesOf(t, target, runbook.Step{Delete: "byrow"}), "\n"); !strings.Contains(got, "system catalog pg_authid was altered (1 inserted") {
		t.Errorf("got %q", got)
	}
}
