package putback_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tminus/db/putback"
)

const people = `CREATE TABLE people (id int PRIMARY KEY, email text, n int, UNIQUE (email));
	INSERT INTO people SELECT i, 'p' || i, 0 FROM generate_series(1, 10) i`

// rows gives what a query finds, a line each.
func rows(t *testing.T, dsn, sql string) string {
	t.Helper()
	s := connect(t, dsn, "")
	defer s.Close(limited(t))
	exec(t, s, "SET search_path = public")
	return strings.Join(list(t, s, sql), " ")
}

func choose(c putback.Choice) putback.Options {
	return putback.Options{Choices: map[string]putback.Choice{"people": c}}
}

// conflicts are a plan's, a word each.
func conflicts(p putback.Plan) (out []string) {
	for _, t := range p.Tables {
		for _, c := range t.Conflicts {
			out = append(out, fmt.Sprintf("%s: %s %s %d %v", t.Called, c.Kind, c.By, c.Rows, c.Keys))
		}
	}
	slices.Sort(out)
	return out
}

// What others wrote since is never lost without a word: it stops an undo, or
// goes the way that was chosen.
func TestWhatOthersWroteIsInTheWay(t *testing.T) {
	for name, test := range map[string]struct {
		phase, since        string
		conflicts           []string
		stop, keep, replace string // the table afterwards; empty: not to be tried
	}{
		"nothing": {
			`DELETE FROM people WHERE id > 2`, `INSERT INTO people VALUES (11, 'new', 1)`, nil,
			"1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0 11new:1", "", "",
		},
		"key taken": {
			`DELETE FROM people WHERE id IN (3, 4, 5)`, `INSERT INTO people VALUES (3, 'new', 1)`,
			[]string{"people: key taken people_pkey 1 [(3)]"},
			"", "1p1:0 2p2:0 3new:1 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0", "1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0",
		},
		"another key taken": {
			`DELETE FROM people WHERE id > 4`, `INSERT INTO people VALUES (50, 'p5', 1), (5, 'p6', 1)`,
			[]string{"people: key taken people_email_key 2 [(5) (6)]", "people: key taken people_pkey 1 [(5)]"},
			"", "1p1:0 2p2:0 3p3:0 4p4:0 5p6:1 7p7:0 8p8:0 9p9:0 10p10:0 50p5:1", "1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0",
		},
		"changed since": {
			`UPDATE people SET n = 5 WHERE id < 4`, `UPDATE people SET n = 6 WHERE id = 1; UPDATE people SET email = 'x' WHERE id = 4`,
			[]string{"people: changed since id 1 [(1)]"},
			"", "1p1:6 2p2:0 3p3:0 4x:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0", "1p1:0 2p2:0 3p3:0 4x:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0",
		},
		"gone since": {
			`UPDATE people SET n = 5 WHERE id < 4`, `DELETE FROM people WHERE id = 2`,
			[]string{"people: gone since id 1 [(2)]"},
			"", "1p1:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0", "1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0",
		},
		"added row changed": {
			`INSERT INTO people VALUES (11, 'p11', 0), (12, 'p12', 0), (13, 'p13', 0)`, `UPDATE people SET n = 1 WHERE id = 12; DELETE FROM people WHERE id = 13`,
			[]string{"people: added row changed id 1 [(12)]"},
			"", "1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0 12p12:1", "1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0",
		},
		"old value taken": {
			`UPDATE people SET email = 'x' || id WHERE id < 3`, `INSERT INTO people VALUES (11, 'p1', 1)`,
			[]string{"people: key taken people_email_key 1 [(1)]"},
			"", "1x1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0 11p1:1", "1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0",
		},
		"all there already": {
			`DELETE FROM people WHERE id < 3; UPDATE people SET n = 5 WHERE id = 3; INSERT INTO people VALUES (11, 'p11', 0)`,
			`INSERT INTO people VALUES (1, 'p1', 0), (2, 'p2', 0); UPDATE people SET n = 0 WHERE id = 3; DELETE FROM people WHERE id = 11`, nil,
			"1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0", "", "",
		},
		"half there already": {
			`DELETE FROM people`, `INSERT INTO people VALUES (1, 'p1', 0), (2, 'p2', 0)`, nil,
			"1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0", "", "",
		},
		"key used again by the phase itself": {
			`DELETE FROM people WHERE id = 1; INSERT INTO people VALUES (21, 'p1', 1); UPDATE people SET email = 'p10x' WHERE id = 10; UPDATE people SET email = 'p10' WHERE id = 9`, ``, nil,
			"1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0", "", "",
		},
		"deleted and inserted again": {
			`DELETE FROM people WHERE id < 3; INSERT INTO people VALUES (1, 'p1', 0), (2, 'p2', 7)`, ``, nil,
			"1p1:0 2p2:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0", "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const content = `SELECT id || email || ':' || n FROM people ORDER BY id`
			for choice, want := range map[putback.Choice]string{putback.Stop: test.stop, putback.Keep: test.keep, putback.Replace: test.replace} {
				if want == "" && choice != putback.Stop {
					continue
				}
				dsn := with(t, people)
				c := phase(t, dsn, test.phase)
				public(t, dsn, test.since)
				there := rows(t, dsn, content)
				p := look(t, dsn, "", c, choose(choice))
				if got := conflicts(p); !slices.Equal(got, test.conflicts) {
					t.Errorf("%s: conflicts %q, want %q", choice, got, test.conflicts)
				}
				if got := rows(t, dsn, content); got != there {
					t.Errorf("a look changed %s to %s", there, got)
				}
				if want == "" {
					if err := refused(t, dsn, "", c, choose(choice)); !errors.Is(err, putback.ErrConflict) {
						t.Errorf("stopped by %v", err)
					} else if strings.Contains(err.Error(), "p5") {
						t.Errorf("content in %v", err)
					}
					continue
				}
				r := run(t, dsn, "", c, choose(choice))
				if got := rows(t, dsn, content); got != want {
					t.Errorf("%s: %s\nwant %s", choice, got, want)
				}
				planned, did := p.Tables[0], r.Tables[0].Table
				if planned.Back != did.Back || planned.Set != did.Set || planned.Go != did.Go || planned.There != did.There || planned.Kept != did.Kept || planned.Replaced != did.Replaced {
					t.Errorf("%s: planned %+v, done %+v", choice, planned, did)
				}
				if choice != putback.Keep {
					if again := run(t, dsn, "", c, putback.Options{}); !again.Done {
						t.Errorf("%s: done, and done again: %+v", choice, again)
					}
				}
			}
		})
	}
}

