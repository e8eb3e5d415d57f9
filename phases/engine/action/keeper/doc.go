// Package keeper asks a program that keeps backups of a whole cluster,
// pgBackRest or barman, what it knows of one, and judges the answer: whether
// it is there, ended well, is of the run's server, began no earlier than
// recorded, and has the WAL that it needs. An exit code tells none of that;
// pgbackrest verify even ends with 0 where a file of the backup is damaged.
//
// What is wrong with a backup is a problem, a sentence with its way out. An
// error means that nobody knows: the program is missing, failed, or answers in
// a way that is not understood. What an answer leaves out counts as wrong.
//
// Nothing is changed by asking. The programs are run by package outside, so
// that none outlives its context; each answer is read whole, up to a limit.
// Functions may be called by several goroutines.
package keeper
