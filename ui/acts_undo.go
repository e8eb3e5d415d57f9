package ui

import (
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
)

// undoText is what would bring back what a COMMIT makes last.
func undoText(s *phases.State, p *phases.PhaseState) []dialog.Text {
	var out []dialog.Text
	level := phases.LevelBad
	if s.Opened.Undoes != nil {
		level = phases.LevelInfo
	}
	if c := p.Capsule; c != nil {
		out = append(out, dialog.Say(phases.LevelInfo, "Its capsule: "+c.String()+"; "+phases.Bytes(c.Bytes)+" on disk."))
		level = phases.LevelInfo
	}
	switch {
	case p.Plan.PointOfNoReturn:
		return append(out, dialog.Say(phases.LevelBad, "This is the POINT OF NO RETURN: after it "+s.AfterCommit(p)+"."))
	case s.Runbook.Keeps(p.Plan) == s.Keeps(p): // no journal of an older version
		return append(out, dialog.Say(level, "After COMMIT "+s.AfterCommit(p)+"."))
	}
	return out
}

// afterCommit says what helps after the COMMIT of a phase that has not begun.
func afterCommit(s *phases.State, plan *runbook.Phase) string {
	for i := range s.Phases {
		if s.Phases[i].Plan.ID == plan.ID {
			return s.AfterCommit(&s.Phases[i])
		}
	}
	return "only a restore helps"
}

// closeText says what closing does, which in a rehearsal is to try the undo first.
func closeText(s *phases.State, _ time.Time) []dialog.Text {
	out := []dialog.Text{dialog.Say(phases.LevelInfo, "All stages are done. The journal is closed; the execution log can be made from it at any time.")}
	if s.WantsUndoTrial() {
		sum := s.Undo()
		out = append(out, dialog.Say(phases.LevelWarn, "First what the phases took is put back, to see that it works and how long it takes: "+
			phases.BackWords(sum.Gone, sum.Changed, sum.Added)+". The rehearsal's database is then as it was before."))
	}
	return out
}
