package lint

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var (
	keyOrder = &Code{
		Name: "key-order", Severity: phases.SeverityError,
		Means: "A foreign key (NO ACTION or RESTRICT) refuses a delete because the rows that refer to it are deleted only later in the runbook. A key that is INITIALLY DEFERRED is asked at the end of its phase.",
		Do:    "delete the referring table first",
	}
	keyCycle = &Code{
		Name: "key-cycle", Severity: phases.SeverityError,
		Means: "Tables refer to each other by foreign keys that refuse: whichever is deleted first is refused.",
		Do:    "before the deletes, set the columns of a key of the cycle that may be NULL to NULL, by an UPDATE of its own",
	}
	keyRefuses = &Code{
		Name: "key-refuses", Severity: phases.SeverityError,
		Means: "A foreign key (NO ACTION or RESTRICT) of a table that the runbook does not empty refuses a delete as long as a row refers to what goes.",
		Do:    "delete the referring table first, or take out what it refers to",
	}
	keyProtects = &Code{
		Name: "key-protects", Severity: phases.SeverityError,
		Means: "A protected table refers, by a foreign key that refuses, to a table that is to be emptied: as long as one of its rows does, the delete fails.",
		Do:    "a human decides whether those rows may lose their reference: set it to NULL before, and the table is not protected as it is",
	}
	keyMayRefuse = &Code{
		Name: "key-may-refuse", Severity: phases.SeverityWarning,
		Means: "A foreign key refuses a delete as long as a row refers to what goes, and whether one will is decided by a condition of the runbook, a statement of its own, or the order in which keys that cascade take rows.",
		Do:    "rehearse it with the data as it is",
	}
	keyUnused = &Code{
		Name: "key-unused", Severity: phases.SeverityNote,
		Means: "A foreign key refuses a delete as long as a row refers to what goes. When the database was asked, no row of the referring table did: its key columns were NULL in all of them. One that is written later refuses the delete again. The same is said of a key by which rows of a protected table would change or go.",
		Do:    "nothing, if nobody writes such a row until then; lint once more right before the window",
	}
)

// refusal is what keys of one table mean for the deletes from another; those that
// mean the same are told as one.
type refusal struct {
	is            fate
	d, by         *delete
	child, parent string
	keys          []*schema.Key // roots, at least one
	protected     bool
	unused        bool // no row referred by them when the database was asked
	deferred      bool // they are asked at the phase's end
}

var refusing = rule{[]*Code{keyOrder, keyCycle, keyRefuses, keyProtects, keyMayRefuse, keyUnused}, func(v *View) []phases.Finding {
	var out []phases.Finding
	cycles := v.cycles()
	ordered := false
	for _, r := range v.refusals() {
		phase, text := v.Book.Phases[r.d.phase].ID, r.text()
		switch {
		case r.unused:
			out = append(out, keyUnused.at(phase, r.parent, fmt.Sprintf("no row of %s refers to %s now %s: deleting from %s fails as soon as one does", r.child, r.parent, r.constraints(), r.d.table), ""))
		case r.is == beside && r.child != r.d.table:
			out = append(out, keyMayRefuse.at(phase, r.parent, text+": "+r.child+" goes by keys of the same statement, perhaps too late, or not all of it", fmt.Sprintf("delete %s before %s", r.child, r.d.table)))
		case r.is == beside || r.is == maybe:
			out = append(out, keyMayRefuse.at(phase, r.parent, text, ""))
		case r.protected:
			out = append(out, keyProtects.at(phase, r.parent, text, ""))
		case r.is == stays:
			out = append(out, keyRefuses.at(phase, r.parent, text+": the runbook does not empty "+r.child, fmt.Sprintf("delete %s before %s, or take %s out", r.child, r.d.table, r.d.table)))
		case cycles[[2]string{r.child, r.parent}]:
			out = append(out, keyCycle.at(phase, r.parent, text+": and the other way round", v.cycleRemedy(r, cycles)))
		default:
			remedy := fmt.Sprintf("delete %s before %s", r.child, r.d.table)
			if !ordered { // the same for all of them
				remedy += "; an order that works: " + strings.Join(v.order(), ", ")
			}
			ordered = true
			out = append(out, keyOrder.at(phase, r.parent, fmt.Sprintf("%s: %s comes later, in phase %s", text, r.child, v.Book.Phases[r.by.phase].ID), remedy))
		}
	}
	return out
}}

// Doubtful are the keys that will refuse, or change or take rows of a protected
// table, as far as the schema tells, each once: whether a row refers by them at
// all, the database has to be asked.
func (v *View) Doubtful() []*schema.Key {
	var out []*schema.Key
	add := func(k *schema.Key) {
		if root := v.reach.roots[k.OID]; !slices.Contains(out, root) {
			out = append(out, root)
		}
	}
	for _, k := range v.reach.Refusing {
		if is, _, _ := v.fateOf(k); is != gone {
			add(k)
		}
	}
	for i := range v.Schema.Keys {
		if k := &v.Schema.Keys[i]; !k.Action.Refuses() && v.reach.Emptied[k.To] && v.protected[k.From] {
			add(k)
		}
	}
	return out
}

