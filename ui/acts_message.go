package ui

import (
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
)

// itemTells are the commands of an item's key: its message as a whole, or to
// those that did not take it.
func itemTells(s *phases.State, it runbook.Item) []phases.Tell {
	t := s.LastTelling(it.Message)
	if t == nil || len(t.Open()) == 0 {
		return []phases.Tell{{Message: it.Message}}
	}
	var out []phases.Tell
	for _, id := range t.Open() {
		out = append(out, phases.Tell{Message: it.Message, Channel: id})
	}
	return out
}

// canTellAgain is for the key that makes up for what did not arrive.
func canTellAgain(v *Viewer, now time.Time) error {
	s, err := v.run()
	if err != nil {
		return err
	}
	if len(s.Runbook.Messages) == 0 {
		return errors.New("the runbook has no messages")
	}
	tells := s.ToTell(now)
	if len(tells) == 0 {
		return errors.New("nothing is to be sent again: every channel took what it got")
	}
	return s.Can(tells[0], now)
}

// tellAgain asks before what did not arrive is sent again.
func (o *Operator) tellAgain(now time.Time) tea.Cmd {
	return o.askTell(o.state.ToTell(now), now)
}

// askTell shows what people will read, and to whom it goes, before it does.
func (o *Operator) askTell(tells []phases.Tell, now time.Time) tea.Cmd {
	if len(tells) == 0 {
		return nil
	}
	first, title, label := tells[0], "Send this?", "Send"
	if first.Channel != "" {
		title, label = "Send it again?", "Send again"
	}
	var commands []phases.Command
	for _, t := range tells {
		commands = append(commands, t)
	}
	text := func(s *phases.State, now time.Time) []dialog.Text { return tellText(s, tells, now) }
	return o.ask(dialog.Dialog{
		Title: title, Level: phases.LevelWarn, Careful: true, Text: text, Ground: dialog.LeadsTo(first),
		Buttons: []dialog.Button{no("No"), dialog.Do(label, func(_ []string, now time.Time) (tea.Cmd, error) {
			if err := o.possible(first, now); err != nil {
				return nil, err
			}
			return o.send(false, "", commands...), nil
		})},
	}, now)
}

// tellText is a message as it will go out: anew as it reads now, again as people
// were told before.
func tellText(s *phases.State, tells []phases.Tell, now time.Time) []dialog.Text {
	m, ok := s.Runbook.Message(tells[0].Message)
	if !ok {
		return nil
	}
	e := s.Compose(m, "", "", "", now)
	if t := s.LastTelling(m.ID); t != nil && tells[0].Channel != "" {
		e.Title, e.Text, e.To, e.Withheld = t.Title, t.Text, nil, nil
		for _, c := range tells {
			e.To = append(e.To, c.Channel)
		}
	}
	return composedText(s, e, "To ")
}

// composedText is what a message says, and where it goes, which tells begins.
func composedText(s *phases.State, e phases.MessageComposed, tells string) []dialog.Text {
	var to []string
	for _, id := range e.To {
		c, _ := s.Runbook.Channel(id)
		to = append(to, id+" ("+c.Way()+")")
	}
	var out []dialog.Text
	if len(to) > 0 {
		out = append(out, dialog.Say(phases.LevelInfo, tells+strings.Join(to, ", ")+":"))
	}
	if len(e.Withheld) > 0 {
		out = append(out, dialog.Say(phases.LevelInfo, "Not sent in a rehearsal, to "+strings.Join(e.Withheld, ", ")+":"))
	}
	out = append(out, dialog.Say(phases.LevelWarn, e.Title))
	for line := range strings.SplitSeq(e.Text, "\n") {
		out = append(out, dialog.Say(phases.LevelInfo, line))
	}
	if strings.Contains(e.Title+e.Text, phases.NotKnown) {
		out = append(out, dialog.Say(phases.LevelBad, "It says \""+phases.NotKnown+"\": is that what people are to read?"))
	}
	return out
}

// foresees is what a question's answer tells people by itself, with the reason
// as far as it is typed.
func (o *Operator) foresees(s *phases.State, on string, outcome phases.Outcome, now time.Time) []dialog.Text {
	reason := ""
	if o.dialog != nil && len(o.dialog.Fields) > 0 {
		reason = o.dialog.Values()[0]
	}
	if reason == "" {
		reason = "(the reason that you type)"
	}
	var out []dialog.Text
	for _, m := range s.SentOn(on) {
		out = append(out, composedText(s, s.Foreseen(m, outcome, reason, now), "It tells ")...)
	}
	return out
}
