package phases

import (
	"sort"
	"time"
)

// Series is how many rows had gone at which moments: what a picture of a pace is
// drawn from. It is thinned as it grows, so that it stays small however long
// something runs. The zero value is one of which nothing has begun.
type Series struct {
	from   time.Time
	every  time.Duration // the least between two points; only the last may be nearer
	points []seriesPoint // in order, in time and in rows; the first is where it begins
}

type seriesPoint struct {
	at   time.Duration // since from
	rows int64
}

// seriesLength is the most points that a series keeps: more cells than any
// picture of it has.
const seriesLength = 96

// Begin says that the rows go from a moment on, and how many had gone before. It
// does nothing to a series that has begun.
func (s *Series) Begin(at time.Time, rows int64) {
	if s.points == nil {
		s.from, s.points = at, []seriesPoint{{rows: rows}}
	}
}

// Add says how many rows have gone by a moment. A clock that was set back stands
// still here, and rows that came back never went.
func (s *Series) Add(at time.Time, rows int64) {
	s.Begin(at, rows)
	last := &s.points[len(s.points)-1]
	next := seriesPoint{max(last.at, at.Sub(s.from)), max(last.rows, rows)}
	// The last point moves until it is far enough from the one before it.
	if n := len(s.points); n > 1 && (next.at == last.at || next.at-s.points[n-2].at < s.every) {
		*last = next
		return
	}
	s.points = append(s.points, next)
	if len(s.points) > seriesLength {
		s.thin()
	}
}

// thin leaves out every second point, but for the first and the last.
func (s *Series) thin() {
	last := s.points[len(s.points)-1]
	kept := s.points[:0]
	for i := 0; i < len(s.points)-1; i += 2 {
		kept = append(kept, s.points[i])
	}
	s.points = append(kept, last)
	s.every = 2 * last.at / seriesLength
}

// Last is the moment of the newest point; zero where nothing has begun.
func (s *Series) Last() time.Time {
	if s.points == nil {
		return time.Time{}
	}
	return s.from.Add(s.points[len(s.points)-1].at)
}

// Rates are the rows a second in n stretches of equal length, from the beginning
// until a moment, or the newest point where that is later. Nil where there is no
// time between the two.
func (s *Series) Rates(n int, until time.Time) []float64 {
	if s.points == nil || n <= 0 {
		return nil
	}
	span := max(until.Sub(s.from), s.points[len(s.points)-1].at)
	if span <= 0 {
		return nil
	}
	out := make([]float64, n)
	stretch := float64(span) / float64(n)
	before := float64(s.points[0].rows)
	for i := range out {
		rows := s.rowsAt(stretch * float64(i+1))
		out[i] = (rows - before) / (stretch / float64(time.Second))
		before = rows
	}
	return out
}

// rowsAt is how many rows had gone at a time since the beginning: between two
// points they go evenly, and after the last one none is known to.
func (s *Series) rowsAt(at float64) float64 {
	i := sort.Search(len(s.points), func(i int) bool { return float64(s.points[i].at) > at })
	if i == 0 || i == len(s.points) {
		return float64(s.points[max(0, i-1)].rows)
	}
	a, b := s.points[i-1], s.points[i]
	share := (at - float64(a.at)) / float64(b.at-a.at)
	return float64(a.rows) + share*float64(b.rows-a.rows)
}
