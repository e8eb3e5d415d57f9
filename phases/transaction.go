package phases

import (
	"fmt"
	"strings"
	"time"
)

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

// Blocker is a session that holds what another waits for, or for which a check does
// not pass.
type Blocker struct {
	PID          uint32    `json:"pid"`
	User         string    `json:"user"`
	Application  string    `json:"application"`
	State        string    `json:"state"` // empty: not allowed to see
	Since        time.Time `json:"since"` // start of its transaction
	BackendStart time.Time `json:"backend_start"`
	Query        string    `json:"query"` // its beginning; of a check's never

	Needs string `json:"needs,omitempty"` // who may end it, where the program's role may not
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
// deleting rows. What is decided by an object is decided by its Type and Identity:
// the words of Object are in the language of the server's messages.
type Change struct {
	Kind     ChangeKind `json:"change"`
	Object   string     `json:"object"`             // what, in PostgreSQL's words: "table bookings", "function f()"
	Type     string     `json:"type,omitempty"`     // of object, as pg_identify_object has it: "table", "table constraint"; empty in old journals, and where the server names none
	Identity string     `json:"identity,omitempty"` // as pg_identify_object has it: "public.bookings", "k on public.bookings"; empty where Type is
	Table    string     `json:"table,omitempty"`    // the table that it belongs to, as the runbook calls it; empty when it is no table's
	Detail   string     `json:"detail,omitempty"`
	Same     bool       `json:"same,omitempty"` // it is as it was before: altered, and put back
}

// Objects that a change is told by, in the words of pg_identify_object.
const (
	TypeTable            = "table"
	TypeIndex            = "index"
	TypeSequence         = "sequence"
	TypeMaterializedView = "materialized view"
	TypeConstraint       = "table constraint"
)

// IsIndex reports whether the object is an index of this name, in whatever schema.
func (c Change) IsIndex(name string) bool {
	return c.Type == TypeIndex && (strings.HasSuffix(c.Identity, "."+Clean(name)) || strings.HasSuffix(c.Identity, "."+Clean(quoted(name))))
}

// IsConstraint reports whether the object is a constraint of this name, of whatever table.
func (c Change) IsConstraint(name string) bool {
	return c.Type == TypeConstraint && (strings.HasPrefix(c.Identity, Clean(name)+" on ") || strings.HasPrefix(c.Identity, Clean(quoted(name))+" on "))
}

// rewrites reports whether another file of the object took no rows of a table: it
// is an index or a sequence. Old journals have its type in English alone.
func (c Change) rewrites() bool {
	if c.Type == "" {
		return strings.HasPrefix(c.Object, "sequence ") || strings.HasPrefix(c.Object, "index ")
	}
	return c.Type == TypeSequence || c.Type == TypeIndex
}

// String is the change in words: "table bookings was dropped".
func (c Change) String() string {
	text := c.Object + " was " + string(c.Kind)
	switch c.Kind {
	case ChangeTruncated:
		if c.rewrites() {
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

	// Proved is what it verified itself, for the phase's verification; nil for most.
	Proved []Verification
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
	Ledger   bool     `json:"ledger"`            // whether a ledger row was written
	Capsule  string   `json:"capsule,omitempty"` // the SHA-256 of its capsule's manifest; empty when nothing is kept
}

// String says who blocks: the session, its user, its program and what it does.
func (b Blocker) String() string {
	text := fmt.Sprintf("session %d", b.PID)
	if b.User != "" {
		text += " of " + b.User
	}
	if b.Application != "" {
		text += " (" + b.Application + ")"
	}
	if b.State != "" {
		text += ", " + b.State
	}
	return Clean(text)
}
