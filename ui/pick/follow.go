package pick

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/draft"
	"tminus/phases/schema"
	"tminus/ui/look"
)

// page is lines that are being wrapped to a width.
type page struct {
	width int
	lines []look.Line
}

// say wraps a paragraph: its first line begins with lead, the others with blanks.
func (p *page) say(lead string, style *lipgloss.Style, text string) {
	indent := look.Width(lead)
	text = look.Sanitize(text)
	wrapped := []string{text}
	if look.Width(text) > p.width-indent {
		wrapped = look.Wrap(text, max(8, p.width-indent))
	}
	for i, t := range wrapped {
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		p.lines = append(p.lines, look.Row(style, lead+strings.TrimRight(t, " ")))
	}
}

// head begins a part.
func (p *page) head(style *lipgloss.Style, text string) {
	if len(p.lines) > 0 {
		p.lines = append(p.lines, look.Line{})
	}
	p.say("", style, text)
}

// followPart are the lines of what follows that are in sight.
func (s *Screen) followPart(w, h int) []string {
	var out []string
	for _, l := range s.text[s.scroll:min(len(s.text), s.scroll+h)] {
		out = append(out, line(l, w, nil))
	}
	return out
}

// followWord is where what follows is scrolled to, if there is more of it.
func (s *Screen) followWord(h int) string {
	if below := len(s.text) - s.scroll - h; below > 0 {
		return look.Plural(below, "line", "lines") + " below"
	}
	return ""
}

// followLines are what follows from the choice, w cells wide.
func (s *Screen) followLines(w int) []look.Line {
	p := &page{width: w}
	switch d := s.worked.draft; {
	case s.count(toClear) == 0:
		p.say("", &s.styles.Text, "Nothing is ticked yet. space ticks a table to be cleared, and here stands what goes with it.")
	case !s.settled():
		p.say("", &s.styles.Title, s.total()+".")
		p.say("", &s.styles.Dim, "The rest is being worked out.")
	case d == nil:
		s.against(p)
	default:
		p.say("", &s.styles.Title, s.total()+", in "+look.Plural(d.Phases(), "phase", "phases")+".")
		if d.Together {
			p.say("", &s.styles.Warn, "All of it in one transaction: a key on the way is asked only at a transaction's end.")
		}
		s.goes(p, d)
		s.loses(p, d)
	}
	s.proposals(p)
	return p.lines
}

// total is how much goes.
func (s *Screen) total() string {
	verb := "tables go"
	if s.amount.Tables == 1 {
		verb = "table goes"
	}
	return look.Count(int64(s.amount.Tables)) + " " + verb + ", with " + s.amount.Words() + ", " + phases.Bytes(s.amount.Bytes)
}

// against is what has to be decided before there is a draft.
func (s *Screen) against(p *page) {
	st := s.styles
	p.say("", &st.Bad, "Somebody has to decide first:")
	lines := []string{s.worked.err.Error()}
	var all draft.Impossible
	if errors.As(s.worked.err, &all) {
		lines = all
	}
	for _, l := range lines {
		p.say(st.Mark.Failed+" ", &st.Bad, l)
	}
	p.head(&st.Text, s.total()+", if nothing stood against it. p takes a protection back, space a tick.")
}

// goes is what was not ticked and goes too, what holds most rows first.
func (s *Screen) goes(p *page, d *draft.Draft) {
	tables := slices.DeleteFunc(slices.Clone(d.Clear), func(r *schema.Relation) bool { return d.Why[r.OID] == "" })
	if len(tables) == 0 {
		p.head(&s.styles.Good, "No other table goes with it.")
		return
	}
	p.head(&s.styles.Warn, fmt.Sprintf("Goes too (%s):", look.Count(int64(len(tables)))))
	slices.SortStableFunc(tables, func(a, b *schema.Relation) int {
		return cmp.Compare(s.by[b.OID].Rows, s.by[a.OID].Rows)
	})
	for _, r := range tables {
		p.say("  ", &s.styles.Text, s.holding(r)+": "+d.Why[r.OID])
	}
}

// loses is what stays and is changed all the same.
func (s *Screen) loses(p *page, d *draft.Draft) {
	st := s.styles
	if len(d.Nullify) > 0 {
		p.head(&st.Warn, fmt.Sprintf("Set to NULL before the first delete (%s):", look.Count(int64(len(d.Nullify)))))
		for _, k := range d.Nullify {
			p.say("  ", &st.Text, s.holding(d.Schema.Relation(k.From))+": "+s.refers(k)+", which would refuse")
		}
	}
	if keys := d.Losing(); len(keys) > 0 {
		p.head(&st.Warn, fmt.Sprintf("Stays, and loses a reference (%s):", look.Count(int64(len(keys)))))
		for _, k := range keys {
			p.say("  ", &st.Text, s.holding(d.Schema.Relation(k.From))+": "+s.refers(k)+", ON DELETE "+k.Action.String())
		}
	}
}

// refers is a foreign key in words.
func (s *Screen) refers(k *schema.Key) string {
	return fmt.Sprintf("its key %s refers to %s", k.Name, s.nameOf(s.opts.Schema.Relation(k.To)))
}

func (s *Screen) nameOf(r *schema.Relation) string { return s.book.TableName(r.Schema, r.Name) }

// holding is a table with how much it holds.
func (s *Screen) holding(r *schema.Relation) string {
	rows, _ := s.opts.Schema.Rows(r)
	if rows < 0 {
		return s.nameOf(r) + ", never analyzed"
	}
	return s.nameOf(r) + ", about " + phases.Rows(int64(rows))
}

// proposals are those that wait for an answer, with their reasons.
func (s *Screen) proposals(p *page) {
	for _, kind := range []struct {
		is   draft.Proposal
		head string
	}{{draft.ProposeClear, "Proposed to clear, by its shape (y):"}, {draft.ProposeProtect, "Proposed to protect, by its shape (y; Y for all):"}} {
		begun := false
		for _, r := range s.rows {
			if r.Proposal != kind.is || !s.open(r) {
				continue
			}
			if !begun {
				p.head(&s.styles.Accent, kind.head)
				begun = true
			}
			p.say("  ", &s.styles.Text, r.name+": "+r.Why)
		}
	}
}
