// Package ui is what a person sees of a run, and how an operator drives it.
//
// A screen is made from a run's journal and from nothing else. It keeps its own
// position there, fetches what came since some twenty times a second, and folds
// it into a phases.State of its own. The engine does not know of it, sends it
// nothing and never waits for it.
//
// Viewer is the screen that looks: it moves, scrolls and draws. It holds no
// phases.Commander and can be given none, so there is nothing in it to switch
// off. Frame is pure: readers of the same size may share what it draws.
// Operator is a Viewer with dialogs and a Commander. One table of bindings
// (keys.go) feeds dispatch, the hint line and the help page; a key that does
// nothing says why, with the reason that phases.State.Can gives. Below it,
// package pane draws what is inside of a frame, dialog what is asked over it, and
// look has what both are written with; package plain is the line mode.
//
// Run and Watch block until the person leaves, the context ends or the
// screen fails, and may be called once a process each, from any goroutine. They
// restore the terminal in every case, a panic included, and never end the
// engine: who called them does. A Viewer belongs to one goroutine. Commands are
// carried out in commands of Bubble Tea's, on goroutines that end with the
// answer; nothing blocks in Update.
//
//	engine := …
//	err := ui.Run(ctx, ui.Options{Journal: path, Commander: engine, Done: engine.Ended()})
package ui
