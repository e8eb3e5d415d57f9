package engine_test

import (
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
)

// keptBook vacuums after its one COMMIT, and a phase follows.
const keptBook = `
tminus: 1
title: kept
phases:
  - id: clear
    title: Clear
    risk: high
    planned: 1m
    delete: [parent]
    after_commit:
      - vacuum: [parent, child]
        limit: LIMIT
      - index: CREATE INDEX CONCURRENTLY after ON keep (note)
  - id: rest
    title: Rest
    planned: 1m
    count: [parent]
`

// cleared takes a run of keptBook to the COMMIT of its first phase.
func cleared(t *testing.T, limit string) *rig {
	r := newRig(t, smallSchema, strings.ReplaceAll(keptBook, "LIMIT", limit))
	r.open(engine.Settings{})
	return r
}

func (r *rig) clear() {
	r.t.Helper()
	r.passGate()
	r.do(phases.StartPhase{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseHolding)
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
}

func (r *rig) untilMaintained() {
	r.t.Helper()
	r.until("the end of maintenance", func(s *phases.State) bool {
		return r.phaseOf(s, "clear").Maintenance != nil && s.Maintaining() == nil
	})
}

func TestMaintenanceFollowsCommit(t *testing.T) {
	r := cleared(t, "5m")
	r.clear()
	r.untilMaintained()
	for _, m := range r.phaseOf(r.state(), "clear").Maintenance {
		if m.Error != "" || m.StartedAt.IsZero() {
			t.Errorf("%s: %q", m.Plan.Name(), m.Error)
		}
	}
	var vacuumed, made bool
	err := r.conn.QueryRow(t.Context(), `SELECT pg_relation_size('parent') = 0 AND pg_relation_size('child') = 0,
		EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('after') AND indisvalid)`).Scan(&vacuumed, &made)
	if err != nil || !vacuumed || !made {
		t.Errorf("vacuumed %v, index %v, %v", vacuumed, made, err)
	}
	r.do(phases.StartPhase{Phase: "rest"})
	r.untilStatus("rest", phases.PhaseIsPassed)
	r.refused(phases.SkipMaintenance{}, "no maintenance runs")
	r.do(phases.CloseRun{})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}

// waiting takes a run to where VACUUM waits for somebody else's lock, which kept
// the phase from none of its own.
func waiting(t *testing.T, limit string) *rig {
	r := cleared(t, limit)
	r.exec(`BEGIN; LOCK TABLE child IN SHARE UPDATE EXCLUSIVE MODE`)
	r.clear()
	r.until("the start of VACUUM", func(s *phases.State) bool { return !r.phaseOf(s, "clear").Maintenance[0].StartedAt.IsZero() })
	return r
}

func TestMaintenanceThatWaits(t *testing.T) {
	for name, c := range map[string]struct {
		limit, because string
		end            func(*rig)
	}{
		"skipped": {"5m", "it was skipped", func(r *rig) {
			r.refused(phases.StartPhase{Phase: "rest"}, "VACUUM parent, child runs after COMMIT")
			r.do(phases.SkipMaintenance{})
		}},
		"over its limit": {"1s", "it ran over its limit of 1.0 s", func(*rig) {}},
	} {
		t.Run(name, func(t *testing.T) {
			r := waiting(t, c.limit)
			c.end(r)
			r.untilMaintained()
			r.exec(`ROLLBACK`)
			p := r.phaseOf(r.state(), "clear")
			if got := p.Maintenance[0].Error; got != c.because {
				t.Errorf("ended by %q", got)
			}
			if p.Status != phases.PhaseIsCommitted || r.rows("parent") != 0 {
				t.Errorf("the phase is %s", p.Status)
			}
			r.do(phases.StartPhase{Phase: "rest"}) // on the session that VACUUM had
			r.untilStatus("rest", phases.PhaseIsPassed)
		})
	}
}

// A program that ends cuts maintenance off, and says so; nobody takes it up again.
func TestMaintenanceEndsWithTheProgram(t *testing.T) {
	r := waiting(t, "5m")
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	for _, m := range r.phaseOf(r.state(), "clear").Maintenance {
		if m.Error != engine.ErrLeft.Error() {
			t.Errorf("%s: ended by %q", m.Plan.Name(), m.Error)
		}
	}
	r.exec(`ROLLBACK`)
	r.resume(engine.Settings{})
	r.untilReady()
	r.do(phases.StartPhase{Phase: "rest"})
	r.untilStatus("rest", phases.PhaseIsPassed)
}

func TestAbortEndsMaintenance(t *testing.T) {
	r := waiting(t, "5m")
	r.do(phases.Abort{Reason: "enough"})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if m := r.phaseOf(s, "clear").Maintenance[0]; s.Outcome != phases.Aborted || s.ClosedAt.IsZero() || m.Error != "the run is aborted: enough" {
		t.Errorf("outcome %q, closed at %v, ended by %q", s.Outcome, s.ClosedAt, m.Error)
	}
	r.exec(`ROLLBACK`)
}

// An unattended run waits for it as an operator does.
func TestUnattendedRunWaitsForMaintenance(t *testing.T) {
	r := newRig(t, smallSchema, strings.ReplaceAll(keptBook, "LIMIT", "5m"))
	r.opened.Unattended = true
	r.open(engine.Settings{})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if s.Outcome != phases.Completed || s.Maintaining() != nil || r.phaseOf(s, "clear").Maintenance[1].Error != "" {
		t.Errorf("outcome %q:\n%s", s.Outcome, r.log())
	}
}
