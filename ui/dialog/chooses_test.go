package dialog

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Among several answers enter in the last field gives none: it goes to the first
// button, which does nothing.
func TestEnterChoosesNoneOfSeveral(t *testing.T) {
	now := time.Date(2026, 1, 31, 1, 36, 0, 0, time.UTC)
	for buttons, form := range map[int]bool{2: false, 3: false, 4: false, 5: true} {
		pressed := -1
		question := Dialog{Form: form, Fields: []Field{TextField("Name")}}
		for i := range buttons {
			question.Buttons = append(question.Buttons, Do("b", func([]string, time.Time) (tea.Cmd, error) {
				pressed = i
				return nil, nil
			}))
		}
		d := question.Begin(now)
		d.Fields[0].Edit.SetValue("Ada")
		_, done := d.Key(tea.KeyPressMsg{Code: tea.KeyEnter}, now.Add(time.Minute))
		switch {
		case form && pressed != 0, buttons == 2 && pressed != 1:
			t.Errorf("%d buttons, form %t: enter presses %d", buttons, form, pressed)
		case !form && buttons > 2 && (pressed >= 0 || done || d.Focus != 1):
			t.Errorf("%d buttons: enter presses %d, and goes to %d", buttons, pressed, d.Focus)
		}
	}
}
