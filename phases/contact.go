package phases

import "tminus/phases/runbook"

// RecordedContact is somebody whom an item records with a phone number.
type RecordedContact struct {
	runbook.Contact        // the role is what the item calls them; name and phone are empty until recorded
	Item            string // the item's text
	Assumed         bool   // unattended: nobody looked
}

// RecordedContacts are those whom the items of the checklist, and of the stages
// after the phases, record with a phone number, in their order. The name is the
// text that is asked for right before the number.
func (s *State) RecordedContacts() []RecordedContact {
	var out []RecordedContact
	if s.Runbook == nil {
		return nil
	}
	for _, groups := range [][]runbook.Group{s.Runbook.Checklist, s.Runbook.After} {
		for _, g := range groups {
			for _, it := range g.Items {
				out = append(out, s.recordedIn(it)...)
			}
		}
	}
	return out
}

func (s *State) recordedIn(it runbook.Item) []RecordedContact {
	var out []RecordedContact
	for i, f := range it.Fields {
		if f.Type != runbook.FieldPhone {
			continue
		}
		phone := s.Fields[f.ID]
		c := RecordedContact{Contact: runbook.Contact{Role: f.Label, Phone: phone.Value}, Item: it.Text, Assumed: phone.Assumed}
		if i > 0 && it.Fields[i-1].Type == runbook.FieldText {
			named := it.Fields[i-1]
			c.Role, c.Name = named.Label, s.Fields[named.ID].Value
			c.Assumed = c.Assumed || s.Fields[named.ID].Assumed
		}
		out = append(out, c)
	}
	return out
}
