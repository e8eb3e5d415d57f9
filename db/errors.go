package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
)

// Errors that callers tell apart.
var (
	// ErrClosed is returned by every method of a closed Target.
	ErrClosed = errors.New("the database sessions are closed")
	// ErrPooler is returned by Open behind a pooler that shares sessions between transactions.
	ErrPooler = errors.New("a pooler in transaction or statement mode is in the way")
	// ErrReadOnly is returned where something must be written and the server does not allow it.
	ErrReadOnly = errors.New("the server is read-only")
	// ErrMasked is returned where the role may not see what it is asked for.
	ErrMasked = errors.New("the role may not see other users' activity")
	// ErrLockLost is returned by LockHeld when the operator lock's session has ended.
	ErrLockLost = errors.New("the operator lock is lost")
	// ErrEngineCheck is returned by Check for the checks that the engine answers itself.
	ErrEngineCheck = errors.New("this check is answered by the engine, not by the database")
	// ErrTxDone is returned by a Tx after its Commit or Rollback.
	ErrTxDone = errors.New("the transaction has ended")
)

// Error is what went wrong with one operation on the database.
type Error struct {
	Op      string // what was done: "delete"
	Subject string // to what: a table, a check, a host; may be empty
	Hint    string // the way out; may be empty
	Err     error
}

// Error gives operation, subject, cause with PostgreSQL's detail, and the way out.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Subject != "" {
		b.WriteString(" " + clean(e.Subject))
	}
	b.WriteString(": " + describe(e.Err))
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// SQLState is the server's code, empty when it was not the server who refused.
func (e *Error) SQLState() string {
	if pg, ok := errors.AsType[*pgconn.PgError](e.Err); ok {
		return pg.Code
	}
	return ""
}

// fail wraps an error of the driver's. It gives nil for nil.
func fail(ctx context.Context, op, subject string, err error) error {
	if err == nil {
		return nil
	}
	out := &Error{Op: op, Subject: subject, Err: err}
	if ours, ok := errors.AsType[*Error](err); ok {
		if ours.Op == op && ours.Subject == subject {
			return err
		}
		return out // it has its way out
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && pg.Code == "57014" && ctx != nil && ctx.Err() != nil:
		// A statement timeout has the same code: the context tells them apart.
		out.Err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	case ok:
		out.Hint = hints[pg.Code]
		if out.Hint == "" && pg.Hint != "" {
			out.Hint = "hint: " + clean(pg.Hint)
		}
	}
	return out
}

// failf is fail for an error of our own with a way out.
func failf(op, subject, hint string, err error) error {
	return &Error{Op: op, Subject: subject, Hint: hint, Err: err}
}

// describe is the cause in one line: PostgreSQL's message, code and detail,
// without a row's content.
func describe(err error) string {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if _, ours := errors.AsType[*Error](err); ours {
		return clean(err.Error())
	}
	if !ok {
		return plain(err)
	}
	full := clean(pg.Message) + " (SQLSTATE " + pg.Code + ")"
	if pg.Detail != "" && !tellsRows(pg.Code) {
		full += ": " + clean(pg.Detail)
	}
	if pg.Where != "" {
		full += " [" + cut(clean(pg.Where), 300) + "]"
	}
	// Whatever wraps the server's error may say more than it does.
	if outer := clean(err.Error()); !strings.HasPrefix(outer, clean(pg.Severity)+": ") {
		if prefix, _, found := strings.Cut(outer, clean(pg.Severity)+": "); found {
			return prefix + full
		}
	}
	return full
}

// tellsRows reports whether the detail of an error may hold a row's content,
// which never leaves the database: what is wrong with a value (class 22), which
// row violates a constraint (23), and what a function raises (P0). The message
// names table, column and constraint.
func tellsRows(code string) bool {
	return strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23") || strings.HasPrefix(code, "P0")
}

// hints are the ways out of what a DBA meets at night.
var hints = map[string]string{
	"55P03": "another session holds a lock on it: see who blocks, wait or end that session",
	"40P01": "the server broke a deadlock by ending this transaction, nothing of it happened: stop the other writers, then start the phase again",
	"40001": "another transaction got in the way, nothing of this one happened: stop the other writers, then start the phase again",
	"42501": "the role lacks a privilege: connect as the owner, or have it granted",
	"42P01": "the table is not there: look at the runbook's schema and spelling",
	"42703": "the column is not there: look at the runbook's condition",
	"3F000": "the schema is not there: look at the runbook's schema",
	"25006": "the server or the role's default is read-only: connect to the primary, and look at default_transaction_read_only",
	"28P01": "user or password is wrong: look at PGUSER, the DSN and the password file",
	"28000": "the server does not let this user in from here: look at user, database and pg_hba.conf",
	"3D000": "there is no such database: look at PGDATABASE and the DSN",
	"53300": "all connections are taken: close some, or raise the role's or the database's connection limit",
	"53100": "the server's disk is full: free space first",
	"53200": "the server is out of memory, or of places for locks: look at its log; for locks, raise max_locks_per_transaction, which takes a restart, or split the phase",
	"57P01": "an administrator ended the session, or the server is shutting down",
	"57P02": "the server crashed and restarts: wait, then look at what was committed",
	"57P03": "the server is starting up or shutting down: wait, then try again",
	"57014": "the statement was cancelled by a statement timeout or by somebody's pg_cancel_backend",
	"25P02": "an earlier statement of this transaction failed: only ROLLBACK is left",
	"25P03": "the server ended a transaction that stood idle: raise idle_in_transaction_session_timeout",
	"23502": "a foreign key that is ON DELETE SET NULL, or a trigger, sets a column to NULL that takes none: delete that table's rows first; tminus lint --dsn says which",
	"23503": "rows elsewhere still refer to these, or the row that a default refers to is gone: tminus lint --dsn says which, and the order that works",
	"23505": "a row with this key is there already",
	"42601": "the SQL is not valid: look at the runbook",
}

// clean makes one line of text from outside.
func clean(s string) string { return phases.Clean(s) }

// cut shortens text to n runes.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
