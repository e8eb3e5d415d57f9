package pane

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/phases/runbook"
)

// An item's line says how far its action is.
func TestItemSaysHowFarItsActionIs(t *testing.T) {
	p := paneStates()["fresh"]().pane(100, 30)
	it := p.State.Runbook.Checklist[0].Items[0]
	act := &phases.ActionState{Running: true, At: p.Now.Add(-12 * time.Second)}
	p.State.Items[it.ID] = &phases.ItemState{Action: act}
	for want, far := range map[string]phases.ActionProgress{
		"under way, ":                     {},
		"dump, 12 of 40 tables, 340 MB, ": {What: "dump", Tables: 12, Of: 40, Bytes: 340 << 20},
	} {
		act.Progress = far
		drawn := ansi.Strip(paneNames()[string(Checklist)](p))
		if !strings.Contains(drawn, want) {
			t.Errorf("%q is not in\n%s", want, drawn)
		}
	}
	// What is too long for the line stands below it.
	p.State.Runbook.Checklist[0].Items[0].Action = &runbook.Action{Name: runbook.TakeFence, Slow: true}
	p.Cursor, act.Progress = it.ID, phases.ActionProgress{What: "make index 1 of 2, on child: building index: scanning table, 45 %"}
	drawn := ansi.Strip(paneNames()[string(Checklist)](p))
	if !strings.Contains(drawn, "under way, ") || !strings.Contains(drawn, act.Progress.What) {
		t.Errorf("of an index:\n%s", drawn)
	}
}
