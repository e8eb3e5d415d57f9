package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// rehearse runs a book unattended in a database of its own, and gives its journal.
func rehearse(t *testing.T, schema, book string) string {
	t.Helper()
	r := newRig(t, schema, book)
	r.opened.Environment, r.opened.Unattended = phases.Rehearsal, true
	r.open(engine.Settings{})
	if err := r.wait(); err != nil || r.state().Outcome != phases.Completed {
		t.Fatalf("the rehearsal: %v\n%s", err, r.log())
	}
	return r.path
}

// Production rests on what a rehearsal of the same runbook in another database
// came to: it passes the gate, and its counts are held against the rehearsal's.
func TestProductionRestsOnARehearsal(t *testing.T) {
	t.Parallel()
	path := rehearse(t, smallSchema, twoBook)
	r := newRig(t, smallSchema+"DELETE FROM child WHERE id > 9999; INSERT INTO keep SELECT generate_series(51, 60)", twoBook)
	r.opened.Environment = phases.Production
	found, err := engine.ReadRehearsal(path, r.opened)
	if err != nil {
		t.Fatal(err)
	}
	r.opened.Rehearsed = &found
	r.open(engine.Settings{})
	r.passGate()
	r.commit("one")
	s := r.state()
	if found.Schema == nil || found.Schema.Hash != s.Schema.Hash || found.Phase("one").Time() <= 0 || found.Rows("child", "") != 20_000 {
		t.Errorf("found is %+v", found)
	}
	if len(s.Conditions) != 1 || s.Conditions[0].Condition != phases.ConditionCounts || !strings.Contains(s.Conditions[0].Detail, "child holds 9,999 rows, and held 20,000 when this was rehearsed") {
		t.Fatalf("conditions: %+v", s.Conditions)
	}
	r.refused(phases.StartPhase{Phase: "two"}, "not acknowledged: count-low: child holds 9,999 rows")
	r.do(phases.Acknowledge{Code: phases.CountLow, Who: "the duty manager", Typed: phases.CountLow})
	r.commit("two")
}

// Without a rehearsal, and with one of another schema, the gate stays closed.
func TestProductionWithoutARehearsalIsHeld(t *testing.T) {
	t.Parallel()
	path := rehearse(t, smallSchema, twoBook)
	for name, c := range map[string]struct {
		change string
		named  bool
		want   string
	}{
		"nobody looked":  {"", false, "no journal of one of this runbook was found"},
		"another schema": {"ALTER TABLE child ADD note text; ALTER TABLE keep DROP note", true, "the schema is not as run.journal had it: child differs, keep differs;"},
	} {
		r := newRig(t, smallSchema+c.change, twoBook)
		r.opened.Environment = phases.Production
		if c.named {
			found, err := engine.ReadRehearsal(path, r.opened)
			if err != nil {
				t.Fatal(err)
			}
			r.opened.Rehearsed = &found
		}
		r.open(engine.Settings{})
		r.untilReady()
		r.refused(phases.PassGate{Approver: "B. Boss", Typed: r.opened.Target.Database}, c.want)
		if r.rows("child") != 20_000 {
			t.Errorf("%s: child was touched", name)
		}
	}
}

// Of several journals the last completed one of the same runbook counts, else what
// comes nearest; a damaged one, another file's, and production's are none.
func TestTheNearestRehearsalIsFound(t *testing.T) {
	t.Parallel()
	const book, other = "tminus: 1\ntitle: T\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n", "tminus: 1\ntitle: O\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n"
	dir := t.TempDir()
	opened := func(file, source string, env phases.Environment) phases.RunOpened {
		return phases.RunOpened{RunID: "r", File: file, Source: source, SHA256: engine.SHA256([]byte(source)), Environment: env}
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	write := func(name string, o phases.RunOpened, more ...phases.Event) {
		t.Helper()
		w, err := journal.Create(filepath.Join(dir, name+".journal"))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for _, e := range append([]phases.Event{o}, more...) {
			at = at.Add(time.Minute)
			if _, err := w.Append(at, e.Kind(), e, journal.Buffered); err != nil {
				t.Fatal(err)
			}
		}
	}
	closed := []phases.Event{phases.RunClosed{Outcome: phases.Completed}}
	want := opened("book.yaml", book, phases.Production)
	for _, step := range []struct {
		name  string
		run   phases.RunOpened
		more  []phases.Event
		found string
	}{
		{"elsewhere", opened("else.yaml", other, phases.Rehearsal), closed, ""},
		{"production", opened("book.yaml", book, phases.Production), closed, ""},
		{"changed", opened("book.yaml", other, phases.Rehearsal), closed, "changed"},
		{"unfinished", opened("book.yaml", book, phases.Rehearsal), nil, "unfinished"},
		{"renamed", opened("was.yaml", book, phases.Rehearsal), closed, "renamed"},
		{"later", opened("book.yaml", book, phases.Rehearsal), closed, "later"},
		{"broken-off", opened("book.yaml", book, phases.Rehearsal), nil, "later"},
		{"damaged", opened("book.yaml", book, phases.Rehearsal), closed, "later"},
	} {
		write(step.name, step.run, step.more...)
		if step.name == "damaged" {
			path := filepath.Join(dir, "damaged.journal")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), "title", "tidle", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := engine.ReadRehearsal(path, want); err == nil || !strings.Contains(err.Error(), "read the rehearsal") {
				t.Errorf("a damaged one is read: %v", err)
			}
		}
		found, err := engine.FindRehearsal(dir, want)
		if name := strings.TrimSuffix(found.Journal, ".journal"); err != nil || name != step.found {
			t.Errorf("after %s, found is %q, want %q: %v", step.name, name, step.found, err)
		}
		if same := found.Journal == "" || found.SHA256 == want.SHA256; same != (found.Differs == nil) {
			t.Errorf("after %s, it differs in %s", step.name, fmt.Sprint(found.Differs))
		}
	}
}
