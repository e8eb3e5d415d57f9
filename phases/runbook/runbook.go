package runbook

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tminus/phases/check"

	"tminus/phases/step"
)

// Version is the file format's version, the value of the key `tminus`.
const Version = 1

// Runbook is one file. From Parse and Load it is whole and consistent; from
// Read it is what a journal recorded, judged by nothing. The zero value is not
// valid: these three are the only ways to get one.
type Runbook struct {
	Title     string    // one line, shown in the header
	Summary   string    // what the run does, in a sentence or two; may be empty
	Schema    string    // schema of table names without one; "public" when absent
	Window    Window    // the plan around T-0
	Contacts  []Contact // whom to call, in order of escalation
	Backup    Backup    // what undoing would take
	Protected []string  // tables that must come out as they went in
	Ledger    bool      // false (`ledger: none`): a lost COMMIT can be settled by counts only
	Rehearsal Rehearsal // what production wants of a rehearsal
	Capsule   Capsule   // how what the phases take away is kept
	Counting  Counting  // how tables are counted outside of a phase's transaction
	Fences    []Fence   // what is off for the run, in the order in which it is switched off
	Checklist []Group   // what must be ticked before the gate opens
	Gate      Gate
	Phases    []Phase
	After     []Group // stages that follow the last COMMIT, in order
	Channels  []Channel
	Messages  []Message

	// Passed is what Read passed over: keys and values that this version does
	// not know. What they ask for is not in this Runbook. Empty after Parse.
	Passed []string
}

// Window is the plan around T-0, the start of the first phase.
type Window struct {
	Opens   time.Duration // the checklist opens this long before T-0; default 60m
	Gate    time.Duration // the decision is due this long before T-0; default 15m
	Planned time.Duration // from T-0 to the end of the last phase; default 20m
	Abort   time.Duration // no phase starts later than this after T-0; default 25m
}

// Contact is one line of the escalation list. Name and phone are blanks that
// the operator's team fills in; they may be empty.
type Contact struct {
	Role  string
	Name  string
	Phone string
}

// Group is one stage's checklist, or one part of the checklist before the gate.
type Group struct {
	ID    string // unique in the runbook
	Title string
	Due   time.Duration // relative to T-0, negative before; 0 when the file does not say
	Smoke bool          // its items are smoke tests: one that fails has to be decided about
	Items []Item
}

// Item is one line of a checklist. Its check alone answers it; without one its
// action, where that answers; else a human ticks it, or signs it where Sign says
// as whom.
type Item struct {
	ID     string // unique in the runbook, over all groups and phases
	Text   string
	Help   string // how to do it; may be empty
	Fields []Field
	Check  *Check
	Sign   string  // as whom somebody signs it, such as DBA; empty where nobody does
	Action *Action // what a key does for this item; nil when there is nothing to do
	Fence  string  // the fence that it takes, or lifts, whose state answers it; empty: none

	NeverWaive bool // nobody may waive it before the gate, nor after the point of no return

	// Message is the id of what people are told by it: without a Check and an
	// Action, it is done when every channel has taken that. Empty for none.
	Message string
}

// FieldType is what a field accepts.
type FieldType string

// The field types.
const (
	FieldText     FieldType = "text"
	FieldTime     FieldType = "time"  // a moment in UTC: "now", 14:05, 2026-01-30 14:05, RFC 3339
	FieldYesNo    FieldType = "yesno" // yes or no; a required one must be yes for its item to be ticked
	FieldNumber   FieldType = "number"
	FieldPhone    FieldType = "phone"
	FieldDuration FieldType = "duration" // how long something took: 12m, 1h30m
)

// Field is a value that an item records.
type Field struct {
	ID       string // unique in the runbook, over all items
	Label    string
	Type     FieldType // default text
	Required bool      // default true
	Example  string    // shown as a hint; what an unattended run records as assumed
}

// CheckKind is what asks the question.
type CheckKind string

// The check kinds.
const (
	CheckDatabase CheckKind = "database" // a check of tminus's own, by name
	CheckOutside  CheckKind = "outside"  // the same, of what is outside of the database
	CheckSQL      CheckKind = "sql"      // one query in a read-only transaction
	CheckCommand  CheckKind = "command"  // an exit code and an output pattern
	CheckHTTP     CheckKind = "http"     // a status and a body pattern
	CheckFence    CheckKind = "fence"    // whether a fence is off, or back; of an item with a fence alone
)

