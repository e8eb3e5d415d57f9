package drawing

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/ui/look"
)

// box draws a table: its name, rows and size, and a line for each of its keys
// that refers to what goes.
func (l *layout) box(t *table) *element {
	n := l.node[t]
	x, y, width := l.x[t.column], n.y, l.width[t.column]
	classes := "table"
	if t.deleted {
		classes += " deleted"
	}
	if t.Protected {
		classes += " protected"
	}
	g := el("g", "class", classes).titled(tooltip(t))
	g.add(el("rect", "class", "box", "x", x, "y", y, "width", width, "height", n.height, "rx", 4.0))
	right := x + width - inset
	for _, b := range badges(t) {
		g.add(words("text", b.word, "class", "badge "+b.class, "x", right, "y", y+17, "text-anchor", "end"))
		right -= badgeWidth(b.word)
	}
	clip := l.clip(t.column)
	g.add(words("text", look.Clip(phases.Clean(t.Table), widest), "class", "name", "x", x+inset, "y", y+18, "clip-path", clip))
	g.add(words("text", t.Amount(), "class", "dim", "x", x+inset, "y", y+34, "clip-path", clip))
	if len(t.keys) > 0 {
		g.add(el("path", "class", "rule", "d", path("M", x+1, y+headHeight, "H", x+width-1)))
	}
	for _, k := range t.keys {
		g.add(l.keyLine(k, x, width))
	}
	return g
}

// keyLine says a key within its table's box.
func (l *layout) keyLine(k *key, x, width float64) *element {
	y, m := l.arrives(k)+4, mannerOf(k.Action)
	g := el("g", "class", "says").titled(k.says())
	g.add(words("text", k.Action, "class", "word "+m.class, "x", x+inset, "y", y))
	g.add(words("text", look.Clip(phases.Clean(k.Constraint), widest), "x", x+inset+actionRoom, "y", y, "clip-path", l.clip(k.to.column)))
	if text := remark(k); text != "" {
		g.add(words("text", text, "class", "warn", "x", x+width-inset, "y", y, "text-anchor", "end"))
	}
	if k.itself() {
		g.add(l.loop(k, x+width))
	}
	return g
}

func remark(k *key) string {
	if k.Indexed {
		return ""
	}
	return noIndex
}

const noIndex = "no index"

func remarkRoom(k *key) float64 {
	if text := remark(k); text != "" {
		return badgeWidth(text)
	}
	return 0
}

// badge is a word about a table that nobody may miss.
type badge struct{ word, class string }

func badges(t *table) []badge {
	var out []badge
	if t.Protected {
		out = append(out, badge{"PROTECTED", "alarm"})
	}
	if t.deleted {
		out = append(out, badge{"DELETED", "dim"})
	}
	return out
}

func badgeWidth(word string) float64 { return small*cell*float64(look.Width(word)) + inset }

func badgeRoom(t *table) float64 {
	room := 0.0
	for _, b := range badges(t) {
		room += badgeWidth(b.word)
	}
	return room
}

// tooltip is all that a box says, with nothing cut.
func tooltip(t *table) string {
	parts := []string{t.Table, t.Amount()}
	for _, b := range badges(t) {
		parts = append(parts, b.word)
	}
	return strings.Join(parts, ", ")
}

// says is a key in words.
func (k *key) says() string {
	to := k.From
	if k.itself() {
		to = "itself"
	}
	text := fmt.Sprintf("%s of %s refers to %s, ON DELETE %s", k.Constraint, k.Table, to, k.Action)
	if r := remark(k); r != "" {
		text += ", " + r
	}
	return text
}

// line draws a key from the table whose rows go to where its box says it.
func (l *layout) line(w way) *element {
	m, last := mannerOf(w.Action), w.nodes[len(w.nodes)-1]
	x := func(n *node) float64 { return l.x[n.column] }
	right := func(n *node) float64 { return x(n) + l.width[n.column] }
	start, end, tip := l.leaves(w.key), l.arrives(w.key), x(last)
	if w.back {
		start, end, tip = end, start, right(w.nodes[0])
	}
	at := right(w.nodes[0])
	d := []any{"M", at, start}
	y := start
	for _, n := range w.nodes[1 : len(w.nodes)-1] {
		way := n.y + n.height/2
		d = append(d, curve(at, y, x(n), way)...)
		d = append(d, "H", right(n))
		at, y = right(n), way
	}
	d = append(d, curve(at, y, x(last), end)...)
	g := el("g", "class", "key").titled(w.says())
	g.add(el("path", "class", "line "+m.class, "d", path(d...)))
	if w.back {
		return g.add(head(m, tip, start, 1))
	}
	return g.add(head(m, tip, end, -1))
}

// loop marks a key that refers to its own table.
func (l *layout) loop(k *key, x float64) *element {
	y, m := l.arrives(k), mannerOf(k.Action)
	d := path("M", x, y-5, "C", x+16, y-9, x+20, y+4, x+6, y+4)
	return el("g", "class", "key itself").titled(k.says()).add(
		el("path", "class", "line "+m.class, "d", d), head(m, x, y+4, 1))
}

// head is a line's end at a box: an arrow, or a bar where the key may refuse. It
// stands to the left of x, or with side 1 to the right.
func head(m manner, x, y, side float64) *element {
	if m.refuses {
		return el("path", "class", "bar "+m.class, "d", path("M", x+4*side, y-6, "V", y+6))
	}
	return el("path", "class", "head "+m.class, "d", path("M", x+8*side, y-4, "L", x, y, "L", x+8*side, y+4, "Z"))
}

// curve goes from one point to another, level at both.
func curve(x, y, toX, toY float64) []any {
	middle := (x + toX) / 2
	return []any{"C", middle, y, middle, toY, toX, toY}
}

// path is a path's data: letters and coordinates.
func path(parts ...any) string {
	var out []string
	for _, p := range parts {
		out = append(out, value(p))
	}
	return strings.Join(out, " ")
}

// clip names what keeps a column's texts within its boxes, whatever the fonts of
// the reader's machine make of them.
func (l *layout) clip(column int) string { return fmt.Sprintf("url(#column%d)", column) }

func (l *layout) clips() []*element {
	var out []*element
	for i := range l.x {
		clip := el("clipPath", "id", fmt.Sprintf("column%d", i))
		out = append(out, clip.add(el("rect", "x", l.x[i], "y", 0.0, "width", l.width[i]-2, "height", l.bottom)))
	}
	return slices.Clip(out)
}
