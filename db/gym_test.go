package db

import (
	"slices"
	"testing"

	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// gymBook is the demo's run as far as the database is concerned.
func gymBook() *runbook.Runbook {
	b := &runbook.Runbook{Title: "gym", Schema: "public", Ledger: true, Protected: gym.Protected()}
	for i, tables := range gym.Deletes() {
		p := runbook.Phase{ID: "phase-" + string(rune('2'+i))}
		for _, table := range tables {
			p.Steps = append(p.Steps, runbook.Step{Delete: table})
		}
		b.Phases = append(b.Phases, p)
	}
	b.Checklist = []runbook.Group{{ID: "triggers", Items: []runbook.Item{{
		ID: "off", Action: &runbook.Action{Name: "triggers.disable", Triggers: gym.Triggers()},
	}}}}
	return b
}

func TestGymFromSurveyToTheLastCommit(t *testing.T) {
	dsn := sandbox.ForTest(t).NewDatabase(t)
	if err := gym.Load(limited(t), dsn, gym.Options{Users: 500}); err != nil {
		t.Fatal(err)
	}
	b := gymBook()
	target := open(t, dsn, b)
	ctx := limited(t)
	if err := target.Lock(ctx); err != nil {
		t.Fatal(err)
	}
	if err := target.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	survey, err := target.Survey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cascaded := reachOfGym(t, survey)
	var counted []phases.Counted
	for table := range cascaded {
		counted = append(counted, phases.Counted{Table: table})
	}
	for _, table := range survey.Deletes {
		counted = append(counted, phases.Counted{Table: table})
	}
	baseline, err := target.Baseline(ctx, counted, b.Protected, nil)
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := target.ReadTriggers(ctx, gym.Triggers())
	if err != nil {
		t.Fatal(err)
	}
	if err := target.DisableTriggers(ctx, recorded); err != nil {
		t.Fatal(err)
	}
	gone := map[string]int64{}
	for i := range b.Phases {
		for table, n := range runPhase(t, target, &b.Phases[i], baseline) {
			gone[table] += n.Deleted
		}
	}
	for _, c := range baseline.Counts {
		if gone[c.Table] != c.Rows {
			t.Errorf("%s: %d rows deleted or cascaded, the baseline had %d", c.Table, gone[c.Table], c.Rows)
		}
	}
	if err := target.RestoreTriggers(ctx, recorded); err != nil {
		t.Fatal(err)
	}
	now, err := target.ReadTriggers(ctx, gym.Triggers())
	if err != nil || !slices.Equal(now, recorded) {
		t.Errorf("triggers %v are not as recorded %v (%v)", now, recorded, err)
	}
}

// reachOfGym gives the tables that a cascade empties and no step names.
func reachOfGym(t *testing.T, survey phases.Survey) map[string]bool {
	t.Helper()
	cascaded := map[string]bool{}
	for _, r := range survey.Reach {
		if r.Action == phases.ReachCascade && !slices.Contains(survey.Deletes, r.Table) {
			cascaded[r.Table] = true
		}
		if r.Protected {
			t.Errorf("the gym's protected tables are out of reach, got %+v", r)
		}
	}
	for _, want := range gym.Cascaded() {
		if !cascaded[want] {
			t.Errorf("%s is not in the reach", want)
		}
	}
	return cascaded
}

// runPhase does what the engine does between GO and COMMIT.
func runPhase(t *testing.T, target *Target, p *runbook.Phase, baseline phases.Baseline) map[string]phases.Touched {
	t.Helper()
	ctx := limited(t)
	x, err := target.Begin(ctx, engine.TxSpec{RunID: "run-1", Phase: p, LockTables: append(p.Deletes(), target.book.Protected...)})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Rollback(ctx)
	if err := x.Lock(ctx, nil); err != nil {
		t.Fatal(err)
	}
	for _, step := range p.Steps {
		n, seen := remove(t, x, step)
		last := seen[len(seen)-1]
		if last.Deleted != n || last.BlocksDone != last.BlocksTotal {
			t.Errorf("%s: last progress %+v, deleted %d", step.Delete, last, n)
		}
	}
	if err := x.SettleConstraints(ctx); err != nil {
		t.Fatal(err)
	}
	for _, table := range p.Deletes() {
		if n, err := countOf(ctx, x, table, ""); n != 0 || err != nil {
			t.Errorf("%s: %d left, %v", table, n, err)
		}
	}
	for _, was := range baseline.Protected {
		if now, err := x.Fingerprint(ctx, was.Table); now != was || err != nil {
			t.Errorf("protected %s: %+v, was %+v (%v)", was.Table, now, was, err)
		}
	}
	intent := intend(t, target, x)
	intent.Phase, intent.Tx = p.ID, x.ID()
	if err := x.WriteLedger(ctx, intent); err != nil {
		t.Fatal(err)
	}
	touched := touchedBy(t, x)
	if r := x.Commit(ctx); r.Outcome != engine.Committed {
		t.Fatalf("%s: %+v", p.ID, r)
	}
	settled, err := target.Settle(ctx, intent)
	if err != nil || settled.Outcome != engine.SettledCommitted {
		t.Errorf("%s: settled as %+v, %v", p.ID, settled, err)
	}
	return touched
}
