// Package cli is the command line: the commands, their flags, examples and
// exit codes. It parses and explains; what a command does is handed to it as
// Actions, so it knows neither database nor engine.
//
// Execute blocks until the command has ended, and is called once:
//
//	os.Exit(cli.Execute(os.Args[1:], cli.Streams{…}, cli.Actions{…}))
package cli
