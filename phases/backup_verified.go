package phases

import (
	"fmt"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// BackupVerified occurs when an item's action has read a backup through.
type BackupVerified struct {
	Item     string        `json:"item"`
	Backup   Backup        `json:"backup"`
	How      string        `json:"how"`                // what read it: "pg_restore 15.14"
	Tables   int           `json:"tables,omitempty"`   // whose rows were read; 0 when a command did it
	Rows     int64         `json:"rows,omitempty"`     //
	Bytes    int64         `json:"bytes,omitempty"`    // of its files
	Problems []string      `json:"problems,omitempty"` // what is wrong with it, the first few; nil when nothing is
	Files    string        `json:"files,omitempty"`    // what told its files from others when it was read; empty where they are not here
	Took     time.Duration `json:"took_ns"`
	At       time.Time     `json:"-"` // as recorded
}

// Kind implements Event.
func (BackupVerified) Kind() string { return "backup_verified" }

func (BackupVerified) stirs(*State) check.Fact { return check.BackupProof }

func (e BackupVerified) apply(s *State) error {
	e.At = s.At
	s.Verified = &e
	return nil
}

func (e BackupVerified) words(*State) (Level, string) {
	if n := int64(len(e.Problems)); n > 0 {
		return LevelBad, fmt.Sprintf("backup cannot be relied on: %s: %s", e.Backup, allOf(e.Problems))
	}
	text := fmt.Sprintf("backup verified: %s, by %s in %s", e.Backup, e.How, Span(e.Took))
	if e.Tables > 0 {
		text += ": " + e.read()
	}
	return LevelGood, text
}

// read is what was read of it.
func (e BackupVerified) read() string {
	return fmt.Sprintf("%s of %s, %s", Rows(e.Rows), Plural(int64(e.Tables), "table"), Bytes(e.Bytes))
}

// allOf is the first of several sentences, with how many follow.
func allOf(sentences []string) string {
	if n := len(sentences) - 1; n > 0 {
		return fmt.Sprintf("%s, and %d more", sentences[0], n)
	}
	return sentences[0]
}

// RecordedBackup is the backup that the run's fields name; its zero value when
// they name none. Where it is, the action that took it knows as well.
func (s *State) RecordedBackup() Backup {
	book := s.Runbook.Backup
	b := Backup{ID: s.Fields[book.IDField].Value, Location: s.Fields[book.LocationField].Value, At: s.BackupTime()}
	if s.Taken != nil && s.Taken.Backup.Same(b) {
		if b.Location == "" {
			b.Location = s.Taken.Backup.Location
		}
		if b.ID == "" {
			b.ID = s.Taken.Backup.ID
		}
	}
	return b
}

// unproven says why nothing is known of the recorded backup; done is what was
// not done with it. It is empty where something is, by an action about other.
func (f Facts) unproven(done string, other *Backup) string {
	switch {
	case f.Backup.At.IsZero():
		return "no backup recorded"
	case other != nil && f.Backup.SameCopy(*other):
		return ""
	case other != nil && f.Backup.Same(*other):
		return fmt.Sprintf("not proven: the copy at %s is not %s", f.Backup.Location, done)
	case f.Taken != nil && f.Taken.Backup.Same(f.Backup):
		return fmt.Sprintf("not proven: %s is not %s yet", f.Backup, done)
	}
	return fmt.Sprintf("not proven: %s was recorded by hand, and is not %s", f.Backup, done)
}

// ReadableAnswer passes a backup that was read through, and is the one that is
// recorded.
func ReadableAnswer(_ *runbook.Check, f Facts, _ time.Time) Answer {
	v := f.Verified
	var of *Backup
	if v != nil {
		of = &v.Backup
	}
	why := f.unproven("verified", of)
	switch {
	case why != "":
		return Answer{Value: why}
	case len(v.Problems) > 0:
		return Answer{Value: allOf(v.Problems)}
	case v.Tables == 0:
		return Answer{Pass: true, Value: fmt.Sprintf("read at %s UTC by %s: %s", v.At.UTC().Format(time.TimeOnly), v.How, v.Backup)}
	}
	return Answer{Pass: true, Value: fmt.Sprintf("%s, read at %s UTC: %s", v.read(), v.At.UTC().Format(time.TimeOnly), v.Backup)}
}
