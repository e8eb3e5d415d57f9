package putback_test

import (
	"slices"
	"strings"
	"testing"

	"tminus/db/capsule"
	"tminus/db/putback"
)

// Phases are undone from the last one back: each is judged by what will be there
// when the later ones are undone, and that is what is found then.
func TestPhasesAreUndoneOneAfterAnother(t *testing.T) {
	const keyless = `CREATE TABLE people (a int, b text); INSERT INTO people VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, 'y'), (3, 'z')`
	for name, test := range map[string]struct {
		schema string
		phases []string
		since  string
		found  []string // conflicts of all phases, the last one's first
		choice putback.Choice
		want   string // where it is not as it was before
	}{
		"changed, changed again, deleted": {
			people, []string{`UPDATE people SET n = 1, email = 'a' || id WHERE id < 6`, `UPDATE people SET n = 2 WHERE id IN (3, 4, 7)`, `DELETE FROM people WHERE id IN (4, 5, 8)`}, ``, nil, "", "",
		},
		"all of it goes at last": {
			people, []string{`UPDATE people SET n = 1`, `INSERT INTO people VALUES (11, 'new', 0); UPDATE people SET n = 2 WHERE id < 5`, `DELETE FROM people`}, ``, nil, "", "",
		},
		"added, deleted later": {
			people, []string{`INSERT INTO people VALUES (11, 'new', 0), (12, 'other', 0)`, `UPDATE people SET n = 5 WHERE id = 12; DELETE FROM people WHERE id = 11`, `DELETE FROM people WHERE id = 12`}, ``, nil, "", "",
		},
		"deleted, added by a later one": {
			people, []string{`DELETE FROM people WHERE id IN (1, 2)`, `INSERT INTO people VALUES (1, 'new', 7), (50, 'p2', 7)`, `UPDATE people SET email = 'p1' WHERE id = 1`}, ``, nil, "", "",
		},
		"unique values passed on": {
			people, []string{`DELETE FROM people WHERE id = 1; UPDATE people SET email = 'p1' WHERE id = 2`, `UPDATE people SET email = 'p2' WHERE id = 3; DELETE FROM people WHERE id = 2; UPDATE people SET email = 'p1' WHERE id = 4`, `DELETE FROM people WHERE id = 4; INSERT INTO people VALUES (11, 'p1', 0), (12, 'p4', 0); UPDATE people SET email = 'p3' WHERE id = 5`}, ``, nil, "", "",
		},
		"changed by somebody in between": {
			people,
			[]string{`UPDATE people SET n = 1 WHERE id < 4`, `SINCE UPDATE people SET n = 9 WHERE id = 2`, `UPDATE people SET n = 2 WHERE id < 4`, `DELETE FROM people WHERE id < 4`},
			``,
			[]string{"people: changed since id 1 [(2)]"},
			putback.Replace, "",
		},
		"changed by somebody afterwards": {
			people,
			[]string{`UPDATE people SET n = 1 WHERE id < 4`, `UPDATE people SET n = 2 WHERE id = 2`},
			`UPDATE people SET n = 9 WHERE id IN (2, 3)`,
			[]string{"people: changed since id 1 [(2)]", "people: changed since id 1 [(3)]"},
			putback.Replace, "",
		},
		"kept as somebody has it": {
			people,
			[]string{`UPDATE people SET n = 1 WHERE id < 4`, `UPDATE people SET n = 2 WHERE id = 2`},
			`UPDATE people SET n = 9 WHERE id = 2`,
			[]string{"people: changed since id 1 [(2)]"},
			putback.Keep, "1p1:0 2p2:9 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0",
		},
		"deleted by somebody in between": {
			people,
			[]string{`UPDATE people SET n = 1 WHERE id < 4`, `SINCE DELETE FROM people WHERE id = 2`, `DELETE FROM people WHERE id < 4`},
			``,
			[]string{"people: gone since id 1 [(2)]"},
			putback.Keep, "1p1:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0",
		},
		"a key taken by somebody in between": {
			people,
			[]string{`DELETE FROM people WHERE id = 2`, `SINCE INSERT INTO people VALUES (20, 'p2', 3)`, `DELETE FROM people WHERE id IN (3, 20)`},
			``,
			[]string{"people: key taken people_email_key 1 [(2)]"},
			putback.Keep, "1p1:0 3p3:0 4p4:0 5p5:0 6p6:0 7p7:0 8p8:0 9p9:0 10p10:0 20p2:3",
		},
		"a key taken by somebody afterwards": {
			people,
			[]string{`DELETE FROM people WHERE id = 2`, `UPDATE people SET n = 3 WHERE id = 3`},
			`INSERT INTO people VALUES (2, 'new', 1)`,
			[]string{"people: key taken people_pkey 1 [(2)]"},
			putback.Replace, "",
		},
		"an added row changed by somebody": {
			people,
			[]string{`INSERT INTO people VALUES (11, 'new', 0)`, `SINCE UPDATE people SET n = 9 WHERE id = 11`, `DELETE FROM people WHERE id > 9`},
			``,
			[]string{"people: added row changed id 1 [(11)]"},
			putback.Replace, "",
		},
		"without a key": {
			keyless, []string{`DELETE FROM people WHERE ctid = '(0,1)'`, `DELETE FROM people WHERE ctid = '(0,2)'`, `UPDATE people SET b = 'q'`}, ``, nil, "", "",
		},
		"without a key, added and deleted later": {
			keyless, []string{`INSERT INTO people VALUES (1, 'x'), (4, 'v'), (4, 'v')`, `DELETE FROM people WHERE a IN (1, 4)`, `DELETE FROM people`}, ``, nil, "", "",
		},
		"without a key, changed by somebody": {
			keyless,
			[]string{`UPDATE people SET b = 'q' WHERE a < 3`, `SINCE UPDATE people SET b = 'r' WHERE a = 2`, `DELETE FROM people WHERE a > 1`},
			``,
			[]string{"people: gone since all columns 1 []"},
			putback.Keep, "1x 1x 1x 2r 2y 3z",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := `SELECT id || email || ':' || n FROM people ORDER BY id`
			if test.schema == keyless {
				content = `SELECT a || b FROM people ORDER BY a, b`
			}
			dsn := with(t, test.schema)
			want := rows(t, dsn, content)
			if test.want != "" {
				want = test.want
			}
			var capsules []*capsule.Capsule
			for _, sql := range test.phases {
				if since, ok := strings.CutPrefix(sql, "SINCE "); ok {
					public(t, dsn, since)
					continue
				}
				capsules = append([]*capsule.Capsule{phase(t, dsn, sql)}, capsules...)
			}
			public(t, dsn, test.since)
			there := rows(t, dsn, content)
			var found []string
			var plans []putback.Plan
			for i, c := range capsules {
				stopped := look(t, dsn, "", c, putback.Options{Before: capsules[:i]})
				found = append(found, conflicts(stopped)...)
				opt := choose(test.choice)
				opt.Before = capsules[:i]
				plans = append(plans, look(t, dsn, "", c, opt))
			}
			if !slices.Equal(found, test.found) {
				t.Errorf("found are %q", found)
			}
			if got := rows(t, dsn, content); got != there {
				t.Errorf("a look changed %s to %s", there, got)
			}
			for i, c := range capsules {
				opt := choose(test.choice)
				opt.Before = capsules[:i]
				did := run(t, dsn, "", c, opt).Tables[0].Table
				planned := plans[i].Tables[0]
				if planned.Back != did.Back || planned.Set != did.Set || planned.Go != did.Go || planned.There != did.There || planned.Kept != did.Kept || planned.Replaced != did.Replaced {
					t.Errorf("planned %+v\ndone %+v", planned, did)
				}
				if p := look(t, dsn, "", c, putback.Options{}); !p.Done && test.choice != putback.Keep && test.schema != keyless {
					t.Errorf("undone, and still to do: %+v", p)
				}
			}
			if got := rows(t, dsn, content); got != want {
				t.Errorf("there are %s\nwant %s", got, want)
			}
		})
	}
}
