package pane

import (
	"time"

	"tminus/phases"
	"tminus/ui/look"
)

// scheduleLines are the planned times, whether they are kept, and who decided to
// leave them; nothing once the first phase has begun.
func (p Pane) scheduleLines() []look.Line {
	st, s := p.Styles, p.State
	sched := s.Schedule()
	if !s.T0.IsZero() || s.Outcome != "" || sched.T0.IsZero() {
		return nil
	}
	text, style := "not waited for", &st.Dim
	if sched.Kept {
		text, style = "kept", &st.Text
	}
	gate, first := planClock(-s.Runbook.Window.Gate), "T-0"
	if sched.NoGo != nil { // the T-clock goes by the plan
		gate, first = "Gate", "first phase"
	}
	out := p.paragraph("  ", style, gate+" at "+p.at(sched.Gate)+p.away(sched.Gate.Sub(p.Now))+
		"; "+first+" at "+p.at(sched.T0)+p.away(sched.T0.Sub(p.Now))+": "+text)
	for _, d := range s.Departures {
		counts := ""
		if d.Over {
			counts = "; it counts no more"
		}
		out = append(out, p.paragraph("  "+st.Mark.NoReturn+" ", &st.Warn, "Off schedule at "+p.at(d.At)+", "+string(d.Way)+", on the decision of "+d.By+": "+d.Reason+counts)...)
	}
	if way := s.OffSchedule(p.Now); way != "" {
		out = append(out, p.hint("  ", KeySchedule, "go "+string(way)+": needs a name and a reason")...)
	}
	return out
}

// away is how far off a planned time is; nothing once it has come.
func (p Pane) away(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return ", in " + look.Left(d)
}

// heldBy says what a gate or a phase waits for: items, the time, or both.
func heldBy(holds []phases.Hold) string {
	n := len(phases.Untimed(holds))
	text := "held by " + look.Plural(n, "item", "items")
	if n < len(holds) {
		text += ", and by its time"
	}
	return text
}

// timeEdge is how long it is to the time that alone holds the gate.
func (p Pane) timeEdge(holds []phases.Hold) string {
	if until := holds[0].Until; !until.IsZero() {
		return "waits " + look.Countdown(until.Sub(p.Now))
	}
	return string(holds[0].Off)
}

// timeVerdict is the first line of what nothing but the schedule holds; ok is
// false where something else does, or nothing.
func (p Pane) timeVerdict(holds []phases.Hold) (l look.Line, ok bool) {
	st := p.Styles
	if len(holds) == 0 || len(phases.Untimed(holds)) > 0 {
		return look.Line{}, false
	}
	for _, h := range holds {
		if h.Off == phases.Late {
			return look.Row(&st.Bad, st.Mark.Failed+" LATE").Add(&st.Text, ": nothing else holds it, somebody has to decide"), true
		}
	}
	return look.Row(&st.Accent, st.Mark.Waiting+" WAITS").Add(&st.Text, ": nothing but the time holds it, "+look.Left(holds[0].Until.Sub(p.Now))+" to go"), true
}
