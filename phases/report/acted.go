package report

import (
	"math"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// acted fills in what an item's action found, and what somebody took on.
func (b *builder) acted(out *Item, it runbook.Item) {
	st := b.state.Item(it.ID)
	if a := st.Action; a != nil && b.state.ByAction(it) {
		switch {
		case a.Running:
		case a.Error != "":
			out.State, out.At, out.Found = ItemFailed, moment(a.At), phases.Clean(a.Error)
		default:
			out.State, out.At, out.Found = ItemPassed, moment(a.At), phases.Clean(a.Result.Value)
		}
	}
	if a := st.Action; a != nil {
		out.Output, out.Seconds = cleanLines(a.Result.Output), seconds(a.Result.Took)
		if m := a.Result.Measured; m != nil {
			out.Measured = &Measured{Requests: m.Requests, P50Seconds: finely(m.P50), P95Seconds: finely(m.P95), MaxSeconds: finely(m.Max)}
		}
	}
	if d := st.Decided; d != nil {
		out.Decided = &TakenOn{Verdict: string(d.Verdict), Who: phases.Clean(d.Who), Reason: phases.Clean(d.Reason), By: phases.Clean(d.By), At: moment(d.At)}
		if it.Check == nil && !b.state.ByAction(it) && !st.Ticked {
			out.State, out.At = ItemFailed, moment(d.At)
		}
	}
	if w := st.Waived; w != nil {
		out.State, out.At = ItemWaived, moment(w.At)
		out.Waived = &TakenOn{Who: phases.Clean(w.Who), Reason: phases.Clean(w.Reason), By: phases.Clean(w.By), At: moment(w.At)}
	}
}

// beside takes in what items' actions did beside the phases: a NO-GO, or an abort,
// is not nothing then. What a fence switches stands with the fences.
func (b *builder) beside() {
	s, r := b.state, b.report
	fenced := slices.ContainsFunc(s.Fences, func(f phases.FenceState) bool { return f.Plan.Kind == runbook.FenceTriggers })
	r.disabled, r.triggersOff = s.Triggers != nil && !fenced, s.TriggersOff && !fenced
	for _, g := range s.Runbook.Groups() {
		for _, it := range g.Items {
			a := it.Action
			if s.Item(it.ID).Action != nil && a.Answers() && !a.Harmless() {
				r.commanded = true
			}
		}
	}
}

// finely is a duration to the microsecond: an answer may take less than a
// millisecond.
func finely(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1e6 }

// cleanLines cleans each line of a text.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = phases.Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// acts are what an item's action said, and what somebody took on, a line each.
func acts(it Item) []string {
	var out []string
	if w := it.Waived; w != nil {
		out = append(out, "waived by "+w.Who+": "+w.Reason)
	}
	if d := it.Decided; d != nil {
		out = append(out, d.Who+" decided to "+phases.Verdict(d.Verdict).Word()+": "+d.Reason)
	}
	if it.Output == "" {
		return out
	}
	for line := range strings.SplitSeq(it.Output, "\n") {
		out = append(out, "| "+line)
	}
	return out
}
