package ui

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tminus/phases"
)

// task is something that a person wants of the screen in the night.
type task struct {
	what  string
	stage string   // of the fixtures
	keys  []string // pressed one after the other; a word is typed
	says  []string // what the screen then says
	sends string   // what is sent; empty for nothing
	note  string   // beside its keys in the document
	with  func(*phases.State)
}

// keptCapsules has the committed phases keep what they took away.
func keptCapsules(s *phases.State) {
	s.Opened.Capsule = &phases.CapsulePlace{Folder: "/runs/gym.journal.capsule"}
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Status == phases.PhaseIsCommitted {
			p.Capsule = &phases.Capsule{Gone: 402_000}
		}
	}
}

// tasks are ten, each for whoever has never seen the screen: the keys are those
// that it names.
var tasks = []task{
	{what: "what blocks the gate", stage: "checklist", keys: []string{"2"}, says: []string{"held by 4 items", "No other client is connected: found 3 connections"}},
	{what: "who holds a lock, and ending it", stage: "locked", keys: []string{"t", "y"}, says: []string{"blocked by session 4711 (app, web, idle in transaction"}, sends: "{4711 0001-01-01 00:00:00 +0000 UTC true}", note: "who holds it stands there without a key"},
	{what: "how old the backup is", stage: "ready", keys: []string{"6"}, says: []string{"Backup gym-20260131, taken 01:34:00, 2 min 01 s old"}},
	{what: "what is committed", stage: "confirmed", keys: []string{"6"}, says: []string{"1 phase committed, 402,000 rows gone", "Delete bookings  402,000 rows  COMMIT at 02:01:35"}},
	{what: "abort", stage: "running", keys: []string{"a", "locks", "enter"}, sends: "{locks true}", note: "the reason is a word"},
	{what: "why a key is refused", stage: "checklist", keys: []string{"c"}, says: []string{"c (COMMIT): no phase waits for COMMIT"}},
	{what: "the restore, and the undo command", stage: "confirmed", keys: []string{"6", "pgdown"}, says: []string{"$ pg_restore --clean -d gym_demo gym-20260131.dump", "$ tminus undo gym.journal"}, with: keptCapsules},
	{what: "what phase 5 will reach", stage: "checklist", keys: []string{"8"}, says: []string{"payments  members  CASCADE"}},
	{what: "resume after a kill", stage: "interrupted", says: []string{"To go on: tminus resume"}, note: "`tminus resume`"},
	{what: "find an event", stage: "checklist", keys: []string{"5", "g"}, says: []string{"T-29:00", "event 1\n"}},
}

// Each takes three keys at most, and the document has them as they are pressed
// here. With -update it is written anew.
func TestTenTasksByTheScreenAlone(t *testing.T) {
	table := "| task | keys | how many |\n| --- | --- | --- |\n"
	for _, c := range tasks {
		if len(c.keys) > 3 {
			t.Errorf("%s takes %d keys", c.what, len(c.keys))
		}
		o, rec := screen(t, c.stage, 80, 24)
		if c.with != nil {
			c.with(o.state)
		}
		seen := ""
		for _, key := range c.keys {
			seen += trimmed(frameText(o))
			o.now = frozen(o.now().Add(time.Second))
			if len(key) > 1 && key != "enter" && key != "pgdown" {
				typed(o, key)
				continue
			}
			run(o, keyNamed(key))
		}
		seen += trimmed(frameText(o))
		for _, want := range c.says {
			if !strings.Contains(seen, want) {
				t.Errorf("%s: the screen does not say %q:\n%s", c.what, want, seen)
			}
		}
		sent := ""
		for _, command := range rec.commands {
			sent += fmt.Sprint(command)
		}
		if sent != c.sends {
			t.Errorf("%s: sent is %q, want %q", c.what, sent, c.sends)
		}
		keys := "none"
		if len(c.keys) > 0 {
			keys = "`" + strings.Join(c.keys, "` `") + "`"
		}
		if c.note != "" {
			keys += "; " + c.note
		}
		table += fmt.Sprintf("| %s | %s | %d |\n", c.what, keys, len(c.keys))
	}
	const path = "../docs/screen.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), "<!-- tasks -->\n")
	old, after, ended := strings.Cut(rest, "<!-- end -->")
	switch want := "\n" + table + "\n"; {
	case !ok || !ended:
		t.Fatalf("%s has no place for the tasks", path)
	case old == want:
	case flag.Lookup("update").Value.String() != "true":
		t.Errorf("%s does not have the tasks as they are: run the test with -update", path)
	default:
		if err := os.WriteFile(path, []byte(before+"<!-- tasks -->\n"+want+"<!-- end -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
