package picture

import (
	"cmp"
	"fmt"
	"image/color"
	"slices"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
)

// A cell's size in the picture, and where a letter stands in it.
const (
	cellWide = 8
	cellHigh = 17
	baseline = 13
	margin   = 12
)

// The colours of what has none of its own.
const (
	paper = "#14171c"
	ink   = "#d6dbe3"
)

// mark is one thing in the picture, as its markup; two that look the same are
// equal. A ground lies behind all that is no ground.
type mark struct {
	ground bool
	svg    string
}

// looks is a cell's colours and weight.
type looks struct {
	ink, ground             string // ground is empty where the paper shows
	bold, italic, underline bool
}

func looksOf(c *uv.Cell) looks {
	l := looks{ink: hex(c.Style.Fg), ground: hex(c.Style.Bg)}
	if c.Style.Attrs&uv.AttrReverse != 0 {
		l.ink, l.ground = cmp.Or(l.ground, paper), cmp.Or(l.ink, ink)
	}
	l.ink = cmp.Or(l.ink, ink)
	l.bold = c.Style.Attrs&uv.AttrBold != 0
	l.italic = c.Style.Attrs&uv.AttrItalic != 0
	l.underline = c.Style.Underline != uv.UnderlineNone
	return l
}

func hex(c color.Color) string {
	if c == nil {
		return ""
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

// painter takes one frame apart.
type painter struct {
	classes *classes
	marks   []mark
	lines   map[string]*strings.Builder // the lines' shapes, by colour, of the row at hand
}

// paint gives the marks of a frame. Its lines are as wide as the page, or less.
func paint(frame string, p Page, c *classes) []mark {
	buf := uv.NewScreenBuffer(p.Columns, p.Rows)
	uv.NewStyledString(frame).Draw(buf, buf.Bounds())
	pt := &painter{classes: c}
	for y := range p.Rows {
		row := make([]*uv.Cell, p.Columns)
		for x := range row {
			row[x] = buf.CellAt(x, y)
		}
		pt.grounds(row, y)
		pt.letters(row, y)
	}
	return pt.marks
}

// grounds are the coloured backgrounds of a row.
func (pt *painter) grounds(row []*uv.Cell, y int) {
	for x := 0; x < len(row); {
		ground := looksOf(row[x]).ground
		end := x + 1
		for end < len(row) && looksOf(row[end]).ground == ground {
			end++
		}
		if ground != "" {
			pt.marks = append(pt.marks, mark{true, fmt.Sprintf(`<path%s d="%s"/>`, pt.classes.of("fill:"+ground), rect(left(x), top(y), (end-x)*cellWide, cellHigh))})
		}
		x = end
	}
}

// letters are a row's texts, and its shapes.
func (pt *painter) letters(row []*uv.Cell, y int) {
	pt.lines = map[string]*strings.Builder{}
	fills := map[string]*strings.Builder{}
	for x := 0; x < len(row); {
		l, text := looksOf(row[x]), row[x].Content
		switch {
		case text == " " || text == "":
			x++
		case strokes(text) != "":
			add(pt.lines, l.ink, fmt.Sprintf(strokes(text), left(x), top(y)))
			x++
		case block(text, 0, 0) != "":
			key := l.ink
			if shade := opacity(text); shade != "" {
				key += ";fill-opacity:" + shade
			}
			wide := 1
			if text == "█" || opacity(text) != "" { // one rectangle, without a seam
				for x+wide < len(row) && row[x+wide].Content == text && looksOf(row[x+wide]) == l {
					wide++
				}
				add(fills, key, bar(left(x), top(y), wide*cellWide))
			} else {
				add(fills, key, block(text, left(x), top(y)))
			}
			x += wide
		default:
			x = pt.text(row, x, y)
		}
	}
	for _, key := range sorted(pt.lines) {
		pt.marks = append(pt.marks, mark{false, fmt.Sprintf(`<path%s d="%s"/>`, pt.classes.of("fill:none;stroke:"+key), pt.lines[key])})
	}
	for _, key := range sorted(fills) {
		pt.marks = append(pt.marks, mark{false, fmt.Sprintf(`<path%s d="%s"/>`, pt.classes.of("fill:"+key), fills[key])})
	}
}

// text is one run of letters of the same looks, from x on; it gives where it ends.
// Two blanks end it: what follows is another column.
func (pt *painter) text(row []*uv.Cell, x, y int) int {
	l := looksOf(row[x])
	var text strings.Builder
	end, blank := x, false
	for i := x; i < len(row); i++ {
		c := row[i]
		if c.Content == " " || c.Content == "" && c.Width > 0 {
			if blank {
				break
			}
			blank = true
			continue
		}
		if other := looksOf(c); other != l || strokes(c.Content) != "" || block(c.Content, 0, 0) != "" {
			break
		}
		if blank {
			text.WriteByte(' ')
			blank = false
		}
		text.WriteString(c.Content)
		end = i + 1
	}
	attrs := fmt.Sprintf(`%s x="%d" y="%d"`, pt.classes.of(l.css()), left(x), top(y)+baseline)
	if end-x > 1 {
		attrs += fmt.Sprintf(` textLength="%d"`, (end-x)*cellWide)
	}
	pt.marks = append(pt.marks, mark{false, "<text" + attrs + ">" + escape(text.String()) + "</text>"})
	return end
}

func (l looks) css() string {
	var out []string
	if l.ink != ink {
		out = append(out, "fill:"+l.ink)
	}
	if l.bold {
		out = append(out, "font-weight:bold")
	}
	if l.italic {
		out = append(out, "font-style:italic")
	}
	if l.underline {
		out = append(out, "text-decoration:underline")
	}
	return strings.Join(out, ";")
}

func left(x int) int { return margin + x*cellWide }
func top(y int) int  { return margin + y*cellHigh }

func rect(x, y, w, h int) string { return fmt.Sprintf("M%d %dh%dv%dh%dz", x, y, w, h, -w) }

func add(to map[string]*strings.Builder, key, shape string) {
	if to[key] == nil {
		to[key] = &strings.Builder{}
	}
	to[key].WriteString(shape)
}

func sorted(m map[string]*strings.Builder) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
