// Package fence switches off what a run needs off, and brings it back as it was.
//
// A kind of fence is a file with a type that reads, switches off and switches on,
// and a line in the list of kinds. It decides nothing: a Job does, the same for
// all. It records a state before it changes anything, looks after each change
// whether that is so, and never overwrites what it does not know: a fence that is
// neither off nor as recorded is somebody else's doing, and one that cannot be
// read is unknown.
//
// Every call ends with its context. A Job belongs to one goroutine. Secrets are
// read from the environment when they are needed, and go nowhere but to the host
// that the runbook names.
package fence
