package ui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/dialog"
	"tminus/ui/look"
	"tminus/ui/pane"
)

func canWaive(v *Viewer, now time.Time) error {
	it, err := v.selected()
	if err != nil {
		return err
	}
	if v.state.Item(it.ID).Waived != nil {
		return v.state.Can(phases.TakeBackWaiver{Item: it.ID}, now)
	}
	return v.state.Can(phases.Waive{Item: it.ID, Who: "-", Reason: "-"}, now)
}

// waive asks who takes it on that the selected item is not done, or takes that
// back.
func (o *Operator) waive(now time.Time) tea.Cmd {
	it, err := o.selected()
	if err != nil {
		return nil
	}
	if o.state.Item(it.ID).Waived != nil {
		if o.tooSoon(now, "v") {
			return nil
		}
		return o.send(false, "", phases.TakeBackWaiver{Item: it.ID})
	}
	text := func(s *phases.State, _ time.Time) []dialog.Text {
		return []dialog.Text{
			dialog.Say(phases.LevelWarn, look.Initial(it.Text)+": "+s.ItemLacks(it)+"."),
			dialog.Say(phases.LevelInfo, "It then holds nothing any more. It is shown as WAIVED, and stands among the deviations of the execution log with this name and reason."),
		}
	}
	return o.ask(dialog.Dialog{
		Title: "Waive it?", Level: phases.LevelWarn, Careful: true, Text: text, Ground: dialog.LeadsTo(phases.Waive{Item: it.ID, Who: "-", Reason: "-"}),
		Fields: []dialog.Field{dialog.TextField("Who takes it on, name and role"), dialog.TextField("Reason")},
		Buttons: []dialog.Button{no("No"), dialog.Do("Waive it", o.sends(false, func(v []string) (phases.Command, error) {
			return phases.Waive{Item: it.ID, Who: v[0], Reason: v[1]}, nil
		}))},
	}, now)
}

// decideNow is about the smoke test that failed, or else the selected one: a
// human's fails where somebody says so.
func decideNow(v *Viewer) (phases.DecideSmoke, error) {
	s, err := v.run()
	if err != nil {
		return phases.DecideSmoke{}, err
	}
	c := phases.DecideSmoke{Verdict: phases.GoOn, Who: "-", Reason: "-"}
	if it, failed := s.SmokeFailed(); failed {
		c.Item = it.ID
		return c, nil
	}
	it, err := v.selected()
	c.Item = it.ID
	return c, err
}

func canDecide(v *Viewer, now time.Time) error {
	c, err := decideNow(v)
	if err != nil {
		return err
	}
	return v.state.Can(c, now)
}

// decide asks what follows from a smoke test that failed.
func (o *Operator) decide(now time.Time) tea.Cmd {
	c, err := decideNow(o.Viewer)
	if err != nil {
		return nil
	}
	it, _, _ := o.state.Runbook.Item(c.Item)
	text := func(s *phases.State, _ time.Time) []dialog.Text {
		return []dialog.Text{
			dialog.Say(phases.LevelBad, look.Initial(it.Text)+": "+lackOf(s, c.Item)+"."),
			dialog.Say(phases.LevelInfo, "Stop testing; call the database administrator and the client. To go on takes the failure on as it is. To restore or to undo ends with an abort of the run, which says how. All of it is recorded."),
		}
	}
	button := func(label string, verdict phases.Verdict) dialog.Button {
		return dialog.Do(label, o.sends(false, func(v []string) (phases.Command, error) {
			return phases.DecideSmoke{Item: c.Item, Verdict: verdict, Who: v[0], Reason: v[1]}, nil
		}))
	}
	return o.ask(dialog.Dialog{
		Title: "A smoke test failed: go on, or restore or undo?", Level: phases.LevelBad, Careful: true, Text: text, Ground: dialog.LeadsTo(c),
		Fields:  []dialog.Field{dialog.TextField("Who decides, name and role"), dialog.TextField("Reason")},
		Buttons: []dialog.Button{no("Not now"), button("Undo", phases.UndoIt), button("Restore", phases.Restore), button("Go on", phases.GoOn)},
	}, now)
}

// lackOf says what a test lacks, where somebody has gone on already too.
func lackOf(s *phases.State, id string) string {
	it, _, _ := s.Runbook.Item(id)
	if lacks := s.ItemLacks(it); lacks != "" {
		return lacks
	}
	return "it failed, and somebody has decided to go on"
}

// nextSmoke is for a smoke test that failed.
func (v *Viewer) nextSmoke(n phases.Next) step {
	keys := []string{"decide", "abort", "note"}
	if v.nav.focus == pane.Checklist && v.nav.cursor == n.Item.ID {
		again := "recheck"
		if v.state.ByAction(n.Item) {
			again = "action"
		}
		keys = []string{"decide", again, "waive", "abort", "note"}
	}
	if d := v.state.Item(n.Item.ID).Decided; d != nil && d.Verdict != phases.GoOn {
		keys = []string{"abort", "decide", "note"}
		return step{text: "Decided to " + d.Verdict.Word() + ": abort the run, which says how.", level: phases.LevelBad, keys: keys}
	}
	return step{text: "A smoke test failed: " + n.Item.Text + ". Go on, or restore or undo?", level: phases.LevelBad, keys: keys}
}
