package ui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// action asks before an item's work is done, or before it is cancelled.
func (o *Operator) action(now time.Time) tea.Cmd {
	it, err := o.selected()
	if err != nil {
		return nil
	}
	if it.Message != "" {
		return o.askTell(itemTells(o.state, it), now)
	}
	if end := (phases.CancelAction{Item: it.ID}); o.state.Can(end, now) == nil {
		return o.ask(dialog.Dialog{
			Title: "Cancel it?", Level: phases.LevelWarn, Careful: true, Ground: dialog.LeadsTo(end),
			Text:    dialog.Says(dialog.Say(phases.LevelInfo, it.Text+": "+cancelling(it.Action))),
			Buttons: []dialog.Button{no("No"), dialog.Do("Cancel it", o.sends(false, fixed(end)))},
		}, now)
	}
	it = o.acted(it, now)
	label := look.NameOr(it.Action.Text, it.Action.Name)
	text := []dialog.Text{dialog.Say(phases.LevelInfo, "On "+o.where()+".")}
	if n := len(it.Action.Triggers); n > 0 {
		text = append(text, dialog.Say(phases.LevelInfo, "Triggers: "+strings.Join(it.Action.Triggers, ", ")))
	}
	does := doing(o.state.Runbook.Backup, it.Action.Name)
	if it.Action.Answers() {
		does = pane.ActionHint(it.Action)
	}
	if does != "" {
		text = append(text, dialog.Say(phases.LevelInfo, does))
	}
	text = append(text, fenceText(o.state, it)...)
	act := phases.Act{Item: it.ID}
	return o.ask(dialog.Dialog{
		Title: look.Initial(label) + "?", Level: phases.LevelWarn, Careful: true, Text: dialog.Says(text...), Ground: dialog.LeadsTo(act),
		Buttons: []dialog.Button{no("No"), dialog.Do(look.Initial(label), o.sends(false, fixed(act)))},
	}, now)
}

// cancelling says what becomes of what an action has done so far.
func cancelling(a *runbook.Action) string {
	switch {
	case a.Probes != nil:
		return "its statements are rolled back."
	case a.Slow:
		return "what it has made so far stays until the run's end, and what it has begun is dropped."
	case a.Answers():
		return "what it has done by then stays done."
	}
	return "what it has made so far is removed."
}

// doing says how an action on the backup is done; empty for another action.
func doing(b runbook.Backup, name string) string {
	var argv []string
	var does string
	var asks runbook.Keeper
	switch name {
	case runbook.TakeBackup:
		argv, asks, does = b.Take.Command, b.Take.Keeper, "By pg_dump, into a new directory below "+b.Take.Directory+"."
	case runbook.VerifyBackup:
		argv, asks, does = b.Verify.Command, b.Verify.Keeper, "All of its files are read, and their rows counted."
	case runbook.TryBackup:
		argv, does = b.Try.Command, "It is restored into a throwaway server on this machine, compared, and removed."
		if b.Try.Database != "" {
			does = "It is restored into the database " + b.Try.Database + " of this server, and compared."
		}
	}
	switch {
	case len(argv) > 0 && asks.Some():
		return fmt.Sprintf("By %s. %s is asked what it has of %s before and after.", strings.Join(argv, " "), asks.Name(), asks.Of())
	case len(argv) > 0:
		return "By " + strings.Join(argv, " ") + "."
	case asks.Some() && b.Verify.Files:
		return fmt.Sprintf("%s is asked what it has of %s, and reads its files.", asks.Name(), asks.Of())
	case asks.Some():
		return fmt.Sprintf("%s is asked what it has of %s.", asks.Name(), asks.Of())
	}
	return does
}
