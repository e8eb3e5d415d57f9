package phases

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"tminus/phases/journal"
)

// Event is one fact of a run. Its fields are its wire form.
//
// Rules for changing events, because a journal written today is read by every
// later version:
//   - a kind is never renamed or given another meaning; a field neither;
//   - a new field's absence must mean what the event meant before it existed;
//   - a kind is added at the end of kinds, with a sentence on when it occurs;
//   - an unknown kind stops an older reader: it must not guess what a run did.
type Event interface {
	// Kind is the wire name, in the past participle.
	Kind() string
}

// kinds are all events, in the order of their introduction.
var kinds = []Event{
	RunOpened{},
	RunResumed{},
	SurveyTaken{},
	ItemTicked{},
	ItemUnticked{},
	ItemAssumed{},
	FieldRecorded{},
	CheckAnswered{},
	ActionStarted{},
	TriggersRecorded{},
	ActionDone{},
	GatePassed{},
	GateClosed{},
	NoGoDeclared{},
	PhaseStarted{},
	LockWaited{},
	TablesLocked{},
	StepStarted{},
	TableProgressed{},
	StepDone{},
	TableCounted{},
	BaselineTaken{},
	PhaseVerified{},
	HoldOpened{},
	CommitIntended{},
	CommitDoubted{},
	DoubtExamined{},
	PhaseCommitted{},
	PhaseRolledBack{},
	PhasePassed{},
	PhaseFailed{},
	OutcomeUnknown{},
	ConditionRaised{},
	WindowExtended{},
	NoteRecorded{},
	BackendEnded{},
	ObserverJoined{},
	ObserverLeft{},
	RunAborted{},
	RunInterrupted{},
	RunClosed{},
	PhaseUndone{},
	PhaseConfirmed{},
	UndoneAccepted{},
	ChecksAsked{},
	ServerAwaited{},
}

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
}

// RunResumed occurs when a program takes up a journal that another left.
type RunResumed struct {
	Operator  Operator `json:"operator"`
	Target    Identity `json:"target"`
	TornBytes int      `json:"torn_bytes,omitempty"` // cut from the end of the journal
	GateAgain string   `json:"gate_again,omitempty"` // why the GO does not count any more; empty: it does
	Version   string   `json:"version"`
}

// SurveyTaken occurs once the runbook's names are resolved and their reach is known.
type SurveyTaken struct{ Survey }

// ItemTicked occurs when the operator ticks an item.
type ItemTicked struct {
	Item string `json:"item"`
	By   string `json:"by"`
}

