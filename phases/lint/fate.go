package lint

import (
	"slices"

	"tminus/phases/schema"
)

// fate is what is known of the rows that refer, by one key, to rows that a step
// takes away.
type fate int

const (
	gone  fate = iota // they have gone before, or go with them
	late              // they go after: the key is asked before that
	stays             // nobody empties their table
	maybe             // a condition decides
)

// closures are the relations that each step empties by cascade, its own parts
// included.
func (v *View) closures() []map[uint32]bool {
	out := make([]map[uint32]bool, len(v.steps))
	for i, d := range v.steps {
		out[i] = map[uint32]bool{}
		if d.relation == nil {
			continue
		}
		queue := v.Schema.Tree(d.relation)
		for len(queue) > 0 {
			r := queue[0]
			queue = queue[1:]
			if out[i][r.OID] {
				continue
			}
			out[i][r.OID] = true
			for _, k := range v.Schema.KeysTo(r.OID) {
				if child := v.Schema.Relation(k.From); child != nil && k.Action == schema.Cascade {
					queue = append(queue, v.Schema.Referring(child)...)
				}
			}
		}
	}
	return out
}

// fateOf follows the rows that refer to a key's rows through the steps, and
// gives the worst that awaits a step, with that step and the one that empties
// the referring table; either may be nil.
func (v *View) fateOf(k *schema.Key) (worst fate, taker, emptier *delete) {
	child := v.Schema.Relation(k.From)
	if v.Name(k.From) == v.Name(k.To) || child.Kind == schema.Ordinary && child.Heap == 0 {
		return gone, nil, nil // its own rows go with it; an empty table refers to nothing
	}
	empties := v.empties(k.From)
	for i := range v.steps {
		if !v.closed[i][k.To] {
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
	if v.closed[i][k.From] {
		return gone, nil // by the same statement
	}
	for j := range v.steps[:i] {
		if v.closed[j][k.From] && v.steps[j].where == "" {
			return gone, nil
		}
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
	rank := map[fate]int{gone: 0, maybe: 1, late: 2, stays: 3}
	return rank[a] > rank[b]
}
