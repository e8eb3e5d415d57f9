package ui

import (
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// key goes to the dialog in front, or to the table.
func (o *Operator) key(msg tea.KeyPressMsg) tea.Cmd {
	now := o.now()
	defer o.touch(now)
	o.clock = now
	o.withdraw(now)
	if msg.String() != "ctrl+c" && o.hush(now) {
		return nil
	}
	o.said = said{}
	if o.leaving != nil {
		return o.keyLeaving(msg, now)
	}
	if msg.String() == "ctrl+c" {
		return o.press(msg, now)
	}
	if d := o.dialog; d != nil {
		if o.small() && msg.String() != "esc" {
			return nil // nobody answers what nobody can read
		}
		cmd, done := d.Key(msg, now)
		if done && o.dialog == d {
			o.dialog = nil
		}
		return cmd
	}
	if o.entering() {
		return o.enterKey(msg, now)
	}
	why := o.why(msg, now)
	if o.Navigate(msg) {
		if o.nav.palette.open { // just now
			o.selectFirst(now, o.able)
		}
		if why != "" {
			o.say(phases.LevelInfo, why)
		}
		return nil
	}
	return o.press(msg, now)
}

func (o *Operator) keyLeaving(msg tea.KeyPressMsg, now time.Time) tea.Cmd {
	if msg.String() == "ctrl+c" {
		return nil // the question stands; asking twice answers nothing
	}
	if o.small() && msg.String() != "esc" {
		return nil // nobody answers what nobody can read
	}
	d := o.leaving
	cmd, done := d.Key(msg, now)
	if done {
		o.leaving = nil
	}
	return cmd
}

// why says why a key that moves will do nothing.
func (o *Operator) why(msg tea.KeyPressMsg, now time.Time) string {
	if b, ok := o.keys.press(msg.String()); ok && b.move != nil && b.can != nil {
		if err := b.can(o.Viewer, now); err != nil {
			return b.label + ": " + err.Error() + "."
		}
	}
	return ""
}

// press finds what a key does, and does it or says why not.
func (o *Operator) press(msg tea.KeyPressMsg, now time.Time) tea.Cmd {
	b, ok := o.keys.press(msg.String())
	if !ok || b.open == nil {
		o.sayNothing(msg.String())
		return nil
	}
	return o.begin(b, now)
}

// begin does what a binding opens, or says why not. Behind the page of keys nobody
// sees which item is selected: a key that is about one only closes it.
func (o *Operator) begin(b binding, now time.Time) tea.Cmd {
	if b.id != "quit" {
		if err := o.ready(b, now); err != nil {
			if !errors.Is(err, errUnseen) {
				o.say(phases.LevelWarn, b.label+" ("+b.name+"): "+err.Error()+".")
			}
			return nil
		}
		if o.nav.help && (b.group == groupItems || b.id == "session" && !o.blocked()) {
			o.nav.help, o.landed = false, now
			o.say(phases.LevelInfo, b.label+" ("+b.name+"): the page of keys hid what it acts on: read that, then press "+b.label+" again.")
			return nil
		}
		o.nav.help = false
	}
	return b.open(o, now)
}

// sayNothing answers a key that has no binding.
func (o *Operator) sayNothing(key string) {
	if o.small() {
		return
	}
	o.say(phases.LevelInfo, nothing(key, o.do == nil))
}

func nothing(key string, reads bool) string {
	why := "does nothing here"
	if _, acts := operatorKeys().press(key); acts && reads {
		why = "is the operator's: this screen is read-only"
	}
	return look.Sanitize(key) + " " + why + ": ? shows the keys."
}

var (
	errUnseen = errors.New("the terminal is too small")
	errBusy   = errors.New("one moment: the last command is being recorded")
)

// ready says why an act must not begin now.
func (o *Operator) ready(b binding, now time.Time) error {
	switch {
	case o.small():
		return errUnseen
	case o.busy && !o.stopped:
		return errBusy
	}
	if err := o.deaf(b.blind); err != nil {
		return err
	}
	if b.can != nil {
		return b.can(o.Viewer, now)
	}
	return nil
}

// deaf says why nobody takes a command, or nothing knows whether it still
// fits. What only ends something may be asked for blindly.
func (o *Operator) deaf(blind bool) error {
	switch {
	case o.stopped:
		return errors.New("the engine has ended")
	case o.fault != nil && !blind:
		return errors.New("the screen no longer follows the journal")
	}
	return nil
}
