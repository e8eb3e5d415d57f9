package draft

import (
	"slices"

	"tminus/phases/schema"
)

// ledgerSchema is where tminus's own ledger stands: nobody's to clear.
const ledgerSchema = "tminus"

// Amount is how much goes. The zero value is nothing.
type Amount struct {
	Tables  int
	Rows    float64 // as far as the planner knows them
	Unknown int     // tables, and partitions, that were never analyzed: Rows lacks theirs
	Bytes   int64
}

// Fate is what becomes of a table's rows.
type Fate int

// The fates. Loses is for rows that stay, and lose a reference to what goes.
const (
	Stays Fate = iota
	Loses
	Goes
)

// graph is a schema's tables as somebody chooses them, each with its partitions
// in it, and the keys between them.
type graph struct {
	schema   *schema.Schema
	tables   []*schema.Relation
	at       map[uint32]int // place in tables, of partitions too
	own      []Amount       // of each table alone, without tables that inherit from it
	inherits [][]int        // tables that inherit from each
	above    [][]int        // tables that each inherits from
	takes    [][]int        // tables whose rows go with those of each
	bares    [][]int        // tables whose rows would lose a reference to those of each
	seen     []int          // by which walk a table was reached last
	walk     int
}

func newGraph(s *schema.Schema) *graph {
	g := &graph{schema: s, at: map[uint32]int{}}
	for i := range s.Relations {
		r := &s.Relations[i]
		if (r.Kind == schema.Ordinary || r.Kind == schema.Partitioned) && !r.Temporary && r.Schema != ledgerSchema && whole(s, r) == r {
			g.at[r.OID] = len(g.tables)
			g.tables = append(g.tables, r)
		}
	}
	n := len(g.tables)
	g.own, g.inherits, g.above, g.takes, g.bares, g.seen = make([]Amount, n), make([][]int, n), make([][]int, n), make([][]int, n), make([][]int, n), make([]int, n)
	for i, r := range g.tables {
		g.measure(i, r)
	}
	for i, r := range g.tables {
		for _, oid := range r.Children {
			if child, known := g.at[oid]; known && child != i {
				g.inherits[i] = append(g.inherits[i], child)
				g.above[child] = append(g.above[child], i)
			}
		}
	}
	for i := range s.Keys {
		g.tie(&s.Keys[i])
	}
	return g
}

// measure takes a table's partitions into it, and adds up what they hold.
func (g *graph) measure(i int, r *schema.Relation) {
	parts := []*schema.Relation{r}
	if r.Kind == schema.Partitioned {
		parts = g.schema.Tree(r)
	}
	sum := Amount{Tables: 1}
	for _, p := range parts {
		g.at[p.OID] = i
		sum.Bytes += p.Bytes
		switch {
		case !p.Holds():
		case p.Rows < 0:
			sum.Unknown++
		default:
			sum.Rows += p.Rows
		}
	}
	g.own[i] = sum
}

// tie notes what a key means for the rows that refer by it.
func (g *graph) tie(k *schema.Key) {
	from, known := g.at[k.From]
	to, also := g.at[k.To]
	if !known || !also || from == to {
		return
	}
	into := &g.bares[to]
	if goes(k) {
		into = &g.takes[to]
	}
	if !slices.Contains(*into, from) {
		*into = append(*into, from)
	}
}

// goes reports whether rows that refer by a key go with what they refer to.
func goes(k *schema.Key) bool {
	if k.Action.Refuses() {
		return !k.Nullable()
	}
	return k.Action == schema.Cascade || stuck(k)
}

// reach gives the places of all that goes with the tables at from, these first.
// What inherits from a table goes with it.
func (g *graph) reach(from ...int) []int {
	g.walk++
	var out []int
	take := func(of []int) {
		for _, i := range of {
			if g.seen[i] != g.walk {
				g.seen[i] = g.walk
				out = append(out, i)
			}
		}
	}
	take(from)
	for at := 0; at < len(out); at++ {
		take(g.inherits[out[at]])
		take(g.takes[out[at]])
	}
	return out
}

// amount adds up tables that the last walk reached. One that goes with the table
// that it inherits from has no step of its own.
func (g *graph) amount(of []int) (sum Amount) {
	for _, i := range of {
		if !slices.ContainsFunc(g.above[i], func(up int) bool { return g.seen[up] == g.walk }) {
			sum.Tables++
		}
		sum.Rows += g.own[i].Rows
		sum.Unknown += g.own[i].Unknown
		sum.Bytes += g.own[i].Bytes
	}
	return sum
}

// whole is the table that a partition belongs to; any other relation is one itself.
func whole(s *schema.Schema, r *schema.Relation) *schema.Relation {
	for r.Partition && len(r.Parents) == 1 && s.Relation(r.Parents[0]) != nil {
		r = s.Relation(r.Parents[0])
	}
	return r
}
