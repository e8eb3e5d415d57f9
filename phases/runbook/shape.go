package runbook

import (
	"slices"
	"strings"
	"time"

	"tminus/phases/step"
)

// The shape says which mappings a file has, with which keys, and what may
// stand there. It is the one place that does: Read takes it to tell what it
// does not know, Parse to refuse it, and the JSON Schema and the tables of
// docs/runbook.md are made from it.

// Limits on texts and lists. They bound what a screen and a journal must bear,
// and stand in the JSON Schema too.
const (
	maxLine     = 300     // characters of a one-line text
	maxText     = 4_000   // characters of a text of several lines
	maxSQL      = 100_000 // bytes of a statement
	maxID       = 64      // characters of an id
	maxName     = 63      // bytes of a name in PostgreSQL
	maxTables   = 2_000
	maxGroups   = 100
	maxItems    = 200 // of a group or a phase
	maxFields   = 20
	maxPhases   = 100
	maxSteps    = 500
	maxNotes    = 50
	maxContacts = 50
	maxArgs     = 100

	// MaxDuration is the longest that a runbook can say.
	MaxDuration = 7 * 24 * time.Hour
)

// object is one kind of mapping in the file.
type object struct {
	name  string // what mistakes and the documentation call it
	keys  []key
	one   []string // exactly one of these keys stands in it
	some  []string // at least one of these does
	apart apart
	parts []part
	cases []cases
}

// apart are two keys of which an object has one at most, and what to do about
// one with both.
type apart struct{ first, second, fix string }

// key is one key of an object, with the sentence that the documentation shows.
type key struct {
	name     string
	required bool
	value    value
	doc      string
}

// part are keys that have a meaning only beside one of others.
type part struct {
	beside  []string
	keys    []string
	needs   []string       // required beside them
	never   map[string]any // what a key may not be beside them
	without map[string]any // the only thing that a key may be without them
}

// cases are what the word under a key asks of the other keys.
type cases struct {
	key   string
	words []word
}

// word is one of the words that may stand under a key.
type word struct {
	name  string
	doc   string
	takes []string // of the keys that depend on the word, those that go with it
	needs []string // at least one of these stands beside it
	all   []string // each of these does
}

// form is how a value is written.
type form int

const (
	aVersion form = iota
	aLine
	aText
	anArgument // of a command
	anID
	aFieldID
	aName
	aTable
	aDuration
	aMoment
	aWord
	aFlag
	aCount
	aRows
	aStatement
	aCondition
	aPattern
	anAddress
	anExpectation
	aRef
	aPath
	aHost
	aFingerprint
	aHandle // of a stanza or a server, at what keeps backups
	aPeriod // in days
	aSum    // SHA-256, in hex
	aVariable
	aLabel
	aStatus
	aHeaders
	aStart
	aRepository
	aMatcher  // of labels
	aResource // of Kubernetes
	anObject
)

// value is what may stand under a key.
type value struct {
	form   form
	called string // what mistakes and the documentation call it
	object string // the name of the object; for anObject
	most   int    // entries of a list; 0 for a single value
	words  []word // for aWord, and those that may stand in the place of an object
	least  int64  // for aCount, and in nanoseconds for aDuration
	limit  int64  // its upper end
	unique string // what no other id of the file is that of; for anID
}

// String is what mistakes and the documentation call a value of the form.
func (f form) String() string {
	return [...]string{
		"`1`", "line", "text", "line", "id", "field id", "name", "table", "duration", "`T-60m`", "word", "`true` or `false`",
		"count", "rows", "statement", "condition", "pattern", "URL", "line", "git name", "path", "host", "fingerprint", "handle", "period", "SHA-256",
		"variable", "label", "status", "headers", "`T-60m` or `now`", "repository", "matcher", "resource", "object",
	}[f]
}

func of(f form) value { return value{form: f, called: f.String()} }

func ofObject(name string) value { return value{form: anObject, called: name, object: name} }

// listOf is a list of values, of at most so many.
func listOf(v value, most int) value {
	v.called, v.most = "list of "+v.called, most
	return v
}

func ofLength(least, most time.Duration) value {
	v := of(aDuration)
	v.least, v.limit = int64(least), int64(most)
	return v
}

func ofCount(least, most int64) value {
	v := of(aCount)
	v.least, v.limit = least, most
	return v
}

