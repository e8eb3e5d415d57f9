package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"time"

	"tminus/phases"
)

//go:embed chart.svg
var chartSVG string

// charts draw. What they are handed is escaped by the template.
var charts = template.Must(template.New("charts").Parse(chartSVG))

// The sheet of the drawings, in units that become pixels where there is room.
const (
	chartWidth = 860.0
	chartLeft  = 190.0 // of the plot: names stand before it
	chartRight = 715.0 // of the plot: outcomes stand behind it
	rowHeight  = 34.0
	chartTop   = 44.0
	nameRoom   = 24 // characters before the plot
)

// scale lays moments along a line.
type scale struct{ from, to float64 }

func (s scale) at(v float64) float64 {
	if s.to <= s.from {
		return chartLeft
	}
	return chartLeft + (chartRight-chartLeft)*math.Max(0, math.Min(1, (v-s.from)/(s.to-s.from)))
}

// bar is a rectangle with a look.
type bar struct {
	Class      string
	X, Y, W, H float64
	Title      string
}

// mark is a line across the plot, or a place on it, with words.
type mark struct {
	Class  string
	X, Y   float64
	Text   string
	Anchor string
}

type timelineChart struct {
	ID, Title, Desc       string
	Width, Height, Bottom float64
	Left, Right, Top      float64
	Over                  float64 // where the marks' lines begin
	Ticks, Marks, Names   []mark
	Outcomes, Commits     []mark
	Bars                  []bar
}

// drawTimeline, of a run with an attempt at a phase, has a row for each phase: above what was planned, below what was.
// alone draws what was alone, as wide as there is room: beside a plan that is much
// longer nobody sees it.
func (r *Report) drawTimeline(zone *time.Location, alone bool) picture {
	zero := r.PlannedT0
	if r.T0 != nil {
		zero = r.T0
	}
	if zero == nil {
		zero = r.Timeline[0].From
	}
	since := func(at *time.Time) float64 { return at.Sub(*zero).Seconds() }
	s := scale{to: r.chartEnd(since, alone)}
	if at := r.Gate.At; at != nil && r.Gate.Decision == phases.Go {
		if gate := since(at); gate < 0 && -gate <= s.to {
			s.from = gate
		}
	}
	c := &timelineChart{
		ID: "timeline", Title: "Timeline of the phases",
		Desc:  "For each phase a hollow bar for the planned time and a filled one for the time that it took. Hatched is the wait for a decision; a diamond is a COMMIT. The table below has the same.",
		Width: chartWidth, Left: chartLeft, Right: chartRight, Top: chartTop, Height: chartTop + rowHeight*float64(len(r.Phases)) + 30,
	}
	c.Bottom, c.Over = c.Height-30, chartTop-12
	if alone {
		c.ID, c.Title, c.Desc = "timeline-close", "The same without the plan", "The phases as they ran, without their planned times. The table below has the same."
	}
	c.Ticks = s.clockTicks(c.Bottom + 16)
	c.mark(s, 0, "T-0 "+zero.In(zone).Format("15:04:05"), 14)
	if at := r.Gate.At; at != nil && r.Gate.Decision == phases.Go {
		text := "GO " + at.In(zone).Format("15:04:05")
		if since(at) < s.from {
			text = "◂ " + text
		}
		c.mark(s, since(at), text, 28)
	}
	if limit := r.AbortSeconds + r.ExtendedSeconds; limit <= s.to && r.T0 != nil {
		c.mark(s, limit, "abort limit", 28)
	}
	planned := 0.0
	for i := range r.Phases {
		p, y := &r.Phases[i], chartTop+rowHeight*float64(i)
		c.Names = append(c.Names, mark{X: chartLeft - 8, Y: y + 20, Text: short(fmt.Sprintf("%d. %s", i+1, r.phaseName(i)), nameRoom), Anchor: "end"})
		if !alone {
			c.Bars = append(c.Bars, s.bar("planned", planned, planned+p.PlannedSeconds, y+5, 8, "planned "+span(p.PlannedSeconds)))
		}
		planned += p.PlannedSeconds
		c.attempts(r, p, s, y, since)
		text := outcomeWord(p.Outcome)
		if p.Seconds > 0 {
			text += ", " + span(p.Seconds)
		}
		c.Outcomes = append(c.Outcomes, mark{X: chartRight + 8, Y: y + 20, Text: text})
	}
	out := drawn("timeline", c.ID, c.Title, c.Desc, c)
	out.Legend = "Hollow: planned, counted from T-0. Filled: as it ran. Hatched: the wait for a decision. Diamond: COMMIT."
	if alone {
		out.Legend = "As it ran alone, for what is too short beside its plan."
	}
	return out
}

// attempts draws what a phase's attempts took.
func (c *timelineChart) attempts(r *Report, p *Phase, s scale, y float64, since func(*time.Time) float64) {
	for _, a := range r.Timeline {
		if a.Phase != p.ID {
			continue
		}
		from, to := since(a.From), s.to
		if a.To != nil {
			to = since(a.To)
		}
		class := "open"
		switch {
		case a.Outcome.Done():
			class = "done"
		case a.Outcome != "":
			class = "bad"
		}
		c.Bars = append(c.Bars, s.bar(class, from, to, y+16, 12, fmt.Sprintf("%s, %s", outcomeWord(a.Outcome), span(to-from))))
		for _, h := range a.Holds {
			end := to
			if h.To != nil {
				end = since(h.To)
			}
			c.Bars = append(c.Bars, s.bar("hold", since(h.From), end, y+16, 12, "held for a decision, "+span(end-since(h.From))))
		}
		if a.Outcome == phases.PhaseIsCommitted {
			c.Commits = append(c.Commits, mark{X: s.at(to), Y: y + 22})
		}
	}
}

