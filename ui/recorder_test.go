package ui

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
)

// recorder takes commands and remembers them.
type recorder struct {
	commands []phases.Command
	refuse   error
}

// Do implements phases.Commander.
func (r *recorder) Do(c phases.Command) error {
	r.commands = append(r.commands, c)
	return r.refuse
}

func frozen(now time.Time) func() time.Time { return func() time.Time { return now } }

// keyNamed is the key press that a terminal makes of a key's name.
func keyNamed(name string) tea.KeyPressMsg {
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
		"home": tea.KeyHome, "end": tea.KeyEnd, "backspace": tea.KeyBackspace,
	}
	switch {
	case name == "space":
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	case name == "shift+tab":
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	case len(name) == len("ctrl+x") && name[:5] == "ctrl+":
		return tea.KeyPressMsg{Code: rune(name[5]), Mod: tea.ModCtrl}
	case special[name] != 0:
		return tea.KeyPressMsg{Code: special[name]}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// blank is an operator's screen that knows nothing yet.
func blank(t testing.TB) (*Operator, *recorder) {
	t.Helper()
	rec := &recorder{}
	v := NewViewer(ViewerOptions{Journal: "gym.journal"})
	v.keys = operatorKeys()
	return &Operator{Viewer: v, do: rec.Do, now: frozen(fixtureNow), fetch: func(time.Duration) tea.Cmd { return nil }}, rec
}

// run sends a message and carries out the command it gives, as Bubble Tea
// would, except that a quit is only reported.
func run(o *Operator, msg tea.Msg) (quit bool) {
	_, cmd := o.Update(msg)
	if cmd == nil {
		return false
	}
	switch answer := cmd().(type) {
	case nil:
	case tea.QuitMsg:
		return true
	default:
		return run(o, answer)
	}
	return false
}

// typed sends a text key by key.
func typed(o *Operator, text string) {
	for _, r := range text {
		if r == ' ' {
			run(o, keyNamed("space"))
			continue
		}
		run(o, keyNamed(string(r)))
	}
}
