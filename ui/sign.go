package ui

import (
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
	"tminus/ui/look"
)

// canSign says why the selected item can be neither signed nor have its signature
// withdrawn.
func canSign(v *Viewer, it runbook.Item, now time.Time) error {
	s := v.state
	switch {
	case s.Item(it.ID).Signed != nil:
		return s.Can(phases.Withdraw{Item: it.ID, Reason: "-"}, now)
	case len(it.Fields) > 0 && s.Ask(it).Need == phases.NeedField:
		return canEditItem(v, it, now) // the form comes first, then the name
	}
	return s.Can(phases.Sign{Item: it.ID, Name: "-"}, now)
}

// sign asks for the name of who signs an item, under what is signed; where it is
// signed, why the signature is withdrawn.
func (o *Operator) sign(it runbook.Item, now time.Time) tea.Cmd {
	switch {
	case o.state.Item(it.ID).Signed != nil:
		return o.unsign(it, now)
	case o.state.Ask(it).Need == phases.NeedField:
		return o.edit(now)
	}
	text := func(s *phases.State, _ time.Time) []dialog.Text {
		out := []dialog.Text{dialog.Say(phases.LevelInfo, "What is signed:")}
		for _, l := range s.Signed() {
			out = append(out, dialog.Say(phases.LevelInfo, look.Initial(l)+"."))
		}
		return append(out, dialog.Say(phases.LevelInfo, "Whoever signs types the name, as "+look.Sanitize(it.Sign)+". It stands in the report; it can be withdrawn until the run is closed."))
	}
	return o.ask(dialog.Dialog{
		Title: "Sign: " + it.Text, Level: phases.LevelWarn, Careful: true, Text: text, Ground: dialog.LeadsTo(phases.Sign{Item: it.ID, Name: "-"}),
		Fields: []dialog.Field{dialog.TextField("Name, as " + it.Sign)},
		Buttons: []dialog.Button{no("No"), dialog.Do("Sign", o.sends(false, func(v []string) (phases.Command, error) {
			return phases.Sign{Item: it.ID, Name: v[0]}, nil
		}))},
	}, now)
}

func (o *Operator) unsign(it runbook.Item, now time.Time) tea.Cmd {
	text := func(s *phases.State, _ time.Time) []dialog.Text {
		sig := s.Item(it.ID).Signed
		if sig == nil {
			return nil
		}
		return []dialog.Text{
			dialog.Say(phases.LevelInfo, "Signed by "+sig.Name+", "+sig.Role+", "+sig.Bound()+"."),
			dialog.Say(phases.LevelWarn, "Withdrawn, it counts no more. Both stay in the execution log, with the reason."),
		}
	}
	return o.ask(dialog.Dialog{
		Title: "Withdraw the signature?", Level: phases.LevelWarn, Careful: true, Text: text, Ground: dialog.LeadsTo(phases.Withdraw{Item: it.ID, Reason: "-"}),
		Fields: []dialog.Field{dialog.TextField("Reason")},
		Buttons: []dialog.Button{no("No"), dialog.Do("Withdraw", o.sends(false, func(v []string) (phases.Command, error) {
			return phases.Withdraw{Item: it.ID, Reason: v[0]}, nil
		}))},
	}, now)
}

// nothingToFill says why enter opens no form on an item without fields.
func nothingToFill(v *Viewer, it runbook.Item, now time.Time) error {
	switch {
	case it.Sign != "":
		return canSign(v, it, now)
	case v.state.ByAction(it):
		return errors.New("nothing to fill in: its action answers it")
	case it.Check == nil:
		return errors.New("nothing to fill in: space ticks it")
	}
	return errors.New("nothing to fill in: its check answers it")
}
