package phases

import (
	"fmt"
	"time"

	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// Apply moves the state on by one record of its journal. Records come in
// order, each once. An error means that the journal was written by a later
// version, or that it is not a run's; the state is then unchanged.
func (s *State) Apply(rec journal.Record) error {
	if rec.Seq != s.Seq+1 {
		return fmt.Errorf("line %d follows line %d: the journal is not read in order", rec.Seq, s.Seq)
	}
	e, err := Decode(rec)
	if err != nil {
		return err
	}
	if _, opened := e.(RunOpened); opened != (s.Seq == 0) {
		return fmt.Errorf("line %d: %s out of place: a journal is one run", rec.Seq, rec.Kind)
	}
	s.At = rec.At
	if err := s.apply(e); err != nil {
		return fmt.Errorf("line %d: %w", rec.Seq, err)
	}
	s.Seq, s.Head = rec.Seq, rec.Hash
	if level, text := describe(s, e); text != "" {
		s.Log = append(s.Log, LogLine{Seq: rec.Seq, At: rec.At, Level: level, Text: text})
	}
	return nil
}

// Fold gives the state after all of a journal's records.
func Fold(recs []journal.Record) (*State, error) {
	s := &State{}
	for _, rec := range recs {
		if err := s.Apply(rec); err != nil {
			return nil, err
		}
	}
	if s.Seq == 0 {
		return nil, journal.ErrEmpty
	}
	return s, nil
}

func (s *State) apply(e Event) error {
	switch e := e.(type) {
	case RunOpened:
		return s.open(e)
	case RunResumed:
		s.Operator, s.Target, s.Interrupted, s.Awaited = e.Operator, e.Target, "", nil
		s.WAL = max(s.WAL, e.Target.WAL)
		if e.GateAgain != "" {
			s.Gate = GateState{Approver: s.Gate.Approver, At: s.At, Closed: []string{e.GateAgain}}
		}
		s.Observers = nil // they were connected to the program that is gone
		s.cutActions()
	case SurveyTaken:
		s.Survey = &e.Survey
	case ServerAwaited:
		s.Awaited = nil
		if e.What != "" {
			s.Awaited = &Awaited{What: e.What, Phase: e.Phase, Since: s.At}
		}
	case NoteRecorded, BackendEnded:
		// Shown in the log; nothing else follows from them.
	case TriggersRecorded:
		s.recordTriggers(e.Triggers)
	case ConditionRaised:
		s.Conditions = append(s.Conditions, Condition{ConditionRaised: e, At: s.At})
	case WindowExtended:
		s.Extra += e.Extra
	case ObserverJoined:
		s.Observers = append(s.Observers, Observer{Name: e.Name, Fingerprint: e.Fingerprint, Session: e.Session, Since: s.At})
	case ObserverLeft:
		s.observerLeft(e.Session)
	case RunAborted:
		s.Outcome, s.Reason, s.EndedBy = Aborted, e.Reason, e.By
	case RunInterrupted:
		s.Interrupted, s.Awaited = e.Reason, nil
	case RunClosed:
		s.Outcome, s.ClosedAt = e.Outcome, s.At
	default:
		if !s.applyItem(e) && !s.applyPhase(e) {
			return fmt.Errorf("event %s has no place in the state", e.Kind())
		}
	}
	return nil
}

func (s *State) open(e RunOpened) error {
	book, err := runbook.Read(e.File, []byte(e.Source))
	if err != nil {
		return fmt.Errorf("the journal's runbook cannot be read by this version: %w", err)
	}
	s.Opened, s.Runbook, s.OpenedAt = e, book, s.At
	s.Operator, s.Target, s.WAL = e.Operator, e.Target, e.Target.WAL
	s.Items, s.Fields = map[string]*ItemState{}, map[string]FieldValue{}
	for i := range book.Phases {
		s.Phases = append(s.Phases, PhaseState{Plan: &book.Phases[i], Status: PhasePending, Step: -1})
		s.Phases[i].Tables = planTables(&book.Phases[i])
	}
	return nil
}

// cutActions ends the actions that ran when the program ended: whether the
// database did them, only a check can tell.
func (s *State) cutActions() {
	for _, it := range s.Items {
		if it.Action != nil && it.Action.Running {
			it.Action = &ActionState{Cut: true, Error: "the program ended before it was done: look at the check, and start it again", At: s.At}
		}
	}
}

// recordTriggers keeps the first record of each trigger: a second disabling
// would record the state that the first one made.
func (s *State) recordTriggers(triggers []Trigger) {
	s.TriggersOff = true
	have := map[[3]string]bool{}
	for _, t := range s.Triggers {
		have[[3]string{t.Schema, t.Table, t.Name}] = true
	}
	for _, t := range triggers {
		if !have[[3]string{t.Schema, t.Table, t.Name}] {
			s.Triggers = append(s.Triggers, t)
		}
	}
}

func (s *State) observerLeft(session string) {
	var stay []Observer
	for _, o := range s.Observers {
		if o.Session != session {
			stay = append(stay, o)
		}
	}
	s.Observers = stay
}

// applyItem applies what concerns the checklists and the gate.
func (s *State) applyItem(e Event) bool {
	switch e := e.(type) {
	case ItemTicked:
		it := s.itemState(e.Item)
		it.Ticked, it.Assumed, it.By, it.At = true, false, e.By, s.At
	case ItemAssumed:
		it := s.itemState(e.Item)
		it.Ticked, it.Assumed, it.At = true, true, s.At
	case ItemUnticked:
		it := s.itemState(e.Item)
		it.Ticked, it.Assumed, it.By, it.At = false, false, e.By, s.At
	case FieldRecorded:
		if e.Value == "" {
			delete(s.Fields, e.Field)
			break
		}
		s.Fields[e.Field] = FieldValue{Value: e.Value, By: e.By, At: s.At, Assumed: e.Assumed}
	case CheckAnswered:
		s.answer(e)
	case ChecksAsked:
		s.askedAgain(e)
	case ActionStarted:
		s.itemState(e.Item).Action = &ActionState{Running: true, At: s.At}
	case ActionDone:
		s.itemState(e.Item).Action = &ActionState{Error: e.Error, At: s.At}
		if e.Name == ActionRestoreTriggers && e.Error == "" {
			s.TriggersOff = false
		}
	case GatePassed:
		s.Gate = GateState{Decision: Go, Approver: e.Approver, Assumed: e.Assumed, At: s.At}
	case GateClosed:
		s.Gate = GateState{Approver: s.Gate.Approver, At: s.At, Closed: e.Holds}
	case NoGoDeclared:
		s.Gate = GateState{Decision: NoGoDecision, At: s.At}
		s.Outcome, s.Reason, s.EndedBy = NoGo, e.Reason, e.By
	default:
		return false
	}
	return true
}

func (s *State) itemState(id string) *ItemState {
	it := s.Items[id]
	if it == nil {
		it = &ItemState{}
		s.Items[id] = it
	}
	return it
}

func (s *State) answer(e CheckAnswered) {
	it := s.itemState(e.Item)
	if item, _, ok := s.Runbook.Item(e.Item); ok && item.Check != nil && item.Check.Name == "triggers.restored" && s.Triggers != nil {
		s.TriggersOff = !e.Pass
	}
	since := s.At
	if c := it.Check; c != nil && c.Pass == e.Pass && c.Error == e.Error {
		since = c.Since
	}
	it.Check = &CheckState{Pass: e.Pass, Value: e.Value, Error: e.Error, At: s.At, Took: e.Took, Since: since}
}

// askedAgain keeps like answers fresh.
func (s *State) askedAgain(e ChecksAsked) {
	for _, a := range e.Answers {
		if c := s.itemState(a.Item).Check; c != nil {
			c.Value, c.At, c.Took = a.Value, a.At, a.Took
		}
	}
}

// Phase is a phase's state, never nil.
func (s *State) Phase(id string) *PhaseState {
	for i := range s.Phases {
		if s.Phases[i].Plan.ID == id {
			return &s.Phases[i]
		}
	}
	return &PhaseState{Plan: &runbook.Phase{ID: id}}
}

// since is the time from a phase's start to this event.
func (s *State) since(p *PhaseState) time.Duration { return s.At.Sub(p.StartedAt) }
