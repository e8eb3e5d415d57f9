package drawing

import (
	"cmp"
	"slices"
)

// sweeps is how often the columns are put into order, forth and back.
const sweeps = 12

// node is what takes room in a column: a table's box, or a line on its way past
// the column.
type node struct {
	table       *table // nil: a line's way
	column      int
	left, right []*node // its neighbours in the columns beside it
	place       int     // from the top of its column
	y, height   float64
}

// way is a key's line: the nodes that it goes along, from left to right.
type way struct {
	*key
	nodes []*node
}

// columns are the nodes by column, and the ways between them.
type columns struct {
	nodes [][]*node
	ways  []way
}

// layers makes the nodes. The keys of one action from the same table share
// their way past a column; one that goes back has a way of its own.
func layers(g *graph) *columns {
	c := &columns{}
	add := func(n *node) *node {
		for len(c.nodes) <= n.column {
			c.nodes = append(c.nodes, nil)
		}
		n.place = len(c.nodes[n.column])
		c.nodes[n.column] = append(c.nodes[n.column], n)
		return n
	}
	boxes := map[*table]*node{}
	for _, t := range g.tables {
		boxes[t] = add(&node{table: t, column: t.column})
	}
	type shared struct {
		from   *table
		action string
		alone  *key
		column int
	}
	passing := map[shared]*node{}
	for _, k := range g.keys {
		if k.itself() {
			continue
		}
		left, right, s := boxes[k.from], boxes[k.to], shared{from: k.from, action: k.Action}
		if k.back {
			left, right, s.alone = right, left, k
		}
		w := way{key: k, nodes: []*node{left}}
		for s.column = left.column + 1; s.column < right.column; s.column++ {
			if passing[s] == nil {
				passing[s] = add(&node{column: s.column})
			}
			w.nodes = append(w.nodes, passing[s])
		}
		w.nodes = append(w.nodes, right)
		for i, n := range w.nodes[1:] {
			join(w.nodes[i], n)
		}
		c.ways = append(c.ways, w)
	}
	return c
}

// join makes two nodes neighbours, once.
func join(left, right *node) {
	if !slices.Contains(left.right, right) {
		left.right, right.left = append(left.right, right), append(right.left, left)
	}
}

// order puts each column into an order in which few lines cross: each node goes
// to the middle of its neighbours, forth and back, and the best order stays.
func (c *columns) order() {
	best, fewest := c.copied(), c.crossings()
	for i := range sweeps {
		if i%2 == 0 {
			for _, column := range c.nodes[1:] {
				sortByMiddle(column, func(n *node) []*node { return n.left })
			}
		} else {
			for _, column := range slices.Backward(c.nodes[:len(c.nodes)-1]) {
				sortByMiddle(column, func(n *node) []*node { return n.right })
			}
		}
		if n := c.crossings(); n < fewest {
			best, fewest = c.copied(), n
		}
	}
	c.nodes = best
	for _, column := range c.nodes {
		renumber(column)
	}
}

func (c *columns) copied() [][]*node {
	out := make([][]*node, len(c.nodes))
	for i, column := range c.nodes {
		out[i] = slices.Clone(column)
	}
	return out
}

// sortByMiddle sorts a column by where its neighbours are, on the average. A
// node without any stays about where it is.
func sortByMiddle(column []*node, beside func(*node) []*node) {
	middle := map[*node]float64{}
	for _, n := range column {
		middle[n] = float64(n.place)
		if all := beside(n); len(all) > 0 {
			sum := 0
			for _, m := range all {
				sum += m.place
			}
			middle[n] = float64(sum) / float64(len(all))
		}
	}
	slices.SortStableFunc(column, func(a, b *node) int { return cmp.Compare(middle[a], middle[b]) })
	renumber(column)
}

func renumber(column []*node) {
	for i, n := range column {
		n.place = i
	}
}

// crossings counts the pairs of lines that cross.
func (c *columns) crossings() (n int) {
	for _, column := range c.nodes {
		var lines [][2]int
		for _, from := range column {
			for _, to := range from.right {
				lines = append(lines, [2]int{from.place, to.place})
			}
		}
		for i, a := range lines {
			for _, b := range lines[:i] {
				if (a[0]-b[0])*(a[1]-b[1]) < 0 {
					n++
				}
			}
		}
	}
	return n
}
