package report

import (
	"fmt"
	"strings"

	"tminus/phases"
)

// What documents have beside the text: what a picture shows, in words and tables.

func (t *layout) summary() {
	t.section("Summary")
	for _, s := range t.r.Summary {
		t.line(s)
	}
}

func (t *layout) timeline() {
	if len(t.r.Timeline) == 0 {
		return
	}
	t.section("Timeline")
	t.picture(t.r.drawTimeline(t.zone, false))
	if t.r.Seconds > 0 && t.r.Seconds < t.r.PlannedSeconds/8 {
		t.picture(t.r.drawTimeline(t.zone, true))
	}
	g := grid{caption: "When each phase ran, against its plan", head: []string{"phase", "planned", "took", "began", "ended", "held for a decision", "outcome"}}
	for _, s := range t.r.Timeline {
		i := t.r.phaseIndex(s.Phase)
		if i < 0 {
			continue
		}
		name := fmt.Sprintf("%d. %s", i+1, t.r.phaseName(i))
		if s.Attempt > 1 {
			name += fmt.Sprintf(", attempt %d", s.Attempt)
		}
		took := "under way"
		if s.To != nil {
			took = span(s.To.Sub(*s.From).Seconds())
		}
		row := g.add(name, span(t.r.Phases[i].PlannedSeconds), took, t.clock(s.From), t.clock(s.To), held(s.Holds), outcomeWord(s.Outcome))
		row.level = outcomeLevel(s.Outcome)
	}
	t.grid(g)
	for _, a := range t.r.Away {
		t.line("No program had the run from " + t.stamp(a.From) + " to " + t.stamp(a.To) + ".")
	}
}

// held is how long a phase waited for somebody's decision.
func held(holds []Pause) string {
	sum, open := 0.0, false
	for _, h := range holds {
		if h.To == nil {
			open = true
			continue
		}
		sum += h.To.Sub(*h.From).Seconds()
	}
	switch {
	case open:
		return "waits now"
	case len(holds) == 0:
		return "-"
	}
	return span(sum)
}

func outcomeWord(o phases.PhaseStatus) string {
	if o == "" {
		return "under way"
	}
	return strings.ReplaceAll(string(o), "_", " ")
}

func outcomeLevel(o phases.PhaseStatus) phases.Level {
	switch {
	case o.Done():
		return phases.LevelGood
	case o == "", o == phases.PhasePending:
		return phases.LevelInfo
	}
	return phases.LevelBad
}

func (r *Report) phaseIndex(id string) int {
	for i := range r.Phases {
		if r.Phases[i].ID == id {
			return i
		}
	}
	return -1
}

func (t *layout) progress() {
	if len(t.r.Progress) == 0 {
		return
	}
	t.section("Rows over time")
	g := grid{caption: "Rows that were gone after a share of each phase's work", head: []string{"phase", "a quarter", "half", "three quarters", "all", "in", "rows a second"}}
	for _, p := range t.r.Progress {
		i := t.r.phaseIndex(p.Phase)
		if i < 0 {
			continue
		}
		name, attempt := fmt.Sprintf("%d. %s", i+1, t.r.phaseName(i)), ""
		if p.Attempt > 1 {
			attempt = fmt.Sprintf(", attempt %d", p.Attempt)
		}
		t.picture(drawProgress(name, attempt, p))
		name += attempt
		end := p.Points[len(p.Points)-1]
		rate := "-"
		if end.Seconds > 0 {
			rate = phases.Digits(int64(float64(end.Rows) / end.Seconds))
		}
		g.add(name, p.at(0.25), p.at(0.5), p.at(0.75), phases.Digits(end.Rows), span(end.Seconds), rate)
	}
	t.grid(g)
}

