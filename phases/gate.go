package phases

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// GatePassed is the GO.
type GatePassed struct {
	Approver string `json:"approver"`
	By       string `json:"by"`
	Assumed  bool   `json:"assumed,omitempty"` // unattended: nobody approved
}

// Kind implements Event.
func (GatePassed) Kind() string { return "gate_passed" }

func (e GatePassed) apply(s *State) error {
	s.Gate = GateState{Decision: Go, Approver: e.Approver, Assumed: e.Assumed, At: s.At}
	return nil
}

func (e GatePassed) words(*State) (Level, string) {
	text := "GO: approved by " + e.Approver
	if e.Assumed {
		text = "GO: assumed, nobody approved"
	}
	return LevelGood, text + by(e.By)
}

// GateClosed occurs when something that the GO rested on no longer holds, before the first phase.
type GateClosed struct {
	Holds []string `json:"holds"`
}

// Kind implements Event.
func (GateClosed) Kind() string { return "gate_closed" }

func (e GateClosed) apply(s *State) error {
	s.Gate = GateState{Approver: s.Gate.Approver, At: s.At, Closed: e.Holds}
	return nil
}

func (e GateClosed) words(*State) (Level, string) {
	return LevelBad, "the gate closed again: " + strings.Join(e.Holds, "; ")
}

// NoGoDeclared is the NO-GO. It ends the run.
type NoGoDeclared struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
	Lift   bool   `json:"lift_fences,omitempty"` // what the run has switched off comes back before it is closed
}

// Kind implements Event.
func (NoGoDeclared) Kind() string { return "no_go_declared" }

func (e NoGoDeclared) apply(s *State) error {
	s.Gate = GateState{Decision: NoGoDecision, At: s.At}
	s.Outcome, s.Reason, s.EndedBy, s.liftAsked = NoGo, e.Reason, e.By, e.Lift
	return nil
}

func (e NoGoDeclared) words(*State) (Level, string) {
	return LevelBad, "NO-GO: " + e.Reason + by(e.By)
}

// PassGate is the GO. Typed must be the database's name.
type PassGate struct{ Approver, Typed string }

func (c PassGate) can(s *State, now time.Time) error {
	if s.Gate.Decision == Go {
		return errors.New("the gate has been passed")
	}
	if h := s.GateHolds(now); len(h) > 0 {
		return heldBy(h)
	}
	if err := needs("the approver's name", c.Approver); err != nil {
		return err
	}
	return s.typed(c.Typed)
}

// Events implements Recorded.
func (c PassGate) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{GatePassed{Approver: Clean(c.Approver), By: by}}, nil
}

// DeclareNoGo is the NO-GO; it ends the run. With Lift, what the run has switched
// off comes back before it is closed.
type DeclareNoGo struct {
	Reason string
	Lift   bool
}

func (c DeclareNoGo) can(s *State, _ time.Time) error {
	if !s.T0.IsZero() {
		return errors.New("phases have started: abort the run instead")
	}
	if err := s.Acting(); err != nil {
		return err
	}
	return needs("a reason", c.Reason)
}

// Events implements Recorded.
func (c DeclareNoGo) Events(s *State, by string, _ time.Time) ([]Event, error) {
	out := []Event{NoGoDeclared{Reason: Clean(c.Reason), By: by, Lift: c.Lift}}
	if c.Lift && len(s.FencesOff()) > 0 {
		return out, nil // run_closed comes when they are back
	}
	return append(out, RunClosed{Outcome: NoGo}), nil
}

// Hold is one thing that keeps the gate, or a phase, closed.
type Hold struct {
	Item string // empty when it is not an item's
	Code string // of the findings that somebody has to take on; empty for others
	Text string // what holds, as a sentence's part: "backup verified: not ticked"

	mender string // of a hold that is no item's: the item whose fields end it; empty for none

	Window bool // extending the window ends it

	Off   Way       // early or late where the schedule holds, and leaving it ends that; empty for others
	Until time.Time // when it ends by itself; zero: it does not
}

// ItemLacks says what an item still needs, or nothing when it is done.
func (s *State) ItemLacks(it runbook.Item) string {
	st := s.Item(it.ID)
	if st.Waived != nil || s.wentOn(it) {
		return ""
	}
	for _, f := range it.Fields {
		if lacks := s.FieldLacks(f); lacks != "" {
			return lacks
		}
	}
	if lacks, left := s.fenceLacks(it); left {
		return lacks
	}
	if s.ByAction(it) {
		return s.actionLacks(it)
	}
	if it.Message != "" && it.Check == nil {
		return s.messageLacks(it)
	}
	if it.Check == nil {
		switch {
		case it.Sign != "" && st.Signed == nil && !st.Assumed:
			return "not signed by the " + it.Sign
		case st.Signed != nil && st.Signed.Loose:
			return "its signature is " + st.Signed.Bound()
		case !st.Ticked:
			return "not ticked"
		}
		return ""
	}
	switch c := st.Check; {
	case c == nil:
		return "not answered yet"
	case c.Error != "":
		return "could not be asked: " + c.Error
	case !c.Pass:
		return "found " + c.Value
	}
	return ""
}

