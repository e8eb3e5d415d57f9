package journal

import (
	"encoding/json"
	"errors"
	"time"
)

// Record is one line of a journal.
type Record struct {
	Seq  uint64          // 1 for the first line: the line's number
	At   time.Time       // UTC, as the writer's clock had it
	Kind string          // the event's wire name
	Data json.RawMessage // the event, as JSON
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
	ErrTorn    = errors.New("journal's last line is torn")   // the writer died inside its last write
	ErrInUse   = errors.New("journal has a writer already")  // another process holds the file's lock
	ErrExists  = errors.New("journal exists already")        // Create never opens an existing file
	ErrEmpty   = errors.New("journal holds no record")       //
	ErrClosed  = errors.New("journal is closed for writing") // an earlier append failed, or Close was called
)
