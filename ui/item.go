package ui

import (
	"net/url"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/runbook"
)

// remedyShown reports whether a line with the remedy stands beneath an item.
func (p Pane) remedyShown(it *runbook.Item) bool {
	if it.Check == nil {
		return false
	}
	c := p.State.Item(it.ID).Check
	return c != nil && !c.Pass
}

// itemLines draws one item: a line, the remedy of a failed check, and all that
// there is to know about the selected one.
func (p Pane) itemLines(it *runbook.Item, sec section) []line {
	st := p.Styles
	selected := it.ID == p.Cursor
	mark, style := p.itemMark(it, sec.later)
	lead := "  "
	if selected {
		lead = st.Mark.Cursor + " "
	}
	text := &st.Text
	if sec.later {
		text = &st.Dim
	}
	endStyle, end := p.itemEnd(it)
	first := row(&st.Accent, lead).add(style, mark+" ")
	first.selected = selected
	if !selected {
		first = first.add(text, it.Text).end(endStyle, end)
		out := []line{first}
		if p.remedyShown(it) {
			out = append(out, row(&st.Warn, "      "+it.Check.Remedy))
		}
		return out
	}
	return append(p.selectedText(first, it, endStyle, end), p.itemDetail(it)...)
}

// selectedText is the selected item's text in full: on one line with what
// stands at its end where both fit, else wrapped, with the end beneath.
func (p Pane) selectedText(first line, it *runbook.Item, endStyle *lipgloss.Style, end string) []line {
	lead := spansWidth(first.spans)
	room := p.Width - lead
	text := sanitize(it.Text)
	if room < 8 || width(text)+2+width(end) <= room {
		return []line{first.add(&p.Styles.Text, text).end(endStyle, end)}
	}
	var out []line
	for i, t := range wrap(text, room) {
		l := first
		if i > 0 {
			l = row(nil, strings.Repeat(" ", lead))
			l.selected = true
		}
		out = append(out, l.add(&p.Styles.Text, t))
	}
	if end != "" {
		l := row(nil, strings.Repeat(" ", lead)).add(endStyle, end)
		l.selected = true
		out = append(out, l)
	}
	return out
}

// itemMark is an item's box. Each state has a sign of its own.
func (p Pane) itemMark(it *runbook.Item, later bool) (string, *lipgloss.Style) {
	st := p.Styles
	s := p.State.Item(it.ID)
	switch {
	case s.Action != nil && s.Action.Running:
		return "[*]", &st.Accent
	case s.Action != nil && s.Action.Error != "":
		return "[!]", &st.Bad
	case later:
		return "[ ]", &st.Dim
	case it.Check != nil && s.Check == nil:
		return "[?]", &st.Dim
	case it.Check != nil && (!s.Check.Pass || s.Check.Error != ""):
		return "[!]", &st.Bad
	case it.Check != nil && p.stale(it):
		return "[?]", &st.Warn
	case p.State.ItemDone(*it) && s.Assumed:
		return "[~]", &st.Warn
	case p.State.ItemDone(*it):
		return "[x]", &st.Good
	}
	return "[ ]", &st.Text
}

// stale reports whether a check's answer is too old to be evidence.
func (p Pane) stale(it *runbook.Item) bool {
	c := p.State.Item(it.ID).Check
	return c != nil && p.asked(it) && p.Now.Sub(c.At) > phases.StaleAfter(it.Check)
}

// asked reports whether the item's check is still asked: a checklist's only
// until the first phase, unless it holds through the phases.
func (p Pane) asked(it *runbook.Item) bool {
	s := p.State
	if s.Outcome != "" {
		return false
	}
	if s.T0.IsZero() || s.Current() < 0 || it.Check.Through {
		return true
	}
	for i := range s.Phases[s.Current()].Plan.Confirm {
		if s.Phases[s.Current()].Plan.Confirm[i].ID == it.ID {
			return !s.Phases[s.Current()].Status.Open()
		}
	}
	return false
}

// itemEnd is what stands at the end of an item's line: who ticked it and when,
// or what its check found and how long ago.
func (p Pane) itemEnd(it *runbook.Item) (*lipgloss.Style, string) {
	st := p.Styles
	s := p.State.Item(it.ID)
	if a := s.Action; a != nil && a.Running {
		return &st.Accent, "under way, " + duration(p.Now.Sub(a.At))
	}
	if a := s.Action; a != nil && a.Error != "" {
		return &st.Bad, "action failed"
	}
	if it.Check != nil {
		return p.checkEnd(it, s.Check)
	}
	switch {
	case s.Ticked && s.Assumed:
		return &st.Warn, "assumed, nobody looked"
	case s.Ticked:
		return &st.Dim, s.By + " " + p.at(s.At)
	}
	if missing := p.fieldsMissing(it); missing > 0 {
		return &st.Dim, plural(missing, "field", "fields") + " to fill in"
	}
	return nil, ""
}

