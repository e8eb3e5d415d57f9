// Package choose asks which of several unfinished runs is taken up: a list, and
// more of the one under the cursor.
//
// Run shows it until one is chosen or somebody leaves, and changes nothing.
//
//	at, err := choose.Run(ctx, choose.Options{Title: "Which run is taken up?", Entries: entries}, ui.Options{Looks: looks})
package choose
