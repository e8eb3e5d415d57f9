package phases

import (
	"errors"
	"fmt"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// ItemTicked occurs when the operator ticks an item.
type ItemTicked struct {
	Item string `json:"item"`
	By   string `json:"by"`
}

// Kind implements Event.
func (ItemTicked) Kind() string { return "item_ticked" }

func (e ItemTicked) apply(s *State) error {
	it := s.itemState(e.Item)
	it.Ticked, it.Assumed, it.By, it.At = true, false, e.By, s.At
	return nil
}

func (ItemTicked) stirs(s *State) check.Fact { return s.courseStirs() }

func (e ItemTicked) words(s *State) (Level, string) {
	return LevelGood, "ticked: " + s.itemText(e.Item) + by(e.By)
}

// ItemUnticked occurs when the operator takes a tick or a signature back, or a
// recorded field is changed.
type ItemUnticked struct {
	Item   string `json:"item"`
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// Kind implements Event.
func (ItemUnticked) Kind() string { return "item_unticked" }

func (e ItemUnticked) apply(s *State) error {
	it := s.itemState(e.Item)
	it.Ticked, it.Assumed, it.By, it.At, it.Signed = false, false, e.By, s.At, nil
	return nil
}

func (ItemUnticked) stirs(s *State) check.Fact { return s.courseStirs() }

func (e ItemUnticked) words(s *State) (Level, string) {
	text := "unticked: " + s.itemText(e.Item)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return LevelWarn, text + by(e.By)
}

// ItemAssumed occurs in unattended runs in the place of ItemTicked: nobody looked.
type ItemAssumed struct {
	Item string `json:"item"`
}

// Kind implements Event.
func (ItemAssumed) Kind() string { return "item_assumed" }

func (e ItemAssumed) apply(s *State) error {
	it := s.itemState(e.Item)
	it.Ticked, it.Assumed, it.At = true, true, s.At
	return nil
}

func (ItemAssumed) stirs(s *State) check.Fact { return s.courseStirs() }

func (e ItemAssumed) words(s *State) (Level, string) {
	if it, _, _ := s.Runbook.Item(e.Item); it.Sign != "" {
		return LevelWarn, "assumed, nobody signed as " + it.Sign + ": " + s.itemText(e.Item)
	}
	return LevelWarn, "assumed, nobody looked: " + s.itemText(e.Item)
}

// FieldRecorded occurs when a field of an item gets a value. An unattended
// run's values are assumed.
type FieldRecorded struct {
	Item    string `json:"item"`
	Field   string `json:"field"`
	Value   string `json:"value"` // times in RFC 3339
	By      string `json:"by"`
	Assumed bool   `json:"assumed,omitempty"`
}

// Kind implements Event.
func (FieldRecorded) Kind() string { return "field_recorded" }

func (e FieldRecorded) stirs(s *State) check.Fact {
	switch e.Field {
	case s.Runbook.Backup.TimeField:
		return check.BackupTime | check.BackupProof | s.courseStirs()
	case s.Runbook.Backup.IDField:
		return check.BackupProof | s.courseStirs()
	}
	return s.courseStirs()
}

func (e FieldRecorded) apply(s *State) error {
	if e.Value == "" {
		delete(s.Fields, e.Field)
		return nil
	}
	s.Fields[e.Field] = FieldValue{Value: e.Value, By: e.By, At: s.At, Assumed: e.Assumed}
	return nil
}

func (e FieldRecorded) words(s *State) (Level, string) {
	label := e.Field
	if it, _, ok := s.Runbook.Item(e.Item); ok {
		for _, f := range it.Fields {
			if f.ID == e.Field {
				label = f.Label
			}
		}
	}
	switch {
	case e.Value == "":
		return LevelWarn, "cleared: " + label + by(e.By)
	case e.Assumed:
		return LevelWarn, "assumed: " + label + ": " + e.Value
	}
	return LevelInfo, "recorded: " + label + ": " + e.Value + by(e.By)
}

// CheckAnswered occurs when an item's check has answered, and not as before. In
// old journals it occurs for each answer.
type CheckAnswered struct {
	Item  string        `json:"item"`
	Pass  bool          `json:"pass"`
	Value string        `json:"value,omitempty"` // what was found
	Error string        `json:"error,omitempty"` // why it could not be found
	Took  time.Duration `json:"took_ns"`

	InTheWay []Blocker `json:"in_the_way,omitempty"` // the sessions for which it does not pass; in old journals none is named
}

// Kind implements Event.
func (CheckAnswered) Kind() string { return "check_answered" }

func (CheckAnswered) stirs(s *State) check.Fact { return s.courseStirs() }

// weight is little for an answer that changes nothing.
func (e CheckAnswered) weight(s *State) Weight {
	if c := s.Item(e.Item).Check; c != nil && c.Pass == e.Pass && c.Error == e.Error {
		return Fleeting
	}
	return Decisive
}

func (e CheckAnswered) apply(s *State) error {
	it := s.itemState(e.Item)
	if item, _, ok := s.Runbook.Item(e.Item); ok && item.Check != nil && item.Check.Name == check.TriggersRestored && s.Triggers != nil && !s.triggersFenced() {
		s.setTriggersOff(!e.Pass)
	}
	since, record := s.At, s.Seq+1
	if c := it.Check; c != nil && c.Pass == e.Pass && c.Error == e.Error {
		since, record = c.Since, c.Record
	}
	it.Check = &CheckState{Pass: e.Pass, Value: e.Value, Error: e.Error, At: s.At, Took: e.Took, Since: since, Record: record, InTheWay: e.InTheWay[:min(len(e.InTheWay), MostInTheWay)]}
	return nil
}

func (e CheckAnswered) words(s *State) (Level, string) {
	c := s.Item(e.Item).Check
	if c == nil || !c.Since.Equal(c.At) {
		return "", ""
	}
	text := s.itemText(e.Item)
	switch {
	case e.Error != "":
		return LevelWarn, "check not answered: " + text + ": " + e.Error
	case !e.Pass:
		return LevelWarn, "check failed: " + text + ": found " + e.Value
	case e.Value == "":
		return LevelGood, "check passed: " + text
	}
	return LevelGood, "check passed: " + text + ": " + e.Value
}

// ChecksAsked occurs from time to time for the checks that answered as before:
// it is what keeps their answers fresh.
type ChecksAsked struct {
	Answers []AskedAgain `json:"answers"`
}

// Kind implements Event.
func (ChecksAsked) Kind() string { return "checks_asked" }

func (ChecksAsked) weight(*State) Weight { return Fleeting }

func (e ChecksAsked) apply(s *State) error {
	for _, a := range e.Answers {
		if c := s.itemState(a.Item).Check; c != nil {
			c.Value, c.At, c.Took, c.Ended = a.Value, a.At, a.Took, false
		}
	}
	return nil
}

func (ChecksAsked) words(*State) (Level, string) {
	return "", ""
}

// AskedAgain is the last of several like answers of a check: it passed or
// failed as before.
type AskedAgain struct {
	Item  string        `json:"item"`
	Value string        `json:"value,omitempty"`
	At    time.Time     `json:"at"`
	Took  time.Duration `json:"took_ns"`
}

// Tick ticks an item that a human answers.
type Tick struct{ Item string }

func (c Tick) can(s *State, _ time.Time) error {
	it, err := s.Answerable(c.Item)
	switch {
	case err != nil:
		return err
	case it.Check != nil:
		return errors.New("its check answers this item: r asks it again")
	case it.Sign != "" && s.Item(c.Item).Signed == nil:
		return fmt.Errorf("a tick is no signature: it is signed by a name, as %s", it.Sign)
	case s.ByAction(it):
		return errors.New("its action answers this item: x runs it")
	case s.Item(c.Item).Waived != nil:
		return errors.New("it is waived: take that back first")
	case s.Item(c.Item).Ticked:
		return errors.New("it is ticked")
	}
	if it.Message != "" {
		return s.canTickTold(it)
	}
	if lacks := s.ItemLacks(it); lacks != "not ticked" {
		return errors.New("the item " + lacks)
	}
	return nil
}

// Events implements Recorded.
func (c Tick) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{ItemTicked{Item: c.Item, By: by}}, nil
}

// Untick takes a tick back.
type Untick struct{ Item string }

func (c Untick) can(s *State, _ time.Time) error {
	it, err := s.Answerable(c.Item)
	switch {
	case err != nil:
		return err
	case it.Check != nil:
		return errors.New("its check answers this item")
	case s.Item(c.Item).Signed != nil:
		return errors.New("it is signed: a signature is withdrawn, with a reason")
	case s.ByAction(it):
		return errors.New("its action answers this item")
	case !s.Item(c.Item).Ticked:
		return errors.New("it is not ticked")
	}
	return nil
}

// Events implements Recorded.
func (c Untick) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{ItemUnticked{Item: c.Item, By: by}}, nil
}

