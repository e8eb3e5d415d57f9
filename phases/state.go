package phases

import (
	"time"

	"tminus/phases/runbook"
)

// State is what is known of a run: the fold of its journal, and nothing else.
// The zero value is a run of which no event has been seen; Apply moves it on.
// A State belongs to one goroutine: every reader folds its own.
type State struct {
	Seq    uint64    // the last event applied; 0 before the first
	Head   string    // its hash
	At     time.Time // its time
	Latest time.Time // the latest of all events' times: later than At when the clock was set back

	Opened       RunOpened        // as written; zero before run_opened
	Runbook      *runbook.Runbook // parsed from Opened.Source; nil before run_opened
	OpenedAt     time.Time
	Operator     Operator     // who drives now
	Target       Identity     // as last connected
	T0           time.Time    // start of the first phase; zero before it
	Survey       *Survey      // nil until taken
	Preparing    bool         // a program has begun or taken up the run, and takes no command before its survey
	Schema       *SchemaPrint // as last surveyed before the run changed any of it; nil until then
	Items        map[string]*ItemState
	Fields       map[string]FieldValue // by field id
	Gate         GateState
	Phases       []PhaseState    // in the runbook's order
	Baseline     *Baseline       // nil until taken
	Triggers     []Trigger       // as recorded before they were disabled
	TriggersOff  bool            // they were to be disabled, and are not known to be back
	Observers    []Observer      // who watches now
	Conditions   []Condition     // abort conditions raised, oldest first
	Extra        time.Duration   // the window's extensions, added up
	Log          []LogLine       // what happened, one line each, oldest first
	Outcome      Outcome         // empty while the run goes on
	Reason       string          // why it ended, when not completed
	EndedBy      string          // who ended it; empty when tminus did
	ClosedAt     time.Time       // zero until run_closed
	Interrupted  string          // why the program left the run; empty when it runs, or ended
	Sent         []CommitIntent  // every COMMIT that was sent, oldest first
	Acknowledged []Finding       // grave findings that somebody has taken on
	WAL          LSN             // the furthest that the database is known to have been; 0 when unknown
	Taken        *BackupTaken    // the last backup that an action took; nil before one
	Verified     *BackupVerified // the last look through a backup; nil before one
	Proven       *BackupProven   // the last restore that was tried; nil before one
	Room         *CapsuleRoom    // for the capsules, as it was seen last; nil before
	UndoTrial    *UndoTrial      // the undo at a rehearsal's end; nil before it
	Awaited      *Awaited        // what the database has not answered for a second; nil when it does
	Departures   []Departure     // decisions to go early or late, oldest first
	Fences       []FenceState    // in the runbook's order
	Spared       []string        // titles of the fences that a rehearsal does not switch
	Tellings     []Telling       // what people were told, oldest first
	ChannelsLack []ChannelLack   // what the channels need and do not have here
	Activity     *ActivityState  // who was in the database at the last look; nil before one

	address *Address // how the database was reached last; nil when the journal does not say
	program string   // how the program is called; empty: by its name

	liftAsked   bool      // whoever ended the run wanted what it had switched off back
	offAt, onAt time.Time // when the triggers were switched off last, and on again since; zero for not
}

// Awaited is something that the database has not answered yet.
type Awaited struct {
	What  string
	Phase string // empty outside of phases
	Since time.Time
}

// ItemState is what is known of one item. The zero value is an item that
// nobody has answered.
type ItemState struct {
	Ticked  bool // by a human, or assumed
	Assumed bool
	By      string
	At      time.Time    // of the tick
	Check   *CheckState  // the last answer; nil before it
	Signed  *Signature   // under it; nil without one
	Action  *ActionState // the last action; nil before it
	Waived  *Waiver      // nil: it has to be done
	Decided *Decided     // the last decision about a smoke test that failed; nil before it
}

