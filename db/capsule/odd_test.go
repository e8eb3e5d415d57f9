package capsule_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/backup"
	"tminus/db/capsule"
	"tminus/db/sandbox"
)

// oddSchema has names that have to be quoted, and all that COPY treats apart.
const oddSchema = `
CREATE SCHEMA "Odd ""schema'";
CREATE TABLE "Odd ""schema'"."Per sons (x), y" (
	"Id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	"sel""ect" text, "twice" text GENERATED ALWAYS AS ("sel""ect" || 'x') STORED, raw bytea, "t)ab, " jsonb, "dot.dot" xml, "Ümlaut" int[],
	mail text UNIQUE);
CREATE TABLE "Odd ""schema'".visits (id int PRIMARY KEY, person bigint REFERENCES "Odd ""schema'"."Per sons (x), y" ON DELETE CASCADE, note text);
CREATE TABLE "Odd ""schema'".pets (id int PRIMARY KEY, person bigint REFERENCES "Odd ""schema'"."Per sons (x), y" ON DELETE SET NULL, n numeric, p point);
CREATE TABLE "Odd ""schema'".empty (id int PRIMARY KEY);
CREATE TABLE "Odd ""schema'".log (what text, n int);
CREATE TABLE "Odd ""schema'".none ();
CREATE FUNCTION "Odd ""schema'".noted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO "Odd ""schema'".log VALUES (TG_OP, 1); RETURN NULL; END $$;
CREATE TRIGGER noted AFTER INSERT OR DELETE ON "Odd ""schema'"."Per sons (x), y" FOR EACH ROW EXECUTE FUNCTION "Odd ""schema'".noted();
INSERT INTO "Odd ""schema'"."Per sons (x), y" ("sel""ect", raw, "t)ab, ", "dot.dot", "Ümlaut", mail) VALUES
	(E'tab\there\nline\\N \\. \\', '\x00ff5c', '{"a": null}', '<a>b</a>', '{1,NULL}', 'a@x'),
	(NULL, NULL, 'null', NULL, NULL, 'b@x'), ('\N', '', '"\\"', 'x', '{}', NULL), (E'\\.', '\x5c2e', '1', NULL, NULL, 'kept@x');
INSERT INTO "Odd ""schema'".visits VALUES (1, 1, 'é'), (2, 1, NULL), (3, 2, ''), (4, 4, 'kept');
INSERT INTO "Odd ""schema'".pets VALUES (1, 1, 1.50, '(1,2)'), (2, 2, NULL, NULL), (3, 4, 7, NULL);
INSERT INTO "Odd ""schema'".none SELECT FROM generate_series(1, 3);
`

const odd = `Odd "schema'`

// oddTables are in an order that foreign keys allow.
func oddTables() []capsule.Table {
	return []capsule.Table{
		table(odd, "Per sons (x), y", true, "Id", `sel"ect`, "raw", "t)ab, ", "dot.dot", "Ümlaut", "mail"),
		table(odd, "visits", true, "id", "person", "note"),
		table(odd, "pets", true, "id", "person", "n", "p"),
		table(odd, "empty", true, "id"),
		table(odd, "log", false, "what", "n"),
	}
}

const oddPhase = `DELETE FROM "Odd ""schema'"."Per sons (x), y" WHERE "Id" < 4`

// oddly makes the database, and clears it.
func oddly(t *testing.T, recipients ...string) (s *sandbox.Server, c *pgx.Conn, dsn, dir string, before map[string][]string) {
	t.Helper()
	s = sandbox.ForTest(t)
	dsn = s.NewDatabase(t)
	c = connect(t, dsn)
	do(t, c, oddSchema)
	dir, before = phase(t, c, blank(), oddTables(), oddPhase, recipients...)
	if err := mustVerify(t, dir); err != nil && len(recipients) == 0 {
		t.Fatal(err)
	}
	return s, c, dsn, dir, before
}

func mustVerify(t *testing.T, dir string) error {
	t.Helper()
	return open(t, dir).Verify(t.Context(), nil)
}

func TestPgRestoreBringsBackWhatIsGone(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]string{
		"data only":         {"--data-only"},
		"one transaction":   {"--data-only", "-1"},
		"triggers disabled": {"--data-only", "-1", "--disable-triggers"},
		"jobs":              {"--data-only", "-j2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, dsn, dir, before := oddly(t)
			restore := client(t, s, "pg_restore")
			if out, err := call(t, dir, restore, append(options, "-e", "-d", dsn, dir)...); err != nil || out != "" {
				t.Fatalf("pg_restore: %v: %s", err, out)
			}
			got := held(t, c, oddTables())
			// What was changed and added is not pg_restore's.
			for _, other := range []string{"pets", "log"} {
				delete(before, other)
			}
			equal(t, got, before)
			if logged := len(got["log"]); (logged == 7) != strings.HasPrefix(name, "triggers") {
				t.Errorf("%d lines of the trigger's", logged)
			}
		})
	}
}

