package phases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases/runbook"
)

// FenceMark is a fence's state as it was found.
type FenceMark struct {
	Text     string    `json:"text"`               // for whoever reads it, and what is compared: "active", "3 replicas"
	Triggers []Trigger `json:"triggers,omitempty"` // of a fence of triggers: what brings them back

	Indexes []MadeIndex `json:"indexes,omitempty"` // of the indexes that are made before the gate: which
}

// Same reports whether two marks are of the same state.
func (m FenceMark) Same(o FenceMark) bool {
	return m.Text == o.Text && slices.Equal(m.Triggers, o.Triggers) && slices.EqualFunc(m.Indexes, o.Indexes, MadeIndex.same)
}

// FenceFound is what a look at a fence found.
type FenceFound struct {
	Mark FenceMark
	Off  bool // it is as switching it off leaves it; of indexes: all are made
	Ours bool // it is neither off nor as recorded, and bringing it back undoes nobody's work
}

// FenceStep is what a run did last to a fence, by its own record.
type FenceStep string

// The steps. The zero value is a fence that the run has not touched.
const (
	FenceBeingTaken  FenceStep = "being_taken"  // its state is recorded; whether it is off, only a look can tell
	FenceIsOff       FenceStep = "off"          // it was seen off
	FenceBeingLifted FenceStep = "being_lifted" // whether it is back, only a look can tell
	FenceIsBack      FenceStep = "back"         // it was seen as recorded
	FenceIsLeft      FenceStep = "left"         // somebody decided to leave it as it is
)

// FenceSight is what the last look at a fence found.
type FenceSight string

// The sights. The zero value is a fence at which nobody has looked yet.
const (
	SeenOff     FenceSight = "off"
	SeenBack    FenceSight = "back"    // as recorded; before that, not off
	SeenPartly  FenceSight = "partly"  // some of it is off
	SeenChanged FenceSight = "changed" // neither off nor as recorded: somebody else's doing
	SeenUnknown FenceSight = "unknown" // it could not be read, which is never a pass
)

// FenceState is what is known of one fence.
type FenceState struct {
	Plan     *runbook.Fence
	Recorded *FenceMark // before it was changed; nil until then
	Taken    *FenceMark // as it was found off; nil before
	Step     FenceStep
	OffAt    time.Time // when it was switched off; zero before
	BackAt   time.Time // when it was seen back, or left; zero before
	By       string    // who took it, brought it back, or left it
	Note     string    // what switching it said
	Reason   string    // of whoever left it

	Seen   FenceSight
	Found  string    // what was seen, in words; empty before, and when unknown
	Error  string    // why it is unknown
	SeenAt time.Time // when it was first seen so
	Failed string    // why the last attempt to switch it did not succeed; empty when it did
}

// MayBeOff reports whether the fence is off for the run, or may be: it has to
// come back.
func (f *FenceState) MayBeOff() bool {
	switch f.Step {
	case FenceBeingTaken, FenceIsOff, FenceBeingLifted:
		return f.Seen != SeenBack
	case FenceIsBack:
		return f.Seen == SeenOff || f.Seen == SeenPartly
	}
	return false
}

// Outstanding reports whether the run has switched the fence, and has neither brought
// it back nor left it: also one that was seen back, which may be off again.
func (f *FenceState) Outstanding() bool {
	return f.Recorded != nil && f.Step != FenceIsBack && f.Step != FenceIsLeft
}

// Holding reports whether the fence is off, as seen last.
func (f *FenceState) Holding() bool { return f.Recorded != nil && f.Seen == SeenOff && f.MayBeOff() }

// Sight says what a look means, given what the run has recorded.
func (f *FenceState) Sight(found FenceFound) FenceSight {
	switch {
	case f.Recorded == nil && found.Off:
		return SeenOff
	case f.Recorded == nil, found.Mark.Same(*f.Recorded):
		return SeenBack
	case found.Off, f.Taken != nil && found.Mark.Same(*f.Taken):
		return SeenOff
	case found.Ours:
		return SeenPartly
	}
	return SeenChanged
}

// Word is how the fence stands, in a few words.
func (f *FenceState) Word() string {
	if f.Plan.Made() {
		return f.madeWord()
	}
	switch {
	case f.Step == FenceIsLeft:
		return "left as it is"
	case f.Seen == SeenUnknown:
		return "unknown"
	case f.Recorded == nil && f.Seen == SeenOff:
		return "off, and not by this run"
	case f.Recorded == nil:
		return "not off yet"
	case f.Seen == SeenChanged:
		return "changed by somebody else"
	case f.Seen == SeenPartly:
		return "partly off"
	case f.Seen == SeenBack && f.Step == FenceIsOff && f.Plan.Kind == runbook.FenceAlertmanager:
		return "over: it has ended, or somebody has ended it"
	case f.Seen == SeenBack && f.Step == FenceIsOff:
		return "switched on by somebody else"
	case f.Seen == SeenBack:
		return "back"
	case f.Step == FenceBeingTaken && f.Seen != SeenOff:
		return "may be off"
	}
	return "off"
}