// CheckState is a check's last answer.
type CheckState struct {
	Pass  bool
	Value string
	Error string
	At    time.Time
	Took  time.Duration
	Since time.Time // since when it has answered the same

	Record uint64 // of the first answer that was the same

	InTheWay []Blocker // the sessions for which it does not pass, as far as they are named
	Ended    bool      // one of those was ended since: it is to be asked again
}

// ActionState is an item's last action.
type ActionState struct {
	Running bool
	Cut     bool // the program ended while it ran: whether it was done, only a check can tell
	Error   string
	At      time.Time
	Record  uint64 // of its begin, and then of its end

	Cancelled bool         // somebody ended it: it found nothing out
	Result    ActionResult // what came of it; zero while it runs

	Progress ActionProgress // how far it is, while it runs; zero when it does not say
}

// FieldValue is a recorded field.
type FieldValue struct {
	Value   string
	By      string
	At      time.Time
	Assumed bool
}

// Decision is the gate's.
type Decision string

// The decisions. The zero value is none yet.
const (
	Go           Decision = "go"
	NoGoDecision Decision = "no_go"
)

// GateState is the go/no-go decision.
type GateState struct {
	Decision Decision
	Approver string
	Assumed  bool
	At       time.Time
	Closed   []string // what closed it again after a GO; nil when nothing did
}

// PhaseStatus is where a phase stands.
type PhaseStatus string

// The statuses.
const (
	PhasePending      PhaseStatus = "pending"
	PhaseLocking      PhaseStatus = "locking"
	PhaseRunning      PhaseStatus = "running"
	PhaseVerifying    PhaseStatus = "verifying"
	PhaseHolding      PhaseStatus = "holding"
	PhaseCommitting   PhaseStatus = "committing"
	PhaseInDoubt      PhaseStatus = "in_doubt"
	PhaseIsCommitted  PhaseStatus = "committed"
	PhaseIsRolledBack PhaseStatus = "rolled_back"
	PhaseIsPassed     PhaseStatus = "passed" // read-only, all verifications hold
	PhaseIsFailed     PhaseStatus = "failed" // read-only, one does not
	PhaseUnknown      PhaseStatus = "unknown"
	PhaseIsUndone     PhaseStatus = "undone" // it was committed, and the database does not hold that any more
)

// Open reports whether a transaction of the phase is, or may be, open.
func (s PhaseStatus) Open() bool {
	switch s {
	case PhaseLocking, PhaseRunning, PhaseVerifying, PhaseHolding, PhaseCommitting, PhaseInDoubt:
		return true
	}
	return false
}

// MustLook reports whether a human has to look at the database before the phase
// can go on.
func (s PhaseStatus) MustLook() bool { return s == PhaseUnknown || s == PhaseIsUndone }

// Done reports whether the run may go on to the next phase.
func (s PhaseStatus) Done() bool { return s == PhaseIsCommitted || s == PhaseIsPassed }

// PhaseState is what is known of one phase's last attempt.
type PhaseState struct {
	Plan      *runbook.Phase
	Status    PhaseStatus
	Attempt   int       // 0 before the first
	StartedAt time.Time // zero before it
	EndedAt   time.Time // zero while it runs
	Took      time.Duration
	Tx        TxID
	Step      int // the step that runs, from 0; -1 when none does
	StepAt    time.Time
	Tables    []TableState // in the order of the screen
	Lock      *LockWait    // what it waits for now; nil when it does not
	LockedAt  time.Time
	ReadyAt   time.Time      // when all was done and verified, before anybody was asked; zero until then
	Verified  []Verification // nil before
	Changes   []Change       // what it did beside rows, as last seen
	HoldUntil time.Time      // zero unless holding
	Intent    *CommitIntent  // on disk before COMMIT; nil before
	Doubt     []string       // what is known of a COMMIT in doubt, newest last
	Settled   bool
	Warned    []string // what the server warned of at its COMMIT
	WAL       int64    // bytes that the server wrote meanwhile, for whomever; 0 when it did not say
	Reason    string   // why it was rolled back, failed, is unknown, or undone
	Ledger    bool     // when undone: the ledger still proves its COMMIT
	Accepted  bool     // it was undone, and a human let it count as committed
	By        string   // who committed or rolled back; empty when tminus did

	Keeping *CapsuleProgress // how far the writing of its capsule is; nil when it is not being written
	Capsule *Capsule         // what it took away, on disk; nil before, and when nothing is kept

	Swept []string // tables that a TRUNCATE took whose rows were counted before; nil for none

	UndoTook time.Duration // that putting it back took at the rehearsal's end, as proven; 0 before

	Maintenance []MaintenanceState // what follows its COMMIT; nil before it

	Pace Series // of all rows that have gone, those by foreign keys and triggers too

	undone []TableState // its tables as it committed them; nil unless it is undone
}

