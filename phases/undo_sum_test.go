package phases

import (
	"strings"
	"testing"
	"time"

	"tminus/phases/runbook"
)

// kept is a run of three phases, of which two are committed, with their capsules.
func kept() *State {
	s := described()
	s.Opened.Capsule = &CapsulePlace{Folder: "/runs/reset.journal.capsule"}
	s.Runbook.Window.Abort, s.T0 = 30*time.Minute, s.At.Add(-10*time.Minute)
	s.Runbook.Phases = []runbook.Phase{
		{ID: "leaf", Title: "Leaf tables", Steps: []runbook.Step{{Delete: "a"}}},
		{ID: "hub", Title: "Hub", Steps: []runbook.Step{{Delete: "b"}}},
		{ID: "users", Title: "Users", PointOfNoReturn: true, Steps: []runbook.Step{{Delete: "c"}}},
	}
	s.Phases = nil
	for i := range s.Runbook.Phases {
		s.Phases = append(s.Phases, PhaseState{Plan: &s.Runbook.Phases[i], Status: PhasePending})
	}
	for i, rows := range []int64{100_000, 20_000} {
		s.Phases[i].Status = PhaseIsCommitted
		s.Phases[i].Capsule = &Capsule{Folder: CapsuleFolder(s.Phases[i].Plan.ID, 1), Gone: rows, Changed: int64(i), Bytes: 1 << 20}
	}
	return s
}

// rehearsedUndo is what a rehearsal that put every phase back had.
func rehearsedUndo(s *State) {
	s.Opened.Rehearsed = &Rehearsed{Journal: "r.journal"}
	for i, rows := range []int64{100_000, 20_000, 5_000} {
		s.Opened.Rehearsed.Phases = append(s.Opened.Rehearsed.Phases, RehearsedPhase{
			Phase: s.Phases[i].Plan.ID, Undo: time.Duration(i+1) * time.Minute, Tables: []RehearsedTable{{Table: "t", Deleted: rows}},
		})
	}
}

// The ways back name the undo where a capsule is kept, and the restore as the
// second; as the only one where none is.
func TestWaysBack(t *testing.T) {
	t.Parallel()
	restore := ": backup b17, took 5 min when it was tried"
	for name, c := range map[string]struct {
		change func(*State)
		want   string
	}{
		"reckoned": {func(*State) {}, "what is committed comes back by an undo: 120,000 rows to bring back, 1 row to set back, about 1.8 s, estimated and NOT PROVEN\n" +
			"undo: tminus undo reset.journal\nor by a restore" + restore},
		"proven": {rehearsedUndo, "what is committed comes back by an undo: 120,000 rows to bring back, 1 row to set back, 3 min, proven in the rehearsal\n" +
			"undo: tminus undo reset.journal\nor by a restore" + restore},
		"one kept none": {func(s *State) { s.Phases[0].Capsule = nil }, "hub comes back by an undo: 20,000 rows to bring back, 1 row to set back, about 0.3 s, estimated and NOT PROVEN\n" +
			"undo: tminus undo reset.journal\nleaf comes back by a restore only" + restore},
		"none kept": {func(s *State) { s.Phases[0].Capsule, s.Phases[1].Capsule = nil, nil }, "what is committed comes back by a restore only" + restore},
		"doubtful": {func(s *State) { s.Phases[2].Status = PhaseUnknown }, "hub, leaf come back by an undo: 120,000 rows to bring back, 1 row to set back, about 1.8 s, estimated and NOT PROVEN\n" +
			"undo: tminus undo reset.journal\nall of it comes back by a restore" + restore},
		"beside rows": {func(s *State) { s.Phases[1].Capsule.Beside = []string{"sequence x was moved"} }, "what is committed comes back by an undo: 120,000 rows to bring back, 1 row to set back, about 1.8 s, estimated and NOT PROVEN\n" +
			"no undo takes back sequence x was moved\nundo: tminus undo reset.journal\nor by a restore" + restore},
		"an undo itself": {func(s *State) {
			s.Opened.Undoes, s.Phases[0].Capsule, s.Phases[1].Capsule = &Undoes{Journal: "was.journal"}, nil, nil
		}, "what is put back comes out again by running the maintenance again; what is not, by the undo of what is left: tminus undo was.journal"},
		"a trial that was cut": {func(s *State) { s.UndoTrial = &UndoTrial{} }, "the undo was being tried, and did not end: part of what is committed may be back\n" +
			"what is committed comes back by an undo: 120,000 rows to bring back, 1 row to set back, about 1.8 s, estimated and NOT PROVEN\nundo: tminus undo reset.journal\nor by a restore" + restore},
	} {
		s := kept()
		s.Runbook.Backup = runbook.Backup{IDField: "id", TookField: "took"}
		s.Fields["id"], s.Fields["took"] = FieldValue{Value: "b17"}, FieldValue{Value: "5m"}
		c.change(s)
		lines := strings.Join(s.Undoing(), "\n")
		if !strings.HasSuffix(lines, "\n"+c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, lines, c.want)
		}
	}
	s := kept()
	if got := s.Summary("/x/reset.journal"); !strings.Contains(got, "\nundo: tminus undo /x/reset.journal\n") {
		t.Errorf("the summary has not the path: %s", got)
	}
}

