package replay

import (
	"errors"
	"slices"
	"time"
)

// speeds are those that keys go through.
var speeds = [...]int{1, 2, 5, 10, 60}

// grace is how long after a mark, in time that the watcher spends, the key back
// goes to the one before it: who is a blink late wants that one.
const grace = time.Second

// player is where the replay stands, and how it goes on. It has no clock: who
// shows it says how much time has passed.
type player struct {
	film    *Film
	at      time.Duration // of the run
	records int           // that are shown
	speed   int
	playing bool
	whole   bool // quiet times take as long as they took
}

func newPlayer(f *Film, speed int) *player {
	return &player{film: f, records: f.records(0), speed: max(1, speed), playing: true}
}

// pass lets time pass.
func (p *player) pass(d time.Duration) {
	if !p.playing || d <= 0 {
		return
	}
	d *= time.Duration(p.speed)
	if p.whole {
		p.seek(p.at + d)
	} else {
		p.seek(p.film.run(p.film.filmed(p.at) + d))
	}
	if p.atEnd() {
		p.playing = false
	}
}

// seek goes to a time of the run, as near as there is one.
func (p *player) seek(at time.Duration) {
	p.at = max(0, min(at, p.film.length()))
	p.records = p.film.records(p.at)
}

func (p *player) atEnd() bool { return p.at >= p.film.length() }

var (
	errAtEnd   = errors.New("the journal ends here")
	errAtStart = errors.New("the journal begins here")
	errFastest = errors.New("it does not go faster")
	errSlowest = errors.New("it does not go slower")
	errNoMore  = errors.New("nothing that is marked comes after this")
	errNoLess  = errors.New("nothing that is marked comes before this")
)

// toggle stops and goes on. At the end it goes on from the beginning.
func (p *player) toggle() {
	if !p.playing && p.atEnd() {
		p.seek(0)
	}
	p.playing = !p.playing
}

// skip goes on by a time of the run, back or forth.
func (p *player) skip(by time.Duration) error {
	switch {
	case by > 0 && p.atEnd():
		return errAtEnd
	case by < 0 && p.at == 0:
		return errAtStart
	}
	p.seek(p.at + by)
	return nil
}

// faster takes the next speed, or with a negative by the one before.
func (p *player) faster(by int) error {
	i, exact := slices.BinarySearch(speeds[:], p.speed)
	if by > 0 && exact {
		i++
	}
	if by < 0 {
		i--
	}
	switch {
	case i >= len(speeds):
		return errFastest
	case i < 0:
		return errSlowest
	}
	p.speed = speeds[i]
	return nil
}

// next goes to the next mark.
func (p *player) next() (Mark, error) {
	for _, m := range p.film.jumps() {
		if m.Record > p.records {
			p.land(m)
			return m, nil
		}
	}
	return Mark{}, errNoMore
}

// last goes to the mark before.
func (p *player) last() (Mark, error) {
	before := p.records
	if p.playing {
		before = min(before, p.film.records(p.film.run(max(0, p.film.filmed(p.at)-grace*time.Duration(p.speed))))+1)
	}
	jumps := p.film.jumps()
	for i := len(jumps) - 1; i >= 0; i-- {
		if jumps[i].Record < before {
			p.land(jumps[i])
			return jumps[i], nil
		}
	}
	return Mark{}, errNoLess
}

// land goes to the very record of a mark, though others have the same time.
func (p *player) land(m Mark) { p.at, p.records = m.At, m.Record }
