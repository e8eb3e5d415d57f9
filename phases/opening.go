package phases

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// Operator is who drives a run.
type Operator struct {
	Name string `json:"name"` // login name
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

// String is "name@host".
func (o Operator) String() string { return o.Name + "@" + o.Host }

// Environment is how much is at stake.
type Environment string

// The environments.
const (
	Demo       Environment = "demo"
	Rehearsal  Environment = "rehearsal"
	Production Environment = "production"
)

// RunOpened is a journal's first event. It carries the runbook's whole text,
// so that a journal alone is enough to show, report or resume the run.
type RunOpened struct {
	RunID       string      `json:"run_id"`
	Version     string      `json:"version"` // of tminus
	File        string      `json:"file"`    // the runbook's file name, without its folder
	Source      string      `json:"source"`  // its text
	SHA256      string      `json:"sha256"`  // of its text
	Environment Environment `json:"environment"`
	Unattended  bool        `json:"unattended,omitempty"`
	Operator    Operator    `json:"operator"`
	Target      Identity    `json:"target"`
	PlannedT0   time.Time   `json:"planned_t0"`
	Planned     bool        `json:"planned,omitempty"` // somebody planned T-0; false: it is when the checklist has had its time; absent in old journals

	// Rehearsed is the rehearsal that the run is held against, in production
	// alone; nil in old journals, where nothing is.
	// RehearsalFound puts one in its place that was found later.
	Rehearsed *Rehearsed `json:"rehearsed,omitempty"`

	// NoGo is the run before, in production alone, when it ended as NO-GO so
	// shortly before that the time for the checklist begins anew; nil otherwise,
	// and in old journals.
	NoGo *NoGoBefore `json:"no_go,omitempty"`

	// RehearsalFile is the journal of the rehearsal that the operator named, as an
	// absolute path; empty: it is looked for in the state directory.
	RehearsalFile string `json:"rehearsal_file,omitempty"`
	// Copy is what the database was restored from, in a rehearsal alone.
	Copy *Copy `json:"copy,omitempty"`
	// Capsule is where what the phases take away is kept; nil: nowhere, as in old
	// journals.
	Capsule *CapsulePlace `json:"capsule,omitempty"`
	// TryUndo tells that the run, a rehearsal, puts back at its end what its phases
	// took.
	TryUndo bool `json:"try_undo,omitempty"`
	// SparesFences tells that the run, a rehearsal, switches nothing that stands
	// outside of its copy; false in old journals, where it did.
	SparesFences bool `json:"spares_fences,omitempty"`
	// Undoes is what a run undoes, which puts capsules back; nil for any other.
	Undoes *Undoes `json:"undoes,omitempty"`
	// Address is how the database was reached; nil in old journals.
	Address *Address `json:"address,omitempty"`
	// Program is how the program is called where the shell does not find it by its
	// name; empty where it does, and in old journals.
	Program string `json:"program,omitempty"`
	// LeftOff is what earlier runs in the database have left switched off, as far as
	// it was known; nil in old journals.
	LeftOff []LeftOff `json:"left_off,omitempty"`
}

// Kind implements Event.
func (RunOpened) Kind() string { return "run_opened" }

func (e RunOpened) apply(s *State) error {
	book, err := runbook.Read(e.File, []byte(e.Source))
	if err != nil {
		return fmt.Errorf("the journal's runbook cannot be read by this version: %w", err)
	}
	s.Opened, s.Runbook, s.OpenedAt, s.Preparing = e, book, s.At, true
	s.Operator, s.Target, s.WAL = e.Operator, e.Target, e.Target.WAL
	s.address, s.program = e.Address, e.Program
	s.Items, s.Fields = map[string]*ItemState{}, map[string]FieldValue{}
	for i := range book.Phases {
		s.Phases = append(s.Phases, PhaseState{Plan: &book.Phases[i], Status: PhasePending, Step: -1})
		s.Phases[i].Tables = planTables(&book.Phases[i])
	}
	if e.SparesFences {
		s.Spared = book.SpareFences()
	}
	for i := range book.Fences {
		s.Fences = append(s.Fences, FenceState{Plan: &book.Fences[i]})
	}
	return nil
}

func (e RunOpened) words(s *State) (Level, string) {
	text := fmt.Sprintf("run opened: %s, %s on database %s at %s, by %s", e.File, e.Environment, e.Target.Database, e.Target.Host, e.Operator)
	if r := e.Rehearsed; r != nil && r.Journal != "" {
		text += "; rehearsed: " + r.words()
	}
	if e.Copy != nil {
		text += "; " + e.Copy.words()
	}
	if e.Undoes != nil {
		text += "; " + e.Undoes.words()
	}
	if s.Spared != nil {
		text += "; not switched in a rehearsal: " + strings.Join(s.Spared, ", ")
	}
	for _, line := range s.Opening(s.At) {
		text += "; " + line
	}
	if s.Schedule().NoGo != nil || e.LeftOff != nil {
		return LevelWarn, text
	}
	return LevelInfo, text
}

// RunResumed occurs when a program takes up a journal that another left.
type RunResumed struct {
	Operator  Operator `json:"operator"`
	Target    Identity `json:"target"`
	TornBytes int      `json:"torn_bytes,omitempty"` // cut from the end of the journal
	GateAgain string   `json:"gate_again,omitempty"` // why the GO does not count any more; empty: it does
	Version   string   `json:"version"`
	// Address and Program are as in RunOpened; nil and empty where the database was
	// not asked for, and in old journals.
	Address *Address `json:"address,omitempty"`
	Program string   `json:"program,omitempty"`
}

// Kind implements Event.
func (RunResumed) Kind() string { return "run_resumed" }

func (e RunResumed) apply(s *State) error {
	s.Operator, s.Target, s.Interrupted, s.Awaited, s.Preparing = e.Operator, e.Target, "", nil, true
	s.WAL = max(s.WAL, e.Target.WAL)
	if e.Address != nil {
		s.address, s.program = e.Address, e.Program
	}
	if e.GateAgain != "" {
		s.Gate = GateState{Approver: s.Gate.Approver, At: s.At, Closed: []string{e.GateAgain}}
		s.endDepartures()
	}
	if s.UndoTrial != nil {
		s.UndoTrial.Running = false // it ended with the program; closing the run goes on with it
	}
	s.Observers = nil // they were connected to the program that is gone
	s.cutActions()
	s.cutFences()
	s.cutTellings()
	for i := range s.Phases {
		s.Phases[i].leaveMaintenance("the program ended before it was done", s.At)
	}
	return nil
}

func (e RunResumed) words(*State) (Level, string) {
	text := fmt.Sprintf("run resumed by %s", e.Operator)
	if e.TornBytes > 0 {
		text += fmt.Sprintf("; cut from the journal: %s of an unfinished last line", Plural(int64(e.TornBytes), "byte"))
	}
	if e.GateAgain != "" {
		text += "; " + e.GateAgain
	}
	return LevelWarn, text
}

// SurveyTaken occurs once the runbook's names are resolved and their reach is known.
type SurveyTaken struct{ Survey }

// Kind implements Event.
func (SurveyTaken) Kind() string { return "survey_taken" }

func (SurveyTaken) stirs(*State) check.Fact { return check.Rehearsal | check.Price }

func (e SurveyTaken) apply(s *State) error {
	s.Survey, s.Preparing = &e.Survey, false
	// What the run itself has changed since is no other schema.
	if e.Schema != nil && (s.Schema == nil || !s.TriggersOff && s.T0.IsZero()) {
		s.Schema = e.Schema
	}
	return nil
}

func (e SurveyTaken) words(*State) (Level, string) {
	reached := map[string]bool{}
	for _, r := range e.Reach {
		if !slices.Contains(e.Deletes, r.Table) {
			reached[r.Table] = true
		}
	}
	text := fmt.Sprintf("survey: deletes from %s, %s more through foreign keys, %s",
		Plural(int64(len(e.Deletes)), "table"), Plural(int64(len(reached)), "table"), Plural(int64(len(e.Triggers)), "trigger"))
	if e.Sessions > 0 {
		text += fmt.Sprintf(", %s at its widest", Plural(int64(e.Sessions), "session"))
	}
	for _, w := range e.Warnings {
		text += "; " + w
	}
	grave := e.Grave()
	for _, f := range grave[:min(len(grave), fewFindings)] {
		text += "; " + f.Text
	}
	if more := len(grave) - fewFindings; more > 0 {
		text += "; and " + Plural(int64(more), "finding") + " more"
	}
	if len(grave)+len(e.Warnings) == 0 {
		return LevelInfo, text
	}
	return LevelWarn, text
}

// fewFindings is how many of them a line takes: a pane and lint have them all.
const fewFindings = 5

// Grave are the findings that somebody should know before the window.
func (s Survey) Grave() []Finding {
	return slices.DeleteFunc(slices.Clone(s.Findings), func(f Finding) bool { return f.Severity == SeverityNote })
}

// ServerAwaited occurs when the database has not answered for a second, and,
// with nothing awaited, when it has.
type ServerAwaited struct {
	Phase string `json:"phase,omitempty"`
	What  string `json:"what"` // what is waited for: "count bookings"; empty: nothing any more
}

// Kind implements Event.
func (ServerAwaited) Kind() string { return "server_awaited" }

func (ServerAwaited) weight(*State) Weight { return Fleeting }

func (e ServerAwaited) apply(s *State) error {
	s.Awaited = nil
	if e.What != "" {
		s.Awaited = &Awaited{What: e.What, Phase: e.Phase, Since: s.At}
	}
	return nil
}

func (e ServerAwaited) words(*State) (Level, string) {
	if e.What == "" {
		return LevelInfo, "the database answers again"
	}
	return LevelInfo, "waiting for the database: " + e.What
}
