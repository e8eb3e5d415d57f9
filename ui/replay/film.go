package replay

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

// Film is a journal that was read, and what there is to find in it.
type Film struct {
	path  string
	scene []scene
	marks []Mark
	knots []knot // at least one
	fault error  // why the journal was not read to its end; nil when it was
}

// scene is one record.
type scene struct {
	rec   journal.Record // without its data
	event phases.Event
	at    time.Duration // since the first record; never less than the record's before, though a clock was set back
}

// knot ties a moment of the run to one of the film, where quiet times are short.
// Between two of them both run evenly.
type knot struct{ run, film time.Duration }

// Read reads a journal. A time of more than idle in which nothing is told takes
// idle; 0 leaves all as it was.
//
// A journal without a whole record is an error. One that is damaged, or written
// by a later version, is a film up to there, and its end says so.
func Read(path string, idle time.Duration) (*Film, error) {
	recs, err := journal.Read(path)
	switch {
	case len(recs) == 0 && err == nil:
		return nil, fmt.Errorf("read journal %s: %w", path, journal.ErrEmpty)
	case len(recs) == 0:
		return nil, err
	}
	f := &Film{path: path}
	if !errors.Is(err, journal.ErrTorn) { // a line that is being written, or was cut off, was never told
		f.fault = err
	}
	state := &phases.State{}
	f.knots = []knot{{}}
	for _, rec := range recs {
		if err := f.add(rec, state, idle); err != nil {
			f.fault = err
			break
		}
	}
	if len(f.scene) == 0 {
		return nil, fmt.Errorf("read journal %s: %w", path, f.fault)
	}
	f.tie(f.length(), idle)
	return f, nil
}

// add takes a record in, and moves the state on by it.
func (f *Film) add(rec journal.Record, state *phases.State, idle time.Duration) error {
	e, err := phases.Decode(rec)
	if err != nil {
		return err
	}
	lines := len(state.Log)
	if err := state.ApplyDecoded(rec, e); err != nil {
		return err
	}
	rec.Data = nil
	at := time.Duration(0)
	if len(f.scene) > 0 {
		at = max(f.scene[len(f.scene)-1].at, rec.At.Sub(f.scene[0].rec.At))
	}
	f.scene = append(f.scene, scene{rec, e, at})
	told := len(state.Log) > lines
	if told {
		line := state.Log[len(state.Log)-1]
		if m, ok := markOf(e, line); ok {
			m.At, m.Record = at, len(f.scene)
			f.marks = append(f.marks, m)
		}
	}
	if told || moves(e) {
		f.tie(at, idle)
	}
	return nil
}

// moves reports whether an event that no line tells can be seen.
func moves(e phases.Event) bool {
	switch e.(type) {
	case phases.CheckAnswered, phases.ChecksAsked, phases.CapsuleRoom:
		return false // they say what they have said before
	}
	return true
}

// tie ends a stretch of the run.
func (f *Film) tie(at, idle time.Duration) {
	last := f.knots[len(f.knots)-1]
	if at <= last.run {
		return
	}
	took := at - last.run
	if idle > 0 {
		took = min(took, idle)
	}
	f.knots = append(f.knots, knot{at, last.film + took})
}

// length is how long the run took, as far as it was read.
func (f *Film) length() time.Duration { return f.scene[len(f.scene)-1].at }

// lasts is how long the film takes at the run's own speed.
func (f *Film) lasts() time.Duration { return f.knots[len(f.knots)-1].film }

// moment is the time of day at a time of the run.
func (f *Film) moment(at time.Duration) time.Time { return f.scene[0].rec.At.Add(at) }

// records are how many were written by a time of the run; never none.
func (f *Film) records(at time.Duration) int {
	return max(1, sort.Search(len(f.scene), func(i int) bool { return f.scene[i].at > at }))
}

// filmed gives the time of the film for one of the run.
func (f *Film) filmed(at time.Duration) time.Duration {
	return f.between(at, func(k knot) (from, to time.Duration) { return k.run, k.film })
}

// run gives the time of the run for one of the film.
func (f *Film) run(at time.Duration) time.Duration {
	return f.between(at, func(k knot) (from, to time.Duration) { return k.film, k.run })
}

func (f *Film) between(at time.Duration, of func(knot) (from, to time.Duration)) time.Duration {
	i := sort.Search(len(f.knots), func(i int) bool { from, _ := of(f.knots[i]); return from > at })
	if i == 0 {
		return 0
	}
	if i == len(f.knots) {
		_, to := of(f.knots[i-1])
		return to
	}
	fromA, toA := of(f.knots[i-1])
	fromB, toB := of(f.knots[i])
	if toB-toA == fromB-fromA {
		return toA + at - fromA
	}
	share := float64(at-fromA) / float64(fromB-fromA)
	return toA + time.Duration(share*float64(toB-toA))
}

// projector folds a film to where it is wanted. It goes on from where it is, and
// begins anew to go back.
type projector struct {
	film  *Film
	state *phases.State
	shown int // records folded
}

// to gives the state after so many records. It is the projector's own, and stands
// until the next call.
func (p *projector) to(records int) *phases.State {
	if p.state == nil || records < p.shown {
		p.state, p.shown = &phases.State{}, 0
	}
	for _, s := range p.film.scene[p.shown:records] {
		// It was applied when it was read, to the same state: it cannot fail.
		if err := p.state.ApplyDecoded(s.rec, s.event); err != nil {
			break
		}
		p.shown++
	}
	return p.state
}
