package catalog_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/sandbox"
	"tminus/phases/lint"
)

// large makes 2,000 tables with rows, 5,000 keys between them, half of which
// nobody uses, and what else a snapshot reads, in proportion.
const large = `DO $$
BEGIN
	FOR i IN 0 .. 1999 LOOP
		EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a int, b int, c int, user_id int, note text)', i);
		EXECUTE format('INSERT INTO t%s SELECT i, 0, NULL, NULL, 1 FROM generate_series(0, 9) i', i);
		IF i > 0 THEN
			EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (a) REFERENCES t%s', i, i / 2);
			EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (b) REFERENCES t%s ON DELETE SET NULL', i, i / 3);
			EXECUTE format('CREATE INDEX ON t%s (a)', i);
		END IF;
		IF i % 2 = 1 THEN
			EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (c) REFERENCES t0', i);
		END IF;
		IF i % 10 = 0 THEN
			EXECUTE format('CREATE VIEW v%s AS SELECT * FROM t%s; CREATE MATERIALIZED VIEW m%s AS SELECT * FROM v%s', i, i, i, i);
		END IF;
		IF i % 200 = 199 THEN
			COMMIT;
		END IF;
	END LOOP;
END $$`

// BenchmarkLint reads a large schema and holds a runbook against it, as lint does.
func BenchmarkLint(b *testing.B) {
	dsn := sandbox.ForTest(b).NewDatabase(b)
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	for _, sql := range []string{large, `CREATE PUBLICATION p FOR ALL TABLES`, `ANALYZE`} {
		if _, err := conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	book := parse(b, "tminus: 1\ntitle: T\n"+deletes("t0", "t1"))
	for b.Loop() {
		tx, err := conn.Begin(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if found := lint.New(book, read(b, tx, book)).Findings(); len(found) < 10 {
			b.Fatalf("found %d", len(found))
		}
		if err := tx.Rollback(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
