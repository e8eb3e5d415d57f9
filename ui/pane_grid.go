package ui

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// column is one column of a grid.
type column struct {
	head  string
	right bool // figures: aligned at their right end
	flex  int  // above 0: gives way, down to so many cells, before a column is dropped
	rank  int  // the column with the highest rank is dropped first; 0 stays
}

// field is one place in a grid's row: pieces of text that have lost their
// control characters.
type field []span

// one makes a field of one piece of text.
func one(style *lipgloss.Style, text string) field {
	return field{{text: sanitize(text), style: style}}
}

// gridRow is one row of a grid, or, with whole set, a line across it.
type gridRow struct {
	fields []field
	whole  *line
}

const gridGap = 2

// grid lays rows out in columns that fit in room cells: flexible columns give
// way first, then columns are dropped by rank. With head, the first line names
// the columns.
func grid(cols []column, rows []gridRow, room int, head *lipgloss.Style) []line {
	widths := naturalWidths(cols, rows, head != nil)
	fitColumns(cols, widths, room)
	out := make([]line, 0, len(rows)+1)
	if head != nil {
		fields := make([]field, len(cols))
		for i, c := range cols {
			fields[i] = one(head, c.head)
		}
		out = append(out, gridLine(cols, widths, fields))
	}
	for _, r := range rows {
		if r.whole != nil {
			out = append(out, *r.whole)
			continue
		}
		out = append(out, gridLine(cols, widths, r.fields))
	}
	return out
}

func naturalWidths(cols []column, rows []gridRow, head bool) []int {
	widths := make([]int, len(cols))
	for i, c := range cols {
		for _, r := range rows {
			if i < len(r.fields) {
				widths[i] = max(widths[i], spansWidth(r.fields[i]))
			}
		}
		// A column in which nothing stands is left out, its head too.
		if head && widths[i] > 0 {
			widths[i] = max(widths[i], width(c.head))
		}
	}
	return widths
}

// fitColumns narrows widths to room; a dropped column's becomes 0.
func fitColumns(cols []column, widths []int, room int) {
	for {
		total, drop := -gridGap, -1
		for i, w := range widths {
			if w == 0 {
				continue
			}
			total += w + gridGap
			if cols[i].rank > 0 && (drop < 0 || cols[i].rank > cols[drop].rank) {
				drop = i
			}
		}
		over := total - room
		for i, c := range cols {
			if c.flex > 0 && widths[i] > c.flex && over > 0 {
				give := min(over, widths[i]-c.flex)
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
func flexRoom(cols []column, widths []int) int {
	n := 0
	for i, c := range cols {
		if c.flex > 0 {
			n += max(0, widths[i]-c.flex)
		}
	}
	return n
}

func gridLine(cols []column, widths []int, fields []field) line {
	var l line
	first := true
	for i, w := range widths {
		if w == 0 {
			continue
		}
		if !first {
			l = l.add(nil, strings.Repeat(" ", gridGap))
		}
		first = false
		var f field
		if i < len(fields) {
			f = fields[i]
		}
		spans, n := cut(f, w)
		gap := strings.Repeat(" ", max(0, w-n))
		if cols[i].right {
			l = l.add(nil, gap)
			l.spans = append(l.spans, spans...)
		} else {
			l.spans = append(l.spans, spans...)
			l = l.add(nil, gap)
		}
	}
	return l
}
