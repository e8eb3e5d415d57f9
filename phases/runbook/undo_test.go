package runbook

import (
	"strings"
	"testing"
	"time"
)

// What an undo is made of is a runbook, whatever the phases and tables are called.
func TestUndoIsARunbook(t *testing.T) {
	long := strings.Repeat("a", maxID)
	of := &Runbook{
		Title: strings.Repeat(`"Reset" \ `, 30), Schema: "My App", Ledger: true, Protected: []string{`"kept here"`, "users"},
		Contacts: []Contact{{Role: `on "call"`, Phone: "+1 23"}},
	}
	u := Undo{Of: of, Keep: []string{"users"}, Replace: []string{`"T-3"`}}
	for _, id := range []string{long, long[:maxID-1] + "b", "short", "clear", "whole", "before", "told"} {
		u.Phases = append(u.Phases, UndoPhase{
			Phase: &Phase{ID: id, Title: strings.Repeat("Tïtle: ", 40)}, Folder: "/srv/run \"1\".capsule/" + id + ".1", SHA256: strings.Repeat("ab", 32),
			Tables: []string{"users", `"T-3"`}, Planned: 90 * time.Second, Words: "3 rows to bring back",
		})
	}
	book, err := Parse("undo.yaml", u.Source())
	if err != nil {
		t.Fatalf("%v\n%s", err, u.Source())
	}
	if len(book.Phases) != 7 || book.Phases[0].ID == book.Phases[1].ID || book.Phases[2].ID != "undo_short" {
		t.Errorf("phases %q, %q, %q", book.Phases[0].ID, book.Phases[1].ID, book.Phases[2].ID)
	}
	step := book.Phases[0].Steps[0]
	if step.PutBack != u.Phases[0].Folder || len(step.Keep) != 1 || len(step.Replace) != 1 || len(book.Protected) != 1 {
		t.Errorf("%+v, protected %q", step, book.Protected)
	}
	if !book.Capsule.Off || !book.Rehearsal.None || !book.Ledger {
		t.Errorf("%+v, %+v, ledger %v", book.Capsule, book.Rehearsal, book.Ledger)
	}
}
