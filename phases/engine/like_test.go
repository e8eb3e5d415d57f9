package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// answers are a target of which nothing is asked but its checks.
type answers struct {
	Target
	check func(ctx context.Context, c *runbook.Check) (phases.Answer, error)
}

// Check implements Target.
func (a answers) Check(ctx context.Context, c *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	return a.check(ctx, c)
}

// waitingBook is a run before its gate: n checks of a table's rows, and one of
// each that depends on something of the run's.
func waitingBook(n int) string {
	book := `
tminus: 1
title: waiting
backup: {id_field: backup_id, time_field: backup_time, max_age: 15m}
checklist:
  - id: before
    title: Before
    items:
      - id: taken
        text: The backup is taken
        fields: [{id: backup_id, label: ID, required: false}, {id: backup_time, label: Time, type: time, required: false}]
      - {id: fresh, text: The backup is fresh, check: {database: backup.age, remedy: Take another.}}
      - {id: watched, text: Somebody watches, check: {database: mirror.present, remedy: Call somebody.}}
`
	for i := range n {
		book += fmt.Sprintf("      - {id: check_%d, text: Check %d, check: {database: tables.filled, tables: [t%d], remedy: Fill it.}}\n", i, i, i)
	}
	return book + `
phases:
  - {id: count, title: Count, risk: none, planned: 1m, count: [t]}
`
}

// waiting opens a run of n checks in fake time. Nothing is asked yet.
func waiting(t *testing.T, n int, check func(context.Context, *runbook.Check) (phases.Answer, error)) *Engine {
	t.Helper()
	w, err := journal.Create(filepath.Join(t.TempDir(), "run.journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	source := waitingBook(n)
	e, err := Open(answers{check: check}, w, phases.RunOpened{File: "waiting.yaml", Source: source, Environment: phases.Rehearsal}, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	e.ready = true
	t.Cleanup(e.work.Wait) // the checks under way
	return e
}

// pass lets fake time go by, as Run does, and calls look at each tick.
func pass(ctx context.Context, e *Engine, span time.Duration, look func()) {
	for end := time.Now().Add(span); time.Now().Before(end); {
		time.Sleep(200 * time.Millisecond)
		e.askDue(ctx)
		e.watchLimits()
		synctest.Wait()
		look()
	}
}

func records(t *testing.T, e *Engine) map[string]int {
	t.Helper()
	recs, err := journal.Read(e.journal.Path())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, r := range recs {
		kinds[r.Kind]++
	}
	return kinds
}

func filled(context.Context, *runbook.Check) (phases.Answer, error) {
	time.Sleep(30 * time.Millisecond) // in fake time: what a query takes
	return phases.Answer{Pass: true, Value: "1 of 1 with rows"}, nil
}

func TestAnHourOfLikeAnswersIsFewRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		e := waiting(t, 13, func(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
			asked.Add(1)
			return filled(ctx, c)
		})
		if err := e.Do(phases.Record{Item: "taken", Field: "backup_time", Value: "now"}); err != nil {
			t.Fatal(err)
		}
		e.Joined("ann", "SHA256:x", "1")
		ticks := 0
		pass(t.Context(), e, time.Hour, func() {
			if ticks++; ticks < 10 { // the first answers are on their way
				return
			}
			for _, h := range e.state.GateHolds(time.Now()) {
				if h.Item != "fresh" && h.Item != "taken" {
					t.Fatalf("the gate is held after %s: %s", time.Since(e.state.OpenedAt), h.Text)
				}
			}
			for _, it := range e.state.Asked() {
				if age := time.Since(e.state.Item(it.ID).Check.At); age > phases.StaleAfter(it.Check)*2/3+time.Second {
					t.Fatalf("%s was answered %s ago, as the journal says", it.ID, age)
				}
			}
		})
		kinds := records(t, e)
		total := 0
		for _, n := range kinds {
			total += n
		}
		t.Logf("%d records of %d askings: %v", total, asked.Load(), kinds)
		if asked.Load() < 13*350 || total > 400 {
			t.Errorf("%d records of %d askings: %v", total, asked.Load(), kinds)
		}
		if got := e.state.Item("fresh").Check; got.Pass || !strings.Contains(got.Value, "stale since") {
			t.Errorf("the backup after an hour: %+v", got)
		}
		// One for each of 15 first answers, and one for the backup's going stale.
		if n := kinds["check_answered"]; n != 16 {
			t.Errorf("%d answers were recorded as news", n)
		}
	})
}

// lastTwo are the kinds of the journal's last records.
func lastTwo(t *testing.T, e *Engine) string {
	t.Helper()
	recs, err := journal.Read(e.journal.Path())
	if err != nil {
		t.Fatal(err)
	}
	return recs[len(recs)-2].Kind + " " + recs[len(recs)-1].Kind
}

func TestWhatWaitsIsRecordedWhenTheProgramLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := waiting(t, 2, filled)
		pass(t.Context(), e, 15*time.Second, func() {})
		if len(e.pending) == 0 {
			t.Fatal("nothing waits")
		}
		if err := e.leave(ErrLeft); err != nil || len(e.pending) > 0 || lastTwo(t, e) != "checks_asked run_interrupted" {
			t.Errorf("%v; waiting: %v; last: %s", err, e.pending, lastTwo(t, e))
		}
	})
}

