package report

import (
	"time"

	"tminus/phases"
)

// Report is a run's execution log. Its fields are the JSON form; all texts are
// free of control characters; times are UTC and null where they have not come.
type Report struct {
	Title       string             `json:"title"`
	Environment phases.Environment `json:"environment"`
	Outcome     phases.Outcome     `json:"outcome"` // unfinished when the run has not ended
	Status      string             `json:"status"`  // the outcome in words, with what tarnishes it
	Reason      string             `json:"reason"`  // why it ended, when not completed
	EndedBy     string             `json:"ended_by"`
	Unattended  bool               `json:"unattended"`

	OpenedAt         *time.Time `json:"opened_at"`
	PlannedT0        *time.Time `json:"planned_t0"`
	T0               *time.Time `json:"t0"` // start of the first phase
	ClosedAt         *time.Time `json:"closed_at"`
	Seconds          float64    `json:"seconds"`            // from T-0 to the end of the last phase that ran
	PlannedSeconds   float64    `json:"planned_seconds"`    // for the same
	AbortSeconds     float64    `json:"abort_seconds"`      // no phase starts later than this after T-0; without extensions
	ExtendedSeconds  float64    `json:"extended_seconds"`   // all extensions
	TotalRunSeconds  float64    `json:"total_run_seconds"`  // from the journal's first record to its last
	DeletedRows      int64      `json:"deleted_rows"`       // by committed phases, cascades included
	UpdatedRows      int64      `json:"updated_rows"`       // by committed phases, SET NULL included
	InsertedRows     int64      `json:"inserted_rows"`      // by committed phases
	BaselineToDelete *int64     `json:"baseline_to_delete"` // by delete steps and cascades; null when the baseline cannot tell

	endedAt     *time.Time // when it became a NO-GO or an abort; nil for neither
	disabled    bool       // triggers were, by an item's action
	triggersOff bool       // they are not known to be back
	commanded   bool       // an item ran a command, or a request that may change something

	Summary []string `json:"summary"` // what was done, and what is and is not in the database, in sentences for whoever was not there

	Run        Run         `json:"run"`
	Rehearsal  *Rehearsal  `json:"rehearsal,omitempty"` // that a run in production rested on; absent without one
	Schedule   *Schedule   `json:"schedule,omitempty"`  // absent where nobody planned T-0, and no NO-GO came before
	Copy       *Copy       `json:"copy,omitempty"`      // what the run's own database was restored from; absent where nothing was
	Database   Database    `json:"database"`
	Operators  []Operator  `json:"operators"`
	Backup     Backup      `json:"backup"`
	Undo       *Undo       `json:"undo,omitempty"`   // absent for journals of older versions, which kept nothing
	Fences     []Fence     `json:"fences,omitempty"` // absent where the runbook has none
	Checklist  []Group     `json:"checklist"`
	Gate       Gate        `json:"gate"`
	Phases     []Phase     `json:"phases"`
	Tables     []Sum       `json:"tables"` // before and after; protected ones stand apart
	Protected  []Protected `json:"protected"`
	Timeline   []Span      `json:"timeline"`
	Away       []Pause     `json:"away"` // no program had the run
	Progress   []Progress  `json:"progress"`
	After      []Group     `json:"after"`
	Messages   []Message   `json:"messages,omitempty"` // absent where nobody was told
	Deviations []Line      `json:"deviations"`
	Notes      []Line      `json:"notes"`
	Log        []Line      `json:"log"`
	Signatures []Signature `json:"signatures"`
	Journal    Journal     `json:"journal"`

	// Zone is where the text's times are; nil means UTC.
	Zone *time.Location `json:"-"`
}

// Run names the run and what it was made with.
type Run struct {
	ID            string `json:"id"`
	Version       string `json:"version"` // of tminus
	Runbook       string `json:"runbook"` // file name
	RunbookSHA256 string `json:"runbook_sha256"`
}

// Database is where the run ran, as last connected.
type Database struct {
	Name          string `json:"name"`
	Host          string `json:"host"`
	Port          uint16 `json:"port"`
	User          string `json:"user"`
	ServerVersion string `json:"server_version"`
}

// Operator is somebody who drove the run, from a moment on.
type Operator struct {
	Name string     `json:"name"`
	Host string     `json:"host"`
	At   *time.Time `json:"at"`
}

