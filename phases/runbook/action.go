package runbook

import "strings"

// Action is what the engine does for an item on the operator's command.
type Action struct {
	Name     string   // one of the names below
	Triggers []string // for triggers.disable: the triggers, by name
	Text     string   // what the key says, e.g. "disable the business triggers"
}

// The actions that an item can have.
const (
	DisableTriggers = "triggers.disable"
	RestoreTriggers = "triggers.restore"
	TakeBackup      = "backup.take"
	VerifyBackup    = "backup.verify"
	TryBackup       = "backup.try"
)

// Long reports whether the action may go on for hours, beside what else the
// operator does, and can be cancelled.
func (a *Action) Long() bool { return a != nil && strings.HasPrefix(a.Name, "backup.") }

// actionTexts are what the key says where the runbook does not.
var actionTexts = map[string]string{
	DisableTriggers: "disable the triggers",
	RestoreTriggers: "restore the triggers",
	TakeBackup:      "take the backup",
	VerifyBackup:    "read the backup through",
	TryBackup:       "try a restore of the backup",
}

func actionObject() object {
	actions := []word{
		{name: DisableTriggers, takes: []string{"triggers"}, needs: []string{"triggers"}},
		{name: RestoreTriggers},
		{name: TakeBackup},
		{name: VerifyBackup},
		{name: TryBackup},
	}
	return object{
		name: "action",
		keys: []key{
			{"name", true, ofWords("action name", actions...), "`triggers.disable` (checklist), `triggers.restore` (after); `backup.take`, `backup.verify`, `backup.try` (before the last COMMIT)"},
			{"triggers", false, listOf(of(aName), maxTables), "for `triggers.disable`, where it is required"},
			{"text", false, of(aLine), "what the key says"},
		},
		cases: []cases{{"name", actions}},
	}
}

func (f fields) action() *Action {
	a := &Action{Name: f.text("name"), Triggers: f.triggers(), Text: f.line("text")}
	if a.Text == "" {
		a.Text = actionTexts[a.Name]
	}
	return a
}

func (c *checker) action(m *checked, in asking) {
	n := m.node
	switch name := c.values(m).text("name"); name {
	case DisableTriggers:
		if !m.has("triggers") {
			c.fault(n, "triggers.disable without triggers", "add `triggers:` with their names")
		}
		if in.where == inAfter {
			c.fault(n, "triggers.disable after the last COMMIT", "put it into the checklist")
		}
	case RestoreTriggers:
		if m.has("triggers") {
			c.fault(m.place("triggers", n), "triggers.restore with names", "leave them out: it brings back all that triggers.disable recorded")
		}
		if in.where != inAfter {
			c.fault(n, "triggers.restore before the last COMMIT", "put it into a group of after")
		}
		if len(c.disables) == 0 {
			c.fault(n, "triggers.restore, but no item disables triggers", "give an item of the checklist the action triggers.disable")
		}
	case TakeBackup, VerifyBackup, TryBackup:
		if m.has("triggers") {
			c.fault(m.place("triggers", n), name+" with triggers", "leave them out")
		}
		c.backupAction(n, name, in)
	}
}
