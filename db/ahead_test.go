package db

import (
	"testing"

	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// What refers to rows that go is deleted before them where the order cannot tell,
// and is left to its key elsewhere; what is left in the end is the same.
func TestAhead(t *testing.T) {
	const parent = `CREATE TABLE parent (id int PRIMARY KEY, note text); INSERT INTO parent SELECT g, repeat('x', 100) FROM generate_series(1, 5000) g;`
	const child = `CREATE TABLE child (id int PRIMARY KEY, parent int CONSTRAINT by_parent REFERENCES parent ON DELETE CASCADE);
		INSERT INTO child SELECT g, CASE WHEN g % 10 > 0 THEN 1 + g % 5000 END FROM generate_series(1, 20000) g; CREATE INDEX ON child (parent);`
	const fires = `CREATE TABLE seen (what text); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen VALUES (TG_TABLE_NAME); RETURN NULL; END $$;`
	for name, c := range map[string]struct {
		sql  string
		want int // keys whose rows go before
	}{
		"some refer to nothing, and stay": {parent + child, 1},
		"a trigger of the child":          {parent + child + fires + `CREATE TRIGGER f AFTER DELETE ON child FOR EACH ROW EXECUTE FUNCTION f()`, 0},
		"one that is off":                 {parent + child + fires + `CREATE TRIGGER f AFTER DELETE ON child FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE child DISABLE TRIGGER f`, 1},
		"a trigger of the parent":         {parent + child + fires + `CREATE TRIGGER f AFTER DELETE ON parent FOR EACH ROW EXECUTE FUNCTION f()`, 0},
		"a rule":                          {parent + child + `CREATE RULE r AS ON DELETE TO child DO ALSO SELECT 1`, 0},
		"a key that is not valid": {parent + `CREATE TABLE child (id int PRIMARY KEY, parent int); INSERT INTO child SELECT g, g FROM generate_series(1, 9000) g;
			ALTER TABLE child ADD CONSTRAINT by_parent FOREIGN KEY (parent) REFERENCES parent ON DELETE CASCADE NOT VALID; CREATE INDEX ON child (parent)`, 0},
		"a key that does not act": {parent + child + `ALTER TABLE parent DISABLE TRIGGER ALL`, 0},
		"what refuses":            {parent + child + `CREATE TABLE grandchild (child int REFERENCES child); INSERT INTO grandchild SELECT 10`, 0},
		"what goes with the child": {parent + `CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent ON DELETE CASCADE); INSERT INTO child SELECT g, 1 + g % 5000 FROM generate_series(1, 8000) g;
			CREATE TABLE grandchild (id int, child int REFERENCES child ON DELETE CASCADE); INSERT INTO grandchild SELECT g, CASE WHEN g % 3 > 0 THEN g END FROM generate_series(1, 8000) g;
			CREATE INDEX ON child (parent); CREATE INDEX ON grandchild (child)`, 1},
		"below a key that is not valid": {parent + `CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL); INSERT INTO child SELECT g, g FROM generate_series(1, 9000) g;
			ALTER TABLE child ADD CONSTRAINT by_parent FOREIGN KEY (parent) REFERENCES parent ON DELETE CASCADE NOT VALID;
			CREATE TABLE grandchild (id int, child int REFERENCES child ON DELETE CASCADE); INSERT INTO grandchild SELECT g, g FROM generate_series(1, 9000) g; CREATE INDEX ON child (parent); CREATE INDEX ON grandchild (child)`, 0},
		"what the parent itself refers to": {parent + `CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE); INSERT INTO child SELECT g, g FROM generate_series(1, 5000) g;
			ALTER TABLE parent ADD child int REFERENCES child ON DELETE SET NULL; UPDATE parent SET child = id; ALTER TABLE parent ADD CHECK (child IS NOT NULL); CREATE INDEX ON child (parent); CREATE INDEX ON parent (child)`, 0},
		"what another child refers to": {parent + `CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE); INSERT INTO child SELECT g, g FROM generate_series(1, 5000) g;
			CREATE TABLE other (id int, child int REFERENCES child ON DELETE SET NULL, parent int REFERENCES parent ON DELETE CASCADE); INSERT INTO other SELECT g, g, g FROM generate_series(1, 5000) g;
			CREATE INDEX ON child (parent); CREATE INDEX ON other (child); CREATE INDEX ON other (parent)`, 1},
		"a column that is made": {parent + `CREATE TABLE child (id int PRIMARY KEY, n int, parent int GENERATED ALWAYS AS (nullif(n, 0)) STORED REFERENCES parent ON DELETE CASCADE); INSERT INTO child (id, n) SELECT g, CASE WHEN g % 2 > 0 THEN 1 + g % 5000 ELSE 0 END FROM generate_series(1, 8000) g;
			CREATE TABLE grandchild (id int, child int REFERENCES child ON DELETE CASCADE); INSERT INTO grandchild SELECT g, g FROM generate_series(1, 8000) g; CREATE INDEX ON child (parent); CREATE INDEX ON grandchild (child)`, 1},
		"what is set to NULL": {parent + `CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent ON DELETE CASCADE); INSERT INTO child SELECT g, 1 + g % 5000 FROM generate_series(1, 8000) g;
			CREATE TABLE other (id int, child int REFERENCES child ON DELETE SET NULL); INSERT INTO other SELECT g, g FROM generate_series(1, 8000) g;
			CREATE INDEX ON child (parent); CREATE INDEX ON other (child)`, 1},
		"two columns": {`CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b)); INSERT INTO parent SELECT g, g FROM generate_series(1, 5000) g;
			CREATE TABLE child (a int, b int, note text, FOREIGN KEY (a, b) REFERENCES parent ON DELETE CASCADE);
			INSERT INTO child SELECT g, CASE WHEN g % 2 > 0 THEN g END, repeat('x', 100) FROM generate_series(1, 5000) g; CREATE INDEX ON child (a, b)`, 1},
		"by two ways": {parent + `CREATE TABLE child (id int, one int REFERENCES parent ON DELETE CASCADE, two int REFERENCES parent ON DELETE CASCADE);
			INSERT INTO child SELECT g, CASE WHEN g % 2 > 0 THEN 1 + g % 5000 END, CASE WHEN g % 3 > 0 THEN 1 + g % 5000 END FROM generate_series(1, 9000) g; CREATE INDEX ON child (one); CREATE INDEX ON child (two)`, 2},
		"to itself": {`CREATE TABLE parent (id int PRIMARY KEY, up int REFERENCES parent ON DELETE CASCADE); INSERT INTO parent SELECT g, nullif(g / 2, 0) FROM generate_series(1, 5000) g; CREATE INDEX ON parent (up)`, 0},
		"in a circle": {parent + `CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE); INSERT INTO child SELECT g, g FROM generate_series(1, 5000) g;
			ALTER TABLE parent ADD child int REFERENCES child ON DELETE CASCADE; UPDATE parent SET child = id; CREATE INDEX ON child (parent); CREATE INDEX ON parent (child)`, 0},
		"of parts": {parent + `CREATE TABLE child (id int, parent int REFERENCES parent ON DELETE CASCADE) PARTITION BY RANGE (id); CREATE TABLE child_1 PARTITION OF child FOR VALUES FROM (0) TO (3000); CREATE TABLE child_2 PARTITION OF child DEFAULT;
			INSERT INTO child SELECT g, g FROM generate_series(1, 5000) g; CREATE INDEX ON child (parent)`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := stepsFor("parent")
			var ends []outcome
			for _, w := range []way{wayCalled("delete"), wayCalled("children first")} {
				ends = append(ends, goesAhead(t, c.sql, w, steps, c.want))
			}
			sameEnd(t, ends[1], ends[0])
		})
	}
}

