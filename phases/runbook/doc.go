// Package runbook is the file format of a run: it reads a runbook, checks it
// whole, and explains every mistake at its line.
//
// Everybody may call it, from any goroutine: it opens no connection, keeps no
// state, and blocks on nothing but Load's one read of a file. A Runbook that
// Parse or Load returned is complete and consistent: names are unique,
// references point at something, and times have their defaults. Nobody changes
// one afterwards.
//
//	book, source, err := runbook.Load("gym-reset.yaml")
//	var mistakes runbook.Mistakes
//	if errors.As(err, &mistakes) {
//		for _, m := range mistakes {
//			fmt.Println(m) // file, line, column, the line with a caret, what would be right
//		}
//	}
//
// The shape of the file stands in one table, objects in shape.go. Unknown and
// missing keys, docs/runbook.md and the test of the JSON Schema all rest on it.
package runbook
