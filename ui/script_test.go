package ui

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// script is a run without a database: it answers commands with the events that
// an engine would record if all went well. It is a phases.Commander.
type script struct {
	t     testing.TB
	state *phases.State
	now   time.Time
	recs  []journal.Record
	asked []phases.Command
}

// newScript opens a run of the guide's runbook.
func newScript(t testing.TB) *script {
	t.Helper()
	return newScriptOf(t, string(runbook.Guide(runbook.Site{})))
}

// newScriptOf opens a run of a runbook.
func newScriptOf(t testing.TB, source string) *script {
	t.Helper()
	s := &script{t: t, state: &phases.State{}, now: fixtureNow}
	id := phases.Identity{Host: "db.example", Port: 5432, Database: "gym_demo", User: "dba", ServerVersion: "15.4", VersionNum: 150004}
	s.record(phases.RunOpened{
		RunID: "r1", Version: "0", File: "guide.yaml", Source: source, Environment: phases.Demo,
		Operator: phases.Operator{Name: "dba", Host: "ops1"}, Target: id, PlannedT0: fixtureT0,
	})
	return s
}

// record appends an event.
func (s *script) record(e phases.Event) {
	s.t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		s.t.Fatal(err)
	}
	rec := journal.Record{Seq: s.state.Seq + 1, At: s.now, Kind: e.Kind(), Data: data, Hash: fmt.Sprintf("%064d", s.state.Seq+1)}
	if err := s.state.Apply(rec); err != nil {
		s.t.Fatal(err)
	}
	s.recs = append(s.recs, rec)
}

// Do implements phases.Commander.
func (s *script) Do(c phases.Command) error {
	s.asked = append(s.asked, c)
	if err := s.state.Can(c, s.now); err != nil {
		return err
	}
	switch c := c.(type) {
	case phases.Tick:
		s.record(phases.ItemTicked{Item: c.Item, By: "dba@ops1"})
	case phases.Record:
		s.field(c)
	case phases.Recheck:
		s.checks()
	case phases.Act:
		s.act(c.Item, "dba@ops1")
	case phases.Tell:
		s.tell(c)
	case phases.Acknowledge:
		s.record(phases.FindingsAcknowledged{Code: c.Code, Who: c.Who, By: "dba@ops1"})
	case phases.PassGate:
		s.record(phases.GatePassed{Approver: c.Approver, By: "dba@ops1"})
	case phases.StartPhase:
		s.phase(c.Phase)
	case phases.Commit:
		s.record(phases.CommitIntended{CommitIntent: phases.CommitIntent{Phase: c.Phase}})
		s.record(phases.PhaseCommitted{Phase: c.Phase})
	case phases.Sign, phases.Withdraw, phases.ExtendWindow:
		events, err := c.(phases.Recorded).Events(s.state, "dba@ops1", s.now)
		if err != nil {
			s.t.Fatal(err)
		}
		s.record(events[0])
	case phases.EndBackend:
		s.record(phases.BackendEnded{PID: c.PID, Terminated: c.Terminate, By: "dba@ops1"})
	case phases.CloseRun:
		s.record(phases.RunClosed{Outcome: phases.Completed})
	default:
		s.t.Fatalf("the script has no answer to %T", c)
	}
	return nil
}

func (s *script) act(item, by string) {
	it, _, _ := s.state.Runbook.Item(item)
	s.record(phases.ActionStarted{Item: item, Name: it.Action.Name, By: by})
	switch it.Action.Name {
	case runbook.TakeBackup:
		taken := phases.Backup{ID: "gym-1", Location: "/var/backups/gym/gym-1", At: s.now}
		s.record(phases.BackupTaken{Item: item, Backup: taken})
		for _, e := range s.state.Recording(taken, by) {
			s.record(e)
		}
	case runbook.TakeFence:
		s.record(phases.FenceRecorded{Fence: it.Fence, Mark: phases.FenceMark{Text: "on"}, By: by})
		s.record(phases.FenceTaken{Fence: it.Fence, Mark: phases.FenceMark{Text: "off"}})
	case runbook.LiftFence:
		s.record(phases.FenceLiftStarted{Fence: it.Fence, By: by})
		s.record(phases.FenceLifted{Fence: it.Fence, Mark: phases.FenceMark{Text: "on"}})
	case runbook.DisableTriggers:
		s.record(phases.TriggersRecorded{Triggers: []phases.Trigger{{Table: "t", Name: "tr"}}})
	}
	s.record(phases.ActionDone{Item: item, Name: it.Action.Name})
	s.checks()
}

// tell has each channel take a message at once.
func (s *script) tell(c phases.Tell) {
	m, _ := s.state.Runbook.Message(c.Message)
	e := s.state.Compose(m, "", "", "dba@ops1", s.now)
	s.record(e)
	for _, id := range e.To {
		s.record(phases.MessageSent{Number: e.Number, Message: m.ID, Channel: id, Attempts: 1})
	}
}

func (s *script) field(c phases.Record) {
	f, ok := s.state.Runbook.Field(c.Field)
	if !ok {
		s.t.Fatalf("no field %s", c.Field)
	}
	value, err := phases.ParseField(f, c.Value, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	s.record(phases.FieldRecorded{Item: c.Item, Field: c.Field, Value: value, By: "dba@ops1"})
}

// checks answers every check with a pass; those of actions only once they are done.
func (s *script) checks() {
	for _, g := range s.state.Runbook.Groups() {
		for _, it := range g.Items {
			if it.Check == nil {
				continue
			}
			a := s.state.Item(it.ID).Action
			done := it.Action == nil || a != nil && !a.Running
			s.record(phases.CheckAnswered{Item: it.ID, Pass: done, Value: "as wanted"})
		}
	}
}

func (s *script) phase(id string) {
	p, _ := s.state.Runbook.Phase(id)
	s.record(phases.PhaseStarted{Phase: id, Attempt: 1, By: "dba@ops1"})
	if !p.Writes() {
		s.record(phases.PhasePassed{Phase: id})
		return
	}
	s.record(phases.TablesLocked{Phase: id})
	for i := range p.Steps {
		s.record(phases.StepStarted{Phase: id, Step: i})
		s.record(phases.StepDone{Phase: id, Step: i, Rows: 10})
	}
	s.record(phases.PhaseVerified{Phase: id, Results: []phases.Verification{{Kind: phases.VerifyZero, Name: "t", Pass: true}}})
	s.record(phases.HoldOpened{Phase: id, Until: s.now.Add(2 * time.Minute)})
}
