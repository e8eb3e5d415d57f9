package pane

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// Timeline is the pane's name.
const Timeline ID = "timeline"

func timelinePane() Kind {
	return Kind{ID: Timeline, Title: "Timeline", content: Pane.timelineContent, Beside: true}
}

// stop is one stage on the timeline.
type stop struct {
	mark    string
	style   *lipgloss.Style
	name    string
	plan    time.Duration // planned start, on the T-clock
	planned bool          // whether plan says anything
	status  string        // a word
	risk    string        // mark and word; empty for what is no phase
	riskSt  *lipgloss.Style
	actual  string // elapsed against planned
	before  string // how long it took in the rehearsal
	eta     string // of a phase that runs
	late    string // against the plan, in words
	lateSt  *lipgloss.Style
	current bool
	rule    string // not empty: a rule across the pane, and nothing else
	part    bool   // one of several groups of a stage
}

// Timeline draws all stages from the checklist to the last one, with what was
// planned and what came of it. In one or two lines it draws the progress only.
func (p Pane) timelineContent() content {
	if !p.Ready() {
		return p.empty("The timeline appears with the run.")
	}
	if p.Height <= 2 {
		return content{body: []look.Line{p.progressLine()}, windowed: true}
	}
	stops := p.stops()
	// Groups are open side by side; one of them is where the run stands.
	first := true
	for i := range stops {
		stops[i].current, first = stops[i].current && first, first && !stops[i].current
	}
	stops, drawn := p.stopsAndPlan(stops)
	room := p
	if drawn {
		room.Height -= p.ganttHeight()
	}
	lines, keep := room.stopLines(stops)
	if drawn {
		lines = append(append(lines, look.Line{}), p.newGantt().lines()...)
	}
	return content{body: lines, keep: keep}
}

// stopsAndPlan are the stages that there is room for, and whether the phases' bars
// have room beneath them. Stages are folded for the bars only once the checklist is
// over: until then its groups say more.
func (p Pane) stopsAndPlan(stops []stop) (shown []stop, drawn bool) {
	over := p.stopHeight(stops) - p.Height
	if p.drawsPlan() {
		switch more := over + p.ganttHeight(); {
		case more <= 0:
			return stops, true
		case p.State.Stage() != phases.StageChecklist:
			if short := p.folded(stops, more); p.stopHeight(short)+p.ganttHeight() <= p.Height {
				return short, true
			}
		}
	}
	if over > 0 {
		return p.folded(stops, over), false
	}
	return stops, false
}

// stops are all stages in order.
func (p Pane) stops() []stop {
	var out []stop
	for _, g := range p.State.Runbook.Checklist {
		out = append(out, p.groupStop(g, p.checklistOver(), p.State.Stage() == phases.StageChecklist))
	}
	out = append(out, p.gateStop())
	at := time.Duration(0)
	current := p.State.Current()
	for i := range p.State.Phases {
		ph := &p.State.Phases[i]
		out = append(out, p.phaseStop(ph, i, at, i == current && p.State.Stage() == phases.StagePhases))
		at += ph.Plan.Planned
		if ph.Plan.PointOfNoReturn {
			rule := stop{rule: "point of no return", style: &p.Styles.Warn}
			switch {
			case ph.Status == phases.PhaseIsCommitted:
				rule.rule, rule.style = "past the point of no return", &p.Styles.Bad
			case p.State.PastPointOfNoReturn() || ph.Status == phases.PhaseIsUndone:
				rule.rule, rule.style = "perhaps past the point of no return", &p.Styles.Bad
			}
			out = append(out, rule)
		}
	}
	after := p.State.CurrentAfter()
	for i, g := range p.State.Runbook.After {
		s := p.groupStop(g, false, i == after && p.State.Stage() == phases.StageAfter)
		if g.Due == 0 && i == 0 {
			s.plan, s.planned = at, true
		}
		out = append(out, s)
	}
	return out
}

// checklistOver reports whether the checklist can no longer change.
func (p Pane) checklistOver() bool { return !p.State.T0.IsZero() || p.State.Outcome != "" }

func (p Pane) groupStop(g runbook.Group, over, now bool) stop {
	st := p.Styles
	done, total := p.State.GroupDone(g)
	s := stop{
		name: g.Title, mark: st.Mark.Todo, style: &st.Dim, part: true,
		plan: g.Due, planned: g.Due != 0, status: fmt.Sprintf("%d/%d", done, total),
	}
	switch {
	case p.groupFails(g) && !over:
		s.mark, s.style, s.status = st.Mark.Failed, &st.Bad, s.status+" failing"
		s.current = now
	case done == total:
		s.mark, s.style, s.status = st.Mark.Done, &st.Good, s.status+" done"
	case now:
		s.mark, s.style, s.current = st.Mark.Running, &st.Accent, true
		s.status += " open"
	}
	return s
}

