package dialog

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
	"tminus/ui/look"
)

// ArmAfter is how long the keyboard must have been quiet before a dialog takes
// a yes: keys that were meant for the screen behind it, or that come from a
// paste, answer nothing.
const ArmAfter = 400 * time.Millisecond

// Dialog is a question as a value: what it says, what it wants typed, and what
// its buttons do. The first button is always the harmless one, and a dialog
// without fields opens on it: No, for what starts something, and the saving of
// what was typed, for a form. Nothing answers a dialog but a key.
//
// A question does not outlive its facts: what it says is made from the state at
// each frame, and once it has no ground any more it is closed. What was typed
// and where the keys go is its own.
type Dialog struct {
	Title   string
	Level   phases.Level // what is at stake, for the frame
	Text    Saying       // nil: nothing beside the title
	Ground  Standing
	Blind   bool // may be answered from a screen that no longer follows the journal
	Fields  []Field
	Buttons []Button
	Focus   int // over fields, then buttons
	Careful bool
	Form    bool      // only records, and ticks what it records: its yes stands first
	quiet   time.Time // of the last key, or of opening
	message string    // why the last enter did nothing
	Offer   bool      // tab takes a field's example: never in production
	past    []before  // what ctrl+z goes back to, the newest last
	typing  bool      // the newest is still being typed away from
	top     int       // the first line of the text in sight
	deepest int       // the last line that can be the first in sight, as it was drawn
}

// Saying is a dialog's text as of a state and a moment. The state may be
// any: the ground is looked at between frames.
type Saying func(s *phases.State, now time.Time) []Text

// Standing says why a question is over, or nothing while it stands.
type Standing func(s *phases.State, now time.Time) error

// Text is one paragraph of a dialog.
type Text struct {
	Level phases.Level
	Text  string
}

// Say is one paragraph.
func Say(level phases.Level, text string) Text { return Text{Level: level, Text: text} }

// Says is a text that no event changes.
func Says(text ...Text) Saying {
	return func(*phases.State, time.Time) []Text { return text }
}

// LeadsTo is the ground of a question whose answer is a command: what is still
// to be typed is filled in with stand-ins.
func LeadsTo(c phases.Command) Standing {
	return func(s *phases.State, now time.Time) error { return s.Can(c, now) }
}

// Field is one line to type into.
type Field struct {
	label string
	Field runbook.Field // its type, example, and whether it is required
	Must  string        // when not empty: what has to be typed
	Edit  textinput.Model
	err   string
}

// Button ends a dialog. Without Act it only closes it. An error of Act's is
// shown, and the dialog stays.
type Button struct {
	Label string
	Act   func(values []string, now time.Time) (tea.Cmd, error)
}

// Do is a button that does something.
func Do(label string, act func(values []string, now time.Time) (tea.Cmd, error)) Button {
	return Button{Label: label, Act: act}
}

// NewField makes a line to type into, with a value to begin with.
func NewField(label string, f runbook.Field, value string) Field {
	edit := textinput.New()
	edit.Prompt = ""
	edit.CharLimit = 500
	edit.SetVirtualCursor(false)
	// It would run a program to read a clipboard. Pastes come from the terminal.
	edit.KeyMap.Paste = key.NewBinding()
	edit.KeyMap.AcceptSuggestion = key.NewBinding()
	edit.SetValue(look.Sanitize(value))
	edit.CursorEnd()
	return Field{label: label, Field: f, Edit: edit}
}

// TextField is a required line of free text.
func TextField(label string) Field {
	return NewField(label, runbook.Field{ID: "-", Label: label, Type: runbook.FieldText, Required: true}, "")
}

// TypedField wants one word typed: what cannot be undone is not done by reflex.
func TypedField(label, must string) Field {
	f := TextField(label)
	f.Must = must
	return f
}

// Begin makes a dialog ready: opened now, on its first field or its No.
func (d Dialog) Begin(now time.Time) *Dialog {
	d.quiet = now
	d.move(0)
	return &d
}

// Touch says that a key was pressed now, whatever it was for.
func (d *Dialog) Touch(now time.Time) { d.quiet = now }

// chooses reports whether the answer is one of several, none of which enter gives
// from the last field: the reader goes to the one that is meant.
func (d *Dialog) chooses() bool { return !d.Form && len(d.Buttons) > 2 }

// Yes is the button that enter presses from the last field, where there is but one.
func (d *Dialog) Yes() int {
	if d.Form {
		return 0
	}
	return len(d.Buttons) - 1
}

func (d *Dialog) Values() []string {
	out := make([]string, len(d.Fields))
	for i := range d.Fields {
		out[i] = strings.TrimSpace(d.Fields[i].Edit.Value())
	}
	return out
}

// move goes to the next or last place, around the ends.
func (d *Dialog) move(by int) {
	n := len(d.Fields) + len(d.Buttons)
	d.Focus = (d.Focus + by + n) % n
	for i := range d.Fields {
		if i == d.Focus {
			d.Fields[i].Edit.Focus()
		} else {
			d.Fields[i].Edit.Blur()
		}
	}
}

