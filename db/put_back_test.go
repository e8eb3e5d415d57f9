package db

import (
	"fmt"
	"testing"
	"time"

	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// An undo of two phases is planned as it is carried out, in a table with a key and
// in one without; so is one in the run's own session, as a rehearsal's.
func TestUndoOfPhasesThatShareTables(t *testing.T) {
	const schema = `CREATE TABLE payments (id int PRIMARY KEY); INSERT INTO payments VALUES (1), (2);
		CREATE TABLE invoices (id int PRIMARY KEY, payment int REFERENCES payments ON DELETE SET NULL); INSERT INTO invoices VALUES (1, 1), (2, 2);
		CREATE TABLE lines (t text); INSERT INTO lines VALUES ('x'), ('x'), ('x')`
	for _, rehearsal := range []bool{true, false} {
		t.Run(fmt.Sprintf("rehearsal=%t", rehearsal), func(t *testing.T) {
			t.Parallel()
			dsn := database(t, schema)
			before := rowsOf(t, connect(t, dsn))
			undo := book()
			undo.Phases = nil
			for _, steps := range [][]runbook.Step{
				{{Delete: "payments"}, {SQL: `DELETE FROM lines WHERE ctid = '(0,1)'`, Touch: []string{"lines"}}},
				{{Delete: "invoices"}, {SQL: `DELETE FROM lines WHERE ctid = '(0,2)'`, Touch: []string{"lines"}}},
			} {
				k := beginKeeping(t, dsn, steps...)
				k.run(t)
				kept, err := k.keep(t)
				if err != nil {
					t.Fatal(err)
				}
				if r := k.x.Commit(limited(t)); r.Err != nil {
					t.Fatal(r.Err)
				}
				k.target.Close()
				p := runbook.Phase{ID: "undo", Steps: []runbook.Step{{PutBack: k.folder, SHA256: kept.SHA256, Touch: []string{"payments", "invoices", "lines"}}}}
				undo.Phases = append([]runbook.Phase{p}, undo.Phases...)
			}
			target := open(t, dsn, undo)
			plans, err := target.PutBackPlans(limited(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range plans {
				if p.Lacks != "" {
					t.Error(p.Lacks)
				}
			}
			for i, p := range undo.Phases {
				var rows int64
				if rehearsal {
					rows, err = target.PutBack(limited(t), p.Steps[0], nil)
				} else {
					x, failed := target.Begin(limited(t), engine.TxSpec{RunID: "run-2", Phase: &undo.Phases[i], Attempt: 1, LockTables: p.Locks(), LockDeadline: 10 * time.Second})
					if failed != nil {
						t.Fatal(failed)
					}
					if err := x.Lock(limited(t), nil); err != nil {
						t.Fatal(err)
					}
					done, failed := x.Run(limited(t), p.Steps[0], nil)
					if rows, err = done.Rows, failed; err == nil {
						err = x.Commit(limited(t)).Err
					}
				}
				if err != nil || rows != []int64{3, 5}[i] {
					t.Errorf("put back are %d rows, %v", rows, err)
				}
			}
			after := rowsOf(t, connect(t, dsn))
			for table, rows := range before {
				if len(rows.less(after[table]))+len(after[table].less(rows)) > 0 {
					t.Errorf("%s is not as it was: %v", table, after[table])
				}
			}
		})
	}
}
