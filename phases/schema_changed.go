package phases

import (
	"strings"

	"tminus/phases/check"
)

// SchemaChanged occurs when the tables that the runbook concerns turn out to be
// defined otherwise than the run knew, before its first phase: what was rehearsed
// is then held against what they are like now.
type SchemaChanged struct {
	Schema  SchemaPrint `json:"schema"`
	Differs []string    `json:"differs"` // from what was known, a table each
}

// Kind implements Event.
func (SchemaChanged) Kind() string { return "schema_changed" }

func (SchemaChanged) stirs(*State) check.Fact { return check.Rehearsal }

func (e SchemaChanged) apply(s *State) error {
	s.Schema = &e.Schema
	return nil
}

func (e SchemaChanged) words(*State) (Level, string) {
	text := "somebody has changed the schema: " + strings.Join(e.Differs[:min(len(e.Differs), fewTables)], ", ")
	if more := len(e.Differs) - fewTables; more > 0 {
		text += " and " + Plural(int64(more), "table") + " more"
	}
	return LevelWarn, text
}

// WatchesSchema reports whether the run has to know what its tables are like now:
// in production, as long as what was rehearsed may still be refused for it.
func (s *State) WatchesSchema() bool {
	return s.Survey != nil && s.Schema != nil && s.Outcome == "" && s.T0.IsZero() && s.rehearsing().wanted()
}
