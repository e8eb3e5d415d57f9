package report

import (
	"strings"

	"tminus/phases"
)

// form takes the report part by part, in the order of its layout, and makes lines
// of text of it, or a document. The layout calls it and knows no format; what it
// is handed is free of control characters, and every form escapes it as its
// format needs.
type form interface {
	// section begins a part: "Phase 2 of 6", and of what, where there is more to
	// say.
	section(what string, of ...string)
	// pair is a label and its value.
	pair(label, value string)
	// line is a sentence of its own; an empty one is a gap.
	line(text string)
	// hang is text behind a lead, such as a mark.
	hang(lead, text string)
	// command is something to copy into a terminal, and what it does.
	command(text, command string)
	// group is a checklist.
	group(t *layout, g Group)
	// grid is a table.
	grid(g grid)
	// events are lines of what happened; what they are stands above them, unless
	// the section says it.
	events(t *layout, lead string, lines []Line)
	// blank is a line to sign on.
	blank(who string)
	// picture is a drawing, where the form has any.
	picture(p picture)
}

// grid is a table: a name and cells a row.
type grid struct {
	caption string // what it shows; text has the section's title for that
	items   bool   // it is a checklist
	told    bool   // the heading above it says what the caption does
	head    []string
	rows    []gridRow
	foot    []string // nil without a sum
}

// gridRow is one row of a grid. One without cells is a statement.
type gridRow struct {
	name  string
	cells []string
	note  string       // stands beneath it
	level phases.Level // of what the cells say; empty for nothing to see
}

func (g *grid) add(name string, cells ...string) *gridRow {
	g.rows = append(g.rows, gridRow{name: name, cells: cells})
	return &g.rows[len(g.rows)-1]
}

// title is a section's in one line.
func title(what string, of []string) string {
	return strings.Join(append([]string{what}, of...), ": ")
}
