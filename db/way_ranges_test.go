package db

import (
	"fmt"
	"testing"

	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// By ranges, the same rows are left as by one DELETE, as many are told of, and what
// one refuses the other does: the more so where something acts on what a delete
// reaches.
func TestRangesEndAsOneDelete(t *testing.T) {
	t.Parallel()
	const (
		accounts = `CREATE TABLE t (id int PRIMARY KEY, n int, filler text DEFAULT repeat('x', 400)); INSERT INTO t (id, n) SELECT g, 1 FROM generate_series(1, 1200) g;
			CREATE TABLE more (follower int REFERENCES t ON DELETE CASCADE, followed int REFERENCES t ON DELETE CASCADE);
			INSERT INTO more SELECT g, g + 1 FROM generate_series(1, 1199) g; CREATE INDEX ON more (follower); CREATE INDEX ON more (followed);`
		fewer = `CREATE FUNCTION fewer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET n = n - 1 WHERE id = OLD.followed; RETURN NULL; END $$;
			CREATE TRIGGER fewer AFTER DELETE ON more FOR EACH ROW EXECUTE FUNCTION fewer();`
		folders = `CREATE TABLE t (id int PRIMARY KEY, parent int, filler text DEFAULT repeat('x', 400)); INSERT INTO t SELECT g, g + 1 FROM generate_series(1, 1200) g;
			CREATE TABLE more (id int);`
		parts  = `CREATE TABLE t (id int, n int, filler text DEFAULT repeat('x', 400)) PARTITION BY RANGE (id); CREATE TABLE "Part" PARTITION OF t DEFAULT; INSERT INTO t SELECT g, g FROM generate_series(1, 1200) g; CREATE TABLE more (id int);`
		shared = `CREATE TABLE t (tenant int, id int, filler text DEFAULT repeat('x', 400), PRIMARY KEY (tenant, id)); INSERT INTO t SELECT 1, g FROM generate_series(1, 1200) g;
			CREATE TABLE docs (tenant int, id int, folder int, PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, folder) REFERENCES t ON DELETE CASCADE); INSERT INTO docs SELECT 1, g, g FROM generate_series(1, 1200) g; CREATE INDEX ON docs (tenant, folder);
			CREATE TABLE more (tenant int, folder int, doc int, FOREIGN KEY (tenant, doc) REFERENCES docs ON DELETE SET NULL); INSERT INTO more SELECT 1, 1201 - g, g FROM generate_series(1, 100) g; CREATE INDEX ON more (tenant, doc); CREATE INDEX ON more (tenant, folder);`
	)
	for name, c := range map[string]struct {
		sql, where string
		ranged     bool
	}{
		"a trigger on what goes along changes what matches": {accounts + fewer + `UPDATE t SET n = 0 WHERE id = 1`, "n = 0", false},
		"the same without a condition":                      {accounts + fewer, "", false},
		"the same without the trigger":                      {accounts, "n = 1", true},
		"a manager of a department": {`CREATE TABLE t (id int PRIMARY KEY, department int, filler text DEFAULT repeat('x', 400)); CREATE TABLE more (id int PRIMARY KEY, manager int REFERENCES t ON DELETE CASCADE);
			INSERT INTO t SELECT g, g % 10 FROM generate_series(1, 1200) g; INSERT INTO more SELECT g, g + 1 FROM generate_series(0, 9) g;
			ALTER TABLE t ADD FOREIGN KEY (department) REFERENCES more; CREATE INDEX ON t (department); CREATE INDEX ON more (manager)`, "", false},
		"two that go along, one of which refuses": {accounts + `ALTER TABLE more ADD id int; UPDATE more SET id = follower; ALTER TABLE more ADD UNIQUE (id);
			CREATE TABLE notes (t int REFERENCES t ON DELETE CASCADE, more int REFERENCES more (id)); INSERT INTO notes SELECT 1200 - g, g FROM generate_series(1, 1100) g; CREATE INDEX ON notes (t); CREATE INDEX ON notes (more)`, "", false},
		"the same, and nothing refers":  {accounts + `ALTER TABLE more ADD id int UNIQUE; CREATE TABLE notes (t int REFERENCES t ON DELETE CASCADE, more int REFERENCES more (id)); CREATE INDEX ON notes (t)`, "", true},
		"a key to itself that cascades": {accounts + `ALTER TABLE t ADD up int REFERENCES t ON DELETE CASCADE; UPDATE t SET up = 1201 - id; CREATE INDEX ON t (up)`, "", true},
		"the same under a condition":    {accounts + `ALTER TABLE t ADD up int REFERENCES t ON DELETE CASCADE; UPDATE t SET up = 1 + id % 1200; CREATE INDEX ON t (up)`, "n + id % 7 = 1", false},
		"a trigger that looks at other rows": {folders + `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM t WHERE id = OLD.parent) THEN INSERT INTO more VALUES (OLD.id); END IF; RETURN NULL; END $$;
			CREATE TRIGGER f AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()`, "", false},
		"one that puts rows back": {folders + `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.id < 1201 THEN INSERT INTO T (id) VALUES (OLD.id + 5000); END IF; RETURN NULL; END $$;
			CREATE TRIGGER f AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()`, "", false},
		"one that keeps a record": {folders + `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.more (id) VALUES (coalesce(OLD.id, 0)); RETURN OLD; END $$;
			CREATE TRIGGER f AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()`, "", true},
		"one that keeps a record of deletes": {folders + `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN /* select it */ IF (TG_OP = 'DELETE') THEN -- not UPDATE
			INSERT INTO "more" VALUES (OLD.id); END IF; RETURN NULL; END $$; CREATE TRIGGER f AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()`, "", true},
		"one whose record looks around": {folders + `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO more VALUES (OLD.parent); RETURN NULL; END $$; CREATE TRIGGER f AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
			CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM t WHERE id = NEW.id) THEN RETURN NEW; END IF; RETURN NULL; END $$; CREATE TRIGGER g BEFORE INSERT ON more FOR EACH ROW EXECUTE FUNCTION g()`, "", false},
		"one whose record looks around in a part of it": {folders + `DROP TABLE more; CREATE TABLE more (id int) PARTITION BY RANGE (id); CREATE TABLE more1 PARTITION OF more DEFAULT;
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO more VALUES (OLD.id); RETURN NULL; END $$; CREATE TRIGGER f AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
			CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := (SELECT count(*) FROM t); RETURN NEW; END $$; CREATE TRIGGER g BEFORE INSERT ON more1 FOR EACH ROW EXECUTE FUNCTION g()`, "", false},
		"one that puts rows back, by the table that it is part of": {`CREATE TABLE whole (id int, filler text DEFAULT repeat('x', 400)) PARTITION BY RANGE (id); CREATE TABLE t PARTITION OF whole DEFAULT; INSERT INTO t SELECT g FROM generate_series(1, 1200) g; CREATE TABLE more (id int);
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.id < 1201 THEN INSERT INTO whole VALUES (OLD.id + 5000); END IF; RETURN NULL; END $$; CREATE TRIGGER f AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()`, "", false},
		"two keys that share a column": {shared + `ALTER TABLE more ADD FOREIGN KEY (tenant, folder) REFERENCES t`, "", false},
		"the same, and both set it":    {shared + `ALTER TABLE more ADD FOREIGN KEY (tenant, folder) REFERENCES t ON DELETE SET NULL`, "", false},
		"one of them":                  {shared, "", true},
		"one that keeps no row":        {folders + `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN OLD.id % 2 = 0 THEN OLD END; END $$; CREATE TRIGGER f BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()`, "", true},
		"a rule on what goes along":    {accounts + `CREATE RULE r AS ON DELETE TO more DO ALSO UPDATE t SET n = 5 WHERE id = OLD.followed`, "n = 1", false},
		"the table's name on its part": {parts, "t.n > 100", true},
		"its schema's too":             {parts, "public.t.n > 100", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := open(t, database(t, c.sql), book("t"))
			var ends []string
			for _, way := range []string{"statement", "delete"} {
				x := begin(t, target).(*tx)
				var blocks int64
				did, err := x.Run(limited(t), runbook.Step{Delete: "t", Where: c.where, Way: way}, func(p engine.Progress) { blocks = max(blocks, p.BlocksTotal) })
				end := fmt.Sprintf("%d rows; %v", did.Rows, err)
				if err == nil {
					end += "; left are " + left(t, x)
				}
				ends = append(ends, end)
				if ranged := blocks > 0; way == "delete" && ranged != (c.ranged && target.version >= tidRangeVersion) {
					t.Errorf("by ranges: %t", ranged)
				}
				if err := x.Rollback(limited(t)); err != nil {
					t.Fatal(err)
				}
			}
			if ends[0] != ends[1] {
				t.Errorf("one DELETE: %s\nby ranges: %s", ends[0], ends[1])
			}
		})
	}
}

// left tells what t and more hold in the transaction.
func left(t *testing.T, x *tx) (text string) {
	t.Helper()
	err := x.s.QueryRow(limited(t), `SELECT concat_ws(', ', (SELECT count(*) || ' of t, ' || coalesce(sum(hashtext(t::text)), 0) FROM t), (SELECT count(*) || ' of more, ' || coalesce(sum(hashtext(more::text)), 0) FROM more))`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
