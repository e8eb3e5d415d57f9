package ui

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
)

// scripted is an operator's screen that drives a script.
func scripted(t testing.TB, w, h int) (*Operator, *script) {
	t.Helper()
	s := newScript(t)
	return driving(t, s, w, h), s
}

// driving is an operator's screen that drives that script.
func driving(t testing.TB, s *script, w, h int) *Operator {
	t.Helper()
	o, _ := blank(t)
	o.do = s.Do
	o.now = func() time.Time { return s.now }
	o.Resize(w, h)
	feed(t, o, s)
	return o
}

// feed gives a screen the records that it has not seen.
func feed(t testing.TB, o *Operator, s *script) {
	t.Helper()
	seen := uint64(0)
	if o.state != nil {
		seen = o.state.Seq
	}
	run(o, recordsMsg{recs: s.recs[seen:]})
	if o.fault != nil {
		t.Fatal(o.fault)
	}
}

// A person who knows nothing but the first key of the hint line, and types
// what a dialog asks for, gets from the first item to the closed run. At the
// smallest screen too, and past what the survey found that is grave.
func TestAWholeRunByTheFirstHintAlone(t *testing.T) {
	for _, size := range [][2]int{{minWidth, minHeight}, {120, 40}} {
		o, s := scripted(t, size[0], size[1])
		s.record(phases.SurveyTaken{Survey: phases.Survey{Findings: graveFindings()}})
		feed(t, o, s)
		for presses := 0; o.state.Outcome == ""; presses++ {
			if presses > 1000 {
				t.Fatalf("at %v: no end is reached; the screen stands at\n%s", size, frameText(o))
			}
			s.now = s.now.Add(time.Second)
			if due := s.state.Due(s.now); due != "" {
				s.act(due, phases.Itself) // as an engine does by itself
			}
			if s.state.Gate.Decision == phases.Go && presses%8 == 0 && s.state.Current() >= 0 {
				s.checks() // as an engine does by itself
			}
			if o.dialog != nil {
				answerDialog(o)
			} else {
				run(o, keyNamed(firstHint(t, o)))
			}
			feed(t, o, s)
			checkFrame(t, "on the way", frameText(o), size[0], size[1])
		}
		if o.state.Outcome != phases.Completed {
			t.Errorf("the run ended %s", o.state.Outcome)
		}
		if n := len(o.state.Acknowledged); n != 8 {
			t.Errorf("%d findings were acknowledged, want the 8 grave ones", n)
		}
		if !run(o, keyNamed(firstHint(t, o))) {
			t.Error("the first hint at the end does not leave")
		}
	}
}

// graveFindings are eight of two kinds, and one that is not grave.
func graveFindings() []phases.Finding {
	out := []phases.Finding{
		{Code: "key-slow", Severity: phases.SeverityWarning, Text: "it takes a while", Remedy: "make an index"},
		{Code: "protected-changed", Severity: phases.SeverityError, Table: "lessons", Text: "deleting from trainers changes rows of the protected table lessons", Remedy: "decide whether they may change"},
	}
	for i := range 7 {
		out = append(out, phases.Finding{Code: "key-refuses", Severity: phases.SeverityError, Table: fmt.Sprintf("t%d", i), Text: fmt.Sprintf("rows of t%d refuse the delete", i), Remedy: "delete from it first"})
	}
	return out
}

// firstHint reads the first key off the screen.
func firstHint(t testing.TB, o *Operator) string {
	t.Helper()
	lines := strings.Split(ansi.Strip(frameText(o)), "\n")
	words := strings.Fields(lines[len(lines)-1])
	if len(words) == 0 {
		t.Fatalf("no key is shown:\n%s", frameText(o))
	}
	if words[0] == "↓" {
		return "down"
	}
	return words[0]
}

// answerDialog does what the dialog says: types what it wants, takes an example
// where there is one and a word where there is none, and chooses the yes.
func answerDialog(o *Operator) {
	d := o.dialog
	if d.Focus >= len(d.Fields) {
		for o.dialog == d && d.Focus < len(d.Fields)+d.Yes() {
			run(o, keyNamed("right"))
		}
		run(o, keyNamed("enter"))
		return
	}
	switch f := d.Fields[d.Focus]; {
	case f.Must != "":
		run(o, tea.PasteMsg{Content: f.Must})
	case f.Edit.Value() == "" && dialog.ExampleOf(f.Field) == "":
		typed(o, "somebody")
	case f.Edit.Value() == "":
		run(o, keyNamed("tab"))
		run(o, keyNamed("up"))
	default:
		run(o, keyNamed("enter"))
	}
	if f := d.Fields; d.Focus < len(f) && f[d.Focus].Must != "" && f[d.Focus].Edit.Value() != "" {
		// A quiet moment, then the answer.
		now := o.now
		o.now = func() time.Time { return now().Add(dialog.ArmAfter) }
		run(o, keyNamed("enter"))
		o.now = now
	}
}

