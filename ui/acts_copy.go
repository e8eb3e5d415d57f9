package ui

import (
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/dialog"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// What can be copied, by its name.
const (
	theUndo    = "the undo command"
	theRestore = "the restore command" // which what is recorded makes whole
	theQuery   = "the query of the session that blocks"
	theResume  = "the command that takes the run up again"
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
			return theUndo, s.UndoCommand(v.opts.Journal)
		}
		return theRestore, s.RestoreCommand()
	}
	switch {
	case v.nav.focus == pane.Undo:
		return undo()
	case s.Blocked() && s.OpenPhase().Lock.Blockers[0].Query != "":
		return theQuery, s.OpenPhase().Lock.Blockers[0].Query
	case s.Outcome != "" && len(pane.CommittedPhases(s)) > 0:
		return undo()
	case s.Outcome == "" && v.opts.Journal != "":
		return theResume, s.Command("resume", v.opts.Journal)
	}
	return undo()
}

// copyName is what the key is called: by what it would copy.
func copyName(v *Viewer) string {
	what, _ := v.Copyable()
	switch what {
	case theQuery:
		return "copy its query"
	case theResume:
		return "copy the resume command"
	}
	return "copy " + what
}

func canCopy(v *Viewer, _ time.Time) error {
	s, err := v.run()
	if err != nil {
		return err
	}
	if what, _ := v.Copyable(); what == theRestore {
		return Restorable(s)
	}
	return nil
}

// Restorable says why a run's restore command is none that anybody could run.
func Restorable(s *phases.State) error {
	switch lacks := s.RestoreLacks(); {
	case s.RestoreCommand() == "":
		return errors.New("the runbook gives no restore command")
	case len(lacks) > 0:
		return errors.New("the restore command still lacks " + strings.Join(lacks, ", ") + ": it has to be recorded first")
	}
	return nil
}

// Copied is how a status line names a text that was copied: one of several lines is
// none in one.
func Copied(text string) string {
	if n := strings.Count(text, "\n"); n > 0 {
		return look.Plural(n+1, "line", "lines")
	}
	return text
}

// copyOut puts what is worth it into the clipboard of the operator's own terminal.
// Where that has none it stays in sight, whole, for a hand to take.
func (o *Operator) copyOut(now time.Time) tea.Cmd {
	what, text := o.Copyable()
	cmd := o.manners.Clipboard(text)
	if cmd == nil {
		var said []dialog.Text
		for line := range strings.SplitSeq(text, "\n") {
			said = append(said, dialog.Say("", line))
		}
		return o.ask(dialog.Dialog{
			Title: look.Initial(what), Blind: true, Ground: func(*phases.State, time.Time) error { return nil },
			Text:    dialog.Says(append(said, dialog.Say(phases.LevelInfo, "This terminal has no clipboard that a program can reach."))...),
			Buttons: []dialog.Button{no("Close")},
		}, now)
	}
	o.say(phases.LevelInfo, "Sent to your terminal's clipboard, "+what+": "+Copied(text))
	return cmd
}