// Fence is a fence's state by its id; nil for none.
func (s *State) Fence(id string) *FenceState {
	for i := range s.Fences {
		if s.Fences[i].Plan.ID == id {
			return &s.Fences[i]
		}
	}
	return nil
}

// FencesOff are the fences that are off, or may be, in the order in which they
// were switched off.
func (s *State) FencesOff() []*FenceState {
	var out []*FenceState
	for i := range s.Fences {
		if s.Fences[i].MayBeOff() {
			out = append(out, &s.Fences[i])
		}
	}
	return out
}

// OffLine says what is off for the run, in one line: of fences, and of triggers
// that an item's action has disabled. What is made for it follows. It is empty when
// there is nothing of either.
func (s *State) OffLine() string {
	var names []string
	var made string
	since := time.Time{}
	add := func(name string, at time.Time) {
		names = append(names, name)
		if since.IsZero() || !at.IsZero() && at.Before(since) {
			since = at
		}
	}
	triggers := false
	for _, f := range s.FencesOff() {
		if f.Plan.Made() {
			made = f.Titled() + ", until its end"
			continue
		}
		add(f.Titled(), f.OffAt)
		triggers = triggers || f.Plan.Kind == runbook.FenceTriggers
	}
	if s.TriggersOff && !triggers {
		add(Plural(int64(len(s.Triggers)), "trigger"), s.offAt)
	}
	if names == nil {
		if made != "" {
			made = "MADE for this run: " + made
		}
		return Clean(made)
	}
	line := "OFF for this run"
	if !since.IsZero() {
		line += " since " + since.UTC().Format("15:04") + " UTC"
	}
	line += ": " + strings.Join(names, ", ")
	if made != "" {
		line += "; MADE for it: " + made
	}
	return Clean(line)
}

// Titled is the fence's title, with how it stands where that is not simply off, or
// made.
func (f *FenceState) Titled() string {
	if word := f.Word(); word != "off" && word != "made" {
		return f.Plan.Title + " (" + word + ")"
	}
	return f.Plan.Title
}

// FenceLines say what a run leaves off, a line each, and how it comes back; empty
// when all is back. path is its journal's.
func (s *State) FenceLines(path string) []string {
	off := s.FencesOff()
	if len(off) == 0 {
		return nil
	}
	lead := "still off, or not known to be back:"
	if f := s.Indexes(); f != nil && f.MayBeOff() {
		lead = "still off or there for this run, or not known to be back:"
	}
	out := []string{lead}
	for _, f := range slices.Backward(off) {
		line := fmt.Sprintf("  %s: %s; it was: %s", f.Plan.Title, f.Word(), f.Recorded.Text)
		if f.Failed != "" && f.Seen != SeenChanged {
			line += "; " + f.Failed
		}
		out = append(out, Clean(line))
	}
	bring := ShellCommand("", "restore", "JOURNAL")
	if path != "" {
		bring = s.Command("restore", path)
	}
	return append(out, "bring it back: "+bring)
}

// Answer is what the fence's state says for an item of it.
func (f *FenceState) Answer(it runbook.Item) Answer {
	found := f.Found
	if r := []rune(found); len(r) > 200 {
		found = string(r[:199]) + "…"
	}
	lifts := it.Action != nil && it.Action.Name == runbook.LiftFence
	switch {
	case f.Seen == SeenUnknown:
		return Answer{}
	case f.Plan.Made() && f.Recorded == nil: // none was needed, or each phase makes its own
		if f.Seen != SeenOff {
			found = f.Word()
		}
		if lifts {
			found = "this run has made none"
		}
		return Answer{Pass: lifts || f.Seen == SeenOff, Value: found}
	case f.Recorded == nil && lifts:
		return Answer{Value: "not switched off by this run"}
	case f.Recorded == nil && f.Seen == SeenBack:
		return Answer{Value: "not off yet"}
	case f.Recorded != nil && (lifts && f.Seen == SeenBack || !lifts && f.Seen == SeenOff):
		return Answer{Pass: true, Value: found}
	}
	return Answer{Value: f.Word() + ": " + found}
}

