package runbook

import (
	"slices"
	"strings"
	"time"
)

// Action is what the engine does for an item on the operator's command.
type Action struct {
	Name     string   // one of the names below, or of those of action_forms.go
	Triggers []string // for triggers.disable: the triggers, by name
	Text     string   // what the key says, e.g. "disable the business triggers"

	// One of these is set where the name is RunCommand, MakeCall or RunSQL.
	Program    *Program
	Call       *Call
	Probes     []Probe
	RolledBack bool          // of Probes: they may change rows, until they are rolled back
	Timeout    time.Duration // of these three; of a Call for each try
	Rehearsal  bool          // of a Program and a Call: it is run in a rehearsal too

	// A backup's may begin by itself, once, before the gate: as far from T-0 as
	// Starts says, or when the action of the item Follows has ended well. One that
	// leaves nothing behind may after the phases: when its stage's turn comes, or
	// after another's.
	Starts  *time.Duration // nil: not at a moment
	Now     bool           // `starts: now`
	Follows string         // an item's id; empty: none

	Slow bool // of a fence: it may take long, and can be cancelled
}

// The actions that an item can have.
const (
	DisableTriggers = "triggers.disable"
	RestoreTriggers = "triggers.restore"
	TakeBackup      = "backup.take"
	VerifyBackup    = "backup.verify"
	TryBackup       = "backup.try"
)

// Long reports whether the action may go on for long, beside what else the
// operator does, and can be cancelled.
func (a *Action) Long() bool {
	return a != nil && (strings.HasPrefix(a.Name, "backup.") || a.Answers() || a.Slow)
}

// actionTexts are what the key says where the runbook does not.
var actionTexts = map[string]string{
	DisableTriggers: "disable the triggers",
	RestoreTriggers: "restore the triggers",
	TakeBackup:      "take the backup",
	VerifyBackup:    "read the backup through",
	TryBackup:       "try a restore of the backup",
	RunCommand:      "run the command",
	MakeCall:        "make the request",
	RunSQL:          "run the statements",
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
		keys: slices.Concat([]key{
			{"name", false, ofWords("action name", actions...), "`triggers.disable` (checklist), `triggers.restore` (after); `backup.take`, `backup.verify`, `backup.try` (before the last COMMIT)"},
		}, formKeys(), []key{
			{"triggers", false, listOf(of(aName), maxTables), "for `triggers.disable`, where it is required"},
			{"text", false, of(aLine), "what the key says"},
			{"starts", false, of(aStart), "for `backup.*` in the checklist: when it begins by itself, once, before T-0; in a rehearsal and a demo as soon as the run is open. For `sql` and `http` with GET or HEAD in after: `now`, when the turn of its group has come"},
			{"follows", false, value{form: aFieldID, called: "id"}, "for `backup.*` in the checklist, and `sql` and `http` with GET or HEAD in after: an item before this one, with an action; it begins by itself each time that one has ended well"},
		}),
		one:   []string{"name", "command", "http", "sql"},
		cases: []cases{{"name", actions}},
		parts: formParts(),
		apart: apart{"starts", "follows", "keep one of them: a moment, or what it comes after"},
	}
}

func (f fields) action() *Action {
	a := &Action{Name: f.text("name"), Triggers: f.triggers(), Text: f.line("text")}
	if a.Name == "" {
		f.form(a)
	}
	if a.Text == "" {
		a.Text = actionTexts[a.Name]
	}
	if s := f.text("starts"); s == startsNow {
		a.Now = true
	} else if s != "" {
		if at, ok := parseDue(s, anyDuration); ok {
			a.Starts = &at
		} else {
			f.pass(f.node.value("starts").line, "starts")
		}
	}
	a.Follows = f.text("follows")
	return a
}

// startsNow is what starts says for an action that begins with its stage.
const startsNow = "now"

// byItself holds what makes an action begin by itself against the items before
// its own: so no two wait for each other.
func (c *checker) byItself(m *checked, in asking, before []*checked) {
	a := c.values(m).action()
	for _, k := range []string{"starts", "follows"} {
		n := m.good.value(k)
		if n == nil {
			continue
		}
		switch harmless := a.Harmless(); {
		case a.Answers() && !harmless:
			c.fault(m.place(k, m.node), k+" does not belong to "+a.Name+" that may change something", "leave it out: only sql, and http with GET or HEAD, begin by themselves")
		case harmless && in.where != inAfter:
			c.fault(m.place(k, m.node), k+" of "+a.Name+" before the last COMMIT", "leave it out: before it only the actions of a backup begin by themselves")
		case !harmless && !a.Long():
			c.fault(m.place(k, m.node), k+" does not belong to "+a.Name, "leave it out: only the actions of a backup, sql, and http with GET or HEAD begin by themselves")
		case !harmless && in.where != inChecklist:
			c.fault(m.place(k, m.node), k+" outside the checklist", "leave it out: nothing of a backup begins by itself after the gate")
		case k == "starts":
			c.startsWhen(n, harmless)
		case !slices.ContainsFunc(before, func(it *checked) bool { return c.values(it).text("id") == n.text && it.has("action") }):
			c.fault(n, "no item before this one has the id "+clean(quote(n.text))+" and an action", "name one that stands before it")
		}
	}
}

func (c *checker) startsWhen(n *node, harmless bool) {
	if at, ok := parseDue(n.text, parseDuration); harmless && n.text != startsNow {
		c.fault(n, "it starts at a moment", "`starts: now`: when the turn of its group has come")
	} else if !harmless && (!ok || at >= 0) {
		c.fault(n, "it starts after the gate", "a moment before T-0, such as T-30m")
	}
}

func (c *checker) action(m *checked, in asking) {
	n := m.node
	shape := c.shapes["action"]
	if kind := c.theKind(m, shape, "does nothing", "an action does one thing"); kind != "name" {
		c.form(m, kind)
		return
	}
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