func TestPgRestoreListsIt(t *testing.T) {
	t.Parallel()
	s, _, _, dir, _ := oddly(t)
	at := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(at, "dump")); err != nil {
		t.Fatal(err)
	}
	list, err := backup.List(t.Context(), backup.Program{Path: client(t, s, "pg_restore")}, at)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list.Entries {
		got = append(got, strings.TrimSpace(e.Rest))
	}
	want := []string{`TABLE DATA Odd "schema' Per sons (x), y`, `TABLE DATA Odd "schema' visits`}
	if fmt.Sprint(got) != fmt.Sprint(want) || list.Database != "gym" || list.Server != "15.18" {
		t.Errorf("%q of %s on %s, want %q", got, list.Database, list.Server, want)
	}
}

func TestTheScriptPutsAllOfItBack(t *testing.T) {
	t.Parallel()
	s, c, dsn, dir, before := oddly(t)
	putBack(t, s, dir, dsn)
	equal(t, held(t, c, oddTables()), before)
	// Once is enough.
	if out, err := call(t, dir, client(t, s, "psql"), "-X", "-q", "-d", dsn, "-f", "put-back.sql"); err == nil {
		t.Errorf("twice: %s", out)
	}
	equal(t, held(t, c, oddTables()), before)
}

func putBack(t *testing.T, s *sandbox.Server, dir, dsn string) {
	t.Helper()
	if path, err := exec.LookPath("sha256sum"); err == nil {
		if out, err := call(t, dir, path, "-c", "--strict", "--quiet", "SHA256SUMS"); err != nil {
			t.Errorf("sha256sum: %s", out)
		}
	}
	out, err := call(t, dir, client(t, s, "psql"), "-X", "-d", dsn, "-f", "put-back.sql")
	if err != nil || strings.TrimSpace(out) != "All of it is put back." {
		t.Fatalf("psql: %v: %s", err, out)
	}
}

// Names may hold what ends a command of psql's and begins another.
func TestANameIsNoCommand(t *testing.T) {
	t.Parallel()
	s := sandbox.ForTest(t)
	dsn := s.NewDatabase(t)
	c := connect(t, dsn)
	name := "x\n\\! touch touched\n--"
	do(t, c, "CREATE TABLE "+quote(name)+" ("+quote(name)+" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n text); INSERT INTO "+quote(name)+" (n) VALUES ('a'), ('b'), ('c')")
	tables := []capsule.Table{table("public", name, true, name, "n")}
	dir, before := phase(t, c, blank(), tables, "DELETE FROM "+quote(name)+" WHERE n < 'b'; UPDATE "+quote(name)+" SET n = 'z' WHERE n = 'b'; INSERT INTO "+quote(name)+" (n) VALUES ('new')")
	putBack(t, s, dir, dsn)
	equal(t, held(t, c, tables), before)
	if _, err := os.Lstat(filepath.Join(dir, "touched")); err == nil {
		t.Error("a name was run")
	}
}

// What comes in between makes the script fail, and nothing of it happens.
func TestTheScriptFailsWhereAnythingIsInTheWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ meanwhile, says string }{
		"changed row":   {`UPDATE "Odd ""schema'".pets SET n = 9 WHERE id = 1`, `1 of 2 changed rows are no longer as the phase left them`},
		"gone row":      {`DELETE FROM "Odd ""schema'".pets WHERE id = 2`, `1 of 2 changed rows are no longer as the phase left them`},
		"key taken":     {`INSERT INTO "Odd ""schema'"."Per sons (x), y" (mail) VALUES ('a@x')`, `duplicate key value`},
		"added changed": {`UPDATE "Odd ""schema'".log SET n = 2 WHERE ctid = (SELECT min(ctid) FROM "Odd ""schema'".log WHERE what = 'DELETE')`, `1 of 3 inserted rows are no longer as the phase left them`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, conn, dsn, dir, _ := oddly(t)
			do(t, conn, c.meanwhile)
			now := held(t, conn, oddTables())
			out, err := call(t, dir, client(t, s, "psql"), "-X", "-d", dsn, "-f", "put-back.sql")
			if err == nil || !strings.Contains(out, c.says) {
				t.Errorf("%v: %s, want %s", err, out, c.says)
			}
			equal(t, held(t, conn, oddTables()), now)
		})
	}
}