// Key takes a key. done says that the dialog is over; cmd is what it set off.
func (d *Dialog) Key(msg tea.KeyPressMsg, now time.Time) (cmd tea.Cmd, done bool) {
	rested := now.Sub(d.quiet)
	armed := rested >= ArmAfter
	d.quiet = now
	d.message = ""
	name := msg.String()
	switch name {
	case "esc":
		return nil, true
	case "tab":
		d.takeExamples()
		return nil, false
	case "down":
		d.move(1)
		return nil, false
	case "shift+tab", "up":
		d.move(-1)
		return nil, false
	case "enter":
		return d.enter(armed, now)
	case "pgup":
		d.Scroll(-textPage)
		return nil, false
	case "pgdown":
		d.Scroll(textPage)
		return nil, false
	case "ctrl+z":
		d.takeBack()
		return nil, false
	}
	if d.Focus < len(d.Fields) {
		d.change(true, rested, func(f *Field) { f.Edit, _ = f.Edit.Update(msg) })
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
		if len(d.Buttons) > 2 {
			return nil, false // which one?
		}
		return d.press(d.Yes(), armed, now)
	}
	return nil, false
}

// toward moves among the buttons, not around their ends.
func (d *Dialog) toward(by int) {
	to := d.Focus + by
	if to >= len(d.Fields) && to < len(d.Fields)+len(d.Buttons) {
		d.move(by)
	}
}

// Paste takes pasted text into the field that has the keys.
func (d *Dialog) Paste(msg tea.PasteMsg, now time.Time) {
	d.quiet = now
	d.message = ""
	if d.Focus < len(d.Fields) {
		d.change(false, 0, func(f *Field) { f.Edit, _ = f.Edit.Update(tea.PasteMsg{Content: look.Sanitize(msg.Content)}) })
	}
}

// offers reports whether tab fills a field with its example.
func (d *Dialog) offers(i int) bool {
	f := &d.Fields[i]
	return d.Offer && f.Must == "" && f.Edit.Value() == "" && ExampleOf(f.Field) != ""
}

// examples counts the fields that tab fills from where the cursor is: that one,
// and in a form, where each can still be seen before all is saved, those behind.
func (d *Dialog) examples() int {
	if d.Focus >= len(d.Fields) || !d.offers(d.Focus) {
		return 0
	}
	n := 1
	for i := d.Focus + 1; d.Form && i < len(d.Fields); i++ {
		if d.offers(i) {
			n++
		}
	}
	return n
}

// takeExamples fills what examples counts, and goes to the line after the last.
func (d *Dialog) takeExamples() {
	for n := d.examples(); n > 0; n-- {
		for !d.offers(d.Focus) {
			d.move(1)
		}
		d.change(false, 0, func(f *Field) {
			f.Edit.SetValue(look.Sanitize(ExampleOf(f.Field)))
			f.Edit.CursorEnd()
		})
		if n > 1 {
			d.move(1)
		}
	}
	d.move(1)
}

// ExampleOf is a value that a field accepts; empty for a text that nobody but
// the operator knows.
func ExampleOf(f runbook.Field) string {
	if f.Type == runbook.FieldText {
		return f.Example
	}
	return phases.AssumedValue(f)
}

// enter goes to the next field, from the last one to the answer, and on a
// button it presses that.
func (d *Dialog) enter(armed bool, now time.Time) (tea.Cmd, bool) {
	if d.Focus >= len(d.Fields) {
		return d.press(d.Focus-len(d.Fields), armed, now)
	}
	if err := d.Fields[d.Focus].check(now); err != nil {
		d.Fields[d.Focus].err = err.Error()
		return nil, false
	}
	if d.Focus < len(d.Fields)-1 || d.chooses() {
		d.move(1)
		return nil, false
	}
	return d.press(d.Yes(), armed, now)
}

// press answers.
func (d *Dialog) press(i int, armed bool, now time.Time) (tea.Cmd, bool) {
	b := d.Buttons[i]
	if b.Act == nil {
		return nil, true
	}
	if d.Careful && !armed {
		d.message = "that was quick: press it once more to confirm"
		return nil, false
	}
	cmd, err := b.Act(d.Values(), now)
	if err == nil {
		return cmd, true
	}
	var at *FieldError
	if errors.As(err, &at) {
		d.Fields[at.Field].err = at.Error()
		d.move(at.Field - d.Focus)
		return nil, false
	}
	d.message = err.Error()
	return nil, false
}

// FieldError is an error of one field of a dialog.
type FieldError struct {
	Field int
	Cause error
}

// At is an error of a field, from 0.
func At(field int, cause error) *FieldError { return &FieldError{Field: field, Cause: cause} }

// Error says what is wrong.
func (e *FieldError) Error() string { return e.Cause.Error() }

// Unwrap is what is wrong with the value.
func (e *FieldError) Unwrap() error { return e.Cause }

// check says what is wrong with a field's value, or nothing.
func (f *Field) check(now time.Time) error {
	value := strings.TrimSpace(f.Edit.Value())
	switch {
	case f.Must != "" && value != f.Must:
		return fmt.Errorf("type %s to go on", f.Must)
	case f.Field.Required && value == "":
		return errors.New(f.label + " is needed")
	}
	if _, err := phases.ParseField(f.Field, value, now); err != nil {
		return fmt.Errorf("expected: %w", err)
	}
	return nil
}

// CheckAll says what is wrong with the first field that has something wrong.
func (d *Dialog) CheckAll(now time.Time) error {
	for i := range d.Fields {
		if err := d.Fields[i].check(now); err != nil {
			return &FieldError{Field: i, Cause: err}
		}
	}
	return nil
}