// TableRole says why a table stands in a phase.
type TableRole string

// The roles.
const (
	RoleDelete    TableRole = "delete"  // a step deletes from it
	RoleSQL       TableRole = "sql"     // a step's free statement: a row of its own, which is no table
	RoleTouch     TableRole = "touch"   // changed by a step's free statement
	RoleCascade   TableRole = "cascade" // reached by a foreign key or a trigger
	RoleZero      TableRole = "zero"    // must hold no row
	RoleFilled    TableRole = "filled"  // must hold a row
	RoleCount     TableRole = "count"   // is counted
	RoleProtected TableRole = "protected"
)

// TableState is one row of a phase's table. When the phase is rolled back or
// undone, what it did moves to Undone, and nothing says any more that it ran.
type TableState struct {
	Name        string
	Role        TableRole
	Step        int    // the step it belongs to; -1 for none
	Expected    int64  // rows that should be there, or match its steps' conditions, when the phase begins; -1 when unknown
	Command     string // of a free statement: what it did to Rows; empty for tables
	Rows        int64  // of a free statement, as its command has it; not among the tables' rows
	Deleted     int64  // by the phase's own statements
	Cascaded    int64  // by foreign keys and triggers
	Updated     int64  // rows changed, SET NULL among them
	Inserted    int64
	Undone      Effect // what was done to it and is not in the database
	Left        int64  // as counted, and what ROLLBACK brought back; -1 until then, and when nobody knows
	BlocksDone  int64
	BlocksTotal int64 // 0 when there is no share to give
	StartedAt   time.Time
	EndedAt     time.Time // of the last step that works on it
	Pace        Series    // of Deleted; of all rows gone where no step is the table's own

	base  int64 // what earlier steps deleted from the same table
	steps int   // how many delete from it
}

// Share is how much of the table's own delete is done, from 0 to 1; ok is
// false when nobody can say. It is 1 only when its steps have ended, or when a
// table that must be empty was counted and is.
func (t TableState) Share() (share float64, ok bool) {
	switch {
	case t.Step >= 0 && !t.EndedAt.IsZero(), t.Role == RoleZero && t.Left == 0:
		return 1, true
	case t.StartedAt.IsZero():
		return 0, false
	case t.BlocksTotal > 0 && t.steps < 2: // several steps go over the same blocks again
		share = float64(t.BlocksDone) / float64(t.BlocksTotal)
	case t.Expected > 0:
		share = float64(t.Deleted+t.Cascaded) / float64(t.Expected)
	default:
		return 0, false
	}
	return min(nearlyAll, share), true
}

// nearlyAll is the share of a delete whose rows or blocks are all done, and
// which has not ended: it still looks for rows that were moved.
const nearlyAll = 0.99

// Observer is somebody at a mirror.
type Observer struct {
	Name        string
	Fingerprint string
	Session     string
	Since       time.Time
}

// Condition is an abort condition that was met.
type Condition struct {
	ConditionRaised
	At time.Time
}

// Level is how much a log line matters.
type Level string

// The levels.
const (
	LevelInfo Level = "info"
	LevelGood Level = "good"
	LevelWarn Level = "warn"
	LevelBad  Level = "bad"
)

