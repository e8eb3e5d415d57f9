package lint

import (
	"cmp"
	"slices"

	"tminus/phases"
	"tminus/phases/schema"
)

// Branch is one foreign key on the way from a table that is deleted, or that
// table itself, in the order of a tree: each is followed by what it reaches.
type Branch struct {
	Depth      int     `json:"depth"` // 0: a table that is deleted
	Table      string  `json:"table"`
	From       string  `json:"from,omitempty"`       // the table above it
	Constraint string  `json:"constraint,omitempty"` // empty at depth 0
	Action     string  `json:"action,omitempty"`     // ON DELETE, as SQL has it
	Indexed    bool    `json:"indexed,omitempty"`    // whether a usable index carries the key
	Rows       float64 `json:"rows"`                 // the planner's estimate; -1 when never analyzed
	Bytes      int64   `json:"bytes"`
	Again      bool    `json:"again,omitempty"` // what it reaches stands further up
	Protected  bool    `json:"protected,omitempty"`
}

// Amount is a table's rows and size in words.
func (b Branch) Amount() string {
	rows := "never analyzed"
	if b.Rows >= 0 {
		rows = "about " + phases.Rows(int64(b.Rows))
	}
	return rows + ", " + phases.Bytes(b.Bytes)
}

// Tree is the reach of the runbook's deletes, table by table.
func (v *View) Tree() []Branch {
	w := &walk{View: v, done: map[string]bool{}}
	for _, r := range v.Deleted() {
		rows, bytes := v.Schema.Rows(r)
		w.out = append(w.out, Branch{Table: v.Name(r.OID), Rows: rows, Bytes: bytes, Protected: v.protected[r.OID]})
		w.below(v.Name(r.OID), 1)
	}
	return w.out
}

type walk struct {
	*View
	done map[string]bool
	out  []Branch
}

// below adds what a table reaches. Each table's reach is shown once.
func (w *walk) below(table string, depth int) {
	w.done[table] = true
	for _, b := range w.branches(table) {
		b.Depth = depth
		acts := b.Action == schema.Cascade.String()
		b.Again = acts && w.done[b.Table]
		w.out = append(w.out, b)
		if acts && !b.Again {
			w.below(b.Table, depth+1)
		}
	}
}

// branches are the keys that refer to a table, partitions folded: what acts
// first, then by name.
func (w *walk) branches(table string) []Branch {
	at := map[Branch]int{}
	var out []Branch
	for i := range w.Schema.Keys {
		k := &w.Schema.Keys[i]
		child := w.Schema.Relation(k.From)
		if child == nil || w.Name(k.To) != table {
			continue
		}
		b := Branch{Table: w.Name(k.From), From: table, Constraint: phases.Clean(w.reach.roots[k.OID].Name), Action: k.Action.String(), Protected: w.protected[k.From]}
		j, known := at[b]
		if !known {
			j = len(out)
			at[b] = j
			b.Indexed = true
			if r := w.Find(b.Table); r != nil {
				b.Rows, b.Bytes = w.Schema.Rows(r)
			}
			out = append(out, b)
		}
		out[j].Indexed = out[j].Indexed && w.reach.indexed(w.Schema, k)
	}
	rank := map[string]int{"CASCADE": 0, "SET NULL": 1, "SET DEFAULT": 2, "RESTRICT": 3, "NO ACTION": 4}
	slices.SortFunc(out, func(a, b Branch) int {
		return cmp.Or(cmp.Compare(rank[a.Action], rank[b.Action]), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Constraint, b.Constraint))
	})
	return out
}
