package engine_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/engine/tell"
	"tminus/phases/journal"
)

// tellers is a webhook for each channel of a test: what it got, and how it
// answers.
type tellers struct {
	*httptest.Server
	mu     sync.Mutex
	got    map[string][]string // bodies, by channel
	status map[string]int
	hang   map[string]bool
	free   chan struct{} // closed: nothing hangs any more
}

func newTellers(t *testing.T) *tellers {
	w := &tellers{got: map[string][]string{}, status: map[string]int{}, hang: map[string]bool{}, free: make(chan struct{})}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		channel := strings.TrimPrefix(r.URL.Path, "/")
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.got[channel] = append(w.got[channel], string(body))
		status, hang := w.status[channel], w.hang[channel]
		w.mu.Unlock()
		if hang {
			select {
			case <-w.free:
			case <-r.Context().Done():
			}
			return
		}
		if status != 0 {
			out.WriteHeader(status)
		}
	}))
	t.Cleanup(w.Close)
	t.Cleanup(func() { close(w.free) })
	return w
}

func (w *tellers) count(channel, text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, body := range w.got[channel] {
		if strings.Contains(body, text) {
			n++
		}
	}
	return n
}

func (w *tellers) set(channel string, status int, hang bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status[channel], w.hang[channel] = status, hang
}

// tellingBook is smallBook, and tells two channels of it.
func (w *tellers) book() string {
	return strings.Replace(smallBook, "        fields: [{id: who, label: Who}]\n", "        fields: [{id: who, label: Who}]\n      - {id: spread, text: Spread, message: announce}\n", 1) + `
channels:
  - {id: users, webhook: {url: "` + w.URL + `/users"}}
  - {id: boss, webhook: {url: "` + w.URL + `/boss"}}
messages:
  - {id: announce, to: [users, boss], title: Soon, text: 'said by {{who}} for {{database}}'}
  - {id: begin, on: begin, to: [users], title: Begins, text: 'at {{t0}}'}
  - {id: waits, on: hold, to: [boss], title: '{{phase_title}} waits', text: 'before {{hold.until}}'}
  - {id: not_today, on: no_go, to: [users, boss], title: NO-GO, text: 'because {{reason}}'}
  - {id: aborted, on: abort, to: [users], title: Aborted, text: '{{reason}}; {{not_committed}}'}
  - {id: over, on: done, to: [users, boss], title: Over, text: '{{rows.deleted}} rows, {{committed}}'}
`
}

// quickly tries again at once what was refused, and gives up no channel that hangs:
// that is for the test to do.
var quickly = engine.Settings{Tell: tell.Limits{Attempt: time.Minute, Pause: time.Millisecond}}

// toldOn tells how a message stands on a channel.
func toldOn(s *phases.State, message, channel string) phases.ToldStatus {
	if t := s.LastTelling(message); t != nil {
		for _, c := range t.Channels {
			if c.Channel == channel {
				return c.Status
			}
		}
	}
	return ""
}

func (r *rig) untilTold(message, channel string, want phases.ToldStatus) {
	r.t.Helper()
	r.until(message+" "+string(want)+" on "+channel, func(s *phases.State) bool { return toldOn(s, message, channel) == want })
}

// People are told at each moment, beside the run: a channel that hangs holds up
// no COMMIT, and one that refused gets it again when somebody asks.
func TestPeopleAreToldBesideTheRun(t *testing.T) {
	w := newTellers(t)
	r := newRig(t, smallSchema, w.book())
	r.open(quickly)
	r.untilReady()
	r.refused(phases.Tell{Message: "begin"}, "by itself")
	r.do(phases.Record{Item: "told", Field: "who", Value: "Ada"})
	r.do(phases.Tick{Item: "told"})
	r.acknowledge()
	w.set("boss", 500, false)
	r.refused(phases.Tick{Item: "spread"}, "message")
	r.do(phases.Tell{Message: "announce"})
	r.untilTold("announce", "users", phases.ToldSent)
	r.untilTold("announce", "boss", phases.ToldFailed)
	r.refused(phases.PassGate{Approver: "x", Typed: r.opened.Target.Database}, "not told: boss")
	r.refused(phases.Tell{Message: "announce", Channel: "users"}, "sent")
	w.set("boss", 0, false)
	r.do(phases.Tell{Message: "announce", Channel: "boss"})
	r.untilTold("announce", "boss", phases.ToldSent)
	if w.count("users", "said by Ada") != 1 || w.count("boss", "said by Ada") != 4 {
		t.Errorf("users got it %d times, boss %d", w.count("users", "said by Ada"), w.count("boss", "said by Ada"))
	}
	w.set("boss", 0, true)
	r.announcedToHold()
	r.untilTold("waits", "boss", phases.ToldSending)
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
	if got := toldOn(r.state(), "waits", "boss"); got != phases.ToldSending {
		t.Errorf("at COMMIT the message that hangs is %q", got)
	}
	r.untilTold("over", "users", phases.ToldSent)
	if w.count("users", "25,000 rows, Clear") != 1 || w.count("users", `"title":"Begins"`) != 1 {
		t.Errorf("users got %q", w.got["users"])
	}
	// Who asks later is not held up.
	r.until("both are with the boss", func(*phases.State) bool { return w.count("boss", "Clear waits") == 1 && w.count("boss", "Over") == 1 })
	w.set("boss", 0, false)
	r.do(phases.Tick{Item: "said"})
	r.do(phases.CloseRun{})
	r.refused(phases.Note{Text: "x"}, "being closed")
	w.free <- struct{}{}
	w.free <- struct{}{}
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if s := r.state(); s.Outcome != phases.Completed || s.ClosedAt.IsZero() {
		t.Errorf("it ended as %q", s.Outcome)
	}
}