// groupFails reports whether a check of a group fails, as against not answered yet.
func (p Pane) groupFails(g runbook.Group) bool {
	for i := range g.Items {
		if it := &g.Items[i]; it.Check != nil {
			if c := p.State.Item(it.ID).Check; c != nil && !c.Pass {
				return true
			}
		}
	}
	return false
}

func (p Pane) gateStop() stop {
	st := p.Styles
	s := stop{
		name: "Go / no-go", mark: st.Mark.Todo, style: &st.Dim,
		plan: -p.State.Runbook.Window.Gate, planned: true, status: "none yet",
	}
	g := p.State.Gate
	switch {
	case g.Decision == phases.NoGoDecision:
		s.mark, s.style, s.status, s.actual = st.Mark.Failed, &st.Bad, "NO-GO", p.at(g.At)
	case g.Decision == phases.Go && g.Assumed:
		s.mark, s.style, s.status, s.actual = st.Mark.Assumed, &st.Warn, "GO assumed", p.at(g.At)
	case g.Decision == phases.Go:
		s.mark, s.style, s.status, s.actual = st.Mark.Done, &st.Good, "GO", p.at(g.At)
	case g.Closed != nil:
		s.mark, s.style, s.status, s.current = st.Mark.Failed, &st.Bad, "closed again", true
	default:
		p.gateNext(&s)
	}
	return s
}

// gateNext is the gate before its decision.
func (p Pane) gateNext(s *stop) {
	st, run := p.Styles, p.State
	if run.Outcome != "" {
		return
	}
	s.actual = p.plannedAt(run.Schedule().Gate)
	switch holds := run.GateHolds(p.Now); {
	case len(holds) == 0:
		s.mark, s.style, s.status, s.current = st.Mark.Running, &st.Accent, "may be passed", true
	case len(phases.Untimed(holds)) == 0:
		s.mark, s.style, s.status, s.current = st.Mark.Waiting, &st.Accent, "waits", true
	}
}

// plannedAt is a planned time of day: one from which it goes where it is kept.
func (p Pane) plannedAt(at time.Time) string {
	switch sched := p.State.Schedule(); {
	case sched.T0.IsZero():
		return ""
	case sched.Kept:
		return "from " + p.at(at)
	}
	return "due " + p.at(at)
}

func (p Pane) phaseStop(ph *phases.PhaseState, i int, at time.Duration, current bool) stop {
	st := p.Styles
	mark, word, style := p.statusWord(ph.Status)
	s := stop{
		mark: mark, style: style, status: word, name: fmt.Sprintf("%d %s", i+1, ph.Plan.Title),
		plan: at, planned: true, current: current, before: p.rehearsed(ph),
	}
	s.risk, s.riskSt = p.riskWord(ph.Plan.Risk)
	if ph.Attempt > 1 {
		s.status += fmt.Sprintf(", attempt %d", ph.Attempt)
	}
	s.actual = "planned " + phases.Span(ph.Plan.Planned)
	if took, ok := p.phaseTime(ph); ok {
		s.actual = look.Seconds(took) + " of " + phases.Span(ph.Plan.Planned)
		s.late, s.lateSt = p.lateness(ph.StartedAt.Add(took).Sub(p.State.T0) - at - ph.Plan.Planned)
		if ph.Status.Open() && s.late != "" && ph.StartedAt.Add(took).Sub(p.State.T0) < at+ph.Plan.Planned {
			// A phase that runs is not early before it has ended.
			s.late = ""
		}
		if left, ok := p.phaseLeft(ph); ok {
			s.eta = "ETA " + look.Minutes(left)
		}
	}
	switch {
	case ph.Status == phases.PhasePending && p.State.Outcome != "":
		s.status = "not run"
	case i == 0 && p.State.T0.IsZero():
		s.late, s.lateSt = p.plannedAt(p.State.Schedule().T0), &st.Dim
	}
	if current && ph.Status == phases.PhasePending {
		s.mark, s.style, s.status = st.Mark.Running, &st.Accent, "next"
	}
	return s
}

// phaseTime is how long a phase took, or has been running; ok is false before it began.
func (p Pane) phaseTime(ph *phases.PhaseState) (took time.Duration, ok bool) {
	switch {
	case ph.StartedAt.IsZero():
		return 0, false
	case !ph.EndedAt.IsZero():
		return max(0, ph.EndedAt.Sub(ph.StartedAt)), true
	}
	return max(0, p.Now.Sub(ph.StartedAt)), true
}

// lateness is a distance from the plan, in words; nothing within five seconds.
func (p Pane) lateness(d time.Duration) (string, *lipgloss.Style) {
	switch {
	case d >= 5*time.Second:
		return look.Seconds(d) + " late", &p.Styles.Warn
	case d <= -5*time.Second:
		return look.Seconds(-d) + " early", &p.Styles.Good
	}
	return "on time", &p.Styles.Dim
}

