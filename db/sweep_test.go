package db

import "testing"

// A TRUNCATE takes no row that the deletes would leave, and takes no reference away
// that they would. The tables are a and b, and what refers to them.
func TestATruncateTakesNoMoreThanDeletes(t *testing.T) {
	const a, b = `CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2);`, `CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1), (2);`
	const tenants = `CREATE TABLE tenants (id int PRIMARY KEY); CREATE TABLE b (tenant int REFERENCES tenants ON DELETE CASCADE, id int, PRIMARY KEY (tenant, id));
		CREATE TABLE a (tenant int REFERENCES tenants ON DELETE CASCADE, id int, PRIMARY KEY (tenant, id)); INSERT INTO tenants VALUES (1); INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1);`
	const cascades = `CREATE TABLE c (tenant int, a int, b int, CONSTRAINT z FOREIGN KEY (tenant, a) REFERENCES a ON DELETE CASCADE, CONSTRAINT y FOREIGN KEY (tenant, b) REFERENCES b ON DELETE SET NULL); INSERT INTO c VALUES (1, 1, 1)`
	const sets = `CREATE TABLE c (id int PRIMARY KEY, tenant int, a int, b int, CONSTRAINT z FOREIGN KEY (tenant, a) REFERENCES a ON DELETE SET NULL, CONSTRAINT y FOREIGN KEY (tenant, b) REFERENCES b ON DELETE SET NULL); INSERT INTO c VALUES (1, 1, 1, 1)`
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
		"a key that sets what another cascades by":  {tenants + cascades, `tenants`, "DELETEforeign key y of c and foreign key z of c share columns"},
		"the same, in the steps' order":             {tenants + cascades, `b; a`, "DELETE"},
		"two keys that set a column of both":        {tenants + sets, `tenants`, "DELETEforeign key y of c and foreign key z of c share columns"},
		"the same in the steps' order, by two keys": {tenants + sets, `a; b`, "DELETE"},
		"two keys of one column":                    {a + b + `CREATE TABLE c (id int PRIMARY KEY, one int REFERENCES a ON DELETE SET NULL REFERENCES b ON DELETE SET NULL); INSERT INTO c VALUES (1, 1), (2, 2)`, `a; b`, "TRUNCATE"},
		"a key that sets what others refer to": {`CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY REFERENCES r ON DELETE CASCADE); CREATE TABLE a (id int PRIMARY KEY REFERENCES r ON DELETE CASCADE);
			INSERT INTO r VALUES (1), (2); INSERT INTO a TABLE r; INSERT INTO b TABLE r; CREATE TABLE c (a int NOT NULL REFERENCES a ON DELETE CASCADE, b int UNIQUE REFERENCES b ON DELETE SET NULL); INSERT INTO c VALUES (1, 1), (2, 2);
			CREATE TABLE d (c int REFERENCES c (b) ON UPDATE CASCADE ON DELETE CASCADE); INSERT INTO d VALUES (1)`, `r`, "DELETEforeign key c_b_fkey of c and foreign key d_c_fkey of d share columns"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			standsFor(t, c.sql, c.steps, c.want)
		})
	}
}

