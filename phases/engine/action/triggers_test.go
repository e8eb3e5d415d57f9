package action

import (
	"testing"

	"tminus/phases"
)

func TestTriggersThatWereOffBefore(t *testing.T) {
	now := []phases.Trigger{{Table: "a", Name: "x", Enabled: "D"}, {Table: "b", Name: "x", Enabled: "O"}, {Table: "c", Name: "y", Enabled: "D"}}
	got := offBefore(now, []phases.Trigger{{Table: "c", Name: "y", Enabled: "R"}})
	if len(got) != 1 || got[0] != "x on a" {
		t.Errorf("got %q", got)
	}
}
