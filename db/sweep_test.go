package db

import "testing"

// A TRUNCATE takes no row that the deletes would leave, and takes no reference away
// that they would. The tables are a and b, and what refers to them.
func TestATruncateTakesNoMoreThanDeletes(t *testing.T) {
	const a = `CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2);`
	for name, c := range map[string]struct{ sql, steps, want string }{
		"a key that cascades and is not valid": {a + `CREATE TABLE c (a int); INSERT INTO c VALUES (1), (9);
			ALTER TABLE c ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES a ON DELETE CASCADE NOT VALID`, `a`, "DELETEforeign key k of c is not valid"},
		"one of a table that has a step": {a + `CREATE TABLE c (a int); INSERT INTO c VALUES (1), (9);
			ALTER TABLE c ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES a ON DELETE CASCADE NOT VALID`, `a; c`, "TRUNCATE"},
		"a key that cascades and does not act": {a + `CREATE TABLE c (a int REFERENCES a ON DELETE CASCADE); INSERT INTO c VALUES (1);
			ALTER TABLE a DISABLE TRIGGER ALL`, `a`, "DELETEforeign key c_a_fkey of c has triggers that are off"},
		"one that does not act in a partition": {`CREATE TABLE a (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (0) TO (5); CREATE TABLE a2 PARTITION OF a DEFAULT;
			INSERT INTO a VALUES (1), (9); CREATE TABLE c (a int REFERENCES a ON DELETE CASCADE); INSERT INTO c VALUES (1), (9);
			ALTER TABLE a1 DISABLE TRIGGER ALL`, `a`, "DELETEforeign key c_a_fkey of c has triggers that are off"},
		"one that does not act in the session": {
			a + `CREATE TABLE c (a int REFERENCES a ON DELETE CASCADE); INSERT INTO c VALUES (1)`,
			`=SET LOCAL session_replication_role = replica|; a; =SET LOCAL session_replication_role = origin|`, "DELETEsession_replication_role keeps foreign keys from acting",
		},
		"a key that sets to NULL and is not valid": {a + `CREATE TABLE c (id int PRIMARY KEY, a int); INSERT INTO c VALUES (1, 1), (9, 9);
			ALTER TABLE c ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES a ON DELETE SET NULL NOT VALID`, `a`, "DELETEforeign key k of c is not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			standsFor(t, c.sql, c.steps, c.want)
		})
	}
}
