package pane

import (
	"slices"
	"time"

	"tminus/phases"
	"tminus/ui/look"
)

// stillAfter is how long no row may go before a picture shows that none does:
// progress comes a few times a second.
const stillAfter = time.Second

// rates are a series' in n cells, until something ended, or else until now.
func (p Pane) rates(s *phases.Series, ended time.Time, n int) []float64 {
	until := ended
	if ended.IsZero() {
		until = s.Last()
		if p.Now.Sub(until) > stillAfter {
			until = p.Now
		}
	}
	return s.Rates(n, until)
}

// sparkWidth is how many cells a table's pace gets.
func (p Pane) sparkWidth() int { return p.barWidth() }

// sparkField is a table's pace over its time.
func (p Pane) sparkField(ph *phases.PhaseState, t *phases.TableState, pc pace) look.Field {
	if t.Step >= 0 && pc.rate == 0 { // too short for one
		return nil
	}
	ended := t.EndedAt
	if ended.IsZero() && !ph.EndedAt.IsZero() {
		ended = ph.EndedAt
	}
	if t.Step < 0 && ended.IsZero() && ph.Status != phases.PhaseRunning {
		ended = t.Pace.Last() // what goes along has no end of its own
	}
	rates := p.rates(&t.Pace, ended, p.sparkWidth())
	if rates == nil || slices.Max(rates) == 0 {
		return nil
	}
	style := &p.Styles.Dim
	if t.Step >= 0 && t.Step == ph.Step {
		style = &p.Styles.Accent
	}
	return look.Field{{Text: look.Spark(p.Styles.Mark, rates), Style: style}}
}

// paceLine is the phase's pace over its time, whatever takes its rows, and in
// figures: how many go now, and how many went when it was fastest.
func (p Pane) paceLine(ph *phases.PhaseState) (look.Line, bool) {
	st := p.Styles
	works := ph.Status == phases.PhaseRunning || ph.Status == phases.PhaseLocking && !ph.LockedAt.IsZero()
	ended := time.Time{}
	if !works {
		ended = ph.Pace.Last()
	}
	const lead = "all rows/s "
	words := func(rates []float64) string {
		most := "most " + look.Count(int64(slices.Max(rates)))
		if !works {
			return most
		}
		return "now " + look.Count(int64(rates[len(rates)-1])) + ", " + most
	}
	room := p.Width - look.Width(lead)
	fine := p.rates(&ph.Pace, ended, max(8, min(60, room-26)))
	if fine == nil || slices.Max(fine) < 1 {
		return look.Line{}, false
	}
	style := &st.Dim
	if works {
		style = &st.Accent
	}
	return look.Row(&st.Dim, lead).Add(style, look.Spark(st.Mark, fine)).Add(&st.Text, "  "+words(fine)), true
}
