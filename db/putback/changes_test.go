package putback_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/capsule"
	"tminus/db/putback"
)

// What changed of the schema since is no matter, or is named and refused.
func TestTheSchemaChangedSince(t *testing.T) {
	for name, test := range map[string]struct{ since, refusal, note, now string }{
		"column dropped":    {`ALTER TABLE people DROP n`, "its column n is not there", "", ""},
		"column retyped":    {`ALTER TABLE people ALTER n TYPE bigint`, "its column n was integer, and is bigint", "", ""},
		"column renamed":    {`ALTER TABLE people RENAME n TO m`, "its column n is not there", "", ""},
		"column added":      {`ALTER TABLE people ADD m int DEFAULT 7`, "", "m was added since", "10 70"},
		"column needed":     {`ALTER TABLE people ADD m int NOT NULL DEFAULT 7; ALTER TABLE people ALTER m DROP DEFAULT`, "its column m was added since, takes no NULL and has no default", "", ""},
		"column generated":  {`ALTER TABLE people DROP n; ALTER TABLE people ADD n int GENERATED ALWAYS AS (id) STORED`, "its column n is generated now", "", ""},
		"generated added":   {`ALTER TABLE people ADD m int GENERATED ALWAYS AS (7) STORED`, "", "", "10 70"},
		"table gone":        {`DROP TABLE people`, "there is no such table", "", ""},
		"table renamed":     {`ALTER TABLE people RENAME TO folk`, "there is no such table", "", ""},
		"a view instead":    {`ALTER TABLE people RENAME TO folk; CREATE VIEW people AS SELECT * FROM folk`, "it is no table any more", "", ""},
		"insert rule":       {`CREATE RULE r AS ON INSERT TO people DO INSTEAD NOTHING; ALTER TABLE people ENABLE ALWAYS RULE r`, "its rule r would turn", "", ""},
		"rule that is idle": {`CREATE RULE r AS ON INSERT TO people DO INSTEAD NOTHING; ALTER TABLE people DISABLE RULE r`, "", "", "10 70"},
		"no key any more":   {`ALTER TABLE people DROP CONSTRAINT people_pkey`, "", "nothing makes (id) unique any more", "10 70"},
		"key not yet there": {`CREATE UNIQUE INDEX people_n ON people (n) WHERE n > 5`, "", "", "10 70"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := with(t, people)
			c := phase(t, dsn, `DELETE FROM people WHERE id < 4`)
			public(t, dsn, test.since)
			p := look(t, dsn, "", c, putback.Options{})
			if test.refusal != "" {
				if len(p.Refusals) == 0 || !strings.Contains(p.Refusals[0].Why, test.refusal) || p.Done {
					t.Errorf("refusals: %q", p.Refusals)
				}
				if err := refused(t, dsn, "", c, putback.Options{}); !errors.Is(err, putback.ErrRefused) || !strings.Contains(err.Error(), test.refusal) {
					t.Errorf("refused by %v", err)
				}
				return
			}
			if test.note != "" && !strings.Contains(strings.Join(p.Tables[0].Notes, "; "), test.note) {
				t.Errorf("notes: %q", p.Tables[0].Notes)
			}
			run(t, dsn, "", c, putback.Options{})
			column := "7"
			if strings.Contains(test.since, "ADD m") {
				column = "m"
			}
			if got := rows(t, dsn, `SELECT count(*) || ' ' || sum(`+column+`) FROM people`); got != test.now {
				t.Errorf("there are %s", got)
			}
		})
	}
}

const days = `CREATE TABLE kinds (id int PRIMARY KEY); INSERT INTO kinds VALUES (1), (2);
	CREATE TABLE days (day int, kind int REFERENCES kinds, t text, PRIMARY KEY (day)) PARTITION BY RANGE (day);
	CREATE SCHEMA cold; CREATE TABLE cold.low PARTITION OF days FOR VALUES FROM (1) TO (50); CREATE TABLE high PARTITION OF days FOR VALUES FROM (50) TO (100);
	CREATE TABLE notes (day int REFERENCES days, t text);
	INSERT INTO days SELECT i, 1 + i % 2, 'x' FROM generate_series(1, 99) i; INSERT INTO notes SELECT day, t FROM days`

