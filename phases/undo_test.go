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

// An undo says nothing of views that earlier versions took for tables, nor of phases
// whose capsules hold nothing else.
func TestUndoPlansWhatIsATable(t *testing.T) {
	s := &State{Runbook: &runbook.Runbook{Title: "t", Schema: "public"}}
	phase := func(id, sql string, tables ...string) {
		p := PhaseState{Plan: &runbook.Phase{ID: id, Title: id, Steps: []runbook.Step{{Delete: "a"}, {SQL: sql}}}, Status: PhaseIsCommitted, Capsule: &Capsule{SHA256: strings.Repeat("0", 64)}}
		for _, table := range tables {
			p.Capsule.Tables, p.Capsule.Gone = append(p.Capsule.Tables, CapsuleTable{Table: table, Gone: 1}), p.Capsule.Gone+1
		}
		s.Phases = append(s.Phases, p)
	}
	phase("1", "REFRESH MATERIALIZED VIEW public.totals", "a", "totals")
	phase("2", "REFRESH MATERIALIZED VIEW totals", "totals")
	phase("3", "UPDATE b SET n = 1")
	phase("4", "UPDATE b SET n = 1", "a", "b")
	for names, want := range map[string]string{"": "4 a b, 1 a", "1 2": "1 a", "2": "hold no rows", "2 3": "hold no rows"} {
		u, ids, err := s.UndoPlan(strings.Fields(names), "/capsules", nil, nil)
		var got []string
		for i, p := range u.Phases {
			got = append(got, ids[i]+" "+strings.Join(p.Tables, " "))
		}
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && strings.Join(got, ", ") != want {
			t.Errorf("%q: %q, %v, want %q", names, got, err, want)
			continue
		}
		if err == nil {
			if _, err := runbook.Parse("undo.yaml", u.Source()); err != nil {
				t.Error(err)
			}
		}
	}
}

// Of a phase whose capsule holds no row, nothing offers to put anything back; what it
// did beside rows is told all the same.
func TestNoUndoOfWhatTookNoRow(t *testing.T) {
	s := &State{Runbook: &runbook.Runbook{Title: "t", Schema: "public"}, Opened: RunOpened{Capsule: &CapsulePlace{}}}
	s.Phases = []PhaseState{{Plan: &runbook.Phase{ID: "1", Title: "1", Steps: []runbook.Step{{Delete: "a"}}}, Status: PhaseIsCommitted, Capsule: &Capsule{}}}
	sum := s.Undo()
	if len(s.Undoable()) > 0 || sum.Phases != nil || !sum.Nothing() {
		t.Errorf("%+v", sum)
	}
	if back := strings.Join(s.Undoing(), "\n"); strings.Contains(back, "undo") || strings.Contains(back, "restore") {
		t.Errorf("it says %s", back)
	}
	if _, _, err := s.UndoPlan(nil, "/capsules", nil, nil); err == nil || !strings.Contains(err.Error(), "hold no rows") {
		t.Error(err)
	}
	s.Phases[0].Capsule.Beside = []string{"table a was altered"}
	if sum := s.Undo(); sum.Nothing() || !strings.Contains(strings.Join(s.Undoing(), "\n"), "by a restore only") {
		t.Errorf("%q", s.Undoing())
	}
}