// LogLine is one event in words.
type LogLine struct {
	Seq   uint64
	At    time.Time
	Level Level
	Text  string
}

// Stage is the part of a run that is under way.
type Stage string

// The stages, in order.
const (
	StageChecklist Stage = "checklist" // until the GO
	StagePhases    Stage = "phases"
	StageAfter     Stage = "after"
	StageEnded     Stage = "ended"
)

// Stage derives the part that is under way.
func (s *State) Stage() Stage {
	switch {
	case s.Outcome != "":
		return StageEnded
	case s.Gate.Decision != Go:
		return StageChecklist
	case s.Current() >= 0:
		return StagePhases
	}
	return StageAfter
}

// Current is the index of the first phase that is not done; -1 when all are.
func (s *State) Current() int {
	for i := range s.Phases {
		if !s.Phases[i].Status.Done() {
			return i
		}
	}
	return -1
}

// CurrentID is the id of the first phase that is not done; empty when all are.
func (s *State) CurrentID() string {
	if i := s.Current(); i >= 0 {
		return s.Phases[i].Plan.ID
	}
	return ""
}

// OpenPhase is the phase whose transaction is, or may be, open; nil when none is.
func (s *State) OpenPhase() *PhaseState {
	for i := range s.Phases {
		if s.Phases[i].Status.Open() {
			return &s.Phases[i]
		}
	}
	return nil
}

// PastPointOfNoReturn reports whether the phase after which only a restore
// helps is committed, or may be.
func (s *State) PastPointOfNoReturn() bool {
	for i := range s.Phases {
		p := &s.Phases[i]
		if p.Plan.PointOfNoReturn && (p.Status == PhaseIsCommitted || p.Status == PhaseInDoubt || p.Status == PhaseUnknown) {
			return true
		}
	}
	return false
}

// Item is an item's state, never nil.
func (s *State) Item(id string) *ItemState {
	if it := s.Items[id]; it != nil {
		return it
	}
	return &ItemState{}
}

// ItemDone reports whether an item holds nothing any more: ticked by a human, or
// answered by a passing check or its action, and all its required fields
// recorded; or taken on by somebody as it is.
func (s *State) ItemDone(it runbook.Item) bool { return s.ItemLacks(it) == "" }

// GroupDone counts a group's done items.
func (s *State) GroupDone(g runbook.Group) (done, total int) {
	for _, it := range g.Items {
		if s.ItemDone(it) {
			done++
		}
	}
	return done, len(g.Items)
}

// GroupsDone counts the done items of several groups.
func (s *State) GroupsDone(groups []runbook.Group) (done, total int) {
	for _, g := range groups {
		d, t := s.GroupDone(g)
		done, total = done+d, total+t
	}
	return done, total
}

// CurrentAfter is the index in Runbook.After of the first stage that is not
// done; len(Runbook.After) when all are.
func (s *State) CurrentAfter() int {
	for i, g := range s.Runbook.After {
		if done, total := s.GroupDone(g); done < total {
			return i
		}
	}
	return len(s.Runbook.After)
}

// AbortAt is when no further phase may start; zero before T-0.
func (s *State) AbortAt() time.Time {
	if s.T0.IsZero() {
		return time.Time{}
	}
	return s.T0.Add(s.Runbook.Window.Abort + s.Extra)
}

// Clock is the run's T-clock at now: negative before T-0. Before the first
// phase has started it counts to the T-0 of its schedule.
func (s *State) Clock(now time.Time) time.Duration {
	if s.T0.IsZero() {
		return now.Sub(s.Schedule().T0)
	}
	return now.Sub(s.T0)
}

// BackupTime is the recorded time of the backup's snapshot; zero when there is none.
func (s *State) BackupTime() time.Time {
	t, err := time.Parse(time.RFC3339, s.Fields[s.Runbook.Backup.TimeField].Value)
	if err != nil {
		return time.Time{}
	}
	return t
}