// What a phase does to a table whose key is taken out is in its capsule: the others
// cannot read it any more.
func TestATruncateBesideATableThatStays(t *testing.T) {
	const users = `CREATE TABLE users (id int PRIMARY KEY); INSERT INTO users VALUES (1), (2);`
	const posts = `CREATE TABLE posts (id int PRIMARY KEY, note text, created_by int REFERENCES users ON DELETE SET NULL, updated_by int REFERENCES users ON DELETE SET NULL);
		INSERT INTO posts VALUES (1, 'n', 1, 1), (2, 'n', 2, NULL), (3, 'n', NULL, 1), (4, 'n', NULL, NULL);`
	const unused = `CREATE TABLE posts (id int PRIMARY KEY, note text, author int REFERENCES users); INSERT INTO posts VALUES (1, 'n', 1), (2, 'n', NULL);`
	for name, c := range map[string]struct{ sql, steps, want string }{
		"two keys that set to NULL":        {users + posts, `users`, "TRUNCATE"},
		"without a key of its own":         {users + posts + `ALTER TABLE posts DROP CONSTRAINT posts_pkey`, `users`, "TRUNCATE"},
		"changed before":                   {users + posts, `=UPDATE posts SET note = 'new' WHERE id < 3|posts; users`, "TRUNCATE"},
		"changed before, by an unused key": {users + unused, `=UPDATE posts SET author = NULL|posts; users`, "TRUNCATE"},
		"changed after":                    {users + posts, `users; =UPDATE posts SET note = 'new' WHERE id < 3|posts`, "DELETEa later step may change rows of posts"},
		"changed after, by an unused key":  {users + unused + `UPDATE posts SET author = NULL`, `users; =UPDATE posts SET note = 'new'|posts`, "DELETEa later step may change rows of posts"},
		"emptied after": {
			users + posts + `CREATE TABLE other (id int); INSERT INTO other VALUES (1)`,
			`users; =DELETE FROM other|other; posts`, "DELETEa later step may change rows of posts",
		},
		"reached after": {
			users + posts + `CREATE TABLE blogs (id int PRIMARY KEY); INSERT INTO blogs VALUES (1); ALTER TABLE posts ADD blog int REFERENCES blogs ON DELETE SET NULL; UPDATE posts SET blog = 1`,
			`users; =DELETE FROM blogs|blogs`, "DELETEa later step may change rows of posts",
		},
		"reached in the same TRUNCATE": {
			users + posts + `CREATE TABLE blogs (id int PRIMARY KEY); INSERT INTO blogs VALUES (1); ALTER TABLE posts ADD blog int REFERENCES blogs ON DELETE SET NULL; UPDATE posts SET blog = 1`,
			`users; blogs`, "TRUNCATE",
		},
		"beside two": {users + unused + `UPDATE posts SET author = NULL; CREATE TABLE blogs (id int PRIMARY KEY); INSERT INTO blogs VALUES (1); ALTER TABLE posts ADD blog int REFERENCES blogs;
			CREATE TABLE other (id int); INSERT INTO other VALUES (1)`, `=UPDATE posts SET note = 'new'|posts; users; =DELETE FROM other|other; blogs`, "TRUNCATE TRUNCATE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			standsFor(t, c.sql, c.steps, c.want)
		})
	}
}

// The server gives no other file to a table with deferred triggers that have still to
// fire: then it deletes, and nothing of the attempt is left.
func TestATruncateBeforeDeferredTriggers(t *testing.T) {
	const shop = `CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers VALUES (1), (2);
		CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED, by int CONSTRAINT by REFERENCES customers DEFERRABLE INITIALLY DEFERRED);
		CREATE TABLE items (id int, "order" int REFERENCES orders DEFERRABLE INITIALLY DEFERRED); INSERT INTO orders VALUES (1, 1, NULL), (2, 1, 2), (3, 2, NULL), (4, NULL, NULL); INSERT INTO items VALUES (1, 1);
		CREATE TABLE cards (customer int CONSTRAINT a_first REFERENCES customers);
		CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree DEFERRABLE INITIALLY DEFERRED); INSERT INTO tree VALUES (1, 1), (2, 1)`
	for name, c := range map[string]struct{ steps, want string }{
		"of a table whose key is taken out": {`=DELETE FROM orders WHERE id = 2|orders; customers`, "DELETEtake out foreign key by of orders: cannot ALTER TABLE \"orders\" because it has pending trigger events"},
		"of its own table":                  {`=DELETE FROM items|items; =DELETE FROM orders WHERE id = 2|orders; orders`, "DELETEtake out foreign key items_order_fkey of items: cannot ALTER TABLE \"orders\" because it has pending trigger events"},
		"of a table that refers to itself":  {`=DELETE FROM tree WHERE id = 2|tree; tree`, "DELETEcannot TRUNCATE \"tree\" because it has pending trigger events"},
		"of another":                        {`=DELETE FROM orders|orders; items`, "TRUNCATE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := standsFor(t, shop, c.steps, c.want)
			if got := all["auto"].beside; c.want != "TRUNCATE" && len(got) > 0 {
				t.Errorf("of the attempt is left: %v", got)
			}
		})
	}
}
