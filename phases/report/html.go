package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"slices"
	"strings"

	"tminus/phases"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

// pages writes documents. Every text that it is handed is escaped by it, but the
// drawings, which a template of the same kind has made.
var pages = template.Must(template.New("page").Funcs(template.FuncMap{
	"hash":  func(s string) bool { return hashlike.MatchString(s) },
	"mark":  levelMark,
	"after": func(i int) int { return i + 1 }, // the name stands before the cells
}).Parse(pageHTML))

var (
	numeric  = regexp.MustCompile(`^-?[0-9][0-9,.]*$`)
	hashlike = regexp.MustCompile(`^[0-9a-f]{16,}$`)
)

// levelMark says a level without a colour.
func levelMark(l phases.Level) string {
	switch l {
	case phases.LevelGood:
		return "✓"
	case phases.LevelWarn:
		return "!"
	case phases.LevelBad:
		return "✗"
	}
	return ""
}

// WriteHTML writes the report as one file that fetches nothing and runs nothing:
// to read in a browser, to print, to hand on. Errors are w's.
func (r *Report) WriteHTML(w io.Writer) error {
	sections := r.sheet().sections
	slices.SortStableFunc(sections, func(a, b section) int { return order(a) - order(b) })
	err := pages.Execute(w, map[string]any{
		"Style": template.CSS(pageCSS), "Title": r.Title, "Status": r.Status, "Level": r.level(), "Figures": r.figures(),
		"Environment": strings.ToUpper(string(r.Environment)), "Sections": views(sections), "Run": r.Run, "Database": r.Database, "Journal": r.Journal,
	})
	if err != nil {
		return fmt.Errorf("write report as HTML: %w", err)
	}
	return nil
}

func order(s section) int {
	if s.last {
		return 1
	}
	return 0
}

// level is how the run as a whole is to be marked.
func (r *Report) level() phases.Level {
	switch {
	case r.Status == "COMPLETE":
		return phases.LevelGood
	case strings.HasPrefix(r.Status, "FAILED"):
		return phases.LevelBad
	}
	return phases.LevelWarn
}

// view is a section as the template has it.
type view struct {
	ID, Title string
	Blocks    []blockView
}

type blockView struct {
	block
	Table *tableView
	Marks []marked // one below the other
}

type tableView struct {
	Caption string
	Head    []string
	Numbers []bool // which columns hold numbers alone
	Items   bool
	Told    bool
	Rows    []rowView
	Foot    []string
	Left    int // rows that are left out
}

type rowView struct {
	Name  string
	Cells []string
	Note  string
	Span  int // of a row that has a name alone
	Level phases.Level
	Mark  string
}

// mostRows is how many rows of a table a document has.
const mostRows = 2500

func views(sections []section) []view {
	var out []view
	for _, s := range sections {
		v := view{ID: s.id, Title: s.title}
		for _, b := range s.blocks {
			if n := len(v.Blocks); b.Marked != nil && n > 0 && v.Blocks[n-1].Marks != nil {
				v.Blocks[n-1].Marks = append(v.Blocks[n-1].Marks, *b.Marked)
				continue
			}
			bv := blockView{block: b}
			if b.Marked != nil {
				bv.Marks = []marked{*b.Marked}
			}
			if b.Grid != nil {
				bv.Table = tableOf(b.Grid)
			}
			v.Blocks = append(v.Blocks, bv)
		}
		out = append(out, v)
	}
	return out
}

func tableOf(g *grid) *tableView {
	out := &tableView{Caption: g.caption, Head: g.head, Foot: g.foot, Items: g.items, Told: g.told, Numbers: make([]bool, len(g.head))}
	for i := range g.head {
		out.Numbers[i] = g.numbers(i)
	}
	for _, row := range g.rows[:min(len(g.rows), mostRows)] {
		v := rowView{Name: row.name, Cells: row.cells, Note: row.note, Level: row.level, Mark: levelMark(row.level)}
		if row.cells == nil {
			v.Span = len(g.head)
		}
		out.Rows = append(out.Rows, v)
	}
	out.Left = len(g.rows) - len(out.Rows)
	return out
}

// numbers tells a column of numbers, among which a dash is one that nobody knows.
func (g *grid) numbers(column int) bool {
	some := false
	for _, row := range g.rows {
		switch {
		case row.cells == nil:
		case column == 0 || column > len(row.cells):
			return false
		case row.cells[column-1] == "-", row.cells[column-1] == "":
		case !numeric.MatchString(row.cells[column-1]):
			return false
		default:
			some = true
		}
	}
	return some
}
