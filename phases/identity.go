package phases

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

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

// OtherTargetError says that a database is not the one a run belongs to.
type OtherTargetError struct{ Want, Got Identity }

// Error implements error.
func (e *OtherTargetError) Error() string {
	return fmt.Sprintf("this is another database than the run's: the run belongs to %s, and this is %s; connect to the run's database, or start a new run", e.Want.full(), e.Got.full())
}

func (i Identity) full() string {
	return fmt.Sprintf("%s (oid %d) of system %s on timeline %d at %s", i.Database, i.DatabaseOID, cmp.Or(i.SystemIdentifier, "unknown"), i.Timeline, i.Host)
}

// ErrOtherHistory is wrapped by the errors that say that a database and a
// journal do not tell the same story of a run. A human has to look.
var ErrOtherHistory = errors.New("the database and the journal do not tell the same story")

// HistoryError says that a server is not as far as the run knows it to have
// been: it was restored, or is a copy from before. Nothing that the journal
// says of the database holds there.
type HistoryError struct {
	Known LSN // on disk by then, as the journal has it
	Got   Identity
}

// Error implements error.
func (e *HistoryError) Error() string {
	return fmt.Sprintf("%s: its WAL ends at %s, and this run saw it at %s; it was restored, or it is a copy from before: find the server that the run belongs to, or see what the restore left and start a new run",
		e.Got.full(), e.Got.WAL, e.Known)
}

// Unwrap gives ErrOtherHistory.
func (e *HistoryError) Unwrap() error { return ErrOtherHistory }

// StaleJournalError says that the ledger has commits of a run that its journal
// knows nothing of: another journal of the run goes on from there.
type StaleJournalError struct{ Rows []LedgerRow }

// Error implements error.
func (e *StaleJournalError) Error() string {
	var rows []string
	for _, r := range e.Rows {
		rows = append(rows, fmt.Sprintf("phase %q, committed at %s by transaction %s, attempt %d", r.Phase, r.WrittenAt.UTC().Format("2006-01-02 15:04:05 UTC"), r.Xid, r.Attempt))
	}
	return Clean(fmt.Sprintf("the database's ledger has what this journal does not know: %s; a later journal of this run says so: find that one and resume it, this one is an older copy", strings.Join(rows, "; ")))
}

// Unwrap gives ErrOtherHistory.
func (e *StaleJournalError) Unwrap() error { return ErrOtherHistory }