// What one DELETE refuses, or leaves in its order, is refused and left with children
// first too.
func TestAheadLetsNothingThrough(t *testing.T) {
	const two = `CREATE TABLE projects (id int PRIMARY KEY, note text); INSERT INTO projects SELECT g, repeat('x', 100) FROM generate_series(1, 4000) g;
		CREATE TABLE issues (id int PRIMARY KEY, project int REFERENCES projects ON DELETE CASCADE); INSERT INTO issues SELECT g, g FROM generate_series(1, 4000) g; CREATE INDEX ON issues (project);`
	const notes = `INSERT INTO notes SELECT g, g, g FROM generate_series(1, 4000) g; CREATE INDEX ON notes (issue); CREATE INDEX ON notes (other);`
	const tenants = `CREATE TABLE projects (tenant int, id int, PRIMARY KEY (tenant, id)); INSERT INTO projects SELECT 1, g FROM generate_series(1, 4000) g;
		CREATE TABLE issues (tenant int, id int, project int, PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, project) REFERENCES projects ON DELETE CASCADE); INSERT INTO issues SELECT 1, g, g FROM generate_series(1, 4000) g; CREATE INDEX ON issues (tenant, project);
		CREATE TABLE stays (id int PRIMARY KEY, tenant int, issue int, project int, FOREIGN KEY (tenant, issue) REFERENCES issues ON DELETE SET NULL); INSERT INTO stays SELECT g, 1, g, g FROM generate_series(1, 4000) g; CREATE INDEX ON stays (tenant, issue); CREATE INDEX ON stays (tenant, project);`
	for name, c := range map[string]struct {
		sql     string
		refused bool
		ahead   int
	}{
		"what goes with the child refers to the table": {two + `CREATE TABLE notes (id int, issue int REFERENCES issues ON DELETE CASCADE, other int REFERENCES projects);` + notes, true, 0},
		"the child itself does":                        {two + `ALTER TABLE issues ADD moved int REFERENCES projects; UPDATE issues SET moved = 4001 - project; CREATE INDEX ON issues (moved)`, true, 0},
		"another child is referred to": {two + `CREATE TABLE boards (id int PRIMARY KEY, project int REFERENCES projects ON DELETE CASCADE); INSERT INTO boards SELECT g, 4001 - g FROM generate_series(1, 4000) g; CREATE INDEX ON boards (project);
			CREATE TABLE notes (id int, issue int REFERENCES issues ON DELETE CASCADE, other int REFERENCES boards);` + notes, true, 0},
		"what does not go with the child refers to the table": {two + `CREATE TABLE notes (id int, issue int, other int REFERENCES projects);` + notes, true, 1},
		"what stays shares a column, and refuses":             {tenants + `ALTER TABLE stays ADD FOREIGN KEY (tenant, project) REFERENCES projects`, true, 0},
		"what stays shares a column, and is set":              {tenants + `ALTER TABLE stays ADD FOREIGN KEY (tenant, project) REFERENCES projects ON DELETE SET NULL`, false, 0},
		"one key of two columns, to a table with parts": {two + `CREATE TABLE notes (id int, n int, issue int REFERENCES issues ON DELETE CASCADE, PRIMARY KEY (id, n)) PARTITION BY RANGE (id); CREATE TABLE notes1 PARTITION OF notes DEFAULT;
			INSERT INTO notes SELECT g, g, g FROM generate_series(1, 4000) g; CREATE INDEX ON notes (issue);
			CREATE TABLE stays (id int PRIMARY KEY, note int, n int, FOREIGN KEY (note, n) REFERENCES notes ON DELETE SET NULL); INSERT INTO stays SELECT g, g, g FROM generate_series(1, 4000) g; CREATE INDEX ON stays (note, n);`, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := waysEndAlike(t, c.sql, stepsFor("projects"), wayCalled("delete"), wayCalled("children first"))
			for name, got := range all {
				if (got.err != nil) != c.refused {
					t.Errorf("%s ended with %v", name, got.err)
				}
			}
			b := book()
			b.Phases[0].Steps = stepsFor("projects")
			if got := len(foreseen(t, database(t, c.sql), b, wayCalled("children first")).Ahead); got != c.ahead {
				t.Errorf("the rows of %d keys would go before, want %d", got, c.ahead)
			}
		})
	}
}

