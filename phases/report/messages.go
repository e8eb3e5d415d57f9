package report

import (
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Message is one that went out, as people were told.
type Message struct {
	ID       string     `json:"id"`
	On       string     `json:"on"`    // the moment at which it was sent by itself; empty: somebody sent it
	Phase    string     `json:"phase"` // that waited for COMMIT; empty for another moment
	By       string     `json:"by"`
	At       *time.Time `json:"at"`
	Title    string     `json:"title"`
	Text     string     `json:"text"` // with its line breaks
	Channels []Told     `json:"channels"`
}

// Told is a message on one channel.
type Told struct {
	Channel  string     `json:"channel"`
	Status   string     `json:"status"` // sent, failed, unknown, withheld, sending
	At       *time.Time `json:"at"`
	Attempts int        `json:"attempts"`
	Error    string     `json:"error"`
	By       string     `json:"by"` // who sent it again
}

// messages are what people were told.
func (b *builder) messages() {
	for i := range b.state.Tellings {
		t := &b.state.Tellings[i]
		m := Message{ID: t.Message, On: t.On, Phase: t.Phase, By: phases.Clean(t.By), At: moment(t.At), Title: phases.Clean(t.Title), Channels: []Told{}}
		lines := strings.Split(t.Text, "\n")
		for i := range lines {
			lines[i] = phases.Clean(lines[i])
		}
		m.Text = strings.Join(lines, "\n")
		for _, c := range t.Channels {
			m.Channels = append(m.Channels, Told{
				Channel: phases.Clean(c.Channel), Status: string(c.Status), At: moment(c.At), Attempts: c.Attempts, Error: phases.Clean(c.Error), By: phases.Clean(c.By),
			})
		}
		b.report.Messages = append(b.report.Messages, m)
	}
}

// messageDeviations are the channels that did not take what they should have, or
// may not have, and of a run that has ended the messages whose moment came, and
// that never went out.
func (b *builder) messageDeviations() {
	if b.state.Outcome != "" {
		for _, m := range b.state.Missed() {
			b.add("not told: %s, message %s: it never went out, although its moment came", strings.Join(m.To, ", "), m.ID)
		}
	}
	for _, t := range b.state.Untold() {
		for _, c := range t.Channels {
			switch c.Status {
			case phases.ToldFailed:
				b.add("not told: %s, message %s: %s", c.Channel, t.Message, c.Error)
			case phases.ToldUnknown:
				b.add("not known whether it was told: %s, message %s", c.Channel, t.Message)
			}
		}
	}
}

// toldItem puts down what an item's message has made of it, by whom and when. It
// leaves an item alone that another thing answers.
func (b *builder) toldItem(it runbook.Item, out *Item) {
	t := b.state.LastTelling(it.Message)
	if it.Message == "" || it.Check != nil || t == nil || b.state.Item(it.ID).Ticked {
		return
	}
	var on []string
	for _, c := range t.Channels {
		on = append(on, phases.Clean(c.Channel)+" "+c.Status.Word())
	}
	out.State, out.By, out.At, out.Found = ItemFailed, phases.Clean(t.By), moment(t.At), strings.Join(on, ", ")
	if b.state.ItemDone(it) {
		out.State = ItemTold
	}
}

// messages writes what people were told, and how it stands on each channel.
func (t *layout) messages() {
	if len(t.r.Messages) == 0 {
		return
	}
	t.section("Messages")
	for i, m := range t.r.Messages {
		if i > 0 {
			t.line("")
		}
		t.hang(t.clock(m.At)+" ", m.ID+byWhom(m.By)+": "+m.Title)
		for line := range strings.SplitSeq(m.Text, "\n") {
			t.hang("         | ", line)
		}
		for _, c := range m.Channels {
			text := phases.ToldStatus(c.Status).Word()
			if c.Status == string(phases.ToldSent) {
				text += " at " + t.clock(c.At)
			}
			if c.Error != "" {
				text += ": " + c.Error
			}
			if c.Attempts > 1 {
				text += ", " + phases.Plural(int64(c.Attempts), "attempt")
			}
			t.hang("         "+c.Channel+": ", text+byWhom(c.By))
		}
	}
}