// statusWord is a phase's status as mark, word and style.
func (p Pane) statusWord(s phases.PhaseStatus) (mark, word string, style *lipgloss.Style) {
	st := p.Styles
	switch s {
	case phases.PhaseLocking:
		return st.Mark.Running, "locking", &st.Accent
	case phases.PhaseRunning:
		return st.Mark.Running, "running", &st.Accent
	case phases.PhaseVerifying:
		return st.Mark.Running, "verifying", &st.Accent
	case phases.PhaseHolding:
		return st.Mark.Waiting, "on hold", &st.Warn
	case phases.PhaseCommitting:
		return st.Mark.Running, "committing", &st.Accent
	case phases.PhaseInDoubt:
		return st.Mark.Unknown, "COMMIT in doubt", &st.Bad
	case phases.PhaseIsCommitted:
		return st.Mark.Done, "committed", &st.Good
	case phases.PhaseIsRolledBack:
		return st.Mark.Undone, "rolled back", &st.Bad
	case phases.PhaseIsPassed:
		return st.Mark.Done, "passed", &st.Good
	case phases.PhaseIsFailed:
		return st.Mark.Failed, "failed", &st.Bad
	case phases.PhaseUnknown:
		return st.Mark.Unknown, "OUTCOME UNKNOWN", &st.Bad
	case phases.PhaseIsUndone:
		return st.Mark.Failed, "NO LONGER HELD", &st.Bad
	default:
		return st.Mark.Todo, "pending", &st.Dim
	}
}

// riskWord is a risk as mark and word: more marks, more risk.
func (p Pane) riskWord(r runbook.Risk) (string, *lipgloss.Style) {
	st := p.Styles
	switch r {
	case runbook.RiskNone:
		return "- no risk", &st.Dim
	case runbook.RiskMedium:
		return "! medium", &st.Warn
	case runbook.RiskHigh:
		return "!! high", &st.Warn
	case runbook.RiskCritical:
		return "!!! critical", &st.Bad
	}
	return string(r), &st.Warn
}

// folded draws a checklist that is not under way as one stage, and the stages
// after the last phase as one, when there is no room for all.
func (p Pane) folded(stops []stop, over int) []stop {
	s := p.State
	head, tail := len(s.Runbook.Checklist), len(s.Runbook.After)
	foldTail := tail > 1 && s.Current() >= 0
	foldHead := head > 1 && (s.Stage() != phases.StageChecklist || !foldTail || over > tail-1)
	out := append([]stop(nil), stops...)
	if foldTail {
		at := len(out) - tail
		out = append(out[:at:at], p.foldedStop("After the last phase", s.Runbook.After, out[at]))
	}
	if foldHead {
		out = append([]stop{p.foldedStop("Checklist", s.Runbook.Checklist, out[0])}, out[head:]...)
	}
	return out
}

func (p Pane) foldedStop(name string, groups []runbook.Group, first stop) stop {
	all := runbook.Group{Title: name, Due: first.plan}
	for _, g := range groups {
		all.Items = append(all.Items, g.Items...)
	}
	s := p.groupStop(all, p.checklistOver(), p.State.Stage() == phases.StageChecklist && name == "Checklist")
	s.plan, s.planned = first.plan, first.planned
	return s
}

// stopLines lays the stages out as a grid. Where its columns don't fit, what
// they would say stands beneath the stages instead, as far as there is room.
func (p Pane) stopLines(stops []stop) (lines []look.Line, keep int) {
	cols := []look.Column{{Rank: 2}, {Flex: 20}, {}, {Rank: 3}, {Rank: 4, Right: true}, {Rank: 5}, {Rank: 6}}
	wide := p.wideTimeline()
	if !wide {
		cols = []look.Column{{Rank: 2}, {Flex: 12}, {}}
	}
	all := p.stopHeight(stops) <= p.Height
	rows := make([]look.GridRow, 0, 2*len(stops))
	for _, s := range stops {
		if s.current {
			keep = len(rows)
		}
		if !wide && all {
			// The status stands beneath, and leaves the line to the name.
			r := p.stopRow(s)
			if s.actual != "" {
				l := look.Line{Spans: append(append(append(look.Field{}, r.Fields[0]...), look.Span{Text: "  "}), r.Fields[1]...)}
				r = look.GridRow{Whole: &l}
			}
			rows = append(rows, r)
		} else {
			rows = append(rows, p.stopRow(s))
			s.status = ""
		}
		if !wide && s.rule == "" && s.actual != "" && (all || s.current) {
			l := p.stopDetail(s)
			rows = append(rows, look.GridRow{Whole: &l})
		}
	}
	return look.Grid(cols, rows, p.Width, nil), keep
}

