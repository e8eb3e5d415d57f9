package phases

import (
	"encoding/json"
	"fmt"
	"reflect"

	"tminus/phases/check"
	"tminus/phases/journal"
)

// Event is one fact of a run. Its fields are its wire form. Each stands with
// its family, with all that is to be known of it: what it is called on the
// wire, what follows from it, and what the log says of it.
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

	// apply moves a state on. The event's time is s.At.
	apply(s *State) error

	// words say the event in a line of the log, given the state after it was
	// applied. No text means no line: for progress, and for answers that say
	// what the last one said.
	words(s *State) (Level, string)
}

// kinds are all events, in the order of their introduction.
var kinds = []Event{
	RunOpened{},
	RunResumed{},
	SurveyTaken{},
	FindingsAcknowledged{},
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
	MaintenanceStarted{},
	MaintenanceEnded{},
	ActionProgressed{},
	BackupTaken{},
	BackupVerified{},
	BackupProven{},
	ScheduleLeft{},
	RehearsalFound{},
	SchemaChanged{},
	CapsuleProgressed{},
	CapsuleKept{},
	CapsuleLeft{},
	UndoTrialStarted{},
	UndoTrialProgressed{},
	UndoTried{},
	CapsuleRoom{},
	ChannelsExamined{},
	MessageComposed{},
	MessageRetried{},
	MessageSent{},
	MessageFailed{},
	ItemSigned{},
	ItemWaived{},
	WaiverWithdrawn{},
	SmokeDecided{},
	FenceRecorded{},
	FenceTaken{},
	FenceLiftStarted{},
	FenceLifted{},
	FenceFailed{},
	FenceSeen{},
	FenceLeft{},
	IndexBuilt{},
	IndexesDropped{},
	WayChosen{},
	ActivitySeen{},
}

// Weight is what the loss of an event in a power cut would cost.
type Weight int

// The weights. An event that declares none is Decisive.
const (
	// Decisive is on disk before anything follows from it, and behind the
	// evidence as it stood.
	Decisive Weight = iota
	// Factual is on disk before anything follows from it, and rests on no
	// check's answer.
	Factual
	// Fleeting tells how far something is, or that nothing has changed: it may
	// be lost.
	Fleeting
)

// WeightOf gives the weight of an event that is to be recorded, given the state
// before it.
func WeightOf(s *State, e Event) Weight {
	if w, ok := e.(interface{ weight(*State) Weight }); ok {
		return w.weight(s)
	}
	return Decisive
}

// Stirs are the facts that an event changes, given the state after it: checks
// whose answers rest on one of them are to be asked again.
func Stirs(s *State, e Event) check.Fact {
	if c, ok := e.(interface{ stirs(*State) check.Fact }); ok {
		return c.stirs(s)
	}
	return 0
}

// Decode gives the event of a record. It fails on a kind that this version does not know.
func Decode(rec journal.Record) (Event, error) {
	t, ok := types[rec.Kind]
	if !ok {
		return nil, fmt.Errorf("line %d: event %q is not known to this version: use the version that wrote the journal, or a later one", rec.Seq, rec.Kind)
	}
	if rec.Kind == (TableProgressed{}).Kind() {
		if e, ok := decodeProgress(rec.Data); ok {
			return e, nil
		}
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
