package phases

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases/runbook"
)

// Telling is a message that was sent, or is being sent, to its channels.
type Telling struct {
	Number      int // from 1, in the order of the run
	Message     string
	On          string // the moment at which it was sent by itself; empty: somebody sent it
	Phase       string // that waited for COMMIT; empty for another moment
	By          string // empty: it was sent by itself
	At          time.Time
	Title, Text string // as people were told
	Channels    []Told
}

// ToldStatus is how far a message is on one channel.
type ToldStatus string

// The statuses.
const (
	ToldSending  ToldStatus = "sending"
	ToldSent     ToldStatus = "sent"
	ToldFailed   ToldStatus = "failed"
	ToldUnknown  ToldStatus = "unknown"  // the program ended meanwhile: it may have arrived
	ToldWithheld ToldStatus = "withheld" // a rehearsal tells nobody
)

// Word is the status as people read it.
func (s ToldStatus) Word() string {
	switch s {
	case ToldFailed:
		return "NOT TOLD"
	case ToldUnknown:
		return "not known whether it went"
	case ToldWithheld:
		return "not sent in a rehearsal"
	}
	return string(s)
}

// Open reports whether somebody has to see to it that people are told.
func (s ToldStatus) Open() bool { return s == ToldFailed || s == ToldUnknown }

// Told is a message on one channel.
type Told struct {
	Channel  string
	Status   ToldStatus
	Attempts int // of the last sending; 0 before its end
	At       time.Time
	Error    string // why it failed
	By       string // who sent it again; empty for the first sending
}

// ChannelLack is what a channel needs that is not there.
type ChannelLack struct {
	Channel string `json:"channel"`
	Lacks   string `json:"lacks"` // "the variable GYM_WEBHOOK_URL is not set"
}

// ChannelsExamined occurs when a program has looked whether it has what the
// runbook's channels need, and found something else than the one before it.
type ChannelsExamined struct {
	Lacks []ChannelLack `json:"lacks"`
}

// Kind implements Event.
func (ChannelsExamined) Kind() string { return "channels_examined" }

func (e ChannelsExamined) apply(s *State) error {
	s.ChannelsLack = e.Lacks
	return nil
}

func (e ChannelsExamined) words(*State) (Level, string) {
	if len(e.Lacks) == 0 {
		return LevelGood, "the channels have what they need"
	}
	var parts []string
	for _, l := range e.Lacks {
		parts = append(parts, "channel "+l.Channel+": "+l.Lacks)
	}
	return LevelWarn, strings.Join(parts, "; ")
}

// MessageComposed occurs before a message goes to its channels.
type MessageComposed struct {
	Number   int      `json:"number"` // from 1
	Message  string   `json:"message"`
	On       string   `json:"on,omitempty"`    // the moment; empty: somebody sent it
	Phase    string   `json:"phase,omitempty"` // of a hold
	By       string   `json:"by,omitempty"`    // empty: it was sent by itself
	Title    string   `json:"title"`
	Text     string   `json:"text"`               // as people are told, lines and all
	To       []string `json:"to"`                 // channels
	Withheld []string `json:"withheld,omitempty"` // channels to which a rehearsal sends nothing
}

// Kind implements Event.
func (MessageComposed) Kind() string { return "message_composed" }

// weight: what a check has answered does not bear on what people are told.
func (MessageComposed) weight(*State) Weight { return Factual }

func (e MessageComposed) apply(s *State) error {
	t := Telling{Number: e.Number, Message: e.Message, On: e.On, Phase: e.Phase, By: e.By, At: s.At, Title: e.Title, Text: e.Text}
	for _, id := range e.To {
		t.Channels = append(t.Channels, Told{Channel: id, Status: ToldSending, At: s.At})
	}
	for _, id := range e.Withheld {
		t.Channels = append(t.Channels, Told{Channel: id, Status: ToldWithheld, At: s.At})
	}
	s.Tellings = append(s.Tellings, t)
	return nil
}

func (e MessageComposed) words(*State) (Level, string) {
	text := "message " + e.Message + ": " + e.Title
	if len(e.To) > 0 {
		text += "; goes to " + strings.Join(e.To, ", ")
	}
	if len(e.Withheld) > 0 {
		text += "; not sent in a rehearsal: " + strings.Join(e.Withheld, ", ")
	}
	return LevelInfo, text + by(e.By)
}

// MessageRetried occurs before what a message said goes to a channel again.
type MessageRetried struct {
	Number  int    `json:"number"`
	Message string `json:"message"`
	Channel string `json:"channel"`
	By      string `json:"by"`
}

// Kind implements Event.
func (MessageRetried) Kind() string { return "message_retried" }

func (MessageRetried) weight(*State) Weight { return Factual }

func (e MessageRetried) apply(s *State) error {
	if c := s.told(e.Number, e.Channel); c != nil {
		*c = Told{Channel: e.Channel, Status: ToldSending, At: s.At, By: e.By}
	}
	return nil
}

func (e MessageRetried) words(*State) (Level, string) {
	return LevelInfo, "message " + e.Message + " goes to " + e.Channel + " again" + by(e.By)
}

// MessageSent occurs when a channel has taken a message.
type MessageSent struct {
	Number   int    `json:"number"`
	Message  string `json:"message"`
	Channel  string `json:"channel"`
	Attempts int    `json:"attempts"`
}

