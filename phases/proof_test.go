package phases

import (
	"strings"
	"testing"
	"time"

	"tminus/phases/runbook"
)

const proofBook = `
tminus: 1
title: proof
backup: {time_field: backup_time, id_field: backup_id, max_age: 15m, restore_time: 20m, take: {directory: /b}}
window: {planned: 5m, abort: 25m}
checklist:
  - id: before
    title: Before
    items:
      - {id: taken, text: Taken, action: {name: backup.take}, fields: [{id: backup_time, label: Time, type: time}, {id: backup_id, label: ID}]}
      - {id: tried, text: Tried, action: {name: backup.try}, check: {database: backup.restored, max_age: 30m, remedy: Again.}}
phases:
  - {id: count, title: Count, risk: none, planned: 1m, count: [t]}
`

func TestWhatIsKnownOfABackup(t *testing.T) {
	asking, err := runbook.Parse("proof.yaml", []byte(proofBook))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := runbook.Parse("proof.yaml", []byte(strings.Replace(proofBook, ", check: {database: backup.restored, max_age: 30m, remedy: Again.}", "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	none, err := runbook.Parse("proof.yaml", []byte(strings.NewReplacer("backup: {time_field: backup_time, id_field: backup_id, max_age: 15m, restore_time: 20m, take: {directory: /b}}\n", "",
		", action: {name: backup.take}", "", "action: {name: backup.try}, check: {database: backup.restored, max_age: 30m, remedy: Again.}", "help: H").Replace(proofBook)))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 30, 14, 0, 0, 0, time.UTC)
	one, other := Backup{ID: "B-1", At: at}, Backup{ID: "B-0", At: at.Add(-time.Hour)}
	tables := int64(190 << 20)
	taken := &BackupTaken{Backup: Backup{ID: "B-1", At: at, Location: "/b/B-1"}, How: "pg_dump 15.14", Tables: 37, Bytes: 34 << 20, TablesBytes: &tables, Took: 12 * time.Second}
	proven := func(b Backup, differences ...string) *BackupProven {
		return &BackupProven{
			Backup: b, Into: "a throwaway server of PostgreSQL 15.14", How: "pg_restore 15.14", From: "15", Counted: 37, Compared: 3,
			Differences: differences, Restore: 12 * time.Minute, At: at.Add(10 * time.Minute),
		}
	}
	answered := func(after time.Duration, pass bool, value, err string) map[string]*ItemState {
		return map[string]*ItemState{"tried": {Check: &CheckState{Pass: pass, Value: value, Error: err, At: at.Add(10*time.Minute + after)}}}
	}
	for name, c := range map[string]struct {
		state State
		after time.Duration
		hand  bool // nothing but the fields
		want  string
	}{
		"none in the runbook":   {State{Runbook: none}, 0, true, "the runbook records no backup"},
		"none yet":              {State{Runbook: asking, Fields: map[string]FieldValue{}}, 0, true, "no backup is recorded"},
		"by hand":               {State{Runbook: asking}, 0, true, "it was recorded by hand, and nobody has restored it"},
		"taken":                 {State{Runbook: plain, Taken: taken}, 0, false, "nobody has restored it"},
		"another restored":      {State{Runbook: asking, Taken: taken, Proven: proven(other)}, 0, false, "nobody has restored it: B-0 of 2026-01-30 13:00:00 UTC was tried, which is another one"},
		"by hand, another":      {State{Runbook: asking, Proven: proven(other)}, 0, true, "it was recorded by hand, and nobody has restored it: B-0 of 2026-01-30 13:00:00 UTC was tried, which is another one"},
		"not as it was":         {State{Runbook: asking, Taken: taken, Proven: proven(one, "a: 1 row", "b")}, 12 * time.Minute, false, "it did not come back as it was: a: 1 row, and 1 more"},
		"proven":                {State{Runbook: asking, Taken: taken, Proven: proven(one)}, 40 * time.Minute, false, ""},
		"too long ago":          {State{Runbook: asking, Taken: taken, Proven: proven(one)}, 41 * time.Minute, false, "it was restored at 14:10:00 UTC, and that counted until 14:40:00 UTC"},
		"extended":              {State{Runbook: asking, Taken: taken, Proven: proven(one), Extra: time.Minute}, 41 * time.Minute, false, ""},
		"nobody asks, too long": {State{Runbook: plain, Taken: taken, Proven: proven(one)}, 26 * time.Minute, false, "it was restored at 14:10:00 UTC, and that counted until 14:25:00 UTC"},
		"clock set back":        {State{Runbook: asking, Taken: taken, Proven: proven(one)}, 8 * time.Minute, false, clockSetBack},
		"asked and found":       {State{Runbook: asking, Taken: taken, Proven: proven(one), Items: answered(time.Second, false, "the schema has changed", "")}, 12 * time.Minute, false, "the schema has changed"},
		"asked in vain":         {State{Runbook: asking, Taken: taken, Proven: proven(one), Items: answered(time.Second, true, "old", "no answer")}, 12 * time.Minute, false, "no answer"},
		"asked before":          {State{Runbook: asking, Taken: taken, Proven: proven(one), Items: answered(-time.Second, false, "not restored yet", "")}, 12 * time.Minute, false, ""},
	} {
		s := c.state
		if s.Fields == nil {
			s.Fields = map[string]FieldValue{"backup_time": {Value: at.Format(time.RFC3339)}, "backup_id": {Value: "B-1"}}
		}
		p := s.Proof(at.Add(c.after))
		lines := p.Lines()
		last := lines[len(lines)-1]
		if p.Lacks != c.want || (c.want == "") != (last.Level == LevelGood) || (c.want != "") != strings.HasPrefix(last.Text, "NOT PROVEN: ") || (p.Taken == nil) != c.hand {
			t.Errorf("%s: %+v\n%+v", name, p, lines)
		}
	}
	s := State{
		Runbook: plain, Taken: taken, Proven: proven(one), Fields: map[string]FieldValue{"backup_time": {Value: at.Format(time.RFC3339)}},
		Verified: &BackupVerified{Backup: one, How: "pg_restore 15.14", Tables: 37, Rows: 1234, Bytes: 34 << 20, At: at.Add(5 * time.Minute)},
	}
	var got []string
	for _, l := range s.Proof(at.Add(11 * time.Minute)).Lines() {
		got = append(got, l.What+" "+l.Text)
	}
	want := `recorded B-1 of 2026-01-30 14:00:00 UTC, 11 min old, at /b/B-1
taken by pg_dump 15.14 in 12 s, 37 tables, 34 MB, 18 % of the tables' 190 MB
verified at 14:05:00 UTC by pg_restore 15.14: 1,234 rows of 37 tables, 34 MB
restored into a throwaway server of PostgreSQL 15.14 in 12 min at 14:10:00 UTC, by pg_restore 15.14 from a server of version 15; the rows of 37 tables are as they were, and the content of 3 protected tables, counts until 14:25:00 UTC; no check asks whether the tables are still defined as they were then`
	if strings.Join(got, "\n") != want {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
	}
	if got := s.RestoredAfter(); got != 37*time.Minute {
		t.Errorf("as measured, restored after %s", got)
	}
	s.Proven = nil
	if got := s.RestoredAfter(); got != 45*time.Minute {
		t.Errorf("as expected, restored after %s", got)
	}
	s.Runbook = none
	if got := s.RestoredAfter(); got != 0 {
		t.Errorf("unknown, restored after %s", got)
	}
}

func TestSchemaThatIsAnother(t *testing.T) {
	was := SchemaPrint{Hash: "1", Tables: map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"}}
	for want, now := range map[string]SchemaPrint{
		"": was,
		"the schema has changed since it was taken: b is missing, c differs, e is new":                   {Hash: "2", Tables: map[string]string{"a": "1", "c": "4", "d": "4", "e": "5"}},
		"the schema has changed since it was taken: a is missing, b is missing, c is missing and 1 more": {Hash: "3"},
	} {
		if got := (BackupProven{Schema: &was}).Unlike(now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := (BackupProven{}).Unlike(was); !strings.Contains(got, "nobody knows") {
		t.Errorf("got %q", got)
	}
}
