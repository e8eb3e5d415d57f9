package capsule_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/capsule"
	"tminus/db/sandbox"
)

// script is a database, what a phase did to it, and what others did since.
type script struct {
	schema, phase, meanwhile string
	tables                   []capsule.Table
	role                     string // that puts it back; empty: a superuser
	says                     string // of the failure; empty: it is put back
}

func (c script) run(t *testing.T) {
	t.Parallel()
	s := sandbox.ForTest(t)
	dsn := s.NewDatabase(t)
	conn := connect(t, dsn)
	do(t, conn, c.schema)
	dir, want := phase(t, conn, blank(), c.tables, c.phase)
	if c.meanwhile != "" {
		do(t, conn, c.meanwhile)
	}
	now := held(t, conn, c.tables)
	args := []string{"-X", "-d", dsn}
	if c.role != "" {
		do(t, conn, "GRANT ALL ON ALL TABLES IN SCHEMA public TO "+c.role)
		args = append(args, "-c", "SET ROLE "+c.role)
	}
	out, err := call(t, dir, client(t, s, "psql"), append(args, "-f", "put-back.sql")...)
	if c.says == "" {
		if err != nil {
			t.Errorf("%v: %s", err, out)
		}
		equal(t, held(t, conn, c.tables), want)
		return
	}
	if err == nil || !strings.Contains(out, c.says) {
		t.Errorf("%v: %s, want %s", err, out, c.says)
	}
	equal(t, held(t, conn, c.tables), now)
}

const family = `
CREATE TABLE parents (id int PRIMARY KEY, n int UNIQUE);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE SET NULL, note text);
INSERT INTO parents VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO children VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c');
`

func familyTables() []capsule.Table {
	return []capsule.Table{table("public", "parents", true, "id", "n"), table("public", "children", true, "id", "parent", "note")}
}

func TestTheScript(t *testing.T) {
	t.Parallel()
	// Roles are of the whole server, and of this test alone.
	do(t, connect(t, sandbox.ForTest(t).NewDatabase(t)), "CREATE ROLE capsule_plain")
	for name, c := range map[string]script{
		"values moved on to kept rows": {
			schema: family, tables: familyTables(),
			phase: `DELETE FROM parents WHERE id = 2; UPDATE parents SET n = 2 WHERE id = 1; INSERT INTO parents VALUES (9, 1)`,
		},
		"a parent gone since": {
			schema: family, tables: familyTables()[1:],
			phase: `DELETE FROM children WHERE parent = 2`, meanwhile: `DELETE FROM parents WHERE id = 2`,
			says: "children: 1 rows would refer to none in public.parents (foreign key children_parent_fkey)",
		},
		"a child of an inserted row": {
			schema: family, tables: familyTables()[:1],
			phase: `INSERT INTO parents VALUES (9, 9)`, meanwhile: `INSERT INTO children VALUES (9, 9, 'theirs')`,
			says: "children: 1 rows would refer to none in public.parents",
		},
		"without triggers' leave": {
			schema: family, tables: familyTables(), role: "capsule_plain",
			phase: `DELETE FROM parents WHERE id < 3`,
		},
		"rows of others in reach": {
			schema: family, tables: familyTables(), role: "capsule_plain",
			phase: `INSERT INTO children VALUES (9, 1, '')`, says: "taking them out could cascade to rows of others",
		},
		"partitions": {
			schema: `CREATE TABLE p (id int PRIMARY KEY, parent int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
				CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20); CREATE TABLE q (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);
				ALTER TABLE p ADD FOREIGN KEY (parent) REFERENCES p; INSERT INTO p VALUES (1, 1), (11, 1), (12, 11), (13, NULL); INSERT INTO q VALUES (1, 11), (2, 13)`,
			tables: []capsule.Table{table("public", "p1", true, "id", "parent"), table("public", "p2", true, "id", "parent"), table("public", "q", true, "id", "p")},
			phase:  `DELETE FROM p WHERE id IN (11, 12); UPDATE p SET parent = 1 WHERE id = 13`,
		},
		"an orphan among partitions": {
			schema: `CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
				CREATE TABLE q (id int PRIMARY KEY, p int REFERENCES p); INSERT INTO p VALUES (1), (2); INSERT INTO q VALUES (1, 1), (2, 2)`,
			tables: []capsule.Table{table("public", "q", true, "id", "p")},
			phase:  `DELETE FROM q WHERE id = 1`, meanwhile: `DELETE FROM p WHERE id = 1`, says: "q: 1 rows would refer to none in public.p ",
		},
		"heirs": {
			schema: `CREATE TABLE above (id int PRIMARY KEY, n int); CREATE TABLE below (PRIMARY KEY (id)) INHERITS (above);
				INSERT INTO above VALUES (1, 1), (2, 2); INSERT INTO below VALUES (1, 10), (3, 30)`,
			tables: []capsule.Table{table("public", "above", true, "id", "n"), table("public", "below", true, "id", "n")},
			phase:  `DELETE FROM ONLY above WHERE id = 1; UPDATE below SET n = 11 WHERE id = 1; DELETE FROM below WHERE id = 3`,
		},
		"rows that are the same": {
			schema: `CREATE TABLE bag (x text, y json); INSERT INTO bag SELECT 'a', '{"k": 1}' FROM generate_series(1, 3); INSERT INTO bag VALUES (NULL, NULL), ('b', '[]')`,
			tables: []capsule.Table{table("public", "bag", false, "x", "y")},
			phase:  `INSERT INTO bag VALUES ('a', '{"k": 1}'), ('a', '{"k": 1}'), (NULL, NULL); DELETE FROM bag WHERE x = 'b'`,
		},
		"a table without columns": {
			schema: `CREATE TABLE void (); INSERT INTO void SELECT FROM generate_series(1, 3)`,
			tables: []capsule.Table{table("public", "void", false)},
			phase:  `DELETE FROM void WHERE ctid = (SELECT min(ctid) FROM void)`,
		},
		"a type of an extension's own": {
			schema: `CREATE EXTENSION citext; CREATE TABLE c (k citext PRIMARY KEY, v int); INSERT INTO c VALUES ('Aa', 1), ('b', 2)`,
			tables: []capsule.Table{table("public", "c", true, "k", "v")},
			phase:  `UPDATE c SET v = 9 WHERE k = 'aa'; DELETE FROM c WHERE k = 'B'; INSERT INTO c VALUES ('new', 1)`,
		},
	} {
		t.Run(name, c.run)
	}
}

