package db

import (
	"context"
	"fmt"
	"strings"

	"tminus/db/capsule"
	"tminus/db/putback"
	"tminus/phases"
	"tminus/phases/runbook"
)

// putBacks are the runbook's steps that put a capsule back.
func (t *Target) putBacks() []runbook.Step {
	var out []runbook.Step
	for _, p := range t.book.Phases {
		for _, s := range p.Steps {
			if s.PutBack != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

// checkCapsuleWhole reads every capsule that is to be put back from end to end.
func (t *Target) checkCapsuleWhole(ctx context.Context) (phases.Answer, error) {
	var rows, size int64
	steps := t.putBacks()
	for _, s := range steps {
		c, err := t.openCapsule(s)
		if err == nil {
			err = c.Verify(ctx, nil)
		}
		if ctx.Err() != nil {
			return phases.Answer{}, context.Cause(ctx)
		}
		if err != nil { // that is an answer
			//lint:ignore nilerr see above
			return phases.Answer{Value: err.Error()}, nil
		}
		for _, table := range c.Manifest().Tables {
			for _, part := range table.Streams {
				rows, size = rows+part.Rows, size+part.Size
			}
		}
	}
	if len(steps) == 0 {
		return phases.Answer{Value: "no step puts a capsule back"}, nil
	}
	return phases.Answer{Pass: true, Value: fmt.Sprintf("%s read, %s, %s", phases.Plural(int64(len(steps)), "capsule"), phases.Rows(rows), phases.Bytes(size))}, nil
}

// checkCapsuleClear tries what putting back would meet, in a transaction that is
// rolled back.
func (t *Target) checkCapsuleClear(ctx context.Context) (phases.Answer, error) {
	plans, err := t.PutBackPlans(ctx)
	if err != nil {
		return phases.Answer{}, err
	}
	var back, set, gone int64
	var lacks, notes []string
	done := len(plans) > 0
	for _, p := range plans {
		if p.Lacks != "" {
			lacks = append(lacks, p.Lacks)
		}
		done = done && p.Done
		for _, table := range p.Tables {
			back, set, gone = back+table.Back, set+table.Set, gone+table.Out
			if n := table.Kept + table.Replaced; n > 0 {
				notes = append(notes, fmt.Sprintf("%s: %s kept, %s replaced, by choice", table.Table, phases.Rows(table.Kept), phases.Rows(table.Replaced)))
			}
		}
	}
	switch {
	case len(lacks) > 0:
		return phases.Answer{Value: strings.Join(lacks, "; ")}, nil
	case done:
		return phases.Answer{Value: "all of it is back already: there is nothing to undo"}, nil
	}
	value := phases.BackWords(back, set, gone) + "; nothing is in the way"
	if len(notes) > 0 {
		value = phases.BackWords(back, set, gone) + "; " + strings.Join(notes, "; ")
	}
	return phases.Answer{Pass: true, Value: value}, nil
}

// PutBackPlans tells it of every step of the runbook that puts one back, each as
// if those before it were done. Nothing of it stays.
func (t *Target) PutBackPlans(ctx context.Context) ([]phases.PutBackPlan, error) {
	var out []phases.PutBackPlan
	var before []*capsule.Capsule
	for _, step := range t.putBacks() {
		c, err := t.openCapsule(step)
		if err != nil {
			return nil, fail(ctx, "look at", step.PutBack, err)
		}
		err = t.guests.with(ctx, func(s *session) error {
			if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL READ COMMITTED`); err != nil {
				return err
			}
			defer rollback(ctx, s)
			return t.long(ctx, s, func(ctx context.Context, l long) error {
				plan, err := putback.Look(ctx, conn{l}, c, putback.Options{Choices: choices(step), Before: before})
				out = append(out, planOf(step.PutBack, plan))
				return err
			})
		})
		if err != nil {
			return nil, fail(ctx, "look at", step.PutBack, err)
		}
		before = append(before, c)
	}
	return out, nil
}

// planOf is a plan without the types of package putback.
func planOf(folder string, p putback.Plan) phases.PutBackPlan {
	out := phases.PutBackPlan{Folder: folder, Done: p.Done, How: map[putback.Mode]string{
		putback.AsReplica:   "with foreign keys checked once, for all rows",
		putback.WithoutKeys: "with foreign keys dropped and made again",
		putback.RowByRow:    "with foreign keys checked row by row",
	}[p.Mode]}
	if err := p.Err(); err != nil {
		out.Lacks = err.Error()
	}
	for _, t := range p.Tables {
		one := phases.PutBackTable{Table: t.Called, Back: t.Back, Set: t.Set, Out: t.Go, There: t.There, Kept: t.Kept, Replaced: t.Replaced, Notes: t.Notes}
		for _, c := range t.Conflicts {
			line := fmt.Sprintf("%s, %s (%s)", phases.Rows(c.Rows), c.Kind, c.By)
			if len(c.Keys) > 0 {
				line += ": " + strings.Join(c.Keys, ", ")
				if int64(len(c.Keys)) < c.Rows {
					line += ", …"
				}
			}
			if c.Choice != putback.Stop {
				line += ": " + string(c.Choice)
			}
			one.Conflicts = append(one.Conflicts, line)
		}
		out.Tables = append(out.Tables, one)
	}
	return out
}

// PlanUndo tells what the runbook's steps that put capsules back would do, and
// whose database it is. It changes nothing, and takes no lock.
func PlanUndo(ctx context.Context, cfg Config, runID string) ([]phases.PutBackPlan, phases.Identity, []phases.LedgerRow, error) {
	target, err := Open(ctx, cfg)
	if err != nil {
		return nil, phases.Identity{}, nil, err
	}
	defer target.Close()
	id, err := target.Identity(ctx)
	if err != nil {
		return nil, id, nil, err
	}
	rows, err := target.LedgerRows(ctx, runID)
	if err != nil {
		return nil, id, nil, err
	}
	// A capsule is read from end to end when it is put back, and not before.
	for _, step := range target.putBacks() {
		c, err := target.openCapsule(step)
		if err == nil {
			err = c.Verify(ctx, nil)
		}
		if err != nil {
			return nil, id, rows, fail(ctx, "look at", step.PutBack, err)
		}
	}
	plans, err := target.PutBackPlans(ctx)
	return plans, id, rows, err
}
