package phases

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// courseAnswer gives what the run itself answers: it was derived while nobody
// could move the run on.
func courseAnswer(c *runbook.Check, f Facts, _ time.Time) Answer {
	if a, ok := f.course[c]; ok {
		return a
	}
	return Answer{Value: "asked too early: what it asks about has not come yet"}
}

// courseStirs is what an item's answer changes for others: nothing before the last
// phase, since until then none asks about items.
func (s *State) courseStirs() check.Fact {
	if s.Stage() != StageAfter {
		return 0
	}
	return check.Course
}

// course are the answers of the checks about the run itself that are asked now:
// what the phases came to, and which items are done. Nil where none is asked.
func (s *State) course() map[*runbook.Check]Answer {
	var out map[*runbook.Check]Answer
	if st := s.Stage(); st != StagePhases && st != StageAfter {
		return out
	}
	for _, it := range s.Asked() {
		if it.Check.Named().Rests&check.Course == 0 {
			continue
		}
		if out == nil {
			out = map[*runbook.Check]Answer{}
		}
		out[it.Check] = s.courseOf(it.Check)
	}
	return out
}

func (s *State) courseOf(c *runbook.Check) Answer {
	switch c.Name {
	case check.RunVerified:
		return s.verifiedAnswer()
	case check.RunProtected:
		return s.keptAnswer()
	case check.RunBaseline:
		return s.baselineAnswer()
	case check.RunDeletions:
		return s.deletionsAnswer()
	case check.RunItems:
		return s.itemsAnswer(c.Items)
	case check.RunPhase:
		return s.phaseAnswer(c.Phase)
	}
	return Answer{Value: fmt.Sprintf("nobody knows how to answer %s", c.Name)}
}

// verifiedAnswer passes where every phase is done, and all that was verified held.
func (s *State) verifiedAnswer() Answer {
	n := 0
	for i := range s.Phases {
		p := &s.Phases[i]
		if why := s.doubtful(p); why != "" {
			return Answer{Value: why}
		}
		n += len(p.Verified)
	}
	return Answer{Pass: true, Value: fmt.Sprintf("%s done, %s held", Plural(int64(len(s.Phases)), "phase"), Plural(int64(n), "verification"))}
}

// phaseAnswer passes where that phase is done, and all that was verified in it held.
func (s *State) phaseAnswer(id string) Answer {
	p := s.Phase(id)
	if p.Status == "" {
		return Answer{Value: fmt.Sprintf("the runbook has no phase %q", Clean(id))}
	}
	if why := s.doubtful(p); why != "" {
		return Answer{Value: why}
	}
	done := strings.ReplaceAll(string(p.Status), "_", " ")
	if p.Plan.Writes() {
		done += ", " + p.DidWords()
	}
	return Answer{Pass: true, Value: fmt.Sprintf("%s, %s held", done, Plural(int64(len(p.Verified)), "verification"))}
}

// doubtful says why a phase is not known to have come to what it had to; empty
// where it has.
func (s *State) doubtful(p *PhaseState) string {
	switch {
	case p.Accepted:
		return s.PhaseName(p.Plan.ID) + " was undone, and counts because somebody accepted it"
	case !p.Status.Done():
		return s.PhaseName(p.Plan.ID) + " is " + strings.ReplaceAll(string(p.Status), "_", " ")
	}
	for _, v := range p.Verified {
		if !v.Pass || v.Unknown != "" {
			return s.PhaseName(p.Plan.ID) + ": " + Clean(v.String())
		}
	}
	return ""
}

// keptAnswer passes where the last phase found every protected table as the
// baseline had it.
func (s *State) keptAnswer() Answer {
	found, all := s.protectedAtEnd(), len(s.Runbook.Protected)
	switch {
	case all == 0:
		return Answer{Value: "no table is protected"}
	case found < all:
		return Answer{Value: fmt.Sprintf("the last phase found %d of %s as they were", found, Plural(int64(all), "protected table"))}
	}
	return Answer{Pass: true, Value: fmt.Sprintf("%s, each with the content of the baseline", Plural(int64(all), "protected table"))}
}

