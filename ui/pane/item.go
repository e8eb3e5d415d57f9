package pane

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/check"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// remedyShown reports whether a line with the remedy stands beneath an item.
func (p Pane) remedyShown(it *runbook.Item) bool {
	if it.Check == nil {
		return false
	}
	s := p.State.Item(it.ID)
	if s.Waived != nil {
		return false
	}
	mending := s.Action != nil && s.Action.Running || p.begins(it) != ""
	return s.Check != nil && !s.Check.Pass && !mending
}

// itemLines draws one item: a line, the remedy of a failed check, and all that
// there is to know about the selected one.
func (p Pane) itemLines(it *runbook.Item, sec section) []look.Line {
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
	first := look.Row(&st.Accent, lead).Add(style, mark+" ")
	first.Selected, first.Table = selected, !selected // a list of one line an item, but for the selected one
	if !selected {
		first = first.Add(text, it.Text).End(endStyle, end)
		out := []look.Line{first}
		if c := p.State.Item(it.ID).Check; p.remedyShown(it) && (c == nil || c.Error == "") {
			out = append(out, look.Row(&st.Warn, "      "+it.Check.Remedy))
		}
		return out
	}
	lines, _ := p.flow(append(p.selectedText(first, it, endStyle, end), p.itemDetail(it)...), 0)
	return lines
}

// selectedText is the selected item's text in full: on one line with what
// stands at its end where both fit, else wrapped, with the end beneath.
func (p Pane) selectedText(first look.Line, it *runbook.Item, endStyle *lipgloss.Style, end string) []look.Line {
	lead := look.SpansWidth(first.Spans)
	room := p.Width - lead
	text := look.Sanitize(it.Text)
	if room < 8 || look.Width(text)+2+look.Width(end) <= room {
		return []look.Line{first.Add(&p.Styles.Text, text).End(endStyle, end)}
	}
	var out []look.Line
	for i, t := range look.Wrap(text, room) {
		l := first
		if i > 0 {
			l = look.Row(nil, strings.Repeat(" ", lead))
			l.Selected = true
		}
		out = append(out, l.Add(&p.Styles.Text, t))
	}
	if end != "" {
		l := look.Row(nil, strings.Repeat(" ", lead)).Add(endStyle, end)
		l.Selected = true
		out = append(out, l)
	}
	return out
}

