package ui

import (
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
	"tminus/ui/look"
)

// form is what a form of an item's fields began with.
type form struct {
	item  runbook.Item
	anew  string   // the field that has to be recorded anew; empty for none
	shown []string // what its lines began with: only what differs was typed
	known []string // what was recorded then, or what whoever types was told of since
}

// edit opens the form of the selected item's fields, or of those that mend what
// its check found: what has to be recorded anew stands empty, and comes first.
func (o *Operator) edit(now time.Time) tea.Cmd {
	on, err := o.selected()
	if err != nil {
		return nil
	}
	it, anew := o.filled(on, now)
	switch {
	case len(it.Fields) == 0: // only what is signed gets here
		return o.sign(it, now)
	case o.tooSoon(now, "enter"):
		return nil
	}
	f := form{item: it, anew: anew}
	d := dialog.Dialog{Title: it.Text, Form: true, Ground: dialog.LeadsTo(phases.Record{Item: it.ID, Field: it.Fields[0].ID})}
	var text []dialog.Text
	if on.ID != it.ID {
		text = append(text, dialog.Say(phases.LevelWarn, on.Text+": "+o.state.ItemLacks(on)+"."))
	}
	if it.Help != "" {
		text = append(text, dialog.Say(phases.LevelInfo, it.Help))
	}
	for i, field := range it.Fields {
		value := o.state.Fields[field.ID].Value
		f.known = append(f.known, value)
		if field.ID == anew {
			d.Focus = i
			if value != "" {
				text = append(text, dialog.Say(phases.LevelInfo, "Recorded so far: "+field.Label+", "+value+"."))
			}
			value = ""
		}
		d.Fields = append(d.Fields, dialog.NewField(field.Label, field, value))
	}
	d.Text, f.shown = dialog.Says(text...), d.Values()
	if it.Check == nil && it.Message == "" && it.Sign == "" && !o.state.ByAction(it) {
		label := "Save and tick"
		if o.state.Item(it.ID).Ticked {
			label = "Save, keep the tick"
		}
		// A tick says that somebody has read: the key that opened this has not.
		d.Careful = true
		d.Buttons = append(d.Buttons, dialog.Do(label, o.saves(&f, true)))
	}
	d.Buttons = append(d.Buttons, dialog.Do("Save", o.saves(&f, false)), no("Cancel"))
	return o.ask(d, now)
}

// saves records the fields that somebody has changed, and ticks their item when told
// to; a tick that a change takes back is set again.
func (o *Operator) saves(f *form, tick bool) func([]string, time.Time) (tea.Cmd, error) {
	return func(values []string, now time.Time) (tea.Cmd, error) {
		var commands []phases.Command
		for i, field := range f.item.Fields {
			value, err := o.entered(f, i, values[i], tick, now)
			if err != nil {
				return nil, dialog.At(i, err)
			}
			if value == o.state.Fields[field.ID].Value {
				continue
			}
			c := phases.Record{Item: f.item.ID, Field: field.ID, Value: value}
			if err := o.possible(c, now); err != nil {
				return nil, err
			}
			commands = append(commands, c)
		}
		if tick && (len(commands) > 0 || !o.state.Item(f.item.ID).Ticked) {
			commands = append(commands, phases.Tick{Item: f.item.ID})
		}
		return o.send(false, "", commands...), nil
	}
}

// entered is what a field is to hold: what was typed, and where nothing was, what is
// recorded by now. What has to be recorded anew must be another value than before.
func (o *Operator) entered(f *form, i int, typed string, tick bool, now time.Time) (string, error) {
	field := f.item.Fields[i]
	is := o.state.Fields[field.ID].Value
	value, changed, meanwhile := is, typed != f.shown[i], is != f.known[i]
	if changed {
		var err error
		if value, err = phases.ParseField(field, typed, now); err != nil {
			return "", fmt.Errorf("expected: %w", err)
		}
	}
	switch {
	case field.ID == f.anew && typed == "" && !meanwhile:
		return "", errors.New("it has to be recorded anew")
	case field.ID == f.anew && value == f.known[i]:
		return "", errors.New("that is recorded already, and does not do: it has to be recorded anew")
	case meanwhile && changed && value != is, meanwhile && !changed && tick:
		return "", o.meanwhile(f, i, changed)
	case tick && phases.ValueLacks(field, value) != "":
		return "", errors.New(phases.ValueLacks(field, value))
	}
	return value, nil
}

// meanwhile says what was recorded behind a form, once: neither is that replaced, nor
// a tick set on it, by somebody who has not seen it.
func (o *Operator) meanwhile(f *form, i int, changed bool) error {
	is := o.state.Fields[f.item.Fields[i].ID]
	f.known[i] = is.Value
	if f.item.Fields[i].ID == f.anew {
		f.anew = "" // that it is
	}
	if changed {
		return fmt.Errorf("recorded meanwhile by %s: %s; save once more to put this in its place", look.NameOr(is.By, "somebody"), look.NameOr(is.Value, "nothing"))
	}
	o.dialog.Fields[i].Edit.SetValue(look.Sanitize(is.Value))
	f.shown[i] = o.dialog.Values()[i]
	return fmt.Errorf("recorded meanwhile by %s: read it, then save once more", look.NameOr(is.By, "somebody"))
}
