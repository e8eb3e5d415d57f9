package putback_test

import (
	"fmt"
	"testing"

	"tminus/db/putback"
)

// Indexes are built anew where that is worth while, and are what they were; those
// that say more than their definition stay, and so do all where others look at the
// table.
func TestIndexesAreAsTheyWere(t *testing.T) {
	const indexes = `SELECT pg_get_indexdef(indexrelid) || indisvalid || indisclustered || indisreplident || coalesce(obj_description(indexrelid, 'pg_class'), '') FROM pg_index WHERE indrelid = 'people'::regclass ORDER BY 1`
	const oids = `SELECT string_agg(indexrelid::regclass || ' ' || indexrelid, ', ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'people'::regclass AND indexrelid::regclass::text %s '%%plain%%'`
	asEach(t, `CREATE TABLE people (id int PRIMARY KEY, n int, t text, u int UNIQUE); INSERT INTO people SELECT i, i % 100, 'x' || i, i FROM generate_series(1, 12000) i;
		CREATE INDEX plain ON people (n DESC NULLS LAST) INCLUDE (t) WITH (fillfactor = 70); CREATE INDEX "plain Too" ON people USING hash (t);
		CREATE INDEX clustered ON people (n); ALTER TABLE people CLUSTER ON clustered; CREATE INDEX commented ON people (n, id); COMMENT ON INDEX commented IS 'x';
		CREATE INDEX expression ON people (lower(t)); ALTER INDEX expression ALTER 1 SET STATISTICS 50; CREATE INDEX partial ON people (n) WHERE n > 5`,
		func(t *testing.T, dsn, role string, mode putback.Mode) {
			before, was, kept := prints(t, dsn), rows(t, dsn, indexes), rows(t, dsn, fmt.Sprintf(oids, "NOT LIKE"))
			c := phase(t, dsn, `DELETE FROM people`)
			plain := rows(t, dsn, fmt.Sprintf(oids, "LIKE"))
			reader := connect(t, dsn, "")
			exec(t, reader, "BEGIN; SELECT FROM public.people")
			run(t, dsn, role, c, putback.Options{})
			if got := rows(t, dsn, fmt.Sprintf(oids, "LIKE")); got != plain {
				t.Errorf("indexes were made anew under the eyes of a reader: %s, were %s", got, plain)
			}
			exec(t, reader, "COMMIT")
			c = phase(t, dsn, `DELETE FROM people`)
			run(t, dsn, role, c, putback.Options{})
			if got := rows(t, dsn, fmt.Sprintf(oids, "LIKE")); (got == plain) != (mode == putback.RowByRow) {
				t.Errorf("indexes are %s, and were %s", got, plain)
			}
			if got := rows(t, dsn, fmt.Sprintf(oids, "NOT LIKE")); got != kept {
				t.Errorf("indexes are %s, and were %s", got, kept)
			}
			if got := rows(t, dsn, indexes); got != was {
				t.Errorf("indexes are %s\nand were %s", got, was)
			}
			same(t, dsn, before)
		})
}
