package pane

import (
	"strings"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// telling is how an item's message went out last; nil for an item without one,
// before it, and where a human has answered for it.
func (p Pane) telling(it *runbook.Item) *phases.Telling {
	if it.Message == "" || it.Check != nil || p.State.Item(it.ID).Ticked {
		return nil
	}
	return p.State.LastTelling(it.Message)
}

// messageMark is the box of an item whose message went out.
func (p Pane) messageMark(it *runbook.Item) (string, *lipgloss.Style, bool) {
	st, t := p.Styles, p.telling(it)
	switch {
	case t == nil:
		return "", nil, false
	case len(t.In(phases.ToldSending)) > 0:
		return "[*]", &st.Accent, true
	case p.State.ItemDone(*it):
		return "[x]", &st.Good, true
	}
	return "[!]", &st.Bad, true
}

// messageEnd is what stands at the end of its line.
func (p Pane) messageEnd(it *runbook.Item) (*lipgloss.Style, string, bool) {
	st, t := p.Styles, p.telling(it)
	switch {
	case t == nil:
		return nil, "", false
	case len(t.In(phases.ToldSending)) > 0:
		return &st.Accent, "being sent, " + look.Duration(p.Now.Sub(t.At)), true
	case len(t.Open()) > 0 && !p.State.ItemDone(*it):
		return &st.Bad, "not told: " + strings.Join(t.Open(), ", "), true
	case len(t.In(phases.ToldSent)) == 0:
		return &st.Dim, phases.ToldWithheld.Word() + " " + p.at(t.At), true
	}
	return &st.Dim, "told " + strings.Join(t.In(phases.ToldSent), ", ") + " " + p.at(t.At), true
}

// messageDetail says what the item's message is, and how it stands on each channel.
func (p Pane) messageDetail(indent string, it *runbook.Item) []look.Line {
	st := p.Styles
	m, ok := p.State.Runbook.Message(it.Message)
	if !ok || it.Check != nil {
		return nil
	}
	t := p.State.LastTelling(it.Message)
	if t == nil {
		return p.paragraph(indent, &st.Dim, "Message "+m.ID+" to "+strings.Join(m.To, ", "))
	}
	var out []look.Line
	for _, c := range t.Channels {
		out = append(out, p.toldLines(indent, c)...)
	}
	return out
}
