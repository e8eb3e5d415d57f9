// Package backup is a backup that tminus takes: a directory with what pg_dump
// wrote, and a manifest of what the run's tables held in the same snapshot.
// Package db has the sessions; here are the client programs and the files.
//
// A backup is at its final name only when all of it is on disk. Until then its
// directory ends in ".unfinished", and is locked by the program that writes it;
// one that nobody locks any more is removed by the next backup.
//
// Find finds a client program, Begin a place, Dump and Restore run pg_dump and
// pg_restore, and block until those have ended; ctx's end ends them, and all
// that they started. Functions may be called from any goroutine, a Place's
// methods from one at a time.
//
// No password is on a command line: what is one goes into the program's
// environment. No row's content is in an error.
package backup
