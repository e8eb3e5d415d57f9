package ui

import (
	tea "charm.land/bubbletea/v2"

	"tminus/ui/pane"
)

// wheelLines is how far one turn of a wheel goes.
const wheelLines = 3

// mouse takes what a mouse does. It looks, and never acts: no click ticks, answers
// or sends anything, and over a question it does nothing but scroll its text.
// While letters are text it does nothing.
func (o *Operator) mouse(msg tea.MouseMsg) {
	at := msg.Mouse()
	by := 0
	if _, turned := msg.(tea.MouseWheelMsg); turned {
		by = map[tea.MouseButton]int{tea.MouseWheelUp: -1, tea.MouseWheelDown: 1}[at.Button]
	}
	_, clicked := msg.(tea.MouseClickMsg)
	switch d := o.front(); {
	case o.small():
	case d != nil:
		(*d).Scroll(by * wheelLines)
	case o.entering(): // what is beneath the palette is not seen
	case by != 0:
		o.Wheel(at.X, at.Y, by)
	case clicked && at.Button == tea.MouseLeft && at.Mod == 0:
		o.Click(at.X, at.Y)
	}
}

// areaAt is the pane at a cell of the screen.
func (v *Viewer) areaAt(x, y int) (area, bool) {
	l, ok := v.layout()
	if !ok || v.state == nil || v.nav.help {
		return area{}, false
	}
	l.lift(v.Foot(v.moment()) - 2)
	for _, a := range l.areas {
		if x >= a.x && x < a.x+a.w && y >= a.y && y < a.y+a.h {
			return a, true
		}
	}
	return area{}, false
}

// Wheel scrolls what is beneath the cell, without giving it the keys.
func (v *Viewer) Wheel(x, y, by int) {
	if v.nav.help {
		v.scrollHelp(map[bool]string{true: "down", false: "up"}[by > 0])
		return
	}
	a, ok := v.areaAt(x, y)
	switch {
	case !ok:
	case a.pane == pane.Checklist:
		v.stepRow(by) // whose selected row stays in sight
	default:
		v.scrollPane(a.pane, by*wheelLines)
	}
}

// Click gives the pane beneath the cell the keys, and selects the item there.
func (v *Viewer) Click(x, y int) {
	a, ok := v.areaAt(x, y)
	if !ok {
		return
	}
	item := ""
	if a.pane == pane.Checklist {
		item = pane.ItemAt(v.paneOf(a, v.moment()), y-a.inside().y)
	}
	v.goTo(a.pane)
	if item != "" {
		v.nav.cursor, v.nav.chosen = item, true
	}
}