// Kind implements Event.
func (MessageSent) Kind() string { return "message_sent" }

func (MessageSent) weight(*State) Weight { return Factual }

func (e MessageSent) apply(s *State) error {
	if c := s.told(e.Number, e.Channel); c != nil {
		c.Status, c.Attempts, c.At, c.Error = ToldSent, e.Attempts, s.At, ""
	}
	return nil
}

func (e MessageSent) words(*State) (Level, string) {
	text := "told " + e.Channel + ": message " + e.Message
	if e.Attempts > 1 {
		text += ", at the " + ordinal(e.Attempts) + " attempt"
	}
	return LevelGood, text
}

// MessageFailed occurs when a channel has not taken a message, after all
// attempts.
type MessageFailed struct {
	Number   int    `json:"number"`
	Message  string `json:"message"`
	Channel  string `json:"channel"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error"`
}

// Kind implements Event.
func (MessageFailed) Kind() string { return "message_failed" }

func (MessageFailed) weight(*State) Weight { return Factual }

func (e MessageFailed) apply(s *State) error {
	if c := s.told(e.Number, e.Channel); c != nil {
		c.Status, c.Attempts, c.At, c.Error = ToldFailed, e.Attempts, s.At, e.Error
	}
	return nil
}

func (e MessageFailed) words(*State) (Level, string) {
	text := "NOT TOLD: " + e.Channel + ": message " + e.Message + ": " + e.Error
	if e.Attempts > 1 {
		text += ", " + Plural(int64(e.Attempts), "attempt")
	}
	return LevelWarn, text
}

func ordinal(n int) string {
	switch n {
	case 2:
		return "second"
	case 3:
		return "third"
	}
	return fmt.Sprintf("%dth", n)
}

// told is a message on a channel; nil where it did not go there.
func (s *State) told(number int, channel string) *Told {
	for i := range s.Tellings {
		if t := &s.Tellings[i]; t.Number == number {
			return t.on(channel)
		}
	}
	return nil
}

func (t *Telling) on(channel string) *Told {
	for i := range t.Channels {
		if t.Channels[i].Channel == channel {
			return &t.Channels[i]
		}
	}
	return nil
}

// LastTelling is the last time that a message was sent; nil before the first.
func (s *State) LastTelling(message string) *Telling {
	for i := range slices.Backward(s.Tellings) {
		if s.Tellings[i].Message == message {
			return &s.Tellings[i]
		}
	}
	return nil
}

// In gives the channels of a status.
func (t *Telling) In(status ToldStatus) []string {
	var out []string
	for _, c := range t.Channels {
		if c.Status == status {
			out = append(out, c.Channel)
		}
	}
	return out
}

// Open are the channels that did not take it, or may not have.
func (t *Telling) Open() []string {
	return append(t.In(ToldFailed), t.In(ToldUnknown)...)
}

// Untold are the tellings that some channel did not take, or may not have, the
// last of each message and moment.
func (s *State) Untold() []*Telling {
	var out []*Telling
	for i := range s.Tellings {
		if t := &s.Tellings[i]; len(t.Open()) > 0 && s.lastOf(t) {
			out = append(out, t)
		}
	}
	return out
}

// lastOf reports whether the message was not sent again as a whole since.
func (s *State) lastOf(t *Telling) bool { return s.LastTelling(t.Message) == t }

// cutTellings ends what was being sent when the program ended.
func (s *State) cutTellings() {
	for i := range s.Tellings {
		for j := range s.Tellings[i].Channels {
			if c := &s.Tellings[i].Channels[j]; c.Status == ToldSending {
				c.Status, c.At = ToldUnknown, s.At
			}
		}
	}
}

// messageLacks says what an item that sends a message still needs, or nothing.
// A human's tick says that people know it otherwise.
func (s *State) messageLacks(it runbook.Item) string {
	t := s.LastTelling(it.Message)
	switch {
	case s.Item(it.ID).Ticked:
		return ""
	case t == nil:
		return "not sent"
	case len(t.In(ToldSending)) > 0:
		return "being sent to " + strings.Join(t.In(ToldSending), ", ")
	}
	if open := slices.DeleteFunc(t.Open(), s.optional); len(open) > 0 {
		return "not told: " + strings.Join(open, ", ")
	}
	return ""
}

func (s *State) optional(channel string) bool {
	c, ok := s.Runbook.Channel(channel)
	return ok && c.Optional
}

// withholds reports whether nothing is sent to a channel here: a rehearsal tells
// nobody who was not meant to know of it.
func (s *State) withholds(channel string) bool {
	c, ok := s.Runbook.Channel(channel)
	return s.Opened.Environment == Rehearsal && ok && !c.Rehearse
}

// channelHolds is what channels lack that some message goes to.
func (s *State) channelHolds() []Hold {
	var out []Hold
	for _, l := range s.ChannelsLack {
		used := slices.ContainsFunc(s.Runbook.Messages, func(m runbook.Message) bool { return slices.Contains(m.To, l.Channel) })
		if used && !s.optional(l.Channel) && !s.withholds(l.Channel) {
			out = append(out, Hold{Text: "channel " + l.Channel + ": " + l.Lacks})
		}
	}
	return out
}