// GateHolds is what keeps the gate closed; empty when it may be passed.
// Evidence counts only while it is fresh: a check that has not answered for
// three of its intervals holds too. The schedule's holds come last.
func (s *State) GateHolds(now time.Time) []Hold {
	var out []Hold
	for _, g := range s.Runbook.Checklist {
		out = append(out, s.groupHolds(g.Items, now, func(runbook.Item) bool { return true })...)
	}
	var items []runbook.Item
	for _, g := range s.Runbook.Checklist {
		items = append(items, g.Items...)
	}
	out = append(out, s.backupHolds(items, 0, now)...)
	out = append(out, s.rehearsalHolds(now)...)
	out = append(out, s.roomHolds()...)
	out = append(out, s.channelHolds()...)
	out = append(out, holdsOf(s.Unacknowledged())...)
	return append(out, s.gateTimes(now)...)
}

// backupHolds refuses a stale backup where the runbook records one and leaves
// its age to nobody: no item of those asks for it. planned is how much older
// than at the gate it may be.
func (s *State) backupHolds(items []runbook.Item, planned time.Duration, now time.Time) []Hold {
	if s.Runbook.Backup.TimeField == "" {
		return nil
	}
	for _, it := range items {
		if it.Check != nil && it.Check.Name == check.BackupAge {
			return nil // its own limit holds
		}
		for _, f := range it.Fields {
			if f.ID == s.Runbook.Backup.TimeField && f.Required && s.Fields[f.ID].Value == "" {
				return nil // its item holds, and says the same
			}
		}
	}
	taken := s.BackupTime()
	if a := backupAge(taken, s.Runbook.Backup.MaxAge+planned+s.Extra, now); !a.Pass {
		h := Hold{Text: "the backup: " + a.Value}
		if m, ok := s.mendsBackup(now); ok {
			h.mender = m.Item.ID
			h.Window = m.Need == NeedWindow && !taken.IsZero() && now.After(taken)
		}
		if h.Window {
			h.Text += ": extend the window, or abort"
		}
		return []Hold{h}
	}
	return nil
}

// PhaseHolds is what keeps a phase from starting, beside its place in the
// order: the gate, its time, its confirmations, checks that must hold through the
// phases, and the abort limit.
func (s *State) PhaseHolds(i int, now time.Time) []Hold {
	if s.Gate.Decision != Go {
		return []Hold{{Text: "the gate has not been passed"}}
	}
	var out []Hold
	if s.T0.IsZero() {
		out = s.GateHolds(now)
	} else {
		for _, g := range s.Runbook.Checklist {
			out = append(out, s.groupHolds(g.Items, now, func(it runbook.Item) bool { return it.Check != nil && it.Check.Through })...)
		}
		out = append(out, holdsOf(s.unacknowledged(s.fewerFindings()))...)
		if at := s.AbortAt(); now.After(at) {
			out = append(out, Hold{Text: fmt.Sprintf("the abort limit passed %s ago: extend the window, or abort", now.Sub(at).Round(time.Second)), Window: true})
		}
	}
	if m := s.Maintaining(); m != nil {
		out = append(out, Hold{Text: m.Plan.Name() + " runs after COMMIT: wait for its end, or skip it"})
	}
	plan := s.Phases[i].Plan
	out = append(out, s.groupHolds(plan.Confirm, now, func(runbook.Item) bool { return true })...)
	if plan.PointOfNoReturn {
		var planned time.Duration
		for _, before := range s.Runbook.Phases[:i] {
			planned += before.Planned
		}
		out = append(out, s.backupHolds(plan.Confirm, planned, now)...)
	}
	return append(out, s.startTimes(now)...)
}

func (s *State) groupHolds(items []runbook.Item, now time.Time, counts func(runbook.Item) bool) []Hold {
	var out []Hold
	for _, it := range items {
		if !counts(it) {
			continue
		}
		lacks := s.ItemLacks(it)
		if c := s.Item(it.ID).Check; lacks == "" && it.Check != nil && s.Item(it.ID).Waived == nil {
			switch age := now.Sub(c.At); {
			case age > StaleAfter(it.Check):
				lacks = fmt.Sprintf("last answered %s ago", age.Round(time.Second))
			case age < -clockSlack:
				lacks = clockSetBack
			}
		}
		if lacks != "" {
			out = append(out, Hold{Item: it.ID, Text: it.Text + ": " + lacks})
		}
	}
	return out
}

// clockSlack is how far in the future evidence may seem to lie: two clocks
// never agree. Beyond it the clock was set back, and an age means nothing.
const clockSlack = time.Minute

const clockSetBack = "its time lies in the future: the clock was set back"

// StaleAfter is the age from which a check's answer is no evidence any more.
func StaleAfter(c *runbook.Check) time.Duration { return 3*c.Every + c.Timeout }

// GateAgain says why a run that is resumed at now has to pass the gate again:
// the evidence that the GO rested on is older than a backup may be.
func (s *State) GateAgain(now time.Time) string {
	away := now.Sub(s.At)
	switch {
	case s.Gate.Decision != Go || s.Current() < 0:
		return ""
	case away < -clockSlack:
		return "the clock was set back since the run was left, and nobody knows how old its evidence is: pass the gate again"
	case away <= s.Runbook.Backup.MaxAge:
		return ""
	}
	return fmt.Sprintf("the run was interrupted for %s, and evidence counts for %s: pass the gate again", Span(away), Span(s.Runbook.Backup.MaxAge))
}