// Record gives a field of an item a value; an empty one clears it.
type Record struct{ Item, Field, Value string }

func (c Record) can(s *State, now time.Time) error {
	_, _, err := c.parse(s, now)
	return err
}

// parse finds the field, and gives the value in the form in which it is recorded.
func (c Record) parse(s *State, now time.Time) (f runbook.Field, value string, err error) {
	it, err := s.Answerable(c.Item)
	if err != nil {
		return f, "", err
	}
	for _, f := range it.Fields {
		if f.ID == c.Field {
			value, err := ParseField(f, c.Value, now)
			return f, value, err
		}
	}
	return f, "", fmt.Errorf("item %q has no field %q", c.Item, c.Field)
}

// Events implements Recorded. A tick said that the values were right as they
// stood: it is taken back with them.
func (c Record) Events(s *State, by string, now time.Time) ([]Event, error) {
	f, value, err := c.parse(s, now)
	if err != nil {
		return nil, err
	}
	out := []Event{FieldRecorded{Item: c.Item, Field: f.ID, Value: value, By: by}}
	if s.Fields[f.ID].Value != value && s.Item(c.Item).Ticked {
		out = append(out, ItemUnticked{Item: c.Item, By: by, Reason: f.Label + " was changed"})
	}
	return out, nil
}

