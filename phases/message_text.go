package phases

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"tminus/phases/fact"
	"tminus/phases/runbook"
)

// NotKnown stands in a message for a fact that is not known when it is sent.
const NotKnown = "not known yet"

// said is how a message writes a fact, or a field by its id.
var said = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// facts are what a message can say, by the names of package fact. A table is
// given where the name has one. Nothing is said of what is not known.
var facts = map[string]func(s *State, now time.Time, table string) string{
	"title":       func(s *State, _ time.Time, _ string) string { return s.Runbook.Title },
	"environment": func(s *State, _ time.Time, _ string) string { return string(s.Opened.Environment) },
	"database":    func(s *State, _ time.Time, _ string) string { return s.Target.Database },
	"host":        func(s *State, _ time.Time, _ string) string { return s.Target.Host },
	"operator":    func(s *State, _ time.Time, _ string) string { return s.Operator.String() },
	"approver":    func(s *State, _ time.Time, _ string) string { return s.Gate.Approver },
	"run":         func(s *State, _ time.Time, _ string) string { return s.Opened.RunID },
	"now":         func(_ *State, now time.Time, _ string) string { return atWords(now, now) },
	"clock":       func(s *State, now time.Time, _ string) string { return s.ClockWords(now) },
	"t0":          func(s *State, now time.Time, _ string) string { return atWords(s.begin(), now) },
	"planned_end": func(s *State, now time.Time, _ string) string {
		return atWords(s.fromBegin(s.Runbook.Window.Planned), now)
	},
	"abort_at": func(s *State, now time.Time, _ string) string {
		return atWords(s.fromBegin(s.Runbook.Window.Abort+s.Extra), now)
	},
	"ended":         func(s *State, now time.Time, _ string) string { return atWords(s.lastEnd(), now) },
	"took":          tookFact,
	"phase":         func(s *State, _ time.Time, _ string) string { return s.phaseNow().ID },
	"phase_title":   func(s *State, _ time.Time, _ string) string { return s.phaseNow().Title },
	"hold.until":    holdFact,
	"decision":      decisionFact,
	"outcome":       outcomeFact,
	"reason":        func(s *State, _ time.Time, _ string) string { return s.Reason },
	"committed":     func(s *State, _ time.Time, _ string) string { return s.writersWords(true) },
	"not_committed": func(s *State, _ time.Time, _ string) string { return s.writersWords(false) },
	"rows.deleted":  func(s *State, _ time.Time, _ string) string { return s.goneWords("") },
	"rows.deleted.": func(s *State, _ time.Time, table string) string { return s.goneWords(table) },
	"rows.before.":  beforeFact,
	"backup.id":     func(s *State, _ time.Time, _ string) string { return s.Fields[s.Runbook.Backup.IDField].Value },
	"backup.at":     func(s *State, now time.Time, _ string) string { return atWords(s.BackupTime(), now) },
	"restore":       func(s *State, _ time.Time, _ string) string { return s.RestoreCommand() },
	"undo":          undoFact,
}

// begin is T-0: as it came, or as it is planned.
func (s *State) begin() time.Time {
	if !s.T0.IsZero() {
		return s.T0
	}
	return s.Schedule().T0
}

func (s *State) fromBegin(d time.Duration) time.Time {
	if s.begin().IsZero() {
		return time.Time{}
	}
	return s.begin().Add(d)
}

// lastEnd is when the last phase that ran ended; zero before one has.
func (s *State) lastEnd() time.Time {
	var end time.Time
	for i := range s.Phases {
		end = latest(end, s.Phases[i].EndedAt)
	}
	return end
}

// phaseNow is the plan of the open phase, or of the next; empty after the last.
func (s *State) phaseNow() runbook.Phase {
	if p := s.OpenPhase(); p != nil {
		return *p.Plan
	}
	if i := s.Current(); i >= 0 {
		return *s.Phases[i].Plan
	}
	return runbook.Phase{}
}

// writersWords are the titles of the phases that write, and are committed or not.
func (s *State) writersWords(committed bool) string {
	var out []string
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Plan.Writes() && committed == (p.Status == PhaseIsCommitted) {
			out = append(out, p.Plan.Title)
		}
	}
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

// gone are the rows that committed phases deleted: of one table, or of all.
func (s *State) gone(table string) int64 {
	var n int64
	for i := range s.Phases {
		p := &s.Phases[i]
		if p.Status != PhaseIsCommitted {
			continue
		}
		for _, t := range p.Tables {
			if table == "" || s.Runbook.FullName(t.Name) == s.Runbook.FullName(table) {
				n += t.Effect().Gone()
			}
		}
	}
	return n
}

// goneWords is gone in words. It owns up to what a TRUNCATE took, which is in no
// count: 0 would say that nothing is gone.
func (s *State) goneWords(table string) string {
	text := Digits(s.gone(table))
	if slices.ContainsFunc(s.truncated(), func(t string) bool { return table == "" || s.Runbook.FullName(t) == s.Runbook.FullName(table) }) {
		text += " (and what TRUNCATE took, not counted)"
	}
	return text
}

