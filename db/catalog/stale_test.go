package catalog_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/sandbox"
	"tminus/phases/lint"
)

func TestStatisticsThatMeanNothing(t *testing.T) {
	t.Parallel()
	dsn := sandbox.ForTest(t).NewDatabase(t)
	other := connectTo(t, dsn)
	run := func(sql string) { // in a session that ends, which lets the server count
		t.Helper()
		conn := connectTo(t, dsn)
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	// counted waits until the server has counted, and gives what lint says.
	counted := func(table string, rows int) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for modified := -1; modified != rows; {
			if err := other.QueryRow(ctx, `SELECT n_mod_since_analyze FROM pg_stat_user_tables WHERE relname = $1`, table).Scan(&modified); err != nil {
				t.Fatalf("%d rows of %s are counted: %v", modified, table, err)
			}
		}
		book := parse(t, "tminus: 1\ntitle: T\n"+deletes("never", "old", "small"))
		for _, f := range lint.New(book, asked(t, other, book, `SELECT 1`)).Findings() {
			if f.Code == "stats-stale" {
				return f.Text
			}
		}
		return ""
	}
	run(`CREATE TABLE never (n text) WITH (autovacuum_enabled = off); CREATE TABLE old (n int) WITH (autovacuum_enabled = off); CREATE TABLE small (n int) WITH (autovacuum_enabled = off);
		CREATE TABLE unconcerned (n text) WITH (autovacuum_enabled = off)`)
	run(`INSERT INTO old SELECT generate_series(1, 30000)`)
	counted("old", 30000) // or they would be counted after it
	run(`ANALYZE old`)
	run(`INSERT INTO small SELECT generate_series(1, 100); INSERT INTO unconcerned SELECT repeat('x', 1000) FROM generate_series(1, 2000)`)
	if got := counted("small", 100); got != "" {
		t.Errorf("nothing is large: %q", got)
	}
	run(`INSERT INTO never SELECT repeat('x', 1000) FROM generate_series(1, 2000)`)
	if got := counted("never", 2000); !strings.HasSuffix(got, ": never") {
		t.Errorf("never analyzed: %q", got)
	}
	run(`ANALYZE never`)
	run(`UPDATE old SET n = n WHERE n <= 14000`)
	if got := counted("old", 14000); got != "" {
		t.Errorf("less than half: %q", got)
	}
	run(`UPDATE old SET n = n WHERE n <= 2000`)
	if got := counted("old", 16000); !slices.Contains(strings.Fields(got), "old") {
		t.Errorf("more than half: %q", got)
	}
}
