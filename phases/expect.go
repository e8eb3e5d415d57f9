package phases

import "slices"

// expect fills in what should be in a phase's tables when it begins.
func (s *State) expect(p *PhaseState) {
	if s.Baseline == nil {
		return
	}
	for i := range p.Tables {
		if t := &p.Tables[i]; t.Role != RoleSQL {
			t.Expected = s.expected(p, t.Name)
		}
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

// matching adds up the baseline's counts of a table's rows under conditions;
// it is -1 when one of them was not counted.
func (b *Baseline) matching(table string, wheres []string) int64 {
	var sum int64
	for _, where := range wheres {
		n := b.rows(table, where)
		if n < 0 {
			return -1
		}
		sum += n
	}
	return sum
}

// rows is one of the baseline's counts, or -1 when it was not made.
func (b *Baseline) rows(table, where string) int64 {
	for _, c := range b.Counts {
		if c.Table == table && c.Where == where {
			return c.Rows
		}
	}
	for _, f := range b.Protected {
		if f.Table == table && where == "" {
			return f.Rows
		}
	}
	return -1
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
