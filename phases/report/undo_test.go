package report

import (
	"bytes"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

// keeping is the report of a run of two phases that was left after the events.
func keeping(t *testing.T, opened phases.RunOpened, events ...phases.Event) (*Report, string) {
	t.Helper()
	w, err := journal.Create(filepath.Join(t.TempDir(), "run.journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	j := &written{t: t, w: w, at: t0.Add(-time.Minute)}
	opened.RunID, opened.File, opened.SHA256, opened.PlannedT0 = "p1", "t.yaml", "s", t0
	j.add(0, opened)
	j.at = t0
	j.add(0, events...)
	r := j.build()
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return r, regexp.MustCompile(`\s+`).ReplaceAllString(out.String(), " ")
}

const twoPhases = "tminus: 1\ntitle: T\nrehearsal: none\nbackup: {restore: bring it back}\nphases:\n" +
	"  - {id: p, title: P, risk: high, planned: 1m, delete: [a]}\n  - {id: q, title: Q, risk: high, planned: 1m, delete: [b]%s}\n"

// took is what a phase's journal has when it took rows and kept them.
func took(id string, rows int64) []phases.Event {
	return []phases.Event{
		phases.PhaseStarted{Phase: id, Attempt: 1},
		phases.TablesLocked{Phase: id},
		phases.StepStarted{Phase: id},
		phases.StepDone{Phase: id, Command: "DELETE", Rows: rows, Took: time.Second},
		phases.CapsuleKept{Phase: id, Capsule: phases.Capsule{
			Folder: phases.CapsuleFolder(id, 1), Gone: rows, Bytes: 2048, SHA256: "beef", Took: time.Second,
			Tables: []phases.CapsuleTable{{Table: "a", Gone: rows}}, Beside: []string{"sequence x was moved"},
		}},
		phases.PhaseCommitted{Phase: id, Took: 2 * time.Second},
	}
}

// What the server warned of at a COMMIT stands with the phase, and is a deviation.
func TestAWarningAtCommitStandsInTheReport(t *testing.T) {
	t.Parallel()
	events := took("p", 1000)
	events[len(events)-1] = phases.PhaseCommitted{Phase: "p", Took: 2 * time.Second, Warned: []string{"no standby has it"}}
	r, text := keeping(t, phases.RunOpened{Environment: phases.Production, Source: strings.Replace(twoPhases, "%s", "", 1)}, events...)
	const said = "the server warned at COMMIT: no standby has it"
	if got := r.Phases[0].Warned; len(got) != 1 || !strings.Contains(deviations(r), "warned: phase 1: "+said) || !strings.Contains(text, "SUCCESS: COMMITTED; "+said) {
		t.Errorf("%q in\n%s", got, text)
	}
}

func deviations(r *Report) string {
	var out []string
	for _, d := range r.Deviations {
		out = append(out, d.Text)
	}
	return strings.Join(out, "\n")
}

// What was kept, what is known of the undo and its command stand in the report of a
// run in production; that nobody has proven it is a deviation.
func TestTheUndoStandsInTheReport(t *testing.T) {
	t.Parallel()
	events := append(took("p", 1000), phases.CapsuleLeft{Phase: "q", Folder: "/runs/x.journal.capsule/q.1", Error: "busy"}, phases.RunAborted{Reason: "late", By: "ada"})
	r, text := keeping(t, phases.RunOpened{
		Environment: phases.Production, Source: strings.Replace(twoPhases, "%s", "", 1), Capsule: &phases.CapsulePlace{Folder: "/runs/x.journal.capsule"},
	}, events...)
	for _, want := range []string{
		"Capsule: on: what the phases take away is kept in /runs/x.journal.capsule", "Undo: NOT PROVEN: nobody has rehearsed it",
		"Capsule: 1,000 rows to bring back, of 1 table; 2048 bytes on disk, written in 1.0 s: p.1", "Capsule's SHA-256: beef", "Not in it: sequence x was moved",
		"Committed rows come back by an undo: tminus undo x.journal Or by a restore: bring it back", "Left behind: /runs/x.journal.capsule/q.1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	c, u := r.Phases[0].Capsule, r.Undo
	if c == nil || c.Rows != 1000 || c.SHA256 != "beef" || c.Undo.Proven || u.Command != "tminus undo x.journal" || u.Proven || u.DecideBy == nil || r.Phases[1].Capsule != nil {
		t.Errorf("the capsule is %+v, the undo %+v", c, u)
	}
	if got := deviations(r); !strings.Contains(got, "undo not proven: nobody has rehearsed it") || !strings.Contains(got, "its capsule could not be removed") {
		t.Errorf("deviations %s", got)
	}
}

// A phase without a capsule is a deviation, and comes back by a restore only.
func TestACapsuleThatIsOffIsADeviation(t *testing.T) {
	t.Parallel()
	opened := phases.RunOpened{Environment: phases.Production, Source: strings.Replace(twoPhases, "%s", ", capsule: off", 1), Capsule: &phases.CapsulePlace{Folder: "/runs/x.journal.capsule"}}
	second := took("q", 5)
	r, text := keeping(t, opened, append(append(took("p", 1000), second[:4]...), second[5], phases.RunAborted{Reason: "late"})...)
	if got := deviations(r); !strings.Contains(got, "capsule off: nothing was kept of what was taken by q, only a restore brings it back") {
		t.Errorf("deviations %s", got)
	}
	if !strings.Contains(text, "By a restore only, what was taken by q: bring it back") || len(r.Undo.Lost) != 1 || len(r.Undo.Off) != 1 {
		t.Errorf("%+v\n%s", r.Undo, text)
	}
	opened.Capsule, opened.Source = nil, "capsule: off\n"+strings.Replace(twoPhases, "%s", "", 1)
	r, text = keeping(t, opened, append(append(took("p", 5)[:4], took("p", 5)[5]), phases.RunAborted{Reason: "late"})...)
	if got := deviations(r); !strings.Contains(got, "capsule off: nothing was kept of what the phases took") || !strings.Contains(text, "Committed rows come back by a restore only: bring it back") {
		t.Errorf("deviations %s in\n%s", got, text)
	}
}

// A restore command of several lines stands in a report as it is, and in no sentence.
func TestARestoreCommandKeepsItsLines(t *testing.T) {
	t.Parallel()
	opened := phases.RunOpened{Environment: phases.Production, Source: "capsule: off\n" + strings.Replace(twoPhases, "%s", "", 1)}
	r, _ := keeping(t, opened, append(append(took("p", 5)[:4], took("p", 5)[5]), phases.RunAborted{Reason: "late"})...)
	r.Backup.ID, r.Backup.Restore = "b-7", "# as postgres\ncd '/my  backups'\npg_restore b-7"
	for name, c := range map[string]struct {
		write func(*Report, io.Writer) error
		want  string
	}{
		"text": {(*Report).WriteText, "\n  # as postgres\n  cd '/my  backups'\n  pg_restore b-7\n"},
		"md":   {(*Report).WriteMarkdown, "```\n# as postgres\ncd '/my  backups'\npg_restore b-7\n```"},
		"html": {(*Report).WriteHTML, "<pre><code># as postgres\ncd &#39;/my  backups&#39;\npg_restore b-7</code></pre>"},
	} {
		text := formatted(t, r, c.write)
		if !strings.Contains(text, c.want) || strings.Contains(text, "by # as") || strings.Count(text, "# as postgres") != 1 {
			t.Errorf("%s: no %q in\n%s", name, c.want, text)
		}
	}
	if text := r.wayBack(); !strings.Contains(text, "as it was then, by the runbook's restore command.") {
		t.Errorf("the summary says %q", text)
	}
}

// A rehearsal's report has what came of its undo, and a run that is one what it undid.
func TestTheTrialAndTheUndoneRunStandInTheReport(t *testing.T) {
	t.Parallel()
	opened := phases.RunOpened{Environment: phases.Rehearsal, TryUndo: true, Source: strings.Replace(twoPhases, "%s", "", 1), Capsule: &phases.CapsulePlace{Folder: "/runs/x.journal.capsule"}}
	tried := phases.UndoTried{Phases: []phases.UndoneTrial{{Phase: "p", Rows: 1000, Took: 3 * time.Second}}, Took: 3 * time.Second, Compared: 2}
	end := func(e phases.UndoTried) []phases.Event {
		return append(took("p", 1000), phases.UndoTrialStarted{By: "ada"}, e, phases.RunClosed{Outcome: phases.Completed})
	}
	r, text := keeping(t, opened, end(tried)...)
	if !strings.Contains(text, "Tried: undo proven: 1,000 rows put back in 3.0 s (p 3.0 s)") || !strings.Contains(text, "Undo: put back in 3.0 s at this rehearsal's end") || r.Undo.Command != "" || !r.Undo.Proven {
		t.Errorf("%+v\n%s", r.Undo, text)
	}
	tried.Differences = []string{"a has another content"}
	r, text = keeping(t, opened, end(tried)...)
	if got := deviations(r); !strings.Contains(got, "undo not proven: undo tried, and NOT PROVEN after 3.0 s: not all is as it was: a has another content") || r.Undo.Trial.Proven || !strings.Contains(text, "and NOT PROVEN") {
		t.Errorf("deviations %s in\n%s", got, text)
	}
	opened.Undoes, opened.Capsule, opened.TryUndo = &phases.Undoes{Journal: "was.journal", RunID: "r9", Head: "ff", Phases: []string{"q", "p"}}, nil, false
	opened.Source = "capsule: off\n" + opened.Source
	r, text = keeping(t, opened, phases.RunClosed{Outcome: phases.Completed})
	if r.Undo.Undoes == nil || r.Undo.Undoes.Journal != "was.journal" || !strings.Contains(text, "undoes q, p of run r9, was.journal") || strings.Contains(deviations(r), "capsule") {
		t.Errorf("%+v, %s in\n%s", r.Undo, deviations(r), text)
	}
}
