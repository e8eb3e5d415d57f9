package phases

import (
	"fmt"

	"tminus/phases/journal"
)

// Apply moves the state on by one record of its journal. Records come in
// order, each once. An error means that the journal was written by a later
// version, or that it is not a run's; the state is then unchanged.
func (s *State) Apply(rec journal.Record) error {
	e, err := Decode(rec)
	if err != nil {
		return err
	}
	return s.ApplyDecoded(rec, e)
}

// ApplyDecoded is Apply for a record whose event was decoded before, so that who
// folds a journal again and again decodes it once. The record's data is not
// looked at. What an event holds is never changed by it: states may share it.
func (s *State) ApplyDecoded(rec journal.Record, e Event) error {
	if rec.Seq != s.Seq+1 {
		return fmt.Errorf("line %d follows line %d: the journal is not read in order", rec.Seq, s.Seq)
	}
	if _, opened := e.(RunOpened); opened != (s.Seq == 0) {
		return fmt.Errorf("line %d: %s out of place: a journal is one run", rec.Seq, rec.Kind)
	}
	s.At, s.Latest = rec.At, latest(s.Latest, rec.At)
	if err := e.apply(s); err != nil {
		return fmt.Errorf("line %d: %w", rec.Seq, err)
	}
	s.Seq, s.Head = rec.Seq, rec.Hash
	if level, text := describe(s, e); text != "" {
		s.Log = append(s.Log, LogLine{Seq: rec.Seq, At: rec.At, Level: level, Text: text})
	}
	return nil
}

// Fold gives the state after all of a journal's records.
func Fold(recs []journal.Record) (*State, error) {
	s := &State{}
	for _, rec := range recs {
		if err := s.Apply(rec); err != nil {
			return nil, err
		}
	}
	if s.Seq == 0 {
		return nil, journal.ErrEmpty
	}
	return s, nil
}

// Describe says one event in words, given the state after it was applied. It
// is false for events that are not worth a line: progress, and answers of a
// check that say what the last one said.
func Describe(s *State, e Event) (LogLine, bool) {
	level, text := describe(s, e)
	return LogLine{Seq: s.Seq, At: s.At, Level: level, Text: text}, text != ""
}

// describe is Describe for Apply. No text means no line.
func describe(s *State, e Event) (Level, string) {
	level, text := e.words(s)
	if text == "" {
		return LevelInfo, ""
	}
	return level, Clean(text)
}
