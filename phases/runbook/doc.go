// Package runbook is the file format of a run: it reads a runbook, checks it
// whole, and explains every mistake at its line.
//
// Everybody may call it, from any goroutine: it opens no connection, keeps no
// state, and blocks on nothing but Load's one read of a file. Nobody changes a
// Runbook afterwards.
//
// Parse and Load are for the files that people hand in. What they return is
// complete and consistent: names are unique, references point at something,
// and times have their defaults. Read is for what a journal recorded, of
// whatever age: it knows no rule, so that none makes an old journal unreadable.
//
//	book, source, err := runbook.Load("gym-reset.yaml")
//	var mistakes runbook.Mistakes
//	if errors.As(err, &mistakes) {
//		for _, m := range mistakes {
//			fmt.Println(m) // file, line, column, the line with a caret, what would be right
//		}
//	}
//
// The shape of the file, its keys and what may stand under them, is stated in
// shape.go. The rules walk along it (check.go), and the JSON Schema (schema.go)
// and the tables of docs/runbook.md are made from it: go test -update writes
// them. A new key is a line in shape.go and one in read.go, and a rule in a
// check file where it has to do with other keys.
package runbook
