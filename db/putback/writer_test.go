package putback_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/putback"
)

const shop = `CREATE TABLE kinds (id int PRIMARY KEY); INSERT INTO kinds VALUES (1), (2);
	CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, n int, kind int REFERENCES kinds);
	CREATE TABLE letters (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE);
	INSERT INTO people SELECT i, 'p' || i, 0, 1 FROM generate_series(1, 10) i; INSERT INTO letters SELECT i, i FROM generate_series(1, 10) i`

// background sends a statement that has to wait, waits until it does, and gives
// where its outcome will come.
func background(t *testing.T, dsn string, s session, do func() error) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	pid := s.PgConn().PID()
	go func() { done <- do() }()
	eyes := connect(t, dsn, "")
	defer eyes.Close(limited(t))
	for !query[bool](t, eyes, fmt.Sprintf("SELECT pg_blocking_pids(%d) <> '{}'", pid)) {
		select {
		case err := <-done:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
	}
	return done
}

// Who writes while an undo begins is waited for, and what was written is seen.
func TestAnOpenWriterIsWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		writes string
		end    string
		fails  error
		want   string
	}{
		"another row":             {`INSERT INTO people VALUES (20, 'new', 1, 1)`, "COMMIT", nil, "11 46"},
		"a key that comes back":   {`INSERT INTO people VALUES (3, 'new', 1, 1)`, "COMMIT", putback.ErrConflict, "8 41"},
		"and is rolled back":      {`INSERT INTO people VALUES (3, 'new', 1, 1)`, "ROLLBACK", nil, "10 45"},
		"a changed row, again":    {`UPDATE people SET n = 9 WHERE id = 4`, "COMMIT", putback.ErrConflict, "7 44"},
		"a row beside it":         {`UPDATE people SET n = 9 WHERE id = 8`, "COMMIT", nil, "10 46"},
		"what is referred to":     {`DELETE FROM kinds WHERE id = 2`, "COMMIT", putback.ErrKeys, "7 40"},
		"nothing, but it may yet": {`SELECT FROM people WHERE id = 4 FOR UPDATE`, "COMMIT", nil, "10 45"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := with(t, shop+`; UPDATE people SET kind = 2 WHERE id = 2; UPDATE people SET n = id`)
			public(t, dsn, `UPDATE people SET n = 0 WHERE id > 9`)
			c := phase(t, dsn, `DELETE FROM people WHERE id < 4; UPDATE people SET n = 5 WHERE id = 4`)
			writer, undo := connect(t, dsn, ""), connect(t, dsn, "")
			exec(t, writer, "SET search_path = public; BEGIN; "+test.writes)
			exec(t, undo, "BEGIN")
			done := background(t, dsn, undo, func() error {
				_, err := putback.Run(limited(t), undo, c, putback.Options{})
				return err
			})
			exec(t, writer, test.end)
			if err := <-done; !errors.Is(err, test.fails) {
				t.Errorf("it ended with %v", err)
			} else if err != nil {
				exec(t, undo, "ROLLBACK")
			} else {
				exec(t, undo, "COMMIT")
			}
			if got := rows(t, dsn, `SELECT count(*) || ' ' || sum(n) FROM people`); got != test.want {
				t.Errorf("there are %s, want %s", got, test.want)
			}
		})
	}
}

// Who writes while an undo is under way waits for it, and then writes, or is told
// why not: no row is lost, and nobody is thrown out.
func TestAWriterWaitsForAnUndo(t *testing.T) {
	for name, test := range map[string]struct{ writes, code, want string }{
		"another row":             {`INSERT INTO people VALUES (20, 'new', 1, 1)`, "", "11 1 10"},
		"a key that came back":    {`INSERT INTO people VALUES (3, 'new', 1, 1)`, "23505", "10 0 10"},
		"all rows":                {`UPDATE people SET n = n + 1`, "", "10 10 10"},
		"rows that came back":     {`DELETE FROM people WHERE id < 4`, "", "7 0 7"},
		"a row that refers to it": {`INSERT INTO letters VALUES (20, 3)`, "", "10 0 11"},
		"what is referred to":     {`DELETE FROM kinds WHERE id = 1`, "23503", "10 0 10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := with(t, shop)
			c := phase(t, dsn, `DELETE FROM people WHERE id < 4; UPDATE people SET n = 5 WHERE id = 4; INSERT INTO letters VALUES (30, 5)`)
			writer, undo := connect(t, dsn, ""), connect(t, dsn, "")
			exec(t, writer, "SET search_path = public")
			exec(t, undo, "BEGIN")
			if _, err := putback.Run(limited(t), undo, c, putback.Options{}); err != nil {
				t.Fatal(err)
			}
			done := background(t, dsn, writer, func() error {
				_, err := writer.PgConn().Exec(limited(t), test.writes).ReadAll()
				return err
			})
			exec(t, undo, "COMMIT")
			err, code := <-done, ""
			if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
				code = pg.Code
			}
			if code != test.code {
				t.Errorf("the writer's statement ended with %v", err)
			}
			if got := rows(t, dsn, `SELECT count(*) || ' ' || sum(n) || ' ' || (SELECT count(*) FROM letters) FROM people`); got != test.want {
				t.Errorf("there are %s, want %s", got, test.want)
			}
		})
	}
}

// Who holds a row for an update, and sends it while the undo waits for that row,
// makes a circle: one of the two is told, and the other one's rows are right.
func TestAWriterAndAnUndoInACircle(t *testing.T) {
	t.Parallel()
	dsn := with(t, shop)
	c := phase(t, dsn, `DELETE FROM people WHERE id < 4; UPDATE people SET n = 5 WHERE id = 4`)
	writer, undo := connect(t, dsn, ""), connect(t, dsn, "")
	exec(t, writer, "SET search_path = public; BEGIN; SELECT FROM people WHERE id = 4 FOR UPDATE")
	exec(t, undo, "BEGIN")
	done := background(t, dsn, undo, func() error {
		_, err := putback.Run(limited(t), undo, c, putback.Options{})
		return err
	})
	_, wrote := writer.PgConn().Exec(limited(t), "UPDATE people SET n = 9 WHERE id = 4; COMMIT").ReadAll()
	if wrote != nil {
		exec(t, writer, "ROLLBACK")
	}
	undone := <-done
	want := "7 9"
	switch {
	case undone == nil && wrote != nil:
		exec(t, undo, "COMMIT")
		want = "10 0"
	case undone != nil && wrote == nil:
		exec(t, undo, "ROLLBACK")
	default:
		t.Errorf("the undo ended with %v, the writer with %v", undone, wrote)
	}
	if got := rows(t, dsn, `SELECT count(*) || ' ' || sum(n) FROM people`); got != want {
		t.Errorf("there are %s, want %s", got, want)
	}
}
