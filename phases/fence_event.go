package phases

import (
	"fmt"
	"slices"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// FenceRecorded occurs before a fence is changed: it is what brings it back.
type FenceRecorded struct {
	Fence string    `json:"fence"`
	Mark  FenceMark `json:"mark"`
	By    string    `json:"by"`
}

// Kind implements Event.
func (FenceRecorded) Kind() string { return "fence_recorded" }

func (FenceRecorded) stirs(*State) check.Fact { return check.Triggers }

func (e FenceRecorded) apply(s *State) error {
	return s.onFence(e.Fence, func(f *FenceState) {
		if f.Step == "" || f.Step == FenceIsBack {
			f.OffAt, f.Taken = s.At, nil
		}
		f.Recorded, f.Step, f.By, f.Failed = &e.Mark, FenceBeingTaken, e.By, ""
		f.Seen, f.Found, f.Error = "", "", ""
		f.BackAt = time.Time{}
		s.recordFenced(e.Mark.Triggers)
	})
}

func (e FenceRecorded) words(s *State) (Level, string) {
	return LevelInfo, s.fenceWord(e.Fence, "recorded before it is switched off: ", "recorded before they are made: ") + s.fenceTitle(e.Fence) + ": " + e.Mark.Text
}

// FenceTaken occurs when a fence was seen off.
type FenceTaken struct {
	Fence string    `json:"fence"`
	Mark  FenceMark `json:"mark"` // as it was seen
	Note  string    `json:"note,omitempty"`
}

// Kind implements Event.
func (FenceTaken) Kind() string { return "fence_taken" }

func (e FenceTaken) apply(s *State) error {
	return s.onFence(e.Fence, func(f *FenceState) {
		if f.Step == FenceBeingTaken && f.Taken == nil {
			f.OffAt = s.At
		}
		f.Taken, f.Step, f.Failed, f.Note = &e.Mark, FenceIsOff, "", e.Note
		f.Seen, f.Found, f.Error, f.SeenAt = SeenOff, e.Mark.Text, "", s.At
	})
}

func (e FenceTaken) words(s *State) (Level, string) {
	return LevelGood, s.fenceWord(e.Fence, "off: ", "made: ") + s.fenceTitle(e.Fence) + noted(e.Note, e.Mark.Text)
}

// FenceLiftStarted occurs before a fence is brought back.
type FenceLiftStarted struct {
	Fence string `json:"fence"`
	By    string `json:"by"`
}

// Kind implements Event.
func (FenceLiftStarted) Kind() string { return "fence_lift_started" }

func (e FenceLiftStarted) apply(s *State) error {
	return s.onFence(e.Fence, func(f *FenceState) {
		f.Step, f.By, f.Failed = FenceBeingLifted, e.By, ""
	})
}

func (e FenceLiftStarted) words(s *State) (Level, string) {
	return LevelInfo, s.fenceWord(e.Fence, "bringing back: ", "seeing to: ") + s.fenceTitle(e.Fence) + by(e.By)
}

// FenceLifted occurs when a fence was seen as it was recorded.
type FenceLifted struct {
	Fence string    `json:"fence"`
	Mark  FenceMark `json:"mark"`             // as it was seen, and compared
	Was   bool      `json:"was_so,omitempty"` // somebody else had brought it back
	Note  string    `json:"note,omitempty"`
}

// Kind implements Event.
func (FenceLifted) Kind() string { return "fence_lifted" }

func (FenceLifted) stirs(*State) check.Fact { return check.Triggers }

func (e FenceLifted) apply(s *State) error {
	return s.onFence(e.Fence, func(f *FenceState) {
		f.Step, f.BackAt, f.Failed, f.Note = FenceIsBack, s.At, "", e.Note
		f.Seen, f.Found, f.Error, f.SeenAt = SeenBack, e.Mark.Text, "", s.At
	})
}

func (e FenceLifted) words(s *State) (Level, string) {
	if e.Was {
		return LevelWarn, s.fenceWord(e.Fence, "back, and not by this run: ", "gone, and not by this run: ") + s.fenceTitle(e.Fence) + ": " + e.Mark.Text
	}
	return LevelGood, s.fenceWord(e.Fence, "back as it was: ", "done with: ") + s.fenceTitle(e.Fence) + noted(e.Note, e.Mark.Text)
}

// FenceFailed occurs when a fence could not be brought back at a run's end, where
// no item's action says so.
type FenceFailed struct {
	Fence string `json:"fence"`
	Error string `json:"error"`
}

// Kind implements Event.
func (FenceFailed) Kind() string { return "fence_failed" }

func (e FenceFailed) apply(s *State) error {
	return s.onFence(e.Fence, func(f *FenceState) { f.Failed = e.Error })
}

func (e FenceFailed) words(s *State) (Level, string) {
	return LevelBad, s.fenceWord(e.Fence, "not brought back: ", "not seen to: ") + s.fenceTitle(e.Fence) + ": " + e.Error
}

// FenceSeen occurs when a look at a fence finds another state than the one
// before.
type FenceSeen struct {
	Fence string     `json:"fence"`
	Sight FenceSight `json:"sight"`
	Found string     `json:"found,omitempty"`
	Error string     `json:"error,omitempty"` // why it is unknown
}

// Kind implements Event.
func (FenceSeen) Kind() string { return "fence_seen" }

func (FenceSeen) stirs(*State) check.Fact { return check.Triggers }

func (e FenceSeen) apply(s *State) error {
	return s.onFence(e.Fence, func(f *FenceState) {
		f.Seen, f.Found, f.Error, f.SeenAt = e.Sight, e.Found, e.Error, s.At
	})
}

func (e FenceSeen) words(s *State) (Level, string) {
	f := s.Fence(e.Fence)
	if f == nil || f.Recorded == nil && (e.Sight == SeenBack || e.Sight == SeenOff && f.Plan.Made()) {
		return "", ""
	}
	text := f.Plan.Title + ": " + f.Word()
	switch {
	case e.Error != "":
		return LevelWarn, text + ": " + e.Error
	case e.Sight == SeenOff && f.Recorded != nil:
		return LevelGood, text + ": " + e.Found
	case e.Sight == SeenBack && f.Step == FenceIsBack:
		return LevelGood, text + ": " + e.Found
	}
	return LevelBad, text + ": " + e.Found
}

// FenceLeft occurs when somebody decides to leave a fence as it is.
type FenceLeft struct {
	Fence  string `json:"fence"`
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// Kind implements Event.
func (FenceLeft) Kind() string { return "fence_left" }

func (e FenceLeft) apply(s *State) error {
	return s.onFence(e.Fence, func(f *FenceState) {
		f.Step, f.BackAt, f.Reason, f.By = FenceIsLeft, s.At, e.Reason, e.By
	})
}

func (e FenceLeft) words(s *State) (Level, string) {
	return LevelBad, "left as it is: " + s.fenceTitle(e.Fence) + ": " + e.Reason + by(e.By)
}

// AfterClose reports whether an event may follow run_closed: what brings back a
// fence that the run left off, and nothing else.
func AfterClose(e Event) bool { return slices.Contains(ClosingKinds()[1:], e.Kind()) }

// ClosingKinds are the kinds with which the journal of a run that is closed can
// end: run_closed, and those that may follow it.
func ClosingKinds() []string {
	out := []string{RunClosed{}.Kind()}
	for _, e := range []Event{FenceLiftStarted{}, FenceLifted{}, FenceFailed{}, FenceSeen{}, FenceLeft{}} {
		out = append(out, e.Kind())
	}
	return out
}

func noted(note, text string) string {
	if note != "" {
		return ": " + note
	}
	return ": " + text
}

// fenceWord is a word of what is done to a fence: of one that is switched off, or of
// indexes that are made.
func (s *State) fenceWord(id, off, made string) string {
	if f := s.Fence(id); f != nil && f.Plan.Made() {
		return made
	}
	return off
}

func (s *State) fenceTitle(id string) string {
	if f := s.Fence(id); f != nil {
		return f.Plan.Title
	}
	return id
}

// onFence changes a fence, and what is known of the triggers with it.
func (s *State) onFence(id string, change func(*FenceState)) error {
	f := s.Fence(id)
	if f == nil {
		return fmt.Errorf("the runbook has no fence %q", id)
	}
	change(f)
	if f.Plan.Kind == runbook.FenceTriggers {
		s.setTriggersOff(slices.ContainsFunc(s.FencesOff(), func(f *FenceState) bool { return f.Plan.Kind == runbook.FenceTriggers }))
	}
	return nil
}

// recordFenced keeps what a fence has recorded of its triggers: a fence that was
// back and is taken again records them anew.
func (s *State) recordFenced(triggers []Trigger) {
	for _, t := range triggers {
		same := func(o Trigger) bool { return o.Schema == t.Schema && o.Table == t.Table && o.Name == t.Name }
		if i := slices.IndexFunc(s.Triggers, same); i >= 0 {
			s.Triggers[i] = t
		} else {
			s.Triggers = append(s.Triggers, t)
		}
	}
}

// cutFences notes the fences that were being switched when the program ended:
// how they stand, only a look can tell.
func (s *State) cutFences() {
	for i := range s.Fences {
		f := &s.Fences[i]
		if f.Step == FenceBeingTaken && f.Seen == "" || f.Step == FenceBeingLifted {
			f.Failed, f.Seen, f.Found = "the program ended before it was done", "", ""
		}
	}
}

// triggersFenced reports whether the run's triggers are a fence's, whose own
// state tells whether they are off.
func (s *State) triggersFenced() bool {
	return slices.ContainsFunc(s.Fences, func(f FenceState) bool { return f.Plan.Kind == runbook.FenceTriggers })
}
