package phases

import (
	"reflect"
	"testing"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

const backupBook = `
tminus: 1
title: backup
backup: {time_field: backup_time, max_age: 15m}
checklist:
  - id: before
    title: Before
    items: [{id: fresh, text: The backup is fresh, fields: [{id: backup_time, label: Time, type: time}], check: {database: backup.age, remedy: Take another.}}]
phases:
  - {id: count, title: Count, risk: none, planned: 1m, count: [t]}
`

func TestABackupsAgeAtEachMoment(t *testing.T) {
	taken := time.Date(2026, 3, 14, 23, 50, 0, 0, time.UTC)
	c := &runbook.Check{Name: "backup.age"}
	f := Facts{BackupTime: taken, BackupMax: 15 * time.Minute}
	for after, want := range map[time.Duration]Answer{
		0:                {Pass: true, Value: "a backup of 2026-03-14 23:50:00 UTC, stale from 2026-03-15 00:05:00 UTC"},
		10 * time.Minute: {Pass: true, Value: "a backup of 2026-03-14 23:50:00 UTC, stale from 2026-03-15 00:05:00 UTC"},
		16 * time.Minute: {Value: "a backup of 2026-03-14 23:50:00 UTC, stale since 2026-03-15 00:05:00 UTC"},
		-time.Hour:       {Value: clockSetBack},
	} {
		if got := BackupAnswer(c, f, taken.Add(after)); !reflect.DeepEqual(got, want) {
			t.Errorf("after %s: %+v", after, got)
		}
	}
	book, err := runbook.Parse("backup.yaml", []byte(backupBook))
	if err != nil {
		t.Fatal(err)
	}
	fresh, _, _ := book.Item("fresh")
	s := &State{
		Runbook: book, Fields: map[string]FieldValue{"backup_time": {Value: taken.Format(time.RFC3339)}},
		Items: map[string]*ItemState{"fresh": {Check: &CheckState{Pass: true, Value: "then"}}},
	}
	if got := s.Found(fresh, taken.Add(3*time.Minute)); got != "3 min old, stale in 12 min" {
		t.Errorf("found %q", got)
	}
	s.Extra = 5 * time.Minute
	if got := s.Found(fresh, taken.Add(21*time.Minute)); got != "21 min old, over the limit of 20 min" {
		t.Errorf("found %q", got)
	}
}

// What rests on the window is asked again when it is extended.
func TestTheWindowIsAFact(t *testing.T) {
	planned := time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)
	s := &State{Runbook: &runbook.Runbook{Window: runbook.Window{Abort: 25 * time.Minute}}, Opened: RunOpened{PlannedT0: planned, Planned: true, Environment: Production}}
	if f := s.Facts(); !f.PlannedT0.Equal(planned) || !f.AbortAt.IsZero() {
		t.Errorf("before T-0: %s, %s", f.PlannedT0, f.AbortAt)
	}
	// A NO-GO before moves it; where nothing keeps it, the window may begin now.
	s.Runbook.Window.Opens, s.Opened.NoGo = time.Hour, &NoGoBefore{At: planned}
	if f := s.Facts(); !f.PlannedT0.Equal(planned.Add(time.Hour)) {
		t.Errorf("after a NO-GO: %s", f.PlannedT0)
	}
	s.Opened.NoGo, s.Departures = nil, []Departure{{ScheduleLeft: ScheduleLeft{Way: Early}}}
	if f := s.Facts(); !f.PlannedT0.IsZero() {
		t.Errorf("where somebody goes early: %s", f.PlannedT0)
	}
	if Stirs(s, ScheduleLeft{})&check.Of("jobs.due").Rests == 0 {
		t.Error("who goes early does not stir jobs.due")
	}
	s.Departures, s.Opened.Planned = nil, false
	if f := s.Facts(); !f.PlannedT0.IsZero() {
		t.Errorf("where nobody planned it: %s", f.PlannedT0)
	}
	s.T0 = planned.Add(time.Minute)
	extended := WindowExtended{Extra: 10 * time.Minute}
	if err := extended.apply(s); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Facts().AbortAt, planned.Add(36*time.Minute); !got.Equal(want) {
		t.Errorf("after T-0 no phase may start from %s, want %s", got, want)
	}
	if Stirs(s, extended)&check.Of("jobs.due").Rests == 0 {
		t.Error("the extended window does not stir jobs.due")
	}
}