// What a phase left to a column that is always an identity stays with it.
func TestTheScriptKeepsIdentities(t *testing.T) {
	t.Parallel()
	c := script{
		schema: `CREATE TABLE i (id int PRIMARY KEY, no bigint GENERATED ALWAYS AS IDENTITY, v text, w text GENERATED ALWAYS AS (v || '!') STORED);
			INSERT INTO i (id, v) VALUES (1, 'a'), (2, 'b'), (3, 'c')`,
		tables: []capsule.Table{table("public", "i", true, "id", "no", "v")},
		phase:  `UPDATE i SET v = NULL WHERE id = 1; DELETE FROM i WHERE id = 2`,
	}
	t.Run("all", c.run)
}

// latin1 are the rows as the client gets them.
func latin1(t *testing.T, c *pgx.Conn) string {
	t.Helper()
	var out strings.Builder
	if _, err := c.PgConn().CopyTo(t.Context(), &out, "COPY \"\xc4rger\" TO STDOUT"); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Rows in a database of another encoding come back as they were, by both ways.
func TestAnotherEncoding(t *testing.T) {
	t.Parallel()
	s := sandbox.ForTest(t)
	conn := connect(t, s.NewDatabase(t))
	do(t, conn, `CREATE DATABASE capsule_latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`)
	for _, way := range []string{"psql", "pg_restore"} {
		c := connect(t, s.DSN("capsule_latin1"))
		do(t, c, "SET client_encoding = UTF8")
		do(t, c, `DROP TABLE IF EXISTS "Ärger"; CREATE TABLE "Ärger" ("ö" int PRIMARY KEY, v text); INSERT INTO "Ärger" VALUES (1, 'ä'), (2, 'é')`)
		tables := []capsule.Table{table("public", "Ärger", true, "ö", "v")}
		do(t, c, "SET client_encoding = LATIN1")
		before := latin1(t, c)
		do(t, c, `DELETE FROM "`+"\xc4"+`rger"`)
		m := blank()
		m.Encoding = "LATIN1"
		dir, _ := write(t, m, tables, []texts{{capsule.Gone: before}})
		program, args := client(t, s, way), []string{"-X", "-d", s.DSN("capsule_latin1"), "-f", "put-back.sql"}
		if way == "pg_restore" {
			args = []string{"--data-only", "-1", "-e", "-d", s.DSN("capsule_latin1"), dir}
		}
		if out, err := call(t, dir, program, args...); err != nil {
			t.Errorf("%s: %v: %s", way, err, out)
		}
		if got := latin1(t, c); got != before || !strings.Contains(got, "\xe4") {
			t.Errorf("%s: %q, want %q", way, got, before)
		}
	}
}
