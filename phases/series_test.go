package phases

import (
	"math"
	"slices"
	"testing"
	"time"
)

// A pace of any length is kept in the same room, and comes out as it was.
func TestASeriesStaysSmallAndTrue(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	for _, length := range []time.Duration{time.Second, time.Minute, 40 * time.Hour} {
		const events = 50_000
		var s Series
		s.Begin(start, 7)
		// 1,000 rows a second, and from the middle on three times as many.
		at := func(i int) (time.Time, int64) {
			past := length * time.Duration(i) / events
			return start.Add(past), 7 + int64(math.Round(1000*(past.Seconds()+2*max(0, past-length/2).Seconds())))
		}
		for i := range events + 1 {
			s.Add(at(i))
		}
		if allocated := testing.AllocsPerRun(100, func() { s.Add(at(events)) }); allocated != 0 {
			t.Errorf("over %s a point more takes %g allocations", length, allocated)
		}
		rates := s.Rates(20, s.Last())
		for i, r := range rates {
			want := 1000.0
			if i >= 10 {
				want = 3000
			}
			// The point nearest to the middle is a stretch of the thinned ones away.
			if i != 9 && i != 10 && math.Abs(r-want) > want/20 {
				t.Errorf("over %s stretch %d has %g rows a second: %v", length, i, r, rates)
			}
		}
		if half := s.Rates(2, start.Add(2*length)); half[1] != 0 || half[0] < 1900 || half[0] > 2100 {
			t.Errorf("over %s, and as long without a row: %v", length, half)
		}
	}
}

// A clock that is set back, rows that come back, and a beginning without an end:
// no rate is below zero, and none is without end.
func TestASeriesOfOddEvents(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	var none Series
	if none.Rates(8, start) != nil || !none.Last().IsZero() {
		t.Error("a series that has not begun has rates")
	}
	none.Begin(start, 0)
	if none.Rates(8, start) != nil || none.Rates(8, start.Add(-time.Hour)) != nil || none.Rates(0, start.Add(time.Hour)) != nil {
		t.Error("no time has passed, and there are rates")
	}
	var s Series
	for i, e := range []struct {
		at   time.Duration
		rows int64
	}{{0, 0}, {time.Second, 10}, {-time.Hour, 20}, {time.Second, 5}, {time.Second, math.MaxInt64 / 2}, {2 * time.Second, 3}, {time.Hour, math.MaxInt64}} {
		s.Add(start.Add(e.at), e.rows)
		for _, until := range []time.Time{{}, start, start.Add(-time.Hour), start.Add(90 * time.Minute)} {
			for _, r := range s.Rates(9, until) {
				if math.IsNaN(r) || math.IsInf(r, 0) || r < 0 {
					t.Errorf("after %d events, until %s, a rate is %g", i+1, until, r)
				}
			}
		}
	}
}

// What a phase deletes from each of its tables, and what goes along, has its pace,
// by the events alone.
func TestAPhaseKeepsItsPace(t *testing.T) {
	s := newFolding(t)
	s.add(PhaseStarted{Phase: "p", Attempt: 1}, TablesLocked{Phase: "p"}, StepStarted{Phase: "p"})
	for i := range int64(10) {
		s.add(TableProgressed{Phase: "p", Deleted: 100 * (i + 1), Touched: map[string]Touched{
			"t": {Deleted: 100 * (i + 1)}, "went_along": {Deleted: 20 * (i + 1)},
		}})
	}
	ph := s.OpenPhase()
	for name, want := range map[string]float64{"t": 100, "went_along": 20} {
		if rates := ph.find(name).Pace.Rates(2, s.At); !slices.Equal(rates, []float64{want, want}) {
			t.Errorf("%s has the pace %v, and not %g", name, rates, want)
		}
	}
	if rates := ph.Pace.Rates(2, s.At); !slices.Equal(rates, []float64{120, 120}) {
		t.Errorf("the phase has the pace %v", rates)
	}
	s.add(StepDone{Phase: "p", Rows: 1000}, PhaseRolledBack{Phase: "p", Reason: "r"})
	if ph := s.Phase("p"); !ph.Pace.Last().IsZero() || !ph.find("t").Pace.Last().IsZero() {
		t.Error("rolled back, it still says that rows went")
	}
}
