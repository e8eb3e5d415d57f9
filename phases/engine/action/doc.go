// Package action is what an item can have done: it changes something outside of
// a phase's transaction, on the operator's command, and records first what
// brings it back.
//
// Run looks an action up by its name. A new one is a file of this package with
// a function of type run, and a line in the list; what it needs from the
// database is an interface of its own. An action runs on a goroutine of the
// engine's, without its lock.
package action
