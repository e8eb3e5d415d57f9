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
		ID: Fences, Title: "Triggers and fences", content: Pane.fencesContent, Edge: Pane.fencesEdge,
		there: fencesThere,
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
		return look.Plural(len(p.State.Triggers), "trigger", "triggers") + " off"
	}
	return "none off"
}

// fencesContent is what is off for the run, in the order in which it is switched
// off, and the triggers on the tables that the run is about.
func (p Pane) fencesContent() content {
	s := p.State
	if s == nil || !fencesThere(s) {
		return p.empty("This runbook switches nothing off for a run, and no trigger is on its tables.")
	}
	var out []look.Line
	for i := range s.Fences {
		out = append(out, joined(p.fenceLines(&s.Fences[i]))...)
	}
	triggers := p.triggerLines()
	if len(out) > 0 && len(triggers) > 0 {
		out = append(out, look.Line{})
	}
	return content{body: append(out, triggers...)}
}

func fencesThere(s *phases.State) bool {
	return len(s.Fences) > 0 || len(s.Triggers) > 0 || s.Survey != nil && len(s.Survey.Triggers) > 0
}

// triggerLines are the triggers that were recorded before the run switched them off,
// and the others that the survey found on its tables: those fire.
func (p Pane) triggerLines() []look.Line {
	s, st := p.State, p.Styles
	var out []look.Line
	if n := len(s.Triggers); n > 0 {
		word, mark, style := "back as they were", st.Mark.Done, &st.Good
		if s.TriggersOff {
			word, mark, style = "off for the run", st.Mark.Waiting, &st.Warn
		}
		out = append(out, look.Row(style, mark+" "+look.Plural(n, "recorded trigger", "recorded triggers")).End(style, word))
		for _, t := range s.Triggers {
			entry := p.paragraph("    ", &st.Text, t.Name+" on "+t.Table+", was "+triggerWord(t.Enabled))
			if t.Definition != "" {
				entry = append(entry, p.paragraph("      ", &st.Dim, t.Definition)...)
			}
			out = append(out, joined(entry)...)
		}
	}
	if s.Survey == nil {
		return out
	}
	var others []look.Line
	for _, t := range s.Survey.Triggers {
		same := func(r phases.Trigger) bool { return r.Schema == t.Schema && r.Table == t.Table && r.Name == t.Name }
		if slices.ContainsFunc(s.Triggers, same) {
			continue
		}
		style := &st.Text
		if t.Enabled == "D" {
			style = &st.Dim
		}
		others = append(others, p.paragraph("    ", style, t.Name+" on "+t.Table+", "+triggerWord(t.Enabled))...)
	}
	if others == nil {
		return out
	}
	if len(out) > 0 {
		out = append(out, look.Line{})
	}
	return append(append(out, look.Row(&st.Title, "Triggers on the run's tables, as the survey found them")), others...)
}

// triggerWord is a trigger's tgenabled in words.
func triggerWord(enabled string) string {
	words := map[string]string{"O": "enabled", "D": "disabled", "R": "enabled on a replica only", "A": "always enabled"}
	if word := words[enabled]; word != "" {
		return word + " (" + enabled + ")"
	}
	return enabled
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
