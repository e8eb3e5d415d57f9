package pane

import (
	"fmt"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// Phase is the pane's name.
const Phase ID = "phase"

func phasePane() Kind {
	return Kind{ID: Phase, Title: "Phase", content: Pane.phaseContent}
}

// Phase draws the phase that is open, or else the last one that began: where
// it stands, what it waits for, a row a table, and what was verified.
func (p Pane) phaseContent() content {
	if !p.Ready() || len(p.State.Phases) == 0 {
		return p.empty("The phases appear with the run.")
	}
	i := shownPhase(p.State)
	ph := &p.State.Phases[i]
	urgent := p.urgent(ph)
	pinned := append(p.phaseHead(ph, i, len(urgent) == 0 || p.Height >= roomy), urgent...)
	c := p.phaseBody(ph)
	c.head = pinned
	return c
}

// shownPhase is the index of the phase that is open, or is undone, of the last
// that began, or of the first.
func shownPhase(s *phases.State) int {
	last := 0
	for i := range s.Phases {
		if st := s.Phases[i].Status; st.Open() || st == phases.PhaseIsUndone {
			return i
		}
		if s.Phases[i].Attempt > 0 {
			last = i
		}
	}
	return last
}

// phaseHead is title, status and times, these drawn too where there is room.
func (p Pane) phaseHead(ph *phases.PhaseState, i int, drawn bool) []look.Line {
	st := p.Styles
	risk, riskSt := p.riskWord(ph.Plan.Risk)
	if ph.Plan.PointOfNoReturn {
		risk += ", point of no return"
	}
	title := look.Row(&st.Title, fmt.Sprintf("Phase %d of %d: %s", i+1, len(p.State.Phases), ph.Plan.Title)).End(riskSt, risk)
	mark, word, style := p.statusWord(ph.Status)
	status := look.Row(style, mark+" "+word)
	if why := p.statusWhy(ph); why != "" {
		status = status.Add(&st.Text, ": "+why)
	}
	if ph.Keeping != nil {
		status = status.End(&st.Accent, KeepingShare(ph.Keeping))
	} else if ph.Attempt > 1 {
		status = status.End(&st.Warn, fmt.Sprintf("attempt %d", ph.Attempt))
	}
	head := []look.Line{title, status, p.phaseTimes(ph)}
	if drawn {
		head = append(head, p.timeBar(ph)...)
		if l, ok := p.paceLine(ph); ok {
			head = append(head, l)
		}
	}
	for i := range ph.Maintenance {
		head = append(head, p.maintenance(&ph.Maintenance[i]))
		if m := &ph.Maintenance[i]; m.Open() && !m.StartedAt.IsZero() {
			head = append(head, p.hint("", KeySkip, "skip it, and what follows")...)
		}
	}
	if before := p.before(ph, i); before != "" {
		head = append(head, look.Row(&st.Dim, before))
	}
	return head
}

// maintenance is one piece of what follows the phase's COMMIT.
func (p Pane) maintenance(m *phases.MaintenanceState) look.Line {
	st, text := p.Styles, "after COMMIT: "+m.Plan.Name()+": "
	switch {
	case m.Error != "":
		return look.Row(&st.Warn, text+"not done: "+m.Error)
	case !m.Open():
		return look.Row(&st.Dim, text+"done in "+look.Duration(m.Took))
	case m.StartedAt.IsZero():
		return look.Row(&st.Dim, text+"to be done")
	}
	return look.Row(&st.Dim, text+"runs since "+look.Duration(p.Now.Sub(m.StartedAt)))
}

// before is what the phase before has done, for a phase that has to be started
// again: whoever comes back to a run wants to know what is in the database.
func (p Pane) before(ph *phases.PhaseState, i int) string {
	if i == 0 || ph.Status.Open() || ph.Status.Done() || p.State.Phases[i-1].Status != phases.PhaseIsCommitted {
		return ""
	}
	last := &p.State.Phases[i-1]
	return fmt.Sprintf("Before it, %s was committed: %s", last.Plan.Title, last.DidWords())
}

// statusWhy is what a phase is doing, or why it stands where it stands.
func (p Pane) statusWhy(ph *phases.PhaseState) string {
	steps := ph.Plan.Steps
	switch ph.Status {
	case phases.PhasePending:
		return p.plannedWork(ph)
	case phases.PhaseLocking:
		if !WaitsForLocks(ph) {
			return "a statement of it waits for another session"
		}
		return "takes its locks against writers"
	case phases.PhaseRunning:
		return runningWhy(ph)
	case phases.PhaseVerifying:
		if ph.Keeping != nil {
			return keepingWords(ph.Keeping)
		}
		return SumVerified(ph).String()
	case phases.PhaseHolding:
		return "verified, waits for COMMIT or ROLLBACK"
	case phases.PhaseIsCommitted:
		text := ph.DidWords() + " in " + look.Plural(len(steps), "step", "steps")
		if ph.Settled {
			text += "; known from the ledger"
		}
		if len(ph.Warned) > 0 {
			text += "; " + phases.WarnedWords(ph.Warned)
		}
		return text
	case phases.PhaseIsPassed:
		return "everything it checks holds"
	default: // a box says it
		return ""
	}
}

func runningWhy(ph *phases.PhaseState) string {
	steps := ph.Plan.Steps
	if ph.Step >= 0 && ph.Step < len(steps) {
		verb := "deletes from "
		if steps[ph.Step].Delete == "" {
			verb = "runs "
		}
		return fmt.Sprintf("%s%s, step %d of %d", verb, steps[ph.Step].Name(), ph.Step+1, len(steps))
	}
	if !ph.Plan.Writes() {
		done := 0
		for i := range ph.Tables {
			if ph.Tables[i].Left >= 0 {
				done++
			}
		}
		return fmt.Sprintf("counts, %d of %s", done, look.Plural(len(ph.Tables), "table", "tables"))
	}
	for i := range ph.Tables {
		if t := &ph.Tables[i]; t.Step >= 0 && t.EndedAt.IsZero() {
			return "between two steps"
		}
	}
	return "all steps done, looks at what is left before COMMIT"
}

func (p Pane) plannedWork(ph *phases.PhaseState) string {
	if !ph.Plan.Writes() {
		return "reads only, changes nothing"
	}
	return look.Plural(len(ph.Plan.Steps), "step", "steps") + " in one transaction"
}

// phaseTimes is elapsed against planned, warning and limit.
func (p Pane) phaseTimes(ph *phases.PhaseState) look.Line {
	st := p.Styles
	plan := ph.Plan
	took, begun := p.phaseTime(ph)
	var l look.Line
	planned := ", planned " + phases.Span(plan.Planned)
	switch {
	case !begun:
		l = look.Row(&st.Dim, "not begun")
	case plan.Limit > 0 && took > plan.Limit:
		text := ", over its limit"
		if s := ph.Status; s.Open() && s != phases.PhaseCommitting && s != phases.PhaseInDoubt { // what was sent is not taken back
			text += ": rolls back"
		}
		l = look.Row(&st.Bad, look.Seconds(took)+text)
	case plan.WarnAfter > 0 && took > plan.WarnAfter:
		l = look.Row(&st.Warn, look.Seconds(took)+", slow: past its warning")
	case took > plan.Planned:
		l = look.Row(&st.Warn, look.Seconds(took)+", over plan")
	default:
		l = look.Row(&st.Good, look.Seconds(took)+" of "+phases.Span(plan.Planned)+" planned")
		planned = ""
	}
	l = l.Add(&st.Dim, planned)
	if was := p.rehearsed(ph); was != "" {
		l = l.Add(&st.Dim, ", "+was)
	}
	if plan.WarnAfter > 0 {
		l = l.Add(&st.Dim, ", warns at "+phases.Span(plan.WarnAfter))
	}
	if plan.Limit > 0 {
		l = l.Add(&st.Dim, ", limit "+phases.Span(plan.Limit))
	}
	if left, ok := p.phaseLeft(ph); ok {
		l = l.End(&st.Accent, "about "+look.Minutes(left)+" left")
	}
	return l
}

// phaseBody is all that scrolls: what failed or is unknown, the tables, what
// was done beside rows, what was verified.
func (p Pane) phaseBody(ph *phases.PhaseState) content {
	st := p.Styles
	out := append([]look.Line{{}}, p.notHeldLines(ph)...)
	firm, keep := len(out), 0
	var running int
	var table []look.Line
	if ph.Plan.Writes() {
		table, running = p.tableLines(ph)
	} else {
		table, running = p.countLines(ph)
	}
	if running >= 0 {
		keep = len(out) + running
	}
	out = append(out, table...)
	out = append(out, p.changeLines(ph)...)
	if ph.Status == phases.PhaseIsCommitted && ph.Capsule != nil {
		out = append(append(out, look.Line{}), p.capsuleLine(ph)...)
	}
	if held := p.verifiedLines(ph, holds); len(held) > 0 {
		out = append(append(out, look.Line{}, p.heldHead(ph)), held...)
	}
	for i, n := range ph.Plan.Notes {
		if i == 0 {
			out = append(out, look.Line{}, look.Row(&st.Title, "Notes"))
		}
		out = append(out, p.paragraph("  - ", &st.Dim, n)...)
	}
	return content{body: out, firm: firm, keep: keep}
}

// notHeldLines are the verifications that do not hold, those that nobody knows
// under a heading of their own: neither is a pass, and they ask for other things.
func (p Pane) notHeldLines(ph *phases.PhaseState) []look.Line {
	st := p.Styles
	sum := SumVerified(ph)
	var out []look.Line
	if sum.failed > 0 {
		out = append(out, look.Row(&st.Bad, fmt.Sprintf("%s Verification: %d of %d FAIL", st.Mark.Failed, sum.failed, sum.Total)))
		out = append(append(out, p.verifiedLines(ph, fails)...), look.Line{})
	}
	if sum.unknown > 0 {
		out = append(out, look.Row(&st.Warn, fmt.Sprintf("%s Verification: %d of %d hold, %d unknown", st.Mark.Unknown, sum.Passed, sum.Total, sum.unknown)))
		out = append(append(out, p.verifiedLines(ph, isUnknown)...), look.Line{})
	}
	return out
}

// heldHead is the heading of the verifications that hold, or did when nobody
// knows what the database holds now, or in a transaction that is gone.
func (p Pane) heldHead(ph *phases.PhaseState) look.Line {
	st, sum := p.Styles, SumVerified(ph)
	switch {
	case doubtful(ph):
		return look.Row(&st.Dim, fmt.Sprintf("  Verification before COMMIT: %d of %d held", sum.Passed, sum.Total))
	case takenBack(ph):
		return look.Row(&st.Dim, fmt.Sprintf("  Verification in the transaction that is gone: %d of %d held", sum.Passed, sum.Total))
	case sum.Passed < sum.Total:
		return look.Row(&st.Text, fmt.Sprintf("  Verification: these %d of %d hold", sum.Passed, sum.Total))
	}
	return look.Row(&st.Good, fmt.Sprintf("%s Verification: %d of %d hold", st.Mark.Done, sum.Passed, sum.Total))
}

// changeLines are what a phase did beside inserting, updating and deleting rows.
func (p Pane) changeLines(ph *phases.PhaseState) []look.Line {
	if len(ph.Changes) == 0 {
		return nil
	}
	title := "Beside rows"
	switch {
	case doubtful(ph):
		title += ", in its transaction"
	case takenBack(ph):
		title += ", all of it taken back"
	}
	out := []look.Line{{}, look.Row(&p.Styles.Title, title)}
	for _, c := range ph.Changes {
		out = append(out, p.paragraph("  - ", &p.Styles.Warn, c.String())...)
	}
	return out
}

func holds(v *phases.Verification) bool     { return v.Pass && v.Unknown == "" }
func fails(v *phases.Verification) bool     { return !v.Pass && v.Unknown == "" }
func isUnknown(v *phases.Verification) bool { return v.Unknown != "" }

// verifiedLines are the verifications that came out in one way.
func (p Pane) verifiedLines(ph *phases.PhaseState, which func(*phases.Verification) bool) []look.Line {
	var rows []look.GridRow
	for i := range ph.Verified {
		if v := &ph.Verified[i]; which(v) {
			rows = append(rows, p.verifiedRows(ph, v)...)
		}
	}
	if rows == nil {
		return nil
	}
	return look.Grid([]look.Column{{}, {Rank: 2}, {Flex: 20}, {Flex: 9}, {Flex: 9, Rank: 1}}, rows, p.Width, nil)
}

// foundBeside is the most cells that what was found takes beside its
// verification's name.
const foundBeside = 28

// verifiedRows are a verification, and below it what there is to say of one
// that does not hold.
func (p Pane) verifiedRows(ph *phases.PhaseState, v *phases.Verification) []look.GridRow {
	st := p.Styles
	mark, style, got, detail := "  "+st.Mark.Failed+" FAILS", &st.Bad, "found "+v.Got, []string{v.Detail}
	wanted := look.One(&st.Dim, "wanted "+v.Want)
	switch {
	case v.Unknown != "":
		mark, style, got, detail = "  "+st.Mark.Unknown+" unknown", &st.Warn, "", []string{v.Unknown}
	case v.Pass && doubtful(ph): // nothing says that it still does
		mark, style, wanted, detail = "  "+st.Mark.Todo+" held", &st.Dim, nil, nil
	case v.Pass && takenBack(ph): // in a transaction that is gone
		mark, style, wanted, detail = "  "+st.Mark.Undone+" held", &st.Dim, nil, nil
	case v.Pass: // what was wanted is what was found
		mark, style, wanted, detail = "  "+st.Mark.Done+" holds", &st.Good, nil, nil
	case look.Width(v.Got) > foundBeside: // cut, it would say nothing
		got, wanted, detail = "", nil, []string{"found " + v.Got, v.Detail, "wanted " + v.Want}
	}
	out := []look.GridRow{{Fields: []look.Field{
		look.One(style, mark), look.One(&st.Dim, verifiedWord(v.Kind)), look.One(&st.Text, v.Name), look.One(style, got), wanted,
	}}}
	for _, d := range detail {
		if d == "" {
			continue
		}
		for _, l := range p.paragraph("    ", &st.Dim, d) {
			out = append(out, look.GridRow{Whole: &l})
		}
	}
	return out
}

func verifiedWord(k phases.VerificationKind) string {
	switch k {
	case phases.VerifyZero:
		return "empty"
	case phases.VerifyFilled:
		return "filled"
	case phases.VerifyRows:
		return "rows touched"
	case phases.VerifyProtected:
		return "protected"
	case phases.VerifyTouched:
		return "accounted for"
	case phases.VerifyConstraints:
		return "constraints"
	}
	return string(k)
}

// pace is how fast rows go, and how long the rest takes at that pace.
type pace struct {
	elapsed time.Duration
	rate    float64       // rows a second; 0 when unknown
	left    time.Duration // -1 when unknown
}

// tablePace derives a table's pace from what is known at the moment of drawing.
func (p Pane) tablePace(t *phases.TableState, over bool) pace {
	out := pace{left: -1}
	if t.StartedAt.IsZero() || t.Step < 0 {
		return out
	}
	end := p.Now
	if !t.EndedAt.IsZero() {
		end = t.EndedAt
	}
	out.elapsed = max(0, end.Sub(t.StartedAt))
	if s := out.elapsed.Seconds(); s >= 0.1 {
		out.rate = float64(t.Deleted) / s
	}
	// The first second says nothing about the rest.
	if share, ok := t.Share(); ok && !over && t.EndedAt.IsZero() && share > 0 && share < 0.99 && out.elapsed >= time.Second {
		out.left = time.Duration(float64(out.elapsed) * (1 - share) / share)
	}
	return out
}

func rateText(r float64) string {
	switch {
	case r <= 0:
		return ""
	case r < 10:
		return fmt.Sprintf("%.1f", r)
	}
	return look.Count(int64(r))
}

func (pc pace) elapsedText() string {
	if pc.elapsed <= 0 && pc.rate == 0 {
		return ""
	}
	if pc.elapsed < 100*time.Millisecond {
		return "<0.1 s"
	}
	return look.Took(pc.elapsed)
}

func (pc pace) leftText() string {
	if pc.left < 0 {
		return ""
	}
	return look.Minutes(pc.left)
}

// roleWord says why a table stands in a phase.
func roleWord(r phases.TableRole) string {
	switch r {
	case phases.RoleDelete:
		return "delete"
	case phases.RoleSQL:
		return "SQL"
	case phases.RoleTouch:
		return "changed"
	case phases.RoleCascade:
		return "cascade"
	case phases.RoleZero:
		return "must be empty"
	case phases.RoleFilled:
		return "must be filled"
	case phases.RoleCount:
		return "counted"
	case phases.RoleProtected:
		return "protected"
	}
	return string(r)
}

// faint is the style of what is not at work: dimmed as long as nothing happened.
func (p Pane) faint(quiet bool) *lipgloss.Style {
	if quiet {
		return &p.Styles.Dim
	}
	return &p.Styles.Text
}
