package phases

import (
	"fmt"
	"strings"
	"time"
)

// Copy says of which backup the database of a rehearsal was restored. It is
// recorded when the run opens; nil stands for a database that somebody else made.
type Copy struct {
	Backup      Backup        `json:"backup"`
	Database    string        `json:"database"`                    // that the backup is of
	System      string        `json:"system_identifier,omitempty"` // of its server; empty when nobody knows
	Server      string        `json:"server"`                      // that server's version: "15"
	Environment Environment   `json:"environment,omitempty"`       // of the run that took it; empty when nobody noted it
	RunID       string        `json:"run_id,omitempty"`            // of that run
	Into        string        `json:"into"`                        // "a throwaway server of PostgreSQL 15.14"
	How         string        `json:"how"`                         // what restored it: "pg_restore 15.14"
	Restore     time.Duration `json:"restore_ns"`                  // how long the restore alone took
	Counted     int           `json:"counted"`                     // tables whose rows were held against those of the backup's snapshot
	Compared    int           `json:"compared"`                    // of them, those whose content was
	Unknown     []string      `json:"unknown,omitempty"`           // tables that were not counted when the backup was taken
	Triggers    []string      `json:"triggers,omitempty"`          // that the run had off by then, and that were switched on again
}

// String is the backup with what it is of, and how long its restore took.
func (c *Copy) String() string {
	return Clean(fmt.Sprintf("%s, of the database %s, restored in %s", c.Backup, c.Database, Span(c.Restore)))
}

// words say all of it in a sentence's part.
func (c *Copy) words() string {
	text := "a copy of " + c.String() + " into " + c.Into
	if c.Counted > 0 {
		text += BackupProven{Counted: c.Counted, Compared: c.Compared}.same()
	}
	if c.Unknown != nil {
		text += "; nobody knows what the backup should hold of " + strings.Join(c.Unknown, ", ")
	}
	if c.Triggers != nil {
		text += "; switched on again: " + strings.Join(c.Triggers, ", ")
	}
	if c.Environment != Production {
		text += "; " + c.doubt()
	}
	return Clean(text)
}

// doubt says what speaks against a backup that is not known to be production's;
// empty where it is.
func (c *Copy) doubt() string {
	switch c.Environment {
	case Production:
		return ""
	case "":
		return "the backup does not say whether it is production's"
	}
	return fmt.Sprintf("the backup is of a run in %s, not of production", c.Environment)
}

// OfCopy says on what the run's rehearsal ran, or of what the run's own database
// is a copy, where it was restored from a backup; empty otherwise.
func (s *State) OfCopy() string {
	if c := s.Opened.Copy; c != nil {
		return "this is a copy: " + c.String()
	}
	if r := s.Opened.Rehearsed; r != nil && r.Copy != nil {
		return "rehearsed on " + r.Copy.String()
	}
	return ""
}

// copied is the copy that the rehearsal ran on, where it is one of the run's own
// database; nil otherwise. What its restore took says something for this one.
func (s *State) copied() *Copy {
	r := s.Opened.Rehearsed
	if r == nil || r.Copy == nil || r.Copy.Restore <= 0 {
		return nil
	}
	c, here := r.Copy, s.Target
	if c.Database != here.Database || c.System != "" && here.SystemIdentifier != "" && c.System != here.SystemIdentifier {
		return nil
	}
	return c
}

// SwitchedOff are the triggers that the run has switched off and not back on,
// with the state that each had before.
func (s *State) SwitchedOff() []Trigger {
	if !s.TriggersOff {
		return nil
	}
	var out []Trigger
	for _, t := range s.Triggers {
		if t.Enabled != "D" { // off before the run, and none of its doing
			out = append(out, t)
		}
	}
	return out
}

// OffInBackup are the triggers that a restore of the recorded backup brings back
// switched off, since the run had them off when it was taken: each by its table
// and name.
func (s *State) OffInBackup() []string {
	b := s.RecordedBackup()
	off := s.Taken != nil && s.Taken.Backup.Same(b) && s.Taken.off
	if s.Taken == nil || !s.Taken.Backup.Same(b) { // by another hand: the clock tells
		off = !s.offAt.IsZero() && b.At.After(s.offAt) && (s.onAt.IsZero() || b.At.Before(s.onAt))
	}
	if !off {
		return nil
	}
	var out []string
	for _, t := range s.Triggers {
		if t.Enabled != "D" {
			out = append(out, Clean(t.Table+"."+t.Name))
		}
	}
	return out
}

// OffWords says what a restore of the recorded backup leaves to do; empty for nothing.
func (s *State) OffWords() string {
	off := s.OffInBackup()
	if off == nil {
		return ""
	}
	return fmt.Sprintf("a restore of this backup brings the database back with %s off: %s; enable them after it",
		Plural(int64(len(off)), "trigger"), strings.Join(off, ", "))
}
