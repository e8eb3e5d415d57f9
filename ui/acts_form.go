package ui

import (
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
)

// edit opens the form of the selected item's fields, or of those that mend what
// its check found: what has to be recorded anew stands empty, and comes first.
func (o *Operator) edit(now time.Time) tea.Cmd {
	on, err := o.selected()
	if err != nil {
		return nil
	}
	it, anew := o.filled(on, now)
	fields := it.Fields
	if len(fields) == 0 { // only what is signed gets here
		return o.sign(it, now)
	}
	d := dialog.Dialog{Title: it.Text, Form: true, Ground: dialog.LeadsTo(phases.Record{Item: it.ID, Field: fields[0].ID})}
	var text []dialog.Text
	if on.ID != it.ID {
		text = append(text, dialog.Say(phases.LevelWarn, on.Text+": "+o.state.ItemLacks(on)+"."))
	}
	if it.Help != "" {
		text = append(text, dialog.Say(phases.LevelInfo, it.Help))
	}
	for i, f := range fields {
		value := o.state.Fields[f.ID].Value
		if f.ID == anew {
			d.Focus = i
			if value != "" {
				text = append(text, dialog.Say(phases.LevelInfo, "Recorded so far: "+f.Label+", "+value+"."))
			}
			value = ""
		}
		d.Fields = append(d.Fields, dialog.NewField(f.Label, f, value))
	}
	d.Text = dialog.Says(text...)
	if it.Check == nil && it.Message == "" && it.Sign == "" && !o.state.ByAction(it) {
		label := "Save and tick"
		if o.state.Item(it.ID).Ticked {
			label = "Save, keep the tick"
		}
		d.Buttons = append(d.Buttons, dialog.Do(label, o.saves(it, fields, anew, true)))
	}
	d.Buttons = append(d.Buttons, dialog.Do("Save", o.saves(it, fields, anew, false)), no("Cancel"))
	return o.ask(d, now)
}

// saves records the fields that changed, and ticks their item when told to; a
// tick that a change takes back is set again. What has to be recorded anew, if there
// is such a field, must be another value than before.
func (o *Operator) saves(it runbook.Item, fields []runbook.Field, anew string, tick bool) func([]string, time.Time) (tea.Cmd, error) {
	return func(values []string, now time.Time) (tea.Cmd, error) {
		var commands []phases.Command
		for i, f := range fields {
			value, err := phases.ParseField(f, values[i], now)
			switch {
			case err != nil:
				return nil, dialog.At(i, fmt.Errorf("expected: %w", err))
			case f.ID == anew && value == "":
				return nil, dialog.At(i, errors.New("it has to be recorded anew"))
			case f.ID == anew && value == o.state.Fields[f.ID].Value:
				return nil, dialog.At(i, errors.New("that is recorded already, and does not do: it has to be recorded anew"))
			case tick && phases.ValueLacks(f, value) != "":
				return nil, dialog.At(i, errors.New(phases.ValueLacks(f, value)))
			}
			if value == o.state.Fields[f.ID].Value {
				continue
			}
			c := phases.Record{Item: it.ID, Field: f.ID, Value: value}
			if err := o.possible(c, now); err != nil {
				return nil, err
			}
			commands = append(commands, c)
		}
		if tick && (len(commands) > 0 || !o.state.Item(it.ID).Ticked) {
			commands = append(commands, phases.Tick{Item: it.ID})
		}
		return o.send(false, "", commands...), nil
	}
}