// The order in which a reader learns: evidence first, decision after it.
func TestADecisionFollowsItsEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := waiting(t, 2, filled)
		pass(t.Context(), e, 25*time.Second, func() {})
		for len(e.pending) == 0 {
			pass(t.Context(), e, 200*time.Millisecond, func() {})
		}
		want := e.pending[0].At
		if err := e.Do(phases.Note{Text: "look"}); err != nil {
			t.Fatal(err)
		}
		if last := lastTwo(t, e); last != "checks_asked note_recorded" {
			t.Fatalf("the last records are %s", last)
		}
		recs, err := journal.Read(e.journal.Path())
		if err != nil {
			t.Fatal(err)
		}
		folded, err := phases.Fold(recs)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc([]string{"check_0", "check_1", "fresh", "watched"}, func(id string) bool { return folded.Item(id).Check.At.Equal(want) }) {
			t.Error("no answer has the time of the last asking")
		}
	})
}

func TestAChangeComesAfterTheLastLikeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := false
		e := waiting(t, 1, func(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
			if gone {
				return phases.Answer{Value: "0 of 1 with rows"}, nil
			}
			return filled(ctx, c)
		})
		pass(t.Context(), e, 15*time.Second, func() {})
		if !slices.ContainsFunc(e.pending, func(a phases.AskedAgain) bool { return a.Item == "check_0" }) {
			t.Fatalf("nothing waits: %+v", e.pending)
		}
		gone = true
		pass(t.Context(), e, 10*time.Second, func() {})
		c := e.state.Item("check_0").Check
		if c.Pass || time.Since(c.At) > 10*time.Second || !c.Since.Equal(c.At) && c.Since.After(c.At) {
			t.Errorf("the answer is %+v", c)
		}
		if slices.ContainsFunc(e.pending, func(a phases.AskedAgain) bool { return a.Value == "1 of 1 with rows" }) {
			t.Errorf("an answer from before the change waits: %+v", e.pending)
		}
	})
}

// A check that gives no answer at all leaves nothing that looks fresh.
func TestACheckThatStopsAnsweringGoesStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs, ended := false, make(chan struct{})
		e := waiting(t, 3, func(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
			if hangs && c.Tables[0] == "t1" {
				<-ended // deaf to ctx
			}
			return filled(ctx, c)
		})
		pass(t.Context(), e, time.Minute, func() {})
		hangs = true
		pass(t.Context(), e, time.Minute, func() {})
		held := func(id string) bool {
			return slices.ContainsFunc(e.state.GateHolds(time.Now()), func(h phases.Hold) bool { return h.Item == id && strings.Contains(h.Text, "last answered") })
		}
		if !held("check_1") || held("check_0") || held("check_2") {
			t.Errorf("holds: %v", e.state.GateHolds(time.Now()))
		}
		close(ended)
	})
}

func TestWhatACheckDependsOnAsksIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		e := waiting(t, 1, func(_ context.Context, c *runbook.Check) (phases.Answer, error) {
			asked[c.Tables[0]]++
			return phases.Answer{Pass: true}, nil
		})
		pass(t.Context(), e, time.Second, func() {})
		if got := e.state.Item("fresh").Check.Value; got != "no backup time recorded" {
			t.Fatalf("found %q", got)
		}
		if err := e.Do(phases.Record{Item: "taken", Field: "backup_time", Value: "now"}); err != nil {
			t.Fatal(err)
		}
		e.Joined("ann", "SHA256:x", "1")
		pass(t.Context(), e, 400*time.Millisecond, func() {})
		if c := e.state.Item("fresh").Check; !c.Pass {
			t.Errorf("the backup's time is recorded, and its check says %q", c.Value)
		}
		if c := e.state.Item("watched").Check; !c.Pass || c.Value != "ann" {
			t.Errorf("somebody watches, and the check says %q", c.Value)
		}
		if asked["t0"] != 1 {
			t.Errorf("a check that depends on nothing of this was asked %d times", asked["t0"])
		}
		// A human who asks sees that it was asked.
		before := e.state.Item("check_0").Check.At
		if err := e.Do(phases.Recheck{Item: "check_0"}); err != nil {
			t.Fatal(err)
		}
		pass(t.Context(), e, 400*time.Millisecond, func() {})
		if !e.state.Item("check_0").Check.At.After(before) {
			t.Error("it was asked again, and nobody can see that")
		}
	})
}

// What is known of the triggers follows from their check: an answer like the
// last is none when it is at odds with that.
func TestTriggersThatAreNotBackAreNoLikeAnswer(t *testing.T) {
	it := runbook.Item{ID: "back", Check: &runbook.Check{Name: "triggers.restored"}}
	s := &phases.State{Triggers: []phases.Trigger{{}}, Items: map[string]*phases.ItemState{"back": {Check: &phases.CheckState{Value: "0 of 1"}}}}
	no := phases.CheckAnswered{Item: "back", Value: "0 of 1"}
	if like(s, it, no) {
		t.Error("the triggers count as back, and the check that they are not counts as no news")
	}
	s.TriggersOff = true
	if !like(s, it, no) {
		t.Error("the same again counts as news")
	}
}
