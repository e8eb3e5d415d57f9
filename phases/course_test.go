package phases

import (
	"strings"
	"testing"
)

const courseBook = `tminus: 1
title: Course
phases:
  - {id: base, title: Base, planned: 1m, count: [users]}
  - {id: notes, title: Notes, risk: high, planned: 1m, steps: [{delete: notes}]}
  - id: users
    title: Users
    risk: high
    planned: 1m
    steps: [{delete: users}]
    confirm:
      - {id: counted, text: All is counted, check: {database: run.baseline, remedy: R}}
      - {id: cleared, text: The notes are gone, check: {database: run.phase, phase: notes, remedy: R}}
`

// What earlier phases came to is the program's to say, before the next one starts.
func TestAPhaseIsConfirmedByWhatEarlierOnesCameTo(t *testing.T) {
	baseline := Baseline{Counts: []TableCount{{Table: "users", Rows: 7}, {Table: "notes", Rows: 3}}}
	for name, c := range map[string]struct {
		counts []TableCount
		ends   []Event
		want   map[string]string // empty: it passes
	}{
		"all went": {baseline.Counts, []Event{PhaseCommitted{Phase: "notes"}}, map[string]string{"counted": "", "cleared": ""}},
		"a table was not counted": {
			baseline.Counts[:1],
			[]Event{PhaseCommitted{Phase: "notes"}},
			map[string]string{"counted": "the baseline lacks notes", "cleared": ""},
		},
		"it was undone, and accepted": {
			baseline.Counts,
			[]Event{PhaseCommitted{Phase: "notes"}, PhaseUndone{Phase: "notes"}, UndoneAccepted{Phase: "notes"}},
			map[string]string{"counted": "", "cleared": "phase 2 was undone"},
		},
	} {
		j := newSigning(t)
		j.add(
			RunOpened{RunID: "r1", File: "book.yaml", Source: courseBook, Target: Identity{Database: "shop"}},
			GatePassed{Approver: "duty manager"},
			PhaseStarted{Phase: "base", Attempt: 1},
			BaselineTaken{Phase: "base", Baseline: Baseline{Counts: c.counts}},
			PhasePassed{Phase: "base"},
			PhaseStarted{Phase: "notes", Attempt: 1},
			StepDone{Phase: "notes", Rows: 3},
			PhaseVerified{Phase: "notes", Results: []Verification{{Kind: VerifyZero, Name: "notes", Pass: true}}},
		)
		if got := j.answered(); len(got) != 0 {
			t.Errorf("%s: asked while a phase is open: %v", name, got)
		}
		j.add(c.ends...)
		got := j.answered()
		if len(got) != len(c.want) {
			t.Errorf("%s: answered %v", name, got)
		}
		for id, why := range c.want {
			if a := got[id]; a.Pass != (why == "") || !strings.Contains(a.Value, why) {
				t.Errorf("%s: %s: %+v", name, id, a)
			}
		}
	}
}
