package report

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases"
)

// Rehearsal is the one that a run in production was held against.
type Rehearsal struct {
	Journal string     `json:"journal"` // file name
	RunID   string     `json:"run_id"`
	Head    string     `json:"head"` // its last record's hash
	EndedAt *time.Time `json:"ended_at"`
	Schema  string     `json:"schema"`         // fingerprint of its tables
	Counts  []Count    `json:"counts"`         // of both baselines
	Copy    *Copy      `json:"copy,omitempty"` // what its database was restored from; absent where somebody made it
}

// Copy is the backup that a rehearsal's database was restored from.
type Copy struct {
	BackupID       string             `json:"backup_id"`
	At             *time.Time         `json:"at"` // of its snapshot
	Location       string             `json:"location"`
	Database       string             `json:"database"`          // that it is of
	System         string             `json:"system_identifier"` // of its server; empty when nobody knows
	Environment    phases.Environment `json:"environment"`       // of the run that took it; empty when nobody noted it
	RestoreSeconds float64            `json:"restore_seconds"`
	Counted        int                `json:"counted"`  // tables whose rows came back as they were
	Compared       int                `json:"compared"` // of them, those whose content did
	TriggersOn     []string           `json:"triggers_on"`

	text string // all of it in a line
}

// copyOf is nil for a database that was not restored from a backup.
func copyOf(c *phases.Copy) *Copy {
	if c == nil {
		return nil
	}
	out := &Copy{
		BackupID: phases.Clean(c.Backup.ID), At: moment(c.Backup.At), Location: phases.Clean(c.Backup.Location),
		Database: phases.Clean(c.Database), System: phases.Clean(c.System), Environment: c.Environment,
		RestoreSeconds: seconds(c.Restore), Counted: c.Counted, Compared: c.Compared, TriggersOn: []string{}, text: c.String(),
	}
	for _, t := range c.Triggers {
		out.TriggersOn = append(out.TriggersOn, phases.Clean(t))
	}
	return out
}

// Count is what the baseline counted, beside the rehearsal's.
type Count struct {
	Table     string `json:"table"`
	Where     string `json:"where"` // empty: all rows
	Rehearsed int64  `json:"rehearsed"`
	Rows      int64  `json:"rows"`
}

// Rehearsed is what came of a phase in the rehearsal.
type Rehearsed struct {
	Seconds       float64 `json:"seconds"`
	WorkedSeconds float64 `json:"worked_seconds"` // without the wait for locks and for people
	WAL           int64   `json:"wal"`            // bytes that the server wrote meanwhile, for whomever
	Deleted       int64   `json:"deleted"`        // cascades included
	Updated       int64   `json:"updated"`
	Inserted      int64   `json:"inserted"`
	UndoSeconds   float64 `json:"undo_seconds,omitempty"` // that putting it back took, as proven; absent where nobody tried
}

func (b *builder) rehearsal() {
	r := b.state.Opened.Rehearsed
	if r == nil || r.Journal == "" {
		return
	}
	out := &Rehearsal{Journal: phases.Clean(r.Journal), RunID: phases.Clean(r.RunID), Head: phases.Clean(r.Head), EndedAt: moment(r.EndedAt), Counts: []Count{}, Copy: copyOf(r.Copy)}
	if r.Schema != nil {
		out.Schema = phases.Clean(r.Schema.Hash)
	}
	for _, c := range b.state.Compared() {
		out.Counts = append(out.Counts, Count{Table: phases.Clean(c.Table), Where: phases.Clean(c.Where), Rehearsed: c.Rehearsed, Rows: c.Rows})
	}
	b.report.Rehearsal = out
}

// rehearsed is nil where nobody knows what the phase did in a rehearsal.
func rehearsed(p *phases.RehearsedPhase) *Rehearsed {
	if p == nil {
		return nil
	}
	out := &Rehearsed{Seconds: seconds(p.Took), WorkedSeconds: seconds(p.Worked), WAL: p.WAL, UndoSeconds: seconds(p.Undo)}
	for _, t := range p.Tables {
		out.Deleted += t.Deleted + t.Cascaded
		out.Updated += t.Updated
		out.Inserted += t.Inserted
	}
	return out
}

// rehearsalDeviations are what departs from the rehearsal and holds nothing.
func (b *builder) rehearsalDeviations() {
	if b.state.NoRehearsal() != "" {
		b.add("no rehearsal: the runbook wants none")
	}
	var high []string
	for _, c := range b.state.Compared() {
		if c.High() {
			high = append(high, c.String())
		}
	}
	if high != nil {
		b.add("more than rehearsed: %s", strings.Join(high, "; "))
	}
}

func (t *layout) rehearsal() {
	if t.r.Copy != nil {
		t.pair("Copy of", t.r.Copy.text)
	}
	r := t.r.Rehearsal
	if r == nil {
		return
	}
	t.pair("Rehearsed", fmt.Sprintf("%s, run %s, ended %s", r.Journal, r.RunID, t.stamp(r.EndedAt)))
	t.pair("Rehearsal's head", r.Head)
	if r.Copy != nil {
		t.pair("Rehearsed on", r.Copy.text)
	}
}

func (t *layout) rehearsed(p *Phase) {
	r := p.Rehearsed
	if r == nil {
		return
	}
	text := span(r.WorkedSeconds) + " of work"
	if p.writes {
		text += ", " + phases.Effect{Deleted: r.Deleted, Updated: r.Updated, Inserted: r.Inserted}.String()
	}
	if r.WAL > 0 {
		text += ", " + phases.Bytes(r.WAL) + " of WAL by the whole server"
	}
	if r.UndoSeconds > 0 {
		text += "; put back in " + span(r.UndoSeconds)
	}
	t.pair("Rehearsed", text)
}
