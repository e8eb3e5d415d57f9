package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"tminus/phases/lint"
)

// A key that refuses is looked at: with no row that refers, it refuses nothing.
func TestKeysThatNoRowUses(t *testing.T) {
	t.Parallel()
	const unused = `CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent%s); CREATE INDEX ON child (parent); INSERT INTO child SELECT i FROM generate_series(1, 9) i;`
	const pairs = `CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b)); INSERT INTO parent VALUES (1, 1);
		CREATE TABLE child (a int, b int, FOREIGN KEY (a, b) REFERENCES parent); CREATE INDEX ON child (a, b); INSERT INTO child VALUES (1, NULL), (NULL, %s);`
	const parts = `CREATE TABLE child (id int, parent int REFERENCES parent) PARTITION BY RANGE (id); CREATE TABLE child1 PARTITION OF child FOR VALUES FROM (0) TO (10);
		CREATE TABLE child2 PARTITION OF child FOR VALUES FROM (10) TO (20); CREATE INDEX ON child (parent); INSERT INTO child VALUES (1, NULL), (11, %s);`
	check(t, connect(t), map[string]trap{
		"all null":                    {base + fmt.Sprintf(unused, ""), deletes("parent"), []string{"key-unused parent"}},
		"all null, protected":         {base + fmt.Sprintf(unused, ""), "protected: [child]\n" + deletes("parent"), []string{"key-unused parent"}},
		"all null, under a condition": {base + fmt.Sprintf(unused, ""), "phases: [{id: one, title: One, risk: high, planned: 1m, steps: [{delete: parent, where: id > 5}]}]\n", []string{"key-unused parent"}},
		"one refers":                  {base + fmt.Sprintf(unused, "") + "UPDATE child SET parent = 3 WHERE id = 5", deletes("parent"), []string{"key-refuses parent"}},
		"only a child by inheritance": {base + fmt.Sprintf(unused, "") + "CREATE TABLE heir () INHERITS (child); INSERT INTO heir VALUES (1, 1)", deletes("parent"), []string{"key-unused parent", "key-lacking parent"}},
		"no row left":                 {base + fmt.Sprintf(unused, "") + "DELETE FROM child", deletes("parent"), []string{"key-unused parent"}},
		"half a pair refers to none":  {fmt.Sprintf(pairs, "1"), deletes("parent"), []string{"key-unused parent"}},
		"a whole pair refers":         {fmt.Sprintf(pairs, "1") + "INSERT INTO child VALUES (1, 1)", deletes("parent"), []string{"key-refuses parent"}},
		"partitions, all null":        {base + fmt.Sprintf(parts, "NULL"), deletes("parent"), []string{"key-unused parent"}},
		"partitions, one refers":      {base + fmt.Sprintf(parts, "1"), deletes("parent"), []string{"key-refuses parent"}},
		"would be set, protected":     {base + fmt.Sprintf(unused, " ON DELETE SET NULL"), "protected: [child]\n" + deletes("parent"), []string{"key-unused child"}},
		"is set, protected":           {base + fmt.Sprintf(unused, " ON DELETE SET NULL") + "UPDATE child SET parent = 3 WHERE id = 5", "protected: [child]\n" + deletes("parent"), []string{"protected-changed child"}},
		"parts set, protected":        {base + fmt.Sprintf(strings.Replace(parts, "REFERENCES parent)", "REFERENCES parent ON DELETE SET NULL)", 1), "NULL"), "protected: [child]\n" + deletes("parent"), []string{"key-unused child"}},
		"would go, protected":         {base + fmt.Sprintf(unused, " ON DELETE CASCADE"), "protected: [child]\n" + deletes("parent"), []string{"key-unused child"}},
		"goes, protected":             {base + fmt.Sprintf(unused, " ON DELETE CASCADE") + "UPDATE child SET parent = 3 WHERE id = 5", "protected: [child]\n" + deletes("parent"), []string{"protected-reached child"}},
		"goes by one of two keys":     {base + fmt.Sprintf(unused, " ON DELETE CASCADE") + "ALTER TABLE child ADD other int REFERENCES parent ON DELETE CASCADE; CREATE INDEX ON child (other); UPDATE child SET other = 1 WHERE id = 5", "protected: [child]\n" + deletes("parent"), []string{"protected-reached child"}},
		"a role that may not read it": {base + fmt.Sprintf(unused, "") + "CREATE ROLE blind; GRANT SELECT, DELETE ON parent TO blind; SET LOCAL ROLE blind", "ledger: none\n" + deletes("parent"), []string{"key-refuses parent"}},
	})
}

// What is locked is not waited for, and what was asked is locked no longer.
func TestAskingForRowsIsInNobodysWay(t *testing.T) {
	t.Parallel()
	conn, other := connectTwo(t)
	if _, err := conn.Exec(t.Context(), base+`CREATE TABLE a (parent int REFERENCES parent); CREATE TABLE b (parent int REFERENCES parent); INSERT INTO a VALUES (NULL); INSERT INTO b VALUES (NULL); CREATE INDEX ON a (parent); CREATE INDEX ON b (parent)`); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), `BEGIN; LOCK TABLE a`); err != nil {
		t.Fatal(err)
	}
	book := parse(t, "tminus: 1\ntitle: T\n"+deletes("parent"))
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := lint.New(book, read(t, tx, book))
	got := found(v.Findings())
	if want := []string{"key-refuses parent", "key-unused parent"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if _, err := other.Exec(t.Context(), `LOCK TABLE b NOWAIT; ROLLBACK`); err != nil {
		t.Errorf("b is still locked: %v", err)
	}
	var timeout string
	if err := tx.QueryRow(t.Context(), `SHOW statement_timeout`).Scan(&timeout); err != nil || timeout != "0" {
		t.Errorf("statement_timeout is %q afterwards: %v", timeout, err)
	}
}

// A capsule has the rows of PostgreSQL's own tables, where the role may read them.
func TestWhatACapsuleCannotHold(t *testing.T) {
	t.Parallel()
	const method = `CREATE ACCESS METHOD columns TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE) USING columns; CREATE INDEX ON child (parent);`
	const parts = `CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); INSERT INTO p VALUES (1); CREATE ROLE blind;`
	off := strings.Replace(deletes("parent"), "planned: 1m", "planned: 1m, capsule: off", 1)
	check(t, connect(t), map[string]trap{
		"another access method":      {base + method, deletes("parent"), []string{"capsule-unkept child", "reached-unnamed parent"}},
		"which is not kept":          {base + method, off, []string{"reached-unnamed parent"}},
		"a role that may not read":   {base + "CREATE ROLE blind; GRANT DELETE, UPDATE ON parent TO blind; SET LOCAL ROLE blind", "ledger: none\n" + deletes("parent"), []string{"capsule-unread parent", "right-missing parent"}},
		"a part of what it may read": {parts + "GRANT SELECT, DELETE, UPDATE ON p TO blind; SET LOCAL ROLE blind", "ledger: none\n" + deletes("p"), nil},
	})
}
