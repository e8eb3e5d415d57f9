package schema

// Guard is what can refuse a row that a key's action changes: a CHECK
// constraint, a unique index or an exclusion constraint.
type Guard struct {
	Relation   uint32
	Name       string
	Check      bool     // a CHECK constraint; else an index
	Columns    []string // that it looks at; of an index, those that it has as they are
	Through    []string // of an index: those that an expression or its condition looks at
	NullsEqual bool     // of an index: NULLS NOT DISTINCT
	Deferred   bool     // INITIALLY DEFERRED
	Definition string   // as PostgreSQL writes it
}
