// Package pick is the screen on which somebody chooses what a new runbook is to
// clear and to protect: a list of the database's tables, and beside it what
// follows from the choice, worked out anew with each tick.
//
// Nothing is chosen but by a key. The screen changes nothing in the database; it
// hands a draft to its caller once that has been confirmed, and nothing else.
// Run blocks, and a Screen belongs to its goroutine; what takes long runs in
// commands of Bubble Tea's, on a schema that nobody changes.
package pick
