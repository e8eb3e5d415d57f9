package pane

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// odd is a run whose phases are none that a picture is made for: 300 tables with
// names of 63 wide characters, figures of any size, and times in any order.
func odd(rng *rand.Rand) *paneRun {
	r := newPaneRun().baseline()
	wide := strings.Repeat("長", 63)
	var steps []runbook.Step
	for i := range 300 {
		steps = append(steps, runbook.Step{Delete: fmt.Sprintf("%s%d", wide, i)})
	}
	figures := []int64{-1, 0, 1, 99, 1_000_000_000, math.MaxInt64 / 400}
	figure := func() int64 { return figures[rng.IntN(len(figures))] }
	spans := []time.Duration{-48 * time.Hour, -time.Second, 0, time.Nanosecond, time.Second, 7 * time.Minute, 1000 * time.Hour}
	span := func() time.Duration { return spans[rng.IntN(len(spans))] }
	statuses := []phases.PhaseStatus{phases.PhasePending, phases.PhaseLocking, phases.PhaseRunning, phases.PhaseVerifying, phases.PhaseHolding, phases.PhaseIsCommitted, phases.PhaseIsRolledBack}
	for i := range r.Phases {
		p := &r.Phases[i]
		p.Plan.Planned, p.Plan.WarnAfter, p.Plan.Limit = max(0, span()), max(0, span()), max(0, span())
		p.Status, p.StartedAt = statuses[rng.IntN(len(statuses))], paneT0.Add(span())
		if rng.IntN(2) == 0 {
			p.EndedAt, p.ReadyAt = paneT0.Add(span()), paneT0.Add(span())
		}
		if i == 1 {
			p.Plan.Steps, p.Tables = steps, nil
			for j, s := range steps {
				p.Tables = append(p.Tables, phases.TableState{Name: s.Delete, Role: phases.RoleDelete, Step: j, Expected: figure(), Left: figure(), Deleted: max(0, figure()), Cascaded: max(0, figure()), BlocksDone: max(0, figure()), BlocksTotal: max(0, figure()), StartedAt: p.StartedAt})
				for range rng.IntN(4) {
					p.Tables[j].Pace.Add(paneT0.Add(span()), figure())
					p.Pace.Add(paneT0.Add(span()), figure())
				}
			}
		}
		p.Lock = &phases.LockWait{Table: wide, Waited: span(), Until: paneT0.Add(span())}
	}
	r.Runbook.Window.Abort, r.Extra = max(0, span()), span()
	r.now = paneT0.Add(span())
	return r
}

// Whatever a run is, its pictures fill their rectangle, no share is above all of
// it, and no line says a thing that is no number.
func TestPicturesOfAnyRun(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 14))
		r := odd(rng)
		for _, name := range []ID{Phase, Timeline} {
			w, h := rng.IntN(230), rng.IntN(70)
			p := r.pane(w, h)
			drawn := p.show(name)
			requireRect(t, fmt.Sprintf("%s of seed %d", name, seed), drawn, w, h)
			text := ansi.Strip(drawn)
			for _, wrong := range []string{"NaN", "Inf", "%!", "101 %"} {
				if strings.Contains(text, wrong) {
					t.Errorf("seed %d: %q in\n%s", seed, wrong, text)
				}
			}
		}
	}
}

// The pictures that need room, in colour: the panes' golden files are coloured at
// 80x24 alone.
func TestPictureGoldenColoured(t *testing.T) {
	for _, c := range []struct {
		pane  ID
		state string
	}{{Phase, "running"}, {Phase, "waiting"}, {Timeline, "holding"}, {Timeline, "past"}} {
		for _, size := range [][2]int{{120, 40}, {200, 60}} {
			t.Run(fmt.Sprintf("%s/%s/%dx%d", c.pane, c.state, size[0], size[1]), func(t *testing.T) {
				p := paneStates()[c.state]().pane(size[0], size[1])
				p.Styles = look.NewStyles(true)
				golden.RequireEqual(t, p.show(c.pane)+"\n")
			})
		}
	}
}

// The time bar says in words and letters where a phase is.
func TestTheTimeBarSaysWhereAPhaseIs(t *testing.T) {
	for _, c := range []struct {
		took time.Duration
		want string
	}{
		{0, "here 00:00, 0 % of plan"},
		{time.Minute, "here 01:00, 50 % of plan"},
		{3 * time.Minute, "here 03:00, 01:00 over plan"},
		{9 * time.Minute, "here 09:00, 07:00 over plan"},
	} {
		r := newPaneRun().baseline()
		ph := r.begin(1, 30*time.Second)
		r.now = ph.StartedAt.Add(c.took)
		lines := r.pane(120, 40).timeBar(ph)
		if len(lines) != 2 {
			t.Fatalf("%d lines", len(lines))
		}
		var bar, under strings.Builder
		look.Draw(&bar, lines[0].Spans, nil)
		look.Draw(&under, lines[1].Spans, nil)
		text := ansi.Strip(bar.String())
		if !strings.Contains(text, c.want) || !strings.Contains(ansi.Strip(under.String()), "you are here") {
			t.Errorf("after %s:\n%s\n%s", c.took, text, under.String())
		}
		cells := []rune(text)
		here, plan := strings.IndexRune(string(cells), '▸'), strings.IndexRune(string(cells), 'P')
		if (here < plan) != (c.took < 2*time.Minute) {
			t.Errorf("after %s the phase stands on the wrong side of its plan: %s", c.took, text)
		}
	}
}

// A delete that stands still is seen to.
func TestAPaceThatStopsIsSeen(t *testing.T) {
	r := newPaneRun().baseline()
	r.begin(1, 30*time.Second)
	ph := r.work(1, 1, 0.4)
	r.now = r.now.Add(20 * time.Second)
	l, ok := r.pane(80, 24).paceLine(ph)
	var b strings.Builder
	look.Draw(&b, l.Spans, nil)
	if text := ansi.Strip(b.String()); !ok || !strings.Contains(text, "··········  now 0, most ") {
		t.Errorf("after 20 s without a row: %s", text)
	}
}

// A terminal without eighths of a block gets letters of ASCII instead.
func TestPicturesWithoutBlocks(t *testing.T) {
	r := newPaneRun().baseline()
	r.begin(1, 30*time.Second)
	r.work(1, 1, 0.4)
	p := r.pane(120, 40)
	p.Styles = p.Styles.WithoutBlocks()
	if text := p.show(Phase); strings.ContainsAny(text, "▁▂▃▄▅▆▇") {
		t.Errorf("there is a block in\n%s", text)
	}
	for env, lacks := range map[string]bool{"TERM=linux": true, "TERM=xterm": false, "LANG=C": true, "LANG=el_GR.UTF-8": false, "LC_ALL=POSIX LANG=C.UTF-8": true, "TERM=vt220 LANG=C.UTF-8": true} {
		if look.LacksBlocks(strings.Fields(env)) != lacks {
			t.Errorf("%s: lacks blocks: %v", env, !lacks)
		}
	}
}