// What must be unique is found whatever it is made of.
func TestWhatIsUniqueIsSeen(t *testing.T) {
	for name, test := range map[string]struct {
		schema, since, by string
		version           int
	}{
		"expression": {`CREATE TABLE people (id int PRIMARY KEY, email text, n int); CREATE UNIQUE INDEX lowered ON people (lower(email), abs(n))`, `INSERT INTO people VALUES (99, 'P1', -1)`, "lowered", 0},
		"partial":    {`CREATE TABLE people (id int PRIMARY KEY, email text, n int); CREATE UNIQUE INDEX living ON people (email) WHERE n > 0`, `INSERT INTO people VALUES (98, 'p1', 0), (99, 'p1', 7)`, "living", 0},
		"generated":  {`CREATE TABLE people (id int PRIMARY KEY, email text, n int, twice int GENERATED ALWAYS AS (n * 2) STORED UNIQUE)`, `INSERT INTO people VALUES (99, 'x', 1)`, "people_twice_key", 0},
		"nulls":      {`CREATE TABLE people (id int PRIMARY KEY, email text, n int, UNIQUE NULLS NOT DISTINCT (n))`, `INSERT INTO people VALUES (99, 'x', NULL)`, "people_n_key", 150000},
		"exclusion":  {`CREATE TABLE people (id int PRIMARY KEY, email text, n int, EXCLUDE USING gist (int4range(n, n + 1) WITH &&) WHERE (n > 0))`, `INSERT INTO people VALUES (99, 'x', 1)`, "people_int4range_excl", 0},
		"deferrable": {`CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE DEFERRABLE INITIALLY DEFERRED, n int)`, `INSERT INTO people VALUES (99, 'p1', 9)`, "people_email_key", 0},
		"collation": {
			`CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE people (id int PRIMARY KEY, email text COLLATE loose UNIQUE, n int)`,
			`INSERT INTO people VALUES (99, 'P1', 9)`, "people_email_key", 0,
		},
		"domain":    {`CREATE DOMAIN mail AS varchar(20); CREATE TABLE people (id int PRIMARY KEY, email mail UNIQUE, n int)`, `INSERT INTO people VALUES (99, 'p1', 9)`, "people_email_key", 0},
		"extension": {`CREATE EXTENSION citext; CREATE TABLE people (id int PRIMARY KEY, email citext UNIQUE, n int)`, `INSERT INTO people VALUES (99, 'P1', 9)`, "people_email_key", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := with(t, `SELECT 1`)
			s := connect(t, dsn, "")
			if query[int](t, s, "SELECT current_setting('server_version_num')::int") < test.version {
				t.Skip("this server does not have it")
			}
			if name == "extension" && !query[bool](t, s, "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citext')") {
				t.Skip("this server does not have it")
			}
			public(t, dsn, test.schema+`; INSERT INTO people (id, email, n) SELECT i, 'p' || i, nullif(i, 3) FROM generate_series(1, 5) i`)
			c := phase(t, dsn, `DELETE FROM people WHERE id < 4`)
			public(t, dsn, test.since)
			if got := conflicts(look(t, dsn, "", c, putback.Options{})); len(got) != 1 || !strings.HasPrefix(got[0], "people: key taken "+test.by+" 1 ") {
				t.Errorf("conflicts: %q", got)
			}
			run(t, dsn, "", c, choose(putback.Replace))
			if got := rows(t, dsn, `SELECT id::text FROM people ORDER BY id`); got != "1 2 3 4 5" && got != "1 2 3 4 5 98" {
				t.Errorf("there are %s", got)
			}
		})
	}
}