// Check answers an item.
type Check struct {
	Kind    CheckKind
	Timeout time.Duration // default 10s
	Every   time.Duration // how often it is asked anew; default 10s
	Remedy  string        // what to do when it fails, one sentence; required
	Through bool          // `through: phases`: asked until the last phase has ended, and a failure holds the next phase; default until the first phase begins

	// database, outside
	Name string // one of check.Kinds, or of check.Outside
	Min  *int64 // smallest accepted value, for checks that count

	// database
	Max      *int64        // largest accepted value, for checks that count
	Triggers []string      // for triggers.*; empty means every trigger named by triggers.disable
	Tables   []string      // for tables.*
	Phase    string        // for run.phase: the id of a phase
	Items    []string      // for run.items: the ids of items, and of groups whose items all count
	MaxAge   time.Duration // the greatest accepted age; for backup.age by default Backup.MaxAge, else 0: the check's own default
	Standbys int64         // for replication.lag: how many must be connected; default 1
	Observer string        // for mirror.present: the comment of the key that must be connected; empty accepts anybody

	// outside
	Dir         string        // for git.* and space.free: the folder
	Branch      string        // for git.*; default HEAD
	Remote      string        // for git.*; default origin for git.push, else empty: none is asked
	Path        string        // for git.file_absent: below Dir
	Host        string        // for ssh.reachable
	Port        int           // for ssh.reachable; default 22
	Fingerprint string        // for ssh.reachable: of the host's key; empty accepts any
	MinAge      time.Duration // for git.quiet

	// sql
	SQL    string
	Expect string // what the first column of the only row must be, as text; "=0" style comparisons: =, !=, <, <=, >, >= followed by a number, or a plain text to equal

	// command
	Command []string // argv; no shell
	Shell   string   // a shell line instead, only when the file says `shell:`
	Exit    int      // expected exit code; default 0
	Output  string   // regular expression that standard output must match; empty accepts all

	// http
	URL    string
	Method string // default GET
	Status int    // default 200
	Body   string // regular expression that the body must match; empty accepts all
}

// Named is the check of that name; the zero value for a question that
// has no name.
func (c *Check) Named() check.Kind { return check.Of(c.Name) }

// Gate is the go/no-go decision.
type Gate struct {
	Text    string // what the approver decides; may be empty
	Approve string // the label of the approver's name; default "Approving authority"
}

// Risk is how much a phase can hurt.
type Risk string

// The risks, in rising order.
const (
	RiskNone     Risk = "none"
	RiskMedium   Risk = "medium"
	RiskHigh     Risk = "high"
	RiskCritical Risk = "critical"
)

// Phase is one transaction. Without steps it is read-only: it counts and verifies.
type Phase struct {
	ID              string
	Title           string
	Risk            Risk
	Planned         time.Duration // required
	WarnAfter       time.Duration // 0: never
	Limit           time.Duration // over it the phase is rolled back; 0: never
	LockWait        time.Duration // how long it tries to get its locks; 0: the default, 30s
	PointOfNoReturn bool          // at most one phase
	Notes           []string      // what the operator should know, one line each
	Confirm         []Item        // must all be ticked before it starts
	Count           []string      // tables whose rows are counted and recorded
	Steps           []Step        // in order
	Zero            []string      // tables that must hold no row at its end, beside the tables it deletes whole
	Filled          []string      // tables that must hold at least one row at its end
	AfterCommit     []Maintenance // what follows its COMMIT, in order
	NoCapsule       bool          // `capsule: off`: what it takes away is not kept
	Indexes         IndexWay      // how the indexes are made that its foreign keys lack
	NoVacuum        bool          // `vacuum: off`, or an `after_commit` of its own: what it empties is not vacuumed by itself
}

// Writes reports whether the phase has anything to commit.
func (p *Phase) Writes() bool { return len(p.Steps) > 0 }

// Deletes are the tables that the phase's steps delete from, in order, each once.
func (p *Phase) Deletes() []string {
	var out []string
	for _, s := range p.Steps {
		if s.Delete != "" && !slices.Contains(out, s.Delete) {
			out = append(out, s.Delete)
		}
	}
	return out
}

