package step

import "slices"

// Maintenance is a kind of work that follows a phase's COMMIT. It runs in no
// transaction: what it fails at undoes nothing, and is a warning.
type Maintenance struct {
	Name   string     // the runbook's key, which takes tables; or one statement, where Begins says how it begins
	Means  string     // for the reference page
	Verb   string     // before the tables, on screen; a statement speaks for itself
	Begins [][]string // words of which one row begins the statement, in small letters
}

// Maintenances are all there are.
var Maintenances = []Maintenance{
	{
		Name: "vacuum", Verb: "VACUUM",
		Means: "VACUUM these tables, and ANALYZE them: their space is used again, and the planner knows of it",
	},
	{
		Name: "index", Begins: [][]string{
			{"create", "index", "concurrently"},
			{"create", "unique", "index", "concurrently"},
			{"drop", "index", "concurrently"},
		},
		Means: "one statement that makes or drops an index without locking its table: CREATE INDEX CONCURRENTLY, DROP INDEX CONCURRENTLY",
	},
}

// FindMaintenance gives a kind by its name.
func FindMaintenance(name string) (Maintenance, bool) {
	i := slices.IndexFunc(Maintenances, func(m Maintenance) bool { return m.Name == name })
	if i < 0 {
		return Maintenance{}, false
	}
	return Maintenances[i], true
}

// Statement reports whether the kind takes a statement, and not tables.
func (m Maintenance) Statement() bool { return m.Begins != nil }
