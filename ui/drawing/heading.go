package drawing

import (
	"slices"

	"tminus/phases"
	"tminus/ui/look"
)

// heading is what stands above the boxes: what is shown, what is found, and what
// the lines mean. bottom is where the boxes begin.
func heading(g *graph, database string, width float64) (out []*element, bottom float64) {
	const headingSize = 16
	out = append(out, words("text", look.Clip(phases.Clean(title(g)), int((width-2*margin)/(headingSize*cell))), "class", "heading", "x", margin, "y", 36.0))
	x, y := margin, 56.0
	for _, text := range look.Wrap(phases.Clean(summary(g, database)), int((width-2*margin)/(small*cell))) {
		out = append(out, words("text", text, "class", "dim", "x", x, "y", y))
		y += 16
	}
	y += 12
	for _, s := range samples(g) {
		needs := s.room() + small*cell*float64(look.Width(s.word+"  "+s.means)) + 24
		if x > margin && x+needs > width-margin {
			x, y = margin, y+20
		}
		out = append(out, s.draw(x, y))
		x += needs
	}
	return out, y + 32
}

// sample is one entry of the legend.
type sample struct {
	*manner // nil: words alone
	word    string
	class   string // of the word
	means   string
}

// samples are those that the drawing needs.
func samples(g *graph) []sample {
	var out []sample
	for i := range manners {
		m := &manners[i]
		if slices.ContainsFunc(g.keys, func(k *key) bool { return k.Action == m.action.String() }) {
			out = append(out, sample{m, m.action.String(), "word " + m.class, m.means})
		}
	}
	if slices.ContainsFunc(g.keys, func(k *key) bool { return !k.Indexed }) {
		out = append(out, sample{nil, noIndex, "warn", "each deleted row reads the whole table"})
	}
	return out
}

// sampleLine is the room of a line in the legend.
const sampleLine = 44.0

func (s sample) room() float64 {
	if s.manner == nil {
		return 0
	}
	return sampleLine
}

func (s sample) draw(x, y float64) *element {
	g := el("g", "class", "legend")
	if s.manner != nil {
		g.add(el("path", "class", "line "+s.manner.class, "d", path("M", x, y-4, "H", x+sampleLine-12)), head(*s.manner, x+sampleLine-8, y-4, -1))
	}
	x += s.room()
	return g.add(words("text", s.word, "class", s.class, "x", x, "y", y),
		words("text", s.means, "class", "dim", "x", x+small*cell*float64(look.Width(s.word+"  ")), "y", y))
}
