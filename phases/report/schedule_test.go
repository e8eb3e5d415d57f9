package report

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

// scheduled is the report of a run that was opened an hour before its T-0, went
// so long after it, and then was aborted, with its text and its JSON.
func scheduled(t *testing.T, change func(*phases.RunOpened), after time.Duration, events ...phases.Event) (r *Report, text, object string) {
	t.Helper()
	w, err := journal.Create(filepath.Join(t.TempDir(), "run.journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	j := &written{t: t, w: w, at: t0.Add(-time.Hour)}
	opened := phases.RunOpened{
		RunID: "p1", File: "t.yaml", Environment: phases.Production, Planned: true, PlannedT0: t0,
		Source: "tminus: 1\ntitle: T\nrehearsal: none\nphases: [{id: p, title: P, risk: high, planned: 1m, delete: [a]}]\n",
	}
	change(&opened)
	j.add(0, opened, phases.SurveyTaken{})
	j.at = t0.Add(after)
	j.add(0, events...)
	j.add(time.Second, phases.GatePassed{Approver: "B. Boss"}, phases.PhaseStarted{Phase: "p", Attempt: 1}, phases.PhaseRolledBack{Phase: "p", Reason: "r"},
		phases.RunAborted{Reason: "r"}, phases.RunClosed{Outcome: phases.Aborted})
	r = j.build()
	var out, page bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteJSON(&page); err != nil {
		t.Fatal(err)
	}
	return r, regexp.MustCompile(`\s+`).ReplaceAllString(out.String(), " "), page.String()
}

// What was planned, what came of it, and who decided to leave it stand in the
// report: in the text, as a deviation, and in the JSON.
func TestTheScheduleStandsInTheReport(t *testing.T) {
	nothing := func(*phases.RunOpened) {}
	early := phases.ScheduleLeft{Way: phases.Early, By: "the DBA on duty", Reason: "the users are out"}
	late := phases.ScheduleLeft{Way: phases.Late, By: "the DBA on duty", Reason: "the backup was slow"}
	for name, c := range map[string]struct {
		change     func(*phases.RunOpened)
		after      time.Duration
		events     []phases.Event
		text       []string
		deviations []string
		absent     bool
	}{
		"early": {nothing, -40 * time.Minute, []phases.Event{early}, []string{
			"Its time: 2026-01-31 01:45:00, T-0 at 2026-01-31 02:00:00, kept",
			"Off schedule: early, at 2026-01-31 01:20:00, on the decision of the DBA on duty: the users are out",
			"T-0: 2026-01-31 01:20:01, planned 2026-01-31 02:00:00",
		}, []string{"off schedule: the run goes early, 40 min before T-0, on the decision of the DBA on duty: the users are out", "early: T-0 came 39 min 59 s before the planned one"}, false},
		"late": {nothing, 20 * time.Minute, []phases.Event{late}, []string{"Off schedule: late, at 2026-01-31 02:20:00"}, []string{"off schedule: the run goes late, 20 min after T-0", "late: T-0 came 20 min 01 s after the planned one"}, false},
		"after a NO-GO": {func(o *phases.RunOpened) {
			o.Planned, o.NoGo = false, &phases.NoGoBefore{RunID: "n", Journal: "n.journal", At: t0.Add(-70 * time.Minute), Reason: "no \x1b[31mbackup"}
		}, -5 * time.Minute, nil, []string{"Its time: 2026-01-31 01:35:00, T-0 at 2026-01-31 01:50:00, kept", "NO-GO before: 2026-01-31 00:50:00, run n: no backup"}, nil, false},
		"a rehearsal": {func(o *phases.RunOpened) { o.Environment = phases.Rehearsal }, -40 * time.Minute, nil, []string{"T-0 at 2026-01-31 02:00:00, not kept: nothing waited for it"}, nil, false},
		"no plan":     {func(o *phases.RunOpened) { o.Planned = false }, -40 * time.Minute, nil, nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, text, object := scheduled(t, c.change, c.after, c.events...)
			for _, want := range c.text {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			var deviations strings.Builder
			for _, l := range r.Deviations {
				deviations.WriteString(l.Text + "\n")
			}
			for _, want := range c.deviations {
				if !strings.Contains(deviations.String(), want) {
					t.Errorf("no %q among the deviations\n%s", want, deviations.String())
				}
			}
			if len(c.deviations) == 0 && strings.Contains(deviations.String(), "early: ") {
				t.Errorf("where no time was kept it came early:\n%s", deviations.String())
			}
			var read struct {
				Schedule *Schedule `json:"schedule"`
			}
			if err := json.Unmarshal([]byte(object), &read); err != nil {
				t.Fatal(err)
			}
			if (read.Schedule == nil) != c.absent || !c.absent && len(read.Schedule.Departures) != len(c.events) {
				t.Errorf("the JSON has %+v", read.Schedule)
			}
			if name == "after a NO-GO" && (read.Schedule.NoGo == nil || read.Schedule.NoGo.Reason != "no backup") {
				t.Errorf("the JSON has the NO-GO %+v", read.Schedule.NoGo)
			}
		})
	}
}
