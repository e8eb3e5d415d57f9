package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/pane"
)

// smoking is a screen of a run whose smoke test failed.
func smoking(t *testing.T, w, h int) (*Operator, *recorder) {
	t.Helper()
	o, rec := screen(t, "done", w, h)
	s := o.state
	call := &runbook.Call{URL: "https://gym.example/health", Method: "GET", Status: runbook.Rows{Min: 200, Max: 200}}
	s.Runbook.After = []runbook.Group{{ID: "smoke", Title: "Smoke tests", Smoke: true, Items: []runbook.Item{
		{ID: "health", Text: "The health check answers", Action: &runbook.Action{Name: runbook.MakeCall, Text: "request /health", Call: call, Timeout: time.Second}},
		{ID: "looks", Text: "Somebody looked at it"},
	}}}
	s.Items["health"] = &phases.ItemState{Action: &phases.ActionState{At: o.now(), Error: "status 500, and 200 is expected", Result: phases.ActionResult{Output: "stack trace"}}}
	o.goTo(pane.Checklist)
	o.nav.cursor = "health"
	ticks(o)
	return o, rec
}

func TestSmokeTestOnScreen(t *testing.T) {
	for name, size := range map[string][2]int{"80x24": {80, 24}, "120x40": {120, 40}} {
		t.Run(name, func(t *testing.T) {
			o, _ := smoking(t, size[0], size[1])
			golden.RequireEqual(t, trimmed(frameText(o)))
		})
		for _, key := range []string{pane.KeyDecide, pane.KeyWaive, pane.KeyAction} {
			t.Run(name+"_"+key, func(t *testing.T) {
				o, _ := smoking(t, size[0], size[1])
				run(o, keyNamed(key))
				golden.RequireEqual(t, trimmed(frameText(o)))
			})
		}
	}
}

// What the dialogs send.
func TestSmokeTestIsDecided(t *testing.T) {
	for want, presses := range map[phases.Command][]string{
		phases.DecideSmoke{Item: "health", Verdict: phases.GoOn, Who: "Ada, client", Reason: "known"}:    {pane.KeyDecide, "enter", "right", "right", "right", "enter"},
		phases.DecideSmoke{Item: "health", Verdict: phases.Restore, Who: "Ada, client", Reason: "known"}: {pane.KeyDecide, "tab", "tab", "tab", "enter"},
		phases.DecideSmoke{Item: "health", Verdict: phases.UndoIt, Who: "Ada, client", Reason: "known"}:  {pane.KeyDecide, "tab", "tab", "enter"},
		phases.Waive{Item: "health", Who: "Ada, client", Reason: "known"}:                                {pane.KeyWaive, "enter"},
	} {
		o, rec := smoking(t, 80, 24)
		run(o, keyNamed(presses[0]))
		typed(o, "Ada, client")
		run(o, keyNamed("enter"))
		typed(o, "known")
		for i, key := range presses[1:] {
			if i == len(presses)-2 { // a careful dialog takes no quick answer
				o.now = frozen(o.now().Add(time.Hour))
			}
			run(o, keyNamed(key))
		}
		if len(rec.commands) != 1 || rec.commands[0] != want {
			t.Errorf("sent %+v, want %+v\n%s", rec.commands, want, frameText(o))
		}
	}
}

// What the keys say where they do nothing, and what leads on.
func TestSmokeKeysSayWhy(t *testing.T) {
	o, _ := smoking(t, 80, 24)
	says := func(key, want string) {
		t.Helper()
		run(o, keyNamed(key))
		if got := frameText(o); !strings.Contains(got, want) {
			t.Errorf("%s: %q is not in\n%s", key, want, got)
		}
	}
	says(pane.KeyTick, "its action answers this item")
	says(pane.KeyFill, "nothing to fill in: its action answers it")
	says(pane.KeyClose, "a smoke test that failed")
	if st := o.next(o.now()); st.keys[0] != "decide" || st.text != "A smoke test failed: The health check answers. Go on, or restore or undo?" {
		t.Errorf("it asks for %+v", st)
	}
	o.state.Items["health"].Decided = &phases.Decided{Verdict: phases.Restore, Who: "W", Reason: "R", At: o.now()}
	if st := o.next(o.now()); st.keys[0] != "abort" || !strings.Contains(st.text, "Decided to restore") {
		t.Errorf("it asks for %+v", st)
	}
	o.state.Items["health"].Decided.Verdict = phases.GoOn
	if st := o.next(o.now()); strings.Contains(st.text, "failed") {
		t.Errorf("it asks for %+v", st)
	}
	says(pane.KeyDecide, "and somebody has decided to go on") // it can be decided anew
	run(o, keyNamed("esc"))
	o.state.Items["health"] = &phases.ItemState{Waived: &phases.Waiver{Who: "W"}}
	says(pane.KeyDecide, "it is waived")
}
