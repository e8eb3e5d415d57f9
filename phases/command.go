package phases

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases/runbook"
)

// Command is what an operator may ask for.
type Command interface{ command() }

// Commander takes an operator's commands. engine.Engine is the one there is; a screen
// without one has no way to act.
type Commander interface {
	// Do carries a command out, or says why not. It returns when the command
	// is recorded; what it sets off may go on.
	Do(Command) error
}

// The commands.
type (
	// Tick ticks an item that a human answers.
	Tick struct{ Item string }
	// Untick takes a tick back.
	Untick struct{ Item string }
	// Record gives a field of an item a value; an empty one clears it.
	Record struct{ Item, Field, Value string }
	// Recheck asks an item's check now; an empty Item asks all that are asked at this stage.
	Recheck struct{ Item string }
	// Act runs an item's action.
	Act struct{ Item string }
	// PassGate is the GO. Typed must be the database's name.
	PassGate struct{ Approver, Typed string }
	// DeclareNoGo is the NO-GO; it ends the run.
	DeclareNoGo struct{ Reason string }
	// StartPhase starts the next phase. At the point of no return, Typed must be the database's name.
	StartPhase struct{ Phase, Typed string }
	// Commit sends COMMIT for the phase on hold.
	Commit struct{ Phase string }
	// Rollback rolls the open phase back, whatever it is doing, as long as COMMIT was not sent.
	Rollback struct{ Phase, Reason string }
	// ExtendWindow moves the abort limit. By is a typed name.
	ExtendWindow struct {
		By, Reason string
		Extra      time.Duration
	}
	// Abort ends the run: an open phase is rolled back first.
	Abort struct{ Reason string }
	// Note records a remark.
	Note struct{ Text string }
	// EndBackend cancels or terminates a session that blocks the phase.
	EndBackend struct {
		PID       uint32
		Terminate bool
	}
	// AcceptUndone lets a phase count as committed that the ledger proves, and
	// whose tables hold rows again: somebody has looked at them.
	AcceptUndone struct{ Phase, Reason string }
	// CloseRun ends a run whose stages are all done.
	CloseRun struct{}
)

func (Tick) command()         {}
func (Untick) command()       {}
func (Record) command()       {}
func (Recheck) command()      {}
func (Act) command()          {}
func (PassGate) command()     {}
func (DeclareNoGo) command()  {}
func (StartPhase) command()   {}
func (Commit) command()       {}
func (Rollback) command()     {}
func (ExtendWindow) command() {}
func (Abort) command()        {}
func (Note) command()         {}
func (EndBackend) command()   {}
func (AcceptUndone) command() {}
func (CloseRun) command()     {}

// Errors that Can wraps.
var (
	ErrEnded = errors.New("the run has ended")
	ErrHeld  = errors.New("held")
)

var errSent = errors.New("COMMIT has been sent: its outcome is being established")

// Can says why a command is not possible now, or nil. A screen asks it to say
// why a key does nothing; the engine asks it again before it acts.
func (s *State) Can(c Command, now time.Time) error {
	if s.Outcome != "" {
		return fmt.Errorf("%w: %s", ErrEnded, s.Outcome)
	}
	switch c := c.(type) {
	case Tick:
		return s.canTick(c.Item)
	case Untick:
		return s.canUntick(c.Item)
	case Record:
		return s.canRecord(c)
	case Recheck:
		return s.canRecheck(c.Item)
	case Act:
		return s.canAct(c.Item)
	case PassGate:
		return s.canPassGate(c, now)
	case DeclareNoGo:
		return s.canDeclareNoGo(c)
	case StartPhase:
		return s.canStart(c, now)
	case Commit:
		return s.canCommit(c.Phase)
	case Rollback:
		return s.canRollback(c.Phase)
	case ExtendWindow:
		return s.canExtend(c)
	case Abort:
		return s.canAbort(c)
	case Note:
		return needs("a note", c.Text)
	case EndBackend:
		return s.canEndBackend(c.PID)
	case AcceptUndone:
		return s.canAcceptUndone(c)
	case CloseRun:
		return s.canClose()
	}
	return fmt.Errorf("unknown command %T", c)
}