// Renewing is the item of a fence that is to be made to last by itself: of a
// silence that the run has made, and that would end before the abort limit.
func (s *State) Renewing(now time.Time) string {
	for _, g := range s.Runbook.Checklist {
		for _, it := range g.Items {
			f := s.Fence(it.Fence)
			if f == nil || f.Plan.Kind != runbook.FenceAlertmanager || f.Step != FenceIsOff || f.Seen != SeenPartly || f.Failed != "" {
				continue
			}
			if s.Outcome == "" && s.Interrupted == "" && s.Can(Act{Item: it.ID}, now) == nil {
				return it.ID
			}
		}
	}
	return ""
}

// canFence says why an item's fence cannot be taken, or lifted, now.
func (s *State) canFence(it runbook.Item) error {
	f := s.Fence(it.Fence)
	switch {
	case f == nil:
		return fmt.Errorf("the runbook has no fence %q", it.Fence)
	case s.OpenPhase() != nil:
		return errors.New("a phase is open: nothing is switched beside its transaction")
	case s.tryingUndo() != nil:
		return s.tryingUndo()
	}
	if err := s.Acting(); err != nil {
		return err
	}
	if it.Action.Name == runbook.LiftFence {
		return s.canLift(f)
	}
	return s.canTake(f)
}

func (s *State) canTake(f *FenceState) error {
	// Once phases have begun, what the run had switched off it may switch off
	// again: somebody else has switched it on.
	if !s.checklistOpen() && (f.Recorded == nil || f.Step == FenceIsBack || s.Stage() != StagePhases) {
		return errors.New("the checklist is closed: phases have started")
	}
	switch {
	case f.Holding():
		return errors.New("it is " + f.Word())
	case f.Step == FenceIsLeft:
		return errors.New("it was left as it is")
	case f.Recorded != nil && f.Seen == SeenChanged:
		return fmt.Errorf("somebody else has changed it: it is %s, and was %s; have it put back first, so that nobody's change is lost", f.Found, f.Recorded.Text)
	case f.Plan.Made():
		return s.canMake(f)
	}
	for i := range s.Fences {
		before := &s.Fences[i]
		if before.Plan == f.Plan {
			break
		}
		if before.Plan.Made() { // nothing rests on them
			continue
		}
		if !before.Holding() {
			return fmt.Errorf("first comes %q: fences are taken in the runbook's order", before.Plan.Title)
		}
	}
	return nil
}

// canLift lets a fence back at any stage: a run that is to end early leaves
// nothing off.
func (s *State) canLift(f *FenceState) error {
	switch {
	case f.Plan.Made():
		return s.canUnmake(f)
	case f.Recorded == nil:
		return errors.New("it was not switched off by this run: there is nothing to bring back")
	case f.Step == FenceIsLeft:
		return errors.New("it was left as it is")
	case f.Step == FenceIsBack && !f.MayBeOff():
		return errors.New("it is back")
	}
	for i := len(s.Fences) - 1; s.Fences[i].Plan != f.Plan; i-- {
		if s.Fences[i].MayBeOff() {
			return fmt.Errorf("first comes %q: what was switched off last comes back first", s.Fences[i].Plan.Title)
		}
	}
	return nil
}

// fenceLacks says what an item of a fence that somebody has left needs: nothing
// more where it was to bring it back. ok is false for any other item.
func (s *State) fenceLacks(it runbook.Item) (lacks string, ok bool) {
	f := s.Fence(it.Fence)
	if f == nil || f.Step != FenceIsLeft || it.Action == nil {
		return "", false
	}
	if it.Action.Name == runbook.TakeFence {
		return "it was left as it is", true
	}
	return "", true
}

// WantsLift reports whether a run that has ended, and is not closed, is to bring
// back what it has switched off.
func (s *State) WantsLift() bool {
	return s.Outcome != "" && s.ClosedAt.IsZero() && s.liftAsked && len(s.FencesOff()) > 0
}

// LeaveFence leaves a fence as it is, where it can neither be brought back nor
// be known to be: somebody has looked, and has decided.
type LeaveFence struct{ Fence, Reason string }

func (c LeaveFence) can(s *State, _ time.Time) error {
	f := s.Fence(c.Fence)
	switch {
	case f == nil:
		return fmt.Errorf("the runbook has no fence %q", c.Fence)
	case !f.MayBeOff():
		return errors.New("it is not off by this run: there is nothing to leave")
	case s.Stage() != StageAfter:
		return errors.New("it is left as it is after the last phase, or by tminus restore: until then it has to be off")
	case f.Seen != SeenChanged && f.Seen != SeenUnknown && f.Failed == "":
		return errors.New("it can be brought back: try that first")
	}
	if err := s.Acting(); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

// Events implements Recorded.
func (c LeaveFence) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{FenceLeft{Fence: c.Fence, Reason: Clean(c.Reason), By: by}}, nil
}
