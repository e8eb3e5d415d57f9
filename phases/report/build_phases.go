package report

import (
	"tminus/phases"
	"tminus/phases/runbook"
)

func (b *builder) phases() {
	r := b.report
	r.Phases = []Phase{}
	for i := range b.state.Phases {
		p := &b.state.Phases[i]
		r.Phases = append(r.Phases, b.phase(p))
		if p.Status == phases.PhaseIsCommitted {
			deleted, cascaded := p.Gone()
			r.DeletedRows += deleted + cascaded
		}
	}
	if s := b.state; s.Baseline != nil && s.Survey != nil {
		total := b.toDelete()
		r.BaselineToDelete = &total
	}
}

// toDelete adds up the baseline's rows of all tables that are emptied or lose
// rows by cascade. Rows outside a condition are among them: it is an estimate.
func (b *builder) toDelete() int64 {
	goes := map[string]bool{}
	for _, t := range b.state.Survey.Deletes {
		goes[b.qualified(t)] = true
	}
	for _, reach := range b.state.Survey.Reach {
		if reach.Action == phases.ReachCascade {
			goes[b.qualified(reach.Table)] = true
		}
	}
	var total int64
	for _, c := range b.state.Baseline.Counts {
		if goes[b.qualified(c.Table)] {
			total += c.Rows
		}
	}
	return total
}

func (b *builder) phase(p *phases.PhaseState) Phase {
	out := Phase{
		ID: p.Plan.ID, Title: phases.Clean(p.Plan.Title), Risk: string(p.Plan.Risk), Outcome: p.Status,
		PointOfNoReturn: p.Plan.PointOfNoReturn, Attempts: p.Attempt,
		StartedAt: moment(p.StartedAt), EndedAt: moment(p.EndedAt),
		Seconds: seconds(p.Took), PlannedSeconds: seconds(p.Plan.Planned),
		Reason: phases.Clean(p.Reason), By: phases.Clean(p.By), Settled: p.Settled,
		Tables: []Table{}, Verified: []Check{}, Issues: orEmpty(b.issues[p.Plan.ID]), writes: p.Plan.Writes(),
	}
	for _, t := range p.Tables {
		out.Tables = append(out.Tables, table(t, p.Status))
	}
	for _, v := range p.Verified {
		out.Verified = append(out.Verified, Check{
			Kind: string(v.Kind), Name: phases.Clean(v.Name), Want: phases.Clean(v.Want), Got: phases.Clean(v.Got),
			Pass: v.Pass, Detail: phases.Clean(v.Detail),
		})
	}
	if len(p.Plan.Confirm) > 0 {
		g := b.group(runbook.Group{ID: runbook.ConfirmGroup(p.Plan.ID), Title: "Before " + p.Plan.Title, Items: p.Plan.Confirm})
		out.Confirmed = &g
	}
	return out
}

func table(t phases.TableState, status phases.PhaseStatus) Table {
	out := Table{
		Name: phases.Clean(t.Name), Role: string(t.Role), Expected: known(t.Expected),
		Deleted: t.Deleted, Cascaded: t.Cascaded, Updated: t.Updated, Remaining: known(t.Left),
	}
	if status == phases.PhaseIsRolledBack {
		out.Undone = out.Deleted + out.Cascaded
		out.Deleted, out.Cascaded, out.Updated, out.Remaining = 0, 0, 0, nil
	}
	return out
}

// known is a count, and nil for the -1 of one that was not made.
func known(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func (b *builder) protected() {
	r := b.report
	r.Protected = []Protected{}
	baseline := map[string]int64{}
	if b.state.Baseline != nil {
		for _, f := range b.state.Baseline.Protected {
			baseline[b.qualified(f.Table)] = f.Rows
		}
	}
	for _, name := range b.state.Runbook.Protected {
		out := Protected{Name: phases.Clean(name)}
		if rows, ok := baseline[b.qualified(name)]; ok {
			out.Baseline = &rows
		}
		if last, ok := b.seen[b.qualified(name)]; ok {
			out.Intact, out.Remaining = &last.v.Pass, known(last.v.Rows)
			out.VerifiedIn, out.VerifiedAt, out.Detail = last.phase, moment(last.at), phases.Clean(last.v.Detail)
		}
		r.Protected = append(r.Protected, out)
	}
}
