package ui

import (
	"fmt"
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/runbook"
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
	if s.Interrupted != "" && s.Outcome == "" { // its program has left it: nobody takes a command
		return step{text: "The run was interrupted: " + sanitize(s.Interrupted), level: phases.LevelBad, keys: []string{"quit", "pane 5", "pane 6"}}
	}
	switch s.Stage() {
	case phases.StageEnded:
		return step{text: "The run has ended: " + outcomeWord(s.Outcome) + ".", level: outcomeLevel(s.Outcome), keys: []string{"quit", "pane 5", "pane 6"}}
	case phases.StageChecklist:
		return v.nextBeforeGate(now)
	case phases.StageAfter:
		return v.nextAfter()
	}
	if p := s.OpenPhase(); p != nil {
		return nextInPhase(p, now)
	}
	return v.nextPhase(now)
}

func outcomeLevel(o phases.Outcome) phases.Level {
	switch o {
	case phases.Completed:
		return phases.LevelGood
	case phases.NoGo, phases.Unfinished:
		return phases.LevelWarn
	}
	return phases.LevelBad
}

func (v *Viewer) nextBeforeGate(now time.Time) step {
	holds := v.state.GateHolds(now)
	if len(holds) == 0 {
		return step{text: "Nothing holds the gate: it is time for GO or NO-GO.", level: phases.LevelGood, keys: []string{"go", "no-go", "pane 1", "recheck", "note"}}
	}
	st := step{text: fmt.Sprintf("%s before the gate can open.", plural(len(holds), "item", "items")), level: phases.LevelInfo}
	if n := len(v.state.Gate.Closed); n > 0 {
		st.text, st.level = "The gate closed again: "+v.state.Gate.Closed[0], phases.LevelWarn
	}
	st.keys = append(v.itemKeys(), "no-go", "note")
	return st
}

