package ui

import (
	"fmt"
	"slices"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// step is what the run waits for, and the keys that lead on from there, the
// likeliest first. A person must get through by the first of them alone: each
// leads to another state, and none is a way back to the one before.
type step struct {
	text  string
	level phases.Level
	keys  []string // ids of bindings
	waits bool     // it goes on by itself: no key leads there
	at    pane.ID  // the pane in which the keys are pressed, if it is not where the run is
}

// next says what to do now.
func (v *Viewer) next(now time.Time) step {
	s := v.state
	if s == nil || s.Runbook == nil {
		return step{text: "Reading the journal …", level: phases.LevelInfo, waits: true}
	}
	n := s.Next(now)
	switch n.Wait {
	case phases.WaitResume: // nobody takes a command
		return step{text: "The run was interrupted: " + look.Sanitize(s.Interrupted), level: phases.LevelBad, keys: []string{"quit", pane.Binding(pane.Log), pane.Binding(pane.Undo)}}
	case phases.WaitNobody:
		if s.WantsLift() {
			return step{text: "The run has ended: " + s.Outcome.Word() + ". What was off for it is coming back.", level: phases.LevelWarn, keys: []string{pane.Binding(pane.Log)}, waits: true}
		}
		return step{text: "The run has ended: " + s.Outcome.Word() + "." + s.FarewellWords() + v.undoHint(), level: look.OutcomeLevel(s.Outcome), keys: []string{"quit", pane.Binding(pane.Log), pane.Binding(pane.Undo)}}
	case phases.WaitChecklist:
		return v.nextBeforeGate(n)
	case phases.WaitGate:
		return step{text: "Nothing holds the gate: it is time for GO or NO-GO.", level: phases.LevelGood, keys: []string{"go", "no-go", pane.Binding(pane.Checklist), "recheck", "note"}}
	case phases.WaitTime, phases.WaitLate:
		return v.nextInTime(n, now)
	case phases.WaitPhase:
		return nextInPhase(n.Phase, now)
	case phases.WaitSmoke:
		return v.nextSmoke(n)
	case phases.WaitAfter:
		done, total := s.GroupDone(n.Group)
		st := step{text: fmt.Sprintf("%s: %s to go.", n.Group.Title, look.Plural(total-done, "item", "items")), level: phases.LevelInfo}
		st.keys, st.waits = v.itemKeys()
		st.keys = append(st.keys, "note")
		return st
	case phases.WaitUpkeep:
		return nextAfterCommit(s, now)
	case phases.WaitUndo:
		return step{text: look.Initial(s.TrialWords()) + ".", level: phases.LevelInfo, keys: []string{pane.Binding(pane.Undo), pane.Binding(pane.Log)}, waits: true}
	case phases.WaitClose:
		if s.WantsUndoTrial() {
			return step{text: "All is done: close the run. First it puts back what the phases took, to prove the undo.", level: phases.LevelGood, keys: []string{"close run", "note"}}
		}
		return step{text: "All is done: close the run.", level: phases.LevelGood, keys: []string{"close run", "note"}}
	}
	return v.nextPhase(n)
}

// undoHint says of an ended run that what it took can come back, and where the
// command stands in full.
func (v *Viewer) undoHint() string {
	if v.state.Undo().Phases == nil {
		return ""
	}
	return " An undo brings back what it took: " + pane.Digit(pane.Undo) + " has the command."
}

func (v *Viewer) nextBeforeGate(n phases.Next) step {
	st := step{text: fmt.Sprintf("%s before the gate can open.", look.Plural(len(phases.Untimed(n.Holds)), "item", "items")), level: phases.LevelInfo}
	if closed := v.state.Gate.Closed; len(closed) > 0 {
		st.text, st.level = "The gate closed again: "+closed[0], phases.LevelWarn
	}
	none := len(v.open()) == 0
	found := v.state.Unacknowledged()
	if !none {
		st.keys, st.waits = v.itemKeys()
	}
	switch {
	case len(found) > 0 && none:
		st.text = fmt.Sprintf("The survey found what will fail: %s has to be acknowledged by name.", found[0].Code)
		st.keys, st.level = []string{"acknowledge", pane.Binding(pane.Reach)}, phases.LevelBad
	case len(found) > 0 && st.waits:
		st.keys, st.waits = append([]string{"acknowledge"}, st.keys...), false
	case len(found) > 0:
		st.keys = append(st.keys, "acknowledge")
	case none && v.state.Gate.Closed == nil: // nothing on this screen mends it: it is looked at again
		st.text, st.level = "The gate is held: "+n.Holds[0].Text+".", phases.LevelBad
		st.keys, st.at = []string{pane.Binding(pane.Gate), "recheck"}, pane.Gate
		if v.nav.focus == pane.Gate {
			st.keys = []string{"recheck"}
		}
	case none:
		st.keys = []string{"recheck"}
	}
	st.keys = append(st.keys, "no-go", "note")
	return st
}

// itemKeys are what the selected item asks for, or the way to one that does.
// Where all that is open answers by itself, they wait.
func (v *Viewer) itemKeys() (keys []string, waits bool) {
	if v.nav.focus != pane.Checklist {
		return []string{"next open", "follow"}, false
	}
	it, err := v.selected()
	switch {
	case err != nil && len(v.shownRows()) == 0: // the filter finds nothing
		return []string{"next open", "close"}, false
	case err != nil:
		return []string{"down", "next open"}, false
	}
	var mine openItem
	most, isOpen := 0, false
	for _, o := range v.openItems() {
		if o.id == it.ID {
			mine, isOpen = o, true
		} else {
			most = max(most, o.needs())
		}
	}
	others := v.otherKeys(it, isOpen)
	switch {
	case mine.wants != "":
		return slices.Concat([]string{mine.wants}, others, []string{"next open", "down"}), false
	case most > mine.needs():
		return slices.Concat([]string{"next open"}, others, []string{"down"}), false
	case mine.failed: // somebody sees to it elsewhere, and asks again
		return slices.Concat([]string{"recheck", "waive"}, others, []string{"next open", "down"}), false
	}
	return slices.Concat(others, []string{"next open", "down"}), true
}

// otherKeys are what can be done with an item beside what it asks for.
func (v *Viewer) otherKeys(it runbook.Item, isOpen bool) []string {
	s := v.state
	var keys []string
	if it.Check != nil {
		keys = append(keys, "recheck")
	}
	_, answerable := s.Answerable(it.ID)
	switch act := s.Item(it.ID).Action; {
	case act != nil && act.Running && it.Action.Long():
		return append(keys, "action") // which cancels it
	case isOpen:
		if begins(s, it) && it.Action.Long() {
			keys = append(keys, "action")
		}
	case it.Check != nil:
	case s.Item(it.ID).Waived != nil:
		keys = append(keys, "waive")
	case s.ByAction(it):
		keys = append(keys, "action")
	case answerable == nil:
		keys = append(keys, "tick")
	}
	if len(it.Fields) > 0 {
		keys = append(keys, "edit")
	}
	return keys
}

// nextAfterCommit is for maintenance, which nothing but the next phase waits for.
func nextAfterCommit(s *phases.State, now time.Time) step {
	m := s.Maintaining()
	text := m.Plan.Name() + " runs after COMMIT"
	if !m.StartedAt.IsZero() {
		text += ", since " + look.Duration(now.Sub(m.StartedAt))
	}
	return step{text: text + ": the next phase waits for it.", level: phases.LevelInfo, keys: []string{"skip", "note"}, waits: true}
}

// nextInPhase is for an open transaction.
func nextInPhase(p *phases.PhaseState, now time.Time) step {
	title := p.Plan.Title
	switch p.Status {
	case phases.PhaseLocking:
		return nextWhileLocking(p, now)
	case phases.PhaseVerifying:
		if p.Keeping != nil {
			return step{text: title + ": writing its capsule before COMMIT, " + pane.KeepingShare(p.Keeping) + ".", level: phases.LevelInfo, keys: []string{"rollback"}, waits: true}
		}
		return step{text: title + ": verifying before COMMIT.", level: phases.LevelInfo, keys: []string{"rollback"}, waits: true}
	case phases.PhaseHolding:
		text := fmt.Sprintf("%s is verified: COMMIT or ROLLBACK. It rolls back in %s.", title, look.Left(p.HoldUntil.Sub(now)))
		return step{text: text, level: phases.LevelWarn, keys: []string{"commit", "rollback", "note"}}
	case phases.PhaseCommitting:
		return step{text: title + ": COMMIT is sent; waiting for the answer.", level: phases.LevelWarn, waits: true}
	case phases.PhaseInDoubt:
		text := title + ": COMMIT IN DOUBT, being settled"
		if n := len(p.Doubt); n > 0 {
			text += ": " + p.Doubt[n-1]
		}
		return step{text: text, level: phases.LevelBad, waits: true}
	}
	if !p.Plan.Writes() {
		return step{text: title + ": counting. Nothing is changed.", level: phases.LevelInfo, keys: []string{"rollback", "abort"}, waits: true}
	}
	return step{text: title + " runs. Nothing is committed.", level: phases.LevelInfo, keys: []string{"rollback", "note"}, waits: true}
}

func nextWhileLocking(p *phases.PhaseState, now time.Time) step {
	st := step{text: p.Plan.Title + ": taking its locks.", level: phases.LevelInfo, keys: []string{"rollback"}, waits: true}
	if l := p.Lock; l != nil {
		st.text, st.level = fmt.Sprintf("Waiting for the lock on %s, %s", look.NameOr(l.Table, "a table"), look.Duration(l.Waited)), phases.LevelWarn
		if !l.Until.IsZero() {
			st.text = fmt.Sprintf("Waiting for %s, rolled back in %s", look.NameOr(l.Table, "another session"), look.Left(l.Until.Sub(now)))
		}
		if len(l.Blockers) > 0 {
			b := l.Blockers[0]
			st.text += fmt.Sprintf(", blocked by session %d (%s)", b.PID, look.NameOr(b.Application, look.NameOr(b.User, "unknown")))
			st.keys, st.waits = []string{"session", "rollback"}, false
		}
		st.text += "."
	}
	return st
}

// nextPhase is for the time between two phases.
func (v *Viewer) nextPhase(n phases.Next) step {
	p := n.Phase
	switch n.Wait {
	case phases.WaitLook:
		st := step{text: "The outcome of " + p.Plan.Title + " is unknown: a human must look at the database.", level: phases.LevelBad, keys: []string{"abort", "note"}, at: pane.Undo}
		if p.Status == phases.PhaseIsUndone {
			st.text, st.keys = p.Plan.Title+" is no longer held: a human must look at the database.", []string{"accept", "abort", "note"}
		}
		if v.nav.focus != pane.Undo { // what to look for comes first
			st.keys = append([]string{pane.Binding(pane.Undo)}, st.keys...)
		}
		return st
	case phases.WaitConfirm:
		done, total := v.state.GroupDone(n.Group)
		st := step{text: fmt.Sprintf("%s to confirm before %s.", look.Plural(total-done, "point", "points"), p.Plan.Title), level: phases.LevelWarn}
		st.keys, st.waits = v.itemKeys()
		st.keys = append(st.keys, "abort")
		return st
	case phases.WaitWindow:
		return step{text: "The window is over: extend it with a name and a reason, or abort.", level: phases.LevelBad, keys: []string{"extend", "abort", "note"}}
	case phases.WaitHeld:
		return v.nextHeld(n)
	}
	st := step{text: "Next: " + p.Plan.Title + ".", level: phases.LevelInfo, keys: []string{"start", "abort", "note"}}
	switch p.Status {
	case phases.PhaseIsRolledBack:
		st.text, st.level = p.Plan.Title+" was rolled back: "+look.NameOr(p.Reason, "on command")+". It can be started again.", phases.LevelWarn
	case phases.PhaseIsFailed:
		st.text, st.level = p.Plan.Title+" failed: "+look.NameOr(p.Reason, "see its panes")+". It can be started again.", phases.LevelBad
	}
	if p.Plan.PointOfNoReturn {
		st.text += " Its COMMIT is the point of no return."
		st.level = phases.LevelWarn
	}
	return st
}

// nextHeld is for a phase that is held: by a finding, by what an item's key mends, by
// what the window's extension does, or by what somebody sees to elsewhere.
func (v *Viewer) nextHeld(n phases.Next) step {
	st := step{text: n.Phase.Plan.Title + " is held: " + n.Holds[0].Text + ".", level: phases.LevelBad, keys: []string{"recheck", pane.Binding(pane.Checklist)}}
	switch {
	case slices.ContainsFunc(n.Holds, func(h phases.Hold) bool { return h.Code != "" }):
		st.keys = []string{"acknowledge"}
	case v.mendedByItems():
		st.keys, st.waits = v.itemKeys()
		st.at = pane.Checklist
	case slices.ContainsFunc(n.Holds, func(h phases.Hold) bool { return h.Window }):
		st.keys = append([]string{"extend"}, st.keys...)
	}
	st.keys = append(st.keys, "abort", "note")
	return st
}
