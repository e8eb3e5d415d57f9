package catalog_test

import "testing"

func TestReferencesWithoutAKey(t *testing.T) {
	t.Parallel()
	const users = `CREATE TABLE users (id int PRIMARY KEY); INSERT INTO users VALUES (1); `
	const keyed = `CREATE TABLE posts (author int REFERENCES users ON DELETE CASCADE, users int); CREATE INDEX ON posts (author); INSERT INTO posts VALUES (1); `
	lacking := []string{"key-lacking users"}
	both := deletes("posts", "users")
	check(t, connect(t), map[string]trap{
		"named after it":                 {users + `CREATE TABLE log (user_id int); INSERT INTO log VALUES (1)`, deletes("users"), lacking},
		"in the plural":                  {users + `CREATE TABLE log (users_id int); INSERT INTO log VALUES (1)`, deletes("users"), lacking},
		"ies and y":                      {`CREATE TABLE companies (id int PRIMARY KEY); INSERT INTO companies VALUES (1); CREATE TABLE log (company_id int); INSERT INTO log VALUES (1)`, deletes("companies"), []string{"key-lacking companies"}},
		"named as others' keys":          {users + keyed + `CREATE TABLE log (author int); INSERT INTO log VALUES (1)`, both, lacking},
		"others' keys do not agree":      {users + keyed + `CREATE TABLE pens (id int PRIMARY KEY); CREATE TABLE books (author int REFERENCES pens); CREATE TABLE log (author int); INSERT INTO log VALUES (1)`, both, nil},
		"keys by its name go elsewhere":  {users + `CREATE TABLE pens (id int PRIMARY KEY); CREATE TABLE books (user_id int REFERENCES pens); CREATE TABLE log (user_id int); INSERT INTO log VALUES (1)`, deletes("users"), nil},
		"a key that shares the identity": {users + `CREATE TABLE profiles (id int PRIMARY KEY REFERENCES users ON DELETE CASCADE); CREATE TABLE log (id int); INSERT INTO log VALUES (1)`, deletes("profiles", "users"), nil},
		"of another type":                {users + `CREATE TABLE log (user_id text); INSERT INTO log VALUES (1)`, deletes("users"), nil},
		"without rows":                   {users + `CREATE TABLE log (user_id int)`, deletes("users"), nil},
		"with a key":                     {users + `CREATE TABLE log (user_id int REFERENCES users ON DELETE CASCADE); CREATE INDEX ON log (user_id); INSERT INTO log VALUES (1)`, deletes("users"), []string{"reached-unnamed users"}},
		"named by the runbook":           {users + `CREATE TABLE log (user_id int); INSERT INTO log VALUES (1)`, "protected: [log]\n" + deletes("users"), nil},
		"some rows stay":                 {users + `CREATE TABLE log (user_id int); INSERT INTO log VALUES (1)`, "phases: [{id: one, title: One, risk: high, planned: 1m, steps: [{delete: users, where: id > 1}]}]\n", nil},
		"a partitioned table":            {users + `CREATE TABLE log (user_id int) PARTITION BY RANGE (user_id); CREATE TABLE log1 PARTITION OF log FOR VALUES FROM (0) TO (9); INSERT INTO log VALUES (1)`, deletes("users"), lacking},
		"of a table that nobody deletes": {users + base + `CREATE TABLE log (parent_id int, user_id int); INSERT INTO log VALUES (1, 1)`, deletes("parent"), []string{"key-lacking parent"}},
	})
}
