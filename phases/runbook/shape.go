package runbook

import "slices"

// object is one kind of mapping in the file.
type object struct {
	name string // what mistakes and the documentation call it
	keys []key
}

// key is one key of an object, with the sentence that the documentation shows.
type key struct {
	name     string
	required bool
	value    string // what is expected
	doc      string
}

func (o *object) key(name string) (key, bool) {
	for _, k := range o.keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

// objects gives every object of the file format by its name, in the order of
// the documentation. It is the one place that says which keys there are.
func objects() []object {
	return slices.Concat(runObjects(), itemObjects(), phaseObjects())
}

func runObjects() []object {
	return []object{
		{"runbook", []key{
			{"tminus", true, "`1`", "version of the file format"},
			{"title", true, "line", "what the header shows"},
			{"summary", false, "text", "what the run does"},
			{"schema", false, "name", "schema of the table names that have none; default `public`"},
			{"window", false, "window", "the plan around T-0"},
			{"contacts", false, "list of contact", "whom to call, in order of escalation"},
			{"backup", false, "backup", "what undoing would take"},
			{"protected", false, "list of table", "tables that must come out as they went in, count and content"},
			{"ledger", false, "`none`", "write no ledger row; a lost COMMIT can then be settled by counts only"},
			{"checklist", false, "list of group", "what must be ticked before the gate opens"},
			{"gate", false, "gate", "the go/no-go decision"},
			{"phases", true, "list of phase", "the transactions, in order"},
			{"after", false, "list of group", "the stages that follow the last COMMIT, in order"},
		}},
		{"window", []key{
			{"opens", false, "duration", "the checklist opens this long before T-0; default `60m`"},
			{"gate", false, "duration", "the decision is due this long before T-0; default `15m`"},
			{"planned", false, "duration", "from T-0 to the end of the last phase; default `20m`"},
			{"abort", false, "duration", "no phase starts later than this after T-0; default `25m`"},
		}},
		{"contact", []key{
			{"role", true, "line", "who this is to the run"},
			{"name", false, "line", "may be left out"},
			{"phone", false, "line", "in quotes when it looks like a number; may be left out"},
		}},
		{"backup", []key{
			{"max_age", false, "duration", "how old the backup may be at the gate and at the point of no return; default `15m`"},
			{"restore", false, "text", "the command to restore with; `{{field}}` stands for a recorded field"},
			{"restore_time", false, "duration", "how long a restore is expected to take"},
			{"id_field", false, "field id", "the field that records the backup's ID"},
			{"time_field", false, "field id", "the field, of type time, that records the moment of the backup's snapshot"},
			{"took_field", false, "field id", "the field, of type duration, that records how long a tried restore took; it is shown in the place of `restore_time`"},
		}},
		{"gate", []key{
			{"text", false, "text", "what the approver decides"},
			{"approve", false, "line", "label of the approver's name; default `Approving authority`"},
		}},
	}
}

func itemObjects() []object {
	return []object{
		{"group", []key{
			{"id", true, "id", "unique among groups, phases and items"},
			{"title", true, "line", ""},
			{"due", false, "`T-60m`", "when it should be done, before or after T-0"},
			{"items", true, "list of item", ""},
		}},
		{"item", []key{
			{"id", true, "id", "unique among groups, phases and items"},
			{"text", true, "line", "what must be so"},
			{"help", false, "text", "how to do it, or where to look"},
			{"fields", false, "list of field", "values that the item records"},
			{"check", false, "check", "answers the item; without one a human ticks it"},
			{"action", false, "action", "what a key does for this item"},
		}},
		{"field", []key{
			{"id", true, "id", "unique among fields"},
			{"label", true, "line", ""},
			{"type", false, "`text`, `time`, `yesno`, `number` or `phone`", "default `text`"},
			{"required", false, "`true` or `false`", "default `true`; a required `yesno` must be yes"},
			{"example", false, "line", "shown as a hint; what an unattended run records as assumed"},
		}},
		{"check", []key{
			{"database", false, "check name", "a check of tminus's own, see below"},
			{"sql", false, "statement", "one query, in a read-only transaction; needs `expect`"},
			{"command", false, "list of line", "a program and its arguments; no shell"},
			{"shell", false, "text", "a line for the shell"},
			{"http", false, "URL", "a request to an http or https address"},
			{"remedy", true, "line", "what to do when it fails, one sentence"},
			{"timeout", false, "duration", "an answer later than this is a failure; default `10s`"},
			{"every", false, "duration", "how often it is asked anew; default `10s`"},
			{"through", false, "`phases`", "ask until the last phase has ended; a failure holds the next phase. Only in the checklist"},
			{"max", false, "count", "database: largest accepted value"},
			{"min", false, "count", "database: smallest accepted value"},
			{"triggers", false, "list of name", "database: the triggers of `triggers.disabled`; default all that an action disables"},
			{"tables", false, "list of table", "database: the tables of `tables.zero` and `tables.filled`"},
			{"max_age", false, "duration", "database: for `backup.age`; default `backup.max_age`"},
			{"observer", false, "line", "database: for `mirror.present`, the comment of the key that must be connected; default anybody"},
			{"expect", false, "line", "sql: what the only row's first column must be, as text; or `= 0`, `!= 0`, `< 5`, `<= 5`, `> 0`, `>= 1`"},
			{"exit", false, "count", "command, shell: expected exit code; default `0`"},
			{"output", false, "pattern", "command, shell: regular expression that standard output must match"},
			{"method", false, "`GET`, `HEAD` or `POST`", "http: default `GET`"},
			{"status", false, "count", "http: expected status; default `200`"},
			{"body", false, "pattern", "http: regular expression that the body must match"},
		}},
		{"action", []key{
			{"name", true, "action name", "`triggers.disable` (checklist) or `triggers.restore` (after)"},
			{"triggers", false, "list of name", "for `triggers.disable`, where it is required"},
			{"text", false, "line", "what the key says"},
		}},
	}
}

func phaseObjects() []object {
	return []object{
		{"phase", []key{
			{"id", true, "id", "unique among groups, phases and items"},
			{"title", true, "line", ""},
			{"risk", false, "`none`, `medium`, `high` or `critical`", "default `none` for a phase without steps; required with steps"},
			{"planned", true, "duration", "how long it should take"},
			{"warn_after", false, "duration", "over it, what blocks the phase is shown"},
			{"limit", false, "duration", "over it, the phase is rolled back"},
			{"lock_wait", false, "duration", "how long it may wait for its locks, and a statement of it for another session's rows; over it, the phase is rolled back; default `30s`"},
			{"point_of_no_return", false, "`true` or `false`", "at most one phase; no later one deletes"},
			{"notes", false, "list of line", "what the operator should know"},
			{"confirm", false, "list of item", "must all be ticked before it starts"},
			{"count", false, "list of table", "tables whose rows are counted and recorded"},
			{"delete", false, "list of table", "short for steps that each delete a whole table"},
			{"steps", false, "list of step", "statements, in order; instead of `delete`"},
			{"zero", false, "list of table", "tables that must hold no row at its end, beside those it deletes whole"},
			{"filled", false, "list of table", "tables that must hold at least one row at its end"},
		}},
		{"step", []key{
			{"delete", false, "table", "delete its rows"},
			{"where", false, "condition", "delete: only the rows for which this SQL condition holds"},
			{"sql", false, "statement", "one SQL statement instead; needs `rows`"},
			{"touch", false, "list of table", "sql: the tables that it changes; required when it changes any"},
			{"rows", false, "rows", "how many rows it must touch: `10`, `100..500`, `100..`, `any`"},
		}},
	}
}

// shapeOf gives the object of a name that stands in objects.
func shapeOf(name string) *object {
	all := objects()
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	panic("no object " + name)
}
