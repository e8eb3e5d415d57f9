package engine

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"tminus/phases"
	"tminus/phases/step"
)

// account is what the runbook and its reach account for in one phase, by the
// tables' full names. What a transaction did beyond it is undeclared.
type account struct {
	run     *phaseRun
	full    func(table string) string
	allowed map[string]step.May
	locks   bool // any table may be locked: to make a foreign key again is to lock what it refers to
}

// newAccount adds up what a phase's steps declare, and what their deletes reach
// through foreign keys.
func (r *phaseRun) newAccount() account {
	a := account{run: r, allowed: map[string]step.May{}, full: r.facts.book.FullName}
	for _, s := range r.plan.Steps {
		if way, known := step.FindWay(s.Way); s.Delete != "" && known {
			a.allow(s.Delete, way.Own)
		}
		may := step.Anything
		switch {
		case s.Delete != "":
			may = step.ByTriggers
		case s.PutBack != "":
			may, a.locks = step.PutBack, true
		}
		for _, t := range s.Touch {
			a.allow(t, may)
		}
		if rewritten := s.Rewrites(); rewritten != "" {
			a.allow(rewritten, step.Anything)
		}
	}
	for _, t := range r.plan.Zero {
		a.allow(t, step.May{Lock: true})
	}
	for _, reach := range r.reach() {
		a.allow(reach.Table, step.May{Delete: reach.Action == phases.ReachCascade, Update: reach.Action != phases.ReachCascade, Lock: true})
	}
	for _, i := range r.built {
		a.allow(i.Table, step.May{Lock: true})
	}
	for _, s := range r.swept() {
		for _, t := range s.Also {
			a.allow(t, step.May{Delete: true, Truncate: true, Lock: true})
		}
		for _, k := range s.Keys {
			a.allow(k.Table, step.May{Lock: true})
		}
	}
	return a
}

func (a account) allow(table string, more step.May) {
	a.allowed[a.full(table)] = a.allowed[a.full(table)].Or(more)
}

// rows gives the tables whose rows were touched in a way that nothing accounts for.
func (a account) rows(touched map[string]phases.Touched) []string {
	var odd []string
	for name, n := range touched {
		may := a.allowed[a.full(name)]
		if (n.Deleted > 0 && !may.Delete) || (n.Updated > 0 && !may.Update) || (n.Inserted > 0 && !may.Insert) {
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
		var may step.May
		if c.Table != "" {
			may = a.allowed[a.full(c.Table)]
		}
		accounted := (c.Kind == phases.ChangeTruncated && may.Truncate) || (c.Kind == phases.ChangeLocked && (may.Lock || a.locks)) ||
			may.Toggle && (c.Same || madeAgain(c, changes)) ||
			a.run.isBuilt(c) || a.run.takenOut(c) && madeAgain(c, changes)
		if !accounted {
			odd = append(odd, c.String())
		}
	}
	return odd
}

// madeAgain reports whether a constraint or an index was dropped and made again under
// its name: whoever puts a capsule back has compared their definitions.
func madeAgain(c phases.Change, all []phases.Change) bool {
	other := map[phases.ChangeKind]phases.ChangeKind{phases.ChangeDropped: phases.ChangeCreated, phases.ChangeCreated: phases.ChangeDropped}[c.Kind]
	again := c.Type == phases.TypeConstraint || c.Type == phases.TypeIndex
	return again && slices.ContainsFunc(all, func(o phases.Change) bool {
		return o.Kind == other && o.Type == c.Type && o.Identity == c.Identity && o.Table == c.Table
	})
}

// undeclared is the error of a transaction that did more than was declared.
func undeclared(odd []string) error {
	return fmt.Errorf("the transaction did what the runbook does not account for: %s; see which trigger, rule or function does it, and disable it or take it out of the phase", strings.Join(odd, "; "))
}

// reach is what this phase's deletes touch through foreign keys: the part of
// the survey's that can be reached from them.
func (r *phaseRun) reach() []phases.Reach {
	from := map[string]bool{}
	for _, t := range r.plan.Changes() {
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
