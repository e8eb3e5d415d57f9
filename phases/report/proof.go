package report

import (
	"strings"
	"time"

	"tminus/phases"
)

// BackupTaken is how the run took the recorded backup.
type BackupTaken struct {
	How         string        `json:"how"`
	Seconds     float64       `json:"seconds"`
	Tables      int           `json:"tables"`           // 0 when a command took it
	Bytes       int64         `json:"bytes"`            // of its files; 0 when nobody knows
	TablesBytes *int64        `json:"tables_bytes"`     // of the database's tables, without indexes; null when nobody knows
	Before      *BackupBefore `json:"before,omitempty"` // the one before it; absent without one
}

// BackupBefore is the backup of the same database before one, in the same
// directory.
type BackupBefore struct {
	ID    string     `json:"id"`
	At    *time.Time `json:"at"`
	Bytes int64      `json:"bytes"`
}

// BackupVerified is what reading a backup through found.
type BackupVerified struct {
	At       *time.Time `json:"at"`
	How      string     `json:"how"`
	Seconds  float64    `json:"seconds"`
	Tables   int        `json:"tables"` // 0 when a command read it, as the next two
	Rows     int64      `json:"rows"`
	Bytes    int64      `json:"bytes"`
	Problems []string   `json:"problems"`
}

// BackupRestored is what a restore of a backup found that was tried.
type BackupRestored struct {
	At          *time.Time `json:"at"`
	Until       *time.Time `json:"until"` // to when it counts
	Into        string     `json:"into"`
	How         string     `json:"how"`
	From        string     `json:"from"` // version of the server that it is of; empty when a command restored it
	Seconds     float64    `json:"seconds"`
	Counted     int        `json:"counted"`  // tables; 0 when a command restored it
	Compared    int        `json:"compared"` // of them, by content
	Differences []string   `json:"differences"`
}

// proof is what the backup was known to be when the first phase began. What a run
// tried later than that counts from then on.
func (b *builder) proof(out *Backup) {
	s := b.state
	at := s.At
	if !s.T0.IsZero() && (s.Proven == nil || !s.Proven.At.After(s.T0)) {
		at = s.T0
	}
	p := s.Proof(at)
	out.Location, out.Proven, out.NotProven = phases.Clean(p.Backup.Location), p.Lacks == "", phases.Clean(p.Lacks)
	if t := p.Taken; t != nil {
		out.Taken = &BackupTaken{How: phases.Clean(t.How), Seconds: seconds(t.Took), Tables: t.Tables, Bytes: t.Bytes, TablesBytes: t.TablesBytes}
		if w := t.Before; w != nil {
			out.Taken.Before = &BackupBefore{ID: phases.Clean(w.ID), At: moment(w.At), Bytes: w.Bytes}
		}
	}
	if v := p.Verified; v != nil {
		out.Verified = &BackupVerified{
			At: moment(v.At), How: phases.Clean(v.How), Seconds: seconds(v.Took), Tables: v.Tables, Rows: v.Rows, Bytes: v.Bytes, Problems: cleaned(v.Problems),
		}
	}
	if r := p.Restored; r != nil {
		out.Restored = &BackupRestored{
			At: moment(r.At), Until: moment(p.Until), Into: phases.Clean(r.Into), How: phases.Clean(r.How), From: phases.Clean(r.From),
			Seconds: seconds(r.Restore), Counted: r.Counted, Compared: r.Compared, Differences: cleaned(r.Differences),
		}
	}
	p.Age = 0 // stands at the report's head, as of T-0
	out.lines = p.Lines()
}

func cleaned(texts []string) []string {
	out := []string{}
	for _, t := range texts {
		out = append(out, phases.Clean(t))
	}
	return out
}

func (t *layout) proof() {
	t.section("Backup")
	for _, l := range t.r.Backup.lines {
		t.pair(strings.ToUpper(l.What[:1])+l.What[1:], l.Text)
	}
}
