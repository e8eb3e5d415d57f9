package drawing

import (
	"math"
	"slices"

	"tminus/phases"
	"tminus/ui/look"
)

// Measures, in pixels. A cell is what a letter of the page's fonts takes at
// most, at 1 pixel; wide letters take two.
const (
	cell       = 0.62
	large      = 13.0 // a table's name
	small      = 11.0 // all else
	inset      = 10.0
	headHeight = 42.0 // a box's name, rows and size
	lineHeight = 17.0 // one of its keys
	footHeight = 5.0
	boxGap     = 14.0
	wayHeight  = 2.0
	wayGap     = 10.0
	margin     = 24.0
	widest     = 44.0 // cells of a name
	actionRoom = 88.0 // before a key's name
)

// layout is where all of a graph is drawn.
type layout struct {
	*graph
	*columns
	x, width      []float64 // of each column
	node          map[*table]*node
	port          map[*key]int // which of its table's ways out a key takes, from the top
	ports         map[*table]int
	right, bottom float64
}

// place lays a graph out.
func place(g *graph) *layout {
	l := &layout{graph: g, columns: layers(g), node: map[*table]*node{}, port: map[*key]int{}, ports: map[*table]int{}}
	l.order()
	before := map[*key]float64{} // from where a key's line comes to its box
	for _, w := range l.ways {
		n := w.nodes[len(w.nodes)-2]
		if w.back {
			n = w.nodes[1]
		}
		before[w.key] = float64(n.place)
	}
	g.sortKeys(func(k *key) float64 { return before[k] })
	for _, column := range l.nodes {
		for _, n := range column {
			n.height = wayHeight
			if n.table != nil {
				l.node[n.table] = n
				n.height = headHeight + lineHeight*float64(len(n.table.keys))
				if len(n.table.keys) > 0 {
					n.height += footHeight
				}
			}
		}
	}
	l.setPorts()
	l.across()
	l.down()
	return l
}

// setPorts has the keys of one action leave their table at one place, those that
// go to the top of the next column first.
func (l *layout) setPorts() {
	type exit struct {
		from   *table
		action string
		back   bool
	}
	sum, count := map[exit]int{}, map[exit]int{}
	exits := map[*table][]exit{}
	of := func(k *key) exit { return exit{k.from, k.Action, k.back} }
	for _, w := range l.ways {
		e, n := of(w.key), w.nodes[1]
		if w.back {
			n = w.nodes[len(w.nodes)-2]
		}
		if count[e] == 0 {
			exits[e.from] = append(exits[e.from], e)
		}
		sum[e], count[e] = sum[e]+n.place, count[e]+1
	}
	for t, all := range exits {
		slices.SortStableFunc(all, func(a, b exit) int { return sum[a]*count[b] - sum[b]*count[a] })
		l.ports[t] = len(all)
		for _, w := range l.ways {
			if w.from == t {
				l.port[w.key] = slices.Index(all, of(w.key))
			}
		}
	}
}

// across gives the columns their widths, and the more room between them the
// more lines run there.
func (l *layout) across() {
	x := margin
	for i, column := range l.nodes {
		width, lines := 150.0, 0
		for _, n := range column {
			lines += len(n.right)
			if n.table != nil {
				width = max(width, boxWidth(n.table))
			}
		}
		l.x, l.width = append(l.x, x), append(l.width, width)
		x += width
		l.right = x + margin
		if i < len(l.nodes)-1 {
			x += min(64+3*float64(lines), 220)
		}
	}
}

func boxWidth(t *table) float64 {
	width := large*cell*cells(t.Table) + badgeRoom(t)
	width = max(width, small*cell*cells(t.Amount()))
	for _, k := range t.keys {
		width = max(width, actionRoom+small*cell*cells(k.Constraint)+remarkRoom(k))
	}
	return math.Ceil(width + 2*inset)
}

// cells are how many a name takes, cut where it is too long.
func cells(name string) float64 { return min(float64(look.Width(phases.Clean(name))), widest) }

// down puts the nodes of each column below each other, each as near as can be
// to its neighbours.
func (l *layout) down() {
	for _, column := range l.nodes {
		settle(column, func(n *node) (float64, float64) { return 0, 1 })
	}
	for i := range 2 * sweeps {
		for j := range l.nodes {
			if i%2 == 1 {
				j = len(l.nodes) - 1 - j
			}
			settle(l.nodes[j], l.wish)
		}
	}
}

// begin moves all of it down to a line, and rounds it to whole pixels.
func (l *layout) begin(top float64) {
	least := math.Inf(1)
	for _, column := range l.nodes {
		for _, n := range column {
			least = min(least, n.y)
		}
	}
	for _, column := range l.nodes {
		for _, n := range column {
			n.y = math.Round(n.y - least + top)
			l.bottom = max(l.bottom, n.y+n.height+margin)
		}
	}
}

// wish is where a node would best be, and how much it matters: a line's way is
// to be straight first of all.
func (l *layout) wish(n *node) (y, weight float64) {
	all := slices.Concat(n.left, n.right)
	if len(all) == 0 {
		return n.y, 0.01
	}
	for _, m := range all {
		y += m.y + m.height/2
	}
	if weight = 1; n.table == nil {
		weight = 4
	}
	return y/float64(len(all)) - n.height/2, weight
}

// settle gives a column's nodes the places nearest to their wishes, in their
// order and without touching: those that would push each other go together,
// to the middle of what they wish.
func settle(column []*node, wish func(*node) (y, weight float64)) {
	type block struct {
		first       int
		sum, weight float64 // of the wishes, as of the column's first node
	}
	var blocks []block
	at := make([]float64, len(column)) // below the first, when all are close together
	for i, n := range column {
		if i > 0 {
			at[i] = at[i-1] + column[i-1].height + gap(column[i-1], n)
		}
		y, weight := wish(n)
		b := block{i, weight * (y - at[i]), weight}
		for len(blocks) > 0 && blocks[len(blocks)-1].sum/blocks[len(blocks)-1].weight >= b.sum/b.weight {
			last := blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
			b = block{last.first, last.sum + b.sum, last.weight + b.weight}
		}
		blocks = append(blocks, b)
	}
	for i, b := range blocks {
		end := len(column)
		if i+1 < len(blocks) {
			end = blocks[i+1].first
		}
		for j := b.first; j < end; j++ {
			column[j].y = b.sum/b.weight + at[j]
		}
	}
}

func gap(above, below *node) float64 {
	if above.table == nil || below.table == nil {
		return wayGap
	}
	return boxGap
}

// leaves is where a key's line leaves the table whose rows go.
func (l *layout) leaves(k *key) float64 {
	return l.node[k.from].y + headHeight*float64(l.port[k]+1)/float64(l.ports[k.from]+1)
}

// arrives is where it comes to the key's line in its table's box.
func (l *layout) arrives(k *key) float64 {
	i := slices.Index(k.to.keys, k)
	return l.node[k.to].y + headHeight + lineHeight*(float64(i)+0.5)
}