// Changes are the tables that the phase's steps delete from or touch, in order,
// each once.
func (p *Phase) Changes() []string {
	var out []string
	for _, s := range p.Steps {
		for _, t := range append([]string{s.Delete}, s.Touch...) {
			if t != "" && !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// Locks are the tables that the phase's steps change by their own statements, in
// order, each once. What a trigger writes to, others write to as well.
func (p *Phase) Locks() []string {
	var out []string
	for _, s := range p.Steps {
		tables := s.Touch
		if s.Delete != "" {
			tables = []string{s.Delete}
		}
		for _, t := range tables {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// Step is one statement of a phase: a delete from a table, one SQL statement, or
// what puts a capsule back.
type Step struct {
	Delete string // table
	Where  string // SQL condition for Delete; empty deletes every row
	Way    string // how Delete's rows go: the name of a step.Way, the phase's or the runbook's where the step has none; empty is the first
	SQL    string

	PutBack string   // the folder of a phase's capsule, whose rows come back; empty: it puts nothing back
	SHA256  string   // of PutBack: of the capsule's manifest
	Keep    []string // of PutBack: tables where a row that is in the way stays
	Replace []string // of PutBack: tables where a row that is in the way goes

	Touch []string // tables that SQL is meant to change, so that they are locked and accounted for; of a Delete, those that its triggers change
	Rows  *Rows    // how many rows it must touch; nil accepts any number for Delete, required for SQL
}

// Name is what screens call the step: the table, or the statement's first words.
func (s Step) Name() string {
	if s.Delete != "" {
		return s.Delete
	}
	if s.PutBack != "" {
		return "put back " + filepath.Base(s.PutBack)
	}
	words := strings.Fields(s.SQL)
	if len(words) > 4 {
		words = append(words[:4:4], "…")
	}
	return strings.Join(words, " ")
}

// Maintenance is work after a phase's COMMIT, outside of any transaction.
type Maintenance struct {
	Kind   string // the name of a step.Maintenance
	Tables []string
	SQL    string        // of a kind that takes a statement
	Limit  time.Duration // over it, it is cancelled
}

// Name is what screens call it: VACUUM and its tables, or the statement.
func (m Maintenance) Name() string {
	if m.SQL != "" {
		return strings.Join(strings.Fields(m.SQL), " ")
	}
	kind, _ := step.FindMaintenance(m.Kind)
	return kind.Verb + " " + strings.Join(m.Tables, ", ")
}

// Rows is an accepted number of rows, both ends included. Max < 0 has no upper end.
type Rows struct {
	Min int64
	Max int64
}

// Holds reports whether n is accepted.
func (r Rows) Holds(n int64) bool { return n >= r.Min && (r.Max < 0 || n <= r.Max) }

// String is how the runbook writes it: "10", "100..500", "100..", "any".
func (r Rows) String() string {
	switch {
	case r.Min == 0 && r.Max < 0:
		return "any"
	case r.Max < 0:
		return fmt.Sprintf("%d..", r.Min)
	case r.Min == r.Max:
		return strconv.FormatInt(r.Min, 10)
	}
	return fmt.Sprintf("%d..%d", r.Min, r.Max)
}

// Groups are all checklists in the order of the run: the checklist's, each
// phase's confirmations (as a group whose ID is ConfirmGroup of the phase),
// and the stages after.
func (r *Runbook) Groups() []Group {
	out := append([]Group{}, r.Checklist...)
	for i := range r.Phases {
		if p := &r.Phases[i]; len(p.Confirm) > 0 {
			out = append(out, p.confirmation())
		}
	}
	return append(out, r.After...)
}

func (p *Phase) confirmation() Group {
	return Group{ID: ConfirmGroup(p.ID), Title: "Before " + p.Title, Items: p.Confirm}
}

// ConfirmGroup is the group ID of a phase's confirmations.
func ConfirmGroup(phase string) string { return "confirm:" + phase }

// Item finds an item and the group it stands in.
func (r *Runbook) Item(id string) (Item, Group, bool) {
	if it, g, ok := itemIn(r.Checklist, id); ok {
		return it, g, ok
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		for j := range p.Confirm {
			if p.Confirm[j].ID == id {
				return p.Confirm[j], p.confirmation(), true
			}
		}
	}
	return itemIn(r.After, id)
}

func itemIn(groups []Group, id string) (Item, Group, bool) {
	for i := range groups {
		for j := range groups[i].Items {
			if groups[i].Items[j].ID == id {
				return groups[i].Items[j], groups[i], true
			}
		}
	}
	return Item{}, Group{}, false
}

// Asks reports whether an item of the checklist has the check of a name.
func (r *Runbook) Asks(name string) bool {
	for _, g := range r.Checklist {
		for _, it := range g.Items {
			if it.Check != nil && it.Check.Name == name {
				return true
			}
		}
	}
	return false
}

// Field finds a field by its id.
func (r *Runbook) Field(id string) (Field, bool) {
	for _, g := range r.Groups() {
		for _, it := range g.Items {
			for _, f := range it.Fields {
				if f.ID == id {
					return f, true
				}
			}
		}
	}
	return Field{}, false
}

// Phase finds a phase and its place in the order.
func (r *Runbook) Phase(id string) (*Phase, int) {
	for i := range r.Phases {
		if r.Phases[i].ID == id {
			return &r.Phases[i], i
		}
	}
	return nil, -1
}
