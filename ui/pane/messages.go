package pane

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// Messages is the pane's name.
const Messages ID = "messages"

func messagesPane() Kind {
	return Kind{
		ID: Messages, Title: "Messages", content: Pane.messagesContent, Edge: Pane.messagesEdge,
		there: func(s *phases.State) bool { return s.Runbook != nil && len(s.Runbook.Messages) > 0 },
	}
}

// messagesEdge is how many messages went out, and whether all arrived.
func (p Pane) messagesEdge() string {
	if open := len(p.State.Untold()); open > 0 {
		return plainCount(open) + " not everywhere"
	}
	return look.Plural(len(p.State.Tellings), "message", "messages")
}

// messagesContent is what people were told, the newest last, and what they are
// still to be told.
func (p Pane) messagesContent() content {
	s, st := p.State, p.Styles
	if !p.Ready() || len(s.Runbook.Messages) == 0 {
		return p.empty("The runbook tells nobody.")
	}
	var out []look.Line
	for _, l := range s.ChannelsLack {
		out = append(out, p.paragraph(st.Mark.NoReturn+" ", &st.Warn, "Channel "+l.Channel+": "+l.Lacks)...)
	}
	keep := 0
	for i := range s.Tellings {
		keep = len(out)
		out = append(out, joined(p.tellingLines(&s.Tellings[i]))...)
	}
	if len(s.Tellings) == 0 {
		out = append(out, look.Row(&st.Text, "Nobody was told anything yet."))
	}
	if to := s.ToTell(p.Now); len(to) > 0 && s.Can(to[0], p.Now) == nil {
		out = append(out, p.hint("", KeyTell, "send again what did not arrive")...)
	}
	out = append(out, look.Line{}, look.Row(&st.Title, "To come"))
	for _, m := range s.Runbook.Messages {
		if s.LastTelling(m.ID) == nil || m.On == runbook.OnHold {
			out = append(out, p.paragraph("  "+st.Mark.Todo+" ", &st.Dim, m.ID+" to "+strings.Join(m.To, ", ")+", "+s.WhenSent(m))...)
		}
	}
	return content{body: out, keep: keep}
}

// tellingLines are one message that went out: when, its title, how it stands on
// each channel, and what it says.
func (p Pane) tellingLines(t *phases.Telling) []look.Line {
	st := p.Styles
	mark, style := p.tellingMark(t)
	const indent = "    "
	first := look.Row(style, mark+" ").Add(&st.Dim, p.at(t.At)+" ").Add(&st.Title, t.Message)
	title := look.Sanitize(t.Title)
	out := []look.Line{first.Add(&st.Text, "  "+title)}
	if look.SpansWidth(first.Spans)+2+look.Width(title) > p.Width { // people read all of it
		out = append([]look.Line{first}, p.paragraph(indent+"│ ", &st.Text, title)...)
	}
	for _, c := range t.Channels {
		out = append(out, p.toldLines(indent, c)...)
	}
	for line := range strings.SplitSeq(t.Text, "\n") {
		out = append(out, p.paragraph(indent+"│ ", &st.Dim, line)...)
	}
	return out
}

func (p Pane) tellingMark(t *phases.Telling) (string, *lipgloss.Style) {
	st := p.Styles
	switch {
	case len(t.In(phases.ToldFailed)) > 0:
		return st.Mark.Failed, &st.Bad
	case len(t.In(phases.ToldUnknown)) > 0:
		return st.Mark.Unknown, &st.Warn
	case len(t.In(phases.ToldSending)) > 0:
		return st.Mark.Running, &st.Accent
	}
	return st.Mark.Done, &st.Good
}

// toldLines are one channel's: its name and way, and how far the message is.
func (p Pane) toldLines(indent string, c phases.Told) []look.Line {
	st := p.Styles
	way := ""
	if ch, ok := p.State.Runbook.Channel(c.Channel); ok {
		way = " (" + ch.Way() + ")"
	}
	text, style := c.Status.Word(), &st.Dim
	switch c.Status {
	case phases.ToldFailed:
		text, style = text+": "+c.Error, &st.Bad
	case phases.ToldUnknown:
		style = &st.Warn
	case phases.ToldSending:
		text, style = text+", "+look.Duration(p.Now.Sub(c.At)), &st.Accent
	case phases.ToldSent:
		text += " " + p.at(c.At)
	}
	if c.Attempts > 1 {
		text += fmt.Sprintf(", %d attempts", c.Attempts)
	}
	if c.By != "" {
		text += ", sent again by " + c.By
	}
	return p.paragraph(indent+c.Channel+way+": ", style, text)
}
