package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// What needs the operator calls them back from wherever they look, once; whoever
// only reads stays where they are.
func TestWhatNeedsTheOperatorCallsThem(t *testing.T) {
	for stage, want := range map[string]pane.ID{"holding": pane.Phase, "locked": pane.Phase, "doubt": pane.Phase, "unknown": pane.Phase, "running": pane.Log, "awaiting": pane.Log, "rolled back": pane.Phase} {
		for _, reads := range []bool{false, true} {
			o, _ := screen(t, "next", 80, 24)
			if reads {
				o.keys, want = readerKeys(), pane.Log
			}
			at := *o.state
			run(o, keyNamed("5"))
			s, now := fixture(t, stage)
			o.now = frozen(now)
			o.Show(s)
			if o.nav.focus != want {
				t.Errorf("%s, reads %v: the focus is on %s, want %s", stage, reads, o.nav.focus, want)
			}
			run(o, keyNamed("5"))
			o.Show(s)
			o.Show(&at)
			o.Show(s)
			if o.nav.focus != pane.Log {
				t.Errorf("%s: it calls again, to %s", stage, o.nav.focus)
			}
		}
	}
}

// A smoke test that failed is where the cursor goes.
func TestAFailedSmokeTestIsSelected(t *testing.T) {
	o, _ := screen(t, "after", 80, 24)
	o.state.Runbook.After[0].Smoke = true
	o.state.Runbook.After[0].Items = append(o.state.Runbook.After[0].Items, runbook.Item{ID: "pings", Text: "It pings", Action: &runbook.Action{Name: runbook.MakeCall, Call: &runbook.Call{URL: "https://gym.example"}}})
	o.Show(o.state)
	run(o, keyNamed("5"))
	o.state.Items["pings"] = &phases.ItemState{Action: &phases.ActionState{Error: "status 500", At: o.now()}}
	o.Show(o.state)
	if o.nav.focus != pane.Checklist || o.nav.cursor != "pings" {
		t.Errorf("the focus is on %s, the cursor on %s", o.nav.focus, o.nav.cursor)
	}
}

// blockedBy gives a run that waits for a lock what a look at the activity found.
func blockedBy(o *Operator) {
	o.state.Activity = &phases.ActivityState{Phase: "bookings", At: o.now().Add(-time.Second), LookedAt: o.now().Add(-time.Second), Activity: phases.Activity{Waiting: 1, Sessions: []phases.Session{
		{PID: 812, User: "dba", State: "active", Own: true, Wants: "ShareRowExclusiveLock on bookings", BlockedBy: []uint32{4711}, Since: o.now().Add(-3 * time.Second)},
		{PID: 4711, User: "app", Application: "web", State: "idle in transaction", Since: fixtureT0.Add(-4 * time.Minute), Holds: "RowExclusiveLock on bookings"},
	}}}
}

func TestActivityOnScreen(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {100, 30}, {120, 40}, {200, 60}} {
		for _, coloured := range []bool{false, true} {
			t.Run(fmt.Sprintf("%dx%d_%t", size[0], size[1], coloured), func(t *testing.T) {
				o, _ := screen(t, "locked", size[0], size[1])
				blockedBy(o)
				if size[0] < 110 {
					o.goTo(pane.Activity)
				}
				if coloured {
					o.SetStyles(look.NewStyles(true))
					golden.RequireEqual(t, frameText(o))
					return
				}
				golden.RequireEqual(t, trimmed(frameText(o)))
			})
		}
	}
}

// What has the keys is in sight, whatever the size, and whatever else has room.
func TestThePaneWithTheKeysIsInSight(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {100, 30}, {110, 30}, {120, 40}, {169, 44}, {200, 60}} {
		for _, stage := range []string{"checklist", "ready", "locked", "doubt", "confirm", "completed"} {
			o, _ := screen(t, stage, size[0], size[1])
			for _, k := range pane.Kinds() {
				if !k.IsThere(o.state) {
					continue
				}
				o.goTo(k.ID)
				l, _ := o.layout()
				if a, ok := l.find(k.ID); !ok || o.nav.focus != k.ID {
					t.Errorf("%s at %v: %s is not in sight", stage, size, k.ID)
				} else if size[0] == 120 && !k.Beside && a.h < 18 {
					t.Errorf("%s at %v: %s was gone to, and has %d lines", stage, size, k.ID, a.h)
				}
				checkFrame(t, stage, frameText(o), size[0], size[1])
			}
			// tab comes to every pane that is shown.
			run(o, keyNamed("tab"))
			run(o, keyNamed("tab"))
			l, _ := o.layout()
			seen := map[pane.ID]bool{}
			for range 2 * len(pane.Kinds()) {
				run(o, keyNamed("tab"))
				seen[o.nav.focus] = true
			}
			for _, a := range l.areas {
				if pane.KindOf(a.pane).IsThere(o.state) && !seen[a.pane] {
					t.Errorf("%s at %v: tab does not come to %s", stage, size, a.pane)
				}
			}
		}
	}
}

// At 120x40 no pane leaves two thirds of the screen's height empty while there is
// something else to show.
func TestNoEmptyTwoThirds(t *testing.T) {
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 120, 40)
		l, _ := o.layout()
		for _, a := range l.areas[1:] {
			in, p := a.inside(), o.paneOf(a, o.now())
			filled := 0
			for _, line := range strings.Split(ansi.Strip(pane.KindOf(a.pane).Draw(p)), "\n") {
				if strings.TrimSpace(line) != "" {
					filled++
				}
			}
			if empty := in.h - filled; empty > 24 {
				t.Errorf("%s: %s leaves %d of %d lines empty", stage, a.pane, empty, in.h)
			}
		}
	}
}