func tookFact(s *State, _ time.Time, _ string) string {
	if s.T0.IsZero() || s.lastEnd().IsZero() {
		return ""
	}
	return Span(s.lastEnd().Sub(s.T0))
}

func holdFact(s *State, now time.Time, _ string) string {
	if p := s.OpenPhase(); p != nil {
		return atWords(p.HoldUntil, now)
	}
	return ""
}

func decisionFact(s *State, _ time.Time, _ string) string {
	return map[Decision]string{Go: "GO", NoGoDecision: "NO-GO"}[s.Gate.Decision]
}

func outcomeFact(s *State, _ time.Time, _ string) string {
	if s.Outcome == "" {
		return ""
	}
	return s.Outcome.Word()
}

func beforeFact(s *State, _ time.Time, table string) string {
	if s.Baseline == nil {
		return ""
	}
	for _, c := range s.Baseline.Counts {
		if c.Where == "" && s.Runbook.FullName(c.Table) == s.Runbook.FullName(table) {
			return Digits(c.Rows)
		}
	}
	return ""
}

func undoFact(s *State, _ time.Time, _ string) string {
	if sum := s.Undo(); sum.Phases != nil {
		return sum.Words()
	}
	return "nothing"
}

// atWords is a moment in now's zone, with its date on another day.
func atWords(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(now.Location())
	if t.Format(time.DateOnly) != now.Format(time.DateOnly) {
		return t.Format("2006-01-02 15:04 MST")
	}
	return t.Format("15:04 MST")
}

// Fact is what a name stands for in a message, without control characters: a
// fact of the run, or a recorded field, in one line but for a restore command that
// has several. What is not known is NotKnown.
func (s *State) Fact(name string, now time.Time) string {
	text := ""
	k, table, ok := fact.Find(name)
	switch {
	case ok && k.Name == "restore": // which is clean
		text = s.RestoreCommand()
	case ok:
		text = Clean(facts[k.Name](s, now, table))
	default:
		text = Clean(s.fieldFact(name, now))
	}
	if strings.TrimSpace(text) == "" {
		return NotKnown
	}
	return text
}

// fieldFact is a recorded field: a moment as the others of a message.
func (s *State) fieldFact(id string, now time.Time) string {
	v := s.Fields[id].Value
	if f, ok := s.Runbook.Field(id); ok && f.Type == runbook.FieldTime {
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return atWords(at, now)
		}
	}
	return v
}

// MessageFacts are the facts of a message at now, by name: those that it says, and
// all that it could say, but for those of other tables. A command on this machine
// gets all of them; what goes out gets no more than people read.
func (s *State) MessageFacts(m runbook.Message, now time.Time) (says, all map[string]string) {
	says, all = map[string]string{}, map[string]string{}
	for _, k := range fact.Kinds() {
		if !k.Table {
			all[k.Name] = s.Fact(k.Name, now)
		}
	}
	for _, found := range said.FindAllStringSubmatch(m.Title+"\n"+m.Text, -1) {
		says[found[1]] = s.Fact(found[1], now)
		all[found[1]] = says[found[1]]
	}
	return says, all
}

// Rendered is a message as people read it at now.
func (s *State) Rendered(m runbook.Message, now time.Time) (title, text string) {
	of := func(name string) string { return s.Fact(name, now) }
	return Filled(m, of)
}

// Filled is a message with each fact put in its place.
func Filled(m runbook.Message, of func(name string) string) (title, text string) {
	fill := func(text string) string {
		return said.ReplaceAllStringFunc(text, func(found string) string { return of(said.FindStringSubmatch(found)[1]) })
	}
	lines := strings.Split(fill(m.Text), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(Clean(lines[i]), " ")
	}
	return Clean(fill(m.Title)), strings.TrimSpace(strings.Join(lines, "\n"))
}

// Compose makes what is recorded when a message goes out as it reads at now.
func (s *State) Compose(m runbook.Message, on, phase, by string, now time.Time) MessageComposed {
	e := MessageComposed{Number: len(s.Tellings) + 1, Message: m.ID, On: on, Phase: phase, By: by}
	e.Title, e.Text = s.Rendered(m, now)
	for _, id := range m.To {
		if s.withholds(id) {
			e.Withheld = append(e.Withheld, id)
		} else {
			e.To = append(e.To, id)
		}
	}
	return e
}

// Foreseen is a message as it would read if the run ended now as outcome, for
// that reason; to is where it would go. It is how a question shows what its
// answer tells people.
func (s *State) Foreseen(m runbook.Message, outcome Outcome, reason string, now time.Time) MessageComposed {
	then := *s
	then.Outcome, then.Reason = outcome, reason
	if outcome == NoGo {
		then.Gate.Decision = NoGoDecision
	}
	return then.Compose(m, m.On, "", "", now)
}
