package ui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tminus/phases"
	"tminus/ui/pane"
)

// Closing a rehearsal says that it tries the undo, and the screen how far that is.
func TestScreenWaitsForTheUndoThatIsTried(t *testing.T) {
	o, _ := screen(t, "done", 80, 24)
	s := o.state
	s.Opened.Environment, s.Opened.TryUndo, s.Opened.Capsule = phases.Rehearsal, true, &phases.CapsulePlace{Folder: "/runs/gym.journal.capsule"}
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Status == phases.PhaseIsCommitted {
			p.Capsule = &phases.Capsule{Gone: 48_210}
		}
	}
	if st := o.next(o.now()); !strings.Contains(st.text, "First it puts back what the phases took") || st.keys[0] != "close run" {
		t.Errorf("before: %+v", st)
	}
	run(o, keyNamed(pane.KeyClose))
	if got := strings.Join(strings.Fields(strings.ReplaceAll(frameText(o), "│", "")), " "); !strings.Contains(got, "First what the phases took is put back") {
		t.Errorf("the dialog does not say what closing does:\n%s", frameText(o))
	}
	run(o, keyNamed("esc"))
	s.UndoTrial = &phases.UndoTrial{Running: true, Now: phases.UndoTrialProgressed{Phase: "leaf", Rows: 1_000, Total: 48_210}}
	if st := o.next(o.now()); st.text != "The undo is being tried: phase leaf, 1,000 of 48,210 rows put back." || len(st.keys) == 0 {
		t.Errorf("meanwhile: %+v", st)
	}
	s.UndoTrial = nil
	s.Outcome = phases.Aborted
	if st := o.next(o.now()); !strings.Contains(st.text, "An undo brings back what it took: 6 has the command.") {
		t.Errorf("ended: %+v", st)
	}
}

// Without a screen the same is said in lines: what is kept, what a COMMIT leaves,
// how far a capsule and an undo are.
func TestPlainSaysWhatIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := openFakeEngine(t, func(o *phases.RunOpened) { o.Capsule = &phases.CapsulePlace{Folder: "/runs/gym.journal.capsule"} })
		e.add(phases.ItemTicked{Item: "backup_taken"}, phases.FieldRecorded{Field: "backup_id", Value: "b"}, passing("connects"), phases.CapsuleRoom{Needs: 1, Free: 2, Mount: "/"})
		r := startPlain(t, e, nil)
		r.settle()
		r.wants("capsule: on: what the phases take away is kept in /runs/gym.journal.capsule", "undo: NOT PROVEN: nobody has rehearsed it")
		e.add(phases.GatePassed{Approver: "B"})
		r.settle()
		r.wants("after its COMMIT there is a restore, and an undo that is NOT PROVEN: nobody has rehearsed it")
		e.add(phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.TablesLocked{Phase: "leaf"})
		time.Sleep(6 * time.Second)
		e.add(phases.CapsuleProgressed{Phase: "leaf", CapsuleProgress: phases.CapsuleProgress{Table: "a", Rows: 30, Total: 120, Bytes: 900}})
		r.settle()
		r.wants("phase 1: capsule: 30 of 120 rows written, 900 bytes, 25 %")
		e.add(phases.CapsuleKept{Phase: "leaf", Capsule: phases.Capsule{Folder: "leaf.1", Gone: 120, Bytes: 900}},
			phases.HoldOpened{Phase: "leaf", Until: time.Now().Add(time.Hour)})
		r.settle()
		r.wants("capsule: 120 rows to bring back; 900 bytes on disk", "after its COMMIT an undo takes about 0.0 s (estimated, NOT PROVEN: nobody has rehearsed it), or a restore", "type commit or rollback")
		e.add(phases.PhaseCommitted{Phase: "leaf"})
		r.settle()
		r.enter("status")
		r.settle()
		r.wants("undo: 120 rows to bring back, about 0.0 s, estimated and NOT PROVEN", "undo: tminus undo ")
	})
}
