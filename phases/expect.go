package phases

import (
	"fmt"
	"slices"
)

// expect fills in what should be in a phase's tables when it begins.
func (s *State) expect(p *PhaseState) {
	for i := range p.Tables {
		s.expectOf(p, &p.Tables[i])
	}
}

// expectOf is expect for one table.
func (s *State) expectOf(p *PhaseState, t *TableState) {
	if s.Baseline != nil && t.Role != RoleSQL {
		t.Expected = s.expected(p, t.Name)
	}
}

// expected are the rows that a phase should find in a table: the baseline's,
// less what committed phases before it took and more what they added. Of a
// table that it deletes from under conditions only, they are those that match;
// what an earlier phase did to these nobody knows.
func (s *State) expected(p *PhaseState, table string) int64 {
	did, known := s.doneBefore(p, table)
	if wheres := p.conditions(table); len(wheres) > 0 {
		if !known || did != (Effect{}) {
			return -1
		}
		return s.Baseline.matching(table, wheres)
	}
	n := s.Baseline.rows(table, "")
	if n < 0 || !known {
		return -1
	}
	return max(0, n-did.Gone()+did.Inserted)
}

// doneBefore is what the committed phases before p did to a table; known is
// false where one of them did more to it than the server counts.
func (s *State) doneBefore(p *PhaseState, table string) (did Effect, known bool) {
	for i := range s.Phases {
		before := &s.Phases[i]
		if before == p {
			break
		}
		if before.Status != PhaseIsCommitted {
			continue
		}
		if before.uncounted(table) {
			return did, false
		}
		if t := before.find(table); t != nil {
			did = did.plus(t.Effect())
		}
	}
	return did, true
}

// conditions are those under which a phase deletes from a table, each once;
// none where it deletes the table whole, or not at all.
func (p *PhaseState) conditions(table string) []string {
	var out []string
	for _, step := range p.Plan.Steps {
		switch {
		case step.Delete != table:
		case step.Where == "":
			return nil
		case !slices.Contains(out, step.Where):
			out = append(out, step.Where)
		}
	}
	return out
}

// ToDelete are the rows that the baseline held for delete steps and the foreign
// keys behind them to take: of tables deleted whole, those that match a
// condition, and all rows of tables that a cascade reaches. It is -1 when
// nobody knows: before the baseline, where a condition was not counted, and
// where a cascade starts from rows under a condition.
func (s *State) ToDelete() int64 {
	if s.Baseline == nil || s.Survey == nil {
		return -1
	}
	whole := s.wholeTables()
	var sum int64
	for table := range whole {
		n := s.Baseline.rows(table, "")
		if n < 0 {
			return -1
		}
		sum += n
	}
	for table, wheres := range s.conditions() {
		if whole[table] {
			continue
		}
		n := s.Baseline.matching(table, wheres)
		if n < 0 || slices.ContainsFunc(s.Survey.Reach, func(r Reach) bool {
			return r.From == table && r.Action == ReachCascade && !whole[r.Table]
		}) {
			return -1
		}
		sum += n
	}
	return sum
}

// wholeTables are those that the run deletes whole, or reaches by a cascade from
// one of them.
func (s *State) wholeTables() map[string]bool {
	whole := map[string]bool{}
	for i := range s.Phases {
		for _, step := range s.Phases[i].Plan.Steps {
			if step.Delete != "" && step.Where == "" {
				whole[step.Delete] = true
			}
		}
	}
	for again := true; again; {
		again = false
		for _, r := range s.Survey.Reach {
			if r.Action == ReachCascade && whole[r.From] && !whole[r.Table] {
				whole[r.Table], again = true, true
			}
		}
	}
	return whole
}

// conditions are those of the whole run, by table.
func (s *State) conditions() map[string][]string {
	out := map[string][]string{}
	for i := range s.Phases {
		for _, step := range s.Phases[i].Plan.Steps {
			if step.Delete != "" && step.Where != "" && !slices.Contains(out[step.Delete], step.Where) {
				out[step.Delete] = append(out[step.Delete], step.Where)
			}
		}
	}
	return out
}

// farOff is from which share of what was expected, as one in so many, a
// difference is no longer what a few late writers leave.
const farOff = 10

// Unexpected names the tables whose deletes are far from what was counted.
func (p *PhaseState) Unexpected() []string {
	var odd []string
	for _, t := range p.Tables {
		if p.IsUnexpected(&t) {
			odd = append(odd, fmt.Sprintf("%s: %s expected, %s deleted", t.Name, Digits(t.Expected+t.Inserted), Digits(t.Deleted+t.Cascaded)))
		}
	}
	return odd
}

// IsUnexpected reports whether a table is one of those, its deletes all done.
func (p *PhaseState) IsUnexpected(t *TableState) bool {
	if t.Role != RoleDelete || t.Expected < 0 {
		return false
	}
	if p.conditional(t.Name) && t.Updated+t.Inserted > 0 {
		return false // the phase itself made rows that the condition holds for, or no longer does
	}
	want := t.Expected + t.Inserted
	off := t.Deleted + t.Cascaded - want
	if off > 0 && p.conditional(t.Name) {
		off = t.Deleted - want // cascades take what the condition leaves, too
	}
	return max(off, -off)*farOff > want
}

// conditional reports whether a table is deleted from by conditions alone.
func (p *PhaseState) conditional(table string) bool {
	for _, s := range p.Plan.Steps {
		if s.Delete == table && s.Where == "" {
			return false
		}
	}
	return true
}
