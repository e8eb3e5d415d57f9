package report

import (
	"cmp"
	"slices"
	"time"

	"tminus/phases"
)

// Span is one attempt at a phase, in time.
type Span struct {
	Phase   string             `json:"phase"`
	Attempt int                `json:"attempt"`
	From    *time.Time         `json:"from"`
	To      *time.Time         `json:"to"`      // null while it is open
	Outcome phases.PhaseStatus `json:"outcome"` // what became of the attempt; empty while it is open
	Holds   []Pause            `json:"holds"`   // verified, and waiting for COMMIT or ROLLBACK
}

// Pause is a time of waiting.
type Pause struct {
	From *time.Time `json:"from"`
	To   *time.Time `json:"to"` // null where it has not ended
}

// Progress is how rows went in one attempt at a phase.
type Progress struct {
	Phase   string  `json:"phase"`
	Attempt int     `json:"attempt"`
	Points  []Point `json:"points"` // thinned: 200 at most
}

// sampled is progress while it is collected.
type sampled struct {
	Progress
	every, seen int // one event of so many is kept; how many came
}

// Point is how many rows were gone at a moment.
type Point struct {
	Seconds float64 `json:"seconds"` // since the attempt began
	Rows    int64   `json:"rows"`    // deleted until then, cascades included
}

// mostPoints bounds what a phase of a hundred thousand events leaves in a report.
const mostPoints = 200

// follow draws the run's course in time.
func (b *builder) follow(e phases.Event) {
	switch e := e.(type) {
	case phases.PhaseStarted:
		b.spans = append(b.spans, Span{Phase: e.Phase, Attempt: e.Attempt, From: b.now(), Holds: []Pause{}})
		b.sample(e.Phase, true)
	case phases.TableProgressed:
		b.sample(e.Phase, false)
	case phases.StepDone:
		b.sample(e.Phase, true)
	case phases.PhaseVerified:
		b.sample(e.Phase, true)
	case phases.HoldOpened:
		if s := b.span(e.Phase); s != nil {
			s.Holds = append(s.Holds, Pause{From: b.now()})
		}
	case phases.CommitIntended:
		b.endHold(e.Phase)
	case phases.PhaseCommitted:
		b.endSpan(e.Phase)
	case phases.PhasePassed:
		b.endSpan(e.Phase)
	case phases.PhaseRolledBack:
		b.endSpan(e.Phase)
	case phases.PhaseFailed:
		b.endSpan(e.Phase)
	case phases.OutcomeUnknown:
		b.endSpan(e.Phase)
	case phases.RunInterrupted:
		b.away = append(b.away, Pause{From: b.now()})
	case phases.RunResumed:
		if n := len(b.away); n > 0 && b.away[n-1].To == nil {
			b.away[n-1].To = b.now()
		}
	}
}

// now is the moment of the event that is collected.
func (b *builder) now() *time.Time {
	at := b.state.At.UTC()
	return &at
}

// span is a phase's last attempt; nil before one.
func (b *builder) span(phase string) *Span {
	for i := len(b.spans) - 1; i >= 0; i-- {
		if b.spans[i].Phase == phase {
			return &b.spans[i]
		}
	}
	return nil
}

func (b *builder) endHold(phase string) {
	if s := b.span(phase); s != nil && len(s.Holds) > 0 && s.Holds[len(s.Holds)-1].To == nil {
		s.Holds[len(s.Holds)-1].To = b.now()
	}
}

func (b *builder) endSpan(phase string) {
	b.endHold(phase)
	if s := b.span(phase); s != nil {
		s.To, s.Outcome = b.now(), b.state.Phase(phase).Status
	}
}

// sample takes how many rows are gone: where a step ends always, else of many
// events one. What is taken too often is thinned, so the points stay few and
// lie evenly.
func (b *builder) sample(phase string, always bool) {
	p := b.state.Phase(phase)
	if !p.Plan.Writes() {
		return
	}
	n := len(b.points)
	if n == 0 || b.points[n-1].Phase != phase || b.points[n-1].Attempt != p.Attempt {
		b.points = append(b.points, sampled{Progress{Phase: phase, Attempt: p.Attempt, Points: []Point{}}, 1, 0})
		n++
	}
	g := &b.points[n-1]
	if g.seen++; !always && g.seen%g.every != 0 {
		return
	}
	at, rows := seconds(b.state.At.Sub(p.StartedAt)), p.Did().Gone()
	if last := len(g.Points) - 1; last >= 0 && g.Points[last].Rows == rows && g.Points[last].Seconds == at {
		return
	}
	g.Points = append(g.Points, Point{Seconds: at, Rows: rows})
	if len(g.Points) >= mostPoints {
		g.thin()
	}
}

