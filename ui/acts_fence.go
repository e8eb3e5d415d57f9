package ui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
	"tminus/ui/look"
)

// offText says what is off for the run, when it is to end.
func offText(s *phases.State) []dialog.Text {
	var names []string
	var out []dialog.Text
	for _, f := range s.FencesOff() {
		if f.Plan.Made() {
			out = append(out, dialog.Say(phases.LevelWarn, "Made for the run: "+f.Titled()+"."))
			continue
		}
		names = append(names, f.Titled())
	}
	if names != nil {
		out = append(out, dialog.Say(phases.LevelWarn, "Off for the run: "+strings.Join(names, ", ")+"."))
	}
	return out
}

// liftField asks whether what is off comes back now; none where nothing is.
func liftField(s *phases.State) []dialog.Field {
	if len(s.FencesOff()) == 0 {
		return nil
	}
	label := "Bring it back now"
	if len(s.FencesOff()) > 1 {
		label = "Bring them back now"
	}
	return []dialog.Field{dialog.NewField(label, runbook.Field{ID: "-", Label: label, Type: runbook.FieldYesNo, Example: "yes"}, "yes")}
}

// lifts reads the answer behind the reason. Where nothing was off when it was
// asked, what is off by now comes back.
func lifts(v []string) bool { return len(v) < 2 || strings.HasPrefix(strings.ToLower(v[1]), "y") }

// fenceText says what switching an item's fence does.
func fenceText(s *phases.State, it runbook.Item) []dialog.Text {
	f := s.Fence(it.Fence)
	if f == nil {
		return nil
	}
	does := "Its state is recorded first, then it is switched off, and looked at."
	switch {
	case f.Plan.Made():
		return madeText(s, f, it)
	case it.Action.Name == runbook.LiftFence:
		does = "It comes back as it was recorded, and is compared: " + f.Recorded.Text + "."
	}
	return []dialog.Text{dialog.Say(phases.LevelInfo, fenceIs(f.Plan)), dialog.Say(phases.LevelInfo, does)}
}

// madeText says what making indexes does, or seeing to them after the phases.
func madeText(s *phases.State, f *phases.FenceState, it runbook.Item) []dialog.Text {
	say := func(text string) dialog.Text { return dialog.Say(phases.LevelInfo, text) }
	if it.Action.Name == runbook.LiftFence {
		return []dialog.Text{say("As they were recorded: " + f.Recorded.Text + "."), say("DROP INDEX CONCURRENTLY, of exactly these; what is kept gets its name.")}
	}
	var out []dialog.Text
	for _, i := range s.WantedIndexes() {
		after := "dropped after the run"
		if i.Keep {
			after = "kept"
		}
		out = append(out, say(fmt.Sprintf("%s, for %s: some %s, %s, %s.", look.Initial(i.String()), phases.Clean(i.Constraint), phases.Span(i.Build), phases.Bytes(i.Bytes), after)))
	}
	return append(out, say("CREATE INDEX CONCURRENTLY, one after the other: others go on reading and writing. It waits for the transactions that are open, each for "+phases.Span(f.Plan.Wait)+" at most, and can be cancelled."))
}

// fenceIs says what a fence is of.
func fenceIs(f *runbook.Fence) string {
	switch f.Kind {
	case runbook.FenceTriggers:
		return "Triggers: " + strings.Join(f.Triggers, ", ") + "."
	case runbook.FenceWorkflow:
		return fmt.Sprintf("The workflow %s of %s, at GitHub.", f.Workflow, f.Repository)
	case runbook.FenceFile:
		return fmt.Sprintf("%s is %s while it is off, on %s of %s, by a commit that is pushed.", f.Path, f.To, f.Branch, f.Remote)
	case runbook.FenceAlertmanager:
		return "A silence for " + strings.Join(f.Matchers, ", ") + "."
	case runbook.FencePgBouncer:
		return "PAUSE of " + f.Database + " in PgBouncer: whoever is connected waits."
	case runbook.FencePatroni:
		return "Patroni's automatic failover, for the whole cluster."
	case runbook.FenceDeployment:
		return "The Deployment " + f.Name + ", to 0 replicas."
	case runbook.FenceCron:
		return "The job " + f.Job + " of pg_cron."
	case runbook.FenceCommands:
		return "By " + strings.Join(f.Off, " ") + ", and back by " + strings.Join(f.On, " ") + "."
	}
	return "A fence that this version does not know."
}

// fenceToLeave is the fence of the selected item; empty for none.
func (v *Viewer) fenceToLeave() string {
	it, err := v.selected()
	if err != nil {
		return ""
	}
	return it.Fence
}

func canLeaveFence(v *Viewer, now time.Time) error {
	s, err := v.run()
	if err != nil {
		return err
	}
	id := v.fenceToLeave()
	if id == "" {
		return errors.New("select the item of a fence first: this leaves what is off as it is")
	}
	return s.Can(phases.LeaveFence{Fence: id, Reason: "-"}, now)
}

// leaveFence asks for a decision that nobody takes in passing.
func (o *Operator) leaveFence(now time.Time) tea.Cmd {
	id := o.fenceToLeave()
	f := o.state.Fence(id)
	text := func(s *phases.State, _ time.Time) []dialog.Text {
		f := s.Fence(id)
		out := []dialog.Text{dialog.Say(phases.LevelBad, f.Plan.Title+": "+f.Word()+". It was: "+f.Recorded.Text+".")}
		for _, why := range []string{f.Found, f.Error, f.Failed} {
			if why != "" {
				out = append(out, dialog.Say(phases.LevelWarn, why))
			}
		}
		return append(out, dialog.Say(phases.LevelInfo, "The run does not bring it back any more: it stays as it is, and somebody has to see to it. Whoever decides is named in the execution log."))
	}
	return o.ask(dialog.Dialog{
		Title: "Leave " + f.Plan.Title + " as it is?", Level: phases.LevelBad, Careful: true, Text: text,
		Ground: dialog.LeadsTo(phases.LeaveFence{Fence: id, Reason: "-"}),
		Fields: []dialog.Field{dialog.TextField("Reason"), dialog.TypedField("Its id", id)},
		Buttons: []dialog.Button{no("No"), dialog.Do("Leave it", o.sends(false, func(v []string) (phases.Command, error) {
			return phases.LeaveFence{Fence: id, Reason: v[0]}, nil
		}))},
	}, now)
}
