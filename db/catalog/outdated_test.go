package catalog_test

import (
	"strings"
	"testing"

	"tminus/phases/lint"
)

func TestViewsThatShowOldRows(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for name, c := range map[string]struct{ sql, want string }{
		"steps: {delete: parent}, {sql: REFRESH MATERIALIZED VIEW m, rows: 0}": {base + `CREATE MATERIALIZED VIEW m AS SELECT * FROM parent`, ""},
		"steps: {sql: REFRESH MATERIALIZED VIEW m, rows: 0}, {delete: parent}": {base + `CREATE MATERIALIZED VIEW m AS SELECT * FROM parent`, `REFRESH MATERIALIZED VIEW "public"."m"`},
		"none":               {base + `CREATE VIEW v AS SELECT * FROM parent; CREATE TABLE other (n int); CREATE MATERIALIZED VIEW m AS SELECT * FROM other`, ""},
		"of the table":       {base + `CREATE MATERIALIZED VIEW m AS SELECT * FROM parent`, `REFRESH MATERIALIZED VIEW "public"."m"`},
		"with an index":      {base + `CREATE MATERIALIZED VIEW m AS SELECT * FROM parent; CREATE UNIQUE INDEX ON m (id)`, `REFRESH MATERIALIZED VIEW CONCURRENTLY "public"."m"`},
		"with half an index": {base + `CREATE MATERIALIZED VIEW m AS SELECT * FROM parent; CREATE UNIQUE INDEX ON m (id) WHERE id > 1`, `REFRESH MATERIALIZED VIEW "public"."m"`},
		"through a view":     {base + `CREATE VIEW v AS SELECT * FROM parent; CREATE VIEW w AS SELECT * FROM v; CREATE MATERIALIZED VIEW a AS SELECT * FROM w`, `REFRESH MATERIALIZED VIEW "public"."a"`},
		"in their order":     {base + `CREATE MATERIALIZED VIEW m AS SELECT * FROM parent; CREATE MATERIALIZED VIEW a AS SELECT m.id FROM m, parent`, `REFRESH MATERIALIZED VIEW "public"."m"; REFRESH MATERIALIZED VIEW "public"."a"`},
		"in a circle":        {base + `CREATE VIEW v AS SELECT id FROM parent; CREATE VIEW w AS SELECT id FROM v; CREATE OR REPLACE VIEW v AS SELECT w.id FROM w, parent`, ""},
		"never filled":       {base + `CREATE MATERIALIZED VIEW m AS SELECT * FROM parent WITH NO DATA`, ""},
		"of what is reached": {base + `CREATE TABLE child (parent int REFERENCES parent ON DELETE SET NULL); CREATE MATERIALIZED VIEW m AS SELECT * FROM child`, `REFRESH MATERIALIZED VIEW "public"."m"`},
		"of the whole table": {`CREATE TABLE whole (id int) PARTITION BY RANGE (id); CREATE TABLE parent PARTITION OF whole FOR VALUES FROM (0) TO (9); CREATE MATERIALIZED VIEW m AS SELECT * FROM whole`, `REFRESH MATERIALIZED VIEW "public"."m"`},
		"of a part":          {`CREATE TABLE parent (id int) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parent FOR VALUES FROM (0) TO (9); CREATE MATERIALIZED VIEW m AS SELECT * FROM part`, `REFRESH MATERIALIZED VIEW "public"."m"`},
	} {
		t.Run(name, func(t *testing.T) {
			source := deletes("parent")
			if steps, ok := strings.CutPrefix(name, "steps: "); ok {
				source = "phases: [{id: one, title: One, risk: high, planned: 1m, steps: [" + steps + "]}]\n"
			}
			book := parse(t, "tminus: 1\ntitle: T\n"+source)
			got := ""
			for _, f := range lint.New(book, asked(t, conn, book, c.sql)).Findings() {
				if f.Code == "view-outdated" {
					got += strings.TrimPrefix(f.Remedy, "after the last phase: ")
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
