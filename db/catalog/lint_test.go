package catalog_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/catalog"
	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

func TestMain(m *testing.M) { os.Exit(sandbox.Main(m)) }

func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	return connectTo(t, sandbox.ForTest(t).NewDatabase(t))
}

// connectTwo connects twice to one database.
func connectTwo(t *testing.T) (one, other *pgx.Conn) {
	t.Helper()
	dsn := sandbox.ForTest(t).NewDatabase(t)
	return connectTo(t, dsn), connectTo(t, dsn)
}

func connectTo(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// with gives the snapshot of a database that holds what sql makes, and takes
// that away again.
func with(t *testing.T, conn *pgx.Conn, sql string) *schema.Schema {
	t.Helper()
	return asked(t, conn, nil, sql)
}

// asked is with, and asks for what the runbook's findings rest on.
func asked(t *testing.T, conn *pgx.Conn, book *runbook.Runbook, sql string) *schema.Schema {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return read(t, tx, book)
}

// read reads as lint does.
func read(t testing.TB, tx pgx.Tx, book *runbook.Runbook) *schema.Schema {
	t.Helper()
	s, err := catalog.Read(t.Context(), tx, "")
	if err == nil && book != nil {
		err = catalog.ReadUnused(t.Context(), tx, s, lint.New(book, s).Doubtful())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(t testing.TB, source string) *runbook.Runbook {
	t.Helper()
	book, err := runbook.Parse("t.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// found are the findings by code and table, without what the server of the
// tests is like.
func found(of []phases.Finding) []string {
	var out []string
	for _, f := range of {
		if !strings.HasPrefix(f.Code, "server-") {
			out = append(out, f.Code+" "+f.Table)
		}
	}
	return out
}

const base = `CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 9);
`

// late is a schema where a row of c is still there when the key that it refers to
// b by is asked.
const late = `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a ON DELETE CASCADE);
CREATE TABLE d (id int PRIMARY KEY, a int NOT NULL REFERENCES a ON DELETE CASCADE);
CREATE TABLE c (id int PRIMARY KEY, d int NOT NULL REFERENCES d ON DELETE CASCADE, b int REFERENCES b);
CREATE INDEX ON b (a); CREATE INDEX ON d (a); CREATE INDEX ON c (d); CREATE INDEX ON c (b);
INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1); INSERT INTO d VALUES (1, 1);
`

func deletes(tables ...string) string {
	return "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [" + strings.Join(tables, ", ") + "]}]\n"
}

// trap is what sql makes, and what a runbook's deletes meet there.
type trap struct {
	sql, book string
	want      []string // code and table
}

func check(t *testing.T, conn *pgx.Conn, traps map[string]trap) {
	t.Helper()
	for name, c := range traps {
		t.Run(name, func(t *testing.T) {
			book := parse(t, "tminus: 1\ntitle: T\n"+c.book)
			v := lint.New(book, asked(t, conn, book, c.sql))
			got := found(v.Findings())
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q: %+v", got, c.want, v.Findings())
			}
		})
	}
}

// nullified runs statements on a table before parent is deleted.
func nullified(table string, sql ...string) string {
	out := "phases:\n  - id: one\n    title: One\n    risk: high\n    planned: 1m\n    steps:\n"
	for _, s := range sql {
		out += fmt.Sprintf("      - {sql: '%s', touch: [%s], rows: any}\n", s, table)
	}
	return out + "      - delete: parent\n"
}

func TestFindings(t *testing.T) {
	conn := connect(t)
	const child = `CREATE TABLE child (id int PRIMARY KEY, parent int %s REFERENCES parent %s); CREATE INDEX ON child (parent); INSERT INTO child SELECT i, i FROM generate_series(1, 9) i;`
	const truncates = `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER fires BEFORE TRUNCATE ON parent FOR EACH STATEMENT EXECUTE FUNCTION f()`
	check(t, conn, map[string]trap{
		"nothing":                                {base, deletes("parent"), nil},
		"a key that refuses":                     {base + fmt.Sprintf(child, "", ""), deletes("parent"), []string{"key-refuses parent"}},
		"a key of an empty table":                {base + fmt.Sprintf(child, "", "") + "TRUNCATE child", deletes("parent"), nil},
		"emptied before":                         {base + fmt.Sprintf(child, "", ""), deletes("child", "parent"), nil},
		"emptied later":                          {base + fmt.Sprintf(child, "", ""), deletes("parent", "child"), []string{"key-order parent"}},
		"emptied later, deferred":                {base + fmt.Sprintf(child, "", "INITIALLY DEFERRED"), deletes("parent", "child"), nil},
		"emptied later, only deferrable":         {base + fmt.Sprintf(child, "", "DEFERRABLE"), deletes("parent", "child"), []string{"key-order parent"}},
		"emptied later by another phase":         {base + fmt.Sprintf(child, "", "INITIALLY DEFERRED"), "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent]}, {id: two, title: Two, risk: high, planned: 1m, delete: [child]}]\n", []string{"key-order parent"}},
		"a cascade into the unnamed":             {base + fmt.Sprintf(child, "", "ON DELETE CASCADE"), deletes("parent"), []string{"reached-unnamed parent"}},
		"a cascade into what is counted":         {base + fmt.Sprintf(child, "", "ON DELETE CASCADE"), "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child]}]\n", nil},
		"a cascade into the protected":           {base + fmt.Sprintf(child, "", "ON DELETE CASCADE"), "protected: [child]\n" + deletes("parent"), []string{"protected-reached child"}},
		"the protected refuses":                  {base + fmt.Sprintf(child, "", ""), "protected: [child]\n" + deletes("parent"), []string{"key-protects parent"}},
		"the protected set to null":              {base + fmt.Sprintf(child, "", "ON DELETE SET NULL"), "protected: [child]\n" + deletes("parent"), []string{"protected-changed child"}},
		"set to null, unnamed":                   {base + fmt.Sprintf(child, "", "ON DELETE SET NULL"), deletes("parent"), []string{"reached-unnamed parent"}},
		"set to null, two of them":               {base + fmt.Sprintf(child, "", "ON DELETE SET NULL") + "CREATE TABLE other (parent int REFERENCES parent ON DELETE SET NULL); CREATE INDEX ON other (parent)", deletes("parent"), []string{"reached-unnamed parent"}},
		"two keys of a table that refuse":        {base + fmt.Sprintf(child, "", "") + "ALTER TABLE child ADD other int REFERENCES parent; CREATE INDEX ON child (other)", deletes("parent"), []string{"key-refuses parent", "key-unused parent"}},
		"set to null, not null":                  {base + fmt.Sprintf(child, "NOT NULL", "ON DELETE SET NULL"), "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child]}]\n", []string{"null-refused child"}},
		"set to null, emptied before":            {base + fmt.Sprintf(child, "NOT NULL", "ON DELETE SET NULL"), deletes("child", "parent"), nil},
		"set to a default that goes":             {base + fmt.Sprintf(child, "DEFAULT 1", "ON DELETE SET DEFAULT"), "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child]}]\n", []string{"default-refused child"}},
		"set to a default that may stay":         {base + fmt.Sprintf(child, "DEFAULT 1", "ON DELETE SET DEFAULT"), "phases: [{id: one, title: One, risk: high, planned: 1m, count: [child], steps: [{delete: parent, where: id > 1}]}]\n", []string{"default-may-go child"}},
		"set to no default":                      {base + fmt.Sprintf(child, "", "ON DELETE SET DEFAULT"), "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child]}]\n", nil},
		"under a condition":                      {base + fmt.Sprintf(child, "", ""), "phases: [{id: one, title: One, risk: high, planned: 1m, steps: [{delete: parent, where: id > 5}]}]\n", []string{"key-may-refuse parent"}},
		"its references taken away":              {base + fmt.Sprintf(child, "", ""), nullified("child", `UPDATE "public"."child" SET "parent" = NULL WHERE "parent" IS NOT NULL`), nil},
		"its references taken away in part":      {base + fmt.Sprintf(child, "", ""), nullified("child", `UPDATE "public"."child" SET "parent" = NULL WHERE id > 5`), []string{"key-may-refuse parent"}},
		"its references taken away by two keys":  {base + fmt.Sprintf(child, "", "") + "ALTER TABLE child ADD other int REFERENCES parent; CREATE INDEX ON child (other)", nullified("child", `UPDATE "public"."child" SET "parent" = NULL WHERE "parent" IS NOT NULL`, `UPDATE "public"."child" SET "other" = NULL WHERE "other" IS NOT NULL`), nil},
		"a CHECK that says NOT NULL":             {base + fmt.Sprintf(child, "CHECK (parent IS NOT NULL)", "ON DELETE SET NULL"), "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child]}]\n", []string{"null-refused child"}},
		"a domain that is NOT NULL":              {"CREATE DOMAIN must AS int NOT NULL; CREATE TABLE parent (id must PRIMARY KEY); CREATE TABLE child (parent must REFERENCES parent ON DELETE SET NULL); CREATE INDEX ON child (parent); INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)", "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child]}]\n", []string{"null-refused child"}},
		"a CHECK of one or the other":            {base + fmt.Sprintf(child, "CHECK (num_nonnulls(parent) = 1)", "ON DELETE SET NULL"), "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child]}]\n", []string{"change-violates child"}},
		"a CHECK that a NULL passes":             {base + fmt.Sprintf(child, "CHECK (parent > 0 AND parent < id + 5)", "ON DELETE SET NULL"), "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child]}]\n", nil},
		"a CHECK of a step's":                    {base + fmt.Sprintf(child, "CHECK (num_nonnulls(parent) = 1)", ""), nullified("child", `UPDATE "public"."child" SET "parent" = NULL WHERE "parent" IS NOT NULL`), []string{"null-may-refuse child"}},
		"and then touched again":                 {base + fmt.Sprintf(child, "", ""), nullified("child", `UPDATE "public"."child" SET "parent" = NULL WHERE "parent" IS NOT NULL`, `UPDATE child SET parent = 1`), []string{"key-may-refuse parent"}},
		"a reference to itself":                  {"CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree); INSERT INTO tree VALUES (1, NULL), (2, 1); CREATE INDEX ON tree (up)", deletes("tree"), nil},
		"a cycle":                                {"CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1); UPDATE a SET b = 1; CREATE INDEX ON a (b); CREATE INDEX ON b (a)", deletes("a", "b"), []string{"key-cycle a"}},
		"a cycle that cascades one way":          {"CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1); UPDATE a SET b = 1; CREATE INDEX ON a (b); CREATE INDEX ON b (a)", deletes("a", "b"), nil},
		"a cascade that comes too late":          {late + "INSERT INTO c VALUES (1, 1, 1)", "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [a], count: [b, c, d]}]\n", []string{"key-may-refuse b"}},
		"and the same in the order that works":   {late + "INSERT INTO c VALUES (1, 1, 1)", deletes("c", "b", "d", "a"), nil},
		"a cascade that comes in time":           {base + fmt.Sprintf(child, "NOT NULL", "ON DELETE CASCADE") + "CREATE TABLE grand (parent int NOT NULL REFERENCES parent ON DELETE CASCADE, child int REFERENCES child); CREATE INDEX ON grand (parent); CREATE INDEX ON grand (child); INSERT INTO grand VALUES (1, 1)", "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child, grand]}]\n", nil},
		"a cascade that may leave rows":          {base + fmt.Sprintf(child, "NOT NULL", "ON DELETE CASCADE") + "CREATE TABLE grand (parent int REFERENCES parent ON DELETE CASCADE, child int REFERENCES child); CREATE INDEX ON grand (parent); CREATE INDEX ON grand (child); INSERT INTO grand VALUES (NULL, 1)", "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child, grand]}]\n", []string{"key-may-refuse child"}},
		"a reference to itself, in part":         {"CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree); INSERT INTO tree VALUES (1, NULL), (2, 1); CREATE INDEX ON tree (up)", "phases: [{id: one, title: One, risk: high, planned: 1m, steps: [{delete: tree, where: id < 2}]}]\n", []string{"key-may-refuse tree"}},
		"a table that is missing":                {base, deletes("parnet"), []string{"table-missing parnet"}},
		"a view":                                 {base + "CREATE VIEW seen AS SELECT * FROM parent", deletes("seen"), []string{"table-kind seen"}},
		"a materialized view":                    {base + "CREATE MATERIALIZED VIEW seen AS SELECT * FROM parent", deletes("seen"), []string{"table-kind seen"}},
		"the same name elsewhere":                {base + "CREATE SCHEMA other; CREATE TABLE other.parent AS SELECT 1", deletes("parent"), []string{"table-twice parent"}},
		"the same names elsewhere":               {"CREATE SCHEMA other; DO $$ BEGIN FOR i IN 1..5 LOOP EXECUTE format('CREATE TABLE t%s (id int); CREATE TABLE other.t%s AS SELECT 1', i, i); END LOOP; END $$", deletes("t1", "t2", "t3", "t4", "t5"), []string{"table-twice t1"}},
		"a trigger":                              {base + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER fires BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION f()", deletes("parent"), []string{"trigger-fires parent"}},
		"a trigger that is off":                  {base + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER fires BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE parent DISABLE TRIGGER fires", deletes("parent"), nil},
		"a trigger that nobody turns off":        {base + "CREATE SCHEMA s; CREATE TABLE s.child (parent int PRIMARY KEY REFERENCES parent ON DELETE CASCADE); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER fires BEFORE DELETE ON s.child FOR EACH ROW EXECUTE FUNCTION f(); CREATE TRIGGER fires BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION f()", "checklist: [{id: a, title: A, items: [{id: off, text: Off, action: {name: triggers.disable, triggers: [fires]}, check: {database: triggers.disabled, triggers: [fires], through: phases, remedy: Do.}}]}]\nafter: [{id: b, title: B, items: [{id: on, text: On, action: {name: triggers.restore}, check: {database: triggers.restored, remedy: Do.}}]}]\n" + deletes("parent"), []string{"reached-unnamed parent", "trigger-fires s.child"}},
		"a trigger on inserts":                   {base + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER fires BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION f()", deletes("parent"), nil},
		"a table of the ledger's schema":         {base + `CREATE SCHEMA tminus; CREATE TABLE tminus.more (n int)`, deletes("tminus.more"), []string{"table-own tminus.more"}},
		"a part elsewhere":                       {base + `CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE part () INHERITS (parent) SERVER far`, deletes("parent"), []string{"part-foreign parent"}},
		"a trigger on truncation":                {base + truncates, deletes("parent"), nil},
		"a trigger on truncation, truncated":     {base + truncates, "phases: [{id: one, title: One, risk: high, planned: 1m, steps: [{sql: TRUNCATE parent, rows: 0.., touch: [parent]}]}]\n", []string{"trigger-fires parent"}},
		"a rule that keeps":                      {base + "CREATE RULE keeps AS ON DELETE TO parent DO INSTEAD NOTHING", deletes("parent"), []string{"rule-keeps parent"}},
		"a rule that adds":                       {base + "CREATE TABLE log (n int); CREATE RULE adds AS ON DELETE TO parent DO ALSO INSERT INTO log VALUES (1)", deletes("parent"), []string{"rule-fires parent"}},
		"a partition of the protected":           {"CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9)", "protected: [p]\n" + deletes("p1"), []string{"part-of-protected p1"}},
		"a protected partition":                  {"CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9)", "protected: [p1]\n" + deletes("p"), []string{"part-protected p"}},
		"a trigger of partitions, once":          {"CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER fires AFTER DELETE ON p FOR EACH ROW EXECUTE FUNCTION f()", deletes("p"), []string{"trigger-fires p"}},
		"a partition's own trigger":              {"CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER fires AFTER DELETE ON p FOR EACH ROW EXECUTE FUNCTION f()", deletes("p1"), []string{"trigger-fires p1"}},
		"a key without an index, small":          {base + "CREATE TABLE child (parent int REFERENCES parent ON DELETE CASCADE); INSERT INTO child SELECT 1; ANALYZE", deletes("child", "parent"), nil},
		"a key without an index, never analyzed": {"CREATE TABLE parent (id int PRIMARY KEY) WITH (autovacuum_enabled = off); INSERT INTO parent SELECT generate_series(1, 20000); CREATE TABLE child (parent int REFERENCES parent ON DELETE CASCADE) WITH (autovacuum_enabled = off); INSERT INTO child SELECT generate_series(1, 20000)", deletes("child", "parent"), []string{"index-made child"}},
		"a partial index that the key implies":   {"CREATE TABLE parent (id int PRIMARY KEY) WITH (autovacuum_enabled = off); INSERT INTO parent SELECT generate_series(1, 20000); CREATE TABLE child (parent int REFERENCES parent ON DELETE CASCADE) WITH (autovacuum_enabled = off); INSERT INTO child SELECT generate_series(1, 20000); CREATE INDEX ON child (parent) WHERE parent IS NOT NULL", deletes("child", "parent"), nil},
		"a partial index that it does not":       {"CREATE TABLE parent (id int PRIMARY KEY) WITH (autovacuum_enabled = off); INSERT INTO parent SELECT generate_series(1, 20000); CREATE TABLE child (parent int REFERENCES parent ON DELETE CASCADE) WITH (autovacuum_enabled = off); INSERT INTO child SELECT generate_series(1, 20000); CREATE INDEX ON child (parent) WHERE parent > 5", deletes("child", "parent"), []string{"index-made child"}},
		"quoted names":                           {`CREATE SCHEMA "My App"; CREATE TABLE "My App"."Order lines" (id int PRIMARY KEY); INSERT INTO "My App"."Order lines" VALUES (1); CREATE TABLE "My App"."a.b" (l int PRIMARY KEY REFERENCES "My App"."Order lines"); INSERT INTO "My App"."a.b" VALUES (1)`, "schema: '\"My App\"'\n" + deletes(`'"Order lines"'`), []string{`key-refuses "Order lines"`}},
	})
}

// What is to be done against a refusal is what helps when it is done: the order
// looks through cascades, and the way out of a cycle is a key of it that takes NULL.
func TestRemediesOfRefusals(t *testing.T) {
	conn := connect(t)
	const cycle = `CREATE TABLE staff (id int PRIMARY KEY, store int); CREATE TABLE store (id int PRIMARY KEY, manager int NOT NULL REFERENCES staff);
		ALTER TABLE staff ADD FOREIGN KEY (store) REFERENCES store; INSERT INTO staff VALUES (1); INSERT INTO store VALUES (1, 1); UPDATE staff SET store = 1; CREATE INDEX ON staff (store); CREATE INDEX ON store (manager)`
	const away = `UPDATE "public"."staff" SET "store" = NULL WHERE "store" IS NOT NULL`
	for name, c := range map[string]struct{ sql, book, want string }{
		"by a cascade":                 {late + "INSERT INTO c VALUES (1, 1, 1)", deletes("a", "c", "b"), "delete c before a"},
		"the whole order":              {late + "INSERT INTO c VALUES (1, 1, 1)" + "; ALTER TABLE c DROP CONSTRAINT c_d_fkey", deletes("a", "c", "b"), "delete c before a; an order that works: c, a, b"},
		"a cycle":                      {cycle, deletes("staff", "store"), "before it, a step with sql: " + away + ", and touch: [staff]; then delete store before staff"},
		"a cycle, from the other side": {cycle, deletes("store", "staff"), "before it, a step with sql: " + away + ", and touch: [staff]"},
		"a cycle that takes no NULL":   {cycle + "; ALTER TABLE staff ALTER store SET NOT NULL", deletes("store", "staff"), "none of the cycle's keys takes NULL: make one of them INITIALLY DEFERRED, or change what it refers to by a statement of your own"},
	} {
		var got []string
		for _, f := range lint.New(parse(t, "tminus: 1\ntitle: T\n"+c.book), with(t, conn, c.sql)).Findings() {
			if strings.HasPrefix(f.Code, "key-") {
				got = append(got, f.Remedy)
			}
		}
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// On the demo's database, exactly the traps that its schema was given: what the
// guide's runbook reaches without naming it, and the keys that nobody indexed.
func TestFindingsOfTheGuide(t *testing.T) {
	t.Parallel()
	dsn := sandbox.ForTest(t).NewDatabase(t)
	if err := gym.Load(t.Context(), dsn, gym.Options{Users: 300}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	book, err := runbook.Parse("guide.yaml", runbook.Guide(runbook.Site{}))
	if err != nil {
		t.Fatal(err)
	}
	s := asked(t, conn, book, "SELECT 1")
	var got []string
	for _, f := range lint.New(book, s).Findings() {
		if !strings.HasPrefix(f.Code, "server-") {
			got = append(got, f.Code+": "+f.Text)
		}
	}
	want := []string{
		"reached-unnamed: rows of body_measurements, emergency_contacts, favorite_lessons, lesson_ratings, notification_preferences, notifications, push_tokens, user_documents, user_goals, user_settings, waiting_list_entries, workout_logs go with those of user_profiles",
	}
	if !slices.Equal(got[:min(1, len(got))], want) || len(got) != 3 {
		t.Errorf("found %q, want %q and 2 more", got, want)
	}
	// As if the gym had 100,000 users.
	for i := range s.Relations {
		s.Relations[i].Rows *= 100_000 / 300
		s.Relations[i].Heap *= 100_000 / 300
	}
	s.Costs = schema.UsualCosts()
	for i := range book.Phases {
		book.Phases[i].Indexes = runbook.IndexOff
	}
	var slow []string
	for _, f := range lint.New(book, s).Findings() {
		if f.Code == "key-slow" {
			slow = append(slow, f.Table)
		}
	}
	slices.Sort(slow)
	// personal_training_schedules refers to few rows.
	unindexed := []string{"announcements", "emergency_contacts", "personal_training_codes", "referrals", "user_group_weekly_presets"}
	if !slices.Equal(slow, unindexed) {
		t.Errorf("slow keys of %q, want %q", slow, unindexed)
	}
}

// A condition is planned, never run: how many rows it holds for, and what the
// server says against it.
func TestConditionsAreAsked(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `CREATE SCHEMA app; CREATE TYPE app.state AS ENUM ('new', 'old');
		CREATE TABLE app.users (id int PRIMARY KEY, state app.state);
		INSERT INTO app.users SELECT i, CASE WHEN i % 10 = 0 THEN 'new' ELSE 'old' END::app.state FROM generate_series(1, 1000) i; ANALYZE app.users;
		CREATE FUNCTION app.trap() RETURNS bool LANGUAGE plpgsql VOLATILE AS 'BEGIN RAISE EXCEPTION $$it ran$$; END'`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	s, err := catalog.Read(t.Context(), tx, "")
	if err != nil {
		t.Fatal(err)
	}
	book := parse(t, `tminus: 1
title: T
schema: app
phases:
  - id: one
    title: One
    risk: high
    planned: 1m
    steps:
      - {delete: users, where: "state = 'new'::state"}
      - {delete: users, where: "stat = 'new'"}
      - {delete: users, where: "trap()"}
`)
	var path string
	if err := catalog.Estimate(t.Context(), tx, schema.Name(s, book), func(ctx context.Context) error {
		_, err := tx.Exec(ctx, "SET LOCAL search_path = pg_catalog, app")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := tx.QueryRow(t.Context(), "SHOW search_path").Scan(&path); err != nil || strings.Contains(path, "app") {
		t.Errorf("the search path is %q afterwards (%v)", path, err)
	}
	if len(s.Estimates) != 3 || s.Estimates[0].Rows < 50 || s.Estimates[0].Rows > 200 || s.Estimates[2].Refused != "" {
		t.Errorf("estimates: %+v", s.Estimates)
	}
	if got := found(lint.New(book, s).Findings()); !slices.Equal(got, []string{"condition-refused users"}) {
		t.Errorf("found %q", got)
	}
}
