// Package cli is the command line: the commands, their flags, examples and exit
// codes, and what each of them does: it opens or takes up a run, and has it
// driven by a screen or by lines, with a mirror beside it. It reaches
// PostgreSQL only by the Database that it is handed.
//
// Execute blocks until the command has ended, and is called once:
//
//	os.Exit(cli.Execute(os.Args[1:], cli.Streams{…}, cli.Database{…}))
package cli