// ofWords is one of a few words, called by all of them unless they have a name.
func ofWords(called string, all ...word) value {
	if called == "" {
		var names []string
		for _, w := range all {
			names = append(names, "`"+w.name+"`")
		}
		last := len(names) - 1
		called = names[last]
		if last > 0 {
			called = strings.Join(names[:last], ", ") + " or " + called
		}
	}
	return value{form: aWord, called: called, words: all}
}

func bare[T ~string](names ...T) []word {
	var out []word
	for _, n := range names {
		out = append(out, word{name: string(n)})
	}
	return out
}

func (v value) wordNames() []string {
	var out []string
	for _, w := range v.words {
		out = append(out, w.name)
	}
	return out
}

// What ids are unique among.
const (
	amongAll      = "groups, phases and items"
	amongFields   = "fields"
	amongChannels = "channels"
	amongMessages = "messages"
)

func idAmong(among string) key {
	return key{"id", true, value{form: anID, called: "id", unique: among}, "unique among " + among}
}

func (o *object) key(name string) (key, bool) {
	for _, k := range o.keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

func (o *object) keyNames() []string {
	names := make([]string, 0, len(o.keys))
	for _, k := range o.keys {
		names = append(names, k.name)
	}
	return names
}

// belongs gives what a key has its meaning beside; nil when it stands alone.
func (o *object) belongs(name string) []string {
	for _, p := range o.parts {
		if slices.Contains(p.keys, name) {
			return p.beside
		}
	}
	return nil
}

// dependent are the keys that some word under a key takes.
func (o *object) dependent(key string) []string {
	var out []string
	for _, k := range o.keys {
		for _, cs := range o.cases {
			if cs.key == key && slices.ContainsFunc(cs.words, func(w word) bool { return slices.Contains(w.takes, k.name) }) {
				out = append(out, k.name)
			}
		}
	}
	return out
}

// word gives a word of the object's cases under a key.
func (o *object) word(key, name string) word {
	for _, cs := range o.cases {
		for _, w := range cs.words {
			if cs.key == key && w.name == name {
				return w
			}
		}
	}
	return word{name: name}
}

// shapes are the objects by their names.
func shapes() map[string]*object {
	out := map[string]*object{}
	for _, o := range objects() {
		out[o.name] = &o
	}
	return out
}

// objects gives every object of the file format, in the order of the
// documentation.
func objects() []object {
	return slices.Concat([]object{
		runbookObject(), windowObject(), contactObject(), backupObject(), takeObject(), verifyObject(), tryObject(),
		rehearsalObject(), capsuleObject(), countingObject(), gateObject(),
		groupObject(), itemObject(), fieldObject(), checkObject(), actionObject(), probeObject(),
		phaseObject(), stepObject(), maintenanceObject(), fenceObject(),
		channelObject(), webhookObject(), smtpObject(), messageObject(),
	}, fenceParts())
}

func runbookObject() object {
	return object{name: "runbook", keys: slices.Concat([]key{
		{"tminus", true, of(aVersion), "version of the file format"},
		{"title", true, of(aLine), "what the header shows"},
		{"summary", false, of(aText), "what the run does"},
		{"schema", false, of(aName), "schema of the table names that have none; default `public`"},
		{"window", false, ofObject("window"), "the plan around T-0"},
		{"contacts", false, listOf(ofObject("contact"), maxContacts), "whom to call, in order of escalation"},
		{"backup", false, ofObject("backup"), "what undoing would take"},
		{"protected", false, listOf(of(aTable), maxTables), "tables that must come out as they went in, count and content"},
		{"ledger", false, ofWords("", bare("none")...), "write no ledger row; a lost COMMIT can then be settled by counts only"},
		{"rehearsal", false, orWord("rehearsal", "none"), "what production wants of a rehearsal of this runbook; `none`: it wants none, and the gate and the report say so"},
		{"capsule", false, orWord("capsule", "off"), "how the run keeps what its phases take away, so that `tminus undo` can put it back; `off`: it keeps nothing, and the gate says so"},
		{"counting", false, ofObject("counting"), "how tables are counted and fingerprinted outside of a phase's transaction"},
		{"fences", false, listOf(ofObject("fence"), maxFences), "what is switched off for the run, in this order, before the gate; it comes back in the reverse order after the last phase, as it was"},
	}, waysKeys("for all phases"), []key{
		{"checklist", false, listOf(ofObject("group"), maxGroups), "what must be ticked before the gate opens"},
		{"gate", false, ofObject("gate"), "the go/no-go decision"},
		{"phases", true, listOf(ofObject("phase"), maxPhases), "the transactions, in order"},
		{"after", false, listOf(ofObject("group"), maxGroups), "the stages that follow the last COMMIT, in order"},
		{"channels", false, listOf(ofObject("channel"), maxChannels), "the ways to people, see [messages](messages.md)"},
		{"messages", false, listOf(ofObject("message"), maxMessages), "what people are told, and when"},
	})}
}

func windowObject() object {
	return object{name: "window", keys: []key{
		{"opens", false, ofLength(time.Second, MaxDuration), "the checklist opens this long before T-0; default `60m`"},
		{"gate", false, ofLength(0, MaxDuration), "the decision is due this long before T-0; default `15m`"},
		{"planned", false, ofLength(time.Second, MaxDuration), "from T-0 to the end of the last phase; default `20m`"},
		{"abort", false, ofLength(time.Second, MaxDuration), "no phase starts later than this after T-0; default `25m`"},
	}}
}

func contactObject() object {
	return object{name: "contact", keys: []key{
		{"role", true, of(aLine), "who this is to the run"},
		{"name", false, of(aLine), "may be left out"},
		{"phone", false, of(aLine), "in quotes when it looks like a number; may be left out"},
	}}
}

func gateObject() object {
	return object{name: "gate", keys: []key{
		{"text", false, of(aText), "what the approver decides"},
		{"approve", false, of(aLine), "label of the approver's name; default `Approving authority`"},
	}}
}

func groupObject() object {
	return object{name: "group", keys: []key{
		idAmong(amongAll),
		{"title", true, of(aLine), ""},
		{"due", false, of(aMoment), "when it should be done, before or after T-0"},
		{"smoke", false, of(aFlag), "only in after: its items are smoke tests. One that fails holds until somebody has decided whether to go on, or to restore or undo; default `false`"},
		{"items", true, listOf(ofObject("item"), maxItems), ""},
	}}
}

func itemObject() object {
	return object{name: "item", keys: []key{
		idAmong(amongAll),
		{"text", true, of(aLine), "what must be so"},
		{"help", false, of(aText), "how to do it, or where to look"},
		{"fields", false, listOf(ofObject("field"), maxFields), "values that the item records"},
		{"fence", false, value{form: aFieldID, called: "id"}, "a fence of `fences`: in the checklist its key switches it off, and in `after` back on; its state answers the item. Neither `check` nor `action` stands beside it"},
		{"check", false, ofObject("check"), "answers the item; without one a human ticks or signs it"},
		{"sign", false, of(aLine), "somebody signs the item, as whom it says, such as `DBA`: by a name that is bound to the journal as it stands then. Only in `after`, and without check and action"},
		{"action", false, ofObject("action"), "what a key does for this item. A command, a request or SQL also answers it, where it has no check"},
		{"message", false, value{form: aFieldID, called: "id"}, "the message that a key sends, after it was shown; the item is done when every channel has taken it. Instead of a check and an action"},
		{"never_waive", false, of(aFlag), "nobody may waive it before the gate, nor after the point of no return; default `false`"},
	}}
}

func fieldObject() object {
	return object{name: "field", keys: []key{
		idAmong(amongFields),
		{"label", true, of(aLine), ""},
		{"type", false, ofWords("", bare(FieldText, FieldTime, FieldYesNo, FieldNumber, FieldPhone, FieldDuration)...), "default `text`; a `time` that is typed without a zone is UTC"},
		{"required", false, of(aFlag), "default `true`; a required `yesno` must be yes"},
		{"example", false, of(aLine), "shown as a hint; what an unattended run records as assumed"},
	}}
}

func phaseObject() object {
	return object{
		name: "phase",
		keys: append([]key{
			idAmong(amongAll),
			{"title", true, of(aLine), ""},
			{"risk", false, ofWords("", bare(RiskNone, RiskMedium, RiskHigh, RiskCritical)...), "default `none` for a phase without steps; required with steps"},
			{"planned", true, ofLength(time.Second, MaxDuration), "how long it should take"},
			{"warn_after", false, ofLength(time.Second, MaxDuration), "over it, what blocks the phase is shown"},
			{"limit", false, ofLength(time.Second, MaxDuration), "over it, the phase is rolled back"},
			{"lock_wait", false, ofLength(time.Second, MaxDuration), "how long it may wait for its locks, and a statement of it for another session's rows; over it, the phase is rolled back; default `30s`"},
			{"point_of_no_return", false, of(aFlag), "at most one phase; no later one deletes"},
			{"notes", false, listOf(of(aLine), maxNotes), "what the operator should know"},
			{"confirm", false, listOf(ofObject("item"), maxItems), "must all be ticked before it starts"},
			{"count", false, listOf(of(aTable), maxTables), "tables whose rows are counted and recorded"},
			{"delete", false, listOf(of(aTable), maxTables), "short for steps that each delete a whole table"},
			{"steps", false, listOf(ofObject("step"), maxSteps), "statements, in order; instead of `delete`"},
			{"zero", false, listOf(of(aTable), maxTables), "tables that must hold no row at its end, beside those it deletes whole"},
			{"filled", false, listOf(of(aTable), maxTables), "tables that must hold at least one row at its end"},
			{"after_commit", false, listOf(ofObject("maintenance"), maxSteps), "what follows its COMMIT, outside of any transaction, in order; what fails is a warning"},
			{"capsule", false, ofWords("", bare("off")...), "do not keep what this phase takes away: `tminus undo` cannot put it back then"},
		}, waysKeys("for this phase")...),
		some:  []string{"count", "delete", "steps", "zero", "filled"},
		apart: apart{"delete", "steps", "write the deletes as steps: `- delete: table`"},
		parts: []part{{
			beside: []string{"delete", "steps"}, keys: []string{"lock_wait", "after_commit", "capsule", "way", "indexes", "vacuum"}, needs: []string{"risk"},
			never: map[string]any{"risk": string(RiskNone)}, without: map[string]any{"point_of_no_return": false},
		}},
	}
}

func stepObject() object {
	return object{
		name: "step",
		keys: []key{
			{"delete", false, of(aTable), "delete its rows"},
			{"where", false, of(aCondition), "delete: only the rows for which this SQL condition holds"},
			{"way", false, ofWords("", ways()...), "delete: how they go: " + waysMean() + "; default the phase's, else the runbook's, else `" + step.Ways[0].Name + "`"},
			{"sql", false, of(aStatement), "one SQL statement instead; needs `rows`"},
			{"put_back", false, of(aLine), "the folder of a phase's capsule instead, an absolute path: what that phase took away comes back. `tminus undo` writes it"},
			{"sha256", false, of(aSum), "put_back: the SHA-256 of the capsule's manifest, as the run's journal has it"},
			{"keep", false, listOf(of(aTable), maxTables), "put_back: tables where a row that is in the way stays, and the capsule's is left out"},
			{"replace", false, listOf(of(aTable), maxTables), "put_back: tables where a row that is in the way goes, for the capsule's"},
			{"touch", false, listOf(of(aTable), maxTables), "sql, put_back: the tables that it changes, which are locked; required when it changes any. delete: those whose rows its triggers change; what it reaches by foreign keys is known without"},
			{"rows", false, of(aRows), "how many rows it must touch: `10`, `100..500`, `100..`, `any`"},
		},
		one: []string{"delete", "sql", "put_back"},
		parts: []part{
			{beside: []string{"delete"}, keys: []string{"where", "way"}},
			{beside: []string{"sql"}, needs: []string{"rows"}},
			{beside: []string{"put_back"}, keys: []string{"sha256", "keep", "replace"}, needs: []string{"sha256", "touch"}},
		},
	}
}

// ways are the words of package step.
func ways() []word {
	var out []word
	for _, w := range step.Ways {
		out = append(out, word{name: w.Name})
	}
	return out
}

func waysMean() string {
	var out []string
	for _, w := range step.Ways {
		out = append(out, "`"+w.Name+"`, "+w.Means)
	}
	return strings.Join(out, "; ")
}

// maintenanceObject has a key for each kind of package step.
func maintenanceObject() object {
	o := object{name: "maintenance"}
	for _, m := range step.Maintenances {
		v := listOf(of(aTable), maxTables)
		if m.Statement() {
			v = of(aStatement)
		}
		o.keys = append(o.keys, key{m.Name, false, v, m.Means})
		o.one = append(o.one, m.Name)
	}
	o.keys = append(o.keys, key{"limit", false, ofLength(time.Second, MaxDuration), "over it, it is cancelled; default `" + FormatDuration(maintenanceLimit) + "`"})
	return o
}

// maintenanceLimit is how long maintenance may take that has no limit of its own.
const maintenanceLimit = 5 * time.Minute
