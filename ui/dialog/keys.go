package dialog

import "tminus/ui/look"

// Where a question's keys are pressed.
const (
	everywhere = "Everywhere in it"
	inField    = "In a field"
	onButtons  = "On the buttons"
)

// Keys are the keys of a question, for a page of keys. Any other key is typed into
// the field that has them, and does nothing on a button.
func Keys() []look.KeyRow {
	return []look.KeyRow{
		{Group: everywhere, Keys: []string{"esc"}, Help: "close it; nothing is done"},
		{Group: everywhere, Keys: []string{"down"}, Help: "to the next field or button"},
		{Group: everywhere, Keys: []string{"up", "shift+tab"}, Help: "to the field or button before"},
		{Group: everywhere, Keys: []string{"pgup"}, Help: "its text up, where there is more than room for it"},
		{Group: everywhere, Keys: []string{"pgdown"}, Help: "its text down"},
		{Group: everywhere, Keys: []string{"ctrl+z"}, Help: "take back what was typed last"},
		{Group: inField, Keys: []string{"enter"}, Help: "to the next field; in the last one, answer, or with more than two buttons go to the first"},
		{Group: inField, Keys: []string{"tab"}, Help: "take the example, where one is offered, and go to the next field"},
		{Group: onButtons, Keys: []string{"enter"}, Help: "press the button; one that ticks, or cannot be taken back, wants a pause before it"},
		{Group: onButtons, Keys: []string{"right", "l"}, Help: "to the button beside"},
		{Group: onButtons, Keys: []string{"left", "h"}, Help: "to the button before"},
		{Group: onButtons, Keys: []string{"y"}, Help: "yes, where there are two buttons"},
		{Group: onButtons, Keys: []string{"n"}, Help: "no"},
	}
}