// A view that was refreshed is in capsules of earlier versions, and is passed over;
// one that was made in a table's place since is none of them.
func TestViewsArePassedOver(t *testing.T) {
	for name, test := range map[string]struct{ does, since, refusal string }{
		"refreshed":               {`DELETE FROM people WHERE id < 4; REFRESH MATERIALIZED VIEW folk`, ``, ""},
		"refreshed once more":     {`DELETE FROM people WHERE id < 4; REFRESH MATERIALIZED VIEW folk`, `REFRESH MATERIALIZED VIEW folk`, ""},
		"made in a table's place": {`DELETE FROM people WHERE id < 4`, `ALTER TABLE people RENAME TO old; CREATE MATERIALIZED VIEW people AS SELECT * FROM old`, "it is no table any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := with(t, people+`; CREATE MATERIALIZED VIEW folk AS SELECT * FROM people`)
			before := prints(t, dsn)
			older := phase(t, dsn, `UPDATE people SET n = n + 1 WHERE id = 9; REFRESH MATERIALIZED VIEW folk`)
			c := phase(t, dsn, test.does)
			public(t, dsn, test.since)
			p := look(t, dsn, "", c, putback.Options{})
			if test.refusal != "" {
				if err := p.Err(); !errors.Is(err, putback.ErrRefused) || !strings.Contains(err.Error(), test.refusal) {
					t.Errorf("refused by %v", err)
				}
				return
			}
			last := p.Tables[len(p.Tables)-1]
			if p.Done || last.Name != "folk" || !strings.Contains(strings.Join(last.Notes, "; "), "it is a materialized view, and passed over") {
				t.Errorf("%+v", p)
			}
			run(t, dsn, "", c, putback.Options{})
			p = look(t, dsn, "", older, putback.Options{Before: []*capsule.Capsule{c}})
			if p.Done || p.Err() != nil {
				t.Errorf("%+v", p)
			}
			run(t, dsn, "", older, putback.Options{Before: []*capsule.Capsule{c}})
			same(t, dsn, before)
			if p := look(t, dsn, "", c, putback.Options{}); !p.Done {
				t.Errorf("not all is back: %+v", p)
			}
		})
	}
}

