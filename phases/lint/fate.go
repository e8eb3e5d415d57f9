package lint

import (
	"slices"

	"tminus/phases/schema"
)

// fate is what is known of the rows that refer, by one key, to rows that a step
// takes away.
type fate int

const (
	gone   fate = iota // they have gone before, or go with them
	late               // they go after: the key is asked before that
	stays              // nobody empties their table
	maybe              // a condition decides
	beside             // the same statement takes them, but perhaps not all, or too late
)

// closure is what a step empties, by relation: in which round of it. The first is
// the statement's own; each fires keys, and what those delete fires more in the next.
// PostgreSQL asks a key that refuses in the round after the row that it asks for.
type closure struct {
	first map[uint32]int // the round in which rows go first; those not in it keep theirs
	all   map[uint32]int // the round after which none is left, where that is sure
}

// closures are those of each step, with the parts of what goes.
func (v *View) closures() []closure {
	out := make([]closure, len(v.steps))
	for i, d := range v.steps {
		out[i] = closure{map[uint32]int{}, map[uint32]int{}}
		if d.relation == nil {
			continue
		}
		v.rounds(d.relation, out[i].first, func(*schema.Key) bool { return true })
		if d.where == "" {
			v.rounds(d.relation, out[i].all, func(k *schema.Key) bool { return !k.Nullable() })
		}
	}
	return out
}

// rounds notes in which round a relation is reached by the keys that cascade and
// that take rows along as by says.
func (v *View) rounds(from *schema.Relation, round map[uint32]int, by func(*schema.Key) bool) {
	next := v.Schema.Tree(from)
	for n := 1; len(next) > 0; n++ {
		now := next
		next = nil
		for _, r := range now {
			if round[r.OID] != 0 {
				continue
			}
			round[r.OID] = n
			for _, k := range v.Schema.KeysTo(r.OID) {
				if child := v.Schema.Relation(k.From); child != nil && k.Action == schema.Cascade && by(k) {
					next = append(next, v.Schema.Referring(child)...)
				}
			}
		}
	}
}

// fateOf follows the rows that refer to a key's rows through the steps, and
// gives the worst that awaits a step, with that step and the one that empties
// the referring table; either may be nil.
func (v *View) fateOf(k *schema.Key) (worst fate, taker, emptier *delete) {
	child := v.Schema.Relation(k.From)
	if child.Kind == schema.Ordinary && child.Heap == 0 {
		return gone, nil, nil // an empty table refers to nothing
	}
	empties := v.empties(k.From)
	for i := range v.steps {
		if v.closed[i].first[k.To] == 0 {
			continue
		}
		d := &v.steps[i]
		is, by := v.fateAt(i, d, k, empties)
		if is != gone && (taker == nil || worse(is, worst)) {
			worst, taker, emptier = is, d, by
		}
	}
	return worst, taker, emptier
}

func (v *View) fateAt(i int, d *delete, k *schema.Key, empties []delete) (fate, *delete) {
	for j := range v.steps[:i] {
		if v.closed[j].all[k.From] != 0 {
			return gone, nil
		}
	}
	here := v.closed[i]
	if last := here.all[k.From]; last != 0 && (last <= here.first[k.To] || k.Deferred) {
		return gone, nil // by the same statement
	}
	var by *delete
	for j := range empties {
		if e := &empties[j]; k.Deferred && e.phase == d.phase {
			return gone, nil // the key is asked at the phase's end
		} else if by == nil {
			by = e
		}
	}
	thinned, forgotten := v.loosened(d, k)
	switch {
	case forgotten:
		return gone, nil
	case d.where == "" && here.first[k.From] != 0:
		return beside, by
	case d.where != "" || thinned:
		return maybe, by
	case by != nil:
		return late, by
	}
	return stays, nil
}

// loosened reports whether something before a step takes rows of the referring
// table, or changes them, without emptying it; and whether one of it takes the key's
// references away, and what comes after does no more than that to other keys.
func (v *View) loosened(d *delete, k *schema.Key) (thinned, forgotten bool) {
	name := v.Name(k.From)
	for i := range v.Book.Phases[:d.phase+1] {
		for j, step := range v.Book.Phases[i].Steps {
			switch {
			case i == d.phase && j >= d.step:
				return thinned, forgotten
			case step.Delete == name:
				thinned = true
			case slices.Contains(step.Touch, name):
				thinned = true
				forgotten = v.nullifies(step.SQL, k) || forgotten && v.nulls[step.SQL] != nil
			}
		}
	}
	return thinned, forgotten
}

// nullifies reports whether a statement is the one by which rows lose the reference
// of a key, or of one that it was made for.
func (v *View) nullifies(sql string, k *schema.Key) bool {
	for ; k != nil; k = v.Schema.Above(k) {
		if slices.Contains(v.nulls[sql], k) {
			return true
		}
	}
	return false
}

func worse(a, b fate) bool {
	rank := map[fate]int{gone: 0, maybe: 1, beside: 2, late: 3, stays: 4}
	return rank[a] > rank[b]
}