// Backup is what undoing would take.
type Backup struct {
	ID             string     `json:"id"`
	At             *time.Time `json:"at"`                // of its snapshot
	AgeAtT0Seconds *float64   `json:"age_at_t0_seconds"` // null before T-0, or without a time
	MaxAgeSeconds  float64    `json:"max_age_seconds"`
	Restore        string     `json:"restore"` // the runbook's command, with what was recorded filled in
	RestoreSeconds float64    `json:"restore_seconds"`
	TriggersOff    []string   `json:"triggers_off,omitempty"` // that a restore brings back switched off, since the run had them off; absent for none

	Location  string          `json:"location"`
	Proven    bool            `json:"proven"`             // at T-0; without one, at the journal's end
	NotProven string          `json:"not_proven"`         // why not; empty where it was
	Taken     *BackupTaken    `json:"taken,omitempty"`    // absent where it was recorded by hand
	Verified  *BackupVerified `json:"verified,omitempty"` // the last look through it; absent before one
	Restored  *BackupRestored `json:"restored,omitempty"` // the last restore of it that was tried; absent before one

	lines []phases.ProofLine
	takes string // how long a restore takes, as a sentence; empty where nobody knows
	note  string // what a restore leaves to do; empty for nothing
}

// Group is one checklist.
type Group struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Done  int    `json:"done"`
	Smoke bool   `json:"smoke,omitempty"` // its items are smoke tests
	Items []Item `json:"items"`
}

// The states of an item.
const (
	ItemTicked  = "ticked"  // by a human
	ItemSigned  = "signed"  // by a human, with a name
	ItemPassed  = "passed"  // by its check
	ItemTold    = "told"    // its message: every channel that has to has taken it
	ItemAssumed = "assumed" // nobody looked
	ItemFailed  = "failed"  // its check's last answer, or its action
	ItemWaived  = "waived"  // somebody took it on as it is
	ItemOpen    = "open"    // not answered, or a field is missing
)

// Item is one line of a checklist, as it stood at last.
type Item struct {
	ID     string     `json:"id"`
	Text   string     `json:"text"`
	State  string     `json:"state"`
	By     string     `json:"by"`
	At     *time.Time `json:"at"`    // of the tick, or since when the check has answered so
	Found  string     `json:"found"` // by the check, or why it found nothing
	Lacks  string     `json:"lacks"` // what it still needs
	Fields []Field    `json:"fields"`

	Output   string    `json:"output,omitempty"`   // the last lines of what its action said
	Seconds  float64   `json:"seconds,omitempty"`  // that its action took
	Waived   *TakenOn  `json:"waived,omitempty"`   // absent where nobody did
	Decided  *TakenOn  `json:"decided,omitempty"`  // about a smoke test that failed; absent where nobody did
	Measured *Measured `json:"measured,omitempty"` // absent where nothing was
	Sign     string    `json:"sign,omitempty"`     // as whom somebody signs it; absent where nobody does

	signed *Signature // nil without one
}

// TakenOn is what somebody takes on: that an item is not done, or what follows
// from a test that failed.
type TakenOn struct {
	Verdict string     `json:"verdict,omitempty"` // go_on, restore or undo; empty for a waiver
	Who     string     `json:"who"`
	Reason  string     `json:"reason"`
	By      string     `json:"by"`
	At      *time.Time `json:"at"`
}

// Measured is how long the answers to requests took.
type Measured struct {
	Requests   int     `json:"requests"`
	P50Seconds float64 `json:"p50_seconds"`
	P95Seconds float64 `json:"p95_seconds"`
	MaxSeconds float64 `json:"max_seconds"`
}

// Field is a recorded value.
type Field struct {
	ID      string     `json:"id"`
	Label   string     `json:"label"`
	Value   string     `json:"value"`
	By      string     `json:"by"`
	At      *time.Time `json:"at"`
	Assumed bool       `json:"assumed"`
}

// Gate is the go/no-go decision.
type Gate struct {
	Decision phases.Decision `json:"decision"` // empty: none
	Approver string          `json:"approver"`
	At       *time.Time      `json:"at"`
	Assumed  bool            `json:"assumed"`
	Closed   []string        `json:"closed"` // what closed it again after a GO
}

// Phase is one phase's last attempt.
type Phase struct {
	ID              string             `json:"id"`
	Title           string             `json:"title"`
	Risk            string             `json:"risk"`
	Outcome         phases.PhaseStatus `json:"outcome"`
	PointOfNoReturn bool               `json:"point_of_no_return"`
	Attempts        int                `json:"attempts"`
	StartedAt       *time.Time         `json:"started_at"`
	EndedAt         *time.Time         `json:"ended_at"`
	Seconds         float64            `json:"seconds"`
	PlannedSeconds  float64            `json:"planned_seconds"`
	Price           *Price             `json:"price,omitempty"`     // absent where nobody reckoned
	Rehearsed       *Rehearsed         `json:"rehearsed,omitempty"` // absent without a rehearsal
	Reason          string             `json:"reason"`
	By              string             `json:"by"`               // who committed or rolled back; empty when tminus did
	Settled         bool               `json:"settled"`          // known afterwards: COMMIT's own answer was lost
	Warned          []string           `json:"warned,omitempty"` // by the server, as it answered COMMIT; absent where it did not
	Tables          []Table            `json:"tables"`
	Changes         []Change           `json:"changes"` // beside rows
	Verified        []Check            `json:"verified"`
	Capsule         *Capsule           `json:"capsule,omitempty"`     // what was kept of what it took away; absent where nothing was
	Confirmed       *Group             `json:"confirmed"`             // null without confirmations
	Maintenance     []Maintenance      `json:"maintenance,omitempty"` // what followed its COMMIT, outside of any transaction; absent where nothing did
	Issues          []Line             `json:"issues"`                // of all attempts

	writes bool
}

