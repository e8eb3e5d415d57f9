package lint

import (
	"cmp"
	"slices"

	"tminus/phases"
	"tminus/phases/schema"
)

// Reach is what deletes touch beyond their own tables, through foreign keys.
type Reach struct {
	Edges    []phases.Reach  // one for all partitions of a table, in the order of their names
	Refusing []*schema.Key   // keys on the way that only look: NO ACTION and RESTRICT
	Emptied  map[uint32]bool // relations whose rows go: deleted, or by cascade
	Changed  map[uint32]bool // relations whose rows change: SET NULL or SET DEFAULT

	via   map[uint32]*schema.Key // by which key a relation was reached first; nil for what is deleted
	roots map[uint32]*schema.Key // the root of each key
	usage map[[2]uint32]bool     // by root and referencing relation: a usable index
	inert map[uint32]string      // by root: why rows may stay by it when those that they refer to go
}

// Reach is computed once, by New.
func (v *View) Reach() Reach { return v.reach }

// actions are the keys' actions that change rows, in the words of a journal.
var actions = map[schema.Action]phases.ReachAction{
	schema.Cascade: phases.ReachCascade, schema.SetNull: phases.ReachSetNull, schema.SetDefault: phases.ReachSetDefault,
}

// computeReach follows the foreign keys from the deleted tables on. It works on
// relations, partitions included, and gives names in the end.
func (v *View) computeReach() Reach {
	out := Reach{
		Emptied: map[uint32]bool{}, Changed: map[uint32]bool{}, via: map[uint32]*schema.Key{},
		roots: map[uint32]*schema.Key{}, usage: map[[2]uint32]bool{}, inert: map[uint32]string{},
	}
	out.readRoots(v.Schema)
	var queue []*schema.Relation
	empty := func(of []*schema.Relation, by *schema.Key) {
		for _, d := range of {
			if !out.Emptied[d.OID] {
				out.Emptied[d.OID] = true
				out.via[d.OID] = by
				queue = append(queue, d)
			}
		}
	}
	for _, r := range v.Deleted() {
		empty(v.Schema.Tree(r), nil)
	}
	at := map[phases.Reach]int{}
	for i := 0; i < len(queue); i++ {
		for _, k := range v.Schema.KeysTo(queue[i].OID) {
			child := v.Schema.Relation(k.From)
			if child == nil {
				continue
			}
			usable := out.indexed(v.Schema, k)
			if k.Action.Refuses() {
				out.Refusing = append(out.Refusing, k)
				continue
			}
			v.addEdge(&out, at, k, usable)
			if k.Action == schema.Cascade {
				empty(v.Schema.Referring(child), k)
				continue
			}
			for _, d := range v.Schema.Referring(child) {
				out.Changed[d.OID] = true
			}
		}
	}
	slices.SortStableFunc(out.Edges, func(a, b phases.Reach) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Constraint, b.Constraint))
	})
	return out
}

// addEdge adds a key that acts: one edge for all partitions of its table.
func (v *View) addEdge(to *Reach, at map[phases.Reach]int, k *schema.Key, usable bool) {
	edge := phases.Reach{
		From: v.Name(k.To), Table: v.Name(k.From), Constraint: phases.Clean(to.roots[k.OID].Name),
		Action: actions[k.Action], Protected: v.protected[k.From],
	}
	i, known := at[edge]
	if !known {
		i = len(to.Edges)
		at[edge] = i
		edge.Indexed = true
		to.Edges = append(to.Edges, edge)
	}
	to.Edges[i].Indexed = to.Edges[i].Indexed && usable
}

// readRoots finds which key of a partitioned table a partition's was made for.
func (r *Reach) readRoots(s *schema.Schema) {
	byOID := map[uint32]*schema.Key{}
	for i := range s.Keys {
		byOID[s.Keys[i].OID] = &s.Keys[i]
	}
	for i := range s.Keys {
		k := &s.Keys[i]
		root := k
		for root.Parent != 0 && byOID[root.Parent] != nil {
			root = byOID[root.Parent]
		}
		r.roots[k.OID] = root
		if k.Indexed {
			r.usage[[2]uint32{root.OID, k.From}] = true
		}
		switch {
		case k.NotValid:
			r.inert[root.OID] = "is not valid"
		case k.Off:
			r.inert[root.OID] = "has triggers that are off"
		}
	}
}

// indexed reports whether a usable index carries a key. A partitioned table's
// rows are in its leaves: each needs one.
func (r *Reach) indexed(s *schema.Schema, k *schema.Key) bool {
	from := s.Relation(k.From)
	if from.Kind == schema.Ordinary {
		return k.Indexed // a key does not reach inheritance children
	}
	for _, d := range s.Tree(from) {
		if d.Kind == schema.Ordinary && !r.usage[[2]uint32{r.roots[k.OID].OID, d.OID}] {
			return false
		}
	}
	return true
}

// Path is how the deletes come to a relation: the tables on a shortest way,
// the one that is deleted from first, itself last.
func (v *View) Path(oid uint32) []string {
	var out []string
	for {
		name := v.Name(oid)
		if len(out) == 0 || out[0] != name {
			out = slices.Insert(out, 0, name)
		}
		k := v.reach.via[oid]
		if k == nil {
			return out
		}
		oid = k.To
	}
}