// Rows without a key are compared whole, and counted: three that are the same are three.
func TestRowsWithoutAKey(t *testing.T) {
	const lines = `SELECT a || ':' || b FROM people ORDER BY a, b`
	for name, test := range map[string]struct{ phase, since, want, conflict string }{
		"all":              {`DELETE FROM people`, ``, "1:x 1:x 1:x 2:y 3:z", ""},
		"some":             {`DELETE FROM people WHERE a = 1`, ``, "1:x 1:x 1:x 2:y 3:z", ""},
		"one of three":     {`DELETE FROM people WHERE ctid = '(0,1)'`, ``, "1:x 1:x 1:x 2:y 3:z", ""},
		"one, and another": {`DELETE FROM people WHERE ctid = '(0,1)'`, `INSERT INTO people VALUES (1, 'x')`, "1:x 1:x 1:x 2:y 3:z", ""},
		"changed":          {`UPDATE people SET b = 'q' WHERE a = 1`, ``, "1:x 1:x 1:x 2:y 3:z", ""},
		"changed, and one again": {
			`UPDATE people SET b = 'q' WHERE a < 3`, `UPDATE people SET b = 'r' WHERE a = 2`,
			"1:x 1:x 1:x 2:r 2:y 3:z", "people: gone since all columns 1 []",
		},
		"added":           {`INSERT INTO people VALUES (3, 'z'), (4, 'v')`, ``, "1:x 1:x 1:x 2:y 3:z", ""},
		"added, and gone": {`INSERT INTO people VALUES (3, 'z'), (4, 'v')`, `DELETE FROM people WHERE a = 4`, "1:x 1:x 1:x 2:y 3:z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := with(t, `CREATE TABLE people (a int, b text); INSERT INTO people VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, 'y'), (3, 'z')`)
			c := phase(t, dsn, test.phase)
			public(t, dsn, test.since)
			if got := strings.Join(conflicts(look(t, dsn, "", c, putback.Options{})), "; "); got != test.conflict {
				t.Errorf("conflicts: %q", got)
			}
			opt := putback.Options{}
			if test.conflict != "" {
				opt = choose(putback.Keep)
			}
			run(t, dsn, "", c, opt)
			if got := rows(t, dsn, lines); got != test.want {
				t.Errorf("there are %s, want %s", got, test.want)
			}
			if r := run(t, dsn, "", c, opt); !r.Done {
				t.Errorf("done, and done again: %+v", r)
			}
		})
	}
}
