package ui

import (
	"strings"
	"testing"
	"testing/synctest"

	"tminus/phases"
)

// Without a screen, too, an undone phase is not started again, and its way on
// is said once.
func TestPlainLeadsOnFromAnUndonePhase(t *testing.T) {
	for _, ledger := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			e := newFakeEngine(t)
			e.add(phases.ItemTicked{Item: "backup_taken"}, phases.FieldRecorded{Field: "backup_id", Value: "b"}, passing("connects"), phases.GatePassed{Approver: "B"})
			e.phase("leaf")
			e.add(phases.PhaseCommitted{Phase: "leaf"}, phases.PhaseUndone{Phase: "leaf", Reason: "audit_logs holds 7 rows", Ledger: ledger})
			r := startPlain(t, e, nil)
			e.add(phases.NoteRecorded{Text: "something else happens"})
			r.settle()
			if n := strings.Count(r.out.String(), "a human must look at the database: Leaf tables is no longer held: audit_logs holds 7 rows"); n != 1 {
				t.Errorf("said %d times:\n%s", n, r.out.String())
			}
			if strings.Contains(r.out.String(), "type start") {
				t.Errorf("an undone phase can be started:\n%s", r.out.String())
			}
			r.enter("accept", "accept rows of a test")
			if !ledger {
				r.wants("resume it in its own database", "refused: the ledger does not prove")
				return
			}
			r.wants("refused: what was found is needed", "counts as committed", "Done? [y/N], or skip, or ?")
		})
	}
}