// at is how many rows were gone after a share of the time, between two points as
// the drawing has it.
func (p Progress) at(share float64) string {
	at := p.Points[len(p.Points)-1].Seconds * share
	before := p.Points[0]
	for _, next := range p.Points[1:] {
		if next.Seconds >= at {
			rows := float64(before.Rows)
			if span := next.Seconds - before.Seconds; span > 0 {
				rows += float64(next.Rows-before.Rows) * (at - before.Seconds) / span
			}
			return phases.Digits(int64(rows))
		}
		before = next
	}
	return phases.Digits(before.Rows)
}

func (t *layout) sums() {
	if len(t.r.Tables) == 0 {
		return
	}
	t.section("Tables before and after")
	g := grid{
		caption: "Rows of each table at the baseline and at last, and what committed phases did to them",
		head:    []string{"table", "before", "after", "deleted", "by cascade", "updated", "inserted"},
	}
	var sum Sum
	for _, s := range t.r.Tables {
		g.add(s.Name, number(s.Before), number(s.After), s.deleted(), phases.Digits(s.Cascaded), phases.Digits(s.Updated), phases.Digits(s.Inserted))
		sum.Deleted, sum.Cascaded, sum.Updated, sum.Inserted = sum.Deleted+s.Deleted, sum.Cascaded+s.Cascaded, sum.Updated+s.Updated, sum.Inserted+s.Inserted
	}
	g.foot = []string{"total", "", "", phases.Digits(sum.Deleted), phases.Digits(sum.Cascaded), phases.Digits(sum.Updated), phases.Digits(sum.Inserted)}
	t.grid(g)
	t.line("A dash stands for what nobody counted. Protected tables stand in a section of their own.")
}

// fingerprints stand beneath the protected tables, whose content they prove.
func (t *layout) fingerprints() {
	if len(t.r.Protected) == 0 {
		return
	}
	g := grid{caption: "The content of the protected tables, as a hash of all their rows", head: []string{"table", "at the baseline", "when compared last"}}
	for _, p := range t.r.Protected {
		before, after, level := p.Content, "not compared", phases.LevelWarn
		if before == "" {
			before = "not taken"
		}
		if p.Intact != nil {
			after, level = "another content", phases.LevelBad
			if *p.Intact {
				after, level = p.Content, phases.LevelGood
			}
		}
		g.add(p.Name, before, after).level = level
	}
	t.grid(g)
}

// verifying says what makes the report more than somebody's word.
func (t *layout) verifying() {
	t.line("This report is made from the run's journal alone, and the same journal gives the same report. Each record of the journal carries a hash of all before it: one that was changed, removed or added later does not fit.")
	t.command("Whoever has the journal checks it, and the signatures, and compares the head with the one above:", "tminus verify JOURNAL")
}

// figures are what a reader looks for first.
func (r *Report) figures() []pair {
	held, all := 0, 0
	for i := range r.Phases {
		for _, v := range r.Phases[i].Verified {
			all++
			if v.Pass {
				held++
			}
		}
	}
	done := 0
	for i := range r.Phases {
		if r.Phases[i].Outcome.Done() {
			done++
		}
	}
	intact, compared := 0, 0
	for _, p := range r.Protected {
		if p.Intact != nil {
			compared++
			if *p.Intact {
				intact++
			}
		}
	}
	out := []pair{
		{"Phases done", fmt.Sprintf("%d of %d", done, len(r.Phases))},
		{"Rows deleted", phases.Digits(r.DeletedRows)},
	}
	if n := len(r.truncated()); n > 0 {
		out = append(out, pair{"Tables truncated", phases.Digits(int64(n))})
	}
	// What nobody has looked at is not 0 of them: that would read as a loss.
	if compared > 0 {
		out = append(out, pair{"Protected tables intact", fmt.Sprintf("%d of %d", intact, len(r.Protected))})
	}
	if all > 0 {
		out = append(out, pair{"Verifications held", fmt.Sprintf("%d of %d", held, all)})
	}
	if r.T0 != nil {
		out = append(out, pair{"From T-0 to the end", span(r.Seconds)})
	}
	return out
}
