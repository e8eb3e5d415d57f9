// Package plain shows a run, and takes its operator's answers, in lines: for a
// terminal that can do no more, for a pipe, and for whoever works without a
// screen. It follows the journal as the screen does, asks for what State.Next
// says the run waits for, and sends the same commands. Run blocks until the run
// has ended, or its context.
package plain
