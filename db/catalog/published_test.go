package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"tminus/phases/lint"
)

// What a publication refuses, by what the server says to the same delete: lint
// finds it exactly then.
func TestPublications(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	const bare = `CREATE TABLE parent (id int NOT NULL, other int); INSERT INTO parent SELECT generate_series(1, 9);
`
	const child = `CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE %s); CREATE INDEX ON child (parent);`
	const parts = `CREATE TABLE parent (id int, other int) PARTITION BY RANGE (id); CREATE TABLE parent1 PARTITION OF parent FOR VALUES FROM (0) TO (5);
		CREATE TABLE parent2 PARTITION OF parent (PRIMARY KEY (id)) FOR VALUES FROM (5) TO (9); INSERT INTO parent VALUES (1), (7);`
	newer := map[string]bool{"a row filter": true, "a row filter of the identity": true, "columns without the identity": true, "columns, all identity": true, "a schema": true, "a filter of the root": true}
	for name, c := range map[string]struct {
		sql  string
		want string // codes
	}{
		"with a primary key":              {base + `CREATE PUBLICATION p FOR TABLE parent`, "publication-sends"},
		"without":                         {bare + `CREATE PUBLICATION p FOR TABLE parent`, "publication-refuses publication-sends"},
		"all tables":                      {bare + `CREATE PUBLICATION p FOR ALL TABLES`, "publication-refuses publication-sends"},
		"a schema":                        {bare + `CREATE PUBLICATION p FOR TABLES IN SCHEMA public`, "publication-refuses publication-sends"},
		"inserts alone":                   {bare + `CREATE PUBLICATION p FOR TABLE parent WITH (publish = 'insert')`, ""},
		"updates alone":                   {bare + `CREATE PUBLICATION p FOR TABLE parent WITH (publish = 'insert, update')`, ""},
		"another table":                   {bare + `CREATE TABLE other (n int); CREATE PUBLICATION p FOR TABLE other`, ""},
		"full":                            {bare + `ALTER TABLE parent REPLICA IDENTITY FULL; CREATE PUBLICATION p FOR TABLE parent`, "publication-sends"},
		"nothing":                         {base + `ALTER TABLE parent REPLICA IDENTITY NOTHING; CREATE PUBLICATION p FOR TABLE parent`, "publication-refuses publication-sends"},
		"an index":                        {bare + `CREATE UNIQUE INDEX i ON parent (id); ALTER TABLE parent REPLICA IDENTITY USING INDEX i; CREATE PUBLICATION p FOR TABLE parent`, "publication-sends"},
		"an index that is gone":           {bare + `CREATE UNIQUE INDEX i ON parent (id); ALTER TABLE parent REPLICA IDENTITY USING INDEX i; DROP INDEX i; CREATE PUBLICATION p FOR TABLE parent`, "publication-refuses publication-sends"},
		"a deferrable key":                {`CREATE TABLE parent (id int PRIMARY KEY DEFERRABLE); INSERT INTO parent VALUES (1); CREATE PUBLICATION p FOR TABLE parent`, "publication-refuses publication-sends"},
		"a cascade":                       {base + fmt.Sprintf(child, "CASCADE") + `ALTER TABLE child REPLICA IDENTITY NOTHING; CREATE PUBLICATION p FOR TABLE child`, "publication-refuses publication-sends"},
		"set to null":                     {base + fmt.Sprintf(child, "SET NULL") + `ALTER TABLE child REPLICA IDENTITY NOTHING; CREATE PUBLICATION p FOR TABLE child WITH (publish = 'update')`, "publication-refuses publication-sends"},
		"set to null, deletes alone":      {base + fmt.Sprintf(child, "SET NULL") + `ALTER TABLE child REPLICA IDENTITY NOTHING; CREATE PUBLICATION p FOR TABLE child WITH (publish = 'delete')`, ""},
		"partitions":                      {parts + `CREATE PUBLICATION p FOR TABLE parent`, "publication-refuses publication-sends"},
		"partitions by their root":        {parts + `CREATE PUBLICATION p FOR TABLE parent WITH (publish_via_partition_root)`, "publication-refuses publication-sends"},
		"the partition with an identity":  {parts + `CREATE PUBLICATION p FOR TABLE parent2`, "publication-sends"},
		"a row filter":                    {bare + `CREATE UNIQUE INDEX i ON parent (id); ALTER TABLE parent REPLICA IDENTITY USING INDEX i; CREATE PUBLICATION p FOR TABLE parent WHERE (other > 1)`, "publication-refuses publication-sends"},
		"a row filter of the identity":    {base + `CREATE PUBLICATION p FOR TABLE parent WHERE (id > 1)`, "publication-sends"},
		"a filter of the root":            {`CREATE TABLE parent (id int PRIMARY KEY, other int) PARTITION BY RANGE (id); CREATE TABLE parent1 PARTITION OF parent FOR VALUES FROM (0) TO (9); INSERT INTO parent VALUES (1); CREATE PUBLICATION p FOR TABLE parent WHERE (other > 1) WITH (publish_via_partition_root)`, "publication-refuses publication-sends"},
		"columns without the identity":    {bare + `ALTER TABLE parent ADD PRIMARY KEY (id); CREATE PUBLICATION p FOR TABLE parent (other)`, "publication-refuses publication-sends"},
		"columns, all identity":           {bare + `ALTER TABLE parent REPLICA IDENTITY FULL; CREATE PUBLICATION p FOR TABLE parent (id)`, "publication-refuses publication-sends"},
		"a second publication that sends": {base + `CREATE PUBLICATION a FOR TABLE parent WITH (publish = 'insert'); CREATE PUBLICATION b FOR TABLE parent`, "publication-sends"},
	} {
		t.Run(name, func(t *testing.T) {
			if newer[name] && conn.PgConn().ParameterStatus("server_version") < "15" {
				t.Skip("servers before 15 do not know it")
			}
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			if _, err := tx.Conn().PgConn().Exec(t.Context(), c.sql).ReadAll(); err != nil {
				t.Fatal(err)
			}
			book := parse(t, "tminus: 1\ntitle: T\n"+deletes("parent"))
			var got []string
			for _, f := range lint.New(book, read(t, tx, book)).Findings() {
				if strings.HasPrefix(f.Code, "publication-") {
					got = append(got, f.Code)
				}
			}
			_, err = tx.Exec(t.Context(), `DELETE FROM parent`)
			if refused := strings.Contains(c.want, "publication-refuses"); strings.Join(got, " ") != c.want || refused != (err != nil) {
				t.Errorf("found %q, want %q; the server says: %v", got, c.want, err)
			}
		})
	}
}