func (p Pane) checkEnd(it *runbook.Item, c *phases.CheckState) (*lipgloss.Style, string) {
	st := p.Styles
	if c == nil {
		return &st.Dim, "not answered yet"
	}
	found := c.Value
	if p.asked(it) {
		found = p.State.Found(*it, p.Now)
	}
	switch {
	case c.Error != "":
		return &st.Bad, "cannot tell, " + p.age(c.At)
	case !c.Pass:
		return &st.Bad, "found " + valueOr(found, "nothing") + ", " + p.age(c.At)
	case p.fieldsMissing(it) > 0:
		return &st.Dim, plural(p.fieldsMissing(it), "field", "fields") + " to fill in"
	case p.stale(it):
		return &st.Warn, valueOr(found, "passed") + ", too old: " + p.age(c.At)
	}
	return &st.Dim, valueOr(found, "passed") + ", " + p.age(c.At)
}

func (p Pane) fieldsMissing(it *runbook.Item) int {
	n := 0
	for _, f := range it.Fields {
		if f.Required && p.State.Fields[f.ID].Value == "" {
			n++
		}
	}
	return n
}

// itemDetail is what stands beneath the selected item.
func (p Pane) itemDetail(it *runbook.Item) []line {
	st := p.Styles
	s := p.State.Item(it.ID)
	const indent = "      "
	var out []line
	if a := s.Action; a != nil && a.Error != "" {
		out = append(out, p.paragraph(indent, &st.Bad, "Action failed "+p.age(a.At)+": "+a.Error)...)
	}
	if c := s.Check; c != nil && it.Check != nil && !c.Pass {
		if c.Error != "" {
			out = append(out, p.paragraph(indent, &st.Bad, "Could not be asked: "+c.Error)...)
		}
		out = append(out, p.paragraph(indent, &st.Warn, "Remedy: "+it.Check.Remedy)...)
	}
	for _, f := range it.Fields {
		out = append(out, p.fieldLine(indent, f))
	}
	if it.Help != "" {
		out = append(out, p.paragraph(indent, &st.Dim, it.Help)...)
	}
	if it.Check != nil {
		out = append(out, p.paragraph(indent, &st.Dim, checkHint(it.Check))...)
	}
	return append(out, p.itemHints(indent, it)...)
}

// itemHints are the keys that do something for the selected item now.
func (p Pane) itemHints(indent string, it *runbook.Item) []line {
	s := p.State
	var out []line
	can := func(c phases.Command) bool { return s.Can(c, p.Now) == nil }
	if it.Action != nil && can(phases.Act{Item: it.ID}) {
		out = append(out, p.hint(indent, keyAction, valueOr(it.Action.Text, it.Action.Name))...)
	}
	if len(it.Fields) > 0 && can(phases.Record{Item: it.ID, Field: it.Fields[0].ID}) {
		out = append(out, p.hint(indent, keyFill, "fill in")...)
	}
	switch {
	case it.Check != nil && s.Outcome == "":
		out = append(out, p.hint(indent, keyRecheck, "ask again")...)
	case can(phases.Tick{Item: it.ID}):
		out = append(out, p.hint(indent, keyTick, "tick")...)
	case can(phases.Untick{Item: it.ID}):
		out = append(out, p.hint(indent, keyTick, "take the tick back")...)
	}
	return out
}

func (p Pane) fieldLine(indent string, f runbook.Field) line {
	st := p.Styles
	l := row(nil, indent).add(&st.Dim, f.Label+": ")
	v := p.State.Fields[f.ID]
	switch {
	case v.Value != "" && v.Assumed:
		return l.add(&st.Warn, p.fieldText(f, v.Value)).add(&st.Warn, " (assumed)")
	case v.Value != "":
		return l.add(&st.Title, p.fieldText(f, v.Value))
	}
	l = l.add(&st.Text, "________")
	if f.Example != "" {
		l = l.add(&st.Dim, "  e.g. "+f.Example)
	}
	if !f.Required {
		l = l.add(&st.Dim, "  (optional)")
	}
	return l
}

// fieldText is a value as it is read: a time in the reader's zone, with its age.
func (p Pane) fieldText(f runbook.Field, value string) string {
	if f.Type == runbook.FieldTime {
		if t, err := time.Parse(time.RFC3339, value); err == nil {
			return t.In(p.Now.Location()).Format("2006-01-02 15:04:05") + ", " + p.age(t)
		}
	}
	return value
}

// checkHint says who answers an item that nobody ticks.
func checkHint(c *runbook.Check) string {
	what := ""
	switch c.Kind {
	case runbook.CheckDatabase:
		what = "Database check " + c.Name
	case runbook.CheckSQL:
		what = "Query " + c.SQL
	case runbook.CheckCommand:
		// Its arguments may hold what no screen shows.
		what = "Shell command"
		if len(c.Command) > 0 {
			what = "Command " + c.Command[0]
		}
	case runbook.CheckHTTP:
		what = "Request " + valueOr(c.Method, "GET") + " " + bareURL(c.URL)
	}
	if c.Every > 0 {
		what += ", asked every " + seconds(c.Every)
	}
	return what
}

// bareURL is a URL without user, password and query.
func bareURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "a URL that cannot be read"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// valueOr is a text, or another one where it is empty.
func valueOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func plainCount(n int) string { return count(int64(n)) }
