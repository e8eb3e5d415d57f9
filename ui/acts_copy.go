package ui

import (
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/pane"
)

// Copyable is what is worth taking into another window from where the run, and
// the reader, are: the command that undoes or restores, a blocking session's
// query, the command that takes the run up again. Empty where there is nothing.
func (v *Viewer) Copyable() (what, text string) {
	s := v.state
	if s == nil || s.Runbook == nil {
		return "", ""
	}
	undo := func() (string, string) {
		if s.Undo().Phases != nil && s.Opened.Undoes == nil {
			return "the undo command", s.UndoCommand(v.opts.Journal)
		}
		return "the restore command", s.RestoreCommand()
	}
	p := s.OpenPhase()
	switch {
	case v.nav.focus == pane.Undo:
		return undo()
	case p != nil && p.Lock != nil && len(p.Lock.Blockers) > 0 && p.Lock.Blockers[0].Query != "":
		return "the blocking query", p.Lock.Blockers[0].Query
	case s.Outcome != "" && len(pane.CommittedPhases(s)) > 0:
		return undo()
	case s.Outcome == "" && v.opts.Journal != "":
		return "the resume command", "tminus resume " + v.opts.Journal
	}
	return undo()
}

func canCopy(v *Viewer, _ time.Time) error {
	if _, err := v.run(); err != nil {
		return err
	}
	if _, text := v.Copyable(); text == "" {
		return errors.New("the runbook gives no restore command")
	}
	return nil
}

// copyOut puts what is worth it into the clipboard of the operator's own terminal.
func (o *Operator) copyOut(time.Time) tea.Cmd {
	what, text := o.Copyable()
	cmd := o.manners.Clipboard(text)
	if cmd == nil {
		o.say(phases.LevelInfo, "This terminal has no clipboard that a program can reach; "+what+" is: "+text)
		return nil
	}
	o.say(phases.LevelInfo, "Sent to your terminal's clipboard, "+what+": "+text)
	return cmd
}