// A NO-GO and an abort are told before the run's last record, and for so long
// only as people can be waited for.
func TestTheEndIsToldBeforeTheRunIsClosed(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		for outcome, message := range map[phases.Outcome]string{phases.NoGo: "not_today", phases.Aborted: "aborted"} {
			w := newTellers(t)
			r := newRig(t, smallSchema, w.book())
			settings := quickly
			settings.Farewell = 50 * time.Millisecond
			if !hangs {
				settings.Farewell = time.Minute
			}
			r.open(settings)
			r.untilReady()
			if outcome == phases.Aborted {
				r.tellersToHold()
			}
			w.set("users", 0, hangs)
			if outcome == phases.Aborted {
				r.do(phases.Abort{Reason: "no <backup>"})
			} else {
				r.do(phases.DeclareNoGo{Reason: "no <backup>"})
			}
			if err := r.wait(); err != nil {
				t.Fatal(err)
			}
			s, want := r.state(), phases.ToldSent
			if hangs {
				want = phases.ToldFailed
			}
			if s.ClosedAt.IsZero() || s.Outcome != outcome || toldOn(s, message, "users") != want {
				t.Errorf("%s, hangs %v: closed at %v as %q, users %q", outcome, hangs, s.ClosedAt, s.Outcome, toldOn(s, message, "users"))
			}
			// What was given up may not have been on its way yet.
			if !hangs && w.count("users", `o \u003cbackup\u003e`) == 0 {
				t.Errorf("%s: users got %q", outcome, w.got["users"])
			}
		}
	}
}

