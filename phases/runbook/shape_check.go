package runbook

import (
	"math"
	"slices"
	"time"

	"tminus/phases/check"
)

func checkObject() object {
	return object{
		name: "check",
		keys: slices.Concat(askingKeys(), databaseKeys(), outsideKeys(), []key{
			{"expect", false, of(anExpectation), "sql: what the only row's first column must be, as text; or `= 0`, `!= 0`, `< 5`, `<= 5`, `> 0`, `>= 1`"},
			{"exit", false, ofCount(0, 255), "command, shell: expected exit code; default `0`"},
			{"output", false, of(aPattern), "command, shell: regular expression that standard output must match"},
			{"method", false, ofWords("", bare("GET", "HEAD", "POST")...), "http: default `GET`"},
			{"status", false, ofCount(100, 599), "http: expected status; default `200`"},
			{"body", false, of(aPattern), "http: regular expression that the body must match"},
		}),
		one: []string{"database", "outside", "sql", "command", "shell", "http"},
		parts: []part{
			{beside: []string{"database", "outside"}, keys: []string{"min"}},
			{beside: []string{"database"}, keys: []string{"max", "triggers", "tables", "items", "phase", "max_age", "standbys", "observer"}},
			{beside: []string{"outside"}, keys: []string{"dir", "branch", "remote", "path", "min_age", "host", "port", "fingerprint"}},
			{beside: []string{"sql"}, keys: []string{"expect"}, needs: []string{"expect"}},
			{beside: []string{"command", "shell"}, keys: []string{"exit", "output"}},
			{beside: []string{"http"}, keys: []string{"method", "status", "body"}},
		},
		cases: []cases{{"database", named(check.Kinds())}, {"outside", named(check.Outside())}},
	}
}

// askingKeys say what is asked, and how.
func askingKeys() []key {
	return []key{
		{"database", false, ofWords("check name", named(check.Kinds())...), "a check of tminus's own, see below"},
		{"outside", false, ofWords("check name", named(check.Outside())...), "a check of tminus's own of what is outside of the database, see below"},
		{"sql", false, of(aStatement), "one query, in a read-only transaction; needs `expect`"},
		{"command", false, listOf(of(anArgument), maxArgs), "a program and its arguments; no shell"},
		{"shell", false, of(aText), "a line for the shell"},
		{"http", false, of(anAddress), "a request to an http or https address"},
		{"remedy", true, of(aLine), "what to do when it fails, one sentence"},
		{"timeout", false, ofLength(10*time.Millisecond, 10*time.Minute), "an answer later than this is a failure; default `10s`"},
		{"every", false, ofLength(10*time.Millisecond, time.Hour), "how often it is asked anew; default `10s`"},
		{"through", false, ofWords("", bare("phases")...), "ask until the last phase has ended; a failure holds the next phase. Only in the checklist"},
	}
}

func databaseKeys() []key {
	return []key{
		{"max", false, ofCount(0, math.MaxInt64), "database: largest accepted value"},
		{"min", false, ofCount(0, math.MaxInt64), "database, outside: smallest accepted value"},
		{"triggers", false, listOf(of(aName), maxTables), "database: the triggers of `triggers.disabled`; default all that an action disables"},
		{"tables", false, listOf(of(aTable), maxTables), "database: the tables of `tables.zero` and `tables.filled`"},
		{"phase", false, value{form: aFieldID, called: "id"}, "database: for `run.phase`, the id of a phase that comes before"},
		{"items", false, listOf(value{form: aFieldID, called: "id"}, maxItems), "database: for `run.items`, the ids of items that come before, and of groups all of whose items count"},
		{"max_age", false, ofLength(time.Second, MaxDuration), "database: greatest accepted age or lag; default for `backup.age` and `backup.restored`: `backup.max_age`"},
		{"standbys", false, ofCount(0, math.MaxInt64), "database: for `replication.lag`, how many standbys must be connected; default `1`"},
		{"observer", false, of(aLine), "database: for `mirror.present`, the comment of the key that must be connected; default anybody"},
	}
}

func outsideKeys() []key {
	return []key{
		{"dir", false, of(aLine), "outside: the folder that is asked about, the top one of a git checkout for `git.*`"},
		{"branch", false, of(aRef), "outside: for `git.*`; `origin/main` is what was fetched last; default `HEAD`"},
		{"remote", false, of(aRef), "outside: for `git.*`, a remote of the checkout, by its name, which is asked each time; default `origin` for `git.push`, and none for the others"},
		{"path", false, of(aPath), "outside: for `git.file_absent`"},
		{"min_age", false, ofLength(time.Second, MaxDuration), "outside: for `git.quiet`, how long ago the last commit has to be"},
		{"host", false, of(aHost), "outside: for `ssh.reachable`"},
		{"port", false, ofCount(1, math.MaxUint16), "outside: for `ssh.reachable`; default `22`"},
		{"fingerprint", false, of(aFingerprint), "outside: for `ssh.reachable`, of the key that the host has to have; default any"},
	}
}

// named are the words of a family of package check.
func named(kinds []check.Kind) []word {
	var out []word
	for _, k := range kinds {
		out = append(out, word{name: k.Name, doc: k.Means, takes: slices.Clone(k.Takes), needs: k.Needs, all: k.All})
	}
	return out
}
