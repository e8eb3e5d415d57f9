package report

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/journal"
)

// Journals that earlier versions wrote, vN for the format's version. They are
// never written anew: where a later version cannot read one, or says something
// else of it, that version is wrong. Their reports were made by the version
// that wrote them; a report whose words were changed on purpose is updated.
func TestFrozenJournals(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/journals/*.journal")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 2 {
		t.Fatalf("only %d frozen journals are found", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".journal"), func(t *testing.T) {
			sum, err := journal.Verify(path, phases.RunClosed{}.Kind())
			if err != nil || !sum.Closed {
				t.Fatalf("verify: %v, closed %v", err, sum.Closed)
			}
			recs, err := journal.Read(path)
			if err != nil || uint64(len(recs)) != sum.Records {
				t.Fatalf("read: %v, %d records of %d", err, len(recs), sum.Records)
			}
			state, err := phases.Fold(recs)
			if err != nil {
				t.Fatalf("fold: %v", err)
			}
			if state.Seq != sum.Records || state.Head != sum.Head || state.ClosedAt.IsZero() {
				t.Errorf("the fold ends at record %d, %s, closed at %s", state.Seq, state.Head, state.ClosedAt)
			}
			r, err := Build(recs)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range Formats() {
				t.Run(f.Name, func(t *testing.T) {
					var out bytes.Buffer
					if err := f.Write(r, &out); err != nil {
						t.Fatal(err)
					}
					golden.RequireEqual(t, out.Bytes())
				})
			}
		})
	}
}

// What the frozen journals are worth: between them they hold the ways in which
// a phase and a run go on and end.
func TestFrozenJournalsHoldTheWaysOfARun(t *testing.T) {
	for name, want := range map[string]struct {
		outcome phases.Outcome
		phases  []phases.PhaseStatus
	}{
		"v1-demo": {phases.Completed, []phases.PhaseStatus{
			phases.PhaseIsPassed, phases.PhaseIsCommitted, phases.PhaseIsCommitted, phases.PhaseIsCommitted, phases.PhaseIsCommitted, phases.PhaseIsPassed,
		}},
		"v1-upkeep": {phases.Aborted, []phases.PhaseStatus{
			phases.PhaseIsPassed, phases.PhaseIsCommitted, phases.PhaseIsCommitted, phases.PhaseIsRolledBack,
		}},
		"v1-actions": {phases.Completed, []phases.PhaseStatus{phases.PhaseIsPassed, phases.PhaseIsCommitted}},
		"v1-fences":  {phases.Completed, []phases.PhaseStatus{phases.PhaseIsPassed, phases.PhaseIsCommitted, phases.PhaseIsCommitted}},
		"v1-undo":    {phases.Completed, []phases.PhaseStatus{phases.PhaseIsCommitted, phases.PhaseIsCommitted}},
	} {
		recs, err := journal.Read("../../testdata/journals/" + name + ".journal")
		if err != nil {
			t.Fatal(err)
		}
		state, err := phases.Fold(recs)
		if err != nil {
			t.Fatal(err)
		}
		if state.Outcome != want.outcome || len(state.Phases) != len(want.phases) {
			t.Fatalf("%s: %s, %d phases", name, state.Outcome, len(state.Phases))
		}
		for i, p := range state.Phases {
			if p.Status != want.phases[i] {
				t.Errorf("%s: phase %s is %s, want %s", name, p.Plan.ID, p.Status, want.phases[i])
			}
		}
	}
}

// The rehearsal among them kept what its phases took, and put it back.
func TestAFrozenJournalHoldsAnUndo(t *testing.T) {
	recs, err := journal.Read("../../testdata/journals/v1-undo.journal")
	if err != nil {
		t.Fatal(err)
	}
	state, err := phases.Fold(recs)
	if err != nil {
		t.Fatal(err)
	}
	sum, proof := state.Undo(), state.UndoProof()
	if len(sum.Back) != 2 || sum.Phases != nil || sum.Lost != nil || proof.Lacks != "" || proof.Took <= 0 {
		t.Errorf("%+v, %+v", sum, proof)
	}
	for _, p := range state.Phases {
		if p.Capsule == nil || p.Capsule.Rows() == 0 || p.UndoTook <= 0 || !state.Keeps(&p) {
			t.Errorf("%s: %+v, %s", p.Plan.ID, p.Capsule, p.UndoTook)
		}
	}
	kinds := map[string]int{}
	for _, r := range recs {
		kinds[r.Kind]++
	}
	for _, e := range []phases.Event{
		phases.CapsuleRoom{}, phases.CapsuleProgressed{}, phases.CapsuleKept{}, phases.UndoTrialStarted{}, phases.UndoTrialProgressed{}, phases.UndoTried{},
	} {
		if kinds[e.Kind()] == 0 {
			t.Errorf("it holds no %s", e.Kind())
		}
	}
}

// One of them had items' actions, and smoke tests of which one failed.
func TestAFrozenJournalHoldsActions(t *testing.T) {
	recs, err := journal.Read("../../testdata/journals/v1-actions.journal")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(recs)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Item{}
	for _, g := range append(r.Checklist, r.After...) {
		for _, it := range g.Items {
			got[it.ID] = it
		}
	}
	for id, state := range map[string]string{"drain": ItemPassed, "ticket": ItemWaived, "slow": ItemWaived, "rows": ItemPassed, "wrong": ItemFailed, "quick": ItemPassed, "seen": ItemTicked} {
		if got[id].State != state {
			t.Errorf("%s is %s, want %s", id, got[id].State, state)
		}
	}
	if w := got["ticket"].Waived; w == nil || w.Who != "duty manager" || w.Reason != "it is filed by telephone" {
		t.Errorf("waived: %+v", w)
	}
	if d := got["wrong"].Decided; d == nil || d.Verdict != string(phases.GoOn) || got["wrong"].Output != "no\nmembership can be read" {
		t.Errorf("decided: %+v", got["wrong"])
	}
	if m := got["quick"].Measured; m == nil || m.Requests < 2 || m.P95Seconds <= 0 {
		t.Errorf("measured: %+v", m)
	}
	if got["drain"].Output != "drained" || got["rows"].Found != "2 statements, rolled back" {
		t.Errorf("%+v, %+v", got["drain"], got["rows"])
	}
}

// One of them switched things off, told people, was signed, and took its rows by a
// TRUNCATE and with an index of its own.
func TestAFrozenJournalHoldsFencesMessagesAndSignatures(t *testing.T) {
	recs, err := journal.Read("../../testdata/journals/v1-fences.journal")
	if err != nil {
		t.Fatal(err)
	}
	state, err := phases.Fold(recs)
	if err != nil {
		t.Fatal(err)
	}
	if len(state.Fences) != 2 || len(state.FencesOff()) != 0 || len(state.Untold()) != 1 {
		t.Errorf("%d fences, %d off, %d messages not told", len(state.Fences), len(state.FencesOff()), len(state.Untold()))
	}
	for id, name := range map[string]string{"signed": "duty DBA", "accepted": "the client"} {
		if s := state.Item(id).Signed; s == nil || s.Loose || s.Name != name {
			t.Errorf("%s: %+v", id, s)
		}
	}
	kinds := map[string]int{}
	for _, r := range recs {
		kinds[r.Kind]++
	}
	for _, e := range []phases.Event{phases.WayChosen{}, phases.IndexBuilt{}, phases.IndexesDropped{}, phases.FenceLifted{}, phases.MessageFailed{}} {
		if kinds[e.Kind()] == 0 {
			t.Errorf("it holds no %s", e.Kind())
		}
	}
}
