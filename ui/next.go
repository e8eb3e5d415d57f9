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
// likeliest first. A person must get through by these keys alone.
type step struct {
	text  string
	level phases.Level
	keys  []string // ids of bindings
}

// next says what to do now.
func (v *Viewer) next(now time.Time) step {
	s := v.state
	if s == nil || s.Runbook == nil {
		return step{text: "Reading the journal …", level: phases.LevelInfo}
	}
	n := s.Next(now)
	switch n.Wait {
	case phases.WaitResume: // nobody takes a command
		return step{text: "The run was interrupted: " + look.Sanitize(s.Interrupted), level: phases.LevelBad, keys: []string{"quit", pane.Binding(pane.Log), pane.Binding(pane.Undo)}}
	case phases.WaitNobody:
		if s.WantsLift() {
			return step{text: "The run has ended: " + s.Outcome.Word() + ". What was off for it is coming back.", level: phases.LevelWarn, keys: []string{pane.Binding(pane.Log)}}
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
		return step{
			text:  fmt.Sprintf("%s: %s to go.", n.Group.Title, look.Plural(total-done, "item", "items")),
			level: phases.LevelInfo, keys: append(v.itemKeys(), "note"),
		}
	case phases.WaitUpkeep:
		return nextAfterCommit(s, now)
	case phases.WaitUndo:
		return step{text: look.Initial(s.TrialWords()) + ".", level: phases.LevelInfo, keys: []string{pane.Binding(pane.Undo), pane.Binding(pane.Log)}}
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
	switch found := v.state.Unacknowledged(); {
	case len(found) > 0 && len(v.open()) == 0:
		st.text = fmt.Sprintf("The survey found what will fail: %s has to be acknowledged by name.", found[0].Code)
		st.keys, st.level = []string{"acknowledge", pane.Binding(pane.Reach)}, phases.LevelBad
	case len(found) > 0:
		st.keys = append(v.itemKeys(), "acknowledge")
	case len(v.open()) == 0 && v.state.Gate.Closed == nil:
		st.text, st.level = "The gate is held: "+n.Holds[0].Text+".", phases.LevelBad
		st.keys = append([]string{pane.Binding(pane.Gate)}, v.itemKeys()...)
	default:
		st.keys = v.itemKeys()
	}
	st.keys = append(st.keys, "no-go", "note")
	return st
}

// itemKeys are what the selected item asks for.
func (v *Viewer) itemKeys() []string {
	if v.nav.focus != pane.Checklist {
		return []string{"next open", "follow"}
	}
	it, err := v.selected()
	if err != nil {
		return []string{"down", "next open"}
	}
	s := v.state
	_, answerable := s.Answerable(it.ID)
	if !v.open()[it.ID] {
		keys := []string{"next open", "down"}
		switch {
		case it.Check != nil:
			keys = append(keys, "recheck")
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
	if it.Fence != "" && s.Can(phases.Act{Item: it.ID}, s.At) != nil && len(v.open()) > 1 {
		return []string{"next open", "recheck", "down"} // another fence comes first, or an action has to end
	}
	var keys []string
	if keys := waitingKeys(s, it); keys != nil {
		return keys
	}
	action := it.Action != nil && s.Runs(it.Action) || it.Message != ""
	switch {
	case it.Check != nil && s.ItemDone(it): // its answer is too old
	case s.Ask(it).Need == phases.NeedField:
		keys = append(keys, "edit")
	case it.Check == nil && !s.ByAction(it):
		keys = append(keys, "tick")
	}
	if action {
		keys = append([]string{"action"}, keys...)
	}
	if it.Check != nil {
		if c := s.Item(it.ID).Check; c != nil && !s.ItemDone(it) && len(it.Fields) > 0 && s.Ask(it).Need != phases.NeedField {
			keys = append(keys, "edit") // it was asked with what is recorded
		}
		if len(keys) == 0 && len(v.open()) > 1 {
			// Nothing to do here: what its check finds depends on something else.
			return []string{"next open", "recheck", "down"}
		}
		keys = append(keys, "recheck")
	}
	return append(keys, "next open", "down")
}

// waitingKeys are for an item whose answer comes by itself, or whose action has
// to wait for another's end: looking again is the likeliest. Nil for others.
func waitingKeys(s *phases.State, it runbook.Item) []string {
	act := s.Item(it.ID).Action
	_, byItself := s.Begins(it)
	switch {
	case (byItself || act != nil && act.Running) && it.Action.Long():
		return []string{"next open", "recheck", "down", "action"}
	case act != nil && act.Running, s.Acting() != nil && s.Ask(it).Need == phases.NeedAction:
		return []string{"next open", "recheck", "down"}
	}
	return nil
}

// nextAfterCommit is for maintenance, which nothing but the next phase waits for.
func nextAfterCommit(s *phases.State, now time.Time) step {
	m := s.Maintaining()
	text := m.Plan.Name() + " runs after COMMIT"
	if !m.StartedAt.IsZero() {
		text += ", since " + look.Duration(now.Sub(m.StartedAt))
	}
	return step{text: text + ": the next phase waits for it.", level: phases.LevelInfo, keys: []string{"skip", "note"}}
}

// nextInPhase is for an open transaction.
func nextInPhase(p *phases.PhaseState, now time.Time) step {
	title := p.Plan.Title
	switch p.Status {
	case phases.PhaseLocking:
		return nextWhileLocking(p, now)
	case phases.PhaseVerifying:
		if p.Keeping != nil {
			return step{text: title + ": writing its capsule before COMMIT, " + pane.KeepingShare(p.Keeping) + ".", level: phases.LevelInfo, keys: []string{"rollback"}}
		}
		return step{text: title + ": verifying before COMMIT.", level: phases.LevelInfo, keys: []string{"rollback"}}
	case phases.PhaseHolding:
		text := fmt.Sprintf("%s is verified: COMMIT or ROLLBACK. It rolls back in %s.", title, look.Left(p.HoldUntil.Sub(now)))
		return step{text: text, level: phases.LevelWarn, keys: []string{"commit", "rollback", "note"}}
	case phases.PhaseCommitting:
		return step{text: title + ": COMMIT is sent; waiting for the answer.", level: phases.LevelWarn}
	case phases.PhaseInDoubt:
		text := title + ": COMMIT IN DOUBT, being settled"
		if n := len(p.Doubt); n > 0 {
			text += ": " + p.Doubt[n-1]
		}
		return step{text: text, level: phases.LevelBad}
	}
	if !p.Plan.Writes() {
		return step{text: title + ": counting. Nothing is changed.", level: phases.LevelInfo, keys: []string{"rollback", "abort"}}
	}
	return step{text: title + " runs. Nothing is committed.", level: phases.LevelInfo, keys: []string{"rollback", "note"}}
}

func nextWhileLocking(p *phases.PhaseState, now time.Time) step {
	st := step{text: p.Plan.Title + ": taking its locks.", level: phases.LevelInfo, keys: []string{"rollback"}}
	if l := p.Lock; l != nil {
		st.text, st.level = fmt.Sprintf("Waiting for the lock on %s, %s", look.NameOr(l.Table, "a table"), look.Duration(l.Waited)), phases.LevelWarn
		if !l.Until.IsZero() {
			st.text = fmt.Sprintf("Waiting for %s, rolled back in %s", look.NameOr(l.Table, "another session"), look.Left(l.Until.Sub(now)))
		}
		if len(l.Blockers) > 0 {
			b := l.Blockers[0]
			st.text += fmt.Sprintf(", blocked by session %d (%s)", b.PID, look.NameOr(b.Application, look.NameOr(b.User, "unknown")))
			st.keys = []string{"session", "rollback"}
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
		if p.Status == phases.PhaseIsUndone {
			return step{text: p.Plan.Title + " is undone: a human must look at the database.", level: phases.LevelBad, keys: []string{pane.Binding(pane.Undo), "accept", "abort", "note"}}
		}
		return step{text: "The outcome of " + p.Plan.Title + " is unknown: a human must look at the database.", level: phases.LevelBad, keys: []string{pane.Binding(pane.Undo), "abort", "note"}}
	case phases.WaitConfirm:
		done, total := v.state.GroupDone(n.Group)
		return step{
			text:  fmt.Sprintf("%s to confirm before %s.", look.Plural(total-done, "point", "points"), p.Plan.Title),
			level: phases.LevelWarn, keys: append(v.itemKeys(), "abort"),
		}
	case phases.WaitWindow:
		return step{text: "The window is over: extend it with a name and a reason, or abort.", level: phases.LevelBad, keys: []string{"extend", "abort", "note"}}
	case phases.WaitHeld:
		if slices.ContainsFunc(n.Holds, func(h phases.Hold) bool { return h.Code != "" }) {
			return step{text: p.Plan.Title + " is held: " + n.Holds[0].Text + ".", level: phases.LevelBad, keys: []string{"acknowledge", "abort", "note"}}
		}
		return step{text: p.Plan.Title + " is held: " + n.Holds[0].Text + ".", level: phases.LevelBad, keys: []string{"recheck", pane.Binding(pane.Checklist), "abort", "note"}}
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
