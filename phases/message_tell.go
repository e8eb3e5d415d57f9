package phases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases/runbook"
)

// Moment is the moment that an event makes, of those at which messages are sent
// by themselves, given the state after it; empty for none. phase is the one that
// waits, of a hold.
func Moment(s *State, e Event) (on, phase string) {
	switch e := e.(type) {
	case PhaseStarted:
		if s.T0.Equal(s.At) {
			return runbook.OnBegin, ""
		}
	case NoGoDeclared:
		return runbook.OnNoGo, ""
	case RunAborted:
		return runbook.OnAbort, ""
	case HoldOpened:
		if !s.Opened.Unattended { // which waits for nobody
			return runbook.OnHold, e.Phase
		}
	case PhaseCommitted, PhasePassed, UndoneAccepted:
		if s.Current() < 0 {
			return runbook.OnDone, ""
		}
	}
	return "", ""
}

// SentOn are the messages that are sent by themselves at a moment.
func (s *State) SentOn(on string) []runbook.Message {
	if on == "" {
		return nil
	}
	var out []runbook.Message
	for _, m := range s.Runbook.Messages {
		if _, asked := s.Runbook.Teller(m.ID); m.On == on && !asked {
			out = append(out, m)
		}
	}
	return out
}

// Tell sends a message: as it reads now to all its channels, or what it said last
// to one that did not take it.
type Tell struct {
	Message string
	Channel string // empty: to all
}

func (c Tell) can(s *State, _ time.Time) error {
	m, ok := s.Runbook.Message(c.Message)
	switch t := s.LastTelling(c.Message); {
	case !ok:
		return fmt.Errorf("the runbook has no message %q", c.Message)
	case c.Channel != "":
		return s.canAgain(t, c)
	case t != nil && len(t.In(ToldSending)) > 0:
		return fmt.Errorf("it is being sent to %s", strings.Join(t.In(ToldSending), ", "))
	}
	return s.canTell(m)
}

// canAgain is for what goes to one channel again.
func (s *State) canAgain(t *Telling, c Tell) error {
	if t == nil {
		return fmt.Errorf("the message %q has not been sent yet", c.Message)
	}
	switch on := t.on(c.Channel); {
	case on == nil:
		return fmt.Errorf("the message %q did not go to a channel %q", c.Message, c.Channel)
	case !on.Status.Open():
		return fmt.Errorf("%s: %s", c.Channel, on.Status.Word())
	case s.moot(t):
		return fmt.Errorf("it said that %s waits for COMMIT, which it does not any more", s.PhaseName(t.Phase))
	}
	return nil
}

// moot reports whether what a message said has passed: a phase no longer waits.
func (s *State) moot(t *Telling) bool {
	return t.Phase != "" && !slices.ContainsFunc(s.Phases, func(p PhaseState) bool { return p.Plan.ID == t.Phase && p.Status == PhaseHolding })
}

// canTell is for a message as a whole: by its item, or where its moment has come
// and nothing was sent, since the program ended just then.
func (s *State) canTell(m runbook.Message) error {
	t := s.LastTelling(m.ID)
	it, byItem := s.Runbook.Teller(m.ID)
	if !byItem {
		if s.missed(m) {
			return nil
		}
		return fmt.Errorf("it is sent by itself: %s", onWords(m.On))
	}
	if _, err := s.Answerable(it.ID); err != nil {
		return err
	}
	for _, f := range it.Fields {
		if lacks := s.FieldLacks(f); lacks != "" {
			return fmt.Errorf("the item %s", lacks)
		}
	}
	switch {
	case t == nil:
		return nil
	case len(t.Open()) > 0:
		return fmt.Errorf("it was sent; send it again to those that did not take it: %s", strings.Join(t.Open(), ", "))
	}
	return errors.New("every channel has it")
}