// unused reports whether no row refers by any of the keys that are an edge of the
// reach.
func (v *View) unused(e phases.Reach) bool {
	found := false
	for i := range v.Schema.Keys {
		k := &v.Schema.Keys[i]
		root := v.reach.roots[k.OID]
		if actions[k.Action] != e.Action || v.Name(k.To) != e.From || v.Name(k.From) != e.Table || phases.Clean(root.Name) != e.Constraint {
			continue
		}
		if !root.Unused {
			return false
		}
		found = true
	}
	return found
}

// refusals are the keys that may refuse a delete, in the order in which the
// deletes reach them.
func (v *View) refusals() []refusal {
	var out []refusal
	at := map[string]int{}
	for _, k := range v.reach.Refusing {
		is, d, by := v.fateOf(k)
		if is == gone {
			continue
		}
		root := v.reach.roots[k.OID]
		r := refusal{is: is, d: d, by: by, child: v.Name(k.From), parent: v.Name(k.To), protected: v.protected[k.From], unused: root.Unused, deferred: k.Deferred}
		mark := fmt.Sprintf("%q %q %s %d %d %d %t %t", r.child, r.parent, k.Action, is, d.phase, d.step, r.unused, r.deferred)
		i, known := at[mark]
		if !known {
			i = len(out)
			at[mark] = i
			out = append(out, r)
		}
		if !slices.ContainsFunc(out[i].keys, func(o *schema.Key) bool { return o.Name == root.Name }) {
			out[i].keys = append(out[i].keys, root)
		}
	}
	return out
}

// constraints names the keys, with what they do.
func (r refusal) constraints() string {
	var names []string
	for _, k := range r.keys {
		names = append(names, phases.Clean(k.Name))
	}
	return fmt.Sprintf("(%s, ON DELETE %s)", few(names), r.keys[0].Action)
}

func (r refusal) text() string {
	text := fmt.Sprintf("deleting from %s fails while rows of %s refer to it %s", r.parent, r.child, r.constraints())
	if r.parent != r.d.table {
		text = fmt.Sprintf("deleting from %s, which takes rows of %s, fails while rows of %s refer to them %s", r.d.table, r.parent, r.child, r.constraints())
	}
	if r.deferred {
		text += ", at the end of the phase, after all its work"
	}
	return text
}

// cycleRemedy is how to come out of a cycle in which a key refuses: by a key of it
// that takes NULL, this one where it does.
func (v *View) cycleRemedy(r refusal, cycles map[[2]string]bool) string {
	for _, k := range slices.Concat(r.keys, v.reach.Refusing) {
		child, parent := v.Name(k.From), v.Name(k.To)
		if !cycles[[2]string{child, parent}] || !k.Nullable() || child == r.child && len(r.keys) > 1 {
			continue
		}
		out := fmt.Sprintf("before it, a step with sql: %s, and touch: [%s]", v.Schema.Nullify(k), child)
		if child != r.child || parent != r.parent {
			out += fmt.Sprintf("; then delete %s before %s", r.child, r.parent)
		}
		return out
	}
	return "none of the cycle's keys takes NULL: make one of them INITIALLY DEFERRED, or change what it refers to by a statement of your own"
}

// before are the pairs of deleted tables of which the first has to go before the
// second, because a key of it refuses that, or what goes with the second by cascade.
func (v *View) before() map[string][]string {
	deleted := map[string]bool{}
	for _, r := range v.Deleted() {
		deleted[v.Name(r.OID)] = true
	}
	out := map[string][]string{}
	for _, k := range v.reach.Refusing {
		child := v.Name(k.From)
		if !deleted[child] {
			continue
		}
		for i, d := range v.steps {
			all, first := v.closed[i].all[k.From], v.closed[i].first[k.To]
			inTime := all != 0 && all <= first
			if first != 0 && !inTime && d.table != child && !slices.Contains(out[child], d.table) {
				out[child] = append(out[child], d.table)
			}
		}
	}
	return out
}

// cycles are the pairs of before that no order can satisfy.
func (v *View) cycles() map[[2]string]bool {
	before := v.before()
	reaches := func(from, to string) bool {
		seen := map[string]bool{from: true}
		for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
			for _, next := range before[queue[0]] {
				if next == to {
					return true
				}
				if !seen[next] {
					seen[next] = true
					queue = append(queue, next)
				}
			}
		}
		return false
	}
	out := map[[2]string]bool{}
	for child, parents := range before {
		for _, parent := range parents {
			if reaches(parent, child) {
				out[[2]string{child, parent}] = true
			}
		}
	}
	return out
}

// order is one in which no key refuses, as near to the runbook's as there is:
// what is in a cycle stays where it is.
func (v *View) order() []string {
	before, cycles := v.before(), v.cycles()
	waits := map[string]int{}
	for child, parents := range before {
		for _, parent := range parents {
			if !cycles[[2]string{child, parent}] {
				waits[parent]++
			}
		}
	}
	var todo, out []string
	for _, d := range v.steps {
		if d.relation != nil && !slices.Contains(todo, v.Name(d.relation.OID)) {
			todo = append(todo, v.Name(d.relation.OID))
		}
	}
	for len(todo) > 0 {
		i := slices.IndexFunc(todo, func(t string) bool { return waits[t] == 0 })
		i = max(i, 0)
		t := todo[i]
		todo = slices.Delete(todo, i, i+1)
		out = append(out, t)
		for _, parent := range before[t] {
			if !cycles[[2]string{t, parent}] {
				waits[parent]--
			}
		}
	}
	return out
}
