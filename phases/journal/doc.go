// Package journal keeps a run's append-only, hash-chained event file.
//
// A journal is what a run is made of: the state of a run is the fold of its
// journal, and screens, mirrors, reports and recovery read nothing else. This
// package knows lines, not what they mean.
//
// # Format
//
// A line is exactly
//
//	{"seq":N,"at":"T","kind":"K","data":{…},"hash":"H"}
//
// and a newline. N counts from 1 without a gap. T is UTC in RFC 3339 with as
// many digits of the second as it needs. K is snake_case. The data is one JSON
// object without a raw newline. H is SHA-256, as 64 lower-case hex digits, over
// the previous line's H (64 times "0" before the first line) and this line's
// bytes up to, not including, the comma before "hash".
//
// Reading is exact: the order of keys, white space, the way a number or a time
// is written all count, so a line has one form only. Any changed bit, and any
// line that was removed, inserted, doubled or moved, is found and its line
// named. Lines removed from the end leave an intact, shorter journal: therefore
// a finished run ends with a line of a closing kind, which few others may
// follow, and [Verify] says whether it is there. Nor does the chain stop somebody who computes all of it anew:
// keep the last hash elsewhere where that matters.
//
// # Damage and torn lines
//
// A line is written by one write, its newline last. So bytes behind the last
// newline that begin the next line are a write that was cut off ([ErrTorn]):
// nobody was told that it succeeded, and [OpenWriter] takes it away. Anything
// else that does not fit is damage ([DamageError]); nothing repairs that, and a
// damaged journal is never written to. After a power cut, lines that were only
// [Buffered] may be missing or damaged; everything up to the last [Synced] one
// is on disk.
//
// # Who calls what
//
// One process writes, which a lock on the file ensures; the engine alone has
// the [Writer]. Any number of processes read, each from its own position, by a
// [Follower], [Read] or [Verify]. A reader never waits for the writer, nor the
// writer for readers.
//
// Append and Sync block for as long as the disk does. Next blocks for a read of
// the file. Create and OpenWriter wait up to a tenth of a second for the lock.
// Writer and Follower can be used by several goroutines.
//
// # Example
//
//	w, err := journal.Create(path)
//	if err != nil {
//		return err
//	}
//	defer w.Close()
//	if _, err := w.Append(time.Now(), "gate_passed", event, journal.Synced); err != nil {
//		return err // the writer is closed for good; nothing may be done that the journal does not hold
//	}
//
//	f, err := journal.Follow(path)
//	if err != nil {
//		return err
//	}
//	defer f.Close()
//	records, err := f.Next(0) // what came since the last call; none is not an error
package journal