// missed reports whether a message's moment has come, and nothing was sent.
func (s *State) missed(m runbook.Message) bool {
	t := s.LastTelling(m.ID)
	switch m.On {
	case runbook.OnBegin:
		return t == nil && !s.T0.IsZero()
	case runbook.OnDone:
		return t == nil && !s.T0.IsZero() && s.Current() < 0
	case runbook.OnNoGo:
		return t == nil && s.Outcome == NoGo
	case runbook.OnAbort:
		return t == nil && s.Outcome == Aborted
	case runbook.OnHold:
		p := s.OpenPhase()
		return !s.Opened.Unattended && p != nil && p.Status == PhaseHolding && (t == nil || t.At.Before(p.ReadyAt))
	}
	return false
}

// Missed are the messages that are sent by themselves, whose moment has come, and
// that never went out, since the program ended just then.
func (s *State) Missed() []runbook.Message {
	return slices.DeleteFunc(slices.Clone(s.Runbook.Messages), func(m runbook.Message) bool {
		_, byItem := s.Runbook.Teller(m.ID)
		return byItem || !s.missed(m)
	})
}

// onWords say when a message is sent by itself.
func onWords(on string) string {
	return map[string]string{
		runbook.OnBegin: "when the first phase begins", runbook.OnNoGo: "at a NO-GO", runbook.OnAbort: "when the run is aborted",
		runbook.OnHold: "when a phase waits for COMMIT", runbook.OnDone: "after the last phase",
	}[on]
}

// WhenSent says what sends a message: a moment, or an item.
func (s *State) WhenSent(m runbook.Message) string {
	if it, ok := s.Runbook.Teller(m.ID); ok {
		return "by the item: " + Clean(it.Text)
	}
	return "by itself, " + onWords(m.On)
}

// canTickTold says whether a human may answer for a message: where a channel did
// not take it, people can be told otherwise.
func (s *State) canTickTold(it runbook.Item) error {
	t := s.LastTelling(it.Message)
	switch {
	case t == nil:
		return errors.New("its message answers it: x shows and sends that")
	case len(t.In(ToldSending)) > 0:
		return errors.New("its message is being sent")
	case len(t.Open()) == 0:
		return errors.New("every channel has its message: there is nothing to answer for")
	}
	return nil
}

// UntoldWords say which channels did not take which message, or may not have,
// where somebody has to see to it; empty where nobody has.
func (s *State) UntoldWords() string {
	var parts []string
	for _, t := range s.Untold() {
		if it, ok := s.Runbook.Teller(t.Message); ok && s.Item(it.ID).Ticked || s.moot(t) {
			continue // people know it otherwise, or it has passed
		}
		if open := slices.DeleteFunc(t.Open(), s.optional); len(open) > 0 {
			parts = append(parts, strings.Join(open, ", ")+" (message "+t.Message+")")
		}
	}
	return strings.Join(parts, "; ")
}

// ToTell are the commands that make up for what people were not told, the oldest
// message first: to each channel that did not take it, or as a whole where its
// moment was missed. There is none where nothing is open.
func (s *State) ToTell(now time.Time) []Tell {
	for _, t := range s.Untold() {
		if s.moot(t) {
			continue
		}
		var out []Tell
		for _, id := range t.Open() {
			out = append(out, Tell{Message: t.Message, Channel: id})
		}
		return out
	}
	for _, m := range s.Runbook.Messages {
		c := Tell{Message: m.ID}
		if _, byItem := s.Runbook.Teller(m.ID); !byItem && s.Can(c, now) == nil {
			return []Tell{c}
		}
	}
	return nil
}

// FarewellWords say that people are still being told how the run ended, with a
// blank before them; empty where nobody is.
func (s *State) FarewellWords() string {
	if s.Outcome == "" || !s.ClosedAt.IsZero() {
		return ""
	}
	for _, t := range s.Tellings {
		if len(t.In(ToldSending)) > 0 {
			return " People are being told."
		}
	}
	return ""
}