// recorded lets as much time pass as a screen waits for a command's record.
func recorded(o *Operator) {
	for range staleTicks {
		o.Update(tickMsg{}) // and not the next one, which it gives
	}
}

// Who approves is not for the program to suggest, in a demo neither.
func TestNoExampleOfAnApprover(t *testing.T) {
	o, _ := screen(t, "ready", 80, 24)
	run(o, keyNamed("o"))
	run(o, keyNamed("tab"))
	if v := o.dialog.Values(); v[0] != "" {
		t.Errorf("tab fills in %q as approver", v[0])
	}
}

func TestNoExamplesInProduction(t *testing.T) {
	o, _ := screen(t, "checklist", 80, 24)
	o.state.Opened.Environment = phases.Production
	o.nav.cursor = "backup"
	run(o, keyNamed("enter"))
	run(o, keyNamed("tab"))
	if v := o.dialog.Values(); v[0] != "" {
		t.Errorf("tab fills in %q in production", v[0])
	}
}

func TestAKeyThatDoesNothingSaysWhy(t *testing.T) {
	for _, c := range []struct{ stage, key, want string }{
		{"checklist", "c", "no phase waits for COMMIT"},
		{"checklist", "s", "the gate has not been passed"},
		{"checklist", "o", "held by"},
		{"checklist", "space", "its check answers this item"},
		{"checklist", "z", "z does nothing here"},
		{"checklist", "ctrl+z", "would stop the run"},
		{"running", "c", "no phase waits for COMMIT"},
		{"running", "N", "abort the run instead"},
		{"committing", "b", "COMMIT has been sent"},
		{"doubt", "a", "COMMIT has been sent"},
		{"next", "x", "select an item first"},
		{"holding", "t", "no session blocks"},
		{"completed", "s", "ended"},
		{"confirm", "s", "held by 1 item: The rollback engineer"},
		{"undone", "s", "a human must look at the database first"},
		{"holding", "A", "is held as it was committed"},
	} {
		o, rec := screen(t, c.stage, 120, 40)
		if c.stage == "checklist" {
			o.nav.cursor = "quiet"
		}
		run(o, keyNamed(c.key))
		status := trimmed(o.status(o.now()))
		if !strings.Contains(status, c.want) || o.dialog != nil || len(rec.commands) > 0 {
			t.Errorf("%s, %s: the screen says %q, want %q", c.stage, c.key, status, c.want)
		}
	}
}

// dialogKeys are the dialogs that can be opened, by stage and key.
var dialogKeys = []struct{ stage, key string }{
	{"ready", "o"},
	{"ready", "N"},
	{"go", "s"},
	{"confirmed", "s"},
	{"holding", "c"},
	{"holding", "b"},
	{"running", "b"},
	{"locked", "t"},
	{"undone", "A"},
	{"running", "e"},
	{"running", "a"},
	{"done", "d"},
	{"running", "q"},
	{"checklist", "ctrl+c"},
	{"checklist", "x"},
}

// Enter on what a dialog opens with answers nothing, however long one waits.
func TestEnterOnAnOpenDialogDoesNothing(t *testing.T) {
	for _, c := range dialogKeys {
		o, rec := screen(t, c.stage, 80, 24)
		if c.key == "x" {
			o.nav.cursor = "triggers"
		}
		run(o, keyNamed(c.key))
		if o.dialog == nil && o.leaving == nil {
			t.Errorf("%s, %s: no dialog opens: %s", c.stage, c.key, trimmed(o.status(o.now())))
			continue
		}
		checkFrame(t, c.stage+" "+c.key, frameText(o), 80, 24)
		now := o.now()
		o.now = frozen(now.Add(time.Hour))
		if run(o, keyNamed("enter")) || len(rec.commands) > 0 {
			t.Errorf("%s, %s: enter answers with yes: %v", c.stage, c.key, rec.commands)
		}
	}
}

