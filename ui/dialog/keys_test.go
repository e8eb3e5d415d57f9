package dialog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases/runbook"
	"tminus/ui/look"
)

// Each key of the page does something where the page says so.
func TestKeysOfThePageAct(t *testing.T) {
	now := time.Date(2026, 1, 31, 1, 36, 0, 0, time.UTC)
	code := map[string]rune{"esc": tea.KeyEscape, "down": tea.KeyDown, "up": tea.KeyUp, "shift+tab": tea.KeyTab, "tab": tea.KeyTab, "enter": tea.KeyEnter, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "left": tea.KeyLeft, "right": tea.KeyRight}
	for _, row := range Keys() {
		for _, name := range row.Keys {
			for _, onButton := range []bool{false, true} {
				if row.Group == inField && onButton || row.Group == onButtons && !onButton {
					continue
				}
				acted := false
				question := Dialog{
					Offer:  true,
					Text:   Says(Say("", strings.Repeat("a line that is long enough. ", 90))),
					Fields: []Field{NewField("Backup ID", runbook.Field{ID: "id", Type: runbook.FieldText, Example: "b1"}, ""), TextField("Name")},
					Buttons: []Button{{Label: "No"}, {Label: "Yes", Act: func([]string, time.Time) (tea.Cmd, error) {
						acted = true
						return nil, nil
					}}},
				}
				d := question.Begin(now)
				if onButton {
					d.move(3) // Yes
				}
				if name == "right" || name == "l" {
					d.move(-1)
				}
				msg := tea.KeyPressMsg{Code: code[name]}
				if letter, ctrl := strings.CutPrefix(name, "ctrl+"); ctrl {
					msg = tea.KeyPressMsg{Code: rune(letter[0]), Mod: tea.ModCtrl}
				}
				if msg.Code == 0 {
					msg = tea.KeyPressMsg{Code: rune(name[0]), Text: name}
				}
				if name == "shift+tab" {
					msg.Mod = tea.ModShift
				}
				d.Box(80, 20, look.PlainStyles(), nil, now)
				if name == "pgup" {
					d.Scroll(textPage)
				}
				if name == "ctrl+z" {
					d.Focus = 1
					d.change(true, 0, func(f *Field) { f.Edit.SetValue("Ada") })
				}
				before := fmt.Sprint(d.Focus, d.Values(), d.top)
				_, done := d.Key(msg, now.Add(time.Minute))
				if after := fmt.Sprint(d.Focus, d.Values(), d.top); after == before && !done && !acted {
					t.Errorf("%s, %s: nothing happens", row.Group, name)
				}
				if name == "tab" && d.Values()[0] != "b1" || name == "esc" && (!done || acted) || name == "n" && (!done || acted) || name == "y" && !acted {
					t.Errorf("%s, %s: done %t, acted %t, values %q", row.Group, name, done, acted, d.Values())
				}
			}
		}
	}
}
