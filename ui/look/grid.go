package look

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Column is one column of a grid.
type Column struct {
	Head  string
	Right bool // figures: aligned at their right end
	Flex  int  // above 0: gives way, down to so many cells, before a column is dropped
	Rank  int  // the column with the highest rank is dropped first; 0 stays
}

// Field is one place in a grid's row: pieces of text that have lost their
// control characters.
type Field []Span

// One makes a field of one piece of text.
func One(style *lipgloss.Style, text string) Field {
	return Field{{Text: Sanitize(text), Style: style}}
}

// GridRow is one row of a grid, or, with whole set, a line across it.
type GridRow struct {
	Fields []Field
	Whole  *Line
}

const gridGap = 2

// Grid lays rows out in columns that fit in room cells: flexible columns give
// way first, then columns are dropped by rank. With head, the first line names
// the columns.
func Grid(cols []Column, rows []GridRow, room int, head *lipgloss.Style) []Line {
	widths := naturalWidths(cols, rows, head != nil)
	fitColumns(cols, widths, room)
	out := make([]Line, 0, len(rows)+1)
	if head != nil {
		fields := make([]Field, len(cols))
		for i, c := range cols {
			fields[i] = One(head, c.Head)
		}
		out = append(out, gridLine(cols, widths, fields))
	}
	for _, r := range rows {
		if r.Whole != nil {
			out = append(out, *r.Whole)
			continue
		}
		out = append(out, gridLine(cols, widths, r.Fields))
	}
	return out
}

func naturalWidths(cols []Column, rows []GridRow, head bool) []int {
	widths := make([]int, len(cols))
	for i, c := range cols {
		for _, r := range rows {
			if i < len(r.Fields) {
				widths[i] = max(widths[i], SpansWidth(r.Fields[i]))
			}
		}
		// A column in which nothing stands is left out, its head too.
		if head && widths[i] > 0 {
			widths[i] = max(widths[i], Width(c.Head))
		}
	}
	return widths
}

// fitColumns narrows widths to room; a dropped column's becomes 0.
func fitColumns(cols []Column, widths []int, room int) {
	for {
		total, drop := -gridGap, -1
		for i, w := range widths {
			if w == 0 {
				continue
			}
			total += w + gridGap
			if cols[i].Rank > 0 && (drop < 0 || cols[i].Rank > cols[drop].Rank) {
				drop = i
			}
		}
		over := total - room
		for i, c := range cols {
			if c.Flex > 0 && widths[i] > c.Flex && over > 0 {
				give := min(over, widths[i]-c.Flex)
				// A column is worth more than the end of a long name, but
				// nothing is cut as long as dropping nothing helps.
				if over <= flexRoom(cols, widths) || drop < 0 {
					widths[i] -= give
					over -= give
				}
			}
		}
		if over <= 0 || drop < 0 {
			return
		}
		widths[drop] = 0
	}
}

// flexRoom is how many cells flexible columns can still give.
func flexRoom(cols []Column, widths []int) int {
	n := 0
	for i, c := range cols {
		if c.Flex > 0 {
			n += max(0, widths[i]-c.Flex)
		}
	}
	return n
}

func gridLine(cols []Column, widths []int, fields []Field) Line {
	l := Line{Table: true}
	first := true
	for i, w := range widths {
		if w == 0 {
			continue
		}
		if !first {
			l = l.Add(nil, strings.Repeat(" ", gridGap))
		}
		first = false
		var f Field
		if i < len(fields) {
			f = fields[i]
		}
		spans, n := Cut(f, w)
		gap := strings.Repeat(" ", max(0, w-n))
		if cols[i].Right {
			l = l.Add(nil, gap)
			l.Spans = append(l.Spans, spans...)
		} else {
			l.Spans = append(l.Spans, spans...)
			l = l.Add(nil, gap)
		}
	}
	return l
}
