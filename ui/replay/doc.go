// Package replay shows a run as it was: the screen of a reader, moved through
// time. It reads a journal once, from its first line to the last whole one, and
// folds it to the moment that is shown. It holds no engine and no commander, and
// writes nothing but the recording that it was asked for.
//
// [Read] gives a [Film]; [Show] plays it on a terminal, and [Film.Cast] writes it
// as an asciicast. A Film is not changed after it was read.
package replay
