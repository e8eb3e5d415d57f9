// Package pane draws the parts of a screen: each pane from what is known of the
// run, for a moment and a size.
//
// A pane is a file with its Kind: name, place, what it draws, and what its edge
// says; Kinds lists them in the order of their digits. A pane gives its lines
// and the one to keep in sight; how much of them is seen, and how far they can
// be scrolled, is the frame's to say. Panes are values: they hold nothing from
// one frame to the next, touch no clock, and answer no key.
package pane