// Answerable finds an item and says why it cannot be answered now.
func (s *State) Answerable(id string) (runbook.Item, error) {
	it, g, ok := s.Runbook.Item(id)
	if !ok {
		return it, fmt.Errorf("the runbook has no item %q", id)
	}
	for _, c := range s.Runbook.Checklist {
		if c.ID == g.ID {
			if !s.checklistOpen() {
				return it, errors.New("the checklist is closed: phases have started")
			}
			return it, nil
		}
	}
	for i := range s.Phases {
		if runbook.ConfirmGroup(s.Phases[i].Plan.ID) == g.ID {
			return it, s.canConfirm(i)
		}
	}
	if s.Stage() != StageAfter {
		return it, errors.New("this stage comes after the last phase")
	}
	if cur := s.CurrentAfter(); cur < len(s.Runbook.After) && groupIndex(s.Runbook.After, g.ID) > cur {
		return it, fmt.Errorf("first comes %q", s.Runbook.After[cur].Title)
	}
	return it, nil
}

func (s *State) canConfirm(phase int) error {
	p := &s.Phases[phase]
	switch {
	case s.Gate.Decision != Go:
		return errors.New("the gate has not been passed")
	case p.Status.Done() || p.Status.Open():
		return fmt.Errorf("%s has started", p.Plan.Title)
	case s.Current() != phase:
		return fmt.Errorf("first comes %q", s.Phases[s.Current()].Plan.Title)
	}
	return nil
}

func groupIndex(groups []runbook.Group, id string) int {
	for i, g := range groups {
		if g.ID == id {
			return i
		}
	}
	return -1
}

func (s *State) canTick(id string) error {
	it, err := s.Answerable(id)
	switch {
	case err != nil:
		return err
	case it.Check != nil:
		return errors.New("its check answers this item: r asks it again")
	case s.Item(id).Ticked:
		return errors.New("it is ticked")
	}
	if lacks := s.ItemLacks(it); lacks != "not ticked" {
		return errors.New("the item " + lacks)
	}
	return nil
}

func (s *State) canUntick(id string) error {
	it, err := s.Answerable(id)
	switch {
	case err != nil:
		return err
	case it.Check != nil:
		return errors.New("its check answers this item")
	case !s.Item(id).Ticked:
		return errors.New("it is not ticked")
	}
	return nil
}

func (s *State) canRecord(c Record) error {
	it, err := s.Answerable(c.Item)
	if err != nil {
		return err
	}
	for _, f := range it.Fields {
		if f.ID == c.Field {
			_, err := ParseField(f, c.Value, time.Now())
			return err
		}
	}
	return fmt.Errorf("item %q has no field %q", c.Item, c.Field)
}

func (s *State) canRecheck(id string) error {
	if id == "" {
		return nil
	}
	it, _, ok := s.Runbook.Item(id)
	if !ok {
		return fmt.Errorf("the runbook has no item %q", id)
	}
	if it.Check == nil {
		return errors.New("a human answers this item: there is no check to ask")
	}
	return nil
}

func (s *State) canAct(id string) error {
	it, err := s.Answerable(id)
	restores := it.Action != nil && it.Action.Name == ActionRestoreTriggers
	switch {
	case restores && s.Triggers == nil:
		return errors.New("no trigger was disabled by this run: there is nothing to restore")
	case restores && s.OpenPhase() == nil:
		// At any stage: a run that is to end early leaves no trigger off.
	case err != nil:
		return err
	case it.Action == nil:
		return errors.New("this item has no action")
	}
	return s.Acting()
}

func (s *State) canPassGate(c PassGate, now time.Time) error {
	if s.Gate.Decision == Go {
		return errors.New("the gate has been passed")
	}
	if h := s.GateHolds(now); len(h) > 0 {
		return heldBy(h)
	}
	if err := needs("the approver's name", c.Approver); err != nil {
		return err
	}
	return s.typed(c.Typed)
}

// heldBy says what holds, the first of several.
func heldBy(holds []Hold) error {
	if len(holds) == 1 {
		return fmt.Errorf("%w by 1 item: %s", ErrHeld, holds[0].Text)
	}
	return fmt.Errorf("%w by %d items, first: %s", ErrHeld, len(holds), holds[0].Text)
}