// A run that is done says how it is undone, and a rehearsal what came of its undo.
func TestSummaryOfWhatIsDoneHasTheUndo(t *testing.T) {
	t.Parallel()
	s := kept()
	s.Phases = s.Phases[:2]
	s.Outcome = Completed
	if got := s.Summary("x.journal"); !strings.Contains(got, "\ncomes back by an undo: 120,000 rows to bring back, 1 row to set back, about 1.8 s, estimated and NOT PROVEN\nundo: tminus undo x.journal\n") {
		t.Errorf("completed: %s", got)
	}
	tried := UndoTried{Phases: []UndoneTrial{{"hub", 20_001, time.Second}, {"leaf", 100_000, 2 * time.Second}}, Took: 3 * time.Second, Compared: 4}
	if err := tried.apply(s); err != nil {
		t.Fatal(err)
	}
	if got := s.Summary("x.journal"); strings.Contains(got, "tminus undo") || !strings.Contains(got, "\nundo proven: 120,001 rows put back in 3.0 s (hub 1.0 s, leaf 2.0 s)") {
		t.Errorf("tried: %s", got)
	}
	s = kept()
	s.Phases, s.Outcome = s.Phases[:2], Completed
	tried = UndoTried{Phases: tried.Phases[:1], Took: time.Second, Error: "phase leaf could not be put back: no"}
	if err := tried.apply(s); err != nil {
		t.Fatal(err)
	}
	if got := s.Summary("x.journal"); !strings.Contains(got, "\nundo tried, and NOT PROVEN after 1.0 s: phase leaf could not be put back: no\ncomes back by an undo: 100,000 rows to bring back,") {
		t.Errorf("failed: %s", got)
	}
}

