package phases

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// Backup says which backup something is about.
type Backup struct {
	ID       string    `json:"id,omitempty"`       // empty: nobody gave one
	Location string    `json:"location,omitempty"` // empty: not known
	At       time.Time `json:"at"`                 // the moment of its snapshot, in whole seconds
}

// Same reports whether two are the same backup, as far as both are known.
func (b Backup) Same(other Backup) bool {
	return !b.At.IsZero() && b.At.Equal(other.At) && (b.ID == "" || other.ID == "" || b.ID == other.ID)
}

// SameCopy reports whether two are the same backup in the same place, as far as
// both are known: what was found out about one says nothing of a copy.
func (b Backup) SameCopy(other Backup) bool {
	return b.Same(other) && (b.Location == "" || other.Location == "" || b.Location == other.Location)
}

// String is what a line of text calls it.
func (b Backup) String() string {
	at := b.At.UTC().Format(time.DateTime) + " UTC"
	if b.ID == "" {
		return "the backup of " + at
	}
	return b.ID + " of " + at
}

// BackupTaken occurs when an item's action has taken a backup, before what the
// item records of it.
type BackupTaken struct {
	Item   string        `json:"item"`
	Backup Backup        `json:"backup"`
	How    string        `json:"how"`             // what took it: "pg_dump 15.14"
	Tables int           `json:"tables"`          // that it holds; 0 when a command took it
	Bytes  int64         `json:"bytes,omitempty"` // of its files; 0 where nobody said
	Took   time.Duration `json:"took_ns"`

	TablesBytes *int64        `json:"tables_bytes,omitempty"` // of the database's tables as of its snapshot, without indexes; nil when nobody knows
	Before      *BackupBefore `json:"before,omitempty"`       // nil when there is none, or a command took it
	Schema      *SchemaPrint  `json:"schema,omitempty"`       // what the tables that the runbook concerns were like then; nil in old journals

	off bool // the run had triggers off by then
}

// Kind implements Event.
func (BackupTaken) Kind() string { return "backup_taken" }

func (BackupTaken) stirs(*State) check.Fact { return check.BackupTime }

func (e BackupTaken) apply(s *State) error {
	e.off = s.TriggersOff
	s.Taken = &e
	return nil
}

func (e BackupTaken) words(*State) (Level, string) {
	text := fmt.Sprintf("backup taken: %s, by %s in %s", e.Backup, e.How, Span(e.Took))
	switch {
	case e.Bytes > 0 && e.Tables == 0:
		text += ", " + Bytes(e.Bytes)
	case e.Bytes > 0:
		text += fmt.Sprintf(", %s in %s", Plural(int64(e.Tables), "table"), Bytes(e.Bytes))
	}
	return LevelGood, text
}

// Recording gives what an item's fields hold of a backup that was taken, as
// the runbook names them. What the backup has not is left as it is.
func (s *State) Recording(b Backup, by string) []Event {
	book := s.Runbook.Backup
	var out []Event
	for _, f := range []struct{ field, value string }{
		{book.TimeField, b.At.UTC().Format(time.RFC3339)}, {book.IDField, b.ID}, {book.LocationField, b.Location},
	} {
		item := s.itemOf(f.field)
		if item == "" || f.value == "" || s.Fields[f.field].Value == f.value {
			continue
		}
		out = append(out, FieldRecorded{Item: item, Field: f.field, Value: f.value, By: by})
		if s.Item(item).Ticked {
			out = append(out, ItemUnticked{Item: item, By: by, Reason: "another backup was taken"})
		}
	}
	return out
}

// itemOf is the item that records a field; empty for none.
func (s *State) itemOf(field string) string {
	for _, g := range s.Runbook.Groups() {
		for _, it := range g.Items {
			for _, f := range it.Fields {
				if f.ID == field && field != "" {
					return it.ID
				}
			}
		}
	}
	return ""
}

// Takes reports whether an item's action records the field by itself.
func (s *State) Takes(it runbook.Item, field string) bool {
	if it.Action == nil || it.Action.Name != runbook.TakeBackup {
		return false
	}
	b := s.Runbook.Backup
	return field == b.TimeField || (len(b.Take.Command) == 0 || b.Take.Keeper.Some()) && (field == b.IDField || field == b.LocationField)
}

// BackupTables are the tables that a backup is looked at for: those that the
// run changes, and the protected ones.
func (s *State) BackupTables() (change, protected []string) {
	seen := map[string]bool{}
	add := func(table string) {
		if full := s.Runbook.FullName(table); !seen[full] {
			seen[full] = true
			change = append(change, table)
		}
	}
	for _, t := range s.Runbook.Protected {
		seen[s.Runbook.FullName(t)] = true
	}
	for i := range s.Runbook.Phases {
		for _, t := range s.Runbook.Phases[i].Changes() {
			add(t)
		}
	}
	if s.Survey != nil {
		for _, r := range s.Survey.Reach {
			add(r.Table)
		}
	}
	return change, s.Runbook.Protected
}

// ActionProgressed occurs while a long action is under way.
type ActionProgressed struct {
	Item     string         `json:"item"`
	Progress ActionProgress `json:"progress"`
}

// ActionProgress is how far a long action is. The zero value says nothing.
type ActionProgress struct {
	What   string `json:"what,omitempty"`   // what it does now: "dump", "read"
	Tables int    `json:"tables,omitempty"` // done
	Of     int    `json:"of,omitempty"`     // how many there are; 0 when nobody knows
	Bytes  int64  `json:"bytes,omitempty"`  // written or read; 0 when nobody counts
}

// String is the progress in a line: "12 of 40 tables, 340 MB".
func (p ActionProgress) String() string {
	var parts []string
	if p.What != "" {
		parts = append(parts, p.What)
	}
	if p.Of > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s", p.Tables, Plural(int64(p.Of), "table")))
	}
	if p.Bytes > 0 {
		parts = append(parts, Bytes(p.Bytes))
	}
	return strings.Join(parts, ", ")
}

// Kind implements Event.
func (ActionProgressed) Kind() string { return "action_progressed" }

func (ActionProgressed) weight(*State) Weight { return Fleeting }

func (e ActionProgressed) apply(s *State) error {
	if a := s.itemState(e.Item).Action; a != nil && a.Running {
		a.Progress = e.Progress
	}
	return nil
}

func (ActionProgressed) words(*State) (Level, string) { return "", "" }
