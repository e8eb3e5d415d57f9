package engine

import (
	"context"
	"errors"
	"time"

	"tminus/phases"
	"tminus/phases/engine/action"
	"tminus/phases/runbook"
)

// ErrSessionGone says that a session which was to be ended has ended already.
var ErrSessionGone = errors.New("there is no such session any more")

// ErrNoLedger says that the database has no ledger any more, or none that the
// role can find.
var ErrNoLedger = errors.New("there is no ledger")

// Target is what a run needs from a database: all of the interfaces below it,
// each for one part of the engine. db.Target is the one on PostgreSQL. Methods
// may be called from several goroutines; only a Tx belongs to one.
//
// Every context's end cancels the statement on the server and leaves the
// session usable where that is possible.
type Target interface {
	Server
	Ledger
	Surveyor
	Checker
	Transactor
	Maintainer
	Sessions
	Capsules
	action.Target

	// Close ends every session.
	Close()
}

// Server is who answers.
type Server interface {
	// Identity asks the server who it is, and how far its WAL is, on a live
	// connection.
	Identity(ctx context.Context) (phases.Identity, error)

	// Lock takes the operator lock: one run at a time in a database. Held by
	// another session, it returns a *LockedError.
	Lock(ctx context.Context) error
}

// Ledger is what proves COMMITs.
type Ledger interface {
	// Prepare makes the ledger when the runbook wants one. It and NoteRun are all
	// that a run writes before its first phase.
	Prepare(ctx context.Context) error

	// LedgerRows are what the ledger holds of a run, in no order: none where
	// the runbook wants no ledger. A ledger that is gone is ErrNoLedger.
	LedgerRows(ctx context.Context, runID string) ([]phases.LedgerRow, error)

	// NoteRun writes what the database should know of a run beside its commits, for
	// whoever begins another one there. RunNotes are those of the runs that had
	// not ended, or had left something off. Where the runbook wants no ledger,
	// nothing is written, and there are none.
	NoteRun(ctx context.Context, n phases.RunNote) error
	RunNotes(ctx context.Context) ([]phases.RunNote, error)
}

// Surveyor looks at what a run is about, and changes nothing.
type Surveyor interface {
	// Survey resolves every name of the runbook, and computes the reach of
	// its deletes. Missing tables and missing rights are all in one error.
	Survey(ctx context.Context) (phases.Survey, error)

	// SchemaNow gives what the survey would now say that the tables are like,
	// with the triggers among off that are disabled as they were before. Where
	// nothing has changed since the last time, it is cheap.
	SchemaNow(ctx context.Context, off []phases.Trigger) (phases.SchemaPrint, error)

	// Baseline counts tables, or the rows of one that match a condition, and
	// fingerprints the protected ones, on one session or several, all as of one
	// moment. progress may be nil; it is called with each count as it is done, in
	// any order, by one goroutine at a time.
	Baseline(ctx context.Context, count []phases.Counted, protect []string, progress func(phases.TableCount)) (phases.Baseline, error)
}

// Checker answers checks. An error means that the question could not be
// answered, which is never a pass.
type Checker interface {
	// Check asks one database check by name.
	Check(ctx context.Context, check *runbook.Check, facts phases.Facts) (phases.Answer, error)

	// Query runs one query in a read-only transaction and gives the first
	// column of its only row as text. No row, or more than one, is an error.
	Query(ctx context.Context, sql string) (string, error)
}

// Transactor opens phases' transactions, and says what became of a COMMIT.
type Transactor interface {
	// Begin opens a phase's transaction on a connection of its own.
	Begin(ctx context.Context, spec TxSpec) (Tx, error)

	// Settle looks once whether an intended COMMIT happened. It reconnects
	// by itself; an unreachable server is an error.
	Settle(ctx context.Context, intent phases.CommitIntent) (Settlement, error)
}

// Sessions are the others in the database.
type Sessions interface {
	// Blockers says who blocks the session pid; empty when nobody does.
	Blockers(ctx context.Context, pid uint32) ([]phases.Blocker, error)

	// Activity says who is in the database and who waits for whom, on a connection
	// that is not a phase's; own is the phase's session, 0 for none. The server ends
	// a look that takes long.
	Activity(ctx context.Context, own uint32) (phases.Activity, error)

	// EndBackend cancels (terminate false) or terminates a session by its pid,
	// provided that it still is the one which started at backendStart. When
	// that one is gone, it returns ErrSessionGone.
	EndBackend(ctx context.Context, pid uint32, backendStart time.Time, terminate bool) error
}

// Maintainer works outside of any transaction.
type Maintainer interface {
	// Maintain does one piece of what follows a phase's COMMIT. It ends with
	// ctx: what it had not done by then is not done.
	Maintain(ctx context.Context, m runbook.Maintenance) error
}

// Capsules are what phases took away, as files.
type Capsules interface {
	// Whole looks whether a capsule's files are there, each of its size, and
	// whether its manifest is the one that was written.
	Whole(folder, sha256 string) error

	// PutBack puts the capsule of a step back in a transaction of its own, commits
	// it, and says how many rows it had to touch. progress may be nil.
	PutBack(ctx context.Context, step runbook.Step, progress func(rows int64)) (int64, error)

	// Fingerprints gives count and content of tables as of one moment. progress may
	// be nil; it is called after each, in any order, by one
	// goroutine at a time.
	Fingerprints(ctx context.Context, tables []string, progress func(table string)) ([]phases.Fingerprint, error)

	// Drop removes the capsule of a run's phase that was not committed, whole or
	// begun. Where there is none, or another run's stands there, it does nothing.
	Drop(folder, runID string) error
}

