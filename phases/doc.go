// Package phases is what a run is: its events, the state that they fold to, and
// what an operator may ask for and when. It acts on nothing: package engine does.
//
// Everything is a view of the journal that an engine writes. A screen, a
// mirror, the plain output, a report and a restart fold the same events, each
// on its own, by State.Apply. The package knows no screen, no database and no
// goroutine: Fold, Apply and Can are pure and never block. A State belongs to
// one goroutine.
package phases
