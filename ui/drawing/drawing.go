package drawing

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"tminus/phases"
	"tminus/phases/lint"
)

// Reach writes what deletes reach in a database, as an SVG. tree is
// lint.View.Tree's. The error is w's.
func Reach(w io.Writer, tree []lint.Branch, database string) error {
	g := graphOf(tree)
	l := place(g)
	width := max(l.right, 760)
	head, bottom := heading(g, database, width)
	l.begin(bottom)
	page := el("svg", "xmlns", "http://www.w3.org/2000/svg", "class", scope, "width", width, "height", l.bottom,
		"viewBox", "0 0 "+number(width)+" "+number(l.bottom), "role", "img")
	page.add(words("title", title(g)), words("desc", summary(g, database)))
	style := el("style")
	style.Text = styleSheet()
	page.add(style, el("rect", "class", "page", "width", width, "height", l.bottom))
	page.add(head...)
	page.add(l.clips()...)
	for _, way := range l.ways {
		page.add(l.line(way))
	}
	for _, t := range g.tables {
		page.add(l.box(t))
	}
	out := xml.NewEncoder(w)
	out.Indent("", " ")
	if err := out.Encode(page); err != nil {
		return fmt.Errorf("write the drawing: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func title(g *graph) string { return "What deleting " + strings.Join(g.deleted(), ", ") + " reaches" }

// summary counts what is reached.
func summary(g *graph, database string) string {
	if len(g.keys) == 0 {
		return fmt.Sprintf("No foreign key leads to another table in database %s. Rows are estimates.", database)
	}
	reached, bare, hard := 0, int64(0), int64(0)
	for _, t := range g.tables {
		if !t.deleted {
			reached++
		}
	}
	for _, k := range g.keys {
		if !k.Indexed {
			bare++
		}
		if mannerOf(k.Action).refuses {
			hard++
		}
	}
	text := fmt.Sprintf("%s through %s in database %s", phases.Plural(int64(reached), "other table"), phases.Plural(int64(len(g.keys)), "foreign key"), database)
	if hard > 0 {
		text += fmt.Sprintf("; %s may refuse", phases.Plural(hard, "key"))
	}
	if bare > 0 {
		text += fmt.Sprintf("; %s without an index", phases.Plural(bare, "key"))
	}
	return text + ". A line leads from a table whose rows go to the key that refers to it. Rows are estimates."
}
