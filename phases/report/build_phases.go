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
			did := p.Did()
			r.DeletedRows, r.UpdatedRows, r.InsertedRows = r.DeletedRows+did.Gone(), r.UpdatedRows+did.Updated, r.InsertedRows+did.Inserted
		}
	}
	r.BaselineToDelete = known(b.state.ToDelete())
}

func (b *builder) phase(p *phases.PhaseState) Phase {
	out := Phase{
		ID: p.Plan.ID, Title: phases.Clean(p.Plan.Title), Risk: string(p.Plan.Risk), Outcome: p.Status,
		PointOfNoReturn: p.Plan.PointOfNoReturn, Attempts: p.Attempt,
		StartedAt: moment(p.StartedAt), EndedAt: moment(p.EndedAt),
		Seconds: seconds(p.Took), PlannedSeconds: seconds(p.Plan.Planned),
		Reason: phases.Clean(p.Reason), By: phases.Clean(p.By), Settled: p.Settled,
		Tables: []Table{}, Changes: []Change{}, Verified: []Check{}, Issues: orEmpty(b.issues[p.Plan.ID]), writes: p.Plan.Writes(),
	}
	for _, w := range p.Warned {
		out.Warned = append(out.Warned, phases.Clean(w))
	}
	out.Rehearsed = rehearsed(b.state.Opened.Rehearsed.Phase(p.Plan.ID))
	out.Price = price(b.state.Survey.Price(p.Plan.ID), p)
	for _, t := range p.Tables {
		out.Tables = append(out.Tables, table(t, p.Status))
	}
	for _, c := range p.Changes {
		out.Changes = append(out.Changes, Change{
			Change: string(c.Kind), Object: phases.Clean(c.Object), Table: phases.Clean(c.Table), Detail: phases.Clean(c.Detail), Text: c.String(),
		})
	}
	for _, v := range p.Verified {
		out.Verified = append(out.Verified, Check{
			Kind: string(v.Kind), Name: phases.Clean(v.Name), Want: phases.Clean(v.Want), Got: phases.Clean(v.Got),
			Pass: v.Pass && v.Unknown == "", Unknown: phases.Clean(v.Unknown), Detail: phases.Clean(v.Detail),
		})
	}
	for i := range p.Maintenance {
		m := &p.Maintenance[i]
		out.Maintenance = append(out.Maintenance, Maintenance{
			What: phases.Clean(m.Plan.Name()), StartedAt: moment(m.StartedAt), Seconds: seconds(m.Took),
			Done: !m.Open() && m.Error == "", Reason: phases.Clean(m.Error), By: phases.Clean(m.By),
		})
	}
	out.Capsule = b.capsule(p)
	if len(p.Plan.Confirm) > 0 {
		g := b.group(runbook.Group{ID: runbook.ConfirmGroup(p.Plan.ID), Title: "Before " + p.Plan.Title, Items: p.Plan.Confirm})
		out.Confirmed = &g
	}
	return out
}

// price is nil where nobody reckoned.
func price(reckoned *phases.Price, p *phases.PhaseState) *Price {
	if reckoned == nil {
		return nil
	}
	out := &Price{
		Seconds: seconds(reckoned.Takes), LeastSeconds: seconds(reckoned.Least), MostSeconds: seconds(reckoned.Most),
		WAL: reckoned.WAL, MostWAL: reckoned.MostWAL, Rows: reckoned.Rows, Bytes: reckoned.Bytes, Locks: reckoned.Locks,
		Guessed: reckoned.Guessed, Measured: reckoned.Measured, Unanalyzed: []string{}, words: reckoned.String(),
	}
	for _, t := range reckoned.Unanalyzed {
		out.Unanalyzed = append(out.Unanalyzed, phases.Clean(t))
	}
	if worked := seconds(p.Worked()); worked > 0 {
		out.WorkedSeconds = &worked
	}
	if p.WAL > 0 {
		out.WrittenWAL = &p.WAL
	}
	return out
}

func table(t phases.TableState, status phases.PhaseStatus) Table {
	out := Table{
		Name: phases.Clean(t.Name), Role: string(t.Role), Expected: known(t.Expected), Command: phases.Clean(t.Command), Rows: t.Rows,
		Deleted: t.Deleted, Cascaded: t.Cascaded, Updated: t.Updated, Inserted: t.Inserted, Undone: t.Undone.Gone(),
	}
	if t.Command == "SELECT" {
		out.Returned = t.Rows
	}
	switch status {
	case phases.PhaseIsRolledBack, phases.PhaseIsUndone, phases.PhaseInDoubt, phases.PhaseUnknown:
	default:
		out.Remaining = known(t.Left)
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
	baseline := map[string]phases.Fingerprint{}
	if b.state.Baseline != nil {
		for _, f := range b.state.Baseline.Protected {
			baseline[b.qualified(f.Table)] = f
		}
	}
	for _, name := range b.state.Runbook.Protected {
		out := Protected{Name: phases.Clean(name)}
		if f, ok := baseline[b.qualified(name)]; ok {
			out.Baseline, out.Content = &f.Rows, phases.Clean(f.Hash)
		}
		if last, ok := b.seen[b.qualified(name)]; ok {
			out.VerifiedIn, out.VerifiedAt, out.Detail = last.phase, moment(last.at), phases.Clean(last.v.Detail)
			if last.v.Unknown == "" {
				out.Intact, out.Remaining = &last.v.Pass, known(last.v.Rows)
			} else {
				out.Detail = phases.Clean("unknown: " + last.v.Unknown)
			}
		}
		r.Protected = append(r.Protected, out)
	}
}
