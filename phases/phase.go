package phases

import (
	"errors"
	"fmt"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// PhaseStarted occurs before a phase's transaction begins. The first one's time is T-0.
type PhaseStarted struct {
	Phase   string `json:"phase"`
	Attempt int    `json:"attempt"` // 1 for the first
	By      string `json:"by"`
	Tx      TxID   `json:"tx"` // zero: not begun yet
}

// Kind implements Event.
func (PhaseStarted) Kind() string { return "phase_started" }

func (e PhaseStarted) apply(s *State) error {
	p := s.Phase(e.Phase)
	if s.T0.IsZero() {
		s.T0 = s.At
	}
	*p = PhaseState{
		Plan: p.Plan, Status: PhaseLocking, Attempt: e.Attempt, StartedAt: s.At,
		Tx: e.Tx, Step: -1, Tables: planTables(p.Plan), By: e.By,
	}
	if !p.Plan.Writes() {
		p.Status = PhaseRunning
	}
	s.expect(p)
	return nil
}

func (e PhaseStarted) words(s *State) (Level, string) {
	p := s.Phase(e.Phase)
	text := fmt.Sprintf("%s: started: %s", s.PhaseName(e.Phase), p.Plan.Title)
	if e.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", e.Attempt)
	}
	if p.Plan.PointOfNoReturn {
		return LevelWarn, text + ", POINT OF NO RETURN" + by(e.By)
	}
	return LevelInfo, text + by(e.By)
}

// lockWaitEvery is which of the retries for a lock get a line: the first, and
// then one in so many.
const lockWaitEvery = 10

// LockWaited occurs while a phase waits for its locks, and while one of its
// statements waits for another session; then no blockers mean that the wait is over.
type LockWaited struct {
	Phase string `json:"phase"`
	LockWait
}

// Kind implements Event.
func (LockWaited) Kind() string { return "lock_waited" }

func (LockWaited) weight(*State) Weight { return Fleeting }

func (e LockWaited) apply(s *State) error {
	p := s.Phase(e.Phase)
	if !p.LockedAt.IsZero() && len(e.Blockers) == 0 {
		p.Status, p.Lock = PhaseRunning, nil
		return nil
	}
	wait := e.LockWait
	p.Status, p.Lock = PhaseLocking, &wait
	return nil
}

func (e LockWaited) words(s *State) (Level, string) {
	if !s.Phase(e.Phase).LockedAt.IsZero() && len(e.Blockers) == 0 {
		return LevelInfo, fmt.Sprintf("%s: no session blocks it any more", s.PhaseName(e.Phase))
	}
	if e.Attempt > 1 && e.Attempt%lockWaitEvery != 0 {
		return "", ""
	}
	what := "its tables"
	if e.Table != "" {
		what = e.Table
	}
	text := fmt.Sprintf("%s: waits for a lock on %s since %s", s.PhaseName(e.Phase), what, Span(e.Waited))
	for i, b := range e.Blockers {
		if i == 0 {
			text += ", blocked by "
		} else {
			text += "; "
		}
		text += b.String()
	}
	return LevelWarn, text
}

// TablesLocked occurs when a phase holds its locks.
type TablesLocked struct {
	Phase  string        `json:"phase"`
	Tx     TxID          `json:"tx"`
	Tables []string      `json:"tables"`
	Waited time.Duration `json:"waited_ns"`
}

// Kind implements Event.
func (TablesLocked) Kind() string { return "tables_locked" }

func (e TablesLocked) apply(s *State) error {
	p := s.Phase(e.Phase)
	p.Status, p.Lock, p.LockedAt, p.Tx = PhaseRunning, nil, s.At, e.Tx
	return nil
}

func (e TablesLocked) words(s *State) (Level, string) {
	text := fmt.Sprintf("%s: %s locked", s.PhaseName(e.Phase), Plural(int64(len(e.Tables)), "table"))
	if e.Waited >= time.Second/10 {
		text += " after " + Span(e.Waited)
	}
	return LevelInfo, text
}

// StepStarted occurs before a step's statement.
type StepStarted struct {
	Phase string `json:"phase"`
	Step  int    `json:"step"` // from 0
}

// Kind implements Event.
func (StepStarted) Kind() string { return "step_started" }

func (StepStarted) weight(*State) Weight { return Fleeting }

func (e StepStarted) apply(s *State) error {
	p := s.Phase(e.Phase)
	p.Step, p.StepAt = e.Step, s.At
	if t := p.stepTable(e.Step); t != nil {
		t.Step = e.Step
		t.base = t.Deleted
		t.EndedAt = time.Time{}
		if t.StartedAt.IsZero() {
			t.StartedAt = s.At
		}
	}
	p.pace(s.At)
	return nil
}