// chartEnd is where the drawing ends, in seconds from T-0.
func (r *Report) chartEnd(since func(*time.Time) float64, alone bool) float64 {
	end, planned := 0.1, 0.0
	for i := range r.Phases {
		planned += r.Phases[i].PlannedSeconds
	}
	if !alone {
		end = max(end, planned)
	}
	for _, a := range r.Timeline {
		end = max(end, since(a.From))
		if a.To != nil {
			end = max(end, since(a.To))
		}
	}
	return end * 1.02
}

// least is how wide a bar is that would be too small to see.
const least = 2.5

func (s scale) bar(class string, from, to, y, height float64, title string) bar {
	x := s.at(from)
	return bar{Class: class, X: round(x), Y: y, W: round(max(least, s.at(to)-x)), H: height, Title: title}
}

func (c *timelineChart) mark(s scale, at float64, text string, y float64) {
	x, anchor := s.at(at), "start"
	if x > (chartLeft+chartRight)/2 {
		anchor = "end"
	}
	c.Marks = append(c.Marks, mark{X: round(x), Y: y, Text: text, Anchor: anchor})
}

// clockTicks are some round moments of the T-clock.
func (s scale) clockTicks(y float64) []mark {
	var out []mark
	step := s.step([]float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 604800})
	for at := math.Ceil(s.from/step) * step; at <= s.to; at += step {
		out = append(out, mark{X: round(s.at(at)), Y: y, Text: tClock(at), Anchor: "middle"})
	}
	return out
}

// step is the least of some steps of which no more than eight fit.
func (s scale) step(steps []float64) float64 {
	for _, step := range steps {
		if (s.to-s.from)/step <= 8 {
			return step
		}
	}
	return (s.to - s.from) / 8
}

type progressChart struct {
	ID, Title, Desc string
	Width, Height   float64
	Left, Right     float64
	Top, Bottom     float64
	Line, Area      string
	Ticks, Rows     []mark
	Name, Outcome   mark
}

// drawProgress is one phase: rows that are gone, over the time since it began.
func drawProgress(name, attempt string, p Progress) picture {
	const height, top, bottom = 130.0, 12.0, 104.0
	end := p.Points[len(p.Points)-1]
	s := scale{to: max(end.Seconds, 0.001)}
	most := float64(max(1, end.Rows))
	for _, pt := range p.Points {
		most = max(most, float64(pt.Rows))
	}
	c := &progressChart{
		ID: fmt.Sprintf("progress-%s-%d", p.Phase, p.Attempt), Title: "Rows over time: " + name + attempt,
		Desc:  fmt.Sprintf("Rows deleted since the phase began: %s after %s. The table below has more.", phases.Digits(end.Rows), span(end.Seconds)),
		Width: chartWidth, Height: height, Left: chartLeft, Right: chartRight, Top: top, Bottom: bottom,
	}
	var line bytes.Buffer
	for _, pt := range p.Points {
		fmt.Fprintf(&line, "%.1f,%.1f ", s.at(pt.Seconds), bottom-(bottom-top)*float64(pt.Rows)/most)
	}
	c.Line = line.String()
	c.Area = fmt.Sprintf("%.1f,%.1f %s%.1f,%.1f", s.at(p.Points[0].Seconds), bottom, c.Line, s.at(end.Seconds), bottom)
	c.Name = mark{X: chartLeft - 8, Y: top + 10, Text: short(name, nameRoom-len(attempt)) + attempt, Anchor: "end"}
	c.Rows = []mark{
		{X: chartRight + 8, Y: top + 4, Text: phases.Digits(int64(most)) + " rows"},
		{X: chartRight + 8, Y: bottom + 4, Text: "0"},
	}
	step := s.step([]float64{0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 86400})
	for n := 0; float64(n)*step <= s.to; n++ {
		at := float64(n) * step
		c.Ticks = append(c.Ticks, mark{X: round(s.at(at)), Y: bottom + 16, Text: tick(at, step), Anchor: "middle"})
	}
	return drawn("progress", c.ID, c.Title, c.Desc, c)
}

// drawn gives a chart. A template that fails is a fault of this package, which
// the table beside the picture outlives.
func drawn(name, id, title, desc string, chart any) picture {
	p := picture{ID: id, Title: title, Desc: desc}
	var out bytes.Buffer
	if err := charts.ExecuteTemplate(&out, name, chart); err != nil {
		p.Legend = "not drawn: " + phases.Clean(err.Error())
		return p
	}
	p.SVG = template.HTML(out.String())
	return p
}

// tick is a moment along an axis, in the unit of its steps.
func tick(at, step float64) string {
	if step < 0.1 {
		return fmt.Sprintf("%.0f ms", at*1000)
	}
	return span(at)
}

func round(v float64) float64 { return math.Round(v*10) / 10 }

// short cuts a name where a drawing has no room; the table has it in full.
func short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
