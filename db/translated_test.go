package db

import (
	"strings"
	"testing"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/runbook"
)

// translated gives the DSN of a database with this in it, as a role that owns all of
// it and is told everything in German.
func translated(t *testing.T, sql string) string {
	t.Helper()
	dsn := sandbox.TranslatedForTest(t).NewDatabase(t)
	role := databaseName(t, dsn) + "_owner"
	admin := connect(t, dsn)
	exec(t, admin, `CREATE ROLE `+role+` LOGIN; GRANT ALL ON SCHEMA public TO `+role+`; GRANT CREATE ON DATABASE `+databaseName(t, dsn)+` TO `+role)
	dropRole(t, dsn, role)
	dsn = asUser(t, dsn, role)
	exec(t, connect(t, dsn), sql)
	return dsn
}

// No rows are lost where the server calls a table by another word.
func TestKeepRefusesATruncateInAnyLanguage(t *testing.T) {
	t.Parallel()
	dsn := translated(t, `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE FUNCTION empties() RETURNS int LANGUAGE sql AS 'TRUNCATE t; SELECT 1';
		CREATE TABLE u (id int); INSERT INTO u VALUES (1)`)
	for _, sql := range []string{`SELECT empties()`, `DROP TABLE u`} {
		k := beginKeeping(t, dsn, runbook.Step{SQL: sql, Touch: []string{"t"}})
		k.run(t)
		kept, err := k.keep(t)
		wantError(t, err, "cannot be read any more as they were")
		if err == nil {
			t.Errorf("%s: kept %+v", sql, kept)
		}
		if err := k.x.Rollback(limited(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// What is no table's rows is named as not in the capsule, in any language.
func TestKeepPassesOverWhatHasNoRowsInAnyLanguage(t *testing.T) {
	t.Parallel()
	dsn := translated(t, `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t; CREATE TABLE u (id int PRIMARY KEY)`)
	k := beginKeeping(t, dsn, runbook.Step{Delete: "t"}, runbook.Step{SQL: `REFRESH MATERIALIZED VIEW m`}, runbook.Step{SQL: `REINDEX INDEX u_pkey`})
	k.run(t)
	kept, err := k.keep(t)
	if err != nil || len(kept.Beside) != 2 || kept.Gone != 1 {
		t.Errorf("%+v, %v", kept, err)
	}
}

// Changes are told apart by what no server translates.
func TestChangesAreIdentifiedInAnyLanguage(t *testing.T) {
	t.Parallel()
	dsn := translated(t, `CREATE TABLE "Odd ""one" (id int PRIMARY KEY); CREATE TABLE child (id int CONSTRAINT "my key" REFERENCES "Odd ""one"); CREATE INDEX gone ON child (id)`)
	x := begin(t, open(t, dsn, book("child")))
	for _, sql := range []string{`ALTER TABLE child DROP CONSTRAINT "my key"`, `DROP INDEX gone`, `CREATE INDEX "Made it" ON child (id)`, `ALTER TABLE "Odd ""one" ADD more int`} {
		if _, err := x.Run(limited(t), runbook.Step{SQL: sql}, nil); err != nil {
			t.Fatal(err)
		}
	}
	did, err := x.Effects(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	german := false
	for _, c := range did.Changes {
		got = append(got, strings.Join([]string{c.Type, c.Identity, string(c.Kind)}, ", "))
		german = german || strings.HasPrefix(c.Object, "Spalte ")
		if c.IsConstraint("my key") != (c.Type == phases.TypeConstraint) || c.IsIndex("Made it") != (c.Identity == `public."Made it"`) || c.IsIndex("gone") != (c.Identity == "public.gone") {
			t.Errorf("%+v is called otherwise", c)
		}
	}
	want := []string{`index, public.gone, dropped`, `index, public."Made it", created`, `table constraint, "my key" on public.child, dropped`, `table column, public."Odd ""one".more, created`}
	if !german || strings.Join(sorted(got), "\n") != strings.Join(sorted(want), "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
