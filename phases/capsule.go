package phases

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CapsulePlace is where a run keeps what its phases take away. Each phase's
// capsule is a folder of its own there: see CapsuleFolder.
type CapsulePlace struct {
	Folder string `json:"folder"` // an absolute path
}

// Capsule is what one phase's transaction took away, as files outside of the
// database: enough to put it back.
type Capsule struct {
	Folder  string         `json:"folder"`           // its name below the run's own
	Gone    int64          `json:"gone"`             // rows that were deleted, by the phase, by foreign keys and by triggers
	Changed int64          `json:"changed"`          // rows that were updated, as they were and as they were left
	Added   int64          `json:"added"`            // rows that were inserted
	Tables  []CapsuleTable `json:"tables,omitempty"` // by the runbook's names, in the order of the capsule
	Bytes   int64          `json:"bytes"`            // of its files
	SHA256  string         `json:"sha256"`           // of its manifest, which has those of the files
	Took    time.Duration  `json:"took_ns"`
	Beside  []string       `json:"beside,omitempty"` // what the transaction did beside rows, which no undo takes back; nil for nothing
	Closed  bool           `json:"closed,omitempty"` // encrypted
}

// CapsuleTable is what a capsule has of one table.
type CapsuleTable struct {
	Table   string `json:"table"`
	Gone    int64  `json:"gone,omitempty"`
	Changed int64  `json:"changed,omitempty"`
	Added   int64  `json:"added,omitempty"`
}

// Rows are all that it has, each once.
func (c *Capsule) Rows() int64 { return c.Gone + c.Changed + c.Added }

// String is what an undo would do with it: "2,560,000 rows to bring back, 40
// values to set back".
func (c *Capsule) String() string { return BackWords(c.Gone, c.Changed, c.Added) }

// BackWords say what putting rows back means.
func BackWords(gone, changed, added int64) string {
	var parts []string
	for _, part := range []struct {
		n    int64
		what string
	}{{gone, "to bring back"}, {changed, "to set back"}, {added, "to take out"}} {
		if part.n > 0 {
			parts = append(parts, Rows(part.n)+" "+part.what)
		}
	}
	if parts == nil {
		return "nothing to bring back"
	}
	return strings.Join(parts, ", ")
}

// CapsuleFolder is the name of the folder that keeps what an attempt at a phase
// takes away.
func CapsuleFolder(phase string, attempt int) string { return phase + "." + strconv.Itoa(attempt) }

// Keeps reports whether what a phase takes away is kept. Journals of older
// versions keep nothing.
func (s *State) Keeps(p *PhaseState) bool {
	return s.Opened.Capsule != nil && s.Runbook.Keeps(p.Plan)
}

// CapsulePath is where a phase's capsule is; empty where it has none.
func (s *State) CapsulePath(p *PhaseState) string {
	if p.Capsule == nil || s.Opened.Capsule == nil {
		return ""
	}
	return filepath.Join(s.Opened.Capsule.Folder, p.Capsule.Folder)
}

// CapsuleProgressed occurs a few times a second while what a phase took away is
// written out.
type CapsuleProgressed struct {
	Phase string `json:"phase"`
	CapsuleProgress
}

// CapsuleProgress is how far it is. The zero value has not begun.
type CapsuleProgress struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`  // written
	Total int64  `json:"total"` // as the server counted them
	Bytes int64  `json:"bytes"` // of their text
}

// Kind implements Event.
func (CapsuleProgressed) Kind() string { return "capsule_progressed" }

func (CapsuleProgressed) weight(*State) Weight { return Fleeting }

func (e CapsuleProgressed) apply(s *State) error {
	p := s.Phase(e.Phase)
	progress := e.CapsuleProgress
	p.Status, p.Keeping, p.Step = PhaseVerifying, &progress, -1
	return nil
}

func (CapsuleProgressed) words(*State) (Level, string) { return "", "" }

// CapsuleKept occurs when all that a phase took away is on disk, and what is
// there was found to be all.
type CapsuleKept struct {
	Phase string `json:"phase"`
	Capsule
}

// Kind implements Event.
func (CapsuleKept) Kind() string { return "capsule_kept" }

func (e CapsuleKept) apply(s *State) error {
	p := s.Phase(e.Phase)
	kept := e.Capsule
	p.Capsule, p.Keeping = &kept, nil
	return nil
}

func (e CapsuleKept) words(s *State) (Level, string) {
	text := fmt.Sprintf("%s: capsule: %s of %s, %s on disk, kept in %s: %s", s.PhaseName(e.Phase), Rows(e.Rows()),
		Plural(int64(len(e.Tables)), "table"), Bytes(e.Bytes), Span(e.Took), Clean(e.Folder))
	if len(e.Beside) > 0 {
		return LevelWarn, text + "; not in it: " + allOf(e.Beside)
	}
	return LevelGood, text
}

// CapsuleLeft occurs when the capsule of a phase that was rolled back could not
// be removed: what it holds is in the database.
type CapsuleLeft struct {
	Phase  string `json:"phase"`
	Folder string `json:"folder"`
	Error  string `json:"error"`
}

// Kind implements Event.
func (CapsuleLeft) Kind() string { return "capsule_left" }

func (CapsuleLeft) apply(*State) error { return nil }

func (e CapsuleLeft) words(s *State) (Level, string) {
	return LevelWarn, fmt.Sprintf("%s: its capsule could not be removed, although nothing was committed: %s: remove it by hand: %s", s.PhaseName(e.Phase), e.Error, e.Folder)
}

// SpareCapsules are the folders of attempts that came to nothing, whether or not
// they are there: of every attempt but one that is committed, or may be.
func (s *State) SpareCapsules() []CapsuleLeft {
	if s.Opened.Capsule == nil {
		return nil
	}
	var out []CapsuleLeft
	for i := range s.Phases {
		p := &s.Phases[i]
		last := p.Attempt
		if s.Keeps(p) && p.Status != PhaseIsRolledBack && p.Status != PhasePending {
			last--
		}
		for attempt := 1; attempt <= last; attempt++ {
			out = append(out, CapsuleLeft{Phase: p.Plan.ID, Folder: filepath.Join(s.Opened.Capsule.Folder, CapsuleFolder(p.Plan.ID, attempt))})
		}
	}
	return out
}
