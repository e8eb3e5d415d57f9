package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/journal"
)

const book = `tminus: 1
title: Gym reset
window: {opens: 60m, gate: 15m, planned: 10m, abort: 25m}
backup:
  max_age: 20m
  restore: pg_restore --clean -d gym {{backup_id}}.dump {{backup_place}}
  restore_time: 12m
  id_field: backup_id
  time_field: backup_time
protected: [lessons, trainers]
checklist:
  - id: backup
    title: Backup
    due: T-30m
    items:
      - id: backup_taken
        text: The final backup is taken
        fields:
          - {id: backup_id, label: Backup ID, example: b1}
          - {id: backup_place, label: Backup location, required: false}
          - {id: backup_time, label: Snapshot taken at, type: time, example: now}
      - id: connects
        text: The database answers
        check: {database: database.connects, remedy: Start the server.}
phases:
  - id: baseline
    title: Baseline
    risk: none
    planned: 1m
    count: [users, audit_logs]
  - id: leaf
    title: 2. Leaf tables
    risk: medium
    planned: 1m
    steps:
      - delete: audit_logs
  - id: users
    title: Users
    risk: critical
    planned: 3m
    point_of_no_return: true
    confirm:
      - id: final
        text: The rollback engineer is ready
    steps:
      - delete: users
after:
  - id: handover
    title: Handover
    items:
      - id: told
        text: Stakeholders have been told
`

var t0 = time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)

// written is a journal under construction: each event some time after the last.
type written struct {
	t  *testing.T
	w  *journal.Writer
	at time.Time
}

func open(t *testing.T) *written { return openWith(t, func(*phases.RunOpened) {}) }

