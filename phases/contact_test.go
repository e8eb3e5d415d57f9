package phases

import (
	"reflect"
	"testing"

	"tminus/phases/runbook"
)

// Whoever is recorded with a phone number is called by what the item calls them.
func TestRecordedContacts(t *testing.T) {
	text := func(id, label string) runbook.Field {
		return runbook.Field{ID: id, Label: label, Type: runbook.FieldText}
	}
	phone := func(id, label string) runbook.Field {
		return runbook.Field{ID: id, Label: label, Type: runbook.FieldPhone}
	}
	s := &State{
		Runbook: &runbook.Runbook{
			Checklist: []runbook.Group{{Items: []runbook.Item{
				{Text: "Approved", Fields: []runbook.Field{text("by", "Approved by"), text("who", "Escalation"), phone("who_phone", "Phone")}},
				{Text: "On standby", Fields: []runbook.Field{text("engineer", "Engineer"), phone("engineer_phone", "Phone")}},
				{Text: "No number", Fields: []runbook.Field{text("note", "Note")}},
			}}},
			After: []runbook.Group{{Items: []runbook.Item{{Text: "Hotline", Fields: []runbook.Field{phone("hotline", "Hotline")}}}}},
		},
		Fields: map[string]FieldValue{
			"by": {Value: "The client"}, "who": {Value: "Grace"}, "who_phone": {Value: "+1 2", Assumed: true}, "hotline": {Value: "+3 4"},
		},
	}
	want := []RecordedContact{
		{Contact: runbook.Contact{Role: "Escalation", Name: "Grace", Phone: "+1 2"}, Item: "Approved", Assumed: true},
		{Contact: runbook.Contact{Role: "Engineer"}, Item: "On standby"},
		{Contact: runbook.Contact{Role: "Hotline", Phone: "+3 4"}, Item: "Hotline"},
	}
	if got := s.RecordedContacts(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if got := (&State{}).RecordedContacts(); got != nil {
		t.Errorf("before the runbook: %+v", got)
	}
}
