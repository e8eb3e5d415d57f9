package phases

import (
	"strings"
	"testing"
	"time"
)

// What mends a failed check is what it rests on, wherever that stands; what was
// done already is not offered before the check has answered again.
func TestWhatMendsACheck(t *testing.T) {
	const book = `tminus: 1
title: T
window: {planned: 10m, abort: 30m}
backup: {max_age: 15m, restore: 'r {{id}}', id_field: id, time_field: taken, location_field: place, take: {directory: /b}}
checklist:
  - title: Before
    items:
      - {id: taken, text: Taken, fields: [{id: taken, label: Taken, type: time}, {id: id, label: ID}, {id: place, label: Place}], TAKE check: {database: backup.age}}
      - {id: fresh, text: Fresh, check: {database: backup.age}}
      - {id: large, text: Large, check: {database: backup.size}}
      - {id: read, text: Read, action: {name: backup.verify}, check: {database: backup.readable}}
      - {id: off, text: Off, action: {name: triggers.disable, triggers: [audit]}, check: {database: triggers.disabled, triggers: [audit]}}
      - {id: silent, text: Silent, check: {database: triggers.disabled, triggers: [audit]}}
      - {id: quiet, text: Quiet, check: {database: database.connections}}
phases:
  - {id: one, title: One, risk: low, planned: 1m, delete: [a], confirm: [{id: again, text: Again, check: {database: backup.age, max_age: 30m}}]}
  - {id: two, title: Two, risk: low, planned: 1m, delete: [b], confirm: [{id: last, text: Last, check: {database: backup.age, max_age: 30m}}]}
`
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		byRun  bool
		item   string
		events []Event // after the check has failed
		need   Need
		by     string // "id field" of what mends it
	}{
		"recorded by hand":           {item: "fresh", need: NeedField, by: "taken taken"},
		"taken by the run":           {byRun: true, item: "fresh", need: NeedAction, by: "taken "},
		"its size, taken by the run": {byRun: true, item: "large", need: NeedAction, by: "taken "},
		"its size, taken by hand":    {item: "large"},
		"recorded since":             {item: "fresh", events: []Event{FieldRecorded{Item: "taken", Field: "taken", Value: "2026-01-31T02:00:00Z"}}},
		"not read yet":               {byRun: true, item: "read", need: NeedAction, by: "read "},
		"cannot be read":             {byRun: true, item: "read", events: []Event{ActionDone{Item: "read", Name: "backup.verify", Error: "damaged"}, CheckAnswered{Item: "read", Value: "damaged"}}, need: NeedAction, by: "taken "},
		"reading it was cancelled":   {byRun: true, item: "read", events: []Event{ActionDone{Item: "read", Name: "backup.verify", Error: "stopped", Cancelled: true}, CheckAnswered{Item: "read", Value: "not read"}}, need: NeedAction, by: "read "},
		"another action under way":   {byRun: true, item: "fresh", events: []Event{ActionStarted{Item: "off", Name: "triggers.disable"}}},
		"a trigger, of another":      {item: "silent", need: NeedAction, by: "off "},
		"a trigger, its own":         {item: "off", need: NeedAction, by: "off "},
		"just disabled":              {item: "silent", events: []Event{ActionStarted{Item: "off", Name: "triggers.disable"}, ActionDone{Item: "off", Name: "triggers.disable"}}},
		"enabled again since":        {item: "silent", events: []Event{ActionDone{Item: "off", Name: "triggers.disable"}, CheckAnswered{Item: "silent", Value: "audit fires"}}, need: NeedAction, by: "off "},
		"nothing of the run's":       {item: "quiet"},
		"no answer is no finding":    {item: "fresh", events: []Event{CheckAnswered{Item: "fresh", Error: "no connection"}}},
		"after the GO, in a phase":   {item: "last", events: []Event{GatePassed{}, PhaseStarted{Phase: "one", Attempt: 1}, PhaseCommitted{Phase: "one"}}, need: NeedWindow, by: " "},
		"after the GO, before them":  {item: "again", events: []Event{GatePassed{}}, need: NeedField, by: "taken taken"},
	} {
		source := strings.NewReplacer("TAKE ", "", ", take: {directory: /b}", "").Replace(book)
		if c.byRun {
			source = strings.Replace(book, "TAKE ", "action: {name: backup.take}, ", 1)
		}
		s := &State{}
		now := at
		for _, e := range append([]Event{RunOpened{RunID: "r", File: "t.yaml", Source: source}, CheckAnswered{Item: c.item, Value: "bad"}}, c.events...) {
			now = now.Add(time.Second)
			s.At = now
			if err := e.apply(s); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		it, _, ok := s.Runbook.Item(c.item)
		if !ok {
			t.Fatalf("%s: no item", name)
		}
		m, mends := s.Mends(it, now)
		if mends != (c.need != "") || mends && (m.Need != c.need || m.Item.ID+" "+m.Field.ID != c.by) {
			t.Errorf("%s: %t, %s of %s %s, want %s of %s", name, mends, m.Need, m.Item.ID, m.Field.ID, c.need, c.by)
		}
	}
}

// A backup that has become too old for the point of no return, where no item asks for
// its age: extending the window ends that hold, as it ends that of the abort limit,
// and says so; it mends neither a time that lies in the future nor one that is missing.
func TestWhatExtendingTheWindowEnds(t *testing.T) {
	const book = `tminus: 1
title: T
window: {planned: 10m, abort: 60m}
backup: {max_age: 15m, restore: 'r {{id}}', id_field: id, time_field: taken}
checklist:
  - {title: Before, items: [{id: taken, text: Taken, fields: [{id: taken, label: Taken, type: time, required: false}, {id: id, label: ID, required: false}]}]}
phases:
  - {id: one, title: One, risk: low, planned: 1m, delete: [a]}
  - {id: two, title: Two, risk: low, planned: 1m, delete: [b], point_of_no_return: true}
`
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	const way = ": extend the window, or abort"
	for name, c := range map[string]struct {
		taken string
		after time.Duration
		text  string // of the hold; empty for none
		ends  bool
	}{
		"fresh":             {taken: "2026-01-31T02:00:00Z", after: 16 * time.Minute},
		"too old":           {taken: "2026-01-31T02:00:00Z", after: 17 * time.Minute, text: "the backup: 17 min old, over the limit of 16 min" + way, ends: true},
		"in the future":     {taken: "2026-01-31T03:00:00Z", after: 17 * time.Minute, text: "the backup: " + clockSetBack},
		"not recorded":      {after: time.Minute, text: "the backup: no backup time recorded"},
		"the window's over": {taken: "2026-01-31T02:50:00Z", after: 61 * time.Minute, text: "the abort limit passed 1m0s ago" + way, ends: true},
	} {
		s := &State{At: at}
		for _, e := range []Event{
			RunOpened{RunID: "r", File: "t.yaml", Source: book},
			FieldRecorded{Item: "taken", Field: "taken", Value: c.taken},
			ItemTicked{Item: "taken"},
			GatePassed{},
			PhaseStarted{Phase: "one", Attempt: 1},
			PhaseCommitted{Phase: "one"},
		} {
			if err := e.apply(s); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		holds := s.PhaseHolds(1, at.Add(c.after))
		if c.text == "" && len(holds) == 0 {
			continue
		}
		if len(holds) != 1 || holds[0].Text != c.text || holds[0].Window != c.ends {
			t.Errorf("%s: held by %+v, want %q, which extending ends: %t", name, holds, c.text, c.ends)
		}
	}
}