// itemMark is an item's box. Each state has a sign of its own.
func (p Pane) itemMark(it *runbook.Item, later bool) (string, *lipgloss.Style) {
	st := p.Styles
	s := p.State.Item(it.ID)
	if mark, style, ok := p.messageMark(it); ok {
		return mark, style
	}
	switch {
	case s.Action != nil && s.Action.Running:
		return "[*]", &st.Accent
	case s.Waived != nil:
		return "[w]", &st.Warn
	case s.Action != nil && s.Action.Error != "":
		return "[!]", &st.Bad
	case later || p.begins(it) != "" && !p.State.ItemDone(*it):
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

// asked reports whether the item's check is still asked: what a stage found that
// is over is not asked again, and does not get too old.
func (p Pane) asked(it *runbook.Item) bool {
	return slices.ContainsFunc(p.State.Asked(), func(a runbook.Item) bool { return a.ID == it.ID })
}

// longestFar is the longest progress that stands at the end of an item's line.
const longestFar = 40

func tooFar(it *runbook.Item, far string) bool {
	return it.Action != nil && it.Action.Slow && len(far) > longestFar
}

// itemEnd is what stands at the end of an item's line: who ticked it and when,
// or what its check found and how long ago.
func (p Pane) itemEnd(it *runbook.Item) (*lipgloss.Style, string) {
	st := p.Styles
	s := p.State.Item(it.ID)
	if a := s.Action; a != nil && a.Running {
		far, soFar := a.Progress.String(), " so far"
		if far == "" || tooFar(it, far) { // its detail has it
			far, soFar = "under way", ""
		}
		return &st.Accent, far + ", " + look.Duration(p.Now.Sub(a.At)) + soFar
	}
	if style, end := p.takenOn(it, s); end != "" {
		return style, end
	}
	if a := s.Action; a != nil && a.Error != "" {
		return &st.Bad, "action failed"
	}
	if begins := p.begins(it); begins != "" && !p.State.ItemDone(*it) {
		return &st.Dim, begins
	}
	if it.Check != nil {
		return p.checkEnd(it, s.Check)
	}
	if style, text, ok := p.messageEnd(it); ok {
		return style, text
	}
	switch {
	case s.Ticked && s.Assumed && it.Sign != "":
		return &st.Warn, "assumed, nobody signed"
	case p.State.ByAction(*it) && s.Action != nil:
		return &st.Dim, valueOr(s.Action.Result.Value, "done") + ", " + p.age(s.Action.At)
	case s.Ticked && s.Assumed:
		return &st.Warn, "assumed, nobody looked"
	case s.Signed != nil && s.Signed.Loose:
		return &st.Bad, "signature NOT bound"
	case s.Signed != nil:
		return &st.Dim, "signed by " + s.Signed.Name + " " + p.at(s.At)
	case s.Ticked:
		return &st.Dim, s.By + " " + p.at(s.At)
	}
	if missing := p.fieldsMissing(it); missing > 0 {
		return &st.Dim, look.Plural(missing, "field", "fields") + " to fill in"
	}
	if it.Sign != "" {
		return &st.Dim, "to be signed as " + it.Sign
	}
	return nil, ""
}

// begins says when the item's action will begin by itself; empty where it will
// not.
func (p Pane) begins(it *runbook.Item) string {
	b, ok := p.State.Begins(*it)
	_, failed := p.State.SmokeFailed()
	switch {
	case !ok:
		return ""
	case failed:
		return "waits: a smoke test failed"
	case b.After != "":
		return "follows by itself"
	case b.At.After(p.Now):
		return "begins by itself " + p.at(b.At)
	case b.Turn:
		return "begins by itself in its turn"
	}
	return "begins by itself now"
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
		return &st.Bad, "could not be asked, " + p.age(c.At)
	case !c.Pass:
		return &st.Bad, "found " + valueOr(found, "nothing") + ", " + p.age(c.At)
	case p.fieldsMissing(it) > 0:
		return &st.Dim, look.Plural(p.fieldsMissing(it), "field", "fields") + " to fill in"
	case p.stale(it):
		return &st.Warn, valueOr(found, "passed") + ", too old: " + p.age(c.At)
	}
	if it.Check.Name == check.BackupAge { // what it found is an age itself
		return &st.Dim, valueOr(found, "passed") + ", asked " + p.age(c.At)
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
func (p Pane) itemDetail(it *runbook.Item) []look.Line {
	st := p.Styles
	s := p.State.Item(it.ID)
	const indent = "      "
	out := p.takenOnLines(indent, s)
	if a := s.Action; a != nil && a.Error != "" {
		out = append(out, p.paragraph(indent, &st.Bad, "Action failed "+p.age(a.At)+": "+a.Error)...)
	}
	if a := s.Action; a != nil && a.Running && tooFar(it, a.Progress.String()) {
		out = append(out, p.paragraph(indent, &st.Accent, a.Progress.String())...)
	}
	out = append(out, p.resultLines(indent, s.Action)...)
	if c := s.Check; c != nil && it.Check != nil && !c.Pass {
		if c.Error != "" {
			out = append(out, p.paragraph(indent, &st.Bad, "Could not be asked: "+c.Error)...)
		}
		out = append(out, p.inTheWay(indent, c)...)
		if c.Error == "" {
			out = append(out, p.paragraph(indent, &st.Warn, "Remedy: "+it.Check.Remedy)...)
		}
	}
	for _, f := range it.Fields {
		out = append(out, p.fieldLine(indent, f))
	}
	if sig := s.Signed; sig != nil {
		style := &st.Text
		if sig.Loose {
			style = &st.Bad
		}
		out = append(out, p.paragraph(indent, style, "Signed by "+sig.Name+", "+sig.Role+", at "+p.at(sig.At)+", "+sig.Bound())...)
	}
	out = append(out, p.explained(indent, it)...)
	out = append(out, p.messageDetail(indent, it)...)
	return append(out, p.itemHints(indent, it)...)
}

// explained is what explains an item: its help, and who answers it.
// Where there is little room it is one line, and a key opens it.
func (p Pane) explained(indent string, it *runbook.Item) []look.Line {
	st := p.Styles
	var out []look.Line
	if it.Help != "" {
		out = append(out, p.paragraph(indent, &st.Dim, it.Help)...)
	}
	if it.Check != nil {
		out = append(out, p.paragraph(indent, &st.Dim, checkHint(it.Check))...)
	}
	if it.Action.Answers() {
		hint := ActionHint(it.Action)
		if !p.State.Runs(it.Action) {
			hint += " Not in a rehearsal: it would reach the real system."
		}
		out = append(out, p.paragraph(indent, &st.Dim, hint)...)
	}
	if !p.Folded || len(out) < 2 {
		return out
	}
	first := strings.TrimSpace(lineText(out[0]))
	lead := look.Row(nil, indent).Add(&st.Key, KeyMore).Add(&st.Dim, "  more: ")
	room := p.Width - look.SpansWidth(lead.Spans)
	return []look.Line{lead.Add(&st.Dim, look.Clip(first+" …", max(0, room)))}
}

// itemHints are the keys that do something for the selected item now.
func (p Pane) itemHints(indent string, it *runbook.Item) []look.Line {
	s := p.State
	var out []look.Line
	can := func(c phases.Command) bool { return s.Can(c, p.Now) == nil }
	if it.Action != nil {
		switch err := s.Can(phases.Act{Item: it.ID}, p.Now); {
		case err == nil:
			out = append(out, p.hint(indent, KeyAction, valueOr(it.Action.Text, it.Action.Name))...)
		case it.Fence != "" && s.Outcome == "" && !s.ItemDone(*it):
			// Its remedy names the key: why that does nothing yet.
			out = append(out, p.paragraph(indent, &p.Styles.Dim, "Not now: "+look.Sanitize(err.Error())+".")...)
		}
	}
	switch t := p.telling(it); {
	case it.Message != "" && can(phases.Tell{Message: it.Message}):
		out = append(out, p.hint(indent, KeyAction, "see it and send it")...)
	case t != nil && len(t.Open()) > 0 && can(phases.Tell{Message: it.Message, Channel: t.Open()[0]}):
		out = append(out, p.hint(indent, KeyAction, "send it again to "+strings.Join(t.Open(), ", "))...)
	}
	if can(phases.CancelAction{Item: it.ID}) {
		out = append(out, p.hint(indent, KeyAction, "cancel it")...)
	}
	if len(it.Fields) > 0 && can(phases.Record{Item: it.ID, Field: it.Fields[0].ID}) {
		out = append(out, p.hint(indent, KeyFill, "fill in")...)
	}
	switch m, ok := s.Mends(*it, p.Now); {
	case !ok || m.Item.ID == it.ID && m.Need != phases.NeedSession:
	case m.Need == phases.NeedField:
		out = append(out, p.hint(indent, KeyFill, "record anew: "+m.Field.Label)...)
	case m.Need == phases.NeedAction:
		out = append(out, p.hint(indent, KeyAction, valueOr(m.Item.Action.Text, m.Item.Action.Name))...)
	case m.Need == phases.NeedSession && s.Blocked(): // the key is about the phase's first
	case m.Need == phases.NeedSession:
		out = append(out, p.hint(indent, KeySession, fmt.Sprintf("cancel or end session %d", m.Session.PID))...)
	case m.Need == phases.NeedWindow:
		out = append(out, p.hint(indent, KeyExtend, "extend the window, and with it the backup's age")...)
	}
	switch {
	case it.Check != nil && s.Outcome == "":
		out = append(out, p.hint(indent, KeyRecheck, "ask again")...)
	case can(phases.Tick{Item: it.ID}) && it.Message != "":
		if !s.ItemDone(*it) {
			out = append(out, p.hint(indent, KeyTick, "tick: people know it otherwise")...)
		}
	case can(phases.Sign{Item: it.ID, Name: "-"}):
		out = append(out, p.hint(indent, KeyTick, "sign as "+it.Sign)...)
	case can(phases.Withdraw{Item: it.ID, Reason: "-"}):
		out = append(out, p.hint(indent, KeyTick, "withdraw the signature")...)
	case can(phases.Tick{Item: it.ID}):
		out = append(out, p.hint(indent, KeyTick, "tick")...)
	case can(phases.Untick{Item: it.ID}):
		out = append(out, p.hint(indent, KeyTick, "take the tick back")...)
	}
	return append(out, p.smokeHints(indent, it)...)
}

func (p Pane) fieldLine(indent string, f runbook.Field) look.Line {
	st := p.Styles
	l := look.Row(nil, indent).Add(&st.Dim, f.Label+": ")
	v := p.State.Fields[f.ID]
	switch {
	case v.Value != "" && v.Assumed:
		return l.Add(&st.Warn, p.fieldText(f, v.Value)).Add(&st.Warn, " (assumed)")
	case v.Value != "":
		return l.Add(&st.Title, p.fieldText(f, v.Value))
	}
	l = l.Add(&st.Text, "________")
	if f.Example != "" {
		l = l.Add(&st.Dim, "  e.g. "+f.Example)
	}
	if !f.Required {
		l = l.Add(&st.Dim, "  (optional)")
	}
	return l
}

// fieldText is a value as it is read: a time in the screen's zone, with its age.
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
	case runbook.CheckOutside:
		what = "Check " + c.Name
	case runbook.CheckSQL:
		what = "Query " + c.SQL
	case runbook.CheckCommand:
		// Its arguments may hold what no screen shows.
		what = "Shell command"
		if len(c.Command) > 0 {
			what = "Command " + c.Command[0]
		}
	case runbook.CheckFence:
		what = "The fence's own state"
	case runbook.CheckHTTP:
		what = "Request " + valueOr(c.Method, "GET") + " " + bareURL(c.URL)
	}
	if c.Every > 0 {
		what += ", asked every " + look.Seconds(c.Every)
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

func plainCount(n int) string { return look.Count(int64(n)) }
