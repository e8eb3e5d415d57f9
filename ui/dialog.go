package ui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
)

// armAfter is how long the keyboard must have been quiet before a dialog takes
// a yes: keys that were meant for the screen behind it, or that come from a
// paste, answer nothing.
const armAfter = 400 * time.Millisecond

// dialog is a question as a value: what it says, what it wants typed, and what
// its buttons do. The first button is always the harmless one, and a dialog
// without fields opens on it: No, for what starts something, and the saving of
// what was typed, for a form. Nothing answers a dialog but a key.
//
// A question does not outlive its facts: what it says is made from the state at
// each frame, and once it has no ground any more it is closed. What was typed
// and where the keys go is its own.
type dialog struct {
	title   string
	level   phases.Level // what is at stake, for the frame
	text    dialogSays   // nil: nothing beside the title
	ground  dialogGround
	blind   bool // may be answered from a screen that no longer follows the journal
	fields  []dialogField
	buttons []button
	focus   int // over fields, then buttons
	careful bool
	form    bool      // only records: its yes is harmless, and stands first
	quiet   time.Time // of the last key, or of opening
	message string    // why the last enter did nothing
	offer   bool      // tab takes a field's example: never in production
}

// dialogSays is a dialog's text as of a state and a moment. The state may be
// any: the ground is looked at between frames.
type dialogSays func(s *phases.State, now time.Time) []dialogText

// dialogGround says why a question is over, or nothing while it stands.
type dialogGround func(s *phases.State, now time.Time) error

type dialogText struct {
	level phases.Level
	text  string
}

// says is a text that no event changes.
func says(text ...dialogText) dialogSays {
	return func(*phases.State, time.Time) []dialogText { return text }
}

// leadsTo is the ground of a question whose answer is a command: what is still
// to be typed is filled in with stand-ins.
func leadsTo(c phases.Command) dialogGround {
	return func(s *phases.State, now time.Time) error { return s.Can(c, now) }
}

// dialogField is one line to type into.
type dialogField struct {
	label string
	field runbook.Field // its type, example, and whether it is required
	must  string        // when not empty: what has to be typed
	edit  textinput.Model
	err   string
}

// button ends a dialog. Without act it only closes it. An error of act's is
// shown, and the dialog stays.
type button struct {
	label string
	act   func(values []string, now time.Time) (tea.Cmd, error)
}

// newField makes a line to type into, with a value to begin with.
func newField(label string, f runbook.Field, value string) dialogField {
	edit := textinput.New()
	edit.Prompt = ""
	edit.CharLimit = 500
	edit.SetVirtualCursor(false)
	// It would run a program to read a clipboard. Pastes come from the terminal.
	edit.KeyMap.Paste = key.NewBinding()
	edit.KeyMap.AcceptSuggestion = key.NewBinding()
	edit.SetValue(sanitize(value))
	edit.CursorEnd()
	return dialogField{label: label, field: f, edit: edit}
}

// textField is a required line of free text.
func textField(label string) dialogField {
	return newField(label, runbook.Field{ID: "-", Label: label, Type: runbook.FieldText, Required: true}, "")
}

// typedField wants one word typed: what cannot be undone is not done by reflex.
func typedField(label, must string) dialogField {
	f := textField(label)
	f.must = must
	return f
}

// begin makes a dialog ready: opened now, on its first field or its No.
func (d dialog) begin(now time.Time) *dialog {
	d.quiet = now
	d.move(0)
	return &d
}

// yes is the button that enter presses from the last field.
func (d *dialog) yes() int {
	if d.form {
		return 0
	}
	return len(d.buttons) - 1
}

func (d *dialog) values() []string {
	out := make([]string, len(d.fields))
	for i := range d.fields {
		out[i] = strings.TrimSpace(d.fields[i].edit.Value())
	}
	return out
}

// move goes to the next or last place, around the ends.
func (d *dialog) move(by int) {
	n := len(d.fields) + len(d.buttons)
	d.focus = (d.focus + by + n) % n
	for i := range d.fields {
		if i == d.focus {
			d.fields[i].edit.Focus()
		} else {
			d.fields[i].edit.Blur()
		}
	}
}

