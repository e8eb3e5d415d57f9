package engine_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// file copies a journal, or the part of it before its last line, to where a run
// looks, at once.
func file(t *testing.T, from, to string, whole bool) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if !whole {
		recs, err := journal.Read(from)
		if err != nil {
			t.Fatal(err)
		}
		at := len(text) - 1
		for at > 0 && text[at-1] != '\n' {
			at--
		}
		if at == 0 || recs[len(recs)-1].Kind != (phases.RunClosed{}).Kind() {
			t.Fatal("the journal does not end with its run")
		}
		text = text[:at]
	}
	if err := os.WriteFile(to+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(to+".new", to); err != nil {
		t.Fatal(err)
	}
}

// A run in production that opened without a rehearsal finds it once it has ended,
// also after it was taken up by another program, and rests on it.
func TestProductionFindsItsRehearsal(t *testing.T) {
	t.Parallel()
	path, dir := rehearse(t, smallSchema, twoBook), t.TempDir()
	settings := engine.Settings{Rehearsals: dir, LookAgain: 10 * time.Millisecond}
	known := func(journal string) func(*phases.State) bool {
		return func(s *phases.State) bool { return s.Opened.Rehearsed.Journal == journal }
	}
	r := newRig(t, smallSchema, twoBook)
	r.opened.Environment = phases.Production
	r.open(settings)
	r.untilReady()
	pass := phases.PassGate{Approver: "B. Boss", Typed: r.opened.Target.Database}
	r.refused(pass, "this run finds it by itself once it has ended")
	file(t, path, filepath.Join(dir, "a.journal"), false)
	r.until("the unfinished one", known("a.journal"))
	r.refused(pass, "a.journal is unfinished")
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	file(t, path, filepath.Join(dir, "a.journal"), true)
	r.resume(settings)
	r.until("the finished one", func(s *phases.State) bool { return s.Opened.Rehearsed.Outcome == phases.Completed })
	r.passGate()
	file(t, path, filepath.Join(dir, "b.journal"), true) // what is good enough is kept
	r.commit("one")
	r.commit("two")
	if s := r.state(); s.Opened.Rehearsed.Journal != "a.journal" || s.Opened.Rehearsed.Phase("two").Time() <= 0 {
		t.Errorf("it rests on %+v", s.Opened.Rehearsed)
	}
}

// Where a journal was named, that one is looked at again, and no other; a run that
// is no production's looks nowhere.
func TestTheNamedRehearsalIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	path, dir := rehearse(t, smallSchema, twoBook), t.TempDir()
	named := filepath.Join(dir, "named")
	file(t, path, filepath.Join(dir, "other.journal"), true)
	file(t, path, named, false)
	r := newRig(t, smallSchema, twoBook)
	r.opened.Environment, r.opened.RehearsalFile = phases.Production, named
	found, err := engine.ReadRehearsal(named, r.opened)
	if err != nil {
		t.Fatal(err)
	}
	r.opened.Rehearsed = &found
	r.open(engine.Settings{Rehearsals: dir, LookAgain: 10 * time.Millisecond})
	r.untilReady()
	r.refused(phases.PassGate{Approver: "B. Boss", Typed: r.opened.Target.Database}, "named is unfinished")
	file(t, path, named, true)
	r.until("its end", func(s *phases.State) bool { return s.Opened.Rehearsed.Outcome == phases.Completed })
	if s := r.state(); s.Opened.Rehearsed.Journal != "named" || len(s.GateHolds(time.Now())) > 0 {
		t.Errorf("it rests on %+v, held by %v", s.Opened.Rehearsed, s.GateHolds(time.Now()))
	}
}