// Rows find their place among partitions that are not what they were.
func TestPartitionsMovedSince(t *testing.T) {
	for name, test := range map[string]struct {
		since, notes, content string
		fails                 string
	}{
		"as they were": {``, "", "cold.low 49 high 50", ""},
		"detached":     {`ALTER TABLE notes DROP CONSTRAINT notes_day_fkey; ALTER TABLE days DETACH PARTITION cold.low`, "it is no partition of days any more", "high 50", ""},
		"dropped, and others there": {
			`ALTER TABLE days DETACH PARTITION cold.low; DROP TABLE cold.low; CREATE TABLE a PARTITION OF days FOR VALUES FROM (1) TO (20); CREATE TABLE b PARTITION OF days FOR VALUES FROM (20) TO (50)`,
			"it is gone: its rows go to the partitions that days has now", "a 19 b 30 high 50", "",
		},
		"with other bounds": {
			`ALTER TABLE days DETACH PARTITION cold.low; ALTER TABLE days ATTACH PARTITION cold.low FOR VALUES FROM (1) TO (20); CREATE TABLE middle (t text, kind int, day int NOT NULL); ALTER TABLE days ATTACH PARTITION middle FOR VALUES FROM (20) TO (50)`,
			"it was attached to public.days since", "cold.low 19 middle 30 high 50", "",
		},
		"without a place": {`ALTER TABLE days DETACH PARTITION cold.low; ALTER TABLE days ATTACH PARTITION cold.low FOR VALUES FROM (1) TO (20)`, "it was attached", "", "no partition of relation"},
		"split":           {`ALTER TABLE days DETACH PARTITION cold.low; ALTER TABLE cold.low RENAME TO lower; CREATE TABLE cold.low PARTITION OF days FOR VALUES FROM (1) TO (50) PARTITION BY LIST (kind); CREATE TABLE odd PARTITION OF cold.low FOR VALUES IN (1); CREATE TABLE even PARTITION OF cold.low DEFAULT`, "has partitions now", "odd 24 even 25 high 50", "cannot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "split" { // a primary key over day alone stands against it
				return
			}
			dsn := with(t, days)
			c := phase(t, dsn, `DELETE FROM notes; DELETE FROM days`)
			public(t, dsn, test.since)
			p := look(t, dsn, "", c, putback.Options{})
			var notes []string
			for _, table := range p.Tables {
				notes = append(notes, table.Notes...)
			}
			if test.notes != "" && !strings.Contains(strings.Join(notes, "; "), test.notes) {
				t.Errorf("notes: %q", notes)
			}
			if test.fails != "" {
				if err := refused(t, dsn, "", c, putback.Options{}); !strings.Contains(err.Error(), test.fails) {
					t.Errorf("refused by %v", err)
				}
				return
			}
			run(t, dsn, "", c, putback.Options{})
			if got := rows(t, dsn, `SELECT tableoid::regclass || ' ' || count(*) FROM days GROUP BY tableoid ORDER BY tableoid::regclass::text`); strings.Join(sorted(got), " ") != strings.Join(sorted(test.content), " ") {
				t.Errorf("there are %s", got)
			}
			if r := run(t, dsn, "", c, putback.Options{}); !r.Done {
				t.Errorf("done, and done again: %+v", r)
			}
		})
	}
}

// stumbling is a session whose COPY ends at a line, as a Japanese server says it.
type stumbling struct{ session }

func (s stumbling) CopyFrom(context.Context, io.Reader, string) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, &pgconn.PgError{Severity: "ERROR", Code: "54000", Message: "too long", Where: "peopleのCOPY、行 1: \"p1 secret\""}
}

func TestNoErrorQuotesARow(t *testing.T) {
	t.Parallel()
	dsn := with(t, people)
	c := phase(t, dsn, `DELETE FROM people`)
	s := connect(t, dsn, "")
	defer s.Close(limited(t))
	exec(t, s, "BEGIN")
	_, err := putback.Run(limited(t), stumbling{s}, c, putback.Options{})
	exec(t, s, "ROLLBACK")
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pg.Where != "" || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%v, at %q", err, pg.Where)
	}
}

