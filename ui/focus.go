package ui

import (
	"fmt"

	"tminus/phases"
	"tminus/ui/pane"
)

// calls reports whether the run has come to something for which whoever drives it is
// called back from wherever they look: a hold, whose time is limited, a session in
// the way, a phase that failed or was rolled back by no human's word, an outcome that a
// human has to look at, a smoke test that failed. Each
// calls once. Whoever only reads is left where they are.
func (v *Viewer) calls(want pane.ID) bool {
	if _, acts := v.keys.get("tick"); !acts {
		return false
	}
	what := v.callsFor()
	if what == "" || what == v.nav.called {
		return false
	}
	v.nav.called = what
	return want == pane.Phase || want == pane.Checklist
}

// callsFor names what needs the operator; empty where nothing calls them.
func (v *Viewer) callsFor() string {
	s := v.state
	if it, failed := v.smokeFailed(); failed {
		return "smoke test " + it
	}
	if s.Stage() != phases.StagePhases {
		return ""
	}
	p := &s.Phases[s.Current()]
	what := ""
	switch {
	case p.Status == phases.PhaseHolding, p.Status == phases.PhaseInDoubt, p.Status.MustLook():
		what = string(p.Status)
	case gaveUp(s) != nil:
		what = string(p.Status)
	case v.blocked():
		what = "blocked"
	default:
		return ""
	}
	return fmt.Sprintf("%s %s %d", what, p.Plan.ID, p.Attempt)
}

// blocked reports whether a session is in the open phase's way.
func (v *Viewer) blocked() bool {
	return v.state != nil && v.state.Blocked()
}

// smokeFailed is the smoke test that a human has to decide on.
func (v *Viewer) smokeFailed() (id string, ok bool) {
	if v.state == nil || v.state.Outcome != "" {
		return "", false
	}
	it, ok := v.state.SmokeFailed()
	return it.ID, ok
}