// Keys in a burst, as a paste without bracketed paste gives them, answer no
// careful dialog; the same keys after a quiet moment do.
func TestDialogsArmAfterAQuietMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, rec := screen(t, "holding", 80, 24)
		o.state.Phases[1].HoldUntil = time.Now().Add(time.Hour)
		o.now = time.Now
		for _, key := range []string{"c", "right", "enter", "enter", "y"} {
			run(o, keyNamed(key))
		}
		if len(rec.commands) > 0 || o.dialog == nil {
			t.Fatalf("a burst of keys commits: %v", rec.commands)
		}
		time.Sleep(dialog.ArmAfter - time.Millisecond)
		run(o, keyNamed("enter"))
		if len(rec.commands) > 0 {
			t.Fatal("enter commits before the quiet moment is over")
		}
		time.Sleep(time.Hour)
		if len(rec.commands) > 0 || o.dialog == nil {
			t.Fatal("time alone answers")
		}
		run(o, keyNamed("enter"))
		if want := []phases.Command{phases.Commit{Phase: "bookings"}}; !reflect.DeepEqual(rec.commands, want) {
			t.Errorf("a considered enter sends %v", rec.commands)
		}
	})
}

// The name is typed or pasted; a pasted line feed confirms nothing.
func TestTypedConfirmation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, rec := screen(t, "confirmed", 80, 24)
		base, begun := o.now(), time.Now()
		o.now = func() time.Time { return base.Add(time.Since(begun)) }
		run(o, keyNamed("s"))
		time.Sleep(time.Second)
		typed(o, "gym")
		time.Sleep(time.Second)
		run(o, keyNamed("enter"))
		if len(rec.commands) > 0 || !strings.Contains(trimmed(frameText(o)), "type gym_demo to go on") {
			t.Fatalf("a wrong name starts the phase, or nothing says what is right: %v", rec.commands)
		}
		run(o, tea.PasteMsg{Content: "_demo\n"})
		run(o, keyNamed("enter"))
		if len(rec.commands) > 0 {
			t.Fatal("enter right after a paste confirms")
		}
		time.Sleep(time.Second)
		run(o, keyNamed("enter"))
		if want := []phases.Command{phases.StartPhase{Phase: "members", Typed: "gym_demo"}}; !reflect.DeepEqual(rec.commands, want) {
			t.Errorf("the typed name sends %v", rec.commands)
		}
	})
}

func TestRefusalIsShown(t *testing.T) {
	o, rec := screen(t, "checklist", 80, 24)
	rec.refuse = errors.New("the journal's disk is full")
	o.nav.cursor = "notice"
	run(o, keyNamed("space"))
	if s := trimmed(o.status(o.now())); !strings.Contains(s, "Refused: the journal's disk is full.") {
		t.Errorf("the screen says %q", s)
	}
}

func TestLeaving(t *testing.T) {
	for stage, asks := range map[string]bool{"checklist": true, "running": true, "after": true, "completed": false, "no-go": false} {
		o, _ := screen(t, stage, 80, 24)
		if quit := run(o, keyNamed("q")); quit == asks || asks != (o.leaving != nil) {
			t.Errorf("%s: q leaves without asking: %v", stage, quit)
		}
	}
	o, _ := screen(t, "running", 80, 24)
	for range 5 {
		if run(o, keyNamed("ctrl+c")) {
			t.Fatal("ctrl+c leaves with an open transaction, without an answer")
		}
	}
	text := trimmed(frameText(o))
	if !strings.Contains(text, "Leaving rolls it back") || !strings.Contains(text, "tminus resume gym.journal") {
		t.Errorf("the question does not say what leaving does:\n%s", text)
	}
	run(o, keyNamed("n"))
	if o.leaving != nil {
		t.Fatal("n does not stay")
	}
	run(o, keyNamed("q"))
	o.now = frozen(o.now().Add(time.Second))
	if !run(o, keyNamed("y")) {
		t.Error("a considered yes does not leave")
	}
}

// Once the engine has ended, or the journal cannot be read, nothing acts.
func TestNothingActsWithoutItsEngine(t *testing.T) {
	o, rec := screen(t, "holding", 80, 24)
	run(o, endedMsg{})
	run(o, keyNamed("c"))
	if o.dialog != nil || len(rec.commands) > 0 {
		t.Error("COMMIT is offered by a screen whose engine has ended")
	}
	if !run(o, keyNamed("q")) {
		t.Error("q asks although nothing is left to lose")
	}
	o, _ = screen(t, "holding", 80, 24)
	run(o, recordsMsg{err: errors.New("journal is damaged at line 7")})
	if text := frameText(o); !strings.Contains(text, "damaged at line 7") {
		t.Errorf("the fault is not shown:\n%s", text)
	}
	run(o, keyNamed("c"))
	if o.dialog != nil {
		t.Error("COMMIT is offered by a screen that does not follow the journal")
	}
	run(o, keyNamed("b"))
	if o.dialog == nil {
		t.Error("ROLLBACK is not offered by a screen that does not follow the journal")
	}
}

