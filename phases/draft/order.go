package draft

import (
	"cmp"
	"slices"
	"strings"

	"tminus/phases/schema"
)

// arc is a key from one table of the plan to another, or to itself: the first has to go before
// the second.
type arc struct {
	key     *schema.Key
	from    *schema.Relation
	to      *schema.Relation
	refuses bool // else the order only spares work
}

// order puts the plan's tables into an order that nothing refuses: referring
// before referred. Where keys that refuse go round in a cycle, one that takes
// NULL is set to NULL before.
func (d *Draft) order() {
	o := &ordering{Draft: d, pending: map[*schema.Relation]bool{}, before: map[*schema.Relation][]arc{}, own: map[*schema.Relation][]arc{}}
	for _, a := range d.arcs() {
		if a.from == a.to {
			o.own[a.to] = append(o.own[a.to], a)
			continue
		}
		o.before[a.to] = append(o.before[a.to], a)
	}
	todo := slices.Clone(d.Clear)
	slices.SortFunc(todo, func(a, b *schema.Relation) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	for _, r := range todo {
		o.pending[r] = true
	}
	o.through()
	d.Clear = nil
	for len(todo) > 0 {
		i := slices.IndexFunc(todo, func(r *schema.Relation) bool { return !o.waits(r, false) })
		if i < 0 { // a cycle: what only spares work gives way first
			i = slices.IndexFunc(todo, func(r *schema.Relation) bool { return !o.waits(r, true) })
		}
		if i < 0 {
			if o.cut(todo); len(d.problems) > 0 {
				return
			}
			continue
		}
		d.Clear = append(d.Clear, todo[i])
		delete(o.pending, todo[i])
		todo = slices.Delete(todo, i, i+1)
	}
}

// ordering is order under way.
type ordering struct {
	*Draft
	pending map[*schema.Relation]bool  // still to go
	before  map[*schema.Relation][]arc // what has to go before each
	own     map[*schema.Relation][]arc // keys to the table itself: its own delete takes all of it at once
}

// waits reports whether a table has to wait for another that is still to go.
func (o *ordering) waits(r *schema.Relation, refusing bool) bool {
	return slices.ContainsFunc(o.before[r], func(a arc) bool { return (a.refuses || !refusing) && o.pending[a.from] })
}

func (d *Draft) arcs() []arc {
	var out []arc
	for i := range d.Schema.Keys {
		k := &d.Schema.Keys[i]
		from, to := d.emptied[k.From], d.emptied[k.To]
		if from != nil && to != nil {
			out = append(out, arc{key: k, from: from, to: to, refuses: k.Action.Refuses() || stuck(k)})
		}
	}
	return out
}

// cut takes an arc out of a cycle of keys that refuse: by setting its key to
// NULL, or by leaving it to the phase's end where it is asked only there.
func (o *ordering) cut(todo []*schema.Relation) {
	var names, may []string
	var deferred *arc
	for _, r := range todo {
		for _, a := range o.before[r] {
			if !a.refuses || !o.pending[a.from] || !o.round(a) {
				continue
			}
			if a.key.Nullable() {
				o.Nullify = append(o.Nullify, a.key)
				o.drop(a)
				return
			}
			if a.key.Deferred && a.key.Action != schema.Restrict {
				deferred = &a
			}
			if name := o.name(a.from); !slices.Contains(names, name) {
				names = append(names, name)
			}
			if k := o.Schema.Whole(a.key); k.Action == schema.NoAction && !slices.Contains(may, k.Name) {
				may = append(may, k.Name)
			}
		}
	}
	if deferred != nil {
		o.Together = true
		o.drop(*deferred)
		return
	}
	way := "make one of them NO ACTION and INITIALLY DEFERRED: RESTRICT is never deferred"
	if len(may) > 0 {
		way = "make one of them INITIALLY DEFERRED (" + strings.Join(may, ", ") + ")"
	}
	o.problem("%s refer to each other by keys that refuse and take no NULL: %s, or decide how to clear them by statements of your own", strings.Join(names, ", "), way)
}

// drop takes a key's arcs out, with those of the same key's partitions.
func (o *ordering) drop(a arc) {
	for to := range o.before {
		o.before[to] = slices.DeleteFunc(o.before[to], func(b arc) bool {
			return b.key == a.key || b.from == a.from && b.key.Parent != 0 && (b.key.Parent == a.key.OID || b.key.Parent == a.key.Parent)
		})
	}
}

// through adds the arcs of keys that refuse what goes with a table by cascade: they
// refuse the delete from that table too, but where it takes their own rows in time.
func (o *ordering) through() {
	more := map[*schema.Relation][]arc{}
	for to := range o.pending {
		first := o.rounds(to, func(*schema.Key) bool { return true })
		all := o.rounds(to, func(k *schema.Key) bool { return !k.Nullable() })
		for along, n := range first {
			for _, a := range slices.Concat(o.before[along], o.own[along]) {
				if last := all[a.from]; along != to && a.refuses && (last == 0 || last > n) {
					more[to] = append(more[to], arc{key: a.key, from: a.from, to: to, refuses: true})
				}
			}
		}
	}
	for to, arcs := range more {
		slices.SortFunc(arcs, func(a, b arc) int { return cmp.Compare(a.key.OID, b.key.OID) })
		o.before[to] = append(o.before[to], arcs...)
	}
}

// rounds tells in which round a delete takes rows of a table along by the keys that
// cascade and are such as by says: its own in the first. A key that refuses is asked
// in the round after the row that it is asked for.
func (o *ordering) rounds(of *schema.Relation, by func(*schema.Key) bool) map[*schema.Relation]int {
	out := map[*schema.Relation]int{of: 1}
	for queue := []*schema.Relation{of}; len(queue) > 0; queue = queue[1:] {
		for _, a := range o.before[queue[0]] {
			if a.key.Action == schema.Cascade && out[a.from] == 0 && by(a.key) {
				out[a.from] = out[queue[0]] + 1
				queue = append(queue, a.from)
			}
		}
	}
	return out
}

// round reports whether an arc is part of a cycle of keys that refuse.
func (o *ordering) round(a arc) bool {
	seen := map[*schema.Relation]bool{a.from: true}
	queue := []*schema.Relation{a.from}
	for len(queue) > 0 {
		r := queue[0]
		queue = queue[1:]
		if r == a.to {
			return true
		}
		for _, b := range o.before[r] {
			if b.refuses && o.pending[b.from] && !seen[b.from] {
				seen[b.from] = true
				queue = append(queue, b.from)
			}
		}
	}
	return false
}
