package phases

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"
)

// baseline takes the counts and fingerprints that all verification rests on,
// once a run.
func (r *phaseRun) baseline(ctx context.Context) error {
	e := r.engine
	if e.state.Baseline != nil {
		return nil
	}
	base, err := e.target.Baseline(ctx, e.countTables(), e.state.Runbook.Protected, func(c TableCount) {
		if err := e.record(TableCounted{Phase: r.plan.ID, Table: c.Table, Rows: c.Rows}); err != nil {
			return // recordLocked has cancelled the phase
		}
	})
	if err != nil {
		return err
	}
	return e.record(BaselineTaken{Phase: r.plan.ID, Baseline: base})
}

// countTables are all tables that the run names or reaches, but the protected ones.
func (e *Engine) countTables() []Counted {
	seen := map[string]bool{}
	for _, t := range e.state.Runbook.Protected {
		seen[t] = true
	}
	var out []Counted
	add := func(names ...string) {
		for _, n := range names {
			if !seen[n] {
				seen[n] = true
				out = append(out, Counted{Table: n})
			}
		}
	}
	for i := range e.state.Runbook.Phases {
		p := &e.state.Runbook.Phases[i]
		add(p.Count...)
		add(p.Deletes()...)
		add(p.Zero...)
		for _, s := range p.Steps {
			add(s.Touch...)
		}
	}
	for _, reach := range e.state.Survey.Reach {
		add(reach.Table)
	}
	return out
}

