package phases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases/runbook"
)

// ErrSessionGone says that a session which was to be ended has ended already.
var ErrSessionGone = errors.New("there is no such session any more")

// ErrNoLedger says that the database has no ledger any more, or none that the
// role can find.
var ErrNoLedger = errors.New("there is no ledger")

// Target is what a run needs from a database. db.Target is the one on
// PostgreSQL. Methods may be called from several goroutines; only a Tx
// belongs to one.
//
// Every context's end cancels the statement on the server and leaves the
// session usable where that is possible.
type Target interface {
	// Identity asks the server who it is, and how far its WAL is, on a live
	// connection.
	Identity(ctx context.Context) (Identity, error)

	// LedgerRows are what the ledger holds of a run, in no order: none where
	// the runbook wants no ledger. A ledger that is gone is ErrNoLedger.
	LedgerRows(ctx context.Context, runID string) ([]LedgerRow, error)

	// Prepare makes the ledger when the runbook wants one. It is the only
	// thing a run writes before its first phase.
	Prepare(ctx context.Context) error

	// Survey resolves every name of the runbook, and computes the reach of
	// its deletes. Missing tables and missing rights are all in one error.
	Survey(ctx context.Context) (Survey, error)

	// Baseline counts tables, or the rows of one that match a condition, and
	// fingerprints the protected ones, in one REPEATABLE READ, READ ONLY
	// transaction. progress may be nil; it is called with each count as it is
	// done.
	Baseline(ctx context.Context, count []Counted, protect []string, progress func(TableCount)) (Baseline, error)

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

	// Exec runs a step's one SQL statement and gives what the server says it did.
	Exec(ctx context.Context, step runbook.Step) (Statement, error)

	// SettleConstraints makes deferred constraints immediate, so that they fail here
	// rather than in COMMIT.
	SettleConstraints(ctx context.Context) error

	// Count counts the rows of a table as the transaction sees it, matching
	// where when that is not empty.
	Count(ctx context.Context, table, where string) (int64, error)

	// Effects are all that the transaction did to the database so far. It also
	// looks that the session is as it was armoured; an error means that nobody
	// knows.
	Effects(ctx context.Context) (Effects, error)

	// Fingerprint gives count and content of a table as the transaction sees it.
	Fingerprint(ctx context.Context, table string) (Fingerprint, error)

	// WriteLedger writes the row that proves the COMMIT, and reads it back in
	// the same transaction: a row that a trigger, a rule or row security
	// swallowed is an error. Without a ledger it does nothing.
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
	WAL              LSN       `json:"wal,omitempty"`        // what the server had on disk when it was asked; 0 when it did not say, and in old journals
}

// Same reports whether other is the same database of the same cluster on the
// same timeline. Host, port and user may differ: there are many ways to it.
func (i Identity) Same(other Identity) bool {
	return i.SystemIdentifier == other.SystemIdentifier && i.Timeline == other.Timeline &&
		i.DatabaseOID == other.DatabaseOID && i.Database == other.Database
}

// Behind reports whether the server's WAL is below a position that the run
// knows to have been on disk, so that it is another history: a restore, or a
// copy from before. It is false where either is unknown.
func (i Identity) Behind(floor LSN) bool { return i.WAL != 0 && i.WAL < floor }

