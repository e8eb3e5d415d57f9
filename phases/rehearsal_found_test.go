package phases

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A rehearsal that the run may rest on is taken before all others; else the run
// learns what is wrong with the nearest one, once, and not with each of its lines.
func TestABetterRehearsalIsTaken(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 3, 0, 0, 0, time.UTC)
	like := func(id string, change func(*Rehearsed)) Rehearsed {
		r := goodRehearsal(now)
		r.RunID, r.Journal = id, id+".journal"
		change(&r)
		return r
	}
	good := like("good", func(*Rehearsed) {})
	later := like("later", func(r *Rehearsed) { r.EndedAt = r.EndedAt.Add(time.Minute) })
	other := like("other", func(r *Rehearsed) { r.EndedAt, r.Schema = now, &SchemaPrint{Hash: "x"} })
	under := like("under", func(r *Rehearsed) { r.EndedAt, r.Outcome = now, "" })
	further := like("under", func(r *Rehearsed) { r.EndedAt, r.Outcome = now.Add(time.Second), "" })
	beside := like("beside", func(r *Rehearsed) { r.EndedAt, r.Outcome = now.Add(time.Minute), "" })
	aborted := like("under", func(r *Rehearsed) { r.EndedAt, r.Outcome = now, Aborted })
	changed := like("changed", func(r *Rehearsed) { r.SHA256 = "x" })
	for name, c := range map[string]struct {
		known Rehearsed
		found []Rehearsed
		want  string
	}{
		"nothing is found":             {Rehearsed{}, nil, ""},
		"one that stands":              {Rehearsed{}, []Rehearsed{good}, "good"},
		"the last that stands":         {Rehearsed{}, []Rehearsed{later, good}, "later"},
		"an earlier one that stands":   {other, []Rehearsed{other, good, under}, "good"},
		"what is known stands":         {good, []Rehearsed{good, later}, ""},
		"one under way":                {Rehearsed{}, []Rehearsed{under}, "under"},
		"its further lines":            {under, []Rehearsed{further}, ""},
		"its end":                      {under, []Rehearsed{aborted}, "under"},
		"two under way":                {under, []Rehearsed{further, beside}, ""},
		"another runbook":              {under, []Rehearsed{changed}, ""},
		"another schema, and finished": {under, []Rehearsed{other}, "other"},
		"the same as before":           {other, []Rehearsed{other}, ""},
	} {
		schema := rehearsedPrint()
		s, err := fold(t,
			RunOpened{RunID: "r", File: "book.yaml", SHA256: "s", Source: rehearsedBook, Environment: Production, Rehearsed: &c.known, Target: Identity{Database: "gym"}},
			SurveyTaken{Survey{Schema: &schema}})
		if err != nil {
			t.Fatal(err)
		}
		got := s.BetterRehearsal(c.found, now)
		if (got == nil) != (c.want == "") || got != nil && got.RunID != c.want {
			t.Errorf("%s: taken is %+v, want %q", name, got, c.want)
		}
		if got == nil {
			continue
		}
		was := len(s.GateHolds(now))
		if err := (RehearsalFound{Rehearsed: *got}).apply(s); err != nil {
			t.Fatal(err)
		}
		if holds := s.GateHolds(now); was != 1 || (len(holds) == 0) != (c.want == "good" || c.want == "later") {
			t.Errorf("%s: held by %v", name, holds)
		}
		if again := s.BetterRehearsal(c.found, now); again != nil {
			t.Errorf("%s: it is taken again", name)
		}
	}
}

