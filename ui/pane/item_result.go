package pane

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// takenOn is what stands at the end of an item that somebody took on as it is;
// empty for another.
func (p Pane) takenOn(it *runbook.Item, s *phases.ItemState) (*lipgloss.Style, string) {
	st := p.Styles
	switch {
	case s.Waived != nil:
		return &st.Warn, "WAIVED by " + s.Waived.Who + " " + p.at(s.Waived.At)
	case s.Decided != nil && s.Decided.Verdict == phases.GoOn && p.State.ItemDone(*it) && !p.answeredWell(it, s):
		return &st.Bad, "FAILED, went on: " + s.Decided.Who
	case s.Decided != nil && s.Decided.Verdict != phases.GoOn && !p.State.ItemDone(*it):
		return &st.Bad, "FAILED, to " + s.Decided.Verdict.Word() + ": " + s.Decided.Who
	}
	return nil, ""
}

// answeredWell reports whether what answers an item has answered well.
func (p Pane) answeredWell(it *runbook.Item, s *phases.ItemState) bool {
	switch {
	case it.Check != nil:
		return s.Check != nil && s.Check.Pass
	case p.State.ByAction(*it):
		return s.Action != nil && s.Action.Error == ""
	}
	return s.Ticked
}

func (p Pane) takenOnLines(indent string, s *phases.ItemState) []look.Line {
	var out []look.Line
	if w := s.Waived; w != nil {
		out = append(out, p.paragraph(indent, &p.Styles.Warn, "Waived by "+w.Who+": "+w.Reason)...)
	}
	if d := s.Decided; d != nil {
		out = append(out, p.paragraph(indent, &p.Styles.Warn, d.Who+" decided to "+d.Verdict.Word()+": "+d.Reason)...)
	}
	return out
}

// outputShown is how many lines of an action's output stand beneath its item:
// all that was kept is in the execution log.
const outputShown = 8

// resultLines are the last lines of what an action said.
func (p Pane) resultLines(indent string, a *phases.ActionState) []look.Line {
	if a == nil || a.Result.Output == "" {
		return nil
	}
	var out []look.Line
	for _, line := range strings.Split(a.Result.Output, "\n") {
		for _, part := range look.Wrap(look.Sanitize(line), max(8, p.Width-look.Width(indent)-2)) {
			out = append(out, look.Row(&p.Styles.Dim, indent+"| ").Add(&p.Styles.Text, part))
		}
	}
	if len(out) > outputShown {
		out = append([]look.Line{look.Row(&p.Styles.Dim, indent+"| … the execution log has more")}, out[len(out)-outputShown+1:]...)
	}
	return out
}

// smokeHints are the keys for an item that stands in the way of the end.
func (p Pane) smokeHints(indent string, it *runbook.Item) []look.Line {
	s := p.State
	switch {
	case s.Can(phases.TakeBackWaiver{Item: it.ID}, p.Now) == nil:
		return p.hint(indent, KeyWaive, "take the waiver back")
	case s.Stage() != phases.StageAfter:
		return nil // before the gate it is not what leads on
	}
	var out []look.Line
	if s.Can(phases.DecideSmoke{Item: it.ID, Verdict: phases.GoOn, Who: "-", Reason: "-"}, p.Now) == nil {
		out = append(out, p.hint(indent, KeyDecide, "it failed: go on, or restore or undo")...)
	}
	st := s.Item(it.ID)
	failed := st.Check != nil && !st.Check.Pass || st.Action != nil && st.Action.Error != ""
	if failed && s.Can(phases.Waive{Item: it.ID, Who: "-", Reason: "-"}, p.Now) == nil {
		out = append(out, p.hint(indent, KeyWaive, "waive it")...)
	}
	return out
}

// ActionHint says what an action does that answers its item.
func ActionHint(a *runbook.Action) string {
	switch {
	case a.Program != nil:
		// Its arguments may hold what no screen shows.
		return "Runs the command " + a.Program.Argv[0] + ", for at most " + look.Seconds(a.Timeout) + "."
	case a.Call != nil && a.Call.For > 0:
		text := fmt.Sprintf("Requests %s %s for %s", a.Call.Method, bareURL(a.Call.URL), look.Seconds(a.Call.For))
		if a.Call.P95 > 0 {
			text += ", of which 95 % have to be answered within " + phases.Millis(a.Call.P95)
		}
		return text + "."
	case a.Call != nil:
		return "Requests " + a.Call.Method + " " + bareURL(a.Call.URL) + ", and expects status " + a.Call.Status.String() + "."
	case a.RolledBack:
		return "Runs " + look.Plural(len(a.Probes), "statement", "statements") + " in a transaction that is rolled back."
	}
	return "Runs " + look.Plural(len(a.Probes), "statement", "statements") + " in a read-only transaction."
}

// inTheWay are the sessions for which a check does not pass, and of those that this
// role cannot end, who can.
func (p Pane) inTheWay(indent string, c *phases.CheckState) []look.Line {
	var out []look.Line
	for _, b := range c.InTheWay {
		text := "In the way: " + b.String()
		switch {
		case !b.Since.IsZero():
			text += ", its transaction begun " + p.age(b.Since)
		case !b.BackendStart.IsZero():
			text += ", connected " + p.age(b.BackendStart)
		}
		if b.Needs != "" {
			text += "; " + b.Needs + " can end it, this role cannot"
		}
		out = append(out, p.paragraph(indent, &p.Styles.Warn, text)...)
	}
	return out
}