// Price is what a phase was reckoned to take before it began, and beside that
// what it took.
type Price struct {
	Seconds       float64  `json:"seconds"`
	LeastSeconds  float64  `json:"least_seconds"`
	MostSeconds   float64  `json:"most_seconds"`
	WorkedSeconds *float64 `json:"worked_seconds"` // what it took, without the wait for locks and for people; null until it was ready
	WAL           int64    `json:"wal"`            // bytes, at least
	MostWAL       int64    `json:"most_wal"`
	WrittenWAL    *int64   `json:"written_wal"` // by the server meanwhile, for whomever; null when it did not say
	Rows          int64    `json:"rows"`        // that go or change
	Bytes         int64    `json:"bytes"`       // of those that go
	Locks         int      `json:"locks"`
	Guessed       bool     `json:"guessed"`    // some of it nobody could know
	Measured      bool     `json:"measured"`   // on this server
	Unanalyzed    []string `json:"unanalyzed"` // tables whose rows were reckoned from their size

	words string
}

// Table is what a phase did to one table. Deleted, Cascaded, Updated and
// Inserted are what its transaction did; they last only if the phase's outcome
// is committed. A phase that is rolled back or undone has 0 there, and Undone
// is what it had deleted and the database holds again.
//
// Where Role is "sql" it is no table but a statement: Command and Rows are what
// the server said of it. What it did to tables stands with these.
type Table struct {
	Name      string `json:"name"`
	Role      string `json:"role"`
	Expected  *int64 `json:"expected"` // when the phase began; null when nobody knows
	Command   string `json:"command"`  // of a statement: UPDATE; empty in old journals, and for tables
	Rows      int64  `json:"rows"`     // of a statement, as its command has it
	Returned  int64  `json:"returned"` // by a SELECT
	Deleted   int64  `json:"deleted"`  // by the phase's own statements
	Cascaded  int64  `json:"cascaded"` // by foreign keys and triggers
	Updated   int64  `json:"updated"`  // SET NULL among them
	Inserted  int64  `json:"inserted"`
	Remaining *int64 `json:"remaining"` // as counted before COMMIT; null when it was not counted, or the phase is not known to be committed
	Undone    int64  `json:"undone"`
}

// Maintenance is what followed a phase's COMMIT. What failed undid nothing.
type Maintenance struct {
	What      string     `json:"what"`
	StartedAt *time.Time `json:"started_at"` // null when it never was
	Seconds   float64    `json:"seconds"`
	Done      bool       `json:"done"`
	Reason    string     `json:"reason"` // why not
	By        string     `json:"by"`     // who skipped it
}

// Change is something that a phase did beside rows.
type Change struct {
	Change string `json:"change"`
	Object string `json:"object"`
	Table  string `json:"table"` // that it belongs to; empty when none
	Detail string `json:"detail"`
	Text   string `json:"text"` // the same as a sentence
}

// Check is one verification. Unknown is why nobody knows whether it holds; then
// Pass is false.
type Check struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Want    string `json:"want"`
	Got     string `json:"got"`
	Pass    bool   `json:"pass"`
	Unknown string `json:"unknown"`
	Detail  string `json:"detail"`
}

// Protected is a protected table.
//
// Intact is the last verification of it, whichever phase made it: true when it
// had the count and content of the baseline, null when nobody ever compared, or
// could.
// It stays false where the phase was then rolled back: ROLLBACK undoes the
// phase's own change, but not one that another session made.
type Protected struct {
	Name       string     `json:"name"`
	Intact     *bool      `json:"intact"`
	Baseline   *int64     `json:"baseline"`    // rows; null before the baseline
	Content    string     `json:"fingerprint"` // of its content at the baseline; the same at the end where it is intact; empty before the baseline
	Remaining  *int64     `json:"remaining"`
	VerifiedIn string     `json:"verified_in"` // the phase; empty when never
	VerifiedAt *time.Time `json:"verified_at"`
	Detail     string     `json:"detail"`
}

// Line is something that happened. Clock is seconds from T-0, or from the
// planned T-0 until there is one.
type Line struct {
	At    *time.Time   `json:"at"`
	Clock float64      `json:"clock"`
	Level phases.Level `json:"level"`
	Text  string       `json:"text"`
}

// Journal is what the report was made from. Whoever holds records and head
// from elsewhere can tell whether a journal was cut or written anew.
type Journal struct {
	Records uint64 `json:"records"`
	Head    string `json:"head"` // the last record's hash
	Closed  bool   `json:"closed"`
}
