package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

const resumedBook = `tminus: 1
title: Night
phases:
  - {id: one, title: One, risk: medium, planned: 1m, delete: [gone]}
`

// Of one unfinished run no one is asked, unless another may be the one that is meant:
// one whose journal is remembered and cannot be read.
func TestResumeTakesNoOtherRun(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	dir := filepath.Join(state, "tminus")
	w, err := journal.Create(filepath.Join(dir, "night.journal"))
	if err != nil {
		t.Fatal(err)
	}
	opened := phases.RunOpened{
		RunID: "1", File: "night.yaml", Source: resumedBook, SHA256: engine.SHA256([]byte(resumedBook)), Environment: phases.Production, Unattended: true,
		Operator: phases.Operator{Name: "ada", Host: "ops1"}, Target: phases.Identity{Host: "db1", Database: "shop"},
	}
	if _, err := w.Append(time.Now(), opened.Kind(), opened, journal.Synced); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a, read := recording(t)
	path, err := a.pickUnfinished(t.Context(), Flags{Plain: true})
	if err != nil || path != w.Path() {
		t.Fatalf("%q, %v", path, err)
	}
	if _, told := read(); !strings.Contains(told, "by ada@ops1, unattended, last event just now") {
		t.Errorf("it tells\n%s", told)
	}

	away := filepath.Join(t.TempDir(), "away.journal")
	if _, err := engine.LinkJournal(away, "2"); err != nil {
		t.Fatal(err)
	}
	a, read = recording(t)
	path, err = a.pickUnfinished(t.Context(), Flags{Plain: true})
	var exit *Exit
	if path != "" || !errors.As(err, &exit) || exit.Code != Unfinished || !strings.Contains(err.Error(), "1 run is unfinished, and others were passed over: name the one that is meant") {
		t.Errorf("with one that was passed over: %q, %v", path, err)
	}
	out, told := read()
	if !strings.Contains(out, " resume "+w.Path()) || !strings.Contains(told, "2.journal leads nowhere: there is no journal "+away) {
		t.Errorf("it tells\n%s%s", out, told)
	}

	if err := os.Remove(w.Path()); err != nil {
		t.Fatal(err)
	}
	a, _ = recording(t)
	if _, err := a.pickUnfinished(t.Context(), Flags{Plain: true}); err == nil || !strings.Contains(err.Error(), "no unfinished run can be read: see above") {
		t.Errorf("with nothing but that: %v", err)
	}
}

// A run that `tminus restore` has closed is remembered no more.
func TestRestoreForgetsTheJournal(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	w, err := journal.Create(filepath.Join(t.TempDir(), "away.journal"))
	if err != nil {
		t.Fatal(err)
	}
	const book = resumedBook + `fences:
  - id: alerts
    title: the alerts
    alertmanager: {url: "https://alerts.example", matchers: ['service="booking"']}
`
	opened := phases.RunOpened{
		RunID: "1", File: "night.yaml", Source: book, SHA256: engine.SHA256([]byte(book)), Environment: phases.Production,
		Operator: phases.Operator{Name: "ada", Host: "ops1"}, Target: phases.Identity{Host: "db1", Database: "shop"},
	}
	for _, e := range []phases.Event{opened, phases.RunAborted{Reason: "late", Lift: true}} {
		if _, err := w.Append(time.Now(), e.Kind(), e, journal.Synced); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.LinkJournal(w.Path(), "1"); err != nil {
		t.Fatal(err)
	}
	dir, err := engine.StateDir()
	if err != nil {
		t.Fatal(err)
	}
	if found, passed, err := engine.FindUnfinished(dir); len(found) != 1 || passed != nil || err != nil {
		t.Fatalf("%d found, %v, %v", len(found), passed, err)
	}
	a, read := recording(t)
	if err := a.restore(t.Context(), w.Path(), Flags{}, restoring{yes: true}); err != nil {
		_, told := read()
		t.Fatalf("%v\n%s", err, told)
	}
	if err := os.Remove(w.Path()); err != nil {
		t.Fatal(err)
	}
	if found, passed, err := engine.FindUnfinished(dir); len(found) != 0 || passed != nil || err != nil {
		t.Errorf("%d found, %v, %v", len(found), passed, err)
	}
}
