// Package phases is what a run is: its events, the state that they fold to,
// what an operator may ask for and when, and the engine that turns commands and
// a database's answers into events.
//
// Everything else is a view of the journal that the engine writes. A screen, a
// mirror, the plain output, a report and a restart fold the same events, each
// on its own, by State.Apply. The package knows no screen and no driver: what
// it needs from a database is the interface Target.
//
// An Engine is the only writer of its journal. Do may be called from any
// goroutine and returns when the command is recorded; Run is called once and
// blocks until the run has ended or its context has, and then brings an open
// phase to a safe end. A State belongs to one goroutine. Fold, Apply and Can
// are pure and never block.
//
// One example, without a screen:
//
//	w, err := journal.Create(path)
//	if err != nil {
//		return err
//	}
//	defer w.Close()
//	engine, err := phases.Open(target, w, opened, phases.Settings{})
//	if err != nil {
//		return err
//	}
//	return engine.Run(ctx)
package phases
