package db

import (
	"cmp"
	"slices"

	"tminus/phases"
)

var reachActions = map[string]phases.ReachAction{
	"c": phases.ReachCascade,
	"n": phases.ReachSetNull,
	"d": phases.ReachSetDefault,
}

// reach is what deletes touch beyond their own tables.
type reach struct {
	edges    []phases.Reach
	checked  []foreignKey    // keys that only look: NO ACTION and RESTRICT
	slow     []foreignKey    // keys without a usable index, of any action
	emptied  map[uint32]bool // relations whose rows go: deleted or by cascade
	modified map[uint32]bool // relations whose rows change: SET NULL or SET DEFAULT
}

// computeReach follows the foreign keys from the deleted tables on. It works on
// relations, partitions included, and gives names in the end: one edge for all
// partitions of a table.
func computeReach(c *catalog, keys []foreignKey, deletes []*relation, protected map[uint32]bool) reach {
	out := reach{emptied: map[uint32]bool{}, modified: map[uint32]bool{}}
	referencing := map[uint32][]foreignKey{}
	for _, k := range keys {
		referencing[k.to] = append(referencing[k.to], k)
	}
	roots := readRoots(keys)
	var queue []*relation
	add := func(r *relation) {
		for _, d := range c.tree(r) {
			if !out.emptied[d.oid] {
				out.emptied[d.oid] = true
				queue = append(queue, d)
			}
		}
	}
	for _, r := range deletes {
		add(r)
	}
	at := map[phases.Reach]int{} // by edge without what may differ among partitions
	for i := 0; i < len(queue); i++ {
		for _, k := range referencing[queue[i].oid] {
			child := c.byOID[k.from]
			if child == nil {
				continue
			}
			usable := roots.indexed(c, k)
			if !usable {
				out.slow = append(out.slow, k)
			}
			action, acts := reachActions[k.action]
			if !acts {
				out.checked = append(out.checked, k)
				continue
			}
			edge := phases.Reach{From: c.name(k.to), Table: c.name(k.from), Constraint: clean(roots.of[k.oid].name), Action: action}
			edge.Protected = protected[k.from]
			j, known := at[edge]
			if !known {
				j = len(out.edges)
				at[edge] = j
				out.edges = append(out.edges, edge)
				out.edges[j].Indexed = true
			}
			out.edges[j].Indexed = out.edges[j].Indexed && usable
			if action == phases.ReachCascade {
				add(child)
				continue
			}
			for _, d := range c.tree(child) {
				out.modified[d.oid] = true
			}
		}
	}
	slices.SortStableFunc(out.edges, func(a, b phases.Reach) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Constraint, b.Constraint))
	})
	return out
}

// rootKeys tell which key of a partitioned table a partition's was made for.
type rootKeys struct {
	of     map[uint32]foreignKey // the root of each key
	usable map[[2]uint32]bool    // by root and referencing relation: a usable index
}

func readRoots(keys []foreignKey) rootKeys {
	byOID := map[uint32]foreignKey{}
	for _, k := range keys {
		byOID[k.oid] = k
	}
	out := rootKeys{of: map[uint32]foreignKey{}, usable: map[[2]uint32]bool{}}
	for _, k := range keys {
		root := k
		for root.parent != 0 {
			p, ok := byOID[root.parent]
			if !ok {
				break
			}
			root = p
		}
		out.of[k.oid] = root
		if k.indexed {
			out.usable[[2]uint32{root.oid, k.from}] = true
		}
	}
	return out
}

// indexed reports whether a usable index carries a key. A partitioned table's
// rows are in its leaves: each needs one.
func (r rootKeys) indexed(c *catalog, k foreignKey) bool {
	if c.byOID[k.from].kind == "r" {
		return k.indexed // a key does not reach inheritance children
	}
	for _, d := range c.tree(c.byOID[k.from]) {
		if d.kind == "r" && !r.usable[[2]uint32{r.of[k.oid].oid, d.oid}] {
			return false
		}
	}
	return true
}
