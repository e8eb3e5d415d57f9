package phases

import (
	"strings"
	"testing"

	"tminus/phases/runbook"
)

// Who undoes an older phase alone is told which later ones wrote to its tables.
func TestUndoNamesThePhasesThatItLeavesOut(t *testing.T) {
	s := &State{}
	for id, tables := range []string{"a b", "b c", "d", "c e"} {
		p := PhaseState{Plan: &runbook.Phase{ID: string(rune('1' + id))}, Status: PhaseIsCommitted, Capsule: &Capsule{}}
		for _, table := range strings.Fields(tables) {
			p.Capsule.Tables = append(p.Capsule.Tables, CapsuleTable{Table: table})
		}
		s.Phases = append(s.Phases, p)
	}
	s.Phases = append(s.Phases, PhaseState{Plan: &runbook.Phase{ID: "5"}})
	for ids, want := range map[string]string{"1": "2", "2": "4", "2 1": "4", "4 2 1": "", "4 1": "2", "3": "", "4": ""} {
		if got := strings.Join(s.UndoLeavesOut(strings.Fields(ids)), " "); got != want {
			t.Errorf("%s: %q is left out, want %q", ids, got, want)
		}
	}
}
