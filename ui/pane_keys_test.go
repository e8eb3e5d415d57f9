package ui

import "testing"

// The keys that panes name are those that the operator's table holds.
func TestPaneNamesTheKeysThatThereAre(t *testing.T) {
	keys := operatorKeys()
	for id, label := range map[string]string{
		"tick": keyTick, "edit": keyFill, "action": keyAction, "recheck": keyRecheck, "go": keyGo, "no-go": keyNoGo, "start": keyStart,
		"commit": keyCommit, "rollback": keyRollback, "session": keySession, "extend": keyExtend, "accept": keyAccept, "close run": keyClose,
	} {
		if b, ok := keys.get(id); !ok || b.label != label {
			t.Errorf("panes name key %q for %q; the table has %q", label, id, b.label)
		}
	}
}
