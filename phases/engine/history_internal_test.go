package engine

import (
	"encoding/json"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

const pastBook = `
tminus: 1
title: past
phases:
  - {id: first, title: First, risk: high, planned: 1m, steps: [{delete: parent, where: id < 10}]}
`

// Whether an undone phase stands after all is asked against what it had
// committed.
func TestHistoryKeepsWhatWasCommitted(t *testing.T) {
	did := map[string]phases.Touched{"child": {Updated: 10, Deleted: 18}, "parent": {Deleted: 9}}
	committed := []phases.Event{
		phases.RunOpened{RunID: "r", Source: pastBook},
		phases.PhaseStarted{Phase: "first", Attempt: 1},
		phases.TablesLocked{Phase: "first"},
		phases.StepStarted{Phase: "first", Step: 0},
		phases.StepDone{Phase: "first", Step: 0, Command: "DELETE", Rows: 9, Touched: did},
		phases.PhaseVerified{Phase: "first", Touched: did},
		phases.CommitIntended{CommitIntent: phases.CommitIntent{Phase: "first"}},
		phases.PhaseCommitted{Phase: "first"},
	}
	for _, events := range [][]phases.Event{committed, append(committed, phases.PhaseUndone{Phase: "first"})} {
		s := &phases.State{}
		for i, e := range events {
			data, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Apply(journal.Record{Seq: uint64(i + 1), At: time.Unix(int64(i), 0), Kind: e.Kind(), Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		h := historyOf(s, phases.Identity{})
		if len(h.commits) != 1 || h.commits[0].gone["parent"] != 9 || h.commits[0].gone["child"] != 18 {
			t.Errorf("%s: %+v", s.Phase("first").Status, h.commits)
		}
	}
}