// ItemUnticked occurs when the operator takes a tick back, or a recorded field is changed.
type ItemUnticked struct {
	Item   string `json:"item"`
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// ItemAssumed occurs in unattended runs in the place of ItemTicked: nobody looked.
type ItemAssumed struct {
	Item string `json:"item"`
}

// FieldRecorded occurs when a field of an item gets a value. An unattended
// run's values are assumed.
type FieldRecorded struct {
	Item    string `json:"item"`
	Field   string `json:"field"`
	Value   string `json:"value"` // times in RFC 3339
	By      string `json:"by"`
	Assumed bool   `json:"assumed,omitempty"`
}

// CheckAnswered occurs when an item's check has answered, and not as before. In
// old journals it occurs for each answer.
type CheckAnswered struct {
	Item  string        `json:"item"`
	Pass  bool          `json:"pass"`
	Value string        `json:"value,omitempty"` // what was found
	Error string        `json:"error,omitempty"` // why it could not be found
	Took  time.Duration `json:"took_ns"`
}

// ChecksAsked occurs from time to time for the checks that answered as before:
// it is what keeps their answers fresh.
type ChecksAsked struct {
	Answers []AskedAgain `json:"answers"`
}

// AskedAgain is the last of several like answers of a check: it passed or
// failed as before.
type AskedAgain struct {
	Item  string        `json:"item"`
	Value string        `json:"value,omitempty"`
	At    time.Time     `json:"at"`
	Took  time.Duration `json:"took_ns"`
}

// ServerAwaited occurs when the database has not answered for a second, and,
// with nothing awaited, when it has.
type ServerAwaited struct {
	Phase string `json:"phase,omitempty"`
	What  string `json:"what"` // what is waited for: "count bookings"; empty: nothing any more
}

// ActionStarted occurs before an item's action touches the database.
type ActionStarted struct {
	Item string `json:"item"`
	Name string `json:"name"`
	By   string `json:"by"`
}

// TriggersRecorded occurs before triggers are disabled: it is what brings them back.
type TriggersRecorded struct {
	Triggers []Trigger `json:"triggers"`
}

// ActionDone occurs when an item's action has ended, well or not.
type ActionDone struct {
	Item  string `json:"item"`
	Name  string `json:"name"`
	Error string `json:"error,omitempty"`
}

// GatePassed is the GO.
type GatePassed struct {
	Approver string `json:"approver"`
	By       string `json:"by"`
	Assumed  bool   `json:"assumed,omitempty"` // unattended: nobody approved
}

// GateClosed occurs when something that the GO rested on no longer holds, before the first phase.
type GateClosed struct {
	Holds []string `json:"holds"`
}

// NoGoDeclared is the NO-GO. It ends the run.
type NoGoDeclared struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// PhaseStarted occurs before a phase's transaction begins. The first one's time is T-0.
type PhaseStarted struct {
	Phase   string `json:"phase"`
	Attempt int    `json:"attempt"` // 1 for the first
	By      string `json:"by"`
	Tx      TxID   `json:"tx"` // zero: not begun yet
}

// LockWaited occurs while a phase waits for its locks, and while one of its
// statements waits for another session; then no blockers mean that the wait is over.
type LockWaited struct {
	Phase string `json:"phase"`
	LockWait
}

// TablesLocked occurs when a phase holds its locks.
type TablesLocked struct {
	Phase  string        `json:"phase"`
	Tx     TxID          `json:"tx"`
	Tables []string      `json:"tables"`
	Waited time.Duration `json:"waited_ns"`
}

// StepStarted occurs before a step's statement.
type StepStarted struct {
	Phase string `json:"phase"`
	Step  int    `json:"step"` // from 0
}

// TableProgressed occurs a few times a second while a delete runs.
type TableProgressed struct {
	Phase       string             `json:"phase"`
	Step        int                `json:"step"`
	Deleted     int64              `json:"deleted"`
	BlocksDone  int64              `json:"blocks_done,omitempty"`
	BlocksTotal int64              `json:"blocks_total,omitempty"`
	Touched     map[string]Touched `json:"touched,omitempty"`
}

// StepDone occurs when a step's statements have ended.
type StepDone struct {
	Phase   string             `json:"phase"`
	Step    int                `json:"step"`
	Command string             `json:"command,omitempty"` // of the command tag: what was done to the rows; empty in old journals
	Rows    int64              `json:"rows"`
	Took    time.Duration      `json:"took_ns"`
	Touched map[string]Touched `json:"touched,omitempty"`
	Changes []Change           `json:"changes,omitempty"`
}

// TableCounted occurs when a phase has counted a table.
type TableCounted struct {
	Phase string `json:"phase"`
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// BaselineTaken occurs once, in the first phase.
type BaselineTaken struct {
	Phase string `json:"phase"`
	Baseline
}

// VerificationKind is what a verification looks at.
type VerificationKind string

// The kinds of verification.
const (
	VerifyZero        VerificationKind = "zero"        // no row left
	VerifyFilled      VerificationKind = "filled"      // at least one row
	VerifyRows        VerificationKind = "rows"        // a step touched as many rows as the runbook says
	VerifyProtected   VerificationKind = "protected"   // count and content as at the baseline
	VerifyTouched     VerificationKind = "touched"     // nothing touched that the runbook and its reach do not account for
	VerifyConstraints VerificationKind = "constraints" // deferred constraints hold
)

// Verification is one line of what was verified before COMMIT.
type Verification struct {
	Kind   VerificationKind `json:"verification"`
	Name   string           `json:"name"` // table, or step
	Want   string           `json:"want"`
	Got    string           `json:"got"`
	Pass   bool             `json:"pass"`
	Detail string           `json:"detail,omitempty"`
	// Unknown is why nobody knows whether it holds; empty when somebody does.
	// What is unknown is no pass.
	Unknown string `json:"unknown,omitempty"`
	// Rows is the count behind Got, where there is one.
	Rows int64 `json:"rows"`
}

// PhaseVerified occurs when all verifications of a phase have been made, on its own connection.
type PhaseVerified struct {
	Phase   string             `json:"phase"`
	Results []Verification     `json:"results"`
	Touched map[string]Touched `json:"touched,omitempty"`
	Changes []Change           `json:"changes,omitempty"`
}

// HoldOpened occurs when a verified phase waits for COMMIT or ROLLBACK.
type HoldOpened struct {
	Phase string    `json:"phase"`
	Until time.Time `json:"until"` // then it is rolled back
}

// CommitIntended is on disk before COMMIT is sent.
type CommitIntended struct {
	CommitIntent
	By string `json:"by"`
}

// CommitDoubted occurs when COMMIT was sent and no definite answer came.
type CommitDoubted struct {
	Phase string `json:"phase"`
	Error string `json:"error"`
}

// DoubtExamined occurs with each look at a COMMIT in doubt.
type DoubtExamined struct {
	Phase  string `json:"phase"`
	Detail string `json:"detail"`
}

// PhaseCommitted occurs when a COMMIT is known to have happened.
type PhaseCommitted struct {
	Phase   string        `json:"phase"`
	Took    time.Duration `json:"took_ns"`           // from PhaseStarted
	Settled bool          `json:"settled,omitempty"` // known from the ledger, not from COMMIT's answer
	WAL     LSN           `json:"wal,omitempty"`     // what the server had on disk afterwards; 0 when it did not say
}

// PhaseUndone occurs when the database does not hold what a phase committed: a
// restore, a copy from before it, or rows that were put back.
type PhaseUndone struct {
	Phase  string `json:"phase"`
	Reason string `json:"reason"`
	// Ledger tells whether the ledger still has the phase's row: then it was
	// committed here, and its tables were filled again since.
	Ledger bool `json:"ledger"`
}

// PhaseConfirmed occurs when a phase that was called undone is found committed
// after all: in the run's own database, or after what was put back is gone.
type PhaseConfirmed struct {
	Phase string `json:"phase"`
}

// UndoneAccepted occurs when the operator, having looked, lets a phase that the
// ledger proves count as committed although its tables hold rows again.
type UndoneAccepted struct {
	Phase  string `json:"phase"`
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// PhaseRolledBack occurs when a phase is known to have had no effect.
type PhaseRolledBack struct {
	Phase   string        `json:"phase"`
	Reason  string        `json:"reason"`
	By      string        `json:"by,omitempty"` // the operator; empty when tminus did
	Took    time.Duration `json:"took_ns"`
	Settled bool          `json:"settled,omitempty"`
}

// PhasePassed occurs when a read-only phase's verifications all hold.
type PhasePassed struct {
	Phase string        `json:"phase"`
	Took  time.Duration `json:"took_ns"`
}

// PhaseFailed occurs when a read-only phase could not run or a verification of it fails.
type PhaseFailed struct {
	Phase  string        `json:"phase"`
	Reason string        `json:"reason"`
	Took   time.Duration `json:"took_ns"`
}

// OutcomeUnknown occurs when a COMMIT in doubt cannot be settled by the program.
type OutcomeUnknown struct {
	Phase  string `json:"phase"`
	Reason string `json:"reason"`
}

// Strength is what an abort condition does.
type Strength string

// The strengths.
const (
	HoldStrength     Strength = "hold"
	RollbackStrength Strength = "roll_back"
)

// ConditionRaised occurs when an abort condition is met.
type ConditionRaised struct {
	Condition string   `json:"condition"` // window_over, phase_slow, …
	Strength  Strength `json:"strength"`
	Phase     string   `json:"phase,omitempty"`
	Detail    string   `json:"detail"`
}

// WindowExtended occurs when somebody takes responsibility for a later abort limit.
type WindowExtended struct {
	By     string        `json:"by"` // the name that was typed
	Reason string        `json:"reason"`
	Extra  time.Duration `json:"extra_ns"`
}

// NoteRecorded is a remark of the operator's for the execution log.
type NoteRecorded struct {
	Text string `json:"text"`
	By   string `json:"by"`
}

// BackendEnded occurs when another session was cancelled or terminated on the operator's command.
type BackendEnded struct {
	PID        uint32 `json:"pid"`
	Terminated bool   `json:"terminated"` // false: only its statement was cancelled
	By         string `json:"by"`
	Error      string `json:"error,omitempty"`
}

// ObserverJoined occurs when a mirror session starts.
type ObserverJoined struct {
	Name        string `json:"name"` // the key's comment
	Fingerprint string `json:"fingerprint"`
	Session     string `json:"session"`
}

// ObserverLeft occurs when a mirror session ends.
type ObserverLeft struct {
	Session string `json:"session"`
}

// RunAborted ends a run after the GO.
type RunAborted struct {
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"` // empty: tminus did
}

// RunInterrupted occurs when the program leaves a run that can be resumed.
type RunInterrupted struct {
	Reason string `json:"reason"`
}

// Outcome is how a run ended.
type Outcome string

// The outcomes. The zero value belongs to a run that has not ended.
const (
	Completed  Outcome = "completed"
	NoGo       Outcome = "no_go"
	Aborted    Outcome = "aborted"
	Unfinished Outcome = "unfinished"
)

// RunClosed is a journal's last event. A journal without one is unfinished, or was cut.
type RunClosed struct {
	Outcome Outcome `json:"outcome"`
}

// Decode gives the event of a record. It fails on a kind that this version does not know.
func Decode(rec journal.Record) (Event, error) {
	t, ok := types[rec.Kind]
	if !ok {
		return nil, fmt.Errorf("line %d: event %q is not known to this version: use the version that wrote the journal, or a later one", rec.Seq, rec.Kind)
	}
	v := reflect.New(t)
	if err := json.Unmarshal(rec.Data, v.Interface()); err != nil {
		return nil, fmt.Errorf("line %d: read event %s: %w", rec.Seq, rec.Kind, err)
	}
	return v.Elem().Interface().(Event), nil
}

var types = func() map[string]reflect.Type {
	m := map[string]reflect.Type{}
	for _, e := range kinds {
		m[e.Kind()] = reflect.TypeOf(e)
	}
	return m
}()
