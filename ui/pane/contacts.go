package pane

import (
	"tminus/phases"
	"tminus/ui/look"
)

// Contacts is the pane's name.
const Contacts ID = "contacts"

func contactsPane() Kind {
	return Kind{
		ID: Contacts, Title: "Contacts", content: Pane.contactsContent, Edge: Pane.contactsEdge,
		there: func(s *phases.State) bool {
			return s.Runbook != nil && (len(s.Runbook.Contacts) > 0 || len(s.RecordedContacts()) > 0)
		},
	}
}

// contactsEdge is how many of those who are to be called cannot be.
func (p Pane) contactsEdge() string {
	lack := 0
	for _, c := range p.State.Runbook.Contacts {
		if c.Phone == "" {
			lack++
		}
	}
	for _, c := range p.State.RecordedContacts() {
		if c.Phone == "" {
			lack++
		}
	}
	if lack == 0 {
		return ""
	}
	return plainCount(lack) + " without a phone"
}

// contactsContent is whom to call: the runbook's contacts in its order, whoever the
// items record with a phone number, and who is here already.
func (p Pane) contactsContent() content {
	if !p.Ready() {
		return p.empty("Whom to call appears with the run.")
	}
	st, s := p.Styles, p.State
	var out []look.Line
	if lines := p.contactLines(); len(lines) > 0 {
		out = append(out, lines[1:]...) // without the gap before it
	}
	if recorded := s.RecordedContacts(); len(recorded) > 0 {
		out = append(out, look.Line{}, look.Row(&st.Title, "Recorded for this run"))
		for _, c := range recorded {
			out = append(out, joined(p.recordedLines(c))...)
		}
	}
	if len(out) == 0 {
		out = append(out, look.Row(&st.Warn, "The runbook names nobody to call."))
	}
	if s.Operator == (phases.Operator{}) && len(s.Observers) == 0 {
		return content{body: out}
	}
	out = append(out, look.Line{}, look.Row(&st.Title, "Here now"))
	if s.Operator != (phases.Operator{}) {
		out = append(out, p.paragraph("  ", &st.Text, s.Operator.String()+" drives")...)
	}
	for _, o := range s.Observers {
		out = append(out, p.paragraph("  ", &st.Text, look.NameOr(o.Name, "unnamed key")+" watches the mirror since "+p.at(o.Since))...)
	}
	return content{body: out}
}

// recordedLines are one whom an item records: what they are called, their name and
// number, and the item.
func (p Pane) recordedLines(c phases.RecordedContact) []look.Line {
	st := p.Styles
	name, phone, style := valueOr(c.Name, "(no name yet)"), valueOr(c.Phone, "(no phone yet)"), &st.Title
	if c.Name == "" && c.Phone != "" {
		name = ""
	}
	if c.Phone == "" {
		style = &st.Warn
	}
	if c.Assumed {
		phone, style = phone+" (assumed)", &st.Warn
	}
	l := look.Row(&st.Dim, "  "+look.Sanitize(c.Role)+"  ").Add(&st.Text, name)
	if n := look.SpansWidth(l.Spans) + 2 + look.Width(look.Sanitize(phone)); n > p.Width {
		out := []look.Line{l, look.Row(nil, "    ").Add(style, phone)}
		return append(out, p.paragraph("    ", &st.Dim, c.Item)...)
	}
	return append([]look.Line{l.Add(nil, "  ").Add(style, phone)}, p.paragraph("    ", &st.Dim, c.Item)...)
}
