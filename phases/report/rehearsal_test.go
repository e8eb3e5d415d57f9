package report

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

// production is a run's report in production, of a phase that took what a
// rehearsal had shown, or of a runbook that wants none.
func production(t *testing.T, more string, rehearsed *phases.Rehearsed) (*Report, string) {
	t.Helper()
	w, err := journal.Create(filepath.Join(t.TempDir(), "run.journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	j := &written{t: t, w: w, at: t0.Add(-time.Minute)}
	j.add(0, phases.RunOpened{
		RunID: "p1", File: "t.yaml", SHA256: "s", Environment: phases.Production, PlannedT0: t0, Rehearsed: rehearsed,
		Source: "tminus: 1\ntitle: T\nphases: [{id: p, title: P, risk: high, planned: 1m, delete: [a, b]}]\n" + more,
	}, phases.SurveyTaken{Survey: phases.Survey{Prices: []phases.Price{{Phase: "p", Takes: 10 * time.Second, Least: 5 * time.Second, Most: 20 * time.Second, Rows: 10, WAL: 100, MostWAL: 100, Measured: true}}}})
	j.at = t0
	j.add(0, phases.PhaseStarted{Phase: "p", Attempt: 1}, phases.TablesLocked{Phase: "p"}, phases.BaselineTaken{Phase: "p", Baseline: phases.Baseline{
		Counts: []phases.TableCount{{Table: "a", Rows: 112}, {Table: "b", Rows: 101}},
	}})
	j.add(14*time.Second, phases.HoldOpened{Phase: "p"}, phases.PhaseCommitted{Phase: "p", Took: 14 * time.Second}, phases.RunClosed{Outcome: phases.Completed})
	r := j.build()
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return r, regexp.MustCompile(` +`).ReplaceAllString(out.String(), " ")
}

// What was rehearsed stands beside what was reckoned and what was taken, in the
// text and in the JSON; more rows than rehearsed are a deviation.
func TestTheRehearsalStandsInTheReport(t *testing.T) {
	r, text := production(t, "", &phases.Rehearsed{
		Journal: "reset.journal", RunID: "r1", Head: "abc", EndedAt: t0.Add(-24 * time.Hour), Schema: &phases.SchemaPrint{Hash: "ff"},
		Phases: []phases.RehearsedPhase{{Phase: "p", Worked: 12 * time.Second, Took: 30 * time.Second, WAL: 4096, Tables: []phases.RehearsedTable{{Table: "a", Deleted: 90, Cascaded: 10}, {Table: "b", Deleted: 100, Updated: 3}}}},
		Counts: []phases.TableCount{{Table: "a", Rows: 100}, {Table: "b", Rows: 100}},
	})
	for _, want := range []string{
		"Rehearsed: reset.journal, run r1, ended 2026-01-30 02:00:00", "Rehearsal's head: abc",
		"Rehearsed: 12 s of work, 200 rows deleted, 3 updated,", "Reckoned: about 10 s", "Taken: 14 s of work",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got, want := r.Phases[0].Rehearsed, (Rehearsed{Seconds: 30, WorkedSeconds: 12, WAL: 4096, Deleted: 200, Updated: 3}); got == nil || *got != want {
		t.Errorf("the phase was rehearsed as %+v", got)
	}
	if got, want := r.Rehearsal.Counts, []Count{{Table: "a", Rehearsed: 100, Rows: 112}, {Table: "b", Rehearsed: 100, Rows: 101}}; !slices.Equal(got, want) || r.Rehearsal.Schema != "ff" {
		t.Errorf("the rehearsal is %+v", r.Rehearsal)
	}
	if len(r.Deviations) != 1 || r.Deviations[0].Text != "more than rehearsed: a holds 112 rows, and held 100 when this was rehearsed" {
		t.Errorf("deviations %+v", r.Deviations)
	}
}

// That a runbook wants no rehearsal is a deviation in production.
func TestNoRehearsalIsADeviation(t *testing.T) {
	r, text := production(t, "rehearsal: none\n", &phases.Rehearsed{})
	if r.Rehearsal != nil || r.Phases[0].Rehearsed != nil || len(r.Deviations) != 1 || r.Deviations[0].Text != "no rehearsal: the runbook wants none" || strings.Contains(text, "Rehearsed:") {
		t.Errorf("deviations %+v in\n%s", r.Deviations, text)
	}
}
