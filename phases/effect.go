package phases

import (
	"slices"
	"strings"

	"tminus/phases/step"
)

// Effect is what was done to rows: to those of one table, or of all tables of
// a phase.
type Effect struct {
	Deleted  int64 // by the phase's own statements
	Cascaded int64 // deleted by foreign keys and triggers
	Updated  int64 // SET NULL among them
	Inserted int64
}

// Gone are all rows that were deleted, whatever deleted them.
func (e Effect) Gone() int64 { return e.Deleted + e.Cascaded }

// rows are all that were touched, one as often as it was.
func (e Effect) rows() int64 { return e.Deleted + e.Cascaded + e.Updated + e.Inserted }

func (e Effect) plus(o Effect) Effect {
	return Effect{e.Deleted + o.Deleted, e.Cascaded + o.Cascaded, e.Updated + o.Updated, e.Inserted + o.Inserted}
}

// String is the effect in words: "48,210 rows deleted, 12 more by foreign keys
// and triggers, 10 updated".
func (e Effect) String() string {
	var parts []string
	add := func(n int64, what string) {
		switch {
		case n == 0:
		case len(parts) == 0:
			parts = append(parts, Rows(n)+" "+what)
		default:
			parts = append(parts, Digits(n)+" "+what)
		}
	}
	add(e.Deleted, "deleted")
	if e.Deleted > 0 {
		add(e.Cascaded, "more by foreign keys and triggers")
	} else {
		add(e.Cascaded, "deleted by foreign keys and triggers")
	}
	add(e.Updated, "updated")
	add(e.Inserted, "inserted")
	if parts == nil {
		return "no rows changed"
	}
	return strings.Join(parts, ", ")
}

// Effect is what was done to the table's rows. It is nothing where that was
// taken back: see Undone.
func (t TableState) Effect() Effect { return Effect{t.Deleted, t.Cascaded, t.Updated, t.Inserted} }

// Did is what the phase did to rows, all tables together: in the database when
// it is committed, in its transaction as long as that is open, and in doubt
// while its COMMIT is. It is nothing for a phase that only reads, and for one
// whose effect the database does not hold: see Undone.
func (p *PhaseState) Did() Effect {
	var sum Effect
	if !p.Plan.Writes() {
		return sum
	}
	for _, t := range p.Tables {
		sum = sum.plus(t.Effect())
	}
	return sum
}

// Undone is what the phase had done to rows and the database does not hold: its
// transaction was rolled back, or its COMMIT is undone.
func (p *PhaseState) Undone() Effect {
	var sum Effect
	for _, t := range p.Tables {
		sum = sum.plus(t.Undone)
	}
	return sum
}

// DidWords is Did in words, with the tables that were truncated: their rows
// nobody counts. A phase with a delete step speaks of deleted rows, none
// included.
func (p *PhaseState) DidWords() string {
	did := p.Did()
	var parts []string
	if did != (Effect{}) {
		parts = append(parts, did.String())
	}
	for _, name := range p.Truncated() {
		parts = append(parts, name+" truncated")
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case len(p.Plan.Deletes()) > 0:
		return Rows(0) + " deleted"
	}
	return did.String()
}

// truncated are the tables that committed phases truncated, each once.
func (s *State) truncated() []string {
	var out []string
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Status == PhaseIsCommitted {
			out = append(out, p.Truncated()...)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(s.Runbook.FullName(a), s.Runbook.FullName(b)) })
	return slices.CompactFunc(out, func(a, b string) bool { return s.Runbook.FullName(a) == s.Runbook.FullName(b) })
}

// truncatedWords are the tables that committed phases truncated, for beside a count
// of rows that theirs are not in; empty for none.
func (s *State) truncatedWords() string {
	switch n := len(s.truncated()); n {
	case 0:
		return ""
	case 1:
		return "1 table truncated, its rows not counted"
	default:
		return Plural(int64(n), "table") + " truncated, their rows not counted"
	}
}

// PutBack is the command of a step that puts a capsule back: the server has none
// for it.
const PutBack = "PUT BACK"

// String is the statement's effect in words: "10 rows updated". Without a
// command, as in old journals, nobody knows what was done to the rows.
func (s Statement) String() string {
	verb, known := map[string]string{
		"": "touched", "DELETE": "deleted", "UPDATE": "updated", "INSERT": "inserted", "SELECT": "returned", "MERGE": "merged", PutBack: "put back",
	}[s.Command]
	switch {
	case known:
		return Rows(s.Rows) + " " + verb
	case s.Command == step.Truncated && s.Rows > 0:
		return Rows(s.Rows) + " truncated"
	case s.Command == step.Truncated:
		return "truncated"
	}
	return Clean(s.Command) + " done"
}