// Recheck asks an item's check now; an empty Item asks all that are asked at this stage.
type Recheck struct{ Item string }

func (c Recheck) can(s *State, _ time.Time) error {
	if c.Item == "" {
		return nil
	}
	it, _, ok := s.Runbook.Item(c.Item)
	if !ok {
		return fmt.Errorf("the runbook has no item %q", c.Item)
	}
	if it.Check == nil {
		return errors.New("a human answers this item: there is no check to ask")
	}
	return nil
}

// Answerable finds an item and says why it cannot be answered now.
func (s *State) Answerable(id string) (runbook.Item, error) {
	it, g, ok := s.Runbook.Item(id)
	if !ok {
		return it, fmt.Errorf("the runbook has no item %q", id)
	}
	for _, c := range s.Runbook.Checklist {
		if c.ID == g.ID {
			if !s.checklistOpen() {
				return it, errors.New("the checklist is closed: phases have started")
			}
			return it, nil
		}
	}
	for i := range s.Phases {
		if runbook.ConfirmGroup(s.Phases[i].Plan.ID) == g.ID {
			return it, s.canConfirm(i)
		}
	}
	if s.Stage() != StageAfter {
		return it, errors.New("this stage comes after the last phase")
	}
	if cur := s.CurrentAfter(); cur < len(s.Runbook.After) && groupIndex(s.Runbook.After, g.ID) > cur {
		return it, fmt.Errorf("first comes %q", s.Runbook.After[cur].Title)
	}
	return it, nil
}

func (s *State) canConfirm(phase int) error {
	p := &s.Phases[phase]
	switch {
	case s.Gate.Decision != Go:
		return errors.New("the gate has not been passed")
	case p.Status.Done() || p.Status.Open():
		return fmt.Errorf("%s has started", p.Plan.Title)
	case s.Current() != phase:
		return fmt.Errorf("first comes %q", s.Phases[s.Current()].Plan.Title)
	}
	return nil
}

func groupIndex(groups []runbook.Group, id string) int {
	for i, g := range groups {
		if g.ID == id {
			return i
		}
	}
	return -1
}

func (s *State) itemState(id string) *ItemState {
	it := s.Items[id]
	if it == nil {
		it = &ItemState{}
		s.Items[id] = it
	}
	return it
}

func (s *State) itemText(id string) string {
	if it, _, ok := s.Runbook.Item(id); ok {
		return it.Text
	}
	return id
}
