package ui

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/pane"
)

// grounds are ways in which a question's ground goes while it is open.
var grounds = map[string]struct {
	stage, key string
	lose       func(o *Operator)
	says       string
}{
	"GO, and an item fails": {"ready", "o", func(o *Operator) {
		o.state.Items["quiet"].Check = &phases.CheckState{Value: "3 connections", At: o.now()}
	}, "GO: closed, held by 1 item: No other client is connected: found 3 connections."},
	"GO, and evidence goes stale": {"ready", "o", func(o *Operator) { o.now = frozen(o.now().Add(time.Minute)) }, "GO: closed, held by "},
	"NO-GO, and the run has ended": {"ready", "N", func(o *Operator) {
		o.state.Outcome = phases.NoGo
	}, "NO-GO: closed, the run has ended"},
	"start, and a check fails": {"confirmed", "s", func(o *Operator) {
		o.state.Items["quiet"].Check = &phases.CheckState{Value: "3 connections", At: o.now()}
	}, "Start Delete members: closed, held by 1 item: No other client"},
	"COMMIT, and the hold is over": {"holding", "c", func(o *Operator) {
		o.state.Phases[1].Status, o.state.Phases[1].Reason = phases.PhaseIsRolledBack, "nobody chose COMMIT within the hold's limit"
	}, "COMMIT Delete bookings: closed, Delete bookings was rolled back: nobody chose"},
	"ROLLBACK, and COMMIT was sent": {"holding", "b", func(o *Operator) {
		o.state.Phases[1].Status = phases.PhaseCommitting
	}, "ROLLBACK Delete bookings: closed, COMMIT has been sent"},
	"a session, and it is gone": {"locked", "t", func(o *Operator) {
		o.state.Phases[1].Lock.Blockers = []phases.Blocker{{PID: 1}}
	}, "End session 4711: closed, session 4711 is in the way of no phase and of no check."},
	"a session, and the wait is over": {"locked", "t", func(o *Operator) { o.state.Phases[1].Lock = nil }, "End session 4711: closed"},
	"a form, and phases begin": {"go", "enter", func(o *Operator) {
		o.state.T0 = o.now()
	}, "A backup is taken and verified: closed, the checklist is closed: phases have started."},
	"an action, and phases begin": {"go", "x", func(o *Operator) { o.state.T0 = o.now() }, "Disable the trigger: closed, the checklist is closed"},
	"accept, and it is confirmed": {"undone", "A", func(o *Operator) {
		o.state.Phases[1].Status = phases.PhaseIsCommitted
	}, "Let Delete bookings count as committed: closed, Delete bookings is held as it was committed."},
	"leave, and the run ends":     {"running", "q", func(o *Operator) { o.state.Outcome = phases.Aborted }, "Leave the run: closed, the run has ended: aborted."},
	"a note, and the engine ends": {"running", "w", func(o *Operator) { o.stopped = true }, "A note for the execution log: closed, the engine has ended."},
}

// openAsking opens a case's question.
func openAsking(t *testing.T, stage, key string) (*Operator, *recorder) {
	t.Helper()
	o, rec := screen(t, stage, 80, 24)
	switch {
	case key == "x":
		o.goTo(pane.Checklist)
		o.nav.cursor = "triggers"
	case key == "enter":
		o.goTo(pane.Checklist)
		o.nav.cursor = "backup"
	}
	run(o, keyNamed(key))
	if o.front() == nil {
		t.Fatalf("%s, %s: no question opens: %s", stage, key, trimmed(o.status(o.now())))
	}
	return o, rec
}

// ticks moves the clocks once; the next tick, which that asks for, is not awaited.
func ticks(o *Operator) { o.Update(tickMsg{}) }