// wideTimeline reports whether all of the timeline's columns have room.
func (p Pane) wideTimeline() bool { return p.Width >= 76 }

// stopHeight is the number of lines that show all there is to show.
func (p Pane) stopHeight(stops []stop) int {
	n := len(stops)
	if p.wideTimeline() {
		return n
	}
	for _, s := range stops {
		if s.actual != "" {
			n++
		}
	}
	return n
}

// stopDetail is what the narrow timeline has no columns for.
func (p Pane) stopDetail(s stop) look.Line {
	l := look.Row(nil, strings.Repeat(" ", 10))
	sep := ""
	if strings.HasPrefix(s.actual, "planned") && s.status == "pending" {
		s.status = "" // said once
	}
	for _, f := range []look.Span{{Text: s.status, Style: s.style}, {Text: s.actual, Style: &p.Styles.Dim}, {Text: s.before, Style: &p.Styles.Dim}, {Text: s.eta, Style: &p.Styles.Accent}, {Text: s.late, Style: s.lateSt}} {
		if f.Text == "" || look.SpansWidth(l.Spans)+look.Width(sep)+look.Width(f.Text) > p.Width {
			continue
		}
		l = l.Add(&p.Styles.Dim, sep).Add(f.Style, f.Text)
		sep = ", "
	}
	if s.risk != "" && look.SpansWidth(l.Spans)+1+look.Width(s.risk) <= p.Width {
		l = l.End(s.riskSt, s.risk)
	}
	return l
}

func (p Pane) stopRow(s stop) look.GridRow {
	st := p.Styles
	if s.rule != "" {
		l := p.rule(s.style, s.rule)
		return look.GridRow{Whole: &l}
	}
	plan := ""
	if s.planned {
		plan = planClock(s.plan)
	}
	name := &st.Text
	switch {
	case s.current:
		name = &st.Title
	case s.style == &st.Dim:
		name = &st.Dim
	}
	lead := "  "
	if s.current {
		lead = st.Mark.Cursor + " "
	}
	late, lateSt := s.late, s.lateSt
	if s.eta != "" {
		late, lateSt = s.eta, &st.Accent
	}
	title := look.Field{{Text: lead, Style: &st.Accent}, {Text: s.mark + " ", Style: s.style}, {Text: look.Sanitize(s.name), Style: name}}
	return look.GridRow{Fields: []look.Field{
		look.One(&st.Dim, plan), title, look.One(s.style, s.status), look.One(s.riskSt, s.risk), look.One(&st.Dim, s.actual), look.One(lateSt, late), look.One(&st.Dim, s.before),
	}}
}

// planClock is a planned moment on the T-clock: in minutes, as plans are made.
func planClock(d time.Duration) string {
	if d%time.Minute != 0 || d >= 100*time.Minute || d <= -100*time.Minute {
		return look.Clock(d)
	}
	return fmt.Sprintf("T%+03d", d/time.Minute)
}

// progressLine is the timeline in one line.
func (p Pane) progressLine() look.Line {
	st, s := p.Styles, p.State
	all := runbook.Group{}
	for _, g := range s.Runbook.Checklist {
		all.Items = append(all.Items, g.Items...)
	}
	list := p.groupStop(all, p.checklistOver(), s.Stage() == phases.StageChecklist)
	gate := p.gateStop()
	l := look.Row(list.style, list.mark+" checklist "+list.status).Add(nil, "  ")
	l = l.Add(gate.style, gate.mark+" gate "+gate.status).Add(nil, "  ")
	if i := s.Current(); i >= 0 {
		mark, word, style := p.statusWord(s.Phases[i].Status)
		l = l.Add(style, fmt.Sprintf("%s phase %d/%d %s", mark, i+1, len(s.Phases), word))
		if took, ok := p.phaseTime(&s.Phases[i]); ok {
			l = l.Add(&st.Dim, " "+look.Minutes(took))
		}
	} else {
		l = l.Add(&st.Good, fmt.Sprintf("%s phases %d/%d", st.Mark.Done, len(s.Phases), len(s.Phases)))
		done := s.CurrentAfter()
		mark, style := st.Mark.Running, &st.Accent
		if done == len(s.Runbook.After) {
			mark, style = st.Mark.Done, &st.Good
		}
		l = l.Add(nil, "  ").Add(style, fmt.Sprintf("%s after %d/%d", mark, done, len(s.Runbook.After)))
	}
	if s.PastPointOfNoReturn() {
		l = l.Add(&st.Bad, "  "+st.Mark.NoReturn+" past no return")
	}
	if s.Outcome != "" {
		l = l.Add(&st.Title, "  "+strings.ToUpper(strings.ReplaceAll(string(s.Outcome), "_", "-")))
	}
	return l
}