func (StepStarted) words(*State) (Level, string) {
	return "", ""
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

// Kind implements Event.
func (TableProgressed) Kind() string { return "table_progressed" }

func (TableProgressed) weight(*State) Weight { return Fleeting }

func (e TableProgressed) apply(s *State) error {
	p := s.Phase(e.Phase)
	p.Status, p.Lock = PhaseRunning, nil
	if t := p.stepTable(e.Step); t != nil && t.Role != RoleSQL {
		t.Deleted, t.BlocksDone, t.BlocksTotal = t.before(e.Step)+e.Deleted, e.BlocksDone, e.BlocksTotal
	}
	s.touch(p, e.Step, e.Touched)
	p.pace(s.At)
	return nil
}

func (TableProgressed) words(*State) (Level, string) {
	return "", ""
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

// Kind implements Event.
func (StepDone) Kind() string { return "step_done" }

func (StepDone) weight(*State) Weight { return Fleeting } // its transaction is open: what is lost of it is rolled back

func (e StepDone) apply(s *State) error {
	p := s.Phase(e.Phase)
	p.Status, p.Lock = PhaseRunning, nil
	switch t := p.stepTable(e.Step); {
	case t == nil:
	case t.Role == RoleSQL:
		t.Command, t.Rows, t.EndedAt = e.Command, e.Rows, s.At
		for _, name := range p.Plan.Steps[e.Step].Touch {
			p.endTable(p.table(name, RoleTouch), e.Step, s.At)
		}
	default:
		t.Deleted = t.before(e.Step) + e.Rows
		t.BlocksDone = t.BlocksTotal
		p.endTable(t, e.Step, s.At)
		for _, name := range p.Plan.Steps[e.Step].Touch {
			p.endTable(p.table(name, RoleTouch), e.Step, s.At)
		}
	}
	s.touch(p, e.Step, e.Touched)
	p.pace(s.At)
	p.Step = -1
	p.changed(e.Changes)
	return nil
}

func (e StepDone) words(s *State) (Level, string) {
	name, did := fmt.Sprintf("step %d", e.Step+1), Statement{Command: e.Command, Rows: e.Rows}
	if step := s.Phase(e.Phase).step(e.Step); step != nil {
		name = step.Name()
		if step.Delete != "" && did.Command == "" { // old journals don't say
			did.Command = "DELETE"
		}
	}
	return LevelInfo, fmt.Sprintf("%s: %s: %s in %s", s.PhaseName(e.Phase), name, did, Span(e.Took))
}

// TableCounted occurs when a phase has counted a table.
type TableCounted struct {
	Phase string `json:"phase"`
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// Kind implements Event.
func (TableCounted) Kind() string { return "table_counted" }

func (TableCounted) weight(*State) Weight { return Fleeting }

func (e TableCounted) apply(s *State) error {
	p := s.Phase(e.Phase)
	if s.Baseline == nil && p.Plan.Writes() {
		return nil
	}
	t := p.table(e.Table, RoleCount)
	t.Left = e.Rows
	if t.Step < 0 { // a step's table has ended with its step
		t.EndedAt = s.At
	}
	s.expectOf(p, t)
	return nil
}

func (e TableCounted) words(s *State) (Level, string) {
	text := fmt.Sprintf("%s: %s: %s", s.PhaseName(e.Phase), e.Table, Rows(e.Rows))
	if s.Phase(e.Phase).Plan.Writes() && s.Baseline != nil { // else it is the baseline's
		text += " left"
	}
	return LevelInfo, text
}

// BaselineTaken occurs once, in the first phase.
type BaselineTaken struct {
	Phase string `json:"phase"`
	Baseline
}

// Kind implements Event.
func (BaselineTaken) Kind() string { return "baseline_taken" }

func (BaselineTaken) stirs(*State) check.Fact { return check.Baseline }

func (e BaselineTaken) apply(s *State) error {
	b := e.Baseline
	s.Baseline = &b
	p := s.Phase(e.Phase)
	if !p.Plan.Writes() {
		for _, c := range b.Counts {
			if c.Where == "" {
				p.table(c.Table, RoleCount).Left = c.Rows
			}
		}
		for _, f := range b.Protected {
			p.table(f.Table, RoleProtected).Left = f.Rows
		}
	}
	s.expect(p)
	return nil
}

func (e BaselineTaken) words(s *State) (Level, string) {
	var rows int64
	tables := 0
	for _, c := range e.Counts {
		if c.Where == "" {
			tables, rows = tables+1, rows+c.Rows
		}
	}
	return LevelGood, fmt.Sprintf("%s: %s counted, %s; %s fingerprinted",
		s.PhaseName(e.Phase), Plural(int64(tables), "table"), Rows(rows), Plural(int64(len(e.Protected)), "protected table"))
}

// PhasePassed occurs when a read-only phase's verifications all hold.
type PhasePassed struct {
	Phase string        `json:"phase"`
	Took  time.Duration `json:"took_ns"`
}

// Kind implements Event.
func (PhasePassed) Kind() string { return "phase_passed" }

func (e PhasePassed) apply(s *State) error {
	s.endPhase(e.Phase, PhaseIsPassed, "", "", false)
	return nil
}

func (e PhasePassed) words(s *State) (Level, string) {
	return LevelGood, fmt.Sprintf("%s: PASSED after %s", s.PhaseName(e.Phase), Span(e.Took))
}

// PhaseFailed occurs when a read-only phase could not run or a verification of it fails.
type PhaseFailed struct {
	Phase  string        `json:"phase"`
	Reason string        `json:"reason"`
	Took   time.Duration `json:"took_ns"`
}

// Kind implements Event.
func (PhaseFailed) Kind() string { return "phase_failed" }

func (e PhaseFailed) apply(s *State) error {
	s.endPhase(e.Phase, PhaseIsFailed, e.Reason, "", false)
	return nil
}

func (e PhaseFailed) words(s *State) (Level, string) {
	return LevelBad, fmt.Sprintf("%s: FAILED after %s: %s", s.PhaseName(e.Phase), Span(e.Took), e.Reason)
}

// StartPhase starts the next phase. At the point of no return, Typed must be the database's name.
type StartPhase struct{ Phase, Typed string }

func (c StartPhase) can(s *State, now time.Time) error {
	if s.Gate.Decision != Go {
		return errors.New("the gate has not been passed")
	}
	cur := s.Current()
	if cur < 0 {
		return errors.New("all phases are done")
	}
	if passed := s.Runbook.Passed; len(passed) > 0 {
		return fmt.Errorf("the journal's runbook asks for what this version does not know (%s): go on with the version that wrote it, %s", passed[0], s.Opened.Version)
	}
	p := &s.Phases[cur]
	switch {
	case p.Plan.ID != c.Phase:
		return fmt.Errorf("the next phase is %q", p.Plan.Title)
	case p.Status.Open():
		return fmt.Errorf("%s is under way", p.Plan.Title)
	case p.Status == PhaseUnknown:
		return fmt.Errorf("the outcome of %s is unknown: a human must look at the database first", p.Plan.Title)
	case p.Status == PhaseIsUndone:
		return fmt.Errorf("%s is undone: a human must look at the database first", p.Plan.Title)
	}
	if err := s.Acting(); err != nil {
		return err
	}
	if h := s.PhaseHolds(cur, now); len(h) > 0 {
		return heldBy(h)
	}
	if p.Plan.PointOfNoReturn {
		return s.typed(c.Typed)
	}
	return nil
}

// endTable ends a table's work with the last step that works on it.
func (p *PhaseState) endTable(t *TableState, step int, at time.Time) {
	if t.StartedAt.IsZero() {
		t.StartedAt = p.StepAt
	}
	if p.lastOn(t.Name, step) {
		t.EndedAt = at
	}
}

// changed takes what the transaction did so far beside rows. It never
// shrinks to nothing: without changes an event may not have looked.
func (p *PhaseState) changed(changes []Change) {
	if changes != nil {
		p.Changes = changes
	}
}

func (s *State) endPhase(id string, status PhaseStatus, reason, by string, settled bool) {
	p := s.Phase(id)
	p.Reason, p.Settled = reason, settled
	p.EndedAt, p.Took, p.HoldUntil, p.Lock, p.Step = s.At, s.since(p), time.Time{}, nil, -1
	p.Keeping = nil
	if status == PhaseIsRolledBack {
		p.takeBack(true)
		p.By, p.Capsule = by, nil // the rows are where they were
	}
	p.Status = status
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

// Worked is how long a phase was at work: without the wait for its locks, and
// without what somebody thought before COMMIT. 0 until it is ready.
func (p *PhaseState) Worked() time.Duration {
	switch {
	case p.Status == PhaseIsPassed || p.Status == PhaseIsFailed:
		return p.Took
	case p.ReadyAt.IsZero() || p.LockedAt.IsZero():
		return 0
	}
	return p.ReadyAt.Sub(p.LockedAt)
}

// since is the time from a phase's start to this event.
func (s *State) since(p *PhaseState) time.Duration { return s.At.Sub(p.StartedAt) }
