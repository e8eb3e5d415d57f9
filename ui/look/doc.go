// Package look is what a screen is written with: styles and marks, text that is
// cut, padded and wrapped by cells, lines of styled spans, tables that give up
// columns where there is no room, and the words for durations, counts and
// outcomes. Everything is a pure function; it knows levels and statuses, and no
// pane, dialog or screen.
package look
