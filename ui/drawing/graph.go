package drawing

import (
	"cmp"
	"slices"

	"tminus/phases"
	"tminus/phases/lint"
)

// table is one box.
type table struct {
	lint.Branch
	deleted bool
	keys    []*key // those of its own that refer to what goes
	column  int
}

// key is one foreign key of a table, drawn as a line from the table whose rows
// go to the line in the box that says the key.
type key struct {
	lint.Branch
	from, to *table
	back     bool // against the columns: it closes a cycle
}

func (k *key) itself() bool { return k.from == k.to }

// graph is a reach, each table and each key in it once.
type graph struct {
	tables []*table
	keys   []*key
}

func graphOf(tree []lint.Branch) *graph {
	g := &graph{}
	byName := map[string]*table{}
	for _, b := range tree {
		t := byName[b.Table]
		if t == nil {
			t = &table{Branch: b}
			byName[b.Table] = t
			g.tables = append(g.tables, t)
		}
		t.deleted = t.deleted || b.Depth == 0
		t.Protected = t.Protected || b.Protected
	}
	type name struct{ from, table, constraint, action string }
	known := map[name]bool{}
	for _, b := range tree {
		if n := (name{b.From, b.Table, b.Constraint, b.Action}); b.Depth > 0 && !known[n] {
			known[n] = true
			k := &key{Branch: b, from: byName[b.From], to: byName[b.Table]}
			g.keys = append(g.keys, k)
			k.to.keys = append(k.to.keys, k)
		}
	}
	g.columns()
	return g
}

// columns puts each table to the right of all that it is reached from. Of a
// cycle, the key that comes back to a table on the way to itself is left out.
func (g *graph) columns() {
	out := map[*table][]*key{}
	for _, k := range g.keys {
		if !k.itself() {
			out[k.from] = append(out[k.from], k)
		}
	}
	on, done := map[*table]bool{}, map[*table]bool{}
	var after []*table // each after all that it reaches
	var visit func(t *table)
	visit = func(t *table) {
		on[t], done[t] = true, true
		for _, k := range out[t] {
			k.back = on[k.to]
			if !done[k.to] {
				visit(k.to)
			}
		}
		on[t] = false
		after = append(after, t)
	}
	for _, t := range g.tables {
		if !done[t] {
			visit(t)
		}
	}
	for _, t := range slices.Backward(after) {
		for _, k := range out[t] {
			if !k.back {
				k.to.column = max(k.to.column, t.column+1)
			}
		}
	}
}

// deleted are the names of the tables that are deleted from.
func (g *graph) deleted() []string {
	var out []string
	for _, t := range g.tables {
		if t.deleted {
			out = append(out, phases.Clean(t.Table))
		}
	}
	return out
}

// sortKeys puts the lines of each box into the order of where they come from.
func (g *graph) sortKeys(place func(*key) float64) {
	for _, t := range g.tables {
		slices.SortStableFunc(t.keys, func(a, b *key) int {
			return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Constraint, b.Constraint))
		})
	}
}