func openWith(t *testing.T, change func(*phases.RunOpened)) *written {
	t.Helper()
	w, err := journal.Create(filepath.Join(t.TempDir(), "run.journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	j := &written{t: t, w: w, at: t0.Add(-30 * time.Minute)}
	opened := phases.RunOpened{
		RunID: "r1", Version: "0.1", File: "gym.yaml", Source: book, SHA256: strings.Repeat("ab", 32), Environment: phases.Rehearsal,
		Operator:  phases.Operator{Name: "ada", Host: "ops1"},
		Target:    phases.Identity{Host: "db1", Port: 5432, Database: "gym", User: "dba", ServerVersion: "15.4"},
		PlannedT0: t0,
	}
	change(&opened)
	j.add(0, opened)
	j.add(time.Second, phases.SurveyTaken{Survey: phases.Survey{
		Deletes: []string{"audit_logs", "users"},
		Reach:   []phases.Reach{{From: "users", Table: "memberships", Constraint: "m_fk", Action: phases.ReachCascade}},
	}})
	return j
}

func (j *written) add(after time.Duration, events ...phases.Event) {
	j.t.Helper()
	j.at = j.at.Add(after)
	for _, e := range events {
		if _, err := j.w.Append(j.at, e.Kind(), e, journal.Buffered); err != nil {
			j.t.Fatal(err)
		}
	}
}

func (j *written) build() *Report {
	j.t.Helper()
	recs, err := journal.Read(j.w.Path())
	if err != nil {
		j.t.Fatal(err)
	}
	r, err := Build(recs)
	if err != nil {
		j.t.Fatal(err)
	}
	return r
}

func (j *written) ready() {
	j.at = t0.Add(-16 * time.Minute)
	j.add(0,
		phases.CheckAnswered{Item: "connects", Pass: true, Value: "answers"},
		phases.FieldRecorded{Item: "backup_taken", Field: "backup_id", Value: "b-7\x1b[31m", By: "ada@ops1"},
		phases.FieldRecorded{Item: "backup_taken", Field: "backup_time", Value: t0.Add(-18 * time.Minute).Format(time.RFC3339), By: "ada@ops1"},
		phases.ItemTicked{Item: "backup_taken", By: "ada@ops1"},
	)
	j.at = t0.Add(-15 * time.Minute)
	j.add(0, phases.GatePassed{Approver: "B. Boss", By: "ada@ops1"})
	j.at = t0
}

func (j *written) baseline() {
	j.add(0, phases.PhaseStarted{Phase: "baseline", Attempt: 1, By: "ada@ops1"})
	j.add(2*time.Second, phases.BaselineTaken{Phase: "baseline", Baseline: phases.Baseline{
		Counts:    []phases.TableCount{{Table: "audit_logs", Rows: 48210}, {Table: "users", Rows: 1000}, {Table: "memberships", Rows: 1200}},
		Protected: []phases.Fingerprint{{Table: "lessons", Rows: 30, Hash: "x"}, {Table: "trainers", Rows: 5, Hash: "y"}},
	}})
	j.add(time.Second, phases.PhasePassed{Phase: "baseline", Took: 3 * time.Second})
}

func lessons(pass bool) phases.Verification {
	got := "30 rows, content unchanged"
	if !pass {
		got = "30 rows, content changed"
	}
	return phases.Verification{Kind: phases.VerifyProtected, Name: "lessons", Want: "30 rows, content unchanged", Got: got, Pass: pass, Rows: 30}
}

func (j *written) leaf(attempt int, intact bool) {
	j.add(10*time.Second, phases.PhaseStarted{Phase: "leaf", Attempt: attempt, By: "ada@ops1"})
	j.add(0, phases.TablesLocked{Phase: "leaf", Tables: []string{"audit_logs"}}, phases.StepStarted{Phase: "leaf"})
	j.add(4*time.Second, phases.StepDone{Phase: "leaf", Rows: 48210, Took: 400 * time.Millisecond})
	j.add(time.Second, phases.PhaseVerified{Phase: "leaf", Results: []phases.Verification{
		{Kind: phases.VerifyZero, Name: "audit_logs", Want: "0 rows", Got: "0 rows", Pass: true}, lessons(intact),
	}})
	if !intact {
		j.add(time.Second, phases.PhaseRolledBack{Phase: "leaf", Reason: "1 of 2 verifications failed: protected lessons", Took: 6 * time.Second})
		return
	}
	j.add(0, phases.HoldOpened{Phase: "leaf", Until: j.at.Add(2 * time.Minute)})
	j.add(5*time.Second, phases.CommitIntended{CommitIntent: phases.CommitIntent{Phase: "leaf"}, By: "ada@ops1"})
	j.add(0, phases.PhaseCommitted{Phase: "leaf", Took: 10 * time.Second})
}

func (j *written) users() {
	j.add(5*time.Second, phases.ItemTicked{Item: "final", By: "ada@ops1"}, phases.PhaseStarted{Phase: "users", Attempt: 1, By: "ada@ops1"})
	j.add(0, phases.StepStarted{Phase: "users"})
	touched := map[string]phases.Touched{"users": {Deleted: 1000}, "memberships": {Deleted: 1200}}
	j.add(4*time.Minute, phases.StepDone{Phase: "users", Rows: 1000, Took: 4 * time.Minute, Touched: touched})
	j.add(0, phases.PhaseVerified{Phase: "users", Touched: touched, Results: []phases.Verification{
		{Kind: phases.VerifyZero, Name: "users", Want: "0 rows", Got: "0 rows", Pass: true}, lessons(true),
	}})
	j.add(0, phases.TableCounted{Phase: "users", Table: "memberships", Rows: 0})
	j.add(5*time.Second, phases.CommitIntended{CommitIntent: phases.CommitIntent{Phase: "users"}, By: "ada@ops1"})
	j.add(0, phases.PhaseCommitted{Phase: "users", Took: 4*time.Minute + 5*time.Second})
}

func (j *written) end() {
	j.add(time.Minute, phases.NoteRecorded{Text: "Client asked for the numbers", By: "ada@ops1"}, phases.ItemTicked{Item: "told", By: "ada@ops1"})
	j.add(time.Second, phases.RunClosed{Outcome: phases.Completed})
}

func completed(t *testing.T) *Report {
	j := open(t)
	j.ready()
	j.baseline()
	j.leaf(1, false)
	j.leaf(2, true)
	j.users()
	j.end()
	return j.build()
}

func TestTextOfACompletedRun(t *testing.T) {
	r := completed(t)
	// The hash covers the wire form of every event: a new field may change it.
	r.Journal.Head = strings.Repeat("cd", 32)
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(out.String(), "\n") {
		if n := utf8.RuneCountInString(l); n > pageWidth && strings.Contains(strings.TrimSpace(l), " ") {
			t.Errorf("%d columns: %q", n, l)
		}
		if strings.ContainsAny(l, "\x1b\x07\t") {
			t.Errorf("control character in %q", l)
		}
	}
	golden.RequireEqual(t, out.Bytes())
}

func TestReportOfACompletedRun(t *testing.T) {
	r := completed(t)
	if r.Outcome != phases.Completed || r.Environment != phases.Rehearsal || !r.Journal.Closed {
		t.Errorf("outcome %q, environment %q, closed %v", r.Outcome, r.Environment, r.Journal.Closed)
	}
	if r.DeletedRows != 48210+1000+1200 || *r.BaselineToDelete != r.DeletedRows {
		t.Errorf("deleted %d, to delete %d", r.DeletedRows, *r.BaselineToDelete)
	}
	leaf := r.Phases[1]
	if leaf.Outcome != phases.PhaseIsCommitted || leaf.Attempts != 2 || leaf.Seconds != 10 || len(leaf.Issues) != 2 {
		t.Errorf("phase leaf: %+v", leaf)
	}
	users := r.Phases[2].Tables
	if len(users) != 2 || users[1].Name != "memberships" || users[1].Cascaded != 1200 || users[1].Deleted != 0 || *users[1].Remaining != 0 {
		t.Errorf("phase users: %+v", users)
	}
	if p := r.Protected; len(p) != 2 || p[0].Intact == nil || !*p[0].Intact || p[0].VerifiedIn != "users" || p[1].Intact != nil {
		t.Errorf("protected: %+v", p)
	}
	if r.Backup.ID != "b-7" || r.Backup.Restore != "pg_restore --clean -d gym b-7.dump {{backup_place}}" {
		t.Errorf("backup: %+v", r.Backup)
	}
	for _, want := range []string{"retried: phase 2, attempt 2", "rolled back: phase 2", "late: phase 3 took 4 min 05 s, planned 3 min"} {
		if !slices.ContainsFunc(r.Deviations, func(l Line) bool { return strings.HasPrefix(l.Text, want) }) {
			t.Errorf("no deviation %q among %+v", want, r.Deviations)
		}
	}
	if want := "ISSUES: complete, with 3 deviations and 2 issues"; r.Status != want {
		t.Errorf("status %q, want %q", r.Status, want)
	}
}

func TestRolledBackRowsAreUndone(t *testing.T) {
	j := open(t)
	j.ready()
	j.baseline()
	j.leaf(1, false)
	j.add(0, phases.RunAborted{Reason: "protected table changed", By: "ada@ops1"}, phases.RunClosed{Outcome: phases.Aborted})
	r := j.build()
	p := r.Phases[1]
	if p.Outcome != phases.PhaseIsRolledBack || p.Reason == "" {
		t.Errorf("outcome %q, reason %q", p.Outcome, p.Reason)
	}
	if row := p.Tables[0]; row.Deleted != 0 || row.Undone != 48210 || row.Remaining != nil {
		t.Errorf("table: %+v", row)
	}
	if r.DeletedRows != 0 || r.Outcome != phases.Aborted || r.Reason != "protected table changed" {
		t.Errorf("deleted %d, outcome %q, reason %q", r.DeletedRows, r.Outcome, r.Reason)
	}
	if got := r.Protected[0].Intact; got == nil || *got {
		t.Errorf("a protected table that was seen changed is reported intact: %v", got)
	}
	if r.Phases[2].Outcome != phases.PhasePending {
		t.Errorf("phase users: %q", r.Phases[2].Outcome)
	}
}

func TestUndoneCommitTarnishesEverything(t *testing.T) {
	j := open(t)
	j.ready()
	j.baseline()
	j.leaf(1, true)
	j.add(time.Second, phases.PhaseUndone{Phase: "leaf", Reason: "the ledger has no row of it"})
	r := j.build()
	p := r.Phases[1]
	if row := p.Tables[0]; p.Outcome != phases.PhaseIsUndone || row.Deleted != 0 || row.Undone != 48210 || row.Remaining != nil || r.DeletedRows != 0 {
		t.Errorf("outcome %q, deleted %d, table %+v", p.Outcome, r.DeletedRows, row)
	}
	if want := "FAILED: UNDONE: the database does not hold what was committed by phase 2"; r.Status != want {
		t.Errorf("status %q, want %q", r.Status, want)
	}
	j.add(time.Second, phases.PhaseConfirmed{Phase: "leaf"})
	if r := j.build(); r.DeletedRows != 48210 || !strings.HasPrefix(r.Status, "UNFINISHED") {
		t.Errorf("confirmed: deleted %d, status %q", r.DeletedRows, r.Status)
	}
}

func TestUnknownIsNeitherIntactNorNot(t *testing.T) {
	j := open(t)
	j.ready()
	j.baseline()
	j.add(0, phases.PhaseStarted{Phase: "leaf", Attempt: 1})
	j.add(0, phases.PhaseVerified{Phase: "leaf", Changes: []phases.Change{{Kind: phases.ChangeTruncated, Object: "table audit_logs", Table: "audit_logs"}}, Results: []phases.Verification{
		{Kind: phases.VerifyProtected, Name: "lessons", Unknown: "the connection was lost"},
	}})
	r := j.build()
	p, v := r.Protected[0], r.Phases[1].Verified[0]
	if p.Intact != nil || p.Remaining != nil || v.Pass || v.Unknown != "the connection was lost" {
		t.Errorf("%+v, %+v", p, v)
	}
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"?   protected lessons: unknown: the connection was lost", "Beside rows:", "table audit_logs was truncated"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

func TestOutcomes(t *testing.T) {
	cases := []struct {
		name   string
		write  func(*written)
		want   phases.Outcome
		status string
	}{
		{"a run that goes on", func(*written) {}, phases.Unfinished, "UNFINISHED: the run has not ended"},
		{"no-go", func(j *written) {
			j.add(0, phases.NoGoDeclared{Reason: "no backup", By: "ada@ops1"}, phases.RunClosed{Outcome: phases.NoGo})
		}, phases.NoGo, "NO-GO: nothing was done"},
		{"no trouble", func(j *written) {
			j.ready()
			j.baseline()
			j.leaf(1, true)
			j.add(0, phases.RunClosed{Outcome: phases.Completed}, phases.NoteRecorded{Text: "n", By: "a"})
		}, phases.Completed, "COMPLETE, with 1 deviation from the plan"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			j := open(t)
			c.write(j)
			if r := j.build(); r.Outcome != c.want || r.Status != c.status {
				t.Errorf("outcome %q, status %q; want %q, %q", r.Outcome, r.Status, c.want, c.status)
			}
		})
	}
}

func TestAssumedIsNotTicked(t *testing.T) {
	j := open(t)
	j.add(0, phases.ItemAssumed{Item: "backup_taken"}, phases.FieldRecorded{Item: "backup_taken", Field: "backup_id", Value: "b1", Assumed: true})
	j.add(0, phases.GatePassed{Approver: "nobody", Assumed: true})
	r := j.build()
	it := r.Checklist[0].Items[0]
	if it.State != ItemAssumed || !it.Fields[0].Assumed || !r.Gate.Assumed {
		t.Errorf("item %+v, gate %+v", it, r.Gate)
	}
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ASSUMED  The final backup is taken", "ASSUMED, nobody approved", "b1 (assumed)", "assumed: 2 answers"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	if _, err := Build(nil); !errors.Is(err, journal.ErrEmpty) {
		t.Errorf("an empty journal: %v", err)
	}
	if _, err := Build([]journal.Record{{Seq: 1, Kind: "from_the_future", Data: []byte("{}")}}); err == nil || !strings.Contains(err.Error(), "from_the_future") {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestJSONIsOneObjectThatReadsBack(t *testing.T) {
	r := completed(t)
	var out bytes.Buffer
	if err := r.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(out.Bytes()))
	dec.DisallowUnknownFields()
	var back Report
	if err := dec.Decode(&back); err != nil {
		t.Fatal(err)
	}
	for i := range back.Phases {
		back.Phases[i].writes = r.Phases[i].writes
	}
	back.Backup.lines, back.Backup.takes = r.Backup.lines, r.Backup.takes
	if !reflect.DeepEqual(*r, back) {
		t.Errorf("read back:\n%+v\nwant:\n%+v", back, *r)
	}
	// A list without entries is [], never null: scripts index without asking.
	if found := regexp.MustCompile(`"(phases|tables|protected|notes|deviations|log|issues|verified|items|fields|closed)": null`).Find(out.Bytes()); found != nil {
		t.Errorf("%s", found)
	}
}

// The page that describes the JSON names every field there is, and no other.
func TestPageNamesEveryField(t *testing.T) {
	page, err := os.ReadFile("../../docs/report.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllSubmatch(page, -1) {
		named = append(named, string(m[1]))
	}
	// A checklist and a line look the same wherever they stand: they are
	// described once.
	fields := slices.Concat(paths(reflect.TypeFor[Report](), ""), paths(reflect.TypeFor[Group](), "group"), paths(reflect.TypeFor[Line](), "line"))
	for _, f := range fields {
		if !slices.Contains(named, f) {
			t.Errorf("docs/report.md does not describe %s", f)
		}
	}
	for _, n := range named {
		if !slices.Contains(fields, n) {
			t.Errorf("docs/report.md describes %s, which is not in a report", n)
		}
	}
}

// paths are a type's JSON fields: phases[].tables[].name.
func paths(t reflect.Type, under string) []string {
	switch t.Kind() {
	case reflect.Pointer:
		return paths(t.Elem(), under)
	case reflect.Slice:
		return paths(t.Elem(), under+"[]")
	case reflect.Struct:
		shared := t == reflect.TypeFor[Group]() && under != "group" || t == reflect.TypeFor[Line]() && under != "line"
		if shared || t == reflect.TypeFor[time.Time]() {
			return []string{under}
		}
		var out []string
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" || !f.IsExported() {
				continue
			}
			out = append(out, paths(f.Type, strings.TrimPrefix(under+"."+name, "."))...)
		}
		return out
	}
	return []string{under}
}
