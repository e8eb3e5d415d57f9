package ui

import (
	"strconv"

	"tminus/phases"
)

// paneID names a pane.
type paneID string

// paneKind is what one pane is: its name, its place, and what it draws. Each
// stands in its pane's own file; a new one is that file and a line in the list.
type paneKind struct {
	id    paneID
	title string
	// beside is for a pane that has a place of its own where there is room: it
	// never takes the main rectangle.
	beside  bool
	content func(Pane) content
	edge    func(Pane) string        // what its upper edge says of its content; nil for nothing
	there   func(*phases.State) bool // whether the run has come to it; nil for always
}

// paneKinds are all panes, in the order of their digits.
func paneKinds() []paneKind {
	return []paneKind{checklistPane(), gatePane(), phasePane(), timelinePane(), logPane(), undoPane(), endPane()}
}

// kindOf is a pane's kind.
func kindOf(id paneID) paneKind {
	for _, k := range paneKinds() {
		if k.id == id {
			return k
		}
	}
	return paneKind{id: id, content: func(Pane) content { return content{} }}
}

// digitOf is the digit that leads to a pane; empty for one behind the ninth,
// which tab leads to.
func digitOf(id paneID) string {
	for i, k := range paneKinds() {
		if k.id == id && i < 9 {
			return strconv.Itoa(i + 1)
		}
	}
	return ""
}

// toPane is the id of the binding that leads to a pane.
func toPane(id paneID) string { return "pane " + string(id) }

// isThere reports whether the run has come to the pane.
func (k paneKind) isThere(s *phases.State) bool { return k.there == nil || s != nil && k.there(s) }

// draw draws the pane: exactly Height lines of at most Width cells.
func (k paneKind) draw(p Pane) string { return p.drawContent(k.content(p)) }

// room is how far the pane can be scrolled back and forth from where it stands
// by itself.
func (k paneKind) room(p Pane) (back, forth int) {
	c := k.content(p)
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
	head     []line // stays at the top, where enough is left to scroll in
	body     []line
	keep     int        // the line of body that stays in sight
	windowed bool       // body is what is to be seen, and nothing else: the pane has seen to that
	back     func() int // of a windowed pane: how far it can go back; nil for not at all
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
