package phases

import (
	"maps"
	"slices"
)

// SchemaPrint tells what the tables that a runbook concerns are like, beside
// their rows: columns, keys and other constraints, triggers, rules, policies. It
// is the same in a restored copy, and another after any change of them.
type SchemaPrint struct {
	Hash   string            `json:"hash"`   // of all
	Tables map[string]string `json:"tables"` // of each, by the name that the run gives it, parts included
}

// Differs says of each table in which another fingerprint differs from this one,
// how: it differs, is missing there, or is new. Nothing where they are equal.
func (p SchemaPrint) Differs(from SchemaPrint) []string {
	if p.Hash == from.Hash {
		return nil
	}
	names := map[string]bool{}
	for _, tables := range []map[string]string{p.Tables, from.Tables} {
		for name := range tables {
			names[name] = true
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, had := p.Tables[name]
		is, has := from.Tables[name]
		switch {
		case !has:
			out = append(out, name+" is missing")
		case !had:
			out = append(out, name+" is new")
		case was != is:
			out = append(out, name+" differs")
		}
	}
	return out
}
