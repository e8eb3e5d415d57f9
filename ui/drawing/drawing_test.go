package drawing

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases/lint"
	"tminus/ui/look"
)

// drawn is a reach as an SVG.
func drawn(t *testing.T, tree []lint.Branch) string {
	t.Helper()
	var b bytes.Buffer
	if err := Reach(&b, tree, "gym"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// few has each kind of key, a cycle, a table that refers to itself, and one that
// is protected.
var few = []lint.Branch{
	{Table: "users", Rows: 20000, Bytes: 4 << 20},
	{Depth: 1, Table: "orders", From: "users", Constraint: "orders_user_fkey", Action: "CASCADE", Indexed: true, Rows: 150000, Bytes: 31 << 20},
	{Depth: 2, Table: "lines", From: "orders", Constraint: "lines_order_fkey", Action: "CASCADE", Rows: 610000, Bytes: 88 << 20},
	{Depth: 3, Table: "orders", From: "lines", Constraint: "orders_first_line_fkey", Action: "SET DEFAULT", Rows: 150000, Bytes: 31 << 20},
	{Depth: 3, Table: "users", From: "lines", Constraint: "users_last_line_fkey", Action: "NO ACTION", Indexed: true, Rows: 20000, Bytes: 4 << 20},
	{Depth: 2, Table: "invoices", From: "orders", Constraint: "invoices_order_fkey", Action: "RESTRICT", Indexed: true, Rows: 90000, Bytes: 12 << 20, Protected: true},
	{Depth: 1, Table: "tree", From: "users", Constraint: "tree_owner_fkey", Action: "CASCADE", Indexed: true, Rows: -1, Bytes: 8192},
	{Depth: 2, Table: "tree", From: "tree", Constraint: "tree_up_fkey", Action: "CASCADE", Rows: -1, Bytes: 8192, Again: true},
	{Depth: 1, Table: "lines", From: "users", Constraint: "lines_checker_fkey", Action: "SET NULL", Indexed: true, Rows: 610000, Bytes: 88 << 20},
	{Depth: 1, Table: "notes", From: "users", Constraint: "notes_by_fkey", Action: "SET NULL", Rows: 12, Bytes: 8192},
}

func TestReachGolden(t *testing.T) { golden.RequireEqual(t, drawn(t, few)) }

// generated is a reach of so many tables, each referring to some of those
// before it, and a few to those after it or to themselves.
func generated(n int) []lint.Branch {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	strange := []string{`<b>&"x"`, `παραγγελίες`, `顧客の注文明細表`, `it's "so"`, "заказы", "]]>", "a_name_that_is_as_long_as_a_name_in_postgresql_may_be_63_bytes_", "👩‍👩‍👧 family", "tab\there", "שלום"}
	kinds := []string{"CASCADE", "CASCADE", "CASCADE", "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"}
	branch := func(i int) lint.Branch {
		name := fmt.Sprintf("table_%d", i)
		switch {
		case i%3 == 1:
			name = fmt.Sprintf("%s %d", strange[i/3%len(strange)], i)
		case i%3 == 2:
			name = fmt.Sprintf("customer_subscription_item_%d", i)
		}
		return lint.Branch{Table: name, Rows: float64((i * 7919) % 1000000), Bytes: int64(i) << 18, Protected: i%17 == 16}
	}
	var out []lint.Branch
	for i := range n {
		b := branch(i)
		if i < 2 && n > 1 || i == 0 {
			out = append(out, b)
			continue
		}
		parents := []int{r.IntN(max(1, i/3))}
		for r.IntN(3) == 0 {
			parents = append(parents, r.IntN(i))
		}
		if i%13 == 0 {
			parents = append(parents, i)
		}
		if i%19 == 0 {
			parents = append(parents, min(n-1, i+5))
		}
		for j, p := range parents {
			b.Depth, b.From, b.Action, b.Indexed = 1, branch(p).Table, kinds[r.IntN(len(kinds))], r.IntN(4) > 0
			b.Constraint = fmt.Sprintf("%s_%d_fkey", b.Table, j)
			out = append(out, b)
		}
	}
	return out
}

// shape is what a test reads back.
type shape struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []shape    `xml:",any"`
}

func (s shape) attr(name string) string {
	for _, a := range s.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (s shape) is(class string) bool { return slices.Contains(strings.Fields(s.attr("class")), class) }

func (s shape) all(class string) (out []shape) {
	if s.is(class) {
		out = append(out, s)
	}
	for _, c := range s.Children {
		out = append(out, c.all(class)...)
	}
	return out
}

func (s shape) title() string {
	for _, c := range s.Children {
		if c.XMLName.Local == "title" {
			return c.Text
		}
	}
	return ""
}

// area is a rectangle.
type area struct{ x, y, right, bottom float64 }

func (s shape) area(t *testing.T) area {
	t.Helper()
	n := func(name string) float64 {
		if s.attr(name) == "" { // as SVG has it
			return 0
		}
		v, err := strconv.ParseFloat(s.attr(name), 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	return area{n("x"), n("y"), n("x") + n("width"), n("y") + n("height")}
}

// However many tables there are, each is there once and so is each key, no box
// touches another, no line runs behind a box, and no text leaves its box.
func TestEachTableAndKeyIsThereOnce(t *testing.T) {
	for _, n := range []int{1, 2, 50, 300} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			tree := generated(n)
			text := drawn(t, tree)
			if text != drawn(t, tree) {
				t.Error("the same reach gives another drawing")
			}
			var page shape
			if err := xml.Unmarshal([]byte(text), &page); err != nil {
				t.Fatal(err)
			}
			page.hasAll(t, tree)
			page.apart(t)
			page.within(t)
			page.beside(t)
		})
	}
}

// hasAll holds a page's boxes and lines against the reach.
func (s shape) hasAll(t *testing.T, tree []lint.Branch) {
	t.Helper()
	var tables, keys []string
	for _, b := range tree {
		tables = append(tables, b.Table)
		if b.Depth > 0 {
			keys = append(keys, (&key{Branch: b, from: &table{}}).says())
		}
	}
	slices.Sort(tables)
	tables = slices.Compact(tables)
	if boxes := s.all("table"); len(boxes) != len(tables) {
		t.Errorf("%d boxes for %d tables", len(boxes), len(tables))
	}
	said := map[string]int{}
	for _, b := range s.all("table") {
		name, _, _ := strings.Cut(b.title(), ", ")
		said[name]++
	}
	for _, name := range tables {
		if said[strings.ReplaceAll(strings.ReplaceAll(name, "\t", " "), "\u200d", "")] != 1 {
			t.Errorf("%q is there %d times", name, said[name])
		}
	}
	lines, words := s.all("key"), s.all("says")
	if len(lines) != len(keys) || len(words) != len(keys) {
		t.Errorf("%d lines and %d words for %d keys", len(lines), len(words), len(keys))
	}
	seen := map[string]bool{}
	for _, l := range lines {
		if seen[l.title()] || !slices.ContainsFunc(words, func(w shape) bool { return w.title() == l.title() }) {
			t.Errorf("the line of %q is there twice, or its words are not", l.title())
		}
		seen[l.title()] = true
	}
}

// apart finds boxes that touch, or are not on the page.
func (s shape) apart(t *testing.T) {
	t.Helper()
	page := s.all("page")[0].area(t)
	boxes := s.all("box")
	slices.SortFunc(boxes, func(a, b shape) int { return cmp.Compare(a.area(t).y, b.area(t).y) })
	for i, b := range boxes {
		a := b.area(t)
		if a.x < page.x || a.y < page.y || a.right > page.right || a.bottom > page.bottom {
			t.Errorf("a box at %v is not on the page %v", a, page)
		}
		for _, other := range boxes[:i] {
			if o := other.area(t); a.touches(o) {
				t.Errorf("boxes at %v and %v touch", a, o)
			}
		}
	}
}

// within finds texts that leave their table's box, or touch another in it.
func (s shape) within(t *testing.T) {
	t.Helper()
	for _, table := range s.all("table") {
		box := table.all("box")[0].area(t)
		var texts []area
		for _, text := range table.texts() {
			size := small
			if text.is("name") {
				size = large
			}
			at := text.area(t) // of its left end, on its base line
			width := size * 0.6 * float64(look.Width(text.Text))
			a := area{at.x, at.y - size*0.8, at.x + width, at.y + size*0.2}
			if text.attr("text-anchor") == "end" {
				a.x, a.right = at.x-width, at.x
			}
			if !a.inside(box) {
				t.Errorf("%q at %v leaves its box %v", text.Text, a, box)
			}
			for _, o := range texts {
				if a.touches(o) {
					t.Errorf("%q at %v touches another text", text.Text, a)
				}
			}
			texts = append(texts, a)
		}
	}
}

func (s shape) texts() (out []shape) {
	if s.XMLName.Local == "text" {
		out = append(out, s)
	}
	for _, c := range s.Children {
		out = append(out, c.texts()...)
	}
	return out
}

func (a area) touches(o area) bool {
	return a.x < o.right && o.x < a.right && a.y < o.bottom && o.y < a.bottom
}

func (a area) inside(o area) bool {
	return a.x >= o.x && a.right <= o.right && a.y >= o.y && a.bottom <= o.bottom
}

// beside finds lines that run behind a box. A curve is as high as its two ends,
// and no wider.
func (s shape) beside(t *testing.T) {
	t.Helper()
	var boxes []area
	for _, b := range s.all("box") {
		boxes = append(boxes, b.area(t))
	}
	for _, k := range s.all("key") {
		if k.is("itself") {
			continue
		}
		for _, piece := range pieces(t, k.all("line")[0].attr("d")) {
			for _, b := range boxes {
				if piece.touches(b) {
					t.Errorf("the line of %q runs behind the box at %v: %v", k.title(), b, piece)
				}
			}
		}
	}
}

// pieces are the rectangles that a path's pieces lie in.
func pieces(t *testing.T, path string) (out []area) {
	t.Helper()
	parts := strings.Fields(path)
	n := func(i int) float64 {
		v, err := strconv.ParseFloat(parts[i], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var x, y float64
	for i := 0; i < len(parts); {
		toX, toY := x, y
		switch parts[i] {
		case "M":
			x, y, i = n(i+1), n(i+2), i+3
			continue
		case "H":
			toX, i = n(i+1), i+2
		case "C":
			toX, toY, i = n(i+5), n(i+6), i+7
		default:
			t.Fatalf("%s in a path", parts[i])
		}
		out = append(out, area{min(x, toX), min(y, toY) - 0.5, max(x, toX), max(y, toY) + 0.5})
		x, y = toX, toY
	}
	return out
}