// What is said of a COMMIT is never less alarming than it should be.
func TestAfterCommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*State)
		want   string
	}{
		"not rehearsed": {func(*State) {}, "there is a restore, and an undo that is NOT PROVEN: nobody has rehearsed it"},
		"on hold": {func(s *State) {
			s.Phases[2].Status, s.Phases[2].Capsule = PhaseHolding, &Capsule{Gone: 80_000}
		}, "an undo takes about 3.0 s (estimated, NOT PROVEN: nobody has rehearsed it), or a restore"},
		"proven": {rehearsedUndo, "an undo takes 6 min (proven in the rehearsal), or a restore"},
		"far more rows than rehearsed": {func(s *State) {
			rehearsedUndo(s)
			s.Phases[2].Status, s.Phases[2].Capsule = PhaseHolding, &Capsule{Gone: 10_000}
			s.Phases[2].Tables = []TableState{{Name: "t", Role: RoleDelete, Deleted: 9_000, Updated: 1_000}}
		}, "an undo takes about 9 min (estimated, NOT PROVEN: far more rows went than in the rehearsal), or a restore"},
		"capsule off":    {func(s *State) { s.Phases[2].Plan.NoCapsule = true }, "only a restore helps: this phase says `capsule: off`"},
		"none written":   {func(s *State) { s.Phases[2].Status = PhaseHolding }, "only a restore helps"},
		"an old journal": {func(s *State) { s.Opened.Capsule = nil }, "only a restore helps"},
		"another kept none": {func(s *State) {
			rehearsedUndo(s)
			s.Phases[0].Capsule = nil
		}, "an undo takes 5 min (proven in the rehearsal), or a restore; only a restore brings back Leaf tables"},
		"an undo": {func(s *State) { s.Opened.Undoes = &Undoes{} }, "only running the maintenance again takes out what it puts back"},
	} {
		s := kept()
		c.change(s)
		if got := s.AfterCommit(&s.Phases[2]); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestUndoLinesOfTheGate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*State)
		want   []string
	}{
		"proven": {rehearsedUndo, []string{"info on: what the phases take away is kept in /runs/reset.journal.capsule", "good 6 min, proven in the rehearsal"}},
		"not rehearsed": {func(s *State) { s.Room = &CapsuleRoom{Needs: 1 << 20, Free: 1 << 30} }, []string{
			"info on: what the phases take away is kept in /runs/reset.journal.capsule; 1024 kB at most, 1024 MB free", "warn NOT PROVEN: nobody has rehearsed it",
		}},
		"one off": {func(s *State) { s.Phases[1].Plan.NoCapsule = true; rehearsedUndo(s) }, []string{
			"info on: what the phases take away is kept in /runs/reset.journal.capsule", "warn OFF in Hub: only a restore brings back what they take", "good 4 min, proven in the rehearsal",
		}},
		"off": {func(s *State) { s.Runbook.Capsule.Off = true }, []string{"bad OFF: nothing is kept of what the phases take away, only a restore brings it back"}},
		"old": {func(s *State) { s.Opened.Capsule = nil }, nil},
		"rehearsal": {func(s *State) { s.Opened.Environment, s.Opened.TryUndo = Rehearsal, true }, []string{
			"info on: what the phases take away is kept in /runs/reset.journal.capsule", "info tried and timed when this rehearsal is closed",
		}},
	} {
		s := kept()
		c.change(s)
		var got []string
		for _, l := range s.UndoLines() {
			got = append(got, string(l.Level)+" "+l.Text)
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestUntilWhenAnUndoCanBeDecided(t *testing.T) {
	t.Parallel()
	s := kept()
	rehearsedUndo(s)
	clock := func(at time.Time) string { return at.Format(time.TimeOnly) }
	if _, got := s.DecideWords(s.At, clock); got != "you can decide until 02:17:00 and still be back by 02:20:00" {
		t.Errorf("in time: %q", got)
	}
	if level, got := s.DecideWords(s.At.Add(18*time.Minute), clock); level != LevelBad || got != "too late to be back by the abort limit, 02:20:00: begun now, an undo ends at about 02:21:00" {
		t.Errorf("late: %s %q", level, got)
	}
}

// What needs the restore needs it sooner than the undo begins.
func TestUntilWhenARestoreCanBeDecided(t *testing.T) {
	t.Parallel()
	clock := func(at time.Time) string { return at.Format(time.TimeOnly) }
	for name, c := range map[string]struct {
		lost        int
		restore, at time.Duration
		level       Level
		want        string
	}{
		"part":          {1, 4 * time.Minute, 0, LevelInfo, "the restore has to begin by about 02:16:00 to be back by 02:20:00; the undo alone by 02:18:00"},
		"part, late":    {1, 4 * time.Minute, 7 * time.Minute, LevelBad, "too late to be back by the abort limit, 02:20:00: begun now, the restore ends at about 02:21:00"},
		"part, unknown": {1, 0, 0, LevelWarn, "how long the restore takes is not known, so nobody knows until when you can decide"},
		"all":           {2, 4 * time.Minute, 0, LevelInfo, "you can decide until about 02:16:00 and still be back by 02:20:00"},
		"all, late":     {2, 4 * time.Minute, 7 * time.Minute, LevelBad, "too late to be back by the abort limit, 02:20:00: begun now, a restore ends at about 02:21:00"},
	} {
		s := kept()
		rehearsedUndo(s)
		s.Proven, s.Opened.Copy = nil, nil
		s.Runbook.Backup.TookField, s.Runbook.Backup.RestoreTime = "", c.restore
		for i := range c.lost {
			s.Phases[i].Capsule = nil
		}
		if level, got := s.DecideWords(s.At.Add(10*time.Minute+c.at), clock); level != c.level || got != c.want {
			t.Errorf("%s: %s %q", name, level, got)
		}
	}
}

// A rehearsal that was left while its undo was tried is closed when it is taken up:
// the undo goes on.
func TestATrialThatWasCutIsGoneOnWith(t *testing.T) {
	t.Parallel()
	s := kept()
	s.Phases, s.Gate.Decision, s.Opened.TryUndo, s.Runbook.After = s.Phases[:2], Go, true, nil
	if err := (UndoTrialStarted{}).apply(s); err != nil {
		t.Fatal(err)
	}
	if n := s.Next(s.At); n.Wait != WaitUndo {
		t.Errorf("it waits for %q", n.Wait)
	}
	if err := (RunResumed{}).apply(s); err != nil {
		t.Fatal(err)
	}
	if n := s.Next(s.At); n.Wait != WaitClose || s.Can(CloseRun{}, s.At) != nil || !s.WantsUndoTrial() {
		t.Errorf("taken up it waits for %q, %v", n.Wait, s.Can(CloseRun{}, s.At))
	}
}
