// Package lint holds a runbook against the schema that it is to run on: what
// its deletes reach, what will refuse them, what would go or change that
// nobody named, and what it takes. Each kind of finding is a file: its codes,
// what they mean, and the rule that finds them; a new one is that and a line
// in the list of rules.
//
// The package is pure: the same runbook and the same snapshot give the same
// findings, in the same order. What the snapshot does not show is a finding
// itself, never a pass.
package lint
