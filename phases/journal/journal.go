package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Record is one line of a journal.
type Record struct {
	Seq  uint64          // 1 for the first line: the line's number
	At   time.Time       // UTC, as the writer's clock had it; clocks jump, so only Seq orders records
	Kind string          // the event's wire name
	Data json.RawMessage // the event, as a JSON object
	Hash string          // 64 hex digits: SHA-256 over the previous record's hash and this line up to its own
}

// Durability says how an append reaches the disk.
type Durability bool

// The durabilities.
const (
	Buffered Durability = false // handed to the operating system: a reader sees it, a power cut may lose it
	Synced   Durability = true  // on disk, with all before it, when Append returns
)

// Errors that callers tell apart.
var (
	ErrDamaged = errors.New("journal is damaged")            // wrapped by DamageError, which names the line
	ErrTorn    = errors.New("journal's last line is torn")   // wrapped by TornError: the writer died inside its last write
	ErrInUse   = errors.New("journal has a writer already")  // another process holds the file's lock
	ErrExists  = errors.New("journal exists already")        // Create never opens an existing file
	ErrEmpty   = errors.New("journal holds no record")       // not one complete line
	ErrClosed  = errors.New("journal is closed for writing") // an earlier append failed, or Close was called
	ErrGone    = errors.New("journal file is gone")          // wrapped by GoneError: its writer writes to a file that nobody can open
	ErrRefused = errors.New("journal refused the record")    // kind, data or time have no form in a journal; the writer goes on
)

// DamageError says where a journal stops being what its writer wrote. Everything
// before Line is intact.
type DamageError struct {
	Path   string
	Line   uint64 // from 1
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("journal %s is damaged at line %d: %s", e.Path, e.Line, e.Reason)
}

// Unwrap is ErrDamaged.
func (e *DamageError) Unwrap() error { return ErrDamaged }

// TornError says that the last line was not written to its end. Everything
// before it is intact. It also occurs for an instant while a writer is at work;
// InUse tells whether there is one.
type TornError struct {
	Path  string
	Line  uint64 // from 1: the torn line
	Bytes int    // of the torn line, that are there
}

func (e *TornError) Error() string {
	return fmt.Sprintf("journal %s is torn at line %d: its writer ended inside that line, after %d bytes; resuming the run cuts them",
		e.Path, e.Line, e.Bytes)
}

// Unwrap is ErrTorn.
func (e *TornError) Unwrap() error { return ErrTorn }

// GoneError says that a journal's path no longer leads to the file that its
// writer has open.
type GoneError struct {
	Path   string
	Reason string
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("journal file %s is gone: %s", e.Path, e.Reason)
}

// Unwrap is ErrGone.
func (e *GoneError) Unwrap() error { return ErrGone }
