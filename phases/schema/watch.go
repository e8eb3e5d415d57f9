package schema

import "slices"

// Watch is an event trigger.
type Watch struct {
	Name     string
	Event    string   // ddl_command_start, ddl_command_end, sql_drop, …
	Tags     []string // commands that it fires for, in capitals; empty for all
	Function string   // schema and name, as a statement writes it
}

// Fires reports whether a command fires it.
func (w Watch) Fires(command string) bool {
	switch w.Event {
	case "ddl_command_start", "ddl_command_end":
	case "sql_drop":
		if command != "DROP INDEX" { // nothing else that a run does drops anything
			return false
		}
	default:
		return false
	}
	return len(w.Tags) == 0 || slices.Contains(w.Tags, command)
}
