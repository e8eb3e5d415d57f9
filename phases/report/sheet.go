package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"tminus/phases"
)

// sheet is the form from which documents are made: sections of paragraphs,
// labels, tables and pictures, in whatever markup. It keeps what the layout says
// as it is; who writes it escapes it.
type sheet struct {
	r        *Report
	sections []section
	last     bool // what comes is of the part that stands at the end
}

// section is one part of a document.
type section struct {
	id     string // unique in the document
	title  string
	last   bool
	blocks []block
}

// block is one thing in a section: the one that is not empty.
type block struct {
	Text    string
	Marked  *marked
	Pairs   []pair
	Grid    *grid
	Command *command
	Picture *picture
	Head    string // of what follows, below the section's
	Blank   string // who signs there
}

// marked is text behind a mark, such as YES.
type marked struct{ Mark, Text string }

type pair struct{ Label, Value string }

type command struct{ Text, Command string }

// picture is drawn where a format draws. All that it shows stands in the tables
// beside it too.
type picture struct {
	ID, Title, Desc string
	Legend          string // what its marks mean; empty where nothing is to be explained
	SVG             template.HTML
}

func (r *Report) sheet() *sheet {
	s := &sheet{r: r}
	t := r.layout(s)
	for _, p := range parts() {
		s.last = p.last
		p.lay(t)
	}
	return s
}

func (s *sheet) section(what string, of ...string) {
	id := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		}
		return '-'
	}, strings.ToLower(what))
	for _, other := range s.sections {
		if other.id == id {
			id = fmt.Sprintf("%s-%d", id, len(s.sections))
		}
	}
	s.sections = append(s.sections, section{id: id, title: title(what, of), last: s.last})
}

func (s *sheet) add(b block) {
	if len(s.sections) == 0 {
		s.section("Report")
	}
	at := &s.sections[len(s.sections)-1]
	at.blocks = append(at.blocks, b)
}

func (s *sheet) pair(label, value string) {
	if value == "" {
		value = "-"
	}
	if len(s.sections) > 0 {
		blocks := s.sections[len(s.sections)-1].blocks
		if n := len(blocks); n > 0 && blocks[n-1].Pairs != nil {
			blocks[n-1].Pairs = append(blocks[n-1].Pairs, pair{label, value})
			return
		}
	}
	s.add(block{Pairs: []pair{{label, value}}})
}

func (s *sheet) line(text string) {
	if text != "" {
		s.add(block{Text: text})
	}
}

func (s *sheet) hang(lead, text string) {
	s.add(block{Marked: &marked{strings.TrimSpace(lead), text}})
}

func (s *sheet) command(text, cmd string) {
	s.add(block{Command: &command{text, cmd}})
}

// group is a table: what, how it stands, who and when.
func (s *sheet) group(t *layout, g Group) {
	s.add(block{Head: fmt.Sprintf("%s: %d of %d done", g.Title, g.Done, len(g.Items))})
	out := grid{caption: g.Title, items: true, told: true, head: []string{"item", "state", "who and when"}}
	for _, it := range g.Items {
		level := phases.LevelGood
		switch it.State {
		case ItemFailed:
			level = phases.LevelBad
		case ItemAssumed, ItemOpen, ItemWaived:
			level = phases.LevelWarn
		}
		row := out.add(it.Text, strings.ToUpper(it.State), strings.Join(t.itemLines(it), "; "))
		row.level = level
	}
	s.add(block{Grid: &out})
}

func (s *sheet) grid(g grid) {
	if g.caption == "" && len(s.sections) > 0 {
		g.caption, g.told = s.sections[len(s.sections)-1].title, true
	}
	s.add(block{Grid: &g})
}

// mostEvents is how many lines of a list a document has. What it leaves out
// stands in the text and in the JSON.
const mostEvents = 1000

func (s *sheet) events(t *layout, lead string, lines []Line) {
	out := grid{caption: strings.TrimSuffix(lead, ":"), head: []string{"time", "T-clock", "level", "what"}}
	kept, left := fewer(lines)
	for _, l := range kept {
		row := out.add(t.clock(l.At), t.tClock(l), string(l.Level), l.Text)
		if l.Level == phases.LevelWarn || l.Level == phases.LevelBad {
			row.level = l.Level
		}
	}
	s.grid(out)
	if left > 0 {
		s.line(fmt.Sprintf("%s are left out here; tminus report --format text has all.", phases.Plural(int64(left), "line")))
	}
}

// fewer gives the most that a document has of the lines, in their order: what went
// wrong, and of the rest the first and the last. left is how many are left out.
func fewer(lines []Line) (kept []Line, left int) {
	if len(lines) <= mostEvents {
		return lines, 0
	}
	var grave, rest []int
	for i, l := range lines {
		if l.Level == phases.LevelBad || l.Level == phases.LevelWarn {
			grave = append(grave, i)
		} else {
			rest = append(rest, i)
		}
	}
	keep := grave[:min(len(grave), mostEvents)]
	room := min(mostEvents-len(keep), len(rest))
	first := room * 3 / 4
	keep = slices.Concat(keep, rest[:first], rest[len(rest)-(room-first):])
	slices.Sort(keep)
	for _, i := range keep {
		kept = append(kept, lines[i])
	}
	return kept, len(lines) - len(kept)
}

func (s *sheet) blank(who string) { s.add(block{Blank: who}) }

// picture is a drawing, in the forms that have any.
func (s *sheet) picture(p picture) { s.add(block{Picture: &p}) }
