package ui

import "tminus/ui/pane"

// The smallest screen on which a run can be driven.
const (
	minWidth  = 60
	minHeight = 16
)

// rect is a part of the screen, in cells.
type rect struct{ x, y, w, h int }

// area is a pane's place, its frame included.
type area struct {
	pane pane.ID
	rect
	framed bool // four sides; otherwise a rule above is all
}

// inside is the pane's own rectangle.
func (a area) inside() rect {
	if a.framed {
		return rect{a.x + 2, a.y + 1, max(0, a.w-4), max(0, a.h-2)}
	}
	return rect{a.x + 1, a.y + 1, max(0, a.w-2), max(0, a.h-1)}
}

// layout is where everything stands. Header, strip, status and hints are whole
// lines; areas fill what is between them.
type layout struct {
	w, h   int
	header int // lines, at the top
	strip  int // line of the short timeline; -1 where the pane is shown
	body   rect
	areas  []area
	shares bool    // a short main pane leaves the rest of its place to another
	second pane.ID // which; empty where there is none
}

// arrange computes a layout; banner is how many lines stand below the header. Focus and main are what the reader looks at; ok is
// false where the screen is too small for anything.
func arrange(w, h, banner int, focus, main, side pane.ID) (l layout, ok bool) {
	if w < minWidth || h < minHeight {
		return layout{w: w, h: h}, false
	}
	top := 2 + banner
	l = layout{w: w, h: h, header: top, strip: -1}
	switch {
	case w >= 170 && h >= 45:
		l.body = rect{0, top, w, h - top - 2}
		l.wide(main, side)
	case w >= 110 && h >= 30:
		l.body = rect{0, top, w, h - top - 2}
		l.medium(main)
		l.shares = true
	case w >= 100 && h >= 30:
		l.body = rect{0, top, w, h - top - 2}
		l.narrow(focus, main)
	default:
		l.strip = top
		l.body = rect{0, top + 1, w, h - top - 3}
		l.areas = []area{{pane: focus, rect: l.body}}
	}
	return l, true
}

// narrow: timeline left, right what has the keys, or main while the timeline has.
func (l *layout) narrow(focus, main pane.ID) {
	b := l.body
	if focus != pane.Timeline {
		main = focus
	}
	left := b.w / 3
	l.areas = []area{
		{pane: pane.Timeline, rect: rect{b.x, b.y, left, b.h}, framed: true},
		{pane: main, rect: rect{b.x + left, b.y, b.w - left, b.h}, framed: true},
	}
}

// medium: timeline left, main right, events below it.
func (l *layout) medium(main pane.ID) {
	b := l.body
	left := min(44, b.w/3)
	events := max(7, b.h/4)
	l.areas = []area{
		{pane: pane.Timeline, rect: rect{b.x, b.y, left, b.h}, framed: true},
		{pane: main, rect: rect{b.x + left, b.y, b.w - left, b.h - events}, framed: true},
		{pane: pane.Log, rect: rect{b.x + left, b.y + b.h - events, b.w - left, events}, framed: true},
	}
}

// leastShare is the height of a second pane that is worth its frame.
const leastShare = 9

// share gives what a short main pane of a medium screen leaves to a second one. It
// has half of the height or all of it: a screen that moves with every line is no
// help.
func (l *layout) share(side pane.ID, lines func(area) int) {
	if !l.shares || len(l.areas) != 3 {
		return
	}
	main, log := l.areas[1], l.areas[2]
	half := (l.body.h + 1) / 2
	rest := main.h - half
	if rest < leastShare || side == main.pane || lines(main)+2 > half {
		return
	}
	main.h = half
	second := area{pane: side, rect: rect{main.x, main.y + half, main.w, rest}, framed: true}
	l.areas, l.second = []area{l.areas[0], main, second, log}, side
}

// wide: timeline left, main in the middle, a second pane and the events right.
func (l *layout) wide(main, side pane.ID) {
	b := l.body
	left, right := 46, max(56, b.w/3-8)
	middle := b.w - left - right
	upper := b.h * 11 / 20
	l.areas = []area{
		{pane: pane.Timeline, rect: rect{b.x, b.y, left, b.h}, framed: true},
		{pane: main, rect: rect{b.x + left, b.y, middle, b.h}, framed: true},
		{pane: side, rect: rect{b.x + left + middle, b.y, right, upper}, framed: true},
		{pane: pane.Log, rect: rect{b.x + left + middle, b.y + upper, right, b.h - upper}, framed: true},
	}
}

// lift gives n lines at the bottom to what stands below the panes.
func (l *layout) lift(n int) {
	end := l.body.y + l.body.h
	for i := range l.areas {
		if a := &l.areas[i]; a.y+a.h == end {
			a.h = max(0, a.h-n)
		}
	}
	l.body.h = max(0, l.body.h-n)
}

// find gives the area of a pane.
func (l layout) find(p pane.ID) (area, bool) {
	for _, a := range l.areas {
		if a.pane == p {
			return a, true
		}
	}
	return area{}, false
}
