// Package dialog is a question over the screen, as a value: what it says, what
// it wants typed, what its buttons do. It opens on the harmless answer, takes a
// yes only after the keyboard has rested, and closes by itself when its ground
// is gone. Package ui decides what is asked; a Dialog belongs to its goroutine.
package dialog
