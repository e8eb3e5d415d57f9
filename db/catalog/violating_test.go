package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"tminus/phases/lint"
)

// What constraints make of a key that sets columns, against what the server says
// to the delete.
func TestConstraintsOnWhatAKeySets(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	const child = `CREATE TABLE child (id int PRIMARY KEY, parent int DEFAULT %s REFERENCES parent ON DELETE %s, other int); CREATE INDEX ON child (parent);
		INSERT INTO child SELECT i, i, 1 FROM generate_series(2, 9) i;`
	setNull, setDefault := fmt.Sprintf(child, "NULL", "SET NULL"), fmt.Sprintf(child, "1", "SET DEFAULT")
	for name, c := range map[string]struct {
		sql    string
		want   string // code; empty for none
		passes bool   // what the server says, where a code is found
	}{
		"none":                               {sql: setNull},
		"a check for NULL":                   {sql: setNull + `ALTER TABLE child ADD CHECK (parent IS NOT NULL)`, want: "null-refused"},
		"a check for NULL, not valid":        {sql: setNull + `ALTER TABLE child ADD CHECK (parent IS NOT NULL) NOT VALID`, want: "null-refused"},
		"a check of a value":                 {sql: setNull + `ALTER TABLE child ADD CHECK (parent > 0)`},
		"a check for one of two":             {sql: setNull + `ALTER TABLE child ADD CHECK (num_nonnulls(parent, other) = 2)`, want: "change-violates"},
		"a check that it passes":             {sql: setNull + `ALTER TABLE child ADD CHECK (parent IS NOT NULL OR other = 1)`, want: "change-violates", passes: true},
		"a check of another column":          {sql: setNull + `ALTER TABLE child ADD CHECK (other IS NOT NULL)`},
		"unique":                             {sql: setNull + `CREATE UNIQUE INDEX ON child (parent)`},
		"unique under a condition":           {sql: setNull + `CREATE UNIQUE INDEX ON child (other) WHERE parent IS NULL`, want: "change-violates"},
		"unique by an expression":            {sql: setNull + `CREATE UNIQUE INDEX ON child (coalesce(parent, 0))`, want: "change-violates"},
		"unique with equal NULLs":            {sql: setNull + `ALTER TABLE child ADD UNIQUE NULLS NOT DISTINCT (parent)`, want: "change-violates"},
		"unique with a default":              {sql: setDefault + `ALTER TABLE child ADD UNIQUE (parent)`, want: "change-violates"},
		"unique with a default, deferred":    {sql: setDefault + `ALTER TABLE child ADD UNIQUE (parent) DEFERRABLE INITIALLY DEFERRED`, want: "change-violates"},
		"an exclusion with a default":        {sql: setDefault + `ALTER TABLE child ADD EXCLUDE (parent WITH =)`, want: "change-violates"},
		"a check of the default":             {sql: setDefault + `ALTER TABLE child ADD CHECK (parent > 1)`, want: "change-violates"},
		"unique of another with a default":   {sql: setDefault + `ALTER TABLE child ADD UNIQUE (id, other)`},
		"emptied before":                     {sql: setNull + `ALTER TABLE child ADD CHECK (parent IS NOT NULL); DELETE FROM child; TRUNCATE child`},
		"a quoted column, checked for NULLs": {sql: base + `CREATE TABLE child ("Up" int REFERENCES parent ON DELETE SET NULL CHECK ("Up" IS NOT NULL)); CREATE INDEX ON child ("Up"); INSERT INTO child VALUES (2)`, want: "null-refused"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(c.sql, "NULLS NOT") && conn.PgConn().ParameterStatus("server_version") < "15" {
				t.Skip("servers before 15 do not know it")
			}
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			if !strings.HasPrefix(c.sql, base) {
				c.sql = base + c.sql
			}
			if _, err := conn.PgConn().Exec(t.Context(), c.sql).ReadAll(); err != nil {
				t.Fatal(err)
			}
			book := parse(t, "tminus: 1\ntitle: T\nphases: [{id: one, title: One, risk: high, planned: 1m, count: [child], steps: [{delete: parent, where: id > 1}]}]\n")
			var got []string
			for _, f := range lint.New(book, read(t, tx, book)).Findings() {
				if f.Code == "null-refused" || f.Code == "change-violates" {
					got = append(got, f.Code)
				}
			}
			_, err = conn.PgConn().Exec(t.Context(), `DELETE FROM parent WHERE id > 1; SET CONSTRAINTS ALL IMMEDIATE`).ReadAll()
			if refused := c.want != "" && !c.passes; strings.Join(got, " ") != c.want || refused != (err != nil) {
				t.Errorf("found %q, want %q; the server says: %v", got, c.want, err)
			}
		})
	}
	deferred := asked(t, conn, parse(t, "tminus: 1\ntitle: T\n"+deletes("parent")), base+`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE CONSTRAINT TRIGGER late AFTER DELETE ON parent DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()`)
	if f := lint.New(parse(t, "tminus: 1\ntitle: T\n"+deletes("parent")), deferred).Findings(); !strings.Contains(fmt.Sprint(f), "at the end of the phase, after all its work") {
		t.Errorf("a deferred trigger is said as %+v", f)
	}
}
