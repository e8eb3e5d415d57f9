package pick

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/draft"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
	"tminus/ui/look"
)

// ask opens the one question: whether, and where, the runbook is to be written.
// Where something stands against it, that is said instead.
func (s *Screen) ask() tea.Cmd {
	d, w := s.worked.draft, s.wish()
	if err := canGo(s); err != nil {
		s.say(phases.LevelWarn, "Nothing to write: "+err.Error()+".")
		return nil
	}
	file := dialog.NewField("File to write", runbook.Field{ID: "-", Label: "File", Type: runbook.FieldText, Required: true}, s.opts.File)
	write := func(values []string, _ time.Time) (tea.Cmd, error) {
		if err := s.opts.Write(d, w, values[0]); err != nil {
			return nil, err
		}
		s.written = true
		return tea.Quit, nil
	}
	s.dialog = dialog.Dialog{
		Title: "Write this runbook?", Level: phases.LevelWarn, Text: dialog.Says(s.summary(d, w)...), Careful: true,
		Fields:  []dialog.Field{file},
		Buttons: []dialog.Button{{Label: "No"}, dialog.Do("Write it", write)},
	}.Begin(s.now())
	return s.tick()
}

// summary is what the runbook would do.
func (s *Screen) summary(d *draft.Draft, w draft.Wish) []dialog.Text {
	out := []dialog.Text{
		dialog.Say(phases.LevelInfo, "It clears "+Several(w.Clear)+". "+s.total()+", in "+look.Plural(d.Phases(), "phase", "phases")+"."),
	}
	losers := 0
	for _, fate := range s.fates {
		if fate == draft.Loses {
			losers++
		}
	}
	if losers > 0 {
		out = append(out, dialog.Say(phases.LevelWarn, look.Plural(losers, "table stays and loses a reference.", "tables stay and lose a reference.")))
	}
	protected := "Nothing is protected."
	if len(w.Protect) > 0 {
		protected = "Protected: " + Several(w.Protect) + "."
	} else if n := len(s.proposed()); n > 0 {
		protected = "Nothing is protected; it is proposed for " + look.Plural(n, "table", "tables") + "."
	}
	out = append(out, dialog.Say(phases.LevelInfo, protected))
	last := "Only the file is written; the database stays as it is. What a human has to decide stands in it as DECIDE."
	if s.opts.Force {
		last = "A file of that name is overwritten. " + last
	}
	return append(out, dialog.Say(phases.LevelInfo, last))
}

// Several is a list of names, of which the first few are said.
func Several(names []string) string {
	const few = 3
	if len(names) <= few+1 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:few], ", ") + " and " + look.Count(int64(len(names)-few)) + " more tables"
}
