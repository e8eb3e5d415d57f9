package phases

import (
	"strings"
	"testing"

	"tminus/phases/runbook"
)

const madeSource = `
tminus: 1
title: t
indexes: before
phases:
  - {id: p, title: P, risk: high, planned: 1m, delete: [t]}
  - {id: q, title: Q, risk: high, planned: 1m, delete: [u], indexes: keep}
  - {id: r, title: R, planned: 1m, count: [t]}
`

func ways(phase string, before, keep bool, table string) PhaseWays {
	return PhaseWays{Phase: phase, Indexes: []PhaseIndex{{Table: table, Columns: []string{"a"}, Constraint: "k", Before: before, Keep: keep}}}
}

// What is made before the gate a phase does not make; what is not there then, it
// does. Each stage of that has its words.
func TestIndexesFold(t *testing.T) {
	s := &folding{&State{}, t}
	s.add(RunOpened{RunID: "r", File: "t.yaml", Source: madeSource})
	f := s.Indexes()
	if f == nil || !f.Plan.Keep || len(s.Runbook.Checklist) != 1 || len(s.Runbook.After) != 1 {
		t.Fatalf("opened: %+v", f)
	}
	made, gone := s.Runbook.Checklist[0].Items[0], s.Runbook.After[0].Items[0]
	answer := func(it runbook.Item, pass bool, value string) {
		t.Helper()
		if a := f.Answer(it); a.Pass != pass || !strings.HasPrefix(a.Value, value) {
			t.Errorf("%s: %+v, want %v, %q", it.ID, a, pass, value)
		}
	}
	can := func(it runbook.Item, want string) {
		t.Helper()
		err := s.canFence(it)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", it.ID, err, want)
		}
	}
	s.add(SurveyTaken{}, FenceSeen{Fence: f.Plan.ID, Sight: SeenOff, Found: "no foreign key needs one"})
	answer(made, true, "no foreign key needs one")
	answer(gone, true, "this run has made none")
	can(made, "no foreign key needs an index")
	can(gone, "this run has made none")
	s.add(SurveyTaken{Survey: Survey{PhaseWays: []PhaseWays{ways("p", true, false, "child"), ways("q", true, true, "child")}}},
		FenceSeen{Fence: f.Plan.ID, Sight: SeenBack, Found: "not there: i"})
	if w := s.WantedIndexes(); len(w) != 1 || !w[0].Keep {
		t.Errorf("two phases want %+v", w)
	}
	answer(made, false, "not made yet")
	can(made, "")
	if err := s.mayWaive(made); err != nil {
		t.Errorf("it cannot be waived: %v", err)
	}
	own := func(want bool) {
		t.Helper()
		w := s.Ways("p")
		if (len(w.Indexes) == 1) != want || want && (w.Indexes[0].Before || len(w.Locks()) != 1) {
			t.Errorf("the phase makes %+v", w.Indexes)
		}
	}
	own(true)
	mark := FenceMark{Text: "not there: i", Indexes: []MadeIndex{{Table: "child", Columns: []string{"a"}, Schema: "public", Name: "i", Kept: "child_a_idx", Definition: "ON child"}}}
	s.add(FenceRecorded{Fence: f.Plan.ID, Mark: mark, By: "dba"})
	if f.Word() != "may be made" || !f.MayBeOff() {
		t.Errorf("recorded: %s", f.Word())
	}
	own(true)
	s.add(FenceTaken{Fence: f.Plan.ID, Mark: FenceMark{Text: "there: i", Indexes: mark.Indexes}})
	answer(made, true, "there: i")
	own(false)
	can(made, "it is made")
	can(gone, "the phases need them")
	if want := "MADE for this run: the indexes, until its end"; s.OffLine() != want {
		t.Errorf("the banner is %q", s.OffLine())
	}
	for sight, word := range map[FenceSight]string{SeenPartly: "partly made", SeenBack: "dropped by somebody else", SeenChanged: "changed by somebody else", SeenUnknown: "unknown"} {
		s.add(FenceSeen{Fence: f.Plan.ID, Sight: sight, Found: "x", Error: map[bool]string{true: "no answer"}[sight == SeenUnknown]})
		if f.Word() != word {
			t.Errorf("%s: %s", sight, f.Word())
		}
		own(true)
	}
	s.add(FenceSeen{Fence: f.Plan.ID, Sight: SeenOff, Found: "there: i"})
	own(false)
	s.add(RunAborted{Reason: "r", Lift: true}, FenceLiftStarted{Fence: f.Plan.ID}, FenceFailed{Fence: f.Plan.ID, Error: "run: DROP INDEX"})
	if l := s.FenceLines("j"); len(l) != 3 || !strings.Contains(l[0], "there for this run") || !strings.Contains(l[1], "run: DROP INDEX") {
		t.Errorf("left: %q", l)
	}
	s.add(FenceLifted{Fence: f.Plan.ID, Mark: mark})
	if f.Word() != "kept" || len(s.FencesOff()) != 0 || s.OffLine() != "" {
		t.Errorf("at the end: %s", f.Word())
	}
	for _, l := range s.Log {
		if strings.Contains(l.Text, "switched") || strings.Contains(l.Text, "off: ") {
			t.Errorf("said of an index: %s", l.Text)
		}
	}
}

// Fences that are off wait for no index, in either direction.
func TestFencesDoNotWaitForIndexes(t *testing.T) {
	s := &folding{&State{}, t}
	s.add(RunOpened{RunID: "r", File: "t.yaml", Source: strings.Replace(fencedSource, "title: t", "title: t\nindexes: before", 1)})
	if s.Fences[0].Plan.Kind != runbook.FenceIndexes || len(s.Fences) != 3 {
		t.Fatalf("fences: %+v", s.Fences)
	}
	items := map[string]runbook.Item{}
	for _, g := range s.Runbook.Groups() {
		for _, it := range g.Items {
			items[it.ID] = it
		}
	}
	if err := s.canFence(items["off:a"]); err != nil {
		t.Errorf("the first: %v", err)
	}
	s.add(FenceRecorded{Fence: "a", Mark: FenceMark{Text: "x"}}, FenceTaken{Fence: "a"})
	s.add(FenceRecorded{Fence: s.Indexes().Plan.ID, Mark: FenceMark{Text: "y"}}, FenceTaken{Fence: s.Indexes().Plan.ID})
	if err := s.canFence(items["back:a"]); err != nil {
		t.Errorf("back: %v", err)
	}
	if want := "OFF for this run since 02:00 UTC: the alerts; MADE for it: the indexes, until its end"; s.OffLine() != want {
		t.Errorf("the banner is %q", s.OffLine())
	}
	if spared := s.Runbook.SpareFences(); len(spared) != 1 || spared[0] != "the alerts" {
		t.Errorf("a rehearsal spares %q", spared)
	}
}
