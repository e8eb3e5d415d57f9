// Package fault holds no code, only tests: it makes everything around a run
// fail, and compares what the program then says with what is in the tables.
//
// A trial plants one fault: a connection that breaks at one message of the
// protocol, a program or a server process that is killed at one moment, a disk
// that refuses one write. Then the run is resumed until it is closed, and after
// every program's end the journal and the database must agree. A phase is said
// to be committed exactly when its rows are gone and its row is in the ledger;
// rolled back exactly when all rows are there; unknown only where nobody could
// know. Each phase also counts its commits in a table, so that one that
// happened twice is seen.
//
// The trials are made from a clean run: one for each message, record or
// statement of it and each way to fail there. Nothing in them is random, but
// the order of processes is the machine's: a trial holds whatever that was.
//
//	make faults                               # all, and the table in docs/safety.md
//	go test ./phases/fault                    # a selection
//	go test ./phases/fault -run Faults -all -only 'COMMIT'
package fault
