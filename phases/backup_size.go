package phases

import (
	"fmt"
	"time"

	"tminus/phases/runbook"
)

// BackupBefore is the backup of the same database before one, in the same
// directory. What the run itself took is none: who takes a bad one twice has
// nothing good to hold it against.
type BackupBefore struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`    // the moment of its snapshot
	Bytes int64     `json:"bytes"` // of its files, as they are now
}

// leastOfTables is the least that a backup's files are of its tables, in percent,
// where the runbook does not say. Packed rows of numbers and flags are 4 to 6 %
// of their tables, a table that is dead for nine tenths 3 %, text that packs well
// 8 to 25 %.
const leastOfTables = 2

// SizeAnswer passes a backup whose files, as they were when it had been taken, are
// as large as they should be.
func SizeAnswer(c *runbook.Check, f Facts, _ time.Time) Answer {
	t := f.Taken
	switch {
	case f.Backup.At.IsZero():
		return Answer{Value: "no backup recorded"}
	case t == nil || !t.Backup.Same(f.Backup):
		return Answer{Value: fmt.Sprintf("nobody knows its size: %s was recorded by hand", f.Backup)}
	case t.Bytes <= 0:
		return Answer{Value: fmt.Sprintf("nobody knows its size: %s took %s, and does not say", t.How, t.Backup)}
	case t.TablesBytes == nil:
		return Answer{Value: Bytes(t.Bytes) + ", and nobody knows how much the tables held then: take another one"}
	}
	least := int64(leastOfTables)
	if c.Min != nil {
		least = *c.Min
	}
	value, pass := t.size(), true
	if float64(t.Bytes)*100 < float64(*t.TablesBytes)*float64(least) {
		value, pass = fmt.Sprintf("%s, at least %d %% wanted", value, least), false
	}
	switch b := t.Before; {
	case b == nil:
		value += "; there is none before it"
	case t.Bytes < b.Bytes-b.Bytes/2:
		value, pass = fmt.Sprintf("%s; the one before, %s, had %s, at least half of that wanted", value, b.ID, Bytes(b.Bytes)), false
	default:
		value += "; the one before had " + Bytes(b.Bytes)
	}
	return Answer{Pass: pass, Value: Clean(value)}
}

// size is how large its files are, beside the tables; empty where nobody knows.
func (e BackupTaken) size() string {
	switch tables := e.TablesBytes; {
	case e.Bytes <= 0:
		return ""
	case tables == nil:
		return Bytes(e.Bytes)
	case *tables <= 0:
		return Bytes(e.Bytes) + ", and the tables hold nothing"
	default:
		return fmt.Sprintf("%s, %.2g %% of the tables' %s", Bytes(e.Bytes), 100*float64(e.Bytes)/float64(*tables), Bytes(*tables))
	}
}

// walToCome is what the phases that are not done are reckoned to write at most,
// in bytes, and whether some of it is a guess; nil when nobody reckoned.
func (s *State) walToCome() (most *int64, guessed bool) {
	var sum int64
	for i := range s.Phases {
		if s.Phases[i].Status.Done() {
			continue
		}
		p := s.Survey.Price(s.Phases[i].Plan.ID)
		if p == nil {
			return nil, false
		}
		sum += p.MostWAL
		guessed = guessed || p.Guessed
	}
	return &sum, guessed
}