func (s *State) canDeclareNoGo(c DeclareNoGo) error {
	if !s.T0.IsZero() {
		return errors.New("phases have started: abort the run instead")
	}
	if err := s.Acting(); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

func (s *State) canStart(c StartPhase, now time.Time) error {
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

func (s *State) typed(name string) error {
	if name != s.Target.Database {
		return fmt.Errorf("type the database's name, %q, to go on", s.Target.Database)
	}
	return nil
}

func (s *State) canCommit(phase string) error {
	p := s.OpenPhase()
	if p == nil || p.Plan.ID != phase || p.Status != PhaseHolding {
		return s.over(phase, "no phase waits for COMMIT")
	}
	return nil
}

// over says what became of a phase that a command is too late for, or else
// what the command lacks.
func (s *State) over(phase, lacks string) error {
	for i := range s.Phases {
		p := &s.Phases[i]
		if p.Plan.ID != phase {
			continue
		}
		switch p.Status {
		case PhaseIsRolledBack:
			return fmt.Errorf("%s was rolled back: %s", p.Plan.Title, cmp.Or(p.Reason, "on command"))
		case PhaseIsFailed:
			return fmt.Errorf("%s failed: %s", p.Plan.Title, p.Reason)
		case PhaseIsCommitted:
			return fmt.Errorf("%s is committed", p.Plan.Title)
		case PhaseIsPassed:
			return fmt.Errorf("%s has passed", p.Plan.Title)
		case PhaseCommitting, PhaseInDoubt:
			return errSent
		case PhaseUnknown:
			return fmt.Errorf("the outcome of %s is unknown", p.Plan.Title)
		}
	}
	return errors.New(lacks)
}

func (s *State) canRollback(phase string) error {
	p := s.OpenPhase()
	switch {
	case p == nil || p.Plan.ID != phase:
		return s.over(phase, "no transaction is open")
	case p.Status == PhaseCommitting || p.Status == PhaseInDoubt:
		return errSent
	}
	return nil
}

func (s *State) canExtend(c ExtendWindow) error {
	switch {
	case s.T0.IsZero():
		return errors.New("the window's limit counts from the first phase")
	case s.Current() < 0:
		return errors.New("all phases are done")
	case c.Extra < time.Minute || c.Extra > 4*time.Hour:
		return errors.New("extend by 1m to 4h")
	}
	if err := needs("the name of who takes the decision", c.By); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

func (s *State) canAbort(c Abort) error {
	if s.T0.IsZero() && s.Gate.Decision != Go {
		return errors.New("the gate has not been passed: declare NO-GO instead")
	}
	if p := s.OpenPhase(); p != nil && (p.Status == PhaseCommitting || p.Status == PhaseInDoubt) {
		return errSent
	}
	if err := s.Acting(); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

func (s *State) canEndBackend(pid uint32) error {
	if p := s.OpenPhase(); p != nil && p.Lock != nil {
		for _, b := range p.Lock.Blockers {
			if b.PID == pid {
				return nil
			}
		}
	}
	return fmt.Errorf("session %d does not block the phase", pid)
}

func (s *State) canAcceptUndone(c AcceptUndone) error {
	for i := range s.Phases {
		p := &s.Phases[i]
		switch {
		case p.Plan.ID != c.Phase:
			continue
		case p.Status != PhaseIsUndone:
			return fmt.Errorf("%s is not undone", p.Plan.Title)
		case !p.Ledger && (p.Intent == nil || p.Intent.Ledger || s.Target.Behind(s.WAL)):
			return fmt.Errorf("the ledger does not prove that %s was committed in this database: find the database that the run worked on, and resume there", p.Plan.Title)
		}
		return needs("what was found", c.Reason)
	}
	return errors.New("no phase is undone")
}

func (s *State) canClose() error {
	if s.Stage() != StageAfter {
		return errors.New("phases are still to be done")
	}
	if cur := s.CurrentAfter(); cur < len(s.Runbook.After) {
		return fmt.Errorf("stage %q is not done", s.Runbook.After[cur].Title)
	}
	return s.Acting()
}

// Acting says that an action is under way: what it does to the database must
// not come after the run's end, or into a phase.
func (s *State) Acting() error {
	for id, it := range s.Items {
		if it.Action != nil && it.Action.Running {
			return fmt.Errorf("the action of %q is under way: wait for its end, a minute at most", s.itemText(id))
		}
	}
	return nil
}

func needs(what, got string) error {
	if strings.TrimSpace(got) == "" {
		return errors.New(what + " is needed")
	}
	return nil
}