// Values of every awkward kind come back to the letter.
func TestValuesComeBack(t *testing.T) {
	asEach(t, `CREATE TYPE pair AS (a int, b text); CREATE DOMAIN given AS text NOT NULL;
		CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY, f float8, r real, n numeric, d date, ts timestamptz, i interval, raw bytea, p pair, ps pair[], ts2 text[], j jsonb, x json,
			g given DEFAULT 'x', c char(5), s text, m money, bits bit varying, ip inet, range tstzrange, twice float8 GENERATED ALWAYS AS (f * 2) STORED, v tsvector, b box, PRIMARY KEY (id));
		INSERT INTO people (f, r, n, d, ts, i, raw, p, ps, ts2, j, x, c, s, m, bits, ip, range, v, b) VALUES
			('NaN', '-Infinity', 'NaN', '-infinity', 'infinity', '-1 mon +3 days -04:05:06.789', '\x00ff0a09', ROW(1, E'a"b\\c'), ARRAY[ROW(1, NULL)::pair, NULL], ARRAY['', NULL, 'a,b', '{}', E'\n'], '{"a": [1, null]}', '{"b" :  1}', 'a', E'tab\t new\nline \\N \\. \r back\b', 12.34, B'1010', '::1', '[2026-01-01,)', 'a b:2', '(1,2),(3,4)'),
			(1e-310, 1.1, 1.10, '0044-03-15 BC', '4713-01-01 BC', '1 year', '', NULL, '{}', '{}', 'null', 'null', '', '', -1, '', '10.0.0.0/8', 'empty', '', NULL),
			(0.1 + 0.2, 3.4e38, 1e100, '5874897-12-31', '2026-03-29 01:30:00+00', '0', decode(repeat('0a', 1000), 'hex'), ROW(NULL, ''), NULL, ARRAY[['a'],['b']], NULL, NULL, NULL, '\N', NULL, NULL, NULL, NULL, NULL, NULL),
			(-0.0, NULL, -0.0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '.', NULL, NULL, NULL, NULL, NULL, NULL)`,
		func(t *testing.T, dsn, role string, _ putback.Mode) {
			before := prints(t, dsn)
			for _, sql := range []string{`DELETE FROM people`, `DELETE FROM people WHERE id < 3`, `UPDATE people SET f = 0, r = 0, n = 0, d = '2026-01-01', ts = now(), raw = '', p = NULL, x = '1', s = 'x', c = 'y', m = 0`} {
				c := phase(t, dsn, sql)
				run(t, dsn, role, c, putback.Options{})
				same(t, dsn, before)
				if r := run(t, dsn, role, c, putback.Options{}); !r.Done {
					t.Errorf("%s: done, and done again: %+v", sql, r)
				}
			}
		})
}

// A value may be larger than what is held in memory.
func TestLargeValues(t *testing.T) {
	t.Parallel()
	dsn := with(t, `CREATE TABLE people (id int PRIMARY KEY, s text, raw bytea); ALTER TABLE people ALTER s SET STORAGE EXTERNAL;
		INSERT INTO people SELECT i, repeat(E'line\n\\' || i, 400000), decode(repeat('00ff', 700000), 'hex') FROM generate_series(1, 2) i`)
	before := prints(t, dsn)
	for _, sql := range []string{`DELETE FROM people`, `DELETE FROM people WHERE id = 1`, `UPDATE people SET s = ''`} {
		run(t, dsn, "", phase(t, dsn, sql), putback.Options{})
		same(t, dsn, before)
	}
}

// A capsule that is damaged puts nothing back.
func TestADamagedCapsule(t *testing.T) {
	t.Parallel()
	dsn := with(t, people)
	c := phase(t, dsn, `DELETE FROM people`)
	before := prints(t, dsn)
	dir := folderOf(t, c)
	file := filepath.Join(dir, c.Manifest().Tables[0].Streams[capsule.Gone].File)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	i := len(data) / 2
	data[i] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err = capsule.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := refused(t, dsn, "", c, putback.Options{}); bytes.Contains([]byte(err.Error()), []byte("p5")) {
		t.Error(err)
	}
	same(t, dsn, before)
}

// Without the rights for it, nothing is put back.
func TestRowSecurity(t *testing.T) {
	t.Parallel()
	dsn := with(t, people+`; ALTER TABLE people ENABLE ROW LEVEL SECURITY`)
	owner := member(t, dsn, ways[putback.WithoutKeys])
	c := phase(t, dsn, `DELETE FROM people`)
	public(t, dsn, `ALTER TABLE people FORCE ROW LEVEL SECURITY`)
	if err := refused(t, dsn, owner, c, putback.Options{}); !errors.Is(err, putback.ErrRefused) || !strings.Contains(err.Error(), "row security") {
		t.Errorf("refused by %v", err)
	}
	public(t, dsn, `ALTER TABLE people NO FORCE ROW LEVEL SECURITY`)
	run(t, dsn, owner, c, putback.Options{}) // it does not apply to the owner
}

// sorted is words in order.
func sorted(s string) []string {
	words := strings.Fields(s)
	var pairs []string
	for i := 0; i+1 < len(words); i += 2 {
		pairs = append(pairs, words[i]+" "+words[i+1])
	}
	slices.Sort(pairs)
	return pairs
}
