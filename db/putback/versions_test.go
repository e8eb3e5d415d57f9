package putback_test

import (
	"strings"
	"testing"

	"tminus/db/capsule"
	"tminus/db/putback"
)

// since skips a test on servers that do not have what it is about.
func since(t *testing.T, version int) {
	t.Helper()
	if has := query[int](t, connect(t, with(t, "SELECT 1"), ""), "SELECT current_setting('server_version_num')::int"); has < version {
		t.Skipf("this server is %d, and %d has it", has, version)
	}
}

// Columns that are computed when they are read are in no capsule, and no obstacle.
func TestVirtualColumns(t *testing.T) {
	t.Parallel()
	since(t, 180000)
	dsn := with(t, `CREATE TABLE people (id int PRIMARY KEY, n int UNIQUE, twice int GENERATED ALWAYS AS (n * 2) VIRTUAL, half int GENERATED ALWAYS AS (n / 2) STORED UNIQUE, CHECK (twice < 1000));
		CREATE TABLE parts (id int, n int, twice int GENERATED ALWAYS AS (n * 2) VIRTUAL) PARTITION BY LIST (id); CREATE TABLE parts_1 PARTITION OF parts DEFAULT;
		INSERT INTO people SELECT i, i * 2 FROM generate_series(1, 9) i; INSERT INTO parts SELECT id, n FROM people`)
	before := prints(t, dsn)
	var capsules []*capsule.Capsule
	for _, sql := range []string{`UPDATE people SET n = n + 100; DELETE FROM parts WHERE id < 3`, `DELETE FROM people WHERE id > 2; UPDATE parts SET n = 1`, `DELETE FROM people; DELETE FROM parts`} {
		capsules = append([]*capsule.Capsule{phase(t, dsn, sql)}, capsules...)
	}
	for i, c := range capsules {
		if p := look(t, dsn, "", c, putback.Options{Before: capsules[:i]}); p.Err() != nil {
			t.Error(p.Err())
		}
	}
	for i, c := range capsules {
		run(t, dsn, "", c, putback.Options{Before: capsules[:i]})
	}
	same(t, dsn, before)
}

// A key over a period is checked as the server does: several rows may cover it.
func TestKeysOverPeriods(t *testing.T) {
	const schema = `CREATE TABLE rooms (id int4range, during daterange, price int, PRIMARY KEY (id, during WITHOUT OVERLAPS));
		CREATE TABLE stays (id int PRIMARY KEY, room int4range, during daterange, FOREIGN KEY (room, PERIOD during) REFERENCES rooms (id, PERIOD during));
		INSERT INTO rooms VALUES ('[1,1]', '[2026-01-01,2026-02-01)', 1), ('[1,1]', '[2026-02-01,2026-03-01)', 2), ('[2,2]', '[2026-01-01,2026-02-01)', 3);
		INSERT INTO stays VALUES (1, '[1,1]', '[2026-01-20,2026-02-10)'), (2, '[2,2]', '[2026-01-20,2026-01-25)'), (3, '[1,1]', '[2026-01-02,2026-01-03)')`
	since(t, 180000)
	asEach(t, schema, func(t *testing.T, dsn, role string, _ putback.Mode) {
		before := prints(t, dsn)
		for _, sql := range []string{`DELETE FROM stays`, `DELETE FROM stays; DELETE FROM rooms`, `DELETE FROM stays WHERE id = 1; DELETE FROM rooms WHERE price = 2`, `UPDATE rooms SET price = 5; INSERT INTO rooms VALUES ('[3,3]', '[2026-01-01,2026-02-01)', 1)`} {
			for _, done := range run(t, dsn, role, phase(t, dsn, sql), putback.Options{}).Tables {
				if len(done.Notes) > 0 {
					t.Errorf("%s: %q", done.Name, done.Notes)
				}
			}
			same(t, dsn, before)
		}
		c := phase(t, dsn, `DELETE FROM stays`)
		public(t, dsn, `DELETE FROM rooms WHERE price = 2`)
		if err := refused(t, dsn, role, c, putback.Options{}); !strings.Contains(err.Error(), "stays_room_during_fkey") {
			t.Errorf("refused by %v", err)
		}
	})
}
