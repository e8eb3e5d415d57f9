package ui

import (
	"testing"

	"tminus/ui/pane"
)

// The keys that panes name are those that the operator's table holds.
func TestPaneNamesTheKeysThatThereAre(t *testing.T) {
	keys := operatorKeys()
	for id, label := range map[string]string{
		"tick": pane.KeyTick, "edit": pane.KeyFill, "action": pane.KeyAction, "waive": pane.KeyWaive, "decide": pane.KeyDecide, "tell": pane.KeyTell, "recheck": pane.KeyRecheck, "go": pane.KeyGo, "no-go": pane.KeyNoGo, "start": pane.KeyStart,
		"commit": pane.KeyCommit, "rollback": pane.KeyRollback, "session": pane.KeySession, "extend": pane.KeyExtend, "accept": pane.KeyAccept, "close run": pane.KeyClose, "skip": pane.KeySkip, "schedule": pane.KeySchedule, "abort": pane.KeyAbort, "quit": pane.KeyLeave,
	} {
		if b, ok := keys.get(id); !ok || b.label != label {
			t.Errorf("panes name key %q for %q; the table has %q", label, id, b.label)
		}
	}
}
