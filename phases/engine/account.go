package engine

import (
	"fmt"
	"sort"
	"strings"

	"tminus/phases"
)

// allowance is what a phase may do to a table.
type allowance struct {
	delete, update, insert bool
	truncate               bool // give it another file: TRUNCATE, or a rewrite
	lock                   bool // against all others
}

// account is what the runbook and its reach account for in one phase, by the
// tables' full names. What a transaction did beyond it is undeclared.
type account struct {
	full    func(table string) string
	allowed map[string]allowance
}

// newAccount adds up what a phase's steps declare, and what their deletes reach
// through foreign keys.
func (r *phaseRun) newAccount() account {
	a := account{allowed: map[string]allowance{}, full: r.facts.book.FullName}
	for _, s := range r.plan.Steps {
		if s.Delete != "" {
			a.allow(s.Delete, allowance{delete: true, lock: true})
		}
		for _, t := range s.Touch {
			a.allow(t, allowance{delete: true, update: true, insert: true, truncate: true, lock: true})
		}
		if rewritten := s.Rewrites(); rewritten != "" {
			a.allow(rewritten, allowance{delete: true, update: true, insert: true, truncate: true, lock: true})
		}
	}
	for _, t := range r.plan.Zero {
		a.allow(t, allowance{lock: true})
	}
	for _, reach := range r.reach() {
		a.allow(reach.Table, allowance{delete: reach.Action == phases.ReachCascade, update: reach.Action != phases.ReachCascade, lock: true})
	}
	return a
}

func (a account) allow(table string, more allowance) {
	old := a.allowed[a.full(table)]
	a.allowed[a.full(table)] = allowance{
		delete: old.delete || more.delete, update: old.update || more.update, insert: old.insert || more.insert,
		truncate: old.truncate || more.truncate, lock: old.lock || more.lock,
	}
}

// rows gives the tables whose rows were touched in a way that nothing accounts for.
func (a account) rows(touched map[string]phases.Touched) []string {
	var odd []string
	for name, n := range touched {
		may := a.allowed[a.full(name)]
		if (n.Deleted > 0 && !may.delete) || (n.Updated > 0 && !may.update) || (n.Inserted > 0 && !may.insert) {
			odd = append(odd, fmt.Sprintf("%s (%d inserted, %d updated, %d deleted)", name, n.Inserted, n.Updated, n.Deleted))
		}
	}
	sort.Strings(odd)
	return odd
}

// changes gives what was done beside rows that nothing accounts for. Only
// another file and a lock can be accounted for: no runbook declares that a
// table is dropped, made or altered.
func (a account) changes(changes []phases.Change) []string {
	var odd []string
	for _, c := range changes {
		var may allowance
		if c.Table != "" {
			may = a.allowed[a.full(c.Table)]
		}
		accounted := (c.Kind == phases.ChangeTruncated && may.truncate) || (c.Kind == phases.ChangeLocked && may.lock)
		if !accounted {
			odd = append(odd, c.String())
		}
	}
	return odd
}

// undeclared is the error of a transaction that did more than was declared.
func undeclared(odd []string) error {
	return fmt.Errorf("the transaction did what the runbook does not account for: %s; see which trigger, rule or function does it, and disable it or take it out of the phase", strings.Join(odd, "; "))
}

// reach is what this phase's deletes touch through foreign keys: the part of
// the survey's that can be reached from them.
func (r *phaseRun) reach() []phases.Reach {
	from := map[string]bool{}
	for _, t := range r.changedTables() {
		from[t] = true
	}
	all := r.facts.survey.Reach
	in := make([]bool, len(all))
	for again := true; again; {
		again = false
		for i, edge := range all {
			if in[i] || !from[edge.From] {
				continue
			}
			in[i], again = true, true
			if edge.Action == phases.ReachCascade {
				from[edge.Table] = true
			}
		}
	}
	var out []phases.Reach
	for i, edge := range all {
		if in[i] {
			out = append(out, edge)
		}
	}
	return out
}
