package pane

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// What was rehearsed stands beside what is planned, and the baseline's counts
// beside the rehearsal's; without a rehearsal nothing does.
func TestTheRehearsalStandsBesideThePlan(t *testing.T) {
	r := newPaneRun()
	r.Baseline = &phases.Baseline{}
	counted := &r.Phases[0]
	counted.Status, counted.Attempt, counted.StartedAt, counted.EndedAt = phases.PhaseIsPassed, 1, r.now, r.now.Add(time.Second)
	for i := range counted.Tables {
		counted.Tables[i].Left = 1000
	}
	draw := func(of ID, width int) string {
		p := r.pane(width, 30)
		return plainText(p.show(of))
	}
	for _, of := range []ID{Timeline, Phase} {
		if got := draw(of, 120); strings.Contains(got, "rehearsed") {
			t.Errorf("%s speaks of a rehearsal that there was not:\n%s", of, got)
		}
	}
	r.Opened.Rehearsed = &phases.Rehearsed{
		Journal: "J",
		Phases:  []phases.RehearsedPhase{{Phase: "baseline", Worked: 12 * time.Second}, {Phase: "users", Worked: 75 * time.Second}, {Phase: "leaves"}},
		Counts:  []phases.TableCount{{Table: "user_profiles", Rows: 1250}, {Table: "memberships", Rows: 4000}, {Table: "payments", Rows: 500}},
	}
	for _, width := range []int{60, 120} {
		got := draw(Timeline, width)
		for _, want := range []string{"rehearsed 12 s", "rehearsed 1 min 15 s"} {
			if !strings.Contains(got, want) {
				t.Errorf("%d wide, no %q in\n%s", width, want, got)
			}
		}
		if n := strings.Count(got, "rehearsed"); n != 2 {
			t.Errorf("%d wide, it is said %d times:\n%s", width, n, got)
		}
	}
	got := draw(Phase, 120)
	for _, want := range []string{"2 min planned, rehearsed 12 s", "rehearsed   ratio", "1,250   0.8 ×", "4,000  0.25 ×", "500     2 ×"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	r.Opened.Rehearsed.Differs = []string{"@@ -1 +1 @@"}
	if got := draw(Timeline, 120); strings.Contains(got, "rehearsed") {
		t.Errorf("it speaks of a rehearsal of another runbook:\n%s", got)
	}
}

// A runbook that wants no rehearsal says so at the gate.
func TestTheGateSaysThatNoneIsWanted(t *testing.T) {
	r := newPaneRun()
	p := r.pane(120, 30)
	if got := plainText(p.show(Gate)); strings.Contains(got, "rehearsal") {
		t.Errorf("it speaks of one:\n%s", got)
	}
	r.Runbook.Rehearsal.None = true
	if got := plainText(p.show(Gate)); !strings.Contains(got, "The runbook wants no rehearsal: nobody has seen that it holds") {
		t.Errorf("it does not say so:\n%s", got)
	}
}

// A phase that took the baseline itself tells before its COMMIT how few rows it
// found.
func TestTheHoldTellsOfFewerRowsThanRehearsed(t *testing.T) {
	r := newPaneRun()
	ph := &r.Phases[1]
	ph.Status, ph.Attempt, ph.StartedAt, ph.HoldUntil = phases.PhaseHolding, 1, r.now, r.now.Add(time.Minute)
	r.Conditions = []phases.Condition{{At: r.now, ConditionRaised: phases.ConditionRaised{Condition: phases.ConditionCounts, Strength: phases.HoldStrength, Phase: "leaves", Detail: "referrals holds 4 rows, and held 900 when this was rehearsed"}}}
	p := r.pane(120, 30)
	if got := plainText(p.show(Phase)); !strings.Contains(got, "not as expected: referrals holds 4 rows, and held 900 when this was rehearsed") {
		t.Errorf("the hold does not tell:\n%s", got)
	}
}

// What is left of a phase is reckoned by its pace and by its rehearsal, whose time
// grows with the rows.
func TestWhatIsLeftOfAPhase(t *testing.T) {
	began := paneT0
	plan := &runbook.Phase{ID: "users", Steps: []runbook.Step{{Delete: "user_profiles"}}}
	for name, c := range map[string]struct {
		after    time.Duration
		share    int64 // blocks done, of 100
		worked   time.Duration
		rows     int64 // that the rehearsal deleted, of 1,000 today
		want     time.Duration
		nobodyIs bool
	}{
		"by pace alone":              {10 * time.Second, 25, 0, 0, 30 * time.Second, false},
		"by the rehearsal alone":     {10 * time.Second, 0, time.Minute, 1000, 50 * time.Second, false},
		"of half of the rows":        {10 * time.Second, 0, time.Minute, 500, 110 * time.Second, false},
		"rows that nobody counted":   {10 * time.Second, 0, time.Minute, 0, 50 * time.Second, false},
		"by both, half done":         {10 * time.Second, 50, time.Minute, 1000, 30 * time.Second, false},
		"slower than it was":         {100 * time.Second, 50, time.Minute, 1000, 100 * time.Second, false},
		"no rehearsal, and no share": {10 * time.Second, 0, 0, 0, 0, true},
		"a clock that was set back":  {-time.Hour, 0, time.Minute, 1000, time.Minute, false},
	} {
		ph := &phases.PhaseState{Plan: plan, Status: phases.PhaseRunning, StartedAt: began.Add(-time.Minute), LockedAt: began, Tables: []phases.TableState{{
			Name: "user_profiles", Role: phases.RoleDelete, Expected: 1000, BlocksDone: c.share, BlocksTotal: 100, StartedAt: began, Left: -1,
		}}}
		s := &phases.State{}
		if c.worked > 0 {
			s.Opened.Rehearsed = &phases.Rehearsed{Phases: []phases.RehearsedPhase{{Phase: "users", Worked: c.worked, Tables: []phases.RehearsedTable{{Table: "user_profiles", Deleted: c.rows}}}}}
		}
		p := Pane{State: s, Now: began.Add(c.after)}
		if left, ok := p.phaseLeft(ph); left.Round(time.Millisecond) != c.want && !c.nobodyIs || ok == c.nobodyIs {
			t.Errorf("%s: %s, %v, want %s", name, left, ok, c.want)
		}
	}
}