// A session that blocks is cancelled or ended, by keys that ask first; one that
// does nothing in its transaction has no statement to cancel.
func TestASessionThatBlocksIsEnded(t *testing.T) {
	for state, want := range map[string]phases.Command{
		"active":              phases.EndBackend{PID: 4711},
		"idle in transaction": phases.EndBackend{PID: 4711, Terminate: true},
	} {
		o, rec := screen(t, "locked", 80, 24)
		o.state.OpenPhase().Lock.Blockers[0].State = state
		if key := firstHint(t, o); key != "t" {
			t.Errorf("%s: the first key is %s", state, key)
		}
		run(o, keyNamed("t"))
		if text := trimmed(frameText(o)); !strings.Contains(text, "Session 4711: app, web, "+state) {
			t.Errorf("the dialog does not say who blocks:\n%s", text)
		}
		for _, key := range []string{"right", "enter"} {
			o.now = frozen(o.now().Add(time.Second))
			run(o, keyNamed(key))
		}
		if !reflect.DeepEqual(rec.commands, []phases.Command{want}) {
			t.Errorf("%s: the first button after No sends %v", state, rec.commands)
		}
	}
}

func TestExtendTakesWholeMinutes(t *testing.T) {
	o, rec := screen(t, "next", 80, 24)
	run(o, keyNamed("e"))
	typed(o, "Kim")
	run(o, keyNamed("enter"))
	typed(o, "slow disk")
	run(o, keyNamed("enter"))
	o.now = frozen(o.now().Add(time.Second))
	run(o, keyNamed("enter"))
	want := []phases.Command{phases.ExtendWindow{By: "Kim", Reason: "slow disk", Extra: 10 * time.Minute}}
	if !reflect.DeepEqual(rec.commands, want) {
		t.Errorf("the form sends %v", rec.commands)
	}
}

// A dialog larger than the screen keeps the line that is typed into in sight.
func TestLargeFormOnASmallScreen(t *testing.T) {
	o, _ := screen(t, "checklist", minWidth, minHeight)
	var item *runbook.Item
	for i := range o.state.Runbook.Checklist[1].Items {
		if it := &o.state.Runbook.Checklist[1].Items[i]; it.ID == "backup" {
			item = it
		}
	}
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		item.Fields = append(item.Fields, runbook.Field{ID: id, Label: "Field " + id, Required: true, Type: runbook.FieldText})
	}
	item.Help = strings.Repeat("a long explanation ", 40)
	o.nav.cursor = "backup"
	run(o, keyNamed("enter"))
	for i := range item.Fields {
		lines, cursor := o.frame(o.now())
		checkFrame(t, "form", strings.Join(lines, "\n"), minWidth, minHeight)
		if cursor == nil || !strings.Contains(lines[cursor.Y], item.Fields[i].Label) {
			t.Fatalf("field %d is not in sight:\n%s", i, frameText(o))
		}
		typed(o, strings.Repeat("x", 100))
		if _, cursor := o.frame(o.now()); cursor.X >= minWidth-2 {
			t.Fatalf("the cursor stands outside of the dialog, at %d", cursor.X)
		}
		run(o, keyNamed("down"))
	}
}

// The fetch command waits for records, hands them on, and ends with its context.
func TestRecordsAreFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		path, w := newJournal(t)
		f := follow(t, path)
		fetch := records(ctx, f)
		got := make(chan tea.Msg, 1)
		go func() { got <- fetch(0)() }() // ends with its message
		synctest.Wait()
		select {
		case m := <-got:
			t.Fatalf("an empty journal gives %v", m)
		default:
		}
		appendEvents(t, w, newScript(t).recs)
		if m := (<-got).(recordsMsg); len(m.recs) != 1 || m.err != nil {
			t.Errorf("fetched %v", m)
		}
		go func() { got <- fetch(0)() }()
		cancel()
		if m := <-got; m != nil {
			t.Errorf("after the end: %v", m)
		}
	})
}
