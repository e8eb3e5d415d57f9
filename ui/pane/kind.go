package pane

import (
	"strconv"

	"tminus/phases"
	"tminus/ui/look"
)

// ID names a pane.
type ID string

// Kind is what one pane is: its name, its place, and what it draws. Each
// stands in its pane's own file; a new one is that file and a line in the list.
type Kind struct {
	ID    ID
	Title string
	// beside is for a pane that has a place of its own where there is room: it
	// never takes the main rectangle.
	Beside  bool
	content func(Pane) content
	Edge    func(Pane) string        // what its upper edge says of its content; nil for nothing
	there   func(*phases.State) bool // whether the run has come to it; nil for always
}

// Kinds are all panes, in the order of their digits.
func Kinds() []Kind {
	return []Kind{
		checklistPane(), gatePane(), phasePane(), timelinePane(), logPane(), undoPane(), endPane(), reachPane(), messagesPane(), fencesPane(),
		activityPane(), contactsPane(),
	}
}

// KindOf is a pane's kind.
func KindOf(id ID) Kind {
	for _, k := range Kinds() {
		if k.ID == id {
			return k
		}
	}
	return Kind{ID: id, content: func(Pane) content { return content{} }}
}

// Digit is the digit that leads to a pane, 0 to the tenth; empty for one behind it,
// which tab and its name lead to.
func Digit(id ID) string {
	for i, k := range Kinds() {
		if k.ID == id && i < 10 {
			return strconv.Itoa((i + 1) % 10)
		}
	}
	return ""
}

// Binding is the id of the binding that leads to a pane.
func Binding(id ID) string { return "pane " + string(id) }

// IsThere reports whether the run has come to the pane.
func (k Kind) IsThere(s *phases.State) bool { return k.there == nil || s != nil && k.there(s) }

// Draw draws the pane: exactly Height lines of at most Width cells.
func (k Kind) Draw(p Pane) string { return p.drawContent(k.laid(p)) }

// laid is what the pane draws: what of its content has in it what the reader looks
// for, as lines that fit its width.
func (k Kind) laid(p Pane) content {
	c := p.sifted(k.content(p))
	if !c.windowed {
		c.head, _ = p.flow(c.head, 0)
		c.body, c.keep = p.flow(c.body, c.keep)
	}
	return c
}

// Lines is how many lines the pane would fill of its rectangle.
func (k Kind) Lines(p Pane) int {
	c := k.laid(p)
	return len(c.head) + len(c.body)
}

// Room is how far the pane can be scrolled back and forth from where it stands
// by itself.
func (k Kind) Room(p Pane) (back, forth int) {
	c := k.laid(p)
	if c.windowed {
		if c.back == nil {
			return 0, 0
		}
		return c.back(), 0
	}
	h, body := p.Height, c.body
	if len(c.head) > 0 {
		if !p.pins(c) {
			body = append(c.head, body...)
			c.keep = 0
		} else {
			h -= len(c.head)
		}
	}
	if len(body) <= h || h <= 0 {
		return 0, 0
	}
	top := stands(len(body), h, c.keep)
	return top, len(body) - h - top
}

// content is what a pane draws, before it is known how much of it fits.
type content struct {
	head     []look.Line // stays at the top, where enough is left to scroll in
	body     []look.Line
	firm     int        // lines at the body's beginning that no filter takes away: a verdict
	keep     int        // the line of body that stays in sight
	windowed bool       // body is what is to be seen, and nothing else: the pane has seen to that
	back     func() int // of a windowed pane: how far it can go back; nil for not at all

	found, of int // entries with the filter in them, of how many; 0 without a filter
}

// pins reports whether the head has room to stay.
func (p Pane) pins(c content) bool { return p.Height-len(c.head) >= 4 }

func (p Pane) drawContent(c content) string {
	switch {
	case c.windowed:
		return p.fit(c.body)
	case len(c.head) == 0:
		return p.fitAround(c.body, c.keep)
	case !p.pins(c):
		return p.fitAround(append(c.head, c.body...), 0)
	}
	top, rest := p, p
	top.Height, rest.Height = len(c.head), p.Height-len(c.head)
	return top.fit(c.head) + "\n" + rest.fitAround(c.body, c.keep)
}

// stands is the first line in sight of n that h have room for, so that the line
// keep is among them.
func stands(n, h, keep int) int {
	top := 0
	if keep >= h-1 {
		top = keep - h*2/3
	}
	return max(0, min(top, n-h))
}
