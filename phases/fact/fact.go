// Package fact declares what a message can say of a run: {{t0}}, {{rows.deleted}}.
// It knows the names, what they mean, and an example of each. What a fact is in
// a run, package phases says by the same name, and a test holds the two together.
//
//	if _, _, ok := fact.Find("rows.deleted.users"); !ok {
//		// no message may say it
//	}
package fact

import "strings"

// Kind is one fact.
type Kind struct {
	Name    string // as a message writes it, between {{ and }}
	Means   string // for the reference
	Example string // what it may be, for a message that is shown before there is a run
	Table   bool   // a table's name follows it: {{rows.deleted.users}}
}

// kinds are all there are, in the order of the reference.
var kinds = []Kind{
	{Name: "title", Means: "the runbook's title", Example: "Data reset"},
	{Name: "environment", Means: "`demo`, `rehearsal` or `production`", Example: "production"},
	{Name: "database", Means: "the database's name", Example: "gym"},
	{Name: "host", Means: "where it is", Example: "db.example"},
	{Name: "operator", Means: "who drives the run", Example: "dba@console"},
	{Name: "approver", Means: "who approved the GO", Example: "duty manager"},
	{Name: "run", Means: "the run's own id", Example: "20260130T020000Z-1a2b3c4d"},
	{Name: "now", Means: "when the message is sent", Example: "02:04 UTC"},
	{Name: "clock", Means: "the same, counted from T-0", Example: "T+04:00"},
	{Name: "t0", Means: "when the first phase began; before that, when it is planned to", Example: "02:00 UTC"},
	{Name: "planned_end", Means: "when the last phase is planned to end", Example: "02:20 UTC"},
	{Name: "abort_at", Means: "when no further phase may start", Example: "02:25 UTC"},
	{Name: "ended", Means: "when the last phase that ran ended", Example: "02:18 UTC"},
	{Name: "took", Means: "from T-0 until then", Example: "18 min"},
	{Name: "phase", Means: "the id of the phase that is open; when none is, of the next", Example: "phase2"},
	{Name: "phase_title", Means: "its title", Example: "Leaf tables"},
	{Name: "hold.until", Means: "when a phase that waits for COMMIT is rolled back by itself", Example: "02:06 UTC"},
	{Name: "decision", Means: "`GO` or `NO-GO`", Example: "GO"},
	{Name: "outcome", Means: "how the run ended: `completed`, `aborted`, `NO-GO`", Example: "completed"},
	{Name: "reason", Means: "why it ended, when it was not completed", Example: "the backup is too old"},
	{Name: "committed", Means: "the titles of the phases that are committed; `none`", Example: "Leaf tables, Transactions"},
	{Name: "not_committed", Means: "the titles of those that write and are not; `none`", Example: "none"},
	{Name: "rows.deleted", Means: "how many rows the committed phases deleted, cascades included; what a `TRUNCATE` of theirs took is in no count, which is said beside it", Example: "48,210"},
	{Name: "rows.deleted.", Table: true, Means: "the same, of one table: `rows.deleted.users`", Example: "1,200"},
	{Name: "rows.before.", Table: true, Means: "how many rows a table had at the baseline: `rows.before.users`", Example: "1,200"},
	{Name: "backup.id", Means: "the recorded backup's id", Example: "gym-20260130T014500Z"},
	{Name: "backup.at", Means: "when its snapshot was taken", Example: "01:45 UTC"},
	{Name: "restore", Means: "the runbook's command that restores it", Example: "pg_restore --dbname=service=production /var/backups/gym/dump"},
	{Name: "undo", Means: "what an undo would bring back; `nothing`", Example: "2 phases, 48,210 rows"},
}

// Kinds gives all of them, in the order of the reference.
func Kinds() []Kind { return kinds }

// Find gives the fact of a name, and the table where it is one of a table's.
func Find(name string) (k Kind, table string, ok bool) {
	for _, k := range kinds {
		if k.Table {
			if table, ok := strings.CutPrefix(name, k.Name); ok && table != "" {
				return k, table, true
			}
		} else if k.Name == name {
			return k, "", true
		}
	}
	return Kind{}, "", false
}

// Called is how a message may write it, with TABLE for a table's name.
func (k Kind) Called() string {
	if k.Table {
		return k.Name + "TABLE"
	}
	return k.Name
}
