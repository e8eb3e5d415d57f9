package plain

import (
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// putTell shows what an item's message says, and asks whether to send it.
func (p *plain) putTell(it runbook.Item) {
	s := p.state
	if t := s.LastTelling(it.Message); t != nil {
		p.sayTold(t)
		p.say("  send it again to %s? [y/N], or skip, or ?, or told: people know it otherwise", strings.Join(t.Open(), ", "))
		return
	}
	m, ok := s.Runbook.Message(it.Message)
	if !ok {
		return
	}
	e := s.Compose(m, "", "", "", time.Now())
	p.sayText(e.Title, e.Text)
	if strings.Contains(e.Title+e.Text, phases.NotKnown) {
		p.say("  it says %q: is that what people are to read?", phases.NotKnown)
	}
	if len(e.Withheld) > 0 {
		p.say("  not sent in a rehearsal: %s", strings.Join(e.Withheld, ", "))
	}
	if len(e.To) == 0 {
		p.say("  go on? [y/N], or skip, or ?")
		return
	}
	p.say("  send it to %s now? [y/N], or skip, or ?", strings.Join(e.To, ", "))
}

func (p *plain) sayText(title, text string) {
	p.say("  it is titled: %s", title)
	for line := range strings.SplitSeq(text, "\n") {
		p.say("  it says: %s", line)
	}
}

// sayTold says how a message stands on each channel.
func (p *plain) sayTold(t *phases.Telling) {
	for _, c := range t.Channels {
		text := c.Status.Word()
		if c.Status == phases.ToldFailed {
			text += ": " + c.Error
		}
		p.say("  %s: %s", c.Channel, text)
	}
}

// sendItem sends an item's message, or again to those that did not take it.
func (p *plain) sendItem(it runbook.Item) {
	t := p.state.LastTelling(it.Message)
	if t == nil || len(t.Open()) == 0 {
		p.decide(phases.Tell{Message: it.Message})
		return
	}
	for _, id := range t.Open() {
		p.decide(phases.Tell{Message: it.Message, Channel: id})
	}
}

// replyTell takes the answer to what putTell asks.
func (p *plain) replyTell(q plainQuestion, text string) {
	it, _, _ := p.state.Runbook.Item(q.id)
	switch strings.ToLower(text) {
	case "y", "yes":
		p.sendItem(it)
	case "n", "no", "skip", "":
		p.skipped[q.id] = true
	case "told":
		p.decide(phases.Tick{Item: q.id})
	default:
		p.put(q)
	}
}

// tellWord carries out `tell`: what did not arrive, a message, or a message to one
// channel again.
func (p *plain) tellWord(rest string) {
	words := strings.Fields(rest)
	switch len(words) {
	case 0:
		tells := p.state.ToTell(time.Now())
		if len(tells) == 0 {
			p.say("refused: nothing is to be sent again: every channel took what it got")
		}
		for _, t := range tells {
			p.do(t)
		}
	case 1:
		p.do(phases.Tell{Message: words[0]})
	case 2:
		p.do(phases.Tell{Message: words[0], Channel: words[1]})
	default:
		p.say("refused: write: tell MESSAGE, or tell MESSAGE CHANNEL")
	}
}

// messages lists what people were told.
func (p *plain) messages() {
	s := p.state
	if s.Runbook == nil || len(s.Runbook.Messages) == 0 {
		p.say("  the runbook tells nobody")
		return
	}
	for i := range s.Tellings {
		t := &s.Tellings[i]
		p.say("%s %s", t.At.UTC().Format("15:04:05 UTC"), t.Message)
		p.sayText(t.Title, t.Text)
		p.sayTold(t)
	}
	for _, m := range s.Runbook.Messages {
		if s.LastTelling(m.ID) == nil {
			p.say("to come: %s to %s, %s", m.ID, strings.Join(m.To, ", "), s.WhenSent(m))
		}
	}
}