// goesAhead runs a phase without a capsule to its COMMIT, and holds what went before.
func goesAhead(t *testing.T, sql string, w way, steps []runbook.Step, want int) outcome {
	t.Helper()
	dsn := database(t, sql)
	b := book()
	b.Phases[0].Steps = steps
	target := open(t, dsn, b)
	ways := foreseen(t, dsn, b, w)
	if ways != nil { // whether an index is worth it is the machine's speed
		ways.Indexes = nil
	}
	began, err := target.Begin(limited(t), engine.TxSpec{RunID: "run-1", Phase: &b.Phases[0], Attempt: 1, LockTables: []string{"parent"}, Ways: ways})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = began.Rollback(t.Context()) }()
	if err := began.Lock(limited(t), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := began.Run(limited(t), steps[0], nil); err != nil {
		t.Fatal(err)
	}
	x := began.(*tx)
	if x.blocks = nil; x.measure(limited(t)) != nil {
		t.Fatal("the tables cannot be measured")
	}
	for _, k := range x.first[0] {
		if _, known := x.blocks[k.From]; !known {
			t.Errorf("%s goes by one statement: its size is not asked", k.Name)
		}
	}
	if got := len(x.first[0]); w.ahead && got != want {
		t.Errorf("the rows of %d keys went before, want %d", got, want)
	}
	did, err := x.Effects(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Commit(limited(t)).Err; err != nil {
		t.Fatal(err)
	}
	target.Close()
	out := holds(t, dsn)
	out.rowsOf = map[string]int64{}
	for name, n := range did.Rows {
		out.rowsOf[name] = n.Deleted - n.Inserted
	}
	return out
}
