package phases

// Survey is what a runbook's names mean in this database.
type Survey struct {
	Deletes  []string    `json:"deletes"`            // tables the phases delete from, in order
	Reach    []Reach     `json:"reach"`              // what the deletes touch beyond that, through foreign keys
	Triggers []Trigger   `json:"triggers"`           // triggers on any of those tables, as they are now
	Findings []Finding   `json:"findings,omitempty"` // what the operator should know, the gravest first
	Warnings []string    `json:"warnings,omitempty"` // the same as sentences, in old journals alone
	Sizes    []TableSize `json:"sizes,omitempty"`    // planner's estimates for all tables named or reached
	Prices   []Price     `json:"prices,omitempty"`   // of each phase, in their order; none in old journals
	// Sessions is how many the run needs at its widest: the survey opened as
	// many. 0 in old journals.
	Sessions int `json:"sessions,omitempty"`
	// Schema is what the tables are like; nil in old journals.
	Schema *SchemaPrint `json:"schema,omitempty"`
}

// Count is how many findings there are of a severity; of no survey, none. The
// warnings of an old journal count as such.
func (s *Survey) Count(of Severity) int {
	n := 0
	if s == nil {
		return n
	}
	for _, f := range s.Findings {
		if f.Severity == of {
			n++
		}
	}
	if of == SeverityWarning {
		n += len(s.Warnings)
	}
	return n
}

// Price is what a phase was reckoned to take; nil where nobody did.
func (s *Survey) Price(phase string) *Price {
	if s == nil {
		return nil
	}
	for i := range s.Prices {
		if s.Prices[i].Phase == phase {
			return &s.Prices[i]
		}
	}
	return nil
}

// Severity is how much a finding matters.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // a phase will fail or roll back, or something would go that must not
	SeverityWarning Severity = "warning" // somebody should know before the window
	SeverityNote    Severity = "note"    // nothing to do, and good to know
)

// Finding is one thing that a runbook's meaning in a database shows.
type Finding struct {
	Code     string   `json:"code"` // what kind it is, for ever: "key-refuses"
	Severity Severity `json:"severity"`
	Phase    string   `json:"phase,omitempty"` // where it shows; empty for the whole run
	Table    string   `json:"table,omitempty"` // as the runbook calls it; empty for none
	Text     string   `json:"text"`            // one sentence, with what it rests on
	Remedy   string   `json:"remedy"`          // what to do, one sentence
}

// VariableMissing is the code of a variable that an action needs and that is not
// set where tminus runs.
const VariableMissing = "variable-missing"

// TableSize is the planner's estimate of a table.
type TableSize struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"` // -1 when never analyzed
	Bytes int64  `json:"bytes"`
}

// ReachAction is what a foreign key does to the referencing rows.
type ReachAction string

// The actions, as PostgreSQL calls them.
const (
	ReachCascade    ReachAction = "CASCADE"
	ReachSetNull    ReachAction = "SET NULL"
	ReachSetDefault ReachAction = "SET DEFAULT"
)

// Reach is one foreign key on the way of a delete.
type Reach struct {
	From       string      `json:"from"`  // table whose rows go
	Table      string      `json:"table"` // table that is touched
	Constraint string      `json:"constraint"`
	Action     ReachAction `json:"action"`
	Indexed    bool        `json:"indexed"`   // whether a usable index has the key's columns first
	Protected  bool        `json:"protected"` // whether Table is protected
}

// Trigger is a user trigger with all that brings it back.
type Trigger struct {
	Schema     string `json:"schema"`
	Table      string `json:"table"`
	Name       string `json:"name"`
	Enabled    string `json:"enabled"` // pg_trigger.tgenabled: O, D, R or A
	Definition string `json:"definition"`
}