// key takes a key. done says that the dialog is over; cmd is what it set off.
func (d *dialog) key(msg tea.KeyPressMsg, now time.Time) (cmd tea.Cmd, done bool) {
	armed := now.Sub(d.quiet) >= armAfter
	d.quiet = now
	d.message = ""
	name := msg.String()
	switch name {
	case "esc":
		return nil, true
	case "tab":
		d.takeExample()
		d.move(1)
		return nil, false
	case "down":
		d.move(1)
		return nil, false
	case "shift+tab", "up":
		d.move(-1)
		return nil, false
	case "enter":
		return d.enter(armed, now)
	}
	if d.focus < len(d.fields) {
		f := &d.fields[d.focus]
		f.err = ""
		f.edit, _ = f.edit.Update(msg)
		return nil, false
	}
	switch name {
	case "left", "h":
		d.toward(-1)
	case "right", "l":
		d.toward(1)
	case "n":
		return nil, true
	case "y":
		if len(d.buttons) > 2 {
			return nil, false // which one?
		}
		return d.press(d.yes(), armed, now)
	}
	return nil, false
}

// toward moves among the buttons, not around their ends.
func (d *dialog) toward(by int) {
	to := d.focus + by
	if to >= len(d.fields) && to < len(d.fields)+len(d.buttons) {
		d.move(by)
	}
}

// paste takes pasted text into the field that has the keys.
func (d *dialog) paste(msg tea.PasteMsg, now time.Time) {
	d.quiet = now
	d.message = ""
	if d.focus < len(d.fields) {
		f := &d.fields[d.focus]
		f.err = ""
		f.edit, _ = f.edit.Update(tea.PasteMsg{Content: sanitize(msg.Content)})
	}
}

// takeExample fills an empty field with its example.
func (d *dialog) takeExample() {
	if !d.offer || d.focus >= len(d.fields) {
		return
	}
	f := &d.fields[d.focus]
	if f.edit.Value() == "" && f.must == "" {
		f.edit.SetValue(sanitize(exampleOf(f.field)))
		f.edit.CursorEnd()
		f.err = ""
	}
}

// exampleOf is a value that a field accepts; empty for a text that nobody but
// the operator knows.
func exampleOf(f runbook.Field) string {
	if f.Type == runbook.FieldText {
		return f.Example
	}
	return phases.AssumedValue(f)
}

// enter goes to the next field, from the last one to the answer, and on a
// button it presses that.
func (d *dialog) enter(armed bool, now time.Time) (tea.Cmd, bool) {
	if d.focus >= len(d.fields) {
		return d.press(d.focus-len(d.fields), armed, now)
	}
	if err := d.fields[d.focus].check(now); err != nil {
		d.fields[d.focus].err = err.Error()
		return nil, false
	}
	if d.focus < len(d.fields)-1 {
		d.move(1)
		return nil, false
	}
	return d.press(d.yes(), armed, now)
}

// press answers.
func (d *dialog) press(i int, armed bool, now time.Time) (tea.Cmd, bool) {
	b := d.buttons[i]
	if b.act == nil {
		return nil, true
	}
	if d.careful && !armed {
		d.message = "that was quick: press it once more to confirm"
		return nil, false
	}
	cmd, err := b.act(d.values(), now)
	if err == nil {
		return cmd, true
	}
	var at *fieldError
	if errors.As(err, &at) {
		d.fields[at.field].err = at.Error()
		d.move(at.field - d.focus)
		return nil, false
	}
	d.message = err.Error()
	return nil, false
}

// fieldError is an error of one field of a dialog.
type fieldError struct {
	field int
	cause error
}

func (e *fieldError) Error() string { return e.cause.Error() }

// Unwrap is what is wrong with the value.
func (e *fieldError) Unwrap() error { return e.cause }

// check says what is wrong with a field's value, or nothing.
func (f *dialogField) check(now time.Time) error {
	value := strings.TrimSpace(f.edit.Value())
	switch {
	case f.must != "" && value != f.must:
		return fmt.Errorf("type %s to go on", f.must)
	case f.field.Required && value == "":
		return errors.New(f.label + " is needed")
	}
	if _, err := phases.ParseField(f.field, value, now); err != nil {
		return fmt.Errorf("expected: %w", err)
	}
	return nil
}

// checkAll says what is wrong with the first field that has something wrong.
func (d *dialog) checkAll(now time.Time) error {
	for i := range d.fields {
		if err := d.fields[i].check(now); err != nil {
			return &fieldError{field: i, cause: err}
		}
	}
	return nil
}
