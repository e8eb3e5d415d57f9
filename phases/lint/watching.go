package lint

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
)

var eventFires = &Code{
	Name: "event-fires", Severity: phases.SeverityNote,
	Means: "An event trigger fires on a command of the run's own: the ledger is made by CREATE SCHEMA, CREATE TABLE and COMMENT, triggers are disabled and restored by ALTER TABLE, and maintenance may make or drop an index. One that raises an error keeps that from being done.",
	Do:    "look what its function does with such a command; a rehearsal on a copy shows it",
}

var watching = rule{[]*Code{eventFires}, func(v *View) []phases.Finding {
	commands := v.commands()
	var out []phases.Finding
	for _, w := range v.Schema.Watches {
		var fires []string
		for _, c := range commands {
			if w.Fires(c) {
				fires = append(fires, c)
			}
		}
		if fires != nil {
			out = append(out, eventFires.at("", "", fmt.Sprintf("event trigger %s fires on the run's own %s: %s", w.Name, strings.Join(fires, ", "), w.Function), ""))
		}
	}
	return out
}}

// commands are what of a run fires event triggers, by the server's command tags.
func (v *View) commands() []string {
	var out []string
	add := func(commands ...string) {
		for _, c := range commands {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	if v.Book.Ledger && v.Schema.Find(ledgerSchema, "ledger") == nil {
		add("CREATE SCHEMA", "CREATE TABLE", "COMMENT")
	}
	if len(v.Book.DisabledTriggers()) > 0 {
		add("ALTER TABLE")
	}
	tag := func(sql string) {
		words := strings.Fields(strings.ToUpper(sql))
		switch {
		case len(words) > 2 && words[0] == "REFRESH":
			add("REFRESH MATERIALIZED VIEW")
		case len(words) > 1 && words[0] == "ALTER":
			add("ALTER SEQUENCE")
		case len(words) > 1 && words[0] == "CREATE":
			add("CREATE INDEX")
		case len(words) > 1 && words[0] == "DROP":
			add("DROP INDEX")
		}
	}
	for i := range v.Book.Phases {
		for _, s := range v.Book.Phases[i].Steps {
			tag(s.SQL)
		}
		for _, m := range v.Book.Phases[i].AfterCommit {
			tag(m.SQL)
		}
	}
	return out
}
