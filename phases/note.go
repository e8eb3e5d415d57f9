package phases

import "time"

// NoteRecorded is a remark of the operator's for the execution log.
type NoteRecorded struct {
	Text string `json:"text"`
	By   string `json:"by"`
}

// Kind implements Event.
func (NoteRecorded) Kind() string { return "note_recorded" }

func (NoteRecorded) apply(s *State) error {
	return nil
}

func (e NoteRecorded) words(*State) (Level, string) {
	return LevelInfo, "note: " + e.Text + by(e.By)
}

// Note records a remark.
type Note struct{ Text string }

func (c Note) can(*State, time.Time) error { return needs("a note", c.Text) }

// Events implements Recorded.
func (c Note) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{NoteRecorded{Text: Clean(c.Text), By: by}}, nil
}
