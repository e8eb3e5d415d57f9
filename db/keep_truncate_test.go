package db

import (
	"testing"

	"tminus/phases/runbook"
)

// The rows of a table that is not heap cannot be told apart: where a TRUNCATE takes
// them, nothing is kept of the rest either.
func TestKeepRefusesATruncateOfWhatIsNotHeap(t *testing.T) {
	t.Parallel()
	dsn := database(t, `CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;
		CREATE TABLE t (id int, name text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
		CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20) USING other; INSERT INTO t SELECT g, 'x' FROM generate_series(0, 19) g`)
	truncate := runbook.Step{SQL: `TRUNCATE t`, Touch: []string{"t"}}
	k := beginKeeping(t, dsn, truncate)
	_, err := k.x.Run(limited(t), truncate, nil)
	if err == nil {
		_, err = k.keep(t)
	}
	wantError(t, err, "its access method is other")
	if err := k.x.Rollback(limited(t)); err != nil {
		t.Fatal(err)
	}
	// A capsule that lacks a part of them is none, whatever wrote it out.
	exec(t, connect(t, dsn), `ALTER TABLE t DETACH PARTITION t2; CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (10) TO (20)`)
	k = beginKeeping(t, dsn, truncate)
	if _, err := k.x.Run(limited(t), truncate, nil); err != nil {
		t.Fatal(err)
	}
	for oid, table := range k.x.k.early.tables {
		if table.Name == "t3" {
			delete(k.x.k.early.tables, oid)
		}
	}
	_, err = k.keep(t)
	wantError(t, err, "its rows cannot be read any more")
}
