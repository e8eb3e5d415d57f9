package db

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/phases/runbook"
)

// What other sessions do meanwhile is theirs: by an older transaction and by a
// younger one, committed before the look or not at all.
func TestChangesAreTheTransactionsOwn(t *testing.T) {
	dsn := database(t, changed+`CREATE TABLE theirs_1 (id int, n int); CREATE TABLE theirs_2 (id int, n int); CREATE TABLE theirs_3 (id int, n int);
		CREATE INDEX theirs_index ON theirs_2 (n); INSERT INTO theirs_3 VALUES (1); COMMENT ON TABLE theirs_1 IS 'x'; COMMENT ON TABLE theirs_2 IS 'x'`)
	target := open(t, dsn, book("byrow"))
	mine := connect(t, dsn)
	older, younger, still := connect(t, dsn), connect(t, dsn), connect(t, dsn)
	ddl := func(table string) string {
		return `COMMENT ON TABLE ` + table + ` IS NULL; ALTER TABLE ` + table + ` DROP COLUMN n; ALTER TABLE ` + table + ` ADD m text DEFAULT 'x';
			CREATE TABLE made_by_` + table + ` (id serial PRIMARY KEY); GRANT SELECT ON ` + table + ` TO PUBLIC; TRUNCATE ` + table
	}
	acting(t, mine, `TRUNCATE child; COMMENT ON TABLE other IS NULL; ALTER TABLE other ADD c int; CREATE TABLE fresh (id int); DROP POLICY mine ON other`)
	want := []string{
		"child: table child" + file, "fresh: table fresh was created", "other: column c of table other was created",
		"other: policy mine on table other was dropped", "other: table other was altered (its comment)",
	}
	for _, late := range []bool{false, true} { // whether they commit after the transaction's own doing
		exec(t, older, `BEGIN; SELECT pg_current_xact_id()`)
		x := begin(t, target)
		exec(t, younger, `BEGIN; SELECT pg_current_xact_id()`)
		commit := func() {
			table := map[bool]string{false: "theirs_1", true: "theirs_2"}[late]
			exec(t, older, ddl(table)+`; COMMIT`)
			exec(t, younger, `DROP TABLE made_by_`+table+`; ALTER TABLE `+table+` RENAME m TO k; COMMIT`)
			exec(t, younger, `VACUUM ANALYZE audit`)
			exec(t, younger, `VACUUM pg_catalog.pg_attribute`)
		}
		if !late {
			commit()
		}
		remove(t, x, runbook.Step{Delete: "byrow"})
		if late {
			commit()
		}
		exec(t, still, `BEGIN; `+ddl("theirs_3")+`; DROP TABLE theirs_3`)
		if got := words(t, x); !slices.Equal(got, want) {
			t.Errorf("late %v: got\n%s\nwant\n%s", late, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		exec(t, still, `ROLLBACK`)
		if err := x.Rollback(limited(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// However their commits fall between the looks of one look.
func TestChangesHoldWhileOthersWork(t *testing.T) {
	dsn := database(t, changed)
	target := open(t, dsn, book("byrow"))
	acting(t, connect(t, dsn), `TRUNCATE child; COMMENT ON TABLE other IS NULL; CREATE TABLE fresh (id int)`)
	want := []string{"child: table child" + file, "fresh: table fresh was created", "other: table other was altered (its comment)"}
	others := connect(t, dsn)
	ctx, cancel := context.WithCancel(limited(t))
	ended := make(chan error)
	go func() { // ends with ctx
		for ctx.Err() == nil {
			for _, sql := range []string{`CREATE TABLE theirs (id serial PRIMARY KEY, n int)`, `COMMENT ON TABLE theirs IS 'x'`, `ALTER TABLE theirs ADD m int`, `DROP TABLE theirs`} {
				if _, err := others.Exec(limited(t), sql); err != nil {
					ended <- err
					return
				}
			}
		}
		ended <- nil
	}()
	x := begin(t, target)
	remove(t, x, runbook.Step{Delete: "byrow"})
	for range 40 {
		if got := words(t, x); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Nobody counts the rows of a foreign table here.
func TestChangesTellOfForeignTables(t *testing.T) {
	dsn := database(t, changed)
	conn := connect(t, dsn)
	if _, err := conn.Exec(limited(t), `CREATE EXTENSION postgres_fdw`); err != nil {
		t.Skipf("this server has no postgres_fdw that works: %v", err)
	}
	exec(t, conn, `CREATE TABLE remote (id int)`)
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, conn, `CREATE SERVER self FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '`+config.Host+`', port '`+query[string](t, conn, `SHOW port`)+`', dbname '`+databaseName(t, dsn)+`');
		CREATE USER MAPPING FOR CURRENT_USER SERVER self OPTIONS (user '`+config.User+`');
		CREATE FOREIGN TABLE abroad (id int) SERVER self OPTIONS (table_name 'remote')`)
	target := open(t, dsn, book("byrow"))
	for sql, want := range map[string][]string{
		`INSERT INTO abroad VALUES (1)`:    {"abroad: foreign table abroad was opened for writing, and nobody counts its rows"},
		`DELETE FROM abroad`:               {"abroad: foreign table abroad was opened for writing, and nobody counts its rows"},
		`PERFORM count(*) FROM abroad`:     nil,
		`DROP FOREIGN TABLE abroad`:        {"abroad: foreign table abroad was dropped"},
		`ALTER SERVER self VERSION 'next'`: {": server self was altered (srvversion)"},
	} {
		acting(t, conn, sql)
		if got := changesOf(t, target, runbook.Step{Delete: "byrow"}); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
}

// What the program asks means PostgreSQL's own catalogs, whatever search path a
// trigger left. The runbook's next statement finds it as it was left.
func TestChangesAreSeenWhateverTheSearchPath(t *testing.T) {
	dsn := database(t, changed+`CREATE SCHEMA veil; CREATE VIEW veil.pg_class AS SELECT * FROM pg_catalog.pg_class WHERE relname NOT LIKE 'other%' AND relname <> 'audit';
		CREATE VIEW veil.pg_locks AS SELECT * FROM pg_catalog.pg_locks WHERE false; CREATE VIEW veil.only_here AS SELECT 1;
		CREATE FUNCTION veiled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO public.audit (what) VALUES ('x'); TRUNCATE public.other CASCADE;
			PERFORM set_config('search_path', 'veil, pg_catalog, public', true); RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER late AFTER DELETE ON byrule DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION veiled();
		CREATE TRIGGER at_once AFTER DELETE ON bystatement EXECUTE FUNCTION veiled()`)
	target := open(t, dsn, book("byrule", "bystatement"))
	for _, table := range []string{"bystatement", "byrule"} {
		x := begin(t, target)
		remove(t, x, runbook.Step{Delete: table})
		if err := x.SettleConstraints(limited(t)); err != nil {
			t.Fatal(err)
		}
		if n, err := countOf(limited(t), x, table, `EXISTS (SELECT FROM pg_class WHERE relname = 'other')`); n != 0 || err != nil {
			t.Errorf("%s: %d rows are left, %v", table, n, err)
		}
		got := words(t, x)
		if !slices.Contains(got, "other: table other"+file) || touchedBy(t, x)["audit"].Inserted != 1 {
			t.Errorf("%s: %q, %v", table, got, touchedBy(t, x))
		}
		var path string
		if err := x.(*tx).s.QueryRow(limited(t), `SHOW search_path`).Scan(&path); err != nil || path != x.(*tx).s.searchPath(target.book) {
			t.Errorf("%s: the program asks with the search path %s, %v", table, path, err)
		}
		if _, err := x.Run(limited(t), runbook.Step{SQL: `SELECT * FROM only_here`}, nil); err != nil {
			t.Errorf("%s: the next statement: %v", table, err)
		}
		if err := x.Rollback(limited(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// A trigger that finds its functions and types by the role's own search path
// works as it does in psql.
func TestTriggersHaveTheRolesSearchPath(t *testing.T) {
	dsn := database(t, `CREATE ROLE finder LOGIN SUPERUSER; CREATE SCHEMA util; CREATE TYPE util.mark AS ENUM ('gone');
		CREATE FUNCTION util.mark_of(int) RETURNS util.mark LANGUAGE sql AS $$ SELECT 'gone'::util.mark $$;
		CREATE SCHEMA shop; CREATE TABLE shop.t (id int); INSERT INTO shop.t VALUES (1), (2);
		CREATE FUNCTION shop.marks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN mark_of(OLD.id) = 'gone'::mark THEN OLD END; END $$;
		CREATE TRIGGER marks BEFORE DELETE ON shop.t FOR EACH ROW EXECUTE FUNCTION shop.marks()`)
	dropRole(t, dsn, "finder")
	exec(t, connect(t, dsn), `ALTER ROLE finder IN DATABASE `+databaseName(t, dsn)+` SET search_path = "$user", util`)
	target := open(t, asUser(t, dsn, "finder"), book("shop.t"))
	x := begin(t, target)
	if n, _ := remove(t, x, runbook.Step{Delete: "shop.t"}); n != 2 {
		t.Errorf("deleted %d", n)
	}
}
