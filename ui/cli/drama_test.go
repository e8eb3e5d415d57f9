package cli

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/engine/action"
	"tminus/phases/runbook"
)

// stage notes what a drama does to the demo's server.
type stage struct {
	Server
	did  []string
	fail error
}

func (s *stage) note(what string) error {
	s.did = append(s.did, what)
	return s.fail
}

func (s *stage) EnableTrigger(context.Context) error { return s.note("trigger") }

func (s *stage) HoldLock(context.Context) (func(), error) {
	if err := s.note("lock"); err != nil {
		return nil, err
	}
	return func() { _ = s.note("let") }, nil
}

func (s *stage) AgeBackup(b phases.Backup, by time.Duration) (phases.Backup, error) {
	b.At = b.At.Add(-by)
	return b, s.note("age")
}

// inDrama is a run of the guide's in memory, before its gate.
func inDrama(t *testing.T) *phases.State {
	t.Helper()
	book, err := runbook.Parse(runbook.GuideName, runbook.Guide(runbook.Site{}))
	if err != nil {
		t.Fatal(err)
	}
	s := &phases.State{Runbook: book}
	for i := range book.Phases {
		s.Phases = append(s.Phases, phases.PhaseState{Plan: &book.Phases[i], Status: phases.PhasePending})
	}
	for i := range book.Fences {
		s.Fences = append(s.Fences, phases.FenceState{Plan: &book.Fences[i]})
	}
	return s
}

func TestADramaPlantsEachThingOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(s *phases.State, locked *phases.PhaseState) // 2 s after phase 3 began to wait
		want []string
	}{
		{"nobody does anything", func(*phases.State, *phases.PhaseState) {}, []string{"trigger", "lock", "let"}},
		{"somebody ends the session", func(_ *phases.State, ph *phases.PhaseState) { ph.Status, ph.Lock = phases.PhaseRunning, nil }, []string{"trigger", "lock", "let"}},
	} {
		s, on := inDrama(t), &stage{}
		var p planted
		now := time.Date(2026, 1, 30, 2, 0, 0, 0, time.UTC)
		pass := func(d time.Duration, want ...string) {
			t.Helper()
			for range 3 {
				p.due(t.Context(), on, s, now.Add(d))
			}
			now = now.Add(d)
			p.due(t.Context(), on, s, now)
			if !slices.Equal(on.did, want) {
				t.Errorf("%s: after %s it has done %q, and not %q", c.name, d, on.did, want)
			}
		}
		pass(time.Hour)
		i := slices.IndexFunc(s.Fences, func(f phases.FenceState) bool { return f.Plan.Triggers != nil })
		s.Fences[i].Step, s.Fences[i].Seen, s.Fences[i].OffAt, s.Fences[i].Recorded = phases.FenceIsOff, phases.SeenOff, now, &phases.FenceMark{}
		pass(triggerBackIn / 2)
		pass(2*time.Second, "trigger")
		s.Gate.Decision, s.T0 = phases.Go, now
		pass(time.Minute, "trigger")
		s.Phase(phaseBeforeLock).Status = phases.PhaseHolding
		pass(time.Minute, "trigger", "lock")
		s.Phase(phaseBeforeLock).Status = phases.PhaseIsCommitted
		pass(5*time.Minute, "trigger", "lock") // it is there for as long as the operator thinks
		locked := s.Phase(phaseLocked)
		locked.Status, locked.Lock = phases.PhaseLocking, &phases.LockWait{}
		pass(time.Second, "trigger", "lock")
		c.then(s, locked)
		pass(lockHeld+time.Second, c.want...)
		pass(time.Hour, c.want...)
	}
}

// Behind the gate, and where the server does not do it, a plant is left out.
func TestADramaLeavesOutWhatComesTooLate(t *testing.T) {
	s, on := inDrama(t), &stage{fail: errors.New("no")}
	var p planted
	now := time.Date(2026, 1, 30, 2, 0, 0, 0, time.UTC)
	i := slices.IndexFunc(s.Fences, func(f phases.FenceState) bool { return f.Plan.Triggers != nil })
	s.Fences[i].Step, s.Fences[i].Seen, s.Fences[i].OffAt, s.Fences[i].Recorded = phases.FenceIsOff, phases.SeenOff, now, &phases.FenceMark{}
	s.Gate.Decision = phases.Go
	s.Phase(phaseBeforeLock).Status = phases.PhaseHolding
	for range 3 {
		now = now.Add(time.Minute)
		p.due(t.Context(), on, s, now)
	}
	p.end()
	if !slices.Equal(on.did, []string{"lock"}) {
		t.Errorf("it has done %q", on.did)
	}
}

// taking is a target of which only backups are taken.
type taking struct{ engine.Target }

func (taking) TakeBackup(context.Context, action.BackupPlan, func(phases.ActionProgress)) (phases.BackupTaken, error) {
	return phases.BackupTaken{Backup: phases.Backup{At: time.Now().Add(-8 * time.Second)}}, nil
}

func TestADramasFirstBackupAlone(t *testing.T) {
	on := &stage{}
	d := &drama{server: on, backupAge: 15 * time.Minute}
	target := d.on(taking{})
	for i, want := range []time.Duration{15*time.Minute - backupStaleIn, 8 * time.Second} {
		taken, err := target.TakeBackup(t.Context(), action.BackupPlan{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(taken.Backup.At).Round(time.Minute / 6); age != want.Round(time.Minute/6) {
			t.Errorf("backup %d is %s old, and not %s", i+1, age, want)
		}
	}
	if !slices.Equal(on.did, []string{"age"}) {
		t.Errorf("it has done %q", on.did)
	}
	if (*drama)(nil).on(taking{}) != (taking{}) {
		t.Error("without a drama, a target is another one")
	}
}

// A backup that was taken is one, even where it cannot be dated back.
func TestABackupThatStaysYoungIsTaken(t *testing.T) {
	on := &stage{fail: errors.New("no")}
	taken, err := (&drama{server: on, backupAge: 15 * time.Minute}).on(taking{}).TakeBackup(t.Context(), action.BackupPlan{}, nil)
	if age := time.Since(taken.Backup.At); err != nil || age > time.Minute || !slices.Equal(on.did, []string{"age"}) {
		t.Errorf("it is %s old after %q: %v", age, on.did, err)
	}
}

// The quick start says what will happen, and when.
func TestTheQuickStartTellsTheDrama(t *testing.T) {
	page, err := os.ReadFile("../../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(page)), " ")
	for _, want := range []string{
		"too old " + phases.Span(backupStaleIn) + " after it was taken",
		"it leaves after " + phases.Span(lockHeld) + ", before phase 3 would give up",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q", want)
		}
	}
}
