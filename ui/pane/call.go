package pane

import (
	"strings"

	"tminus/phases"
	"tminus/ui/look"
)

// callLines are whom to call: those whom the checklist records for this run with a
// number, then the runbook's contacts in its order.
func (p Pane) callLines() []look.Line {
	st := p.Styles
	var out []look.Line
	for _, c := range p.reachable() {
		out = append(out, p.paragraph("  ", &st.Text, calledWords(c))...)
	}
	if len(out) > 0 {
		out = append([]look.Line{{}, look.Row(&st.Title, "Whom to call, as recorded for this run")}, out...)
	}
	return append(out, p.contactLines()...)
}

// reachable are those whom items record, as far as there is a number.
func (p Pane) reachable() []phases.RecordedContact {
	var out []phases.RecordedContact
	for _, c := range p.State.RecordedContacts() {
		if c.Phone != "" {
			out = append(out, c)
		}
	}
	return out
}

// calledWords are what somebody is, their name and number.
func calledWords(c phases.RecordedContact) string {
	text := c.Role + ": "
	if c.Name != "" {
		text += c.Name + ", "
	}
	text += c.Phone
	if c.Assumed {
		text += " (assumed, nobody looked)"
	}
	return text
}

// firstCall is whom to call first, in one line: the list stands further down.
func (p Pane) firstCall() []look.Line {
	for _, c := range p.reachable() {
		c.Role, c.Name = look.NameOr(c.Name, c.Role), ""
		return p.paragraph("Call: ", &p.Styles.Text, strings.Replace(calledWords(c), ": ", ", ", 1))
	}
	for _, c := range p.State.Runbook.Contacts {
		if c.Phone != "" {
			return p.paragraph("Call: ", &p.Styles.Text, look.NameOr(c.Name, c.Role)+", "+c.Phone)
		}
	}
	return nil
}

// callSentence is whom to call in a decision's box; nothing where no item records
// anybody.
func (p Pane) callSentence() []look.Line {
	var who []string
	for _, c := range p.reachable() {
		who = append(who, calledWords(c))
	}
	if len(who) == 0 {
		return nil
	}
	return p.paragraph("To call: ", &p.Styles.Text, strings.Join(who, "; "))
}
