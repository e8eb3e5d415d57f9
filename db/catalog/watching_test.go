package catalog_test

import (
	"strings"
	"testing"

	"tminus/phases/lint"
)

func TestEventTriggers(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	const f = base + `CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; `
	const ledger = `CREATE SCHEMA tminus; CREATE TABLE tminus.ledger (n int); `
	disabling := "checklist: [{id: g, title: G, items: [{id: i, text: I, action: {name: triggers.disable, triggers: [t], text: T}}]}]\n" + deletes("parent")
	indexing := "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], after_commit: [{index: DROP INDEX CONCURRENTLY x, limit: 1m}]}]\n"
	for name, c := range map[string]struct{ sql, book, want string }{
		"the ledger":              {f + `CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()`, deletes("parent"), "CREATE SCHEMA, CREATE TABLE, COMMENT"},
		"one command":             {f + `CREATE EVENT TRIGGER e ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION f()`, deletes("parent"), "CREATE TABLE"},
		"another command":         {f + `CREATE EVENT TRIGGER e ON ddl_command_start WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION f()`, deletes("parent"), ""},
		"off":                     {f + `CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f(); ALTER EVENT TRIGGER e DISABLE`, deletes("parent"), ""},
		"the ledger is there":     {f + ledger + `CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()`, deletes("parent"), ""},
		"no ledger":               {f + `CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()`, "ledger: none\n" + deletes("parent"), ""},
		"triggers are disabled":   {f + ledger + `CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()`, disabling, "ALTER TABLE"},
		"an index is dropped":     {f + ledger + `CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f()`, indexing, "DROP INDEX"},
		"nothing else is dropped": {f + `CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f()`, deletes("parent"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			book := parse(t, "tminus: 1\ntitle: T\n"+c.book)
			got := ""
			for _, f := range lint.New(book, asked(t, conn, book, c.sql)).Findings() {
				if f.Code == "event-fires" {
					got += strings.TrimSuffix(strings.TrimPrefix(f.Text, "event trigger e fires on the run's own "), ": public.f")
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
