package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/pane"
)

// fence gives a fixture's run two fences: one off, and one that somebody else has
// changed.
func fence(s *phases.State, now time.Time) {
	s.Runbook.Fences = []runbook.Fence{
		{ID: "alerts", Title: "the alerts", Kind: runbook.FenceAlertmanager, Matchers: []string{`service="gym"`}, Limit: time.Minute},
		{ID: "workers", Title: "the booking workers", Kind: runbook.FenceDeployment, Name: "workers", Limit: time.Minute},
	}
	s.Fences = []phases.FenceState{
		{
			Plan: &s.Runbook.Fences[0], Recorded: &phases.FenceMark{Text: "not silenced by this run"}, Taken: &phases.FenceMark{Text: "silence 17"},
			Step: phases.FenceIsOff, Seen: phases.SeenOff, Found: "silence 17", OffAt: now.Add(-25 * time.Minute),
		},
		{
			Plan: &s.Runbook.Fences[1], Recorded: &phases.FenceMark{Text: "3 replicas"}, Taken: &phases.FenceMark{Text: "0 replicas"},
			Step: phases.FenceIsOff, Seen: phases.SeenChanged, Found: "5 replicas", OffAt: now.Add(-24 * time.Minute),
		},
	}
}

// What is off stands on every screen for as long as it is, the end's included.
func TestTheBannerStandsOnEveryScreen(t *testing.T) {
	for _, stage := range fixtureStages {
		for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}, {200, 60}} {
			o, _ := screen(t, stage, size[0], size[1])
			fence(o.state, o.now())
			lines, _ := o.frame(o.now())
			if len(lines) != size[1] || !strings.Contains(ansi.Strip(lines[2]), "OFF for this run since ") {
				t.Errorf("%s at %v: %d lines, the third %q", stage, size, len(lines), ansi.Strip(lines[2]))
			}
			for i, l := range lines {
				if ansi.StringWidth(l) != size[0] {
					t.Errorf("%s at %v: line %d is %d wide", stage, size, i, ansi.StringWidth(l))
				}
			}
		}
	}
}

func TestFencesGolden(t *testing.T) {
	for name, press := range map[string]func(*Operator){
		"pane": func(o *Operator) { run(o, keyNamed(pane.Digit(pane.Fences))) },
		"abort": func(o *Operator) {
			run(o, keyNamed("a"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := screen(t, "next", 80, 24)
			fence(o.state, o.now())
			press(o)
			golden.RequireEqual(t, trimmed(frameText(o)))
		})
	}
}

// An abort asks whether what is off comes back, and takes yes where nobody says no.
func TestAnAbortAsksWhetherWhatIsOffComesBack(t *testing.T) {
	for typed, want := range map[string]bool{"": true, "no": false} {
		o, rec := screen(t, "next", 80, 24)
		fence(o.state, o.now())
		run(o, keyNamed("a"))
		o.dialog.Fields[0].Edit.SetValue("out of time")
		if typed != "" {
			o.dialog.Fields[1].Edit.SetValue(typed)
		}
		cmd, err := o.dialog.Buttons[1].Act(o.dialog.Values(), o.now())
		if err != nil {
			t.Fatal(err)
		}
		cmd()
		if len(rec.commands) != 1 || rec.commands[0] != (phases.Abort{Reason: "out of time", Lift: want}) {
			t.Errorf("typed %q, sent %+v", typed, rec.commands)
		}
	}
}

// Leaving something off is asked for by name, and only of what cannot come back.
func TestLeavingAFenceIsAskedByName(t *testing.T) {
	o, _ := screen(t, "after", 80, 24)
	fence(o.state, o.now())
	o.state.Runbook.After[0].Items = append(o.state.Runbook.After[0].Items, runbook.Item{ID: "back", Text: "The workers are back", Fence: "workers", Action: &runbook.Action{Name: runbook.LiftFence}, Check: &runbook.Check{Kind: runbook.CheckFence, Name: runbook.FenceBack}})
	if b, _ := o.keys.get("leave fence"); b.can(o.Viewer, o.now()) == nil {
		t.Error("without a fence's item it is possible")
	}
	o.nav.cursor = "back"
	run(o, keyNamed("L"))
	if text := frameText(o); !strings.Contains(text, "Leave the booking workers as it is?") || !strings.Contains(text, "changed by somebody else") {
		t.Errorf("the dialog:\n%s", ansi.Strip(text))
	}
	o.state.Fences[1].Seen = phases.SeenOff
	if b, _ := o.keys.get("leave fence"); b.can(o.Viewer, o.now()) == nil {
		t.Error("what can be brought back can be left")
	}
}