// Nobody looks for one where none is wanted, or where the gate is passed.
func TestNoRehearsalIsLookedFor(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 3, 0, 0, 0, time.UTC)
	schema := rehearsedPrint()
	for name, c := range map[string]struct {
		change func(*RunOpened)
		more   []Event
		want   bool
	}{
		"in production":   {func(*RunOpened) {}, nil, true},
		"in a rehearsal":  {func(o *RunOpened) { o.Environment = Rehearsal }, nil, false},
		"in an old run":   {func(o *RunOpened) { o.Rehearsed = nil }, nil, false},
		"without a wish":  {func(o *RunOpened) { o.Source += "rehearsal: none\n" }, nil, false},
		"with a good one": {func(o *RunOpened) { *o.Rehearsed = goodRehearsal(now) }, nil, false},
		"after the GO":    {func(*RunOpened) {}, []Event{GatePassed{Approver: "Ann", By: "ada"}}, false},
		"after its end":   {func(*RunOpened) {}, []Event{NoGoDeclared{Reason: "r", By: "ada"}}, false},
	} {
		o := RunOpened{RunID: "r", File: "book.yaml", SHA256: "s", Source: rehearsedBook, Environment: Production, Rehearsed: &Rehearsed{}}
		c.change(&o)
		s, err := fold(t, append([]Event{o, SurveyTaken{Survey{Schema: &schema}}}, c.more...)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.LacksRehearsal(now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

const copiedBook = `tminus: 1
title: T
backup: {time_field: at, restore_time: 1h, took_field: took, take: {directory: /b}}
checklist: [{id: c, title: C, items: [{id: i, text: I, action: {name: backup.take}, fields: [{id: at, label: At, type: time}, {id: took, label: Took, type: duration}]}]}]
phases: [{id: p, title: P, planned: 1m, count: [a]}]
`

// How long a restore takes, the rehearsal's copy tells where it was one of this
// database and nobody has tried since.
func TestRestoreTimeOfTheRehearsal(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 1, 0, 0, 0, time.UTC)
	of := func(database, system string) *Rehearsed {
		return &Rehearsed{Journal: "J", Copy: &Copy{Backup: Backup{ID: "b", At: at}, Database: database, System: system, Restore: 12 * time.Minute}}
	}
	for name, c := range map[string]struct {
		rehearsed *Rehearsed
		more      []Event
		want      time.Duration
		when      string
	}{
		"nobody":         {&Rehearsed{}, nil, time.Hour, ""},
		"the rehearsal":  {of("gym", "7"), nil, 12 * time.Minute, "when the rehearsal's copy was made"},
		"unknown server": {of("gym", ""), nil, 12 * time.Minute, "when the rehearsal's copy was made"},
		"another server": {of("gym", "8"), nil, time.Hour, ""},
		"another one":    {of("shop", "7"), nil, time.Hour, ""},
		"tried":          {of("gym", "7"), []Event{BackupProven{Item: "i", Restore: time.Minute}}, time.Minute, "when it was tried"},
		"tried in vain":  {of("gym", "7"), []Event{BackupProven{Item: "i", Restore: time.Minute, Differences: []string{"a"}}}, 12 * time.Minute, "when the rehearsal's copy was made"},
		"noted":          {of("gym", "7"), []Event{FieldRecorded{Item: "i", Field: "took", Value: "5m"}}, 5 * time.Minute, "when it was tried"},
	} {
		s, err := fold(t, append([]Event{RunOpened{RunID: "r", File: "b.yaml", Source: copiedBook, Environment: Production, Rehearsed: c.rehearsed, Target: Identity{Database: "gym", SystemIdentifier: "7"}}}, c.more...)...)
		if err != nil {
			t.Fatal(err)
		}
		if d, measured := s.RestoreTime(); d != c.want || measured != (c.when != "") || s.RestoreMeasured() != c.when {
			t.Errorf("%s: %s %q", name, d, s.RestoreMeasured())
		}
	}
	s, err := fold(t, RunOpened{RunID: "r", File: "b.yaml", Source: copiedBook, Environment: Rehearsal, Copy: of("gym", "7").Copy})
	if err != nil {
		t.Fatal(err)
	}
	if r := RehearsedBy(s, "J", copiedBook); r.Copy == nil || r.Copy.Restore != 12*time.Minute || !strings.HasPrefix(s.OfCopy(), "this is a copy: b of 2026-01-31 01:00:00 UTC, of the database gym, restored in 12 min") {
		t.Errorf("%+v, %q", r.Copy, s.OfCopy())
	}
}

// A backup that was taken while the run had triggers off brings them back off,
// whoever took it; one from before, or from after they were back, does not.
func TestTriggersThatABackupHasOff(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC) // as fold counts minutes
	off := TriggersRecorded{Triggers: []Trigger{{Table: "a", Name: "x", Enabled: "R"}, {Table: "a", Name: "was_off", Enabled: "D"}}}
	back := ActionDone{Item: "i", Name: "triggers.restore"}
	taken := func(m int) []Event {
		b := Backup{ID: "b", At: base.Add(time.Duration(m) * time.Minute)}
		return []Event{BackupTaken{Item: "i", Backup: b}, FieldRecorded{Item: "i", Field: "at", Value: b.At.Format(time.RFC3339)}}
	}
	noted := func(m int) Event {
		return FieldRecorded{Item: "i", Field: "at", Value: base.Add(time.Duration(m) * time.Minute).Format(time.RFC3339)}
	}
	for name, c := range map[string]struct {
		events []Event
		want   []string
	}{
		"none":                     {append([]Event{off}, noted(0)), nil},
		"taken while off":          {append([]Event{off}, taken(1)...), []string{"a.x"}},
		"taken before":             {append(taken(0), off), nil},
		"taken after":              {append([]Event{off, back}, taken(3)...), nil},
		"noted from while off":     {[]Event{off, noted(2)}, []string{"a.x"}},
		"noted from before":        {[]Event{off, noted(0)}, nil},
		"noted from after":         {[]Event{off, back, noted(5)}, nil},
		"noted, and off by then":   {[]Event{off, off, off, back, noted(3)}, []string{"a.x"}},
		"another noted than taken": {append(append([]Event{off}, taken(2)...), noted(0)), nil},
	} {
		s, err := fold(t, append([]Event{RunOpened{RunID: "r", File: "b.yaml", Source: copiedBook, Environment: Production}}, c.events...)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.OffInBackup(); !slices.Equal(got, c.want) || (s.OffWords() == "") != (c.want == nil) {
			t.Errorf("%s: %q, %q", name, got, s.OffWords())
		}
	}
}