// Tx is one phase's transaction. It belongs to the goroutine that began it.
type Tx interface {
	// ID names the transaction and its backend, for the journal.
	ID() phases.TxID

	// Lock locks the phase's tables against writers (SHARE ROW EXCLUSIVE),
	// all of them or none. It retries with back-off until the spec's deadline;
	// waiting is called before each retry with what it waits for.
	Lock(ctx context.Context, waiting func(phases.LockWait)) error

	// Run runs a step: a delete in its way, or its one SQL statement. It gives
	// what the server says it did. progress may be nil; it is called on this
	// goroutine after each range of a delete that has ranges.
	Run(ctx context.Context, step runbook.Step, progress func(Progress)) (phases.Statement, error)

	// SettleConstraints makes deferred constraints immediate, so that they fail here
	// rather than in COMMIT.
	SettleConstraints(ctx context.Context) error

	// Counts counts the rows of tables, in order, as the transaction sees them,
	// those that match their condition where there is one. It calls each with the
	// rows of the next one. With an error, the first that was not counted is the one
	// that could not be.
	Counts(ctx context.Context, of []phases.Counted, each func(rows int64)) error

	// Effects are all that the transaction did to the database so far. It also
	// looks that the session is as it was armoured; an error means that nobody
	// knows.
	Effects(ctx context.Context) (phases.Effects, error)

	// Fingerprint gives count and content of a table as the transaction sees it.
	Fingerprint(ctx context.Context, table string) (phases.Fingerprint, error)

	// Keep writes what the transaction took away so far into the spec's capsule,
	// and syncs it: all of it, as the server counted, or an error. It is called
	// once, when deferred constraints are settled. did is what Effects gave last.
	Keep(ctx context.Context, did phases.Effects, progress func(phases.CapsuleProgress)) (phases.Capsule, error)

	// DropIndexes drops the indexes that the transaction made for its foreign keys,
	// and gives their names. It comes right before COMMIT: from then on nobody else
	// reads their tables. waiting is called before each retry for its locks.
	DropIndexes(ctx context.Context, waiting func(phases.LockWait)) ([]string, error)

	// WriteLedger writes the row that proves the COMMIT, and reads it back in
	// the same transaction: a row that a trigger, a rule or row security
	// swallowed is an error. Without a ledger it does nothing.
	WriteLedger(ctx context.Context, intent phases.CommitIntent) error

	// Hold has the server end the session when it hears nothing of it for longer than
	// the limit by more than a minute: a program that is stopped, or whose machine is,
	// ends nothing by itself. What follows is COMMIT or ROLLBACK.
	Hold(ctx context.Context, limit time.Duration) error

	// Commit sends COMMIT and says what came of it. It never retries, and it
	// closes the connection whatever the answer.
	Commit(ctx context.Context) CommitResult

	// Rollback ends the transaction without effect and closes its connection.
	// It is safe after any error and more than once.
	Rollback(ctx context.Context) error
}

// TxSpec is what a phase's transaction needs to know in advance.
type TxSpec struct {
	RunID        string
	Phase        *runbook.Phase
	LockTables   []string      // tables to lock, in order
	LockDeadline time.Duration // give up after so long; default 30s
	ReadOnly     bool          // REPEATABLE READ, READ ONLY; nothing to lock
	Attempt      int           // at the phase; 1 for the first
	Capsule      string        // the folder that Keep makes, an absolute path; empty: nothing is kept

	// Ways is what the survey found to spare the phase work; nil: nothing. What is
	// not of it is not done.
	Ways *phases.PhaseWays
}

// Progress is how far a delete is.
type Progress struct {
	Deleted     int64                     // rows of the step's own table
	BlocksDone  int64                     // of BlocksTotal; both 0 when there is no share to give
	BlocksTotal int64                     //
	Touched     map[string]phases.Touched // what the transaction did so far; nil when not read this time

	// Chosen and Built are news, and nothing else is said with them: the way that a
	// step goes, of those that it may; an index that was made.
	Chosen *phases.WayChosen
	Built  *phases.IndexBuilt

	// Doing is what the server is asked for beside the rows, before it is; nothing
	// else is said with it.
	Doing string
}

// CommitOutcome is what is known of a COMMIT.
type CommitOutcome string

// The outcomes. Anything that is not a definite answer is CommitInDoubt.
const (
	Committed     CommitOutcome = "committed"
	NotCommitted  CommitOutcome = "not_committed" // the server said so
	CommitInDoubt CommitOutcome = "in_doubt"
)

// CommitResult is the answer to a COMMIT.
type CommitResult struct {
	Outcome CommitOutcome
	Err     error // why, unless Committed

	// Warnings are the server's, of a COMMIT that happened all the same; nil for none.
	Warnings []string
}

// SettleOutcome is what a look at a COMMIT in doubt found.
type SettleOutcome string

// The outcomes of one look.
const (
	SettledCommitted    SettleOutcome = "committed"     // the ledger row is there
	SettledNotCommitted SettleOutcome = "not_committed" // no row, and the backend is gone
	SettleInProgress    SettleOutcome = "in_progress"   // no row, and the backend still lives
	SettleUnknowable    SettleOutcome = "unknowable"    // another server, or no ledger to ask: a human decides
)

// Settlement is what one look at a COMMIT in doubt found.
type Settlement struct {
	Outcome SettleOutcome
	Detail  string // one sentence for the screen
}
