package phases

import (
	"context"
	"errors"
	"time"

	"tminus/phases/runbook"
)

// ErrSessionGone says that a session which was to be ended has ended already.
var ErrSessionGone = errors.New("there is no such session any more")

// Target is what a run needs from a database. db.Target is the one on
// PostgreSQL. Methods may be called from several goroutines; only a Tx
// belongs to one.
//
// Every context's end cancels the statement on the server and leaves the
// session usable where that is possible.
type Target interface {
	// Identity asks the server who it is, on a live connection.
	Identity(ctx context.Context) (Identity, error)

	// Prepare makes the ledger when the runbook wants one. It is the only
	// thing a run writes before its first phase.
	Prepare(ctx context.Context) error

	// Survey resolves every name of the runbook, and computes the reach of
	// its deletes. Missing tables and missing rights are all in one error.
	Survey(ctx context.Context) (Survey, error)

	// Baseline counts tables and fingerprints the protected ones, in one
	// REPEATABLE READ, READ ONLY transaction. progress may be nil; it is
	// called with each table as it is done.
	Baseline(ctx context.Context, count, protect []string, progress func(TableCount)) (Baseline, error)

	// Check asks one database check by name. An error means that the
	// question could not be answered, which is never a pass.
	Check(ctx context.Context, check *runbook.Check, facts Facts) (Answer, error)

	// Query runs one query in a read-only transaction and gives the first
	// column of its only row as text. No row, or more than one, is an error.
	Query(ctx context.Context, sql string) (string, error)

	// ReadTriggers gives definition and state of every trigger with one of the
	// names, whatever table it stands on. A name without a trigger is an error.
	ReadTriggers(ctx context.Context, names []string) ([]Trigger, error)

	// DisableTriggers disables exactly these triggers, in one transaction.
	// RestoreTriggers brings back exactly what was recorded: definition and state.
	DisableTriggers(ctx context.Context, triggers []Trigger) error
	RestoreTriggers(ctx context.Context, recorded []Trigger) error

	// Begin opens a phase's transaction on a connection of its own.
	Begin(ctx context.Context, spec TxSpec) (Tx, error)

	// Settle looks once whether an intended COMMIT happened. It reconnects
	// by itself; an unreachable server is an error.
	Settle(ctx context.Context, intent CommitIntent) (Settlement, error)

	// EndBackend cancels (terminate false) or terminates a session by its pid,
	// provided that it still is the one which started at backendStart. When
	// that one is gone, it returns ErrSessionGone.
	EndBackend(ctx context.Context, pid uint32, backendStart time.Time, terminate bool) error

	// Blockers says who blocks the session pid; empty when nobody does.
	Blockers(ctx context.Context, pid uint32) ([]Blocker, error)

	// Lock takes the operator lock: one run at a time in a database. Held by
	// another session, it returns a *LockedError.
	Lock(ctx context.Context) error

	// Close ends every session.
	Close()
}

// Tx is one phase's transaction. It belongs to the goroutine that began it.
type Tx interface {
	// ID names the transaction and its backend, for the journal.
	ID() TxID

	// Lock locks the phase's tables against writers (SHARE ROW EXCLUSIVE),
	// all of them or none. It retries with back-off until the spec's deadline;
	// waiting is called before each retry with what it waits for.
	Lock(ctx context.Context, waiting func(LockWait)) error

	// Delete deletes a step's rows, by block ranges where that applies.
	// progress is called on this goroutine after each range.
	Delete(ctx context.Context, step runbook.Step, progress func(Progress)) (int64, error)

	// Exec runs a step's one SQL statement and gives the rows it touched.
	Exec(ctx context.Context, step runbook.Step) (int64, error)

	// SettleConstraints makes deferred constraints immediate, so that they fail here
	// rather than in COMMIT.
	SettleConstraints(ctx context.Context) error

	// Count counts the rows of a table as the transaction sees it, matching
	// where when that is not empty.
	Count(ctx context.Context, table, where string) (int64, error)

	// Touched is what the transaction did to each table so far, cascades and
	// triggers included, without what the session did before it.
	Touched(ctx context.Context) (map[string]Touched, error)

	// Fingerprint gives count and content of a table as the transaction sees it.
	Fingerprint(ctx context.Context, table string) (Fingerprint, error)

	// WriteLedger writes the row that proves the COMMIT. Without a ledger it
	// does nothing.
	WriteLedger(ctx context.Context, intent CommitIntent) error

	// Commit sends COMMIT and says what came of it. It never retries, and it
	// closes the connection whatever the answer.
	Commit(ctx context.Context) CommitResult

	// Rollback ends the transaction without effect and closes its connection.
	// It is safe after any error and more than once.
	Rollback(ctx context.Context) error
}

// Identity is who a server is. Two servers with the same system identifier and
// timeline are the same database cluster.
type Identity struct {
	Host             string    `json:"host"` // as connected to: name, address or socket directory
	Port             uint16    `json:"port"`
	Database         string    `json:"database"`
	User             string    `json:"user"`
	ServerVersion    string    `json:"server_version"`
	VersionNum       int       `json:"version_num"`
	SystemIdentifier string    `json:"system_identifier"` // empty when the role may not read it
	Timeline         int64     `json:"timeline"`          // 0 when the role may not read it
	DatabaseOID      uint32    `json:"database_oid"`
	ServerStart      time.Time `json:"server_start"`
	LedgerOID        uint32    `json:"ledger_oid,omitempty"` // of the ledger's table; 0 when there is none, and in old journals
}