// Survey is what a runbook's names mean in this database.
type Survey struct {
	Deletes  []string    `json:"deletes"`         // tables the phases delete from, in order
	Reach    []Reach     `json:"reach"`           // what the deletes touch beyond that, through foreign keys
	Triggers []Trigger   `json:"triggers"`        // triggers on any of those tables, as they are now
	Warnings []string    `json:"warnings"`        // what the operator should know, one sentence each
	Sizes    []TableSize `json:"sizes,omitempty"` // planner's estimates for all tables named or reached
	// Sessions is how many the run needs at its widest: the survey opened as
	// many. 0 in old journals.
	Sessions int `json:"sessions,omitempty"`
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

// Counted is a table to count, or those of its rows that match a condition.
type Counted struct {
	Table string
	Where string // empty: all rows
}

// String is what screens call it: the table, with its condition.
func (c Counted) String() string {
	if c.Where == "" {
		return c.Table
	}
	return c.Table + " where " + c.Where
}

// TableCount is an exact row count: of a table, or of those of its rows that
// match a condition.
type TableCount struct {
	Table string `json:"table"`
	Where string `json:"where,omitempty"`
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
	Until    time.Time     `json:"until,omitzero"` // when the wait is given up and the phase rolled back; zero in old journals
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

// ChangeKind is what was done to an object of the database.
type ChangeKind string

// The kinds of change.
const (
	ChangeTruncated ChangeKind = "truncated" // it has another file: TRUNCATE, or a rewrite
	ChangeAltered   ChangeKind = "altered"   // its definition, its rights or its comment
	ChangeRenamed   ChangeKind = "renamed"
	ChangeCreated   ChangeKind = "created"
	ChangeDropped   ChangeKind = "dropped"
	ChangeLocked    ChangeKind = "locked" // ACCESS EXCLUSIVE, and nothing else is seen of it
	ChangeUnseen    ChangeKind = "unseen" // opened for writing where the server counts no rows: a foreign table
)

// Effects are all that a transaction did to the database.
type Effects struct {
	// Rows are what it did to the rows of each table, cascades and triggers
	// included, without what the session did before it.
	Rows map[string]Touched
	// Changes are what it did beside inserting, updating and deleting rows of
	// tables: what it truncated, dropped, made or altered, and what it locked
	// as if to do so.
	Changes []Change
}

// Change is one thing that a transaction did beside inserting, updating and
// deleting rows.
type Change struct {
	Kind   ChangeKind `json:"change"`
	Object string     `json:"object"`          // what, in PostgreSQL's words: "table bookings", "function f()"
	Table  string     `json:"table,omitempty"` // the table that it belongs to, as the runbook calls it; empty when it is no table's
	Detail string     `json:"detail,omitempty"`
}

// String is the change in words: "table bookings was dropped".
func (c Change) String() string {
	text := c.Object + " was " + string(c.Kind)
	switch c.Kind {
	case ChangeTruncated:
		if strings.HasPrefix(c.Object, "sequence ") || strings.HasPrefix(c.Object, "index ") {
			text = c.Object + " was rewritten"
		}
	case ChangeLocked:
		text = c.Object + " was locked against all others"
	case ChangeUnseen:
		text = c.Object + " was opened for writing, and nobody counts its rows"
	}
	if c.Detail != "" {
		text += " (" + c.Detail + ")"
	}
	return Clean(text)
}

// Statement is what the server says that a statement did.
type Statement struct {
	Command string // of the command tag, in capitals: "DELETE", "UPDATE", "TRUNCATE TABLE"
	Rows    int64  // deleted, updated, inserted, returned, as the command has it
}

// LedgerRow is what the ledger says of a phase.
type LedgerRow struct {
	Phase     string
	Attempt   int
	Nonce     string
	Xid       string
	WrittenAt time.Time
}

// LSN is a position in the write-ahead log, in bytes; 0 is unknown.
type LSN uint64

// String is how PostgreSQL writes it: "16/B374D848".
func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) }

// ParseLSN reads what String writes.
func ParseLSN(text string) (LSN, error) {
	var high, low uint32
	if n, err := fmt.Sscanf(text, "%X/%X", &high, &low); n != 2 || err != nil {
		return 0, fmt.Errorf("%q is no position in the write-ahead log", Clean(text))
	}
	return LSN(high)<<32 | LSN(low), nil
}

// MarshalText implements encoding.TextMarshaler.
func (l LSN) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *LSN) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLSN(string(text))
	return err
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