// A program that is killed behind the record of the end has told nobody: whoever
// takes the run up, or brings back what it left off, tells them before it is closed,
// and tells nobody twice.
func TestTheEndIsToldByTheNextProgram(t *testing.T) {
	for _, c := range []struct {
		end      phases.Command
		cut      string // the last record that is left
		message  string
		restores bool
		goes     int
	}{
		{phases.DeclareNoGo{Reason: "no backup"}, "no_go_declared", "not_today", false, 1},
		{phases.DeclareNoGo{Reason: "no backup"}, "no_go_declared", "not_today", true, 1},
		{phases.DeclareNoGo{Reason: "no backup"}, "message_sent", "not_today", false, 0},
		{phases.Abort{Reason: "no backup"}, "run_aborted", "aborted", false, 1},
	} {
		w := newTellers(t)
		r := newRig(t, smallSchema, w.book())
		r.open(quickly)
		r.untilReady()
		if _, aborts := c.end.(phases.Abort); aborts {
			r.tellersToHold()
		}
		r.do(c.end)
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
		r.cutBehind(c.cut)
		before := w.count("users", "no backup")
		if c.restores {
			r.openTarget()
			writer, recs, _, err := journal.OpenWriter(r.path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := engine.Restore(t.Context(), r.target, writer, recs, engine.Restoring{Operator: r.opened.Operator}); err != nil {
				t.Fatal(err)
			}
			writer.Close()
		} else {
			r.resume(quickly)
			if err := r.wait(); err != nil {
				t.Fatal(err)
			}
		}
		s := r.state()
		if s.ClosedAt.IsZero() || toldOn(s, c.message, "users") != phases.ToldSent || w.count("users", "no backup") != before+c.goes {
			t.Errorf("cut behind %s: closed at %v, users %q, told %d times more\n%s", c.cut, s.ClosedAt, toldOn(s, c.message, "users"), w.count("users", "no backup")-before, r.log())
		}
	}
}

// cutBehind leaves the journal as a program leaves it that is killed behind a
// record of this kind, the last there is.
func (r *rig) cutBehind(kind string) {
	r.t.Helper()
	data, err := os.ReadFile(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	at := strings.LastIndex(string(data), `"kind":"`+kind+`"`)
	if at < 0 {
		r.t.Fatalf("no %s in the journal:\n%s", kind, r.log())
	}
	if err := os.WriteFile(r.path, data[:at+strings.IndexByte(string(data[at:]), '\n')+1], 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// acknowledge takes on what the survey found.
func (r *rig) acknowledge() {
	r.t.Helper()
	for open := r.state().Unacknowledged(); len(open) > 0; open = r.state().Unacknowledged() {
		r.do(phases.Acknowledge{Code: open[0].Code, Who: "the duty manager", Typed: open[0].Code})
	}
}

// announcedToHold goes from a gate that nothing holds to the second phase's hold.
func (r *rig) announcedToHold() {
	r.t.Helper()
	r.do(phases.PassGate{Approver: "the duty manager", Typed: r.opened.Target.Database})
	r.do(phases.StartPhase{Phase: "count"})
	r.untilStatus("count", phases.PhaseIsPassed)
	r.do(phases.Tick{Item: "sure"})
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	r.untilStatus("clear", phases.PhaseHolding)
}

// Whether what was under way when the program died has arrived, nobody knows: it
// is said so, and nothing goes out a second time by itself.
func TestWhatWasBeingSentIsNotSentAgainByItself(t *testing.T) {
	w := newTellers(t)
	r := newRig(t, smallSchema, w.book())
	settings := quickly
	settings.Farewell = 20 * time.Millisecond
	r.open(settings)
	r.untilReady()
	r.do(phases.Record{Item: "told", Field: "who", Value: "Ada"})
	w.set("users", 0, true)
	r.do(phases.Tell{Message: "announce"})
	r.untilTold("announce", "boss", phases.ToldSent)
	r.until("the request", func(*phases.State) bool { return w.count("users", "Ada") == 1 })
	killed, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	if got := toldOn(r.state(), "announce", "users"); got != phases.ToldFailed {
		t.Errorf("left while it was sent: %q", got)
	}
	if err := os.WriteFile(r.path, killed, 0o600); err != nil {
		t.Fatal(err)
	}
	w.set("users", 0, false)
	r.resume(quickly)
	r.untilReady()
	if got := toldOn(r.state(), "announce", "users"); got != phases.ToldUnknown {
		t.Errorf("killed while it was sent: %q", got)
	}
	if n := w.count("users", "Ada"); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
	r.do(phases.Tell{Message: "announce", Channel: "users"})
	r.untilTold("announce", "users", phases.ToldSent)
	if n := w.count("users", "Ada"); n != 2 {
		t.Errorf("asked for, it was sent %d times", n)
	}
}

func TestAMissingVariableHoldsTheGateUntilAProgramHasIt(t *testing.T) {
	w := newTellers(t)
	source := strings.Replace(w.book(), `{url: "`+w.URL+`/users"}`, "{url_from: TELLING_TEST_URL}", 1)
	r := newRig(t, smallSchema, source)
	r.open(quickly)
	r.untilReady()
	r.until("the hold", func(s *phases.State) bool {
		return slices.ContainsFunc(s.GateHolds(time.Now()), func(h phases.Hold) bool { return strings.Contains(h.Text, "TELLING_TEST_URL is not set") })
	})
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TELLING_TEST_URL", w.URL+"/users?token=T0PSECRET")
	r.resume(quickly)
	r.untilReady()
	if holds := r.state().GateHolds(time.Now()); slices.ContainsFunc(holds, func(h phases.Hold) bool { return strings.HasPrefix(h.Text, "channel") }) {
		t.Errorf("still held: %+v", holds)
	}
	w.set("users", 403, false)
	r.do(phases.Record{Item: "told", Field: "who", Value: "Ada"})
	r.do(phases.Tell{Message: "announce"})
	r.untilTold("announce", "users", phases.ToldFailed)
	if data, err := os.ReadFile(r.path); err != nil || strings.Contains(string(data), "T0PSECRET") {
		t.Errorf("the address is in the journal, or %v", err)
	}
}

// An unattended run tells what its items tell, and waits for nobody at a hold.
func TestAnUnattendedRunTells(t *testing.T) {
	w := newTellers(t)
	r := newRig(t, smallSchema, strings.Replace(w.book(), "label: Who}", "label: Who, example: Ada}", 1))
	r.opened.Unattended = true
	r.open(quickly)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if s.Outcome != phases.Completed {
		t.Fatalf("%q\n%s", s.Outcome, r.log())
	}
	if w.count("users", "said by Ada") != 1 || w.count("boss", "Over") != 1 || w.count("boss", "waits") != 0 {
		t.Errorf("boss got %q", w.got["boss"])
	}
}

// tellersToHold brings a run of such a book to its hold: everybody is told.
func (r *rig) tellersToHold() {
	r.t.Helper()
	r.do(phases.Record{Item: "told", Field: "who", Value: "Ada"})
	r.do(phases.Tick{Item: "told"})
	r.acknowledge()
	r.do(phases.Tell{Message: "announce"})
	r.untilTold("announce", "users", phases.ToldSent)
	r.untilTold("announce", "boss", phases.ToldSent)
	r.announcedToHold()
}