// itemKeys are what the selected item asks for.
func (v *Viewer) itemKeys() []string {
	if v.nav.focus != paneChecklist {
		return []string{"next open", "follow"}
	}
	it, err := v.selected()
	if err != nil {
		return []string{"down", "next open"}
	}
	s := v.state
	_, g, _ := s.Runbook.Item(it.ID)
	if !v.open()[it.ID] {
		keys := []string{"next open", "down"}
		switch {
		case it.Check != nil:
			keys = append(keys, "recheck")
		case v.answerable(g.ID):
			keys = append(keys, "tick")
		}
		if len(it.Fields) > 0 {
			keys = append(keys, "edit")
		}
		return keys
	}
	var keys []string
	action := it.Action != nil && (s.Item(it.ID).Action == nil || !s.Item(it.ID).Action.Running)
	switch {
	case it.Check != nil && s.ItemDone(it): // its answer is too old
	case lacksField(s, it):
		keys = append(keys, "edit")
	case it.Check == nil:
		keys = append(keys, "tick")
	}
	if action {
		keys = append([]string{"action"}, keys...)
	}
	if it.Check != nil {
		if c := s.Item(it.ID).Check; c != nil && !s.ItemDone(it) && len(it.Fields) > 0 && !lacksField(s, it) {
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

// nextInPhase is for an open transaction.
func nextInPhase(p *phases.PhaseState, now time.Time) step {
	title := p.Plan.Title
	switch p.Status {
	case phases.PhaseLocking:
		return nextWhileLocking(p, now)
	case phases.PhaseVerifying:
		return step{text: title + ": verifying before COMMIT.", level: phases.LevelInfo, keys: []string{"rollback"}}
	case phases.PhaseHolding:
		text := fmt.Sprintf("%s is verified. COMMIT or ROLLBACK: it is rolled back in %s.", title, countdown(p.HoldUntil.Sub(now)))
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
		st.text, st.level = fmt.Sprintf("Waiting for the lock on %s, %s", nameOr(l.Table, "a table"), duration(l.Waited)), phases.LevelWarn
		if !l.Until.IsZero() {
			st.text = fmt.Sprintf("Waiting for %s, rolled back in %s", nameOr(l.Table, "another session"), countdown(l.Until.Sub(now)))
		}
		if len(l.Blockers) > 0 {
			b := l.Blockers[0]
			st.text += fmt.Sprintf(", blocked by session %d (%s)", b.PID, nameOr(b.Application, nameOr(b.User, "unknown")))
			st.keys = []string{"session", "rollback"}
		}
		st.text += "."
	}
	return st
}

func nameOr(name, other string) string {
	if name == "" {
		return other
	}
	return name
}

// nextPhase is for the time between two phases.
func (v *Viewer) nextPhase(now time.Time) step {
	s := v.state
	i := s.Current()
	p := &s.Phases[i]
	switch p.Status {
	case phases.PhaseUnknown:
		return step{text: "The outcome of " + p.Plan.Title + " is unknown: a human must look at the database.", level: phases.LevelBad, keys: []string{"pane 6", "abort", "note"}}
	case phases.PhaseIsUndone:
		return step{text: p.Plan.Title + " is undone: a human must look at the database.", level: phases.LevelBad, keys: []string{"pane 6", "accept", "abort", "note"}}
	}
	if done, total := s.GroupDone(runbook.Group{Items: p.Plan.Confirm}); done < total {
		return step{
			text:  fmt.Sprintf("%s to confirm before %s.", plural(total-done, "point", "points"), p.Plan.Title),
			level: phases.LevelWarn, keys: append(v.itemKeys(), "abort"),
		}
	}
	if at := s.AbortAt(); !at.IsZero() && now.After(at) {
		return step{text: "The window is over: extend it with a name and a reason, or abort.", level: phases.LevelBad, keys: []string{"extend", "abort", "note"}}
	}
	if holds := s.PhaseHolds(i, now); len(holds) > 0 {
		return step{text: p.Plan.Title + " is held: " + holds[0].Text + ".", level: phases.LevelBad, keys: []string{"recheck", "pane 1", "abort", "note"}}
	}
	st := step{text: "Next: " + p.Plan.Title + ".", level: phases.LevelInfo, keys: []string{"start", "abort", "note"}}
	switch p.Status {
	case phases.PhaseIsRolledBack:
		st.text, st.level = p.Plan.Title+" was rolled back: "+nameOr(p.Reason, "on command")+". It can be started again.", phases.LevelWarn
	case phases.PhaseIsFailed:
		st.text, st.level = p.Plan.Title+" failed: "+nameOr(p.Reason, "see its panes")+". It can be started again.", phases.LevelBad
	}
	if p.Plan.PointOfNoReturn {
		st.text += " Its COMMIT is the point of no return."
		st.level = phases.LevelWarn
	}
	return st
}

func (v *Viewer) nextAfter() step {
	s := v.state
	i := s.CurrentAfter()
	if i >= len(s.Runbook.After) {
		return step{text: "All is done: close the run.", level: phases.LevelGood, keys: []string{"close run", "note"}}
	}
	g := s.Runbook.After[i]
	done, total := s.GroupDone(g)
	return step{
		text:  fmt.Sprintf("%s: %s to go.", g.Title, plural(total-done, "item", "items")),
		level: phases.LevelInfo, keys: append(v.itemKeys(), "note"),
	}
}

// levelStyle is the looks of a level.
func (s *Styles) levelStyle(l phases.Level) lipgloss.Style {
	switch l {
	case phases.LevelGood:
		return s.Good
	case phases.LevelWarn:
		return s.Warn
	case phases.LevelBad:
		return s.Bad
	}
	return s.Text
}

// levelMark says in a cell what a level's colour says.
func (s *Styles) levelMark(l phases.Level) string {
	switch l {
	case phases.LevelGood:
		return s.Mark.Done
	case phases.LevelWarn:
		return s.Mark.NoReturn
	case phases.LevelBad:
		return s.Mark.Failed
	}
	return s.Mark.Cursor
}
