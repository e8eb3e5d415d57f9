package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// baseline takes the counts and fingerprints that all verification rests on,
// once a run.
func (r *phaseRun) baseline(ctx context.Context) error {
	e := r.engine
	taken := false
	e.View(func(s *phases.State) {
		if s.Baseline != nil {
			r.base, taken = *s.Baseline, true
		}
	})
	if taken {
		return nil
	}
	protected, counted := r.facts.book.Protected, r.countTables()
	var names []string
	for _, t := range protected {
		names = append(names, "fingerprint "+t)
	}
	for _, c := range counted {
		names = append(names, "count "+c.String())
	}
	wait := e.await(r.plan.ID, left(names))
	defer wait.over()
	base, err := e.target.Baseline(ctx, counted, protected, func(c phases.TableCount) {
		done := phases.Counted{Table: c.Table, Where: c.Where}.String()
		names = without(names, "fingerprint "+done, "count "+done)
		wait.next(left(names))
		if c.Where != "" {
			return // of no table: it is in the baseline
		}
		if err := e.record(phases.TableCounted{Phase: r.plan.ID, Table: c.Table, Rows: c.Rows}); err != nil {
			return // record has cancelled the phase
		}
	})
	if err != nil {
		return err
	}
	if base.Undo, err = r.beforeUndo(ctx, counted); err != nil {
		return err
	}
	r.base = base
	if err := e.record(phases.BaselineTaken{Phase: r.plan.ID, Baseline: base}); err != nil {
		return err
	}
	return r.raiseFewer()
}

// left says what is still asked for, by several sessions in any order.
func left(names []string) string {
	switch len(names) {
	case 0:
		return "end of the baseline"
	case 1:
		return names[0]
	}
	return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
}

// without takes what was done out of names.
func without(names []string, done ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(done, name) })
}

// countTables are all tables that the run names or reaches, but the protected
// ones, and the rows that the conditions of its deletes hold for.
func (r *phaseRun) countTables() []phases.Counted {
	book := r.facts.book
	seen := map[phases.Counted]bool{}
	for _, t := range book.Protected {
		seen[phases.Counted{Table: t}] = true
	}
	var out []phases.Counted
	add := func(where string, tables ...string) {
		for _, t := range tables {
			if c := (phases.Counted{Table: t, Where: where}); !seen[c] {
				seen[c] = true
				out = append(out, c)
			}
		}
	}
	for i := range book.Phases {
		p := &book.Phases[i]
		add("", p.Count...)
		add("", p.Deletes()...)
		add("", p.Zero...)
		for _, s := range p.Steps {
			add("", s.Touch...)
			if s.Where != "" {
				add(s.Where, s.Delete)
			}
		}
	}
	for _, reach := range r.facts.survey.Reach {
		add("", reach.Table)
	}
	return out
}

// read is a phase without steps: it counts and verifies in one snapshot.
func (r *phaseRun) read(ctx context.Context) (err error) {
	e := r.engine
	if _, err := r.sameTarget(ctx); err != nil {
		return err
	}
	first := r.facts.first
	if err := r.baseline(ctx); err != nil {
		return err
	}
	tx, err := r.begin(ctx, TxSpec{RunID: r.facts.runID, Phase: r.plan, ReadOnly: true})
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
	v := r.verifier(tx)
	defer v.wait.over()
	if !first {
		if err := r.count(ctx, v); err != nil {
			return err
		}
	}
	v.zero(ctx)
	v.filled(ctx)
	v.protected(ctx)
	if err := v.record(ctx); err != nil {
		return err
	}
	return e.record(phases.PhasePassed{Phase: r.plan.ID, Took: time.Since(r.started)})
}

func (r *phaseRun) count(ctx context.Context, v *verifier) error {
	var of []phases.Counted
	for _, t := range r.plan.Count {
		of = append(of, phases.Counted{Table: t})
	}
	_, err := v.counts(ctx, of, func(c phases.Counted, rows int64) error {
		return r.engine.record(phases.TableCounted{Phase: r.plan.ID, Table: c.Table, Rows: rows})
	})
	return err
}

// verify makes every verification on the phase's own connection, and fails
// when one does not hold: there is no way from here to COMMIT but through nil.
// It gives what the transaction had done by then.
func (r *phaseRun) verify(ctx context.Context, tx Tx, rows []int64) (phases.Effects, error) {
	v := r.verifier(tx)
	defer v.wait.over()
	v.constraints(ctx)
	if v.err == nil && !v.results[0].Pass {
		return phases.Effects{}, v.record(ctx) // the transaction has failed: nothing more can be asked in it
	}
	v.results = append(v.results, r.proved...)
	v.rows(rows)
	v.zero(ctx)
	v.filled(ctx)
	v.reached(ctx)
	v.protected(ctx)
	v.undeclared(ctx)
	return v.did, v.record(ctx)
}

