package phases

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tminus/phases/runbook"
)

// MaintenanceState is what is known of one piece of work after a phase's COMMIT.
type MaintenanceState struct {
	Plan      runbook.Maintenance
	StartedAt time.Time // zero before it
	EndedAt   time.Time // zero until it is done, failed, or left out
	Took      time.Duration
	Error     string // why it is not done; empty when it is, or has not ended
	By        string // who skipped it; empty for nobody
}

// Open reports whether it runs, or is still to run.
func (m *MaintenanceState) Open() bool { return m.EndedAt.IsZero() }

// MaintenanceStarted occurs before a piece of maintenance is sent to the server.
type MaintenanceStarted struct {
	Phase string `json:"phase"`
	Index int    `json:"index"` // in the phase's after_commit, from 0
}

// Kind implements Event.
func (MaintenanceStarted) Kind() string { return "maintenance_started" }

func (e MaintenanceStarted) apply(s *State) error {
	if m := s.Phase(e.Phase).maintenance(e.Index); m != nil {
		m.StartedAt = s.At
	}
	return nil
}

func (e MaintenanceStarted) words(s *State) (Level, string) {
	return LevelInfo, fmt.Sprintf("%s: %s: started", s.PhaseName(e.Phase), s.Phase(e.Phase).maintenanceName(e.Index))
}

// MaintenanceEnded occurs when it is done, failed, or was skipped. What the
// phase committed stands, whatever became of it.
type MaintenanceEnded struct {
	Phase string        `json:"phase"`
	Index int           `json:"index"`
	Took  time.Duration `json:"took_ns"`
	Error string        `json:"error,omitempty"` // why it is not done; empty when it is
	By    string        `json:"by,omitempty"`    // who skipped it
}

// Kind implements Event.
func (MaintenanceEnded) Kind() string { return "maintenance_ended" }

func (e MaintenanceEnded) apply(s *State) error {
	if m := s.Phase(e.Phase).maintenance(e.Index); m != nil {
		m.EndedAt, m.Took, m.Error, m.By = s.At, e.Took, e.Error, e.By
	}
	return nil
}

func (e MaintenanceEnded) words(s *State) (Level, string) {
	text := fmt.Sprintf("%s: %s", s.PhaseName(e.Phase), s.Phase(e.Phase).maintenanceName(e.Index))
	if e.Error == "" {
		return LevelInfo, text + ": done in " + Span(e.Took)
	}
	return LevelWarn, text + ": not done, and nothing that was committed is undone by that: " + e.Error + by(e.By)
}

// SkipMaintenance cancels what runs after a phase's COMMIT, and leaves out the rest of it.
type SkipMaintenance struct{}

func (SkipMaintenance) can(s *State, _ time.Time) error {
	if s.Maintaining() == nil {
		return errors.New("no maintenance runs")
	}
	return nil
}

// Maintaining is the first piece of maintenance that runs, or is still to run;
// nil when there is none.
func (s *State) Maintaining() *MaintenanceState {
	for i := range s.Phases {
		for j := range s.Phases[i].Maintenance {
			if m := &s.Phases[i].Maintenance[j]; m.Open() {
				return m
			}
		}
	}
	return nil
}

// planMaintenance is what is to be done after a phase's COMMIT: what the runbook
// says, or what the survey found worth it. lost is why it will not be; empty when
// it will.
func (p *PhaseState) planMaintenance(ways *PhaseWays, lost string, at time.Time) {
	p.Maintenance = nil
	for _, m := range p.Plan.AfterCommit {
		p.Maintenance = append(p.Maintenance, MaintenanceState{Plan: m})
	}
	if ways != nil {
		emptied := slices.DeleteFunc(slices.Clone(ways.Vacuum), func(t string) bool { return slices.Contains(p.Swept, t) })
		if len(emptied) > 0 { // a TRUNCATE leaves nothing to vacuum
			p.Maintenance = append(p.Maintenance, MaintenanceState{Plan: runbook.Vacuum(emptied)})
		}
	}
	p.leaveMaintenance(lost, at)
}

// leaveMaintenance ends what is open for a reason; an empty one ends nothing.
func (p *PhaseState) leaveMaintenance(why string, at time.Time) {
	for i := range p.Maintenance {
		if m := &p.Maintenance[i]; m.Open() && why != "" {
			m.EndedAt, m.Error = at, why
		}
	}
}

func (p *PhaseState) maintenance(i int) *MaintenanceState {
	if i < 0 || i >= len(p.Maintenance) {
		return nil
	}
	return &p.Maintenance[i]
}

func (p *PhaseState) maintenanceName(i int) string {
	if m := p.maintenance(i); m != nil {
		return m.Plan.Name()
	}
	return fmt.Sprintf("maintenance %d", i+1)
}
