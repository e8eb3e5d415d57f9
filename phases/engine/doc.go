// Package engine turns an operator's commands and a database's answers into
// events. What it needs from a database are the interfaces Target and Tx.
//
// An Engine is the only writer of its journal. Do may be called from any
// goroutine and returns when the command is recorded; Run is called once and
// blocks until the run has ended or its context has, and then brings an open
// phase to a safe end.
//
// One example, without a screen:
//
//	w, err := journal.Create(path)
//	if err != nil {
//		return err
//	}
//	defer w.Close()
//	run, err := engine.Open(target, w, opened, engine.Settings{})
//	if err != nil {
//		return err
//	}
//	return run.Run(ctx)
package engine
