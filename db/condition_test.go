package db

import (
	"testing"

	"tminus/phases/runbook"
)

// Rows that match a condition only since others went stay, as they do with one DELETE.
func TestAConditionThatTheDeleteChanges(t *testing.T) {
	t.Parallel()
	dsn := database(t, `CREATE TABLE users (id int PRIMARY KEY, note text DEFAULT repeat('x', 200)); INSERT INTO users SELECT g FROM generate_series(1, 4000) g;
		CREATE TABLE addresses (id int PRIMARY KEY, owner int REFERENCES users ON DELETE CASCADE); INSERT INTO addresses SELECT g, g FROM generate_series(1, 2000) g; CREATE INDEX ON addresses (owner);
		ALTER TABLE users ADD address int REFERENCES addresses ON DELETE SET NULL; UPDATE users SET address = id - 2000 WHERE id > 2000; CREATE INDEX ON users (address)`)
	got := goes(t, dsn, wayCalled("delete"), runbook.Step{Delete: "users", Where: "address IS NULL"})
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.rowsOf["users"] != 2000 {
		t.Errorf("%d users went, and one DELETE takes 2000", got.rowsOf["users"])
	}
}

func TestCallsOthers(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]bool{
		`id < 100`:                                      false,
		`created_at < now() - interval '1 year'`:        false,
		`id IN (1, 2) AND (lower(name) = 'x')`:          false,
		`NOT app.has_children(id)`:                      true,
		`random() < 0.5`:                                true,
		`"Now" (id)`:                                    true,
		`naïve(id)`:                                     true,
		`id = ANY (ARRAY[1, 2]) OR coalesce(b, 1) = 1`:  false,
		`note = 'by f(x)'`:                              true, // not looked at: one DELETE does no harm
		`note LIKE '%(x%' AND date_trunc('day', a) > b`: false,
	} {
		if got := callsOthers(where); got != want {
			t.Errorf("%s: %t", where, got)
		}
	}
}
