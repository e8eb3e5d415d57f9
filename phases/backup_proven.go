package phases

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// BackupProven occurs when an item's action has restored a backup somewhere,
// and compared what came back with what its snapshot held. It proves the
// backup where nothing differs, and for as long as no other one is recorded.
type BackupProven struct {
	Item        string        `json:"item"`
	Backup      Backup        `json:"backup"`
	Into        string        `json:"into"`                  // "a throwaway server of PostgreSQL 15.14"
	How         string        `json:"how"`                   // what restored it: "pg_restore 15.14"
	From        string        `json:"from,omitempty"`        // the version of the server that it is of; empty when a command restored it
	Counted     int           `json:"counted"`               // tables whose rows were counted; 0 when a command restored it
	Compared    int           `json:"compared"`              // of them, those whose content was compared
	Differences []string      `json:"differences,omitempty"` // a table each, or why it could not be restored; nil for none
	Files       string        `json:"files,omitempty"`       // as of BackupVerified
	Restore     time.Duration `json:"restore_ns"`            // how long the restore alone took
	Schema      *SchemaPrint  `json:"schema,omitempty"`      // what the tables that the runbook concerns were like when it was taken, else when it was tried; nil in old journals
	At          time.Time     `json:"-"`                     // as recorded
}

// Kind implements Event.
func (BackupProven) Kind() string { return "backup_proven" }

func (BackupProven) stirs(*State) check.Fact { return check.BackupProof }

func (e BackupProven) apply(s *State) error {
	e.At = s.At
	s.Proven = &e
	return nil
}

func (e BackupProven) words(*State) (Level, string) {
	if len(e.Differences) > 0 {
		return LevelBad, fmt.Sprintf("%s did not come back as it was: %s", e.Backup, allOf(e.Differences))
	}
	return LevelGood, fmt.Sprintf("%s was restored into %s in %s, by %s%s", e.Backup, e.Into, Span(e.Restore), e.How, e.same())
}

// same is what was found to be as it was.
func (e BackupProven) same() string {
	switch {
	case e.Counted == 0:
		return ""
	case e.Compared == 0:
		return fmt.Sprintf("; the rows of %s are as they were", Plural(int64(e.Counted), "table"))
	}
	return fmt.Sprintf("; the rows of %s are as they were, and the content of %s", Plural(int64(e.Counted), "table"), Plural(int64(e.Compared), "protected table"))
}

// Unlike says in which tables the schema is another now than it was when the
// backup was taken; empty where it is the same.
func (e BackupProven) Unlike(now SchemaPrint) string {
	if e.Schema == nil {
		return "nobody knows what its tables were like: try it again"
	}
	differs := e.Schema.Differs(now)
	if len(differs) == 0 {
		return ""
	}
	named := strings.Join(differs[:min(len(differs), fewChanged)], ", ")
	if more := len(differs) - fewChanged; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return Clean("the schema has changed since it was taken: " + named)
}

// fewChanged is how many tables an answer names.
const fewChanged = 3

// RestoredAnswer passes a backup that was restored, is the one that is
// recorded, and held what it should; whether the tables are as they were then
// is asked of the database. As BackupAnswer it answers with moments.
func RestoredAnswer(c *runbook.Check, f Facts, now time.Time) Answer {
	p := f.Proven
	var of *Backup
	if p != nil {
		of = &p.Backup
	}
	if why := f.unproven("restored", of); why != "" {
		return Answer{Value: why}
	}
	if len(p.Differences) > 0 {
		return Answer{Value: "it did not come back as it was: " + allOf(p.Differences)}
	}
	until := p.At.Add(backupLimit(c, f.BackupMax) + f.BackupExtra)
	value := fmt.Sprintf("restored in %s at %s UTC", Span(p.Restore), p.At.UTC().Format(time.TimeOnly))
	if age := now.Sub(p.At); age < -clockSlack {
		return Answer{Value: clockSetBack}
	} else if now.After(until) {
		return Answer{Value: fmt.Sprintf("%s, which is too long ago since %s UTC: %s", value, until.UTC().Format(time.DateTime), p.Backup)}
	}
	return Answer{Pass: true, Value: fmt.Sprintf("%s, counts until %s UTC: %s", value, until.UTC().Format(time.TimeOnly), p.Backup)}
}
