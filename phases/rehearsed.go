package phases

import (
	"fmt"
	"time"
)

// Rehearsed is what a run in production knows of a rehearsal of its runbook, from
// the rehearsal's journal. It is recorded when the run opens, so that the run's
// own journal is enough to judge it. The zero value is a rehearsal that nobody
// found.
type Rehearsed struct {
	Journal     string           `json:"journal"` // the file's name, without its folder; empty: none was found
	RunID       string           `json:"run_id,omitempty"`
	Head        string           `json:"head,omitempty"`   // hash of its last line
	SHA256      string           `json:"sha256,omitempty"` // of its runbook
	Environment Environment      `json:"environment,omitempty"`
	Outcome     Outcome          `json:"outcome,omitempty"`   // empty: it has not ended
	EndedAt     time.Time        `json:"ended_at,omitzero"`   // of its last line
	Phases      []RehearsedPhase `json:"phases,omitempty"`    // in their order
	Counts      []TableCount     `json:"counts,omitempty"`    // of its baseline, protected tables among them
	Schema      *SchemaPrint     `json:"schema,omitempty"`    // nil in journals of older versions
	Troubles    []string         `json:"troubles,omitempty"`  // what went otherwise than it should, a sentence's part each
	Protected   int              `json:"protected,omitempty"` // tables found with their baseline's content at the end of its last phase

	// UndoLacks is why its trial of the undo proves nothing; empty where it does, and
	// where there was none.
	UndoLacks string `json:"undo_lacks,omitempty"`

	// Copy is what its database was restored from; nil where somebody made it.
	Copy *Copy `json:"copy,omitempty"`

	// Differs are the first lines in which its runbook and this one differ; nil
	// where it is the same.
	Differs []string `json:"differs,omitempty"`
}

// RehearsedPhase is what came of one phase in a rehearsal.
type RehearsedPhase struct {
	Phase    string           `json:"phase"`
	Status   PhaseStatus      `json:"status"`
	Accepted bool             `json:"accepted,omitempty"` // it was undone, and a human let it count as committed
	Worked   time.Duration    `json:"worked_ns"`          // without the wait for locks and for people; 0: it never was ready
	Took     time.Duration    `json:"took_ns"`
	WAL      int64            `json:"wal,omitempty"`     // bytes that the server wrote meanwhile, for whomever
	Undo     time.Duration    `json:"undo_ns,omitempty"` // that putting it back took, as proven; 0: nobody tried
	Tables   []RehearsedTable `json:"tables,omitempty"`
}

// RehearsedTable is what a phase of a rehearsal did to one table's rows.
type RehearsedTable struct {
	Table    string `json:"table"`
	Deleted  int64  `json:"deleted,omitempty"`
	Cascaded int64  `json:"cascaded,omitempty"`
	Updated  int64  `json:"updated,omitempty"`
	Inserted int64  `json:"inserted,omitempty"`
}

// RehearsedBy is what a run that is to open with a runbook's source should know
// of another run, whose journal folds to s.
func RehearsedBy(s *State, journal, source string) Rehearsed {
	out := Rehearsed{
		Journal: journal, RunID: s.Opened.RunID, Head: s.Head, SHA256: s.Opened.SHA256, Environment: s.Opened.Environment,
		Outcome: s.Outcome, EndedAt: s.At, Schema: s.Schema, Copy: s.Opened.Copy, Differs: differingLines(s.Opened.Source, source),
	}
	if s.ClosedAt.IsZero() {
		out.Outcome = ""
	}
	if t := s.UndoTrial; t != nil && t.Result != nil {
		out.UndoLacks = t.Result.Lacks()
	}
	out.Troubles, out.Protected = s.troubles(), s.protectedAtEnd()
	for i := range s.Phases {
		p := &s.Phases[i]
		done := RehearsedPhase{Phase: p.Plan.ID, Status: p.Status, Accepted: p.Accepted, Worked: p.Worked(), Took: p.Took, WAL: p.WAL, Undo: p.UndoTook}
		for _, t := range p.Tables {
			if e := t.Effect(); e != (Effect{}) {
				done.Tables = append(done.Tables, RehearsedTable{t.Name, e.Deleted, e.Cascaded, e.Updated, e.Inserted})
			}
		}
		out.Phases = append(out.Phases, done)
	}
	if b := s.Baseline; b != nil {
		out.Counts = append(out.Counts, b.Counts...)
		for _, f := range b.Protected {
			out.Counts = append(out.Counts, TableCount{Table: f.Table, Rows: f.Rows})
		}
	}
	return out
}

// words say which one it is, in a sentence's part.
func (r *Rehearsed) words() string {
	text := fmt.Sprintf("%s, %s UTC, head %.12s", r.Journal, r.EndedAt.UTC().Format(time.DateTime), r.Head)
	if r.Copy != nil {
		text += ", on " + r.Copy.String()
	}
	return text
}

// Phase is what came of a phase; nil where nobody knows, as where another runbook
// was rehearsed.
func (r *Rehearsed) Phase(id string) *RehearsedPhase {
	if r == nil || r.Differs != nil {
		return nil
	}
	for i := range r.Phases {
		if r.Phases[i].Phase == id {
			return &r.Phases[i]
		}
	}
	return nil
}

// Time is how long a phase worked in the rehearsal; 0 where nobody knows.
func (p *RehearsedPhase) Time() time.Duration {
	if p == nil {
		return 0
	}
	return p.Worked
}

// rows are all that the phase took, changed or put in.
func (p *RehearsedPhase) rows() int64 {
	var sum int64
	for _, t := range p.Tables {
		sum += Effect{t.Deleted, t.Cascaded, t.Updated, t.Inserted}.rows()
	}
	return sum
}

// Rows are a table's rows in the rehearsal's baseline, or those that match a
// condition; -1 where they were not counted.
func (r *Rehearsed) Rows(table, where string) int64 {
	if r == nil {
		return -1
	}
	return (&Baseline{Counts: r.Counts}).rows(table, where)
}