// read is a phase without steps: it counts and verifies in one snapshot.
func (r *phaseRun) read(ctx context.Context) (err error) {
	e := r.engine
	if _, err := r.sameTarget(ctx); err != nil {
		return err
	}
	first := e.state.Baseline == nil
	if err := r.baseline(ctx); err != nil {
		return err
	}
	tx, err := e.target.Begin(ctx, TxSpec{RunID: e.state.Opened.RunID, Phase: r.plan, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if rbErr := tx.Rollback(clean); rbErr != nil && err == nil {
			err = rbErr
		}
	}()
	if !first {
		if err := r.count(ctx, tx); err != nil {
			return err
		}
	}
	v := &verifier{run: r, tx: tx}
	v.zero(ctx)
	v.filled(ctx)
	v.protected(ctx)
	if err := v.record(ctx, nil); err != nil {
		return err
	}
	return e.record(PhasePassed{Phase: r.plan.ID, Took: time.Since(r.started)})
}

func (r *phaseRun) count(ctx context.Context, tx Tx) error {
	for _, t := range r.plan.Count {
		n, err := tx.Count(ctx, t, "")
		if err != nil {
			return err
		}
		if err := r.engine.record(TableCounted{Phase: r.plan.ID, Table: t, Rows: n}); err != nil {
			return err
		}
	}
	return nil
}

// verify makes every verification on the phase's own connection, and fails
// when one does not hold: there is no way from here to COMMIT but through nil.
func (r *phaseRun) verify(ctx context.Context, tx Tx, rows []int64) error {
	v := &verifier{run: r, tx: tx}
	v.constraints(ctx)
	if v.err == nil && len(v.results) > 0 && !v.results[0].Pass {
		return v.record(ctx, nil) // the transaction has failed: nothing more can be asked in it
	}
	v.rows(rows)
	v.zero(ctx)
	v.filled(ctx)
	v.reached(ctx)
	v.protected(ctx)
	touched := v.touched(ctx)
	return v.record(ctx, touched)
}

// verifier collects a phase's verifications. After an error it asks nothing
// more: a question without an answer is not a pass.
type verifier struct {
	run     *phaseRun
	tx      Tx
	results []Verification
	err     error
}

func (v *verifier) add(res Verification) { v.results = append(v.results, res) }

// record puts the results on disk and gives the first failure.
func (v *verifier) record(ctx context.Context, touched map[string]Touched) error {
	if v.err != nil {
		return fmt.Errorf("verify %s: %w", v.run.plan.ID, v.err)
	}
	if err := v.run.engine.record(PhaseVerified{Phase: v.run.plan.ID, Results: v.results, Touched: touched}); err != nil {
		return err
	}
	var failed []string
	for _, res := range v.results {
		if !res.Pass {
			failed = append(failed, fmt.Sprintf("%s %s: wanted %s, got %s", res.Kind, res.Name, res.Want, res.Got))
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d verifications failed: %s", len(failed), len(v.results), strings.Join(failed, "; "))
	}
	return context.Cause(ctx)
}

func (v *verifier) constraints(ctx context.Context) {
	res := Verification{Kind: VerifyConstraints, Name: "deferred constraints", Want: "hold", Got: "hold", Pass: true}
	if err := v.tx.SettleConstraints(ctx); err != nil {
		if ctx.Err() != nil {
			v.err = err
			return
		}
		res.Got, res.Pass, res.Detail = "violated", false, Clean(err.Error())
	}
	v.add(res)
}

func (v *verifier) rows(rows []int64) {
	for i, step := range v.run.plan.Steps {
		if step.Rows == nil {
			continue
		}
		v.add(Verification{
			Kind: VerifyRows, Name: step.Name(), Want: step.Rows.String() + " rows", Got: rowsText(rows[i]),
			Pass: step.Rows.Holds(rows[i]), Rows: rows[i],
		})
	}
}

func rowsText(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// zero counts what is left of every table that must be empty: those deleted
// whole, those deleted in part (by their condition), and those the runbook names.
func (v *verifier) zero(ctx context.Context) {
	seen := map[[2]string]bool{}
	left := func(name, table, where string) {
		if key := [2]string{table, where}; seen[key] || v.err != nil {
			return
		} else {
			seen[key] = true
		}
		n, err := v.tx.Count(ctx, table, where)
		if err != nil {
			v.err = err
			return
		}
		v.add(Verification{Kind: VerifyZero, Name: name, Want: "0 rows", Got: rowsText(n), Pass: n == 0, Rows: n})
	}
	for _, s := range v.run.plan.Steps {
		if s.Delete != "" && s.Where == "" {
			left(s.Delete, s.Delete, "")
		} else if s.Delete != "" {
			left(s.Delete+" where "+s.Where, s.Delete, s.Where)
		}
	}
	for _, t := range v.run.plan.Zero {
		left(t, t, "")
	}
}

func (v *verifier) filled(ctx context.Context) {
	for _, t := range v.run.plan.Filled {
		if v.err != nil {
			return
		}
		n, err := v.tx.Count(ctx, t, "")
		if err != nil {
			v.err = err
			return
		}
		v.add(Verification{Kind: VerifyFilled, Name: t, Want: "1 row or more", Got: rowsText(n), Pass: n > 0, Rows: n})
	}
}

// reached counts what cascades left in the tables that they touched, for the
// record: how much that has to be is a matter for zero.
func (v *verifier) reached(ctx context.Context) {
	counted := map[string]bool{}
	for _, res := range v.results {
		counted[res.Name] = true
	}
	for _, reach := range v.run.reach() {
		if v.err != nil || counted[reach.Table] || reach.Action != ReachCascade {
			continue
		}
		counted[reach.Table] = true
		n, err := v.tx.Count(ctx, reach.Table, "")
		if err == nil {
			err = v.run.engine.record(TableCounted{Phase: v.run.plan.ID, Table: reach.Table, Rows: n})
		}
		v.err = err
	}
}

func (v *verifier) protected(ctx context.Context) {
	if v.err != nil {
		return
	}
	want := v.run.engine.state.Baseline.Protected
	for _, w := range want {
		got, err := v.tx.Fingerprint(ctx, w.Table)
		if err != nil {
			v.err = err
			return
		}
		res := Verification{
			Kind: VerifyProtected, Name: w.Table, Want: rowsText(w.Rows) + ", content unchanged", Got: rowsText(got.Rows) + ", content unchanged",
			Pass: got == w, Rows: got.Rows,
		}
		if got.Hash != w.Hash {
			res.Got = rowsText(got.Rows) + ", content changed"
		}
		v.add(res)
	}
}

// touched compares what the transaction did with what the runbook and its
// reach account for.
func (v *verifier) touched(ctx context.Context) map[string]Touched {
	if v.err != nil {
		return nil
	}
	touched, err := v.tx.Touched(ctx)
	if err != nil {
		v.err = err
		return nil
	}
	allowed := v.run.allowed()
	var odd []string
	for name, n := range touched {
		a := allowed[name]
		if (n.Deleted > 0 && !a.delete) || (n.Updated > 0 && !a.update) || (n.Inserted > 0 && !a.insert) {
			odd = append(odd, fmt.Sprintf("%s (%d inserted, %d updated, %d deleted)", name, n.Inserted, n.Updated, n.Deleted))
		}
	}
	sort.Strings(odd)
	res := Verification{Kind: VerifyTouched, Name: "tables touched", Want: "only what the runbook and its foreign keys account for", Got: "nothing else", Pass: len(odd) == 0}
	if len(odd) > 0 {
		res.Got = strings.Join(odd, ", ")
	}
	v.add(res)
	return touched
}

// allowance is what a phase may do to a table.
type allowance struct{ delete, update, insert bool }

func (r *phaseRun) allowed() map[string]allowance {
	out := map[string]allowance{}
	for _, s := range r.plan.Steps {
		if s.Delete != "" {
			a := out[s.Delete]
			a.delete = true
			out[s.Delete] = a
		}
		for _, t := range s.Touch {
			out[t] = allowance{delete: true, update: true, insert: true}
		}
	}
	for _, reach := range r.reach() {
		a := out[reach.Table]
		if reach.Action == ReachCascade {
			a.delete = true
		} else {
			a.update = true
		}
		out[reach.Table] = a
	}
	return out
}

// reach is what this phase's deletes touch through foreign keys: the part of
// the survey's that can be reached from them.
func (r *phaseRun) reach() []Reach {
	from := map[string]bool{}
	for _, t := range r.changedTables() {
		from[t] = true
	}
	all := r.engine.state.Survey.Reach
	in := make([]bool, len(all))
	for again := true; again; {
		again = false
		for i, edge := range all {
			if in[i] || !from[edge.From] {
				continue
			}
			in[i], again = true, true
			if edge.Action == ReachCascade {
				from[edge.Table] = true
			}
		}
	}
	var out []Reach
	for i, edge := range all {
		if in[i] {
			out = append(out, edge)
		}
	}
	return out
}