// A question never outlives its facts: the next event or tick closes it, and
// the screen says what it was and why.
func TestAQuestionClosesWithItsGround(t *testing.T) {
	for name, c := range grounds {
		for _, message := range []tea.Msg{tickMsg{}, keyNamed("y"), tea.PasteMsg{Content: "gym_demo"}, endedMsg{}} {
			if _, ends := message.(endedMsg); ends && name != "a note, and the engine ends" {
				continue
			}
			o, rec := openAsking(t, c.stage, c.key)
			ticks(o)
			if o.front() == nil {
				t.Fatalf("%s: closed although nothing happened", name)
			}
			c.lose(o)
			if message == (tickMsg{}) {
				ticks(o)
			} else {
				run(o, message)
			}
			if o.front() != nil || len(rec.commands) > 0 {
				t.Errorf("%s, %T: the question stands: %v\n%s", name, message, rec.commands, trimmed(frameText(o)))
				continue
			}
			if text := strings.Join(strings.Fields(o.status(o.now())), " "); !strings.Contains(text, c.says) || !strings.Contains(o.said.text, c.says) {
				t.Errorf("%s: the screen says %q, want %q", name, o.said.text, c.says)
			}
		}
	}
}

// What a question says is what the screen behind it says, at each frame.
func TestAQuestionSaysWhatIsSo(t *testing.T) {
	o, _ := openAsking(t, "holding", "c")
	if text := trimmed(frameText(o)); !strings.Contains(text, "402,000 rows") {
		t.Fatalf("no rows in\n%s", text)
	}
	o.state.Phases[1].Tables[1].Deleted = 1
	o.state.Conditions = []phases.Condition{{At: o.now(), ConditionRaised: phases.ConditionRaised{
		Condition: phases.ConditionRows, Phase: "bookings", Detail: "bookings: 310,000 expected, 1 deleted",
	}}}
	if text := trimmed(frameText(o)); !strings.Contains(text, "92,001 rows deleted") || !strings.Contains(text, "Not as expected: bookings: 310,000 expected, 1 deleted") {
		t.Errorf("the question says what was so before:\n%s", text)
	}
	o, _ = openAsking(t, "locked", "t")
	o.state.Phases[1].Lock.Blockers = append([]phases.Blocker{{PID: 5, User: "etl"}}, o.state.Phases[1].Lock.Blockers...)
	if text := trimmed(frameText(o)); !strings.Contains(text, "End session 4711?") || strings.Index(text, "Session 4711:") > strings.Index(text, "Session 5: etl") {
		t.Errorf("the question is no longer about its session first:\n%s", text)
	}
	o, _ = openAsking(t, "locked", "q")
	o.state.Phases[1].Status = phases.PhaseIsRolledBack
	if text := trimmed(frameText(o)); !strings.Contains(text, "No transaction is open") {
		t.Errorf("the question goes on with a transaction that has ended:\n%s", text)
	}
}

// What was typed, and where the keys go, outlives any number of events.
func TestAQuestionKeepsWhatWasTyped(t *testing.T) {
	o, _ := openAsking(t, "ready", "o")
	typed(o, "Kim")
	run(o, keyNamed("enter"))
	typed(o, "gym")
	for range 3 {
		ticks(o)
	}
	if v := o.dialog.Values(); !reflect.DeepEqual(v, []string{"Kim", "gym"}) || o.dialog.Focus != 1 {
		t.Errorf("typed %q, with the keys at %d", v, o.dialog.Focus)
	}
}

// Keys that were meant for a question do nothing on the screen behind it, as
// long as they go on; what comes after a quiet moment counts again.
func TestKeysForAClosedQuestionDoNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, rec := openAsking(t, "ready", "o")
		base, begun := o.now(), time.Now()
		o.now = func() time.Time { return base.Add(time.Since(begun)) }
		o.nav.focus, o.nav.cursor = pane.Checklist, "notice"
		typed(o, "M. ")
		o.state.Items["quiet"].Check = &phases.CheckState{Value: "3 connections", At: o.now()}
		ticks(o)
		why := o.said.text
		for _, key := range []string{"L", "i", "N", "space", "b", "q", "enter", "esc", "y", "tab", "1"} {
			time.Sleep(hushFor - time.Millisecond)
			run(o, keyNamed(key))
			if o.front() != nil || len(rec.commands) > 0 || o.nav.focus != pane.Checklist {
				t.Fatalf("%s, typed for the question, reached the screen: %v", key, rec.commands)
			}
			run(o, tea.PasteMsg{Content: "gym_demo"})
		}
		if o.said.text != why || !strings.Contains(trimmed(frameText(o)), "GO: closed, held by") {
			t.Errorf("the keys took the reason away: %q", o.said.text)
		}
		time.Sleep(hushFor)
		run(o, keyNamed("N"))
		if o.dialog == nil || o.dialog.Title != "NO-GO?" {
			t.Error("after a quiet moment a key still does nothing")
		}
	})
}

