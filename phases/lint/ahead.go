package lint

import (
	"slices"

	"tminus/phases"
	"tminus/phases/schema"
	"tminus/phases/step"
)

// worthAhead are the rows from which on it spares something to delete them before
// the rows that they refer to.
const worthAhead = 10_000

// Ahead gives the keys by which a delete step takes rows of other tables, where
// those rows can as well be deleted before its own: the same rows go, by statements
// of their own instead of one query for each row that they refer to. off is as for
// Sweep.
//
// A table whose triggers or rules would act is left to its key, and so is one whose
// rows others refuse to let go, or lose a reference to that one DELETE would not
// touch: there, the order may tell. It does as well where rows that would go before
// keep others of the step from going: one DELETE asks such a key while they are there.
// What goes with those rows goes with them, by its own keys: whether those act is
// theirs to say.
func (v *View) Ahead(phase, at int, off func(schema.Trigger, *schema.Relation) bool) []*schema.Key {
	do := v.Book.Phases[phase].Steps[at]
	r := v.Find(do.Delete)
	if off == nil {
		off = noneOff
	}
	way, known := step.FindWay(do.Way)
	if r == nil || do.Where != "" || !known || !way.Ranges || !alone(r) || v.acting(r, schema.OnDelete, off) != "" {
		return nil
	}
	a := &ahead{View: v, off: off, gone: map[uint32]bool{}, refuse: map[uint32]bool{}}
	a.goesWith(r)
	for i := range v.Schema.Keys {
		k := &v.Schema.Keys[i]
		if k.Action.Refuses() && a.gone[k.To] {
			a.refuse[k.From] = true
		}
	}
	var out []*schema.Key
	for _, k := range v.Schema.KeysTo(r.OID) {
		child := v.Schema.Relation(k.From)
		if k.Action == schema.Cascade && k.Parent == 0 && child != nil && child != r && v.leaves(k) == "" && a.goes(child) {
			out = append(out, k)
		}
	}
	return out
}

// ahead is the search for them.
type ahead struct {
	*View
	off    func(schema.Trigger, *schema.Relation) bool
	gone   map[uint32]bool // the step's table, and all that its keys may empty
	refuse map[uint32]bool // those with a key that refuses to let rows of these go
}

// goesWith notes a table and what goes with its rows.
func (a *ahead) goesWith(r *schema.Relation) {
	if r == nil || a.gone[r.OID] {
		return
	}
	a.gone[r.OID] = true
	for _, k := range a.Schema.KeysTo(r.OID) {
		if k.Action == schema.Cascade {
			a.goesWith(a.Schema.Relation(k.From))
		}
	}
}

// goes reports whether the role may delete rows of a table by a statement that does
// the same as the key would.
func (a *ahead) goes(r *schema.Relation) bool {
	may := r.Rights.Usage && r.Rights.Select && r.Rights.Delete && !r.Filtered
	return may && alone(r) && !a.protected[r.OID] && a.quiet(r, nil)
}

// alone reports whether a relation is all of a table, with rows that a DELETE can
// look for by their blocks.
func alone(r *schema.Relation) bool {
	return r.Kind == schema.Ordinary && r.Method == "heap" && !r.Temporary && !r.Partition && len(r.Parents)+len(r.Children) == 0
}

// quiet reports whether nothing acts when rows of a table go, on it or on what
// refers to it, and nothing refuses, nor did they.
func (a *ahead) quiet(r *schema.Relation, seen []uint32) bool {
	if a.refuse[r.OID] || a.acting(r, schema.OnDelete, a.off) != "" {
		return false
	}
	seen = append(seen, r.OID)
	for _, k := range a.Schema.KeysTo(r.OID) {
		child := a.Schema.Relation(k.From)
		switch {
		case child == nil || k.Action.Refuses() || slices.Contains(seen, k.From):
			return false
		case k.Action == schema.Cascade:
			if !a.quiet(child, seen) {
				return false
			}
		case a.gone[k.From], a.acting(child, schema.OnUpdate, a.off) != "", a.shares(k, func(oid uint32) bool { return a.gone[oid] }) != "":
			return false
		}
	}
	return true
}

// aheadOf are those of a step that are worth it, as the reckoning stands.
func (r *reckoning) aheadOf(step int) []phases.Ahead {
	if r.with != nil { // the survey's own
		return r.with[r.at].AheadOf(step)
	}
	var out []phases.Ahead
	for _, k := range r.Ahead(r.at, step, r.turnedOff) {
		if child := r.Schema.Relation(k.From); r.left[child.OID]*(1-k.Nulls) >= worthAhead {
			out = append(out, phases.Ahead{Step: step, Table: r.Plain(child), Constraint: k.Name})
		}
	}
	r.aheads[r.at] = append(r.aheads[r.at], out...)
	return out
}

// ahead reckons with rows that go before those that they refer to.
func (r *reckoning) ahead(step int) {
	for _, a := range r.aheadOf(step) {
		child := r.Find(a.Table)
		if child == nil {
			continue
		}
		nulls := 0.0
		for i := range r.Schema.Keys {
			if k := &r.Schema.Keys[i]; k.From == child.OID && k.Name == a.Constraint {
				nulls = k.Nulls
			}
		}
		r.talk(stepTime, stepExchanges)
		r.remove(child, r.left[child.OID]*(1-nulls), false)
	}
}
