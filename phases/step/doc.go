// Package step is the register of what a phase can do: the ways in which a
// delete step takes its rows, inside the phase's transaction, and the kinds of
// maintenance that follow its COMMIT, outside of any. Each is declared once,
// here: its words, and what it may do to a table. How the server is made to do
// it stands in package db under the same name, and a test holds the two
// together.
//
// Everything is plain data; the package imports nothing of the program.
package step