// verifier collects a phase's verifications. After one without an answer it
// asks nothing more: what is not known is no pass.
type verifier struct {
	run     *phaseRun
	tx      Tx
	wait    *awaited
	results []phases.Verification
	did     phases.Effects
	err     error
}

func (r *phaseRun) verifier(tx Tx) *verifier {
	return &verifier{run: r, tx: tx, wait: r.engine.await(r.plan.ID, "")}
}

func (v *verifier) add(res phases.Verification) { v.results = append(v.results, res) }

// unknown ends the asking: a verification has no answer.
func (v *verifier) unknown(res phases.Verification, err error) {
	res.Got, res.Pass, res.Unknown = "unknown", false, phases.Clean(err.Error())
	v.add(res)
	what := res.Name + " could not be counted"
	switch res.Kind {
	case phases.VerifyProtected:
		what = res.Name + " could not be compared with the baseline"
	case phases.VerifyTouched:
		what = "what the transaction touched could not be seen"
	case phases.VerifyConstraints:
		what = "the deferred constraints could not be checked"
	}
	v.err = fmt.Errorf("%s: %w", what, err)
}

// record puts the results on disk and gives the first failure.
func (v *verifier) record(ctx context.Context) error {
	if v.err != nil && ctx.Err() != nil { // it was cancelled: that is no result
		return v.err
	}
	err := v.run.engine.record(phases.PhaseVerified{
		Phase: v.run.plan.ID, Results: v.results, Touched: v.did.Rows, Changes: v.did.Changes,
	})
	if err != nil || v.err != nil {
		return cmp.Or(v.err, err)
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
	res := phases.Verification{Kind: phases.VerifyConstraints, Name: "deferred constraints", Want: "hold", Got: "hold", Pass: true}
	v.wait.next("check deferred constraints")
	err := v.tx.SettleConstraints(ctx)
	switch {
	case err == nil:
		v.add(res)
	case violates(err):
		res.Got, res.Pass, res.Detail = "violated", false, phases.Clean(err.Error())
		v.add(res)
	default:
		v.unknown(res, err)
	}
}

// violates reports whether an error is the server's word that a constraint does
// not hold: class 23 of PostgreSQL's error codes, and what a constraint trigger
// raises. A line that was lost, or a statement that was cancelled, says nothing
// of a constraint.
func violates(err error) bool {
	var coded interface{ SQLState() string }
	if !errors.As(err, &coded) {
		return false
	}
	code := coded.SQLState()
	return strings.HasPrefix(code, "23") || code == "P0001" // raise_exception
}

func (v *verifier) rows(rows []int64) {
	for i, step := range v.run.plan.Steps {
		if step.Rows == nil || v.err != nil {
			continue
		}
		v.add(phases.Verification{
			Kind: phases.VerifyRows, Name: step.Name(), Want: step.Rows.String() + " rows", Got: rowsText(rows[i]),
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

// counts asks for the rows of tables, in order, and gives each to use, whose first
// error it keeps. done is how many were counted.
func (v *verifier) counts(ctx context.Context, of []phases.Counted, use func(phases.Counted, int64) error) (done int, err error) {
	if len(of) == 0 {
		return 0, nil
	}
	var kept error
	v.wait.next("count " + of[0].String())
	err = v.tx.Counts(ctx, of, func(rows int64) {
		if err := use(of[done], rows); kept == nil {
			kept = err
		}
		if done++; done < len(of) {
			v.wait.next("count " + of[done].String())
		}
	})
	return done, cmp.Or(err, kept)
}

// each verifies the rows of tables. What could not be counted is unknown, and ends
// the asking.
func (v *verifier) each(ctx context.Context, of []phases.Counted, res func(phases.Counted) phases.Verification, holds func(rows int64) bool) {
	if v.err != nil {
		return
	}
	done, err := v.counts(ctx, of, func(c phases.Counted, rows int64) error {
		r := res(c)
		r.Got, r.Pass, r.Rows = rowsText(rows), holds(rows), rows
		v.add(r)
		return nil
	})
	if err != nil {
		v.unknown(res(of[done]), err)
	}
}

// zero counts what is left of every table that must be empty: those deleted
// whole, those deleted in part (by their condition), and those the runbook names.
func (v *verifier) zero(ctx context.Context) {
	v.each(ctx, emptied(v.run.plan), func(c phases.Counted) phases.Verification {
		return phases.Verification{Kind: phases.VerifyZero, Name: c.String(), Want: "0 rows"}
	}, func(rows int64) bool { return rows == 0 })
}

// emptied is what must hold no row at a phase's end, each once.
func emptied(plan *runbook.Phase) []phases.Counted {
	var out []phases.Counted
	add := func(c phases.Counted) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	for _, s := range plan.Steps {
		if s.Delete != "" {
			add(phases.Counted{Table: s.Delete, Where: s.Where})
		}
	}
	for _, t := range plan.Zero {
		add(phases.Counted{Table: t})
	}
	return out
}

func (v *verifier) filled(ctx context.Context) {
	var of []phases.Counted
	for _, t := range v.run.plan.Filled {
		of = append(of, phases.Counted{Table: t})
	}
	v.each(ctx, of, func(c phases.Counted) phases.Verification {
		return phases.Verification{Kind: phases.VerifyFilled, Name: c.Table, Want: "1 row or more"}
	}, func(rows int64) bool { return rows > 0 })
}

// reached counts what cascades left in the tables that they touched, for the
// record: how much that has to be is a matter for zero.
func (v *verifier) reached(ctx context.Context) {
	counted := map[string]bool{}
	for _, res := range v.results {
		counted[res.Name] = true
	}
	var of []phases.Counted
	for _, reach := range v.run.reach() {
		if !counted[reach.Table] && reach.Action == phases.ReachCascade {
			counted[reach.Table] = true
			of = append(of, phases.Counted{Table: reach.Table})
		}
	}
	if v.err != nil {
		return
	}
	done, err := v.counts(ctx, of, func(c phases.Counted, rows int64) error {
		return v.run.engine.record(phases.TableCounted{Phase: v.run.plan.ID, Table: c.Table, Rows: rows})
	})
	switch {
	case err != nil && done < len(of):
		v.unknown(phases.Verification{Kind: "count", Name: of[done].Table, Want: "a count"}, err)
	case err != nil:
		v.err = err
	}
}

func (v *verifier) protected(ctx context.Context) {
	for _, w := range v.run.base.Protected {
		if v.err != nil {
			return
		}
		v.wait.next("fingerprint " + w.Table)
		res := phases.Verification{Kind: phases.VerifyProtected, Name: w.Table, Want: rowsText(w.Rows) + ", content unchanged"}
		got, err := v.tx.Fingerprint(ctx, w.Table)
		if err != nil {
			v.unknown(res, err)
			return
		}
		res.Got, res.Pass, res.Rows = rowsText(got.Rows)+", content unchanged", got == w, got.Rows
		if got.Hash != w.Hash {
			res.Got = rowsText(got.Rows) + ", content changed"
		}
		v.add(res)
	}
}

// undeclared compares what the transaction did with what the runbook and its
// reach account for.
func (v *verifier) undeclared(ctx context.Context) {
	if v.err != nil {
		return
	}
	res := phases.Verification{Kind: phases.VerifyTouched, Name: "tables touched", Want: "only what the runbook and its foreign keys account for"}
	v.wait.next("see what the transaction touched")
	did, err := v.tx.Effects(ctx)
	if err != nil {
		v.unknown(res, err)
		return
	}
	v.did = did
	account := v.run.newAccount()
	odd := append(account.rows(did.Rows), account.changes(did.Changes)...)
	res.Got, res.Pass = "nothing else", len(odd) == 0
	if len(odd) > 0 {
		res.Got = strings.Join(odd, ", ")
	}
	v.add(res)
}

// sealed makes sure that nothing was done since the verification: what it saw
// is what COMMIT makes true. The ledger's row alone came since.
func (r *phaseRun) sealed(ctx context.Context, tx Tx, verified phases.Effects) error {
	now, err := tx.Effects(ctx)
	if err != nil {
		return fmt.Errorf("see what the transaction touched since its verification: %w", err)
	}
	var more []string
	for name, n := range now.Rows {
		if was := verified.Rows[name]; n != was {
			more = append(more, fmt.Sprintf("%s (%d inserted, %d updated, %d deleted)", name, n.Inserted-was.Inserted, n.Updated-was.Updated, n.Deleted-was.Deleted))
		}
	}
	for _, c := range now.Changes {
		if !slices.Contains(verified.Changes, c) {
			more = append(more, c.String())
		}
	}
	if len(more) > 0 || len(now.Rows) != len(verified.Rows) || len(now.Changes) != len(verified.Changes) {
		slices.Sort(more)
		return fmt.Errorf("the transaction did more after its verification: %s; see which trigger on tminus.ledger, or which event trigger, does it", strings.Join(more, ", "))
	}
	return nil
}