// baselineAnswer passes where the baseline has every table that it must have.
func (s *State) baselineAnswer() Answer {
	if s.Baseline == nil {
		return Answer{Value: "no baseline is recorded"}
	}
	counted := map[string]bool{}
	for _, c := range s.Baseline.Counts {
		counted[s.Runbook.FullName(c.Table)] = true
	}
	for _, f := range s.Baseline.Protected {
		counted[s.Runbook.FullName(f.Table)] = true
	}
	var missing []string
	for i := range s.Runbook.Phases {
		missing = append(missing, s.uncounted(s.Runbook.Phases[i].Deletes(), counted)...)
	}
	missing = append(missing, s.uncounted(s.Runbook.Protected, counted)...)
	if len(missing) > 0 {
		return Answer{Value: "the baseline lacks " + someOf(missing)}
	}
	return Answer{Pass: true, Value: fmt.Sprintf("%s, and the content of %s", Plural(int64(len(s.Baseline.Counts)), "count"), Plural(int64(len(s.Baseline.Protected)), "protected table"))}
}

func (s *State) uncounted(tables []string, counted map[string]bool) []string {
	var out []string
	for _, t := range tables {
		if !counted[s.Runbook.FullName(t)] {
			out = append(out, Clean(t))
		}
	}
	return out
}

// deletionsAnswer passes where every phase that deletes is committed: then its
// tables have what they lost.
func (s *State) deletionsAnswer() Answer {
	var sum Effect
	tables := 0
	for i := range s.Phases {
		p := &s.Phases[i]
		switch {
		case !p.Plan.Writes():
			continue
		case p.Status != PhaseIsCommitted || p.Accepted:
			return Answer{Value: s.PhaseName(p.Plan.ID) + " is not committed as it was run"}
		}
		did := p.Did()
		sum.Deleted, sum.Cascaded = sum.Deleted+did.Deleted, sum.Cascaded+did.Cascaded
		for _, t := range p.Tables {
			if t.Deleted+t.Cascaded > 0 {
				tables++
			}
		}
	}
	value := fmt.Sprintf("%s deleted from %s", Rows(sum.Gone()), Plural(int64(tables), "table"))
	if truncated := s.truncatedWords(); truncated != "" {
		value += ", " + truncated
	}
	return Answer{Pass: true, Value: value}
}

// itemsAnswer passes where the items and the groups of these ids are done.
func (s *State) itemsAnswer(ids []string) Answer {
	var items []runbook.Item
	for _, id := range ids {
		found := false
		for _, g := range s.Runbook.Groups() {
			for _, it := range g.Items {
				if g.ID == id || it.ID == id {
					items, found = append(items, it), true
				}
			}
		}
		if !found {
			return Answer{Value: fmt.Sprintf("the runbook has no item and no group %q", Clean(id))}
		}
	}
	var open []string
	assumed := 0
	for _, it := range items {
		if lacks := s.ItemLacks(it); lacks != "" {
			open = append(open, Clean(it.Text+": "+lacks))
		}
		if s.Item(it.ID).Assumed {
			assumed++
		}
	}
	if len(open) > 0 {
		return Answer{Value: fmt.Sprintf("%d of %s not done: %s", len(open), Plural(int64(len(items)), "item"), open[0])}
	}
	value := fmt.Sprintf("%s done", Plural(int64(len(items)), "item"))
	if assumed > 0 {
		value += fmt.Sprintf(", %d of them assumed: nobody looked", assumed)
	}
	return Answer{Pass: true, Value: value}
}

// someOf names the first few of many.
func someOf(names []string) string {
	text := strings.Join(names[:min(len(names), fewTables)], ", ")
	if more := len(names) - fewTables; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
