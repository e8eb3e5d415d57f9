package monitor

import (
	"path/filepath"
	"time"

	"tminus/phases"
)

// StatusVersion is the form of a Picture. It goes up when a field changes its
// meaning or goes; a new field leaves it as it is.
const StatusVersion = 1

// What a picture holds at most, whatever a journal says.
const (
	maxTables = 200 // of one phase, each with its own numbers; the rest is added up
	maxHolds  = 50
	restName  = "(others)"
)

// Picture is a run at a moment: what metrics are made of, and the status file
// as it stands. What does not apply is absent from the file.
type Picture struct {
	Version   int       `json:"tminus_status"`
	WrittenAt time.Time `json:"written_at"`

	RunID       string `json:"run_id"`
	Title       string `json:"title"`
	Environment string `json:"environment"`
	Database    string `json:"database"`
	Host        string `json:"host"`
	Runbook     string `json:"runbook"`
	SHA256      string `json:"runbook_sha256"`
	Program     string `json:"version"`
	Operator    string `json:"operator"`
	Unattended  bool   `json:"unattended"`

	Journal string    `json:"journal"`
	Seq     uint64    `json:"seq"`
	Head    string    `json:"head"`
	EventAt time.Time `json:"last_event_at"`
	Event   string    `json:"last_event,omitempty"`
	Fault   string    `json:"fault,omitempty"`
	Alive   bool      `json:"program"`

	Stage       phases.Stage `json:"stage"`
	Waits       phases.Wait  `json:"waits_for,omitempty"`
	Decision    string       `json:"gate,omitempty"`
	OpenedAt    time.Time    `json:"opened_at"`
	PlannedT0   time.Time    `json:"planned_t0,omitzero"`
	T0          time.Time    `json:"t0,omitzero"`
	AbortAt     time.Time    `json:"abort_at,omitzero"`
	BackupAt    time.Time    `json:"backup_at,omitzero"`
	TriggersOff bool         `json:"triggers_off"`
	FencesOff   []string     `json:"fences_off"`
	Watching    int          `json:"observers"`

	Holds     []string  `json:"holds"`
	HeldSince time.Time `json:"held_since,omitzero"`
	Hold      *OpenHold `json:"hold,omitempty"`
	Lock      *Lock     `json:"lock_wait,omitempty"`
	Doubt     []string  `json:"in_doubt"`

	Phases []Phase `json:"phases"`

	Interrupted string         `json:"interrupted,omitempty"`
	Outcome     phases.Outcome `json:"outcome,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	ClosedAt    time.Time      `json:"closed_at,omitzero"`

	holding int // how many things hold, where Holds does not have them all
}

// OpenHold is a verified phase that waits for COMMIT or ROLLBACK.
type OpenHold struct {
	Phase string    `json:"phase"`
	Until time.Time `json:"until"` // then it is rolled back
}

// Lock is a wait for a table's lock.
type Lock struct {
	Phase    string  `json:"phase"`
	Table    string  `json:"table,omitempty"`
	Waited   float64 `json:"waited_seconds"`
	Blockers int     `json:"blockers"`
}

// Phase is one phase's last attempt.
type Phase struct {
	ID        string             `json:"id"`
	Title     string             `json:"title"`
	Status    phases.PhaseStatus `json:"status"`
	Attempt   int                `json:"attempt"`
	Planned   float64            `json:"planned_seconds"`
	Elapsed   float64            `json:"elapsed_seconds"`
	StartedAt time.Time          `json:"started_at,omitzero"`
	EndedAt   time.Time          `json:"ended_at,omitzero"`
	Reason    string             `json:"reason,omitempty"`
	Tables    []Table            `json:"tables"`
}

// Table is what a phase has done to one table so far: with a phase that was
// rolled back, nothing.
type Table struct {
	Name     string `json:"table"`
	Expected int64  `json:"expected"` // rows that should be there at its beginning; -1 when unknown
	Deleted  int64  `json:"deleted"`
	Cascaded int64  `json:"cascaded"`
	Updated  int64  `json:"updated"`
	Inserted int64  `json:"inserted"`
}

// take makes a picture of a state, which must have its first record.
func take(s *phases.State, path string, fault error, now time.Time) *Picture {
	clean := phases.Clean
	p := &Picture{
		Version: StatusVersion, WrittenAt: now.UTC(),
		RunID: clean(s.Opened.RunID), Environment: clean(string(s.Opened.Environment)), Title: clean(s.Runbook.Title),
		Database: clean(s.Target.Database), Host: clean(s.Target.Host), Runbook: clean(s.Opened.File), SHA256: clean(s.Opened.SHA256),
		Program: clean(s.Opened.Version), Operator: clean(s.Operator.String()), Unattended: s.Opened.Unattended,
		Journal: filepath.Base(path), Seq: s.Seq, Head: s.Head, EventAt: s.At,
		Stage: s.Stage(), Decision: string(s.Gate.Decision), OpenedAt: s.OpenedAt, PlannedT0: s.Schedule().T0,
		T0: s.T0, AbortAt: s.AbortAt(), BackupAt: s.BackupTime(), TriggersOff: s.TriggersOff, Watching: len(s.Observers),
		FencesOff: []string{}, Holds: []string{}, Doubt: []string{}, Phases: []Phase{},
		Interrupted: clean(s.Interrupted), Outcome: s.Outcome, Reason: clean(s.Reason), ClosedAt: s.ClosedAt,
	}
	for _, f := range s.FencesOff() {
		p.FencesOff = append(p.FencesOff, clean(f.Plan.ID))
	}
	if fault != nil {
		p.Fault = clean(fault.Error())
	}
	if n := len(s.Log); n > 0 {
		p.Event = s.Log[n-1].Text
	}
	next := s.Next(now)
	p.Waits, p.holding = next.Wait, len(next.Holds)
	for _, h := range next.Holds[:min(len(next.Holds), maxHolds)] {
		p.Holds = append(p.Holds, clean(h.Text))
	}
	for i := range s.Phases {
		p.add(&s.Phases[i], now)
	}
	return p
}

// add takes in a phase.
func (p *Picture) add(st *phases.PhaseState, now time.Time) {
	ph := Phase{
		ID: phases.Clean(st.Plan.ID), Title: phases.Clean(st.Plan.Title), Status: st.Status, Attempt: st.Attempt, Planned: st.Plan.Planned.Seconds(),
		StartedAt: st.StartedAt, EndedAt: st.EndedAt, Reason: phases.Clean(st.Reason), Tables: tables(st),
	}
	ph.Elapsed = ph.elapsed(now).Seconds()
	p.Phases = append(p.Phases, ph)
	switch st.Status {
	case phases.PhaseHolding:
		p.Hold = &OpenHold{Phase: ph.ID, Until: st.HoldUntil}
	case phases.PhaseInDoubt, phases.PhaseUnknown:
		p.Doubt = append(p.Doubt, ph.ID)
	}
	if l := st.Lock; l != nil {
		p.Lock = &Lock{Phase: ph.ID, Table: phases.Clean(l.Table), Waited: l.Waited.Seconds(), Blockers: len(l.Blockers)}
	}
}

// elapsed is how long the phase's last attempt takes, or took.
func (p Phase) elapsed(now time.Time) time.Duration {
	switch {
	case p.StartedAt.IsZero():
		return 0
	case p.Status.Open():
		return max(0, now.Sub(p.StartedAt))
	}
	return p.EndedAt.Sub(p.StartedAt)
}

// tables are those of which rows go or change.
func tables(st *phases.PhaseState) []Table {
	out := []Table{}
	rest := Table{Name: restName, Expected: -1}
	for _, t := range st.Tables {
		switch t.Role {
		case phases.RoleDelete, phases.RoleCascade, phases.RoleTouch:
		default:
			continue
		}
		if len(out) < maxTables {
			out = append(out, Table{phases.Clean(t.Name), t.Expected, t.Deleted, t.Cascaded, t.Updated, t.Inserted})
			continue
		}
		rest.Deleted += t.Deleted
		rest.Cascaded += t.Cascaded
		rest.Updated += t.Updated
		rest.Inserted += t.Inserted
	}
	if len(out) == maxTables && rest != (Table{Name: restName, Expected: -1}) {
		out = append(out, rest)
	}
	return out
}
