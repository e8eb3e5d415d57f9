package db

import (
	"testing"

	"tminus/phases/runbook"
)

// A materialized view that is refreshed is not held, and is named as that.
func TestKeepLeavesViewsOut(t *testing.T) {
	t.Parallel()
	dsn := database(t, `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM t`)
	k := beginKeeping(t, dsn, runbook.Step{Delete: "t"}, runbook.Step{SQL: `REFRESH MATERIALIZED VIEW seen`})
	k.run(t)
	kept, err := k.keep(t)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Gone != 2 || kept.Added != 0 || len(kept.Tables) != 1 || kept.Tables[0].Table != "t" {
		t.Errorf("kept %+v", kept)
	}
	if len(kept.Beside) != 1 || kept.Beside[0] != "materialized view seen"+file {
		t.Errorf("beside it: %q", kept.Beside)
	}
}
