package pane

import (
	"slices"

	"tminus/phases"
	"tminus/ui/look"
)

// Fences is the pane's name.
const Fences ID = "fences"

func fencesPane() Kind {
	return Kind{
		ID: Fences, Title: "Fences", content: Pane.fencesContent, Edge: Pane.fencesEdge,
		there: func(s *phases.State) bool { return len(s.Fences) > 0 || s.Triggers != nil },
	}
}

func (p Pane) fencesEdge() string {
	off := p.State.FencesOff()
	made := len(off)
	off = slices.DeleteFunc(off, func(f *phases.FenceState) bool { return f.Plan.Made() })
	made -= len(off)
	switch {
	case len(off) > 0 && made > 0:
		return look.Plural(len(off), "off", "off") + ", indexes made"
	case made > 0:
		return "indexes made"
	case len(off) > 0:
		return look.Plural(len(off), "off", "off")
	}
	if p.State.TriggersOff {
		return "triggers off"
	}
	return "none off"
}

// fencesContent is what is off for the run, in the order in which it is switched
// off.
func (p Pane) fencesContent() content {
	s, st := p.State, p.Styles
	if s == nil || len(s.Fences) == 0 && s.Triggers == nil {
		return p.empty("This runbook switches nothing off for a run.")
	}
	var out []look.Line
	for i := range s.Fences {
		out = append(out, p.fenceLines(&s.Fences[i])...)
	}
	if len(s.Fences) == 0 {
		word, style := "back", &st.Good
		if s.TriggersOff {
			word, style = "off", &st.Warn
		}
		out = append(out, look.Row(style, st.Mark.Waiting+" Triggers: "+word))
		for _, t := range s.Triggers {
			out = append(out, p.paragraph("    ", &st.Dim, t.Name+" on "+t.Table+", was "+t.Enabled)...)
		}
	}
	return content{body: out}
}

func (p Pane) fenceLines(f *phases.FenceState) []look.Line {
	st := p.Styles
	mark, style := st.Mark.Todo, &st.Dim
	since := f.OffAt
	switch {
	case f.Seen == phases.SeenUnknown, f.Step == phases.FenceIsLeft, f.Seen == phases.SeenChanged:
		mark, style = st.Mark.Failed, &st.Bad
	case f.Holding():
		mark, style = st.Mark.Waiting, &st.Warn
	case f.MayBeOff(), f.Recorded != nil && f.Step != phases.FenceIsBack:
		mark, style = st.Mark.Failed, &st.Bad
	case f.Step == phases.FenceIsBack:
		mark, style, since = st.Mark.Done, &st.Good, f.BackAt
	}
	end := f.Word()
	if !since.IsZero() {
		end += " since " + p.at(since)
	}
	out := []look.Line{look.Row(style, mark+" ").Add(&st.Text, f.Plan.Title).End(style, end)}
	if f.Recorded != nil {
		out = append(out, p.paragraph("    was ", &st.Dim, f.Recorded.Text)...)
	}
	if f.Found != "" && (f.Recorded == nil || f.Found != f.Recorded.Text) {
		out = append(out, p.paragraph("    is  ", &st.Dim, f.Found)...)
	}
	for _, why := range []string{f.Error, f.Failed} {
		if why != "" {
			out = append(out, p.paragraph("    ", &st.Warn, why)...)
		}
	}
	if f.Note != "" && f.Note != f.Found {
		out = append(out, p.paragraph("    ", &st.Dim, f.Note)...)
	}
	if f.Step == phases.FenceIsLeft {
		out = append(out, p.paragraph("    ", &st.Bad, "left by "+f.By+": "+f.Reason)...)
	}
	return out
}
