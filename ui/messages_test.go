package ui

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/dialog"
	"tminus/ui/pane"
)

// telling is a screen of a run whose item notice tells two channels, with what
// went out before.
func telling(t *testing.T, stage string, w, h int, told ...phases.Telling) (*Operator, *recorder) {
	t.Helper()
	o, rec := screen(t, stage, w, h)
	b := o.state.Runbook
	b.Channels = []runbook.Channel{
		{ID: "users", Webhook: &runbook.Webhook{URLFrom: "GYM_URL", Form: runbook.FormSlack}},
		{ID: "office", SMTP: &runbook.SMTP{To: []string{"a@gym.example", "b@gym.example"}}},
	}
	b.Messages = []runbook.Message{
		{ID: "begin", To: []string{"users", "office"}, Title: "{{title}} begins", Text: "On {{database}}.\n\nUntil {{planned_end}}, says <b>{{operator}}</b>."},
		{ID: "waits", On: runbook.OnHold, To: []string{"office"}, Title: "{{phase_title}} waits", Text: "Until {{hold.until}}."},
		{ID: "not_today", On: runbook.OnNoGo, To: []string{"users"}, Title: "No reset today", Text: "{{reason}}."},
		{ID: "aborted", On: runbook.OnAbort, To: []string{"users"}, Title: "Aborted", Text: "{{reason}}: {{not_committed}}."},
	}
	for g := range b.Checklist {
		for i := range b.Checklist[g].Items {
			if it := &b.Checklist[g].Items[i]; it.ID == "notice" {
				it.Message = "begin"
			}
		}
	}
	if len(told) > 0 || stage == "checklist" {
		o.state.Items["notice"] = &phases.ItemState{}
	}
	o.state.Tellings = told
	o.nav.cursor = "notice"
	ticks(o)
	return o, rec
}

// halfTold is a message that one of two channels did not take.
func halfTold() phases.Telling {
	at := fixtureNow.Add(-time.Minute)
	return phases.Telling{Number: 1, Message: "begin", By: "ada@here", At: at, Title: "Gym reset begins", Text: "On gym.\nUntil 03:20 UTC.", Channels: []phases.Told{
		{Channel: "users", Status: phases.ToldFailed, Attempts: 3, At: at, Error: "it answered with status 500"},
		{Channel: "office", Status: phases.ToldSent, Attempts: 1, At: at},
	}}
}

// What people will read is shown before it goes, and it goes on a yes alone.
func TestAMessageIsShownBeforeItGoes(t *testing.T) {
	o, rec := telling(t, "checklist", 80, 24)
	run(o, keyNamed("space"))
	if len(rec.commands) != 0 || !strings.Contains(trimmed(frameText(o)), "its message answers it") {
		t.Fatalf("a tick answers for it: %v\n%s", rec.commands, frameText(o))
	}
	run(o, keyNamed("x"))
	got := trimmed(frameText(o))
	for _, want := range []string{"Send this?", "To users (Slack), office (mail to 2 people):", "Gym reset begins", "says <b>"} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
	run(o, keyNamed("enter"))
	if o.dialog != nil || len(rec.commands) != 0 {
		t.Fatalf("it opens on its yes: %v", rec.commands)
	}
	run(o, keyNamed("x"))
	quietly(o)
	run(o, keyNamed("y"))
	if want := []phases.Command{phases.Tell{Message: "begin"}}; !reflect.DeepEqual(rec.commands, want) {
		t.Errorf("x and yes send %v", rec.commands)
	}
}

// What did not arrive is said on the screen, and one key sends that alone again.
func TestWhatDidNotArriveIsSentAgain(t *testing.T) {
	for _, key := range []string{"m", "x"} {
		o, rec := telling(t, "checklist", 80, 24, halfTold())
		got := trimmed(frameText(o))
		for _, want := range []string{"NOT TOLD: users (message begin)", "not told: users", "status 500", "m send again"} {
			if !strings.Contains(got, want) {
				t.Errorf("missing %q in\n%s", want, got)
			}
		}
		run(o, keyNamed(key))
		if got := trimmed(frameText(o)); !strings.Contains(got, "To users (Slack):") || strings.Contains(got, "mail to 2 people") {
			t.Errorf("%s asks\n%s", key, got)
		}
		quietly(o)
		run(o, keyNamed("y"))
		if want := []phases.Command{phases.Tell{Message: "begin", Channel: "users"}}; !reflect.DeepEqual(rec.commands, want) {
			t.Errorf("%s sends %v", key, rec.commands)
		}
	}
	o, rec := telling(t, "checklist", 80, 24, halfTold())
	run(o, keyNamed("space"))
	if want := []phases.Command{phases.Tick{Item: "notice"}}; !reflect.DeepEqual(rec.commands, want) {
		t.Errorf("people know it otherwise, and space sends %v", rec.commands)
	}
	o, _ = telling(t, "checklist", 80, 24)
	run(o, keyNamed("m"))
	if got := trimmed(frameText(o)); !strings.Contains(got, "nothing is to be sent again") {
		t.Errorf("m does nothing, and says\n%s", got)
	}
}

// NO-GO and abort show what they tell people, with the reason as it is typed.
func TestTheEndsDialogsShowWhatTheyTell(t *testing.T) {
	for key, c := range map[string]struct{ stage, want string }{
		"N": {"checklist", "No reset today"}, "a": {"confirm", "too late: Delete members."},
	} {
		o, _ := telling(t, c.stage, 80, 24)
		run(o, keyNamed(key))
		if got := trimmed(frameText(o)); !strings.Contains(got, "It tells users (Slack):") || !strings.Contains(got, "(the reason that you type)") {
			t.Errorf("%s shows\n%s", key, got)
		}
		typed(o, "too late")
		if got := trimmed(frameText(o)); !strings.Contains(got, c.want) || !strings.Contains(got, "too late") {
			t.Errorf("%s with a reason shows\n%s", key, got)
		}
	}
}

// The pane shows when, what, to whom, and what came of it; a reader's has no keys.
func TestTheMessagesPane(t *testing.T) {
	for name, size := range map[string][2]int{"small": {80, 24}, "wide": {120, 40}} {
		t.Run(name, func(t *testing.T) {
			unknown := halfTold()
			unknown.Number, unknown.Message, unknown.On, unknown.Phase, unknown.Title = 2, "waits", runbook.OnHold, "bookings", "Delete bookings waits"
			unknown.Text = "Until 02:10 UTC."
			unknown.Channels = []phases.Told{{Channel: "office", Status: phases.ToldUnknown, At: unknown.At}}
			o, _ := telling(t, "checklist", size[0], size[1], halfTold(), unknown)
			o.goTo(pane.Messages)
			got := frameText(o)
			checkFrame(t, name, got, size[0], size[1])
			golden.RequireEqual(t, []byte(trimmed(got)))
		})
	}
	o, _ := telling(t, "checklist", 80, 24, halfTold())
	v := NewViewer(ViewerOptions{ReadOnly: "READ-ONLY"})
	v.state, v.keys = o.state, watchKeys()
	v.Resize(80, 24)
	v.goTo(pane.Messages)
	if got := v.Frame(fixtureNow); strings.Contains(got, "m  send again") || !strings.Contains(got, "NOT TOLD: it answered with status 500") {
		t.Errorf("a reader sees\n%s", got)
	}
}

// quietly lets the keyboard rest until a dialog takes a yes.
func quietly(o *Operator) {
	now := o.now
	o.now = func() time.Time { return now().Add(dialog.ArmAfter) }
}
