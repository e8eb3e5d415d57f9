package ui

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// What holds production for the sake of its rehearsal is told where the run waits,
// and the keys on screen lead on from there.
func TestTheRehearsalHoldsOnScreen(t *testing.T) {
	o, _ := screen(t, "checklist", 120, 40)
	for _, g := range o.state.Runbook.Checklist {
		for _, it := range g.Items {
			o.state.Items[it.ID] = &phases.ItemState{Ticked: true, Check: &phases.CheckState{Pass: true, At: o.now()}}
			for _, f := range it.Fields {
				o.state.Fields[f.ID] = phases.FieldValue{Value: "yes", At: o.now()}
				if f.Type == runbook.FieldTime {
					o.state.Fields[f.ID] = phases.FieldValue{Value: o.now().Format(time.RFC3339), At: o.now()}
				}
			}
		}
	}
	o.state.Opened.Environment, o.state.Opened.Rehearsed = phases.Production, &phases.Rehearsed{}
	if got := frameText(o); !strings.Contains(got, "The gate is held: the rehearsal: no journal of one of this runbook was found") {
		t.Errorf("it is not told what holds the gate:\n%s", got)
	}

	o, _ = screen(t, "next", 120, 40)
	o.state.Baseline = &phases.Baseline{Counts: []phases.TableCount{{Table: "members", Rows: 4}}}
	o.state.Opened.Rehearsed = &phases.Rehearsed{Counts: []phases.TableCount{{Table: "members", Rows: 900}}}
	if got := frameText(o); !strings.Contains(got, "is held: not acknowledged: count-low: members holds 4 rows") {
		t.Errorf("it is not told what holds the phase:\n%s", got)
	}
	if hint := firstHint(t, o); hint != "u" {
		t.Errorf("the first key is %q:\n%s", hint, frameText(o))
	}
	run(o, keyNamed("u"))
	if got := frameText(o); !strings.Contains(got, "Understood: count-low?") || !strings.Contains(got, "To mend it: find out why before anything goes") {
		t.Errorf("the question is another:\n%s", got)
	}
}