// Same reports whether other is the same database of the same cluster on the
// same timeline. Host, port and user may differ: there are many ways to it.
func (i Identity) Same(other Identity) bool {
	return i.SystemIdentifier == other.SystemIdentifier && i.Timeline == other.Timeline &&
		i.DatabaseOID == other.DatabaseOID && i.Database == other.Database
}

// Survey is what a runbook's names mean in this database.
type Survey struct {
	Deletes  []string    `json:"deletes"`         // tables the phases delete from, in order
	Reach    []Reach     `json:"reach"`           // what the deletes touch beyond that, through foreign keys
	Triggers []Trigger   `json:"triggers"`        // triggers on any of those tables, as they are now
	Warnings []string    `json:"warnings"`        // what the operator should know, one sentence each
	Sizes    []TableSize `json:"sizes,omitempty"` // planner's estimates for all tables named or reached
}

// TableSize is the planner's estimate of a table.
type TableSize struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"` // -1 when never analyzed
	Bytes int64  `json:"bytes"`
}

// ReachAction is what a foreign key does to the referencing rows.
type ReachAction string

// The actions, as PostgreSQL calls them.
const (
	ReachCascade    ReachAction = "CASCADE"
	ReachSetNull    ReachAction = "SET NULL"
	ReachSetDefault ReachAction = "SET DEFAULT"
)

// Reach is one foreign key on the way of a delete.
type Reach struct {
	From       string      `json:"from"`  // table whose rows go
	Table      string      `json:"table"` // table that is touched
	Constraint string      `json:"constraint"`
	Action     ReachAction `json:"action"`
	Indexed    bool        `json:"indexed"`   // whether a usable index has the key's columns first
	Protected  bool        `json:"protected"` // whether Table is protected
}

// Trigger is a user trigger with all that brings it back.
type Trigger struct {
	Schema     string `json:"schema"`
	Table      string `json:"table"`
	Name       string `json:"name"`
	Enabled    string `json:"enabled"` // pg_trigger.tgenabled: O, D, R or A
	Definition string `json:"definition"`
}

// TableCount is one table's exact row count.
type TableCount struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
}

// Fingerprint is a table's count and content. Equal fingerprints mean equal content.
type Fingerprint struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
	Hash  string `json:"hash"`
}

// Baseline is what the database held before the first phase.
type Baseline struct {
	Counts    []TableCount  `json:"counts"`
	Protected []Fingerprint `json:"protected"`
}

// Facts are what a database check may need of the run.
type Facts struct {
	Triggers    []Trigger     // recorded before they were disabled
	Protected   []Fingerprint // the baseline's
	BackupTime  time.Time     // zero when not recorded
	BackupMax   time.Duration
	BackupExtra time.Duration // by which the window was extended
	Observers   []string      // who watches a mirror
}

// Answer is what a check found.
type Answer struct {
	Pass  bool
	Value string // what was found, short: "0 connections", "4 of 4 disabled"
}

// TxSpec is what a phase's transaction needs to know in advance.
type TxSpec struct {
	RunID        string
	Phase        *runbook.Phase
	LockTables   []string      // tables to lock, in order
	LockDeadline time.Duration // give up after so long; default 30s
	ReadOnly     bool          // REPEATABLE READ, READ ONLY; nothing to lock
}

// TxID names a transaction and the session it runs in.
type TxID struct {
	Xid          string    `json:"xid"` // pg_current_xact_id(), 64 bits; empty when read-only
	PID          uint32    `json:"pid"`
	BackendStart time.Time `json:"backend_start"`
}

// LockWait is one wait for locks.
type LockWait struct {
	Table    string        `json:"table"` // the table waited for; empty when unknown
	Waited   time.Duration `json:"waited"`
	Attempt  int           `json:"attempt"`
	Blockers []Blocker     `json:"blockers"`
}

// Blocker is a session that holds what another waits for.
type Blocker struct {
	PID          uint32    `json:"pid"`
	User         string    `json:"user"`
	Application  string    `json:"application"`
	State        string    `json:"state"` // empty: not allowed to see
	Since        time.Time `json:"since"` // start of its transaction
	BackendStart time.Time `json:"backend_start"`
	Query        string    `json:"query"` // its beginning
}

// Progress is how far a delete is.
type Progress struct {
	Deleted     int64              // rows of the step's own table
	BlocksDone  int64              // of BlocksTotal; both 0 when there is no share to give
	BlocksTotal int64              //
	Touched     map[string]Touched // what the transaction did so far; nil when not read this time
}

// Touched is what a transaction did to one table.
type Touched struct {
	Inserted int64 `json:"inserted,omitempty"`
	Updated  int64 `json:"updated,omitempty"`
	Deleted  int64 `json:"deleted,omitempty"`
}

// CommitIntent is on disk before COMMIT is sent.
type CommitIntent struct {
	RunID    string   `json:"run_id"`
	Phase    string   `json:"phase"`
	Attempt  int      `json:"attempt"`
	Nonce    string   `json:"nonce"`
	Tx       TxID     `json:"tx"`
	Identity Identity `json:"identity"`
	Operator string   `json:"operator"`
	Runbook  string   `json:"runbook_sha256"`
	Ledger   bool     `json:"ledger"` // whether a ledger row was written
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
