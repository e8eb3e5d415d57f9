package pane

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// has reports whether a text has another in it that is in lower case, whatever its own
// case.
func has(text, lower string) bool { return strings.Contains(strings.ToLower(text), lower) }

// lineText is what a line says.
func lineText(l look.Line) string {
	var b strings.Builder
	for _, spans := range [][]look.Span{l.Spans, l.Right} {
		for _, s := range spans {
			b.WriteString(s.Text)
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// sifted leaves of a pane's body the entries that have in them what the reader
// looks for. What must not be overlooked, the head and what is firm, stays.
func (p Pane) sifted(c content) content {
	if p.Filter == "" || c.windowed {
		return c
	}
	lower := strings.ToLower(p.Filter)
	body := c.body
	c.body, c.keep = slices.Clone(body[:c.firm]), 0
	for from := c.firm; from < len(body); {
		to := from + 1
		text := lineText(body[from])
		for to < len(body) && body[to].Joined {
			text += lineText(body[to])
			to++
		}
		if strings.TrimSpace(text) != "" {
			c.of++
			if has(text, lower) {
				c.found++
				c.body = append(c.body, body[from:to]...)
			}
		}
		from = to
	}
	if c.found == 0 {
		c.body = append(c.body, p.nothingFound()...)
	}
	return c
}

// nothingFound stands where no entry is left.
func (p Pane) nothingFound() []look.Line {
	if p.Styles == nil {
		return nil
	}
	return p.paragraph("", &p.Styles.Dim, fmt.Sprintf("Nothing here has %q in it: esc takes the filter back.", p.Filter))
}

// joined makes one entry of lines: a filter keeps all of them, or none.
func joined(lines []look.Line) []look.Line {
	for i := 1; i < len(lines); i++ {
		lines[i].Joined = true
	}
	return lines
}

// Found is how many of a pane's entries have in them what is looked for, and of
// how many.
func (k Kind) Found(p Pane) (found, of int) {
	c := k.laid(p)
	return c.found, c.of
}

// FilteredRows are the rows of the checklist that have a text in them; all of them
// where that is empty.
func FilteredRows(s *phases.State, filter string) []Row {
	if s == nil || s.Runbook == nil {
		return nil
	}
	var out []Row
	for _, sec := range siftedSections(s, filter) {
		for i := range sec.group.Items {
			out = append(out, Row{ID: sec.group.Items[i].ID, Group: sec.group.ID, Kind: sec.kind})
		}
	}
	return out
}

// siftedSections are the sections with the items that have a text in them. A group's
// head still counts all of it.
func siftedSections(s *phases.State, filter string) []section {
	secs := sections(s)
	if filter == "" {
		return secs
	}
	lower := strings.ToLower(filter)
	var out []section
	for _, sec := range secs {
		var items []runbook.Item
		for _, it := range sec.group.Items {
			if itemHas(s, &it, lower) || has(sec.group.Title, lower) {
				items = append(items, it)
			}
		}
		if items != nil {
			whole := sec.group
			sec.whole, sec.group.Items = &whole, items
			out = append(out, sec)
		}
	}
	return out
}

// itemHas reports whether an item, what it records, or what its check found has a
// text in it.
func itemHas(s *phases.State, it *runbook.Item, lower string) bool {
	if has(it.Text, lower) {
		return true
	}
	for _, f := range it.Fields {
		if has(f.Label, lower) || has(s.Fields[f.ID].Value, lower) {
			return true
		}
	}
	c := s.Item(it.ID).Check
	return c != nil && (has(c.Value, lower) || has(c.Error, lower))
}