// Leaving is asked for at any time, also right after a question has closed.
func TestLeavingIsNeverHushed(t *testing.T) {
	o, _ := openAsking(t, "holding", "c")
	o.state.Phases[1].Status = phases.PhaseIsRolledBack
	ticks(o)
	run(o, keyNamed("ctrl+c"))
	if o.leaving == nil {
		t.Error("ctrl+c does nothing after a question closed by itself")
	}
}

// The question behind that of leaving closes when it comes to the front.
func TestAQuestionBehindClosesInItsTurn(t *testing.T) {
	o, _ := openAsking(t, "holding", "c")
	run(o, keyNamed("ctrl+c"))
	o.state.Phases[1].Status, o.state.Phases[1].Reason = phases.PhaseIsRolledBack, "the limit"
	ticks(o)
	if o.leaving == nil || o.said.text != "" {
		t.Fatalf("the question in front is gone, or its keys are hushed: %q", o.said.text)
	}
	run(o, keyNamed("esc"))
	if o.front() != nil || !strings.Contains(o.said.text, "COMMIT Delete bookings: closed") {
		t.Errorf("the question behind stands: %q", o.said.text)
	}
}

// Whoever can no longer see the run may still end what is open, and nothing else.
func TestABlindScreenKeepsTheWayOut(t *testing.T) {
	for key, stays := range map[string]bool{"c": false, "b": true, "a": true, "q": true, "w": false} {
		o, _ := openAsking(t, "holding", key)
		run(o, recordsMsg{err: phases.ErrEnded})
		if (o.front() != nil) != stays {
			t.Errorf("%s: the question stands: %v", key, o.front() != nil)
		}
	}
}

func TestUndoneIsAcceptedByWhatWasFound(t *testing.T) {
	o, rec := openAsking(t, "undone", "A")
	run(o, keyNamed("enter"))
	if len(rec.commands) > 0 {
		t.Fatal("accepted without what was found")
	}
	typed(o, "the test data is back")
	o.now = frozen(o.now().Add(time.Second))
	run(o, keyNamed("enter"))
	if want := []phases.Command{phases.AcceptUndone{Phase: "bookings", Reason: "the test data is back"}}; !reflect.DeepEqual(rec.commands, want) {
		t.Errorf("the form sends %v", rec.commands)
	}
	o, _ = screen(t, "undone", 80, 24)
	o.state.Phases[1].Ledger = false
	run(o, keyNamed("A"))
	if o.dialog != nil || !strings.Contains(trimmed(frameText(o)), "the ledger does not prove") {
		t.Errorf("a phase that the ledger does not prove can be accepted:\n%s", frameText(o))
	}
}

// The database's silence is on screen at every size, and counts up.
func TestSilenceOfTheDatabaseIsSeen(t *testing.T) {
	for _, size := range [][2]int{{minWidth, minHeight}, {80, 24}, {120, 40}, {200, 60}} {
		for _, stage := range []string{"awaiting", "checklist", "holding", "doubt", "undone"} {
			o, _ := screen(t, stage, size[0], size[1])
			o.state.Awaited = &phases.Awaited{What: "count bookings", Since: o.now().Add(-12 * time.Second)}
			for after, want := range map[time.Duration]string{0: "12 s", 3 * time.Second: "15 s", 2 * time.Minute: "2 min 12 s"} {
				lines := o.lines(o.now().Add(after), o.statusLine(o.now().Add(after)), "")
				if text := trimmed(strings.Join(lines, "\n")); !strings.Contains(text, "Waiting for the database: count bookings, "+want) {
					t.Errorf("%s at %v after %s:\n%s", stage, size, after, text)
				}
			}
		}
	}
	o, _ := screen(t, "completed", 80, 24)
	o.state.Awaited = &phases.Awaited{What: "count bookings", Since: o.now()}
	if text := frameText(o); strings.Contains(text, "Waiting for the database") {
		t.Errorf("a run that has ended waits:\n%s", text)
	}
}