// thin leaves every second point, and the last.
func (g *sampled) thin() {
	kept := g.Points[:0]
	for i, p := range g.Points {
		if i%2 == 0 || i == len(g.Points)-1 {
			kept = append(kept, p)
		}
	}
	g.Points, g.every = kept, g.every*2
}

// timeline puts the course into the report. What became of a COMMIT is known
// later than its attempt ended: the last attempt has what the phase has.
func (b *builder) timeline() {
	r := b.report
	for i := range b.state.Phases {
		p := &b.state.Phases[i]
		if s := b.span(p.Plan.ID); s != nil && s.To != nil {
			s.Outcome = p.Status
		}
	}
	r.Timeline, r.Away = orEmpty(b.spans), orEmpty(b.away)
	r.Progress = []Progress{}
	for _, g := range b.points {
		if len(g.Points) > 1 && g.Points[len(g.Points)-1].Rows > 0 {
			r.Progress = append(r.Progress, g.Progress)
		}
	}
}

// Sum is what the run did to one table, over all committed phases.
type Sum struct {
	Name     string   `json:"name"`
	Before   *int64   `json:"before"` // rows at the baseline; null when it was not counted there
	After    *int64   `json:"after"`  // rows as counted in the last phase that changed it, or later; null when it was not
	Deleted  int64    `json:"deleted"`
	Cascaded int64    `json:"cascaded"`
	Updated  int64    `json:"updated"`
	Inserted int64    `json:"inserted"`
	Phases   []string `json:"phases"` // that changed it

	// Truncated is that a committed phase truncated it: what that took nobody
	// counted, and it is not among Deleted. Absent where none did.
	Truncated bool `json:"truncated,omitempty"`
}

// deleted is how many rows are, where that was counted.
func (s Sum) deleted() string {
	if s.Truncated {
		return number(nil)
	}
	return phases.Digits(s.Deleted)
}

// truncated are the tables that committed phases truncated.
func (r *Report) truncated() []string {
	var out []string
	for _, s := range r.Tables {
		if s.Truncated {
			out = append(out, s.Name)
		}
	}
	return out
}

// sums adds up what the phases did to each table that is not protected, in the
// order in which the run came to them.
func (b *builder) sums() {
	all := map[string]*Sum{}
	var order []string
	find := func(table string) *Sum {
		full := b.qualified(table)
		if all[full] == nil {
			all[full] = &Sum{Name: phases.Clean(table), Phases: []string{}}
			order = append(order, full)
		}
		return all[full]
	}
	if base := b.state.Baseline; base != nil {
		for _, c := range base.Counts {
			if c.Where == "" {
				rows := c.Rows
				find(c.Table).Before = &rows
			}
		}
	}
	for i := range b.state.Phases {
		p := &b.state.Phases[i]
		if !p.Status.Done() {
			continue
		}
		for _, t := range p.Tables {
			if t.Role == phases.RoleSQL || t.Role == phases.RoleProtected {
				continue
			}
			find(t.Name).add(t, p)
		}
	}
	b.report.Tables = []Sum{}
	protected := map[string]bool{}
	for _, t := range b.state.Runbook.Protected {
		protected[b.qualified(t)] = true
	}
	for _, name := range order {
		if !protected[name] {
			b.report.Tables = append(b.report.Tables, *all[name])
		}
	}
}

func (s *Sum) add(t phases.TableState, p *phases.PhaseState) {
	truncated := slices.Contains(p.Truncated(), t.Name)
	s.Truncated = s.Truncated || truncated
	if e := t.Effect(); p.Plan.Writes() && (truncated || e != (phases.Effect{})) {
		s.Deleted, s.Cascaded = s.Deleted+e.Deleted, s.Cascaded+e.Cascaded
		s.Updated, s.Inserted = s.Updated+e.Updated, s.Inserted+e.Inserted
		s.Phases = append(s.Phases, p.Plan.ID)
		s.After = nil // what was counted before says nothing any more
	}
	s.After = cmp.Or(known(t.Left), s.After)
}
